"""Designed sets in the answer: every property at once, and beside each what the question said that varied it alone."""

from collections.abc import Mapping, Sequence

from instruction_data.answer import plain, tables, units, verdicts
from instruction_data.answer.sentences import p_value
from instruction_data.page import effects_figure, html
from instruction_data.page.effects_figure import Effect
from instruction_data.page.figures import Drawing
from instruction_data.page.html import Bullets, Grid, Table, Text
from instruction_data.page.report import Report

NAME = "effects"  # of the figures' files
INTRODUCTION = (
    "In designed sets several properties vary at once, each independently of all others, so that each one's effect is "
    "found with the others held equal. Sets that were chosen by one property alone also differ in whatever goes with "
    "it. Where both columns agree, that did no harm."
)
SAYS = (
    "Effect of each property {per}: {score}; {on}. Bar: 95 % interval; a filled mark is told from zero. Left: sets "
    "chosen by this property alone. Right: {sets} designed sets, all other properties held equal."
)
UNIT = 12  # letters of a unit below the axis


def blocks(report: Report, primary: Mapping) -> list[object]:
    """Return figures and sentences for every design that was trained; none if there is none."""
    made: list[object] = []
    of_rows = list(tables.designs(primary))
    for number, (design, rows) in enumerate(of_rows, 1):
        title = f"{report.title(design['question'])} · pool {design['pool']} · {design['model']}"
        drawn = report.drawn(_drawing(f"{NAME}-{number}", title, design, rows))
        made += [Grid([drawn]), Bullets([_said(row) for row in rows]), _interactions(design, rows[0])]
    return [Text(INTRODUCTION), *(block for block in made if block)] if made else []


def _drawing(name: str, title: str, design: Mapping, rows: Sequence[Mapping]) -> Drawing:
    shown, numbers, one = {}, [], rows[0]
    for row in rows:
        alone = row["alone"]
        beside = alone["missing"] if "missing" in alone else _effect(row, alone)
        shown[html.visible(row["contrast"])] = (beside, _effect(row, row))
        numbers.append(tables.factor_cells(row))
    step = units.step(one["metric"], one["level"])
    unit = step if len(step) <= UNIT else one["metric"]["name"]
    figure = effects_figure.effects(shown, html.visible(f"{unit} {verdicts.per(one)}; right is better"))
    words = {"per": verdicts.per(one), "score": plain.score(one["metric"]), "on": verdicts.on(one)}
    says = SAYS.format(**words, sets=design["sets"])
    return Drawing(name, f"{title}.", says, figure, tables.FACTOR_HEADER, numbers)


def _effect(row: Mapping, found: Mapping) -> Effect:
    """Return an effect in the unit of its row."""
    estimate, low, high = (units.gain(row["metric"], found[end], row["level"]) for end in ("estimate", "low", "high"))
    bar = None if found["intervals_over"] == "problems" else (min(low, high), max(low, high))
    return Effect(estimate, bar)


def _said(row: Mapping) -> str:
    lead, rest = plain.said(row["verdict"], [row], "low", "high")
    return f"{row['contrast']}: {lead} {rest} {plain.beside(row)} (p corrected {p_value(row['p_corrected'])})"


def _interactions(design: Mapping, row: Mapping) -> Table | None:
    if not design["interactions"]:
        return None
    cells = tables.interaction_cells(design, row["level"])
    return Table("Interactions of two properties (exploratory)", tables.INTERACTION_HEADER, cells, folded=True)
