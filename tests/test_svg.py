"""Figures as a part of the page."""

import re

from instruction_data.page import figures, svg
from instruction_data.page.figures import Drawing


def test_in_the_page_a_figure_has_no_style_and_no_colour_of_its_own(tmp_path):
    figure = figures.shares({"a": {"x": 0.1, "y": 0.9}, "b": {"x": 0.5, "y": 0.5}}, "%")
    inlined = svg.inline(Drawing("two", "", "", figure, (), ()).save(tmp_path), "two")
    assert "style" not in inlined
    assert not re.findall(r'"#[0-9a-f]{6}"', inlined)
    assert "var(--ink)" in inlined
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inlined))
    assert used and used == set(re.findall(r' id="([^"]+)"', inlined))
