"""The figure of the answers: its axes, its marks, and its files."""

import re

import pytest

from instruction_data.page import answer_figure, figures
from instruction_data.page.answer_figure import Compared, Row, Strip
from instruction_data.page.figures import Drawing


def strip(low, high, bar, *, band=None, matched=None, unit="%"):
    return Strip(Compared(low, high, bar), matched, band, "untrained", unit)


def texts(figure):
    return re.findall(r">([^<>]+)</text>", figures.encoded(figure, "svg", "x").decode())


def marks(figure):
    """The horizontal places of the marks of a strip, with their shapes."""
    (axes,) = figure.axes
    return [
        (line.get_marker(), float(line.get_xdata()[0])) for line in axes.lines if line.get_marker() not in ("None", "")
    ]


def test_an_axis_holds_zero_and_everything_that_is_shown():
    low, high = answer_figure.limits([strip(2, 3, (2.5, 3.5)), strip(1, 2, (1, 2.5), band=(-1, 4))])
    assert low < -1 and high > 4
    assert answer_figure.limits([strip(0, 0, (0, 0))]) == (-1, 1)
    assert answer_figure.limits([strip(0, 0, (-2, 2))]) == pytest.approx((-2.24, 2.24))


def test_a_bar_that_is_far_too_long_is_cut_and_ends_in_arrows():
    shown = strip(1, 2, (-50, 54))
    ends = answer_figure.limits([shown])
    assert ends[0] > -3 and ends[1] < 5
    figure = answer_figure.strip(shown, ends)
    assert marks(figure) == [("<", ends[0]), (">", ends[1]), ("o", 1), ("o", 2)]


def test_what_lies_beyond_the_axis_is_an_arrow_at_its_edge():
    figure = answer_figure.strip(strip(-9, 1, (0, 2), band=(-20, 20)), (-2, 3))
    assert marks(figure) == [("<", -2), ("o", 1)]


def test_an_axis_says_better_and_worse_and_has_no_signs():
    said = texts(answer_figure.strip(strip(-1, 1, (0, 2)), (-2.2, 2.2)))
    assert {"1 %", "2 %", "better", "worse", "untrained", "model"} <= set(said)
    assert not any("-" in one or "−" in one or "+" in one for one in said)
    said = texts(answer_figure.strip(strip(-1, 1, (0, 2), unit="points"), (-2.2, 2.2)))
    assert {"1 point", "2 points"} <= set(said)
    assert "1 " + "x" * 60 not in texts(answer_figure.strip(strip(-1, 1, (0, 2), unit="x" * 60), (-2.2, 2.2)))


def test_matched_controls_stand_below_in_marks_of_their_own():
    (axes,) = answer_figure.strip(strip(1, 2, (1, 3), matched=Compared(1, 1.5, (1, 2))), (0, 4)).axes
    places = {line.get_marker(): line.get_ydata()[0] for line in axes.lines if line.get_marker() in ("o", "D")}
    assert places["D"] < places["o"]


def test_the_figure_for_papers_has_all_words_within_it(tmp_path):
    shown = strip(1, 2, (1, 3))
    rows = [
        Row(f"RQ{n} $x^{{2$ " + "w" * 70, "LOW", "HIGH", "t", "A lead.", "rest " * 40, [(shown, (0, 4))] * n)
        for n in (1, 2)
    ]
    figure = answer_figure.paper(rows, "note " * 60)
    drawing = Drawing("one", "One.", "Says.", figure, (), ())
    said = texts(figure)
    assert "○ LOW" in said and "A lead." in said
    assert any("$x^{2$" in one for one in said)
    drawing.save(tmp_path)
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
    renderer = figure._get_renderer()
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1, text
