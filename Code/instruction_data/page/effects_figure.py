"""The figure of a design: a row for every factor, what was found one at a time beside what the design found.

Both columns share one axis, in the reader's unit, with zero in both; right is better.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.page.figures import GRID, INK, MUTED, ORDERED, PAPER, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("one at a time", "designed")
COLOURS = (ORDERED[1], ORDERED[5])
LETTERS, INSIDE = 15, 17  # of a line: beside the rows, and in place of a mark
LINES = 4  # of a factor's name
ROW = 0.42  # inches of height
FAR = 3.0  # times as far from zero as half of the bars reach


@dataclass(frozen=True)
class Effect:
    """An effect in the reader's unit; more is better.

    Attributes:
        bar: its 95 % interval; None if that leaves out what another training would give.
    """

    estimate: float
    bar: tuple[float, float] | None


@styled
def effects(rows: Mapping[str, Sequence[Effect | str]], label: str) -> "Figure":
    """Draw a row for every factor and a column for each of ``COLUMNS``.

    Args:
        rows: factor -> its effect in each column, or the words that stand there instead.
        label: of the axis.
    """
    from matplotlib.figure import Figure

    names = [textwrap.wrap(name, LETTERS)[:LINES] for name in rows]
    height = 0.85 + sum(max(ROW, 0.15 * len(lines)) for lines in names)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    drawn = figure.subplots(1, len(COLUMNS), sharex=True, sharey=True)
    found = [one for row in rows.values() for one in row if isinstance(one, Effect)]
    ends = limits(found)
    for axes, title, colour, column in zip(drawn, COLUMNS, COLOURS, zip(*rows.values(), strict=True), strict=True):
        axes.set_title(title)
        axes.grid(axis="x")
        axes.axvline(0, color=INK, linewidth=1.1, zorder=1)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=4)
        for row, one in enumerate(column):
            _draw(axes, row, one, ends, colour)
    drawn[0].set_xlim(*ends)
    drawn[0].set_yticks(range(len(rows)), ["\n".join(lines) for lines in names])
    drawn[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.supxlabel(label, fontsize=8.5)
    return figure


def limits(found: Sequence[Effect]) -> tuple[float, float]:
    """Return the ends of the axis: all bars are within, but for the part of one that is far longer than most."""
    ends = np.array([[min(of), max(of)] for of in ((one.estimate, *(one.bar or ())) for one in found)])
    if not ends.any():
        return -1.0, 1.0
    most = FAR * float(np.median(np.abs(ends).max(axis=1)))
    inside = np.clip(ends, -most, most) if most > 0 else ends
    shown = [0.0, float(inside.min()), float(inside.max()), *(one.estimate for one in found)]
    low, high = min(shown), max(shown)
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _draw(axes: "Axes", row: int, one: Effect | str, ends: tuple[float, float], colour: str) -> None:
    """Draw one effect: filled where its interval leaves out zero, an arrow where the interval goes beyond the axis."""
    if isinstance(one, str):
        text = textwrap.fill(one, INSIDE)
        style = {"ha": "center", "va": "center", "color": MUTED, "fontsize": 7.5}
        axes.text(0.5, row, text, transform=axes.get_yaxis_transform(), backgroundcolor=PAPER, **style)
        return
    axes.axhline(row, color=GRID, linewidth=0.6, zorder=0)
    if one.bar:
        axes.plot(np.clip(one.bar, *ends), [row, row], color=colour, linewidth=2, solid_capstyle="butt", zorder=2)
        for end, marker in zip(one.bar, "<>", strict=True):
            if not ends[0] <= end <= ends[1]:
                axes.plot(np.clip(end, *ends), row, marker, color=colour, markersize=5, clip_on=False, zorder=3)
    face = colour if one.bar and not one.bar[0] <= 0 <= one.bar[1] else PAPER
    axes.plot(one.estimate, row, "o", color=face, markeredgecolor=colour, markersize=6, markeredgewidth=1.6, zorder=4)
