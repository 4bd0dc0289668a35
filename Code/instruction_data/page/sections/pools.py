"""The section on the pools: a table, and each pool's map and categories."""

from collections.abc import Mapping

import numpy as np

from instruction_data.page import figures
from instruction_data.page.figures import Drawing
from instruction_data.page.html import Explorer, Figure, Grid, Notice, Section, Table, number
from instruction_data.page.report import Report


def section(report: Report, explorers: Mapping[str, Explorer | Notice]) -> Section:
    known = report.findings
    blocks: list[object] = []
    if "profiles" in known.documents:
        profiles = known.documents["profiles"]["pools"]
        blocks.append(profile_table("Pools", {name: profiles[name] for name in known.found.pools if name in profiles}))
    parts = []
    for pool, explorer in explorers.items():
        drawn = category_figure(report, pool)
        parts.append(Section(f"pool-{pool}", f"Pool {pool}", [explorer, Grid(drawn)]))
    return Section("pools", "The pools", blocks, parts)


def category_figure(report: Report, pool: str) -> list[Figure]:
    """Draw the number of records in each category, and say how clearly they belong there."""
    names, of = report.findings.categories
    numbers = np.unique(report.findings.found.pools.get(pool, np.zeros(0, dtype=np.int64)))
    numbers = numbers[of[numbers] >= 0]
    if not len(numbers):
        return []
    counts = {name: int((of[numbers] == place).sum()) for place, name in enumerate(names)}
    counts = dict(sorted(counts.items(), key=lambda item: -item[1]))
    margin = report.findings.margins
    rows = []
    for name, count in counts.items():
        mine = numbers[of[numbers] == names.index(name)]
        rows.append([name, count, count / len(numbers), float(np.median(margin[mine])) if count else None])
    says = (
        f"The category whose description is nearest to each of {len(numbers):,} distinct records. Its lead over the "
        f"next is {number(float(np.median(margin[numbers])))} in the median (cosine): the smaller, the more arbitrary."
    )
    drawing = Drawing(
        f"{pool}_categories",
        f"Task categories of {pool}.",
        says,
        figures.bars(counts, "records"),
        ("category", "records", "share", "median lead over the next"),
        rows,
    )
    return [report.drawn(drawing)]


def profile_table(caption: str, profiles: Mapping[str, Mapping], **options: bool) -> Table:
    """Return a table that describes pools or splits, one in each row."""
    header = ("name", "records", "tokens in, median", "tokens out, median", "commonest language")
    header += ("Python that compiles", "exact copies", "near copies", "mean pairwise similarity", "Vendi score")
    return Table(caption, header, [profile_row(name, one) for name, one in profiles.items()], **options)


def profile_row(name: str, one: Mapping) -> list[object]:
    spread, diversity = one["distributions"], one["diversity"] or {}
    medians = [spread.get(f"{part}_tokens", {}).get("quantiles", {}).get("50") for part in ("instruction", "output")]
    there = one["records"] - one["unread"]
    language = next(iter(one["languages"].items()), None)
    share = one["python"]["share"]
    return [
        name,
        one["records"],
        *medians,
        f"{language[0]} {language[1] / there:.0%}" if language and there else "–",
        "–" if share is None else f"{share:.1%}",
        *(one["duplicates"][kind] for kind in ("exact", "near")),
        diversity.get("mean_pairwise_similarity"),
        diversity.get("vendi_score"),
    ]
