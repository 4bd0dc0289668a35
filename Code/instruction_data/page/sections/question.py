"""The section of one question: its training sets and everything known about them."""

from collections.abc import Iterator, Sequence

import numpy as np

from instruction_data.page import declared, figures, findings
from instruction_data.page.figures import Drawing
from instruction_data.page.findings import short
from instruction_data.page.html import Figure, Grid, Notice, Section, Table, Text, number
from instruction_data.page.report import Report
from instruction_data.page.sections import benchmarks, design, differences, pools, results
from instruction_data.publish.inventory import Set

SCATTERED = 1_000  # the most records in a drawing, since each is a part of the page


def section(report: Report, question: str) -> Section:
    known = report.findings
    of_pools, about = known.pools_of(question), declared.about(question, known.found.sets)
    blocks: list[object] = [Text(about.asks)] if about else []
    if not of_pools:
        text = "No training set of this question is here. This makes them:"
        blocks.append(Notice(text, report.hints.question(question)))
    parts = [question_of_pool(report, question, pool) for pool in of_pools]
    return Section(question.lower(), report.title(question), blocks, parts)


def question_of_pool(report: Report, question: str, pool: str) -> Section:
    sets = report.findings.sets_of(question, pool)
    blocks: list[object] = [splits_table(report, sets)]
    main = report.findings.main_set(question, pool)
    if main:
        drawn = [*property_figures(report, main), *mixture_figure(report, main)]
        drawn += [
            *category_shares(report, main),
            *length_figures(report, main),
            *differences.balance_figure(report, main),
        ]
        blocks += design.design_blocks(report, main)
        blocks.append(Grid(drawn))
        blocks += differences.confound_blocks(report, main)
    blocks += benchmarks.contamination_blocks(report, sets)
    blocks += results.result_blocks(report, question, pool)
    return Section(f"{question}-{pool}".lower(), f"{question} · {pool}", blocks)


def splits_table(report: Report, sets: Sequence[Set]) -> Table:
    """Return the training sets of a question and pool; controls and other sets made from them come last."""
    profiles = report.findings.documents.get("profiles", {}).get("splits", {})
    names = [name for one in sets for name in one.members]
    if all(name in profiles for name in names):
        return pools.profile_table("Training sets", {name: profiles[name] for name in names})
    rows = []
    for one in sets:
        for name, split in one.manifest["splits"].items():
            summary = ", ".join(f"{figure} {number(value)}" for figure, value in split["summary"].items())
            rows.append([name, split["records"], summary])
    return Table("Training sets", ("name", "records", "what tells it apart"), rows)


def property_figures(report: Report, one: Set) -> Iterator[Figure]:
    """Draw the property by which tiers were cut, and its parts."""
    if not findings.disjoint(one):
        return
    by_cuts = sorted(one.properties.items(), key=lambda item: not findings.cuts(one, item[1]))  # cut ones first
    for column, values in by_cuts:
        groups = {short(name, one): values[part] for name, part in one.members.items()}
        groups = {name: part[np.isfinite(part)] for name, part in groups.items()}
        if not all(len(part) for part in groups.values()):
            continue
        log = declared.logarithmic(column, one) and min(part.min() for part in groups.values()) > 0
        at = findings.cuts(one, values)
        says = f"Records by {report.label(column)}, stacked; " + (
            f"the tiers are cut at {' and '.join(map(number, at))} (dashed)." if at else "the tiers were not cut by it."
        )
        rows = [[name, len(part), *np.quantile(part, (0, 0.5, 1)).tolist()] for name, part in groups.items()]
        drawing = Drawing(
            figures.named(one.name, column),
            f"{report.label(column).capitalize()}.",
            says,
            figures.histogram(groups, at, report.label(column), log=log),
            ("training set", "records", "lowest", "median", "highest"),
            rows,
        )
        yield report.drawn(drawing)
    yield from scatter(report, one)


def scatter(report: Report, one: Set) -> Iterator[Figure]:
    """Draw the records by the two measures that place them."""
    plane = declared.plane(one)
    if not plane:
        return
    x, y = (one.properties[column] for column in plane)
    logarithmic = declared.logarithmic(plane[0], one)
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not logarithmic)))
    chosen = there[report.draw(len(there), SCATTERED, f"scatter {one.name}")]
    names = [short(name, one) for name in one.members]
    of = findings.membership(one, len(report.findings.found))[chosen]
    axes = tuple(declared.axis_label(column, one) for column in plane)
    figure = figures.points(x[chosen], y[chosen], names, of, axes, log=logarithmic)
    rows = [
        [name, *(float(np.nanmedian(values[part])) for values in (y, x))]
        for name, part in zip(names, one.members.values(), strict=True)
    ]
    right, up = (column.replace("_", " ") for column in plane)
    shown = report.sampled(len(chosen), len(there))
    says = f"Each point is a record ({shown}). The map of the pool, placed by {declared.plane_name(one)}, shows which."
    header = ("training set", f"median {up}", f"median {right}")
    title = f"{up.capitalize()} against {right}."
    yield report.drawn(Drawing(f"{one.name}_scatter", title, says, figure, header, rows))


def mixture_figure(report: Report, one: Set) -> Iterator[Figure]:
    groups = {short(name, one): split["sources"] for name, split in one.manifest["splits"].items()}
    sources = list(dict.fromkeys(source for group in groups.values() for source in group))
    if len(sources) < 2:
        return
    rows = [[name, *(group.get(source, 0) for source in sources)] for name, group in groups.items()]
    figure = figures.composition(groups, "records")
    says = "Where the records of each training set come from."
    header = ("training set", *sources)
    yield report.drawn(Drawing(f"{one.name}_mixture", "Composition.", says, figure, header, rows))


def category_shares(report: Report, one: Set) -> Iterator[Figure]:
    names, of = report.findings.categories
    groups, rows = {}, []
    for name, members in one.members.items():
        known = of[members][of[members] >= 0]
        if len(known):
            share = np.bincount(known, minlength=len(names)) / len(known)
            groups[short(name, one)] = dict(zip(names, share.tolist(), strict=True))
    if not groups:
        return
    rows = [[category, *(f"{group[category]:.1%}" for group in groups.values())] for category in names]
    figure = figures.shares(groups, "% of the records that have a category")
    says = "The share of each category in every training set; a long grey line is a large difference."
    header = ("category", *groups)
    yield report.drawn(Drawing(f"{one.name}_categories", "Task categories.", says, figure, header, rows))


def length_figures(report: Report, one: Set) -> Iterator[Figure]:
    profiles = report.findings.documents.get("profiles", {}).get("splits", {})
    for measure, what in declared.LENGTHS.items():
        groups = {
            short(name, one): profiles[name]["distributions"][measure]["quantiles"]
            for name in one.members
            if measure in profiles.get(name, {}).get("distributions", {})
        }
        if not groups:
            continue
        header = ("training set", *(f"{percent} %" for percent in ("5", "25", "50", "75", "95")))
        rows = [[name, *(at[percent] for percent in ("5", "25", "50", "75", "95"))] for name, at in groups.items()]
        says = "Thick: the middle half of the records; thin: nine tenths; dot: the median."
        figure = figures.spans(groups, "tokens", log=all(at["5"] > 0 for at in groups.values()))
        yield report.drawn(Drawing(f"{one.name}_{measure}", f"{what}.", says, figure, header, rows))
