"""The design of a question whose sets vary several factors at once: its levels, balance, aliases and overlap."""

from collections.abc import Iterator, Mapping

import numpy as np

from instruction_data.measures import confounds
from instruction_data.page import findings
from instruction_data.page.findings import short
from instruction_data.page.html import Bullets, Table, Text, number
from instruction_data.page.report import Report
from instruction_data.publish.inventory import Set

BESIDES = 3  # the most measures named that go with a factor


def design_blocks(report: Report, one: Set) -> list[object]:
    """Return the parts of the page that describe a design; none for a set that was not designed."""
    design = findings.design(one)
    if not design:
        return []
    return [
        Text(plan(design, len(one.members))),
        levels_table(one, design),
        balance_table(report, one, design),
        *aliases(design),
    ]


def plan(design: Mapping, sets: int) -> str:
    """Say how the sets were planned, and whether they share records."""
    made = f" ({', '.join(design['generators'])})" if design["generators"] else ""
    shared = (
        "No two sets of one draw share a record."
        if design["disjoint"]
        else f"Two sets of one draw share up to {design['overlap']:.0%} of their records."
    )
    kind = "full" if design["resolution"] == "full" else f"fractional, of resolution {design['resolution']}"
    return (
        f"A two-level design of {len(design['factors'])} factors in {sets} sets, {kind}{made}: each factor is high in "
        f"one half of the sets and low in the other, independently of every other factor. {shared}"
    )


def levels_table(one: Set, design: Mapping) -> Table:
    """Return the level and the mean of each factor in each set."""
    doses = {contrast["label"]: contrast["doses"] for contrast in one.manifest["contrasts"]}
    factors = [name for name in design["factors"] if name in doses]
    rows = []
    for name, split in one.manifest["splits"].items():
        levels = ["high" if doses[factor].get(name) else "low" for factor in factors]
        means = [number(split["summary"].get(factor, np.nan)) for factor in factors]
        rows.append([short(name, one), *(f"{level}: {mean}" for level, mean in zip(levels, means, strict=True))])
    return Table("The design: level and mean of each factor", ("training set", *factors), rows)


def balance_table(report: Report, one: Set, design: Mapping) -> Table:
    """Return how far the levels of each factor lie apart, how alike sets are that should be, and what goes with it."""
    rows = []
    for name, of in design["factors"].items():
        ends = (f"{number(of[end])} {of['unit']}".strip() for end in ("low", "high"))
        rows.append([name, *ends, of["difference"], of["within"], ", ".join(besides(report, one, name)) or "nothing"])
    header = (
        *("factor", "mean low", "mean high", "apart (sd)", "most that like sets differ (sd)"),
        f"what else differs by more than {confounds.LARGE_DIFFERENCE} sd between high and low sets",
    )
    return Table("Balance achieved", header, rows, cards=True)


def besides(report: Report, one: Set, factor: str) -> Iterator[str]:
    """Yield the measures that differ most between the sets where a factor is high and those where it is low.

    Those that measure what the design varies are left out.
    """
    doses = next((each["doses"] for each in one.manifest["contrasts"] if each["label"] == factor), {})
    high, low = ([part for name, part in one.members.items() if doses.get(name) == dose] for dose in (1, 0))
    if not high or not low:
        return
    found = []
    for column in report.findings.found.columns.values():
        if column.kind == "word" or column.declaration["trait"] in one.manifest["about"]["varies"]:
            continue
        sides = [column.values[np.concatenate(parts)] for parts in (high, low)]
        sides = [side[np.isfinite(side)] for side in sides]
        if min(map(len, sides)) >= confounds.MANY:
            difference = confounds.standardised_difference(*sides)
            if difference is not None and abs(difference) > confounds.LARGE_DIFFERENCE:
                found.append((abs(difference), f"{confounds.labelled(column)} {difference:+.2f}"))
    yield from (said for _, said in sorted(found, reverse=True)[:BESIDES])


def aliases(design: Mapping) -> list[object]:
    """Say which effects the design cannot tell apart."""
    if not design["aliases"]:
        return [Text("Main effects and interactions of two factors can all be told from each other.")]
    groups = [" = ".join(group) for group in design["aliases"]]
    return [
        Text("Main effects can be told from each other and from interactions of two factors. Not told apart are:"),
        Bullets(groups),
    ]
