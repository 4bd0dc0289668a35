"""The figure of the answers: a strip for each question and pool; right is better.

A strip stands alone on the page, where its words are text beside it, and with all others in one figure for papers.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.page.figures import GRID, INK, MUTED, ORDERED, PAPER, ROW, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOW, HIGH, BAR = ORDERED[0], ORDERED[5], ORDERED[4]
ZERO = {"untrained": "untrained\nmodel", "random": "random\nsets", "ends": "middle\nof both"}
SIGNS = {"ends": "○ ●", "zero": "Line:", "bar": "Bar:", "band": "Band:", "matched": "◇ ◆"}
STRIP = 0.98  # inches of height
MARKS = 5  # the most intervals between marks of an axis
LETTERS = 12  # of a unit beside a mark
FAR = 1.0  # how far bars may widen the axis, in widths of all that is not a bar
PAGE, LEFT, RIGHT = 7.2, 2.15, 2.15  # inches: the figure for papers, its words on the left and on the right
NOTE = 112  # letters of a line of the note below
LINE = 0.145  # inches of height of a line of words


@dataclass(frozen=True)
class Compared:
    """Two ends of a contrast, in the reader's unit; more is better.

    Attributes:
        low, high: how far the ends stand from the zero line.
        bar: where ``high`` may stand, seen from ``low``: the interval of the contrast; None if it leaves out what
            another training would give.
    """

    low: float
    high: float
    bar: tuple[float, float] | None


@dataclass(frozen=True)
class Strip:
    """What one strip shows.

    Attributes:
        matched: the same of the matched controls.
        band: where random sets stand: their mean, less and plus two standard deviations.
        over: the zero line, a key of ``ZERO``.
        unit: the unit of all of it.
    """

    splits: Compared
    matched: Compared | None
    band: tuple[float, float] | None
    over: str
    unit: str

    @property
    def reach(self) -> tuple[float, float]:
        """The span of everything that is not a bar."""
        pairs = [one for one in (self.splits, self.matched) if one]
        found = [0.0, *(self.band or ()), *(at for one in pairs for at in (one.low, one.high))]
        return min(found), max(found)

    @property
    def bars(self) -> list[float]:
        """The ends of all bars."""
        return [end for one in (self.splits, self.matched) if one for end in one.bar or ()]


@dataclass(frozen=True)
class Row:
    """One row of the figure for papers: its strips, each with the ends of its axis, and the words beside them."""

    title: str
    low: str
    high: str
    scores: str
    lead: str
    rest: str
    strips: Sequence[tuple[Strip, tuple[float, float]]]


def limits(strips: Sequence[Strip]) -> tuple[float, float]:
    """Return the ends of an axis that strips of one score share; a bar that is far too long is cut."""
    low, high = min(one.reach[0] for one in strips), max(one.reach[1] for one in strips)
    wide = (high - low) or max((abs(end) for one in strips for end in one.bars), default=0.0) or 1.0
    low = min([low, *(max(end, low - FAR * wide) for one in strips for end in one.bars)])
    high = max([high, *(min(end, high + FAR * wide) for one in strips for end in one.bars)])
    if low == high:
        return -wide, wide
    margin = 0.06 * (high - low)
    return low - margin, high + margin


@styled
def strip(shown: Strip, ends: tuple[float, float]) -> "Figure":
    """Draw one strip.

    Args:
        ends: of the axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, STRIP))
    _draw(figure.add_axes((0.07, 0.36, 0.86, 0.62)), shown, ends)
    return figure


@styled
def paper(rows: Sequence[Row], note: str) -> "Figure":
    """Draw all strips with their words, for a page of a paper.

    Args:
        note: the words below.
    """
    from matplotlib.figure import Figure

    words = [
        (_lines(row.title, f"○ {row.low}", f"● {row.high}", row.scores), _lines(row.lead, row.rest)) for row in rows
    ]
    heights = [
        max(STRIP * len(row.strips), LINE * max(map(len, both))) + ROW / 2
        for row, both in zip(rows, words, strict=True)
    ]
    below = textwrap.wrap(note, NOTE)
    total = sum(heights) + LINE * (len(below) + 1)
    figure, top = Figure(figsize=(PAGE, total)), total - LINE / 2
    for row, both, height in zip(rows, words, heights, strict=True):
        for left, lines in zip((0.1, PAGE - RIGHT), both, strict=True):
            for place, (line, weight) in enumerate(lines):
                figure.text(left / PAGE, (top - LINE * place) / total, line, va="top", weight=weight)
        for place, (one, ends) in enumerate(row.strips):
            bottom = top - STRIP * (place + 1) + 0.36 * STRIP
            box = (LEFT / PAGE, bottom / total, (PAGE - LEFT - RIGHT - 0.25) / PAGE, 0.62 * STRIP / total)
            _draw(figure.add_axes(box), one, ends)
        top -= height
    figure.text(0.1 / PAGE, top / total, "\n".join(below), va="top", color=MUTED, fontsize=7.5)
    return figure


def _lines(first: str, *rest: str) -> list[tuple[str, str]]:
    """Return lines of words and their weights: the first text is bold."""
    bold = [(line, "bold") for line in textwrap.wrap(first, 28)]
    return bold + [(line, "normal") for text in rest for line in textwrap.wrap(text, 32)]


def _draw(axes: "Axes", shown: Strip, ends: tuple[float, float]) -> None:
    """Draw a strip's contents: splits above, matched controls below."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(*ends)
    axes.set_ylim(-0.9, 1.9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if shown.band:
        axes.axvspan(*np.clip(shown.band, *ends), color=GRID, linewidth=0, zorder=0)
    axes.axvline(0, color=INK, linewidth=1.1, zorder=1)
    middle = 0.5 if shown.matched is None else 1.05
    _pair(axes, shown.splits, middle, "o", (LOW, HIGH, BAR), 6.5)
    if shown.matched:
        _pair(axes, shown.matched, -0.25, "D", (MUTED, MUTED, MUTED), 4)
    at = [float(one) for one in MaxNLocator(MARKS, steps=[1, 2, 5, 10]).tick_values(*ends) if ends[0] <= one <= ends[1]]
    axes.set_xticks(at, [_mark(one, shown) for one in at])
    axes.tick_params(axis="x", length=3, labelsize=8)


def _pair(axes: "Axes", one: Compared, y: float, marker: str, colours: Sequence[str], size: float) -> None:
    """Draw two ends, the line between them, and the bar around the higher dose."""
    low, high, bar = colours
    ends = axes.get_xlim()
    axes.plot(np.clip([one.low, one.high], *ends), [y, y], color=INK, linewidth=0.9, zorder=2)
    if one.bar:
        axes.plot(np.clip(one.bar, *ends), [y, y], color=bar, linewidth=0.75 * size, alpha=0.55, solid_capstyle="butt")
    marks = [(end, None, bar, bar) for end in one.bar or () if not ends[0] <= end <= ends[1]]
    marks += [(one.low, marker, PAPER, low), (one.high, marker, high, high)]
    for order, (at, sign, face, edge) in enumerate(marks, 3):
        shape = "<" if at < ends[0] else ">" if at > ends[1] else sign
        style = {"markeredgecolor": edge, "markeredgewidth": 1.8 if face == PAPER else 0.8, "markersize": size}
        axes.plot(np.clip(at, *ends), y, shape, color=face, **style, clip_on=False, zorder=order)


def _mark(at: float, shown: Strip) -> str:
    if at == 0:
        return ZERO[shown.over]
    unit = shown.unit if len(shown.unit) <= LETTERS else ""
    unit = unit.removesuffix("s") if abs(at) == 1 else unit
    return f"{abs(at):g} {unit}".strip() + f"\n{'better' if at > 0 else 'worse'}"
