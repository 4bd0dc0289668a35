"""Figures as files."""

import numpy as np

from instruction_data.files import names
from instruction_data.page import figures
from instruction_data.page.figures import Drawing


def test_files_are_whole_and_names_are_no_formulas(tmp_path):
    figure = figures.histogram({"$x^{2": np.arange(9.0), "<b>&": np.arange(9.0)}, [4.0], "$\\frac{")
    drawing = Drawing("one", "One.", "Says.", figure, (), ())
    svg = drawing.save(tmp_path)
    assert b"$x^{2" in svg and b"&lt;b&gt;&amp;" in svg
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_a_long_name_in_the_key_goes_on_below():
    points = [(10.0, 1.0, 0.0, 2.0), (100.0, 1.0, 0.0, 2.0)]
    figure = figures.over_sizes({"RQ9, one · pool two · demo-steps: lora, rate 0.0002, batch 10, epochs": points}, "x")
    figures.settle(figure)
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1


def test_a_name_is_one_part_of_a_path_and_what_it_lost_is_in_its_checksum():
    assert figures.named("RQ9_X", "tier in RQ2") == "RQ9_X_tier_in_RQ2"
    found = [
        figures.named("RQ9_X", part) for part in ("../../my/score, of all", "größe", "gr\u043eße", "日本", "/", "日/")
    ]
    assert [names.fault(name) for name in found] == [""] * 6
    assert len(set(found)) == 6
