"""Scale: the primary contrasts at other sizes of the training sets, and how often other settings decide alike."""

from collections.abc import Iterator, Mapping, Sequence

from instruction_data.answer import decisions, tables, units
from instruction_data.page import figures
from instruction_data.page.figures import Drawing
from instruction_data.page.html import Figure, Section, Table, Text
from instruction_data.page.report import Report
from instruction_data.page.sections import answer

SIZES = (
    "The same contrasts with parts of each training set: nested shares of its records, trained and scored like the "
    "whole. Intervals hold for one size; the contrasts of a size are corrected among themselves."
)
DECISIONS = (
    "Would another setting, a cheaper one, say, have ordered the sets alike? Of the primary contrasts that two "
    "settings share, this is the share with the same sign in both, with its 95 % interval (Wilson). Recipes and models "
    "are compared on whole sets. Few contrasts tell little."
)
THINGS = {"percent": "share of each set, %", "recipe": "recipe", "model": "model"}


def sections(report: Report) -> list[Section]:
    """Return the section; none if everything was trained in one setting."""
    comparison = report.findings.documents.get("comparison", {})
    scale = comparison.get("scale", {"sizes": (), "decisions": ()})
    blocks: list[object] = []
    if scale["sizes"]:
        header, rows = tables.size_table(comparison)
        blocks += [Text(SIZES), *_figures(report, comparison), Table("All sizes", header, rows, folded=True)]
    told = [one for one in scale["decisions"] if "settings" in one]  # earlier versions took models' names for costs
    if told:
        blocks += [Text(DECISIONS), decision_table(told)]
    return [Section("scale", "Sizes of the training sets, and other settings", blocks)] if blocks else []


def _figures(report: Report, comparison: Mapping) -> Iterator[Figure]:
    """Yield a figure for each score: its contrasts over the size of the training sets."""
    rows = [(one["percent"], row) for one in comparison["scale"]["sizes"] for row in one["contrasts"]]
    rows += [(decisions.WHOLE, row) for row in comparison["primary"]["contrasts"]]
    for task in dict.fromkeys(row["task"] for _, row in rows):
        here = [(percent, row) for percent, row in rows if row["task"] == task]
        lines: dict[str, list[tuple[float, float, float, float]]] = {}
        for percent, row in here:
            name = answer.title(report, row, [other for _, other in here])
            lines.setdefault(name, []).append((percent, *_gains(row)))
        lines = {name: of for name, of in lines.items() if len(of) > 1} or lines  # others have no size but one
        step = units.step(here[0][1]["metric"], here[0][1]["level"])
        title = f"{task}: the contrasts by the size of the training sets."
        says = "Each line is a contrast: how much better its higher dose is, with 95 % intervals; above zero is better."
        cells = [[name, *(f"{number:.3g}" for number in point)] for name, of in lines.items() for point in of]
        header = ("contrast", "share of the set, %", f"better by, {step}", "from", "to")
        figure = figures.over_sizes(lines, f"better by, {step}")
        yield report.drawn(Drawing(figures.named("scale", task), title, says, figure, header, cells))


def _gains(row: Mapping) -> tuple[float, float, float]:
    """Return a contrast and the ends of its interval in the reader's unit; more is better."""
    at, *ends = (units.gain(row["metric"], row["span"] * row[key], row["level"]) for key in ("estimate", "low", "high"))
    return at, min(ends), max(ends)


def decision_table(found: Sequence[Mapping]) -> Table:
    """Return how often two settings order the sets of a contrast alike, a row for every two settings and score."""
    rows = []
    for one in found:
        every, sure = (tables.share(one[of]) if one[of] else "none" for of in ("all", "supported"))
        first, second = map(str, one["settings"])
        second += " (dearer)" if one["dearer"] else ""
        with_both = ", ".join(filter(None, tables.decided_with(one)))
        rows.append([THINGS[one["over"]], first, second, with_both, one["task"], every, sure])
    header = (
        "what differs",
        "one setting",
        "the other",
        "with",
        "score",
        "contrasts ordered alike",
        "of those that the dearer, or else either, supports",
    )
    return Table("Decision accuracy", header, rows, cards=True)
