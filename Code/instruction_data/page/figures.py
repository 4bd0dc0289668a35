"""Figures: numbers in, drawings out. Each is drawn once, for papers (SVG, PNG, PDF) and for the page.

Every colour is one of ``COLOURS``; ``svg`` turns them into variables for the page. Text stays text. No file holds a
time, so the same numbers give the same bytes.
"""

import hashlib
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.files.atomic import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue to orange over grey, and ten hues. Any colour vision can tell both apart, the ten hues by their markers.
ORDERED = ("#0b3c7d", "#2467ad", "#4a90c4", "#7d7d7d", "#cf7a1c", "#b4530a", "#7f2704")
HUES = (
    *("#0072b2", "#d55e00", "#00805d", "#b0568a", "#8a6d00"),
    *("#2f86bd", "#6a3d9a", "#444c56", "#a0522d", "#00777f"),
)
INK, MUTED, GRID, PAPER, WARNING = "#1f2329", "#5b626b", "#d9dce1", "#ffffff", "#b3261e"
COLOURS = {
    **{colour: f"--ordered-{number}" for number, colour in enumerate(ORDERED)},
    **{colour: f"--hue-{number}" for number, colour in enumerate(HUES)},
    **{INK: "--ink", MUTED: "--muted", GRID: "--grid", PAPER: "--paper", WARNING: "--warning"},
}
CHOSEN = {1: (0,), 2: (0, 6), 3: (0, 3, 6), 4: (0, 2, 4, 6), 5: (0, 2, 3, 4, 6), 6: (0, 1, 2, 4, 5, 6)}
MARKERS = ("o", "s", "^", "D", "P")
WIDTH = 4.0  # inches: narrow enough for a phone, two or three side by side on a screen
ROW = 0.27  # inches of height for each row of a chart
LEGEND_LETTERS = 46  # the most that fit side by side,
LEGEND_LINE = 60  # and in one line
BINS = 40
FORMATS = ("svg", "png", "pdf")


@dataclass(frozen=True)
class Drawing:
    """A figure with the text that replaces it for people who cannot see it.

    Attributes:
        name: the name of its files, unique in the page (``named``).
        says: one sentence that says what is drawn.
        header, rows: its numbers.
    """

    name: str
    title: str
    says: str
    figure: "Figure"
    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def save(self, folder: Path) -> bytes:
        """Write the files and return the SVG."""
        settle(self.figure)
        for ending in FORMATS:
            write_whole(folder / f"{self.name}.{ending}", encoded(self.figure, ending, self.name))
        return (folder / f"{self.name}.svg").read_bytes()


def named(*parts: str) -> str:
    """Return a valid name for the files of a figure, made of any parts.

    Spaces and commas become underscores. For all else that no file name should have, a checksum of the parts follows,
    so that others have other names.
    """
    lost = re.compile(r"[^A-Za-z0-9_., -]")
    name = "_".join(re.sub(r"[ ,_]+", "_", lost.sub("_", part)).strip("_") for part in parts)
    if any(map(lost.search, parts)):
        name += f"_{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"
    return name


def settle(figure: "Figure") -> None:
    """Lay out everything in a figure, once for all its files."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def encoded(figure: "Figure", ending: str, name: str) -> bytes:
    """Return a figure as a file of one of ``FORMATS``; its identifiers come from ``name``."""
    import matplotlib

    stream = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    with matplotlib.rc_context({**style(), "svg.hashsalt": name}):
        figure.savefig(stream, format=ending, dpi=200, metadata=dates[ending])
    return stream.getvalue()


@cache
def style() -> Mapping[str, object]:
    """Return the settings of all figures, under which no name is taken for a formula."""
    return {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 8.5,
        "axes.titlesize": 9,
        "axes.labelsize": 8.5,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
    }


def ordered(count: int) -> list[str]:
    """Return a colour for each of ``count`` ordered things; from the eighth on, colours repeat."""
    chosen = CHOSEN.get(count, range(7))
    return [ORDERED[chosen[number % len(chosen)]] for number in range(count)]


def styled(draw: Callable[..., "Figure"]) -> Callable[..., "Figure"]:
    """Make a function draw in ``style``."""

    @wraps(draw)
    def styled(*arguments, **options) -> "Figure":
        import matplotlib

        with matplotlib.rc_context(style()):
            return draw(*arguments, **options)

    return styled


def _axes(height: float) -> tuple["Figure", "Axes"]:
    """Return axes in a new figure that belongs to no window and no global list."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _row_axes(
    labels: Sequence[str], per_row: float = ROW, more: float = 0.75, letters: int = 24
) -> tuple["Figure", "Axes"]:
    """Return axes with a row for every label, the first one on top."""
    wrapped = [textwrap.fill(label, letters, break_long_words=False) for label in labels]
    lines = sum(label.count("\n") for label in wrapped)
    figure, axes = _axes(more + per_row * len(labels) + 0.1 * lines)
    axes.set_yticks(range(len(labels)), wrapped)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _legend(figure: "Figure", axes: "Axes") -> None:
    """Name the groups above the axes, as many side by side as fit; a name that is longer than a line goes on below."""
    handles, names = axes.get_legend_handles_labels()
    labels = [textwrap.fill(name, LEGEND_LINE, break_on_hyphens=False) for name in names]
    columns = max(1, min(len(labels), int(LEGEND_LETTERS // (max(map(len, names)) + 4))))
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=1, columnspacing=1.2)


def _log_scale(axes: "Axes") -> None:
    """Make the horizontal axis logarithmic; its marks are plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))


def bin_edges(values: np.ndarray, log: bool) -> np.ndarray:
    """Return the edges of ``BINS`` equal bins (of equal ratio with ``log``) from the smallest to the largest value."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    return np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)


@styled
def histogram(groups: Mapping[str, np.ndarray], cuts: Sequence[float], label: str, *, log: bool = False) -> "Figure":
    """Draw a stacked histogram of the groups' values, with the cuts between the groups.

    Args:
        groups: name -> float ``[n]`` finite values, positive with ``log``.
        cuts: values at which the groups were cut; empty if they were cut by something else.
    """
    figure, axes = _axes(2.6)
    colours = ordered(len(groups))
    edges = bin_edges(np.concatenate(list(groups.values())), log)
    axes.hist(list(groups.values()), bins=edges, stacked=True, color=colours, label=list(groups))
    for cut in cuts:
        axes.axvline(cut, color=INK, linestyle=(0, (4, 2)), linewidth=1)
        axes.annotate(
            f"{cut:.3g}", (cut, 1), xycoords=("data", "axes fraction"), xytext=(3, -8), textcoords="offset points"
        )
    if log:
        _log_scale(axes)
    axes.set_xlabel(label)
    axes.set_ylabel("records")
    axes.grid(axis="y")
    _legend(figure, axes)
    return figure


@styled
def spans(groups: Mapping[str, Mapping[str, float]], label: str, *, log: bool = False) -> "Figure":
    """Draw the middle half and the middle nine tenths of each group.

    Args:
        groups: name -> quantiles by percent: "5", "25", "50", "75", "95".
    """
    figure, axes = _row_axes(list(groups))
    for row, (colour, at) in enumerate(zip(ordered(len(groups)), groups.values(), strict=True)):
        axes.plot([at["5"], at["95"]], [row, row], color=colour, linewidth=1.2)
        axes.plot([at["25"], at["75"]], [row, row], color=colour, linewidth=6, solid_capstyle="butt")
        axes.plot(at["50"], row, "o", color=PAPER, markeredgecolor=INK, markersize=5)
    if log:
        _log_scale(axes)
    axes.set_xlabel(label)
    return figure


@styled
def shares(groups: Mapping[str, Mapping[str, float]], label: str) -> "Figure":
    """Draw a row per part, with a point per group at its share of that part.

    Args:
        groups: name -> part -> share, 0 … 1.
    """
    parts = list(dict.fromkeys(part for group in groups.values() for part in group))
    figure, axes = _row_axes(parts)
    at = {part: [100 * group.get(part, 0.0) for group in groups.values()] for part in parts}
    for row, part in enumerate(parts):
        axes.plot([min(at[part]), max(at[part])], [row, row], color=GRID, linewidth=3, zorder=1)
    for number, (name, colour) in enumerate(zip(groups, ordered(len(groups)), strict=True)):
        values = [at[part][number] for part in parts]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(values, range(len(parts)), marker, color=colour, markersize=5.5, label=name, zorder=2)
    axes.set_xlabel(label)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    _legend(figure, axes)
    return figure


@styled
def bars(values: Mapping[str, float], label: str) -> "Figure":
    """Draw a bar per part."""
    figure, axes = _row_axes(list(values), more=0.55)
    axes.barh(range(len(values)), list(values.values()), height=0.62, color=ORDERED[1])
    for row, value in enumerate(values.values()):
        axes.annotate(f"{value:,.0f}", (value, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.margins(x=0.14)
    axes.set_xlabel(label)
    return figure


@styled
def composition(groups: Mapping[str, Mapping[str, int]], label: str) -> "Figure":
    """Draw a bar per group, divided by the sources of its records."""
    figure, axes = _row_axes(list(groups))
    sources = list(dict.fromkeys(source for group in groups.values() for source in group))
    left = np.zeros(len(groups))
    for source, colour in zip(sources, ordered(len(sources)), strict=True):
        counts = np.array([group.get(source, 0) for group in groups.values()])
        axes.barh(range(len(groups)), counts, left=left, height=0.62, color=colour, label=source)
        left += counts
    axes.set_xlabel(label)
    _legend(figure, axes)
    return figure


@styled
def points(
    x: np.ndarray,
    y: np.ndarray,
    groups: Sequence[str],
    of: np.ndarray,
    labels: tuple[str, str],
    *,
    log: bool = False,
    picture: bool = False,
) -> "Figure":
    """Draw a point per record, coloured by group.

    Args:
        of: int ``[n]``, the group of every point, −1 for none.
        labels: of the axes; empty for a map, whose axes mean nothing.
        log: whether x is on a logarithmic axis.
        picture: store the points as one picture, not as a drawing each; this suits thousands.
    """
    figure, axes = _axes(3.4)
    many = len(groups) > len(ORDERED)
    colours = [HUES[number % len(HUES)] for number in range(len(groups))] if many else ordered(len(groups))
    for number, (name, colour) in enumerate(zip(groups, colours, strict=True)):
        marker = MARKERS[number % len(MARKERS)]
        mine = of == number
        axes.plot(x[mine], y[mine], marker, color=colour, markersize=2.6, alpha=0.75, label=name, rasterized=picture)
    if log:
        _log_scale(axes)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    if not any(labels):
        axes.set_xticks([])
        axes.set_yticks([])
    _legend(figure, axes)
    return figure


@styled
def balance(values: Mapping[str, float], errors: Sequence[float], designed: Sequence[bool], bound: float) -> "Figure":
    """Draw the distance between two splits in each measure, in standard deviations (a "love plot").

    Args:
        values: measure -> standardised difference.
        errors: the standard error of each, 0 if unknown.
        designed: whether the splits were made to differ in it.
        bound: the size from which on a difference counts as large.
    """
    figure, axes = _row_axes(list(values), more=0.8, letters=30)
    axes.axvspan(-bound, bound, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    kinds = {
        "made to differ": (ORDERED[0], "D", lambda value, meant: meant),
        "large, not meant": (WARNING, "o", lambda value, meant: not meant and abs(value) > bound),
        "small": (MUTED, "o", lambda value, meant: not meant and abs(value) <= bound),
    }
    for kind, (colour, marker, holds) in kinds.items():
        rows = [row for row, (v, meant) in enumerate(zip(values.values(), designed, strict=True)) if holds(v, meant)]
        if rows:
            at = [list(values.values())[row] for row in rows]
            spread = [1.96 * errors[row] for row in rows]
            axes.errorbar(at, rows, xerr=spread, fmt=marker, color=colour, markersize=5, linewidth=1, label=kind)
    axes.set_xlabel("difference in standard deviations")
    _legend(figure, axes)
    return figure


@styled
def intervals(values: Mapping[str, tuple[float, float, float]], label: str) -> "Figure":
    """Draw estimates with their intervals.

    Args:
        values: name -> estimate, low, high.
    """
    figure, axes = _row_axes(list(values), more=0.55)
    for row, (estimate, low, high) in enumerate(values.values()):
        axes.plot([low, high], [row, row], color=ORDERED[1], linewidth=2)
        axes.plot(estimate, row, "o", color=ORDERED[0], markersize=6)
    axes.set_xlabel(label)
    return figure


@styled
def over_sizes(lines: Mapping[str, Sequence[tuple[float, float, float, float]]], label: str) -> "Figure":
    """Draw estimates with their intervals over the size of the training sets, a line for each name.

    Args:
        lines: name -> (per cent of the set, estimate, low, high) of every size.
    """
    figure, axes = _axes(3.0)
    axes.axhline(0, color=INK, linewidth=1.0)
    for number, (name, points) in enumerate(lines.items()):
        x, y, low, high = np.array(points, dtype=np.float64).T
        beside = x * 1.03 ** (number - (len(lines) - 1) / 2)  # so that intervals do not hide each other
        style = {"color": HUES[number % len(HUES)], "marker": MARKERS[number % len(MARKERS)], "markersize": 4}
        axes.errorbar(beside, y, yerr=[y - low, high - y], linewidth=1.2, elinewidth=0.9, label=name, **style)
    axes.set_xscale("log")
    at = sorted({point[0] for points in lines.values() for point in points})
    axes.set_xticks(at, [f"{one:g} %" for one in at], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("share of each training set")
    axes.set_ylabel(label)
    _legend(figure, axes)
    return figure


@styled
def overlap(names: Sequence[str], matrix: np.ndarray) -> "Figure":
    """Draw a square for every two splits; the fuller its colour, the more records they share.

    Args:
        matrix: float ``[k, k]``, 0 … 1.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    figure, axes = _axes(WIDTH)
    side = max(WIDTH, 1.7 + 0.16 * len(names))
    figure.set_size_inches(side, side)
    there = np.argwhere(matrix > 0)
    squares = [Rectangle((column - 0.5, row - 0.5), 1, 1) for row, column in there]
    colours = [(*to_rgb(ORDERED[0]), float(matrix[row, column])) for row, column in there]
    axes.add_collection(PatchCollection(squares, facecolors=colours, edgecolors="none"))
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=6.5)
    return figure
