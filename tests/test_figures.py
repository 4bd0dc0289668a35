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


def test_a_name_is_one_part_of_a_path_and_what_it_lost_is_in_its_checksum():
    assert figures.named("RQ9_X", "tier in RQ2") == "RQ9_X_tier_in_RQ2"
    found = [
        figures.named("RQ9_X", part) for part in ("../../my/score, of all", "größe", "gr\u043eße", "日本", "/", "日/")
    ]
    assert [names.fault(name) for name in found] == [""] * 6
    assert len(set(found)) == 6
