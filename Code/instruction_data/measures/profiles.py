"""Profiles: distributions and shares that describe a pool's or split's records and can be laid side by side.

Every distinct record of a study root is measured once (``measure``) and looked up for every split (``profile``).
Histograms of one measure share their bins over the whole root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instruction_data.measures import duplicates, leakage
from instruction_data.measures.benchmarks import Benchmark
from instruction_data.measures.leakage import Findings, Hits, Overlaps
from instruction_data.measures.texts import Tools, measured
from instruction_data.pools.records import Record
from instruction_data.publish.inventory import Inventory, merged
from instruction_data.publish.record_tables import Column, spread

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # per cent, linear interpolation
BINS = 40


@dataclass(frozen=True)
class Measured:
    """All measures of every distinct record of an inventory, by record number.

    Attributes:
        columns: everything published or measured for single records, by name; values as in ``Inventory.columns``.
        group: int64 ``[n]``, near-duplicate group; -1 where the text is not at hand.
        findings: one per benchmark, over all records.
    """

    columns: Mapping[str, Column]
    group: np.ndarray
    findings: Sequence[Findings]

    @property
    def numbers(self) -> dict[str, Column]:
        """The columns that have a distribution: numbers known for at least one record."""
        return {name: one for name, one in self.columns.items() if one.kind == "number" and _is_known(one)}

    def words(self, name: str, members: np.ndarray) -> dict[str, int]:
        """Count the words of a column among some records, the commonest first; return none without such a column."""
        return tally(self.columns[name].values[members]) if name in self.columns else {}

    def flags(self, name: str, members: np.ndarray) -> np.ndarray:
        """Return the known flags of a column among some records."""
        values = self.columns[name].values[members] if name in self.columns else np.zeros(0)
        return values[np.isfinite(values)]


def _is_known(column: Column) -> bool:
    return bool(np.isfinite(column.values).any())


class AtHand(Sequence[Record]):
    """Records of an inventory, chosen by their numbers, with their texts."""

    def __init__(self, inventory: Inventory, numbers: np.ndarray):
        self._inventory, self.numbers = inventory, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> Record:
        return self._inventory.record(int(self.numbers[place]))


def measure(inventory: Inventory, tools: Tools, benchmarks: Sequence[Benchmark]) -> Measured:
    """Join the published columns of the records with measures of the records whose text is at hand."""
    n, known = len(inventory), np.flatnonzero(inventory.known)
    columns = with_measured(inventory, tools)
    at_hand = AtHand(inventory, known)
    findings = [_over_all(leakage.look_for(benchmark, at_hand), known, n) for benchmark in benchmarks]
    group = _groups(inventory, known)
    columns["alike"] = _alike(inventory, group)
    for one in findings:
        columns[f"contaminated: {one.benchmark.name}"] = Column(
            "contaminated",
            np.where(group >= 0, one.hit, np.nan),
            f"records contaminated by {one.benchmark.name} (substring rule)",
            kind="flag",
            trait="contamination",
        )
    if findings:
        worst = np.max([one.leakage[0] for one in findings], axis=0)
        columns["tli"] = Column(
            "tli",
            np.where(inventory.known, worst, np.nan),
            "greatest overlap with a benchmark's problem (TLI)",
            "share of n-grams",
            trait="contamination",
        )
    return Measured(columns, group, findings)


def with_measured(inventory: Inventory, tools: Tools) -> dict[str, Column]:
    """Return the published columns and the registry's; measure only records without published numbers."""
    columns, n = dict(inventory.columns), len(inventory)
    published = columns.get("output_characters")
    lacking = inventory.known & (np.isnan(published.values) if published else True)
    numbers = np.flatnonzero(lacking)
    if not len(numbers):
        return columns
    for column in measured(AtHand(inventory, numbers), tools):
        if column.kind == "word":
            values = np.full(n, None, dtype=object)
            values[numbers] = column.values
        else:
            values = spread(column.values, numbers, n)
        made = Column(**{**vars(column), "values": values})
        columns[column.name] = merged(columns[column.name], made) if column.name in columns else made
    return columns


def _over_all(findings: Findings, known: np.ndarray, n: int) -> Findings:
    """Return the same findings by record number instead of the place among the known records."""

    def moved(overlaps: Overlaps) -> Overlaps:
        return Overlaps(known[overlaps.records], overlaps.problems, overlaps.shares, overlaps.measured)

    hits = findings.hits
    hits = Hits(known[hits.records], hits.problems, hits.strings, hits.kinds)
    return Findings(findings.benchmark, n, hits, moved(findings.tli), moved(findings.tli_record))


def _groups(inventory: Inventory, known: np.ndarray) -> np.ndarray:
    """Return the near-duplicate groups within each pool, and among records of no pool."""
    result = np.full(len(inventory), -1, dtype=np.int64)
    left = np.zeros(len(inventory), dtype=bool)
    left[known] = True
    for numbers in [*inventory.pools.values(), known]:
        mine = np.unique(numbers[left[numbers]])
        left[mine] = False
        records = AtHand(inventory, mine)
        result[mine] = mine[duplicates.groups(len(mine), lambda place, records=records: _text(records[place]))]
    return result


def _text(record) -> str:
    return f"{record.instruction}\n{record.input}\n{record.output}"


def _alike(inventory: Inventory, group: np.ndarray) -> Column:
    """Say whether a record's group has several rows in its pool: another record, or the same one twice."""
    rows = np.zeros(len(inventory), dtype=np.int64)
    for numbers in inventory.pools.values():
        np.add.at(rows, group[numbers][group[numbers] >= 0], 1)
    values = np.where(group >= 0, rows[group] > 1, np.nan)
    return Column("alike", values, "(near) duplicates in the pool", kind="flag", trait="duplicates")


def profile(members: np.ndarray, measured: Measured, edges: Mapping[str, np.ndarray]) -> dict:
    """Return the profile of the records of these numbers, without the parts that need vectors."""
    there = members[measured.group[members] >= 0]
    distinct = len(np.unique(there))
    python = measured.flags("compiles", there)
    counts = [len(there) - distinct, distinct - len(np.unique(measured.group[there]))]
    return {
        "records": len(members),
        "distinct_records": len(np.unique(members)),
        "unread": len(members) - len(there),
        "share_with_input": share(measured.flags("has_input", there)),
        "distributions": {
            name: distribution(column.values[members], edges[name])
            for name, column in measured.numbers.items()
            if np.isfinite(column.values[members]).any()
        },
        "languages": measured.words("language", there),
        "language_from": measured.words("language_from", there),
        "categories": measured.words("category", members),
        "diversity": None,
        "duplicates": {
            **dict(zip(("exact", "near"), counts, strict=True)),
            **{
                f"{name}_share": count / max(len(there), 1)
                for name, count in zip(("exact", "near"), counts, strict=True)
            },
        },
        "python": {"records": len(python), "compilable": int(python.sum()), "share": share(python)},
        "contamination": {one.benchmark.name: leakage_figures(one, there) for one in measured.findings},
    }


def leakage_figures(findings: Findings, members: np.ndarray) -> dict:
    """Return the few figures of a benchmark that a profile shows; contamination.json has all."""
    found = findings.summary(members)
    hits = {key: found["substring"][key] for key in ("records", "share")}
    return {**hits, "tli": found["tli"]["mean"], "tli_record": found["tli_record"]["mean"]}


def share(flags: np.ndarray) -> float | None:
    """Return the mean of zeros and ones; None if there are no flags."""
    return float(flags.mean()) if len(flags) else None


def tally(words: np.ndarray) -> dict[str, int]:
    """Count each word, the commonest first, ties by name; None counts as no word."""
    names, counts = np.unique([word for word in words if word is not None] or np.zeros(0, str), return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[place]): int(counts[place]) for place in order}


def bin_edges(values: np.ndarray, scale: str) -> np.ndarray:
    """Return ``BINS + 1`` edges over the finite values, even on a linear or a logarithmic scale (of 1 + value)."""
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    if scale == "log" and low > -1:
        inner = np.expm1(np.linspace(np.log1p(low), np.log1p(high), BINS + 1))
    else:
        inner = np.linspace(low, high, BINS + 1)
    inner[0], inner[-1] = low, high
    return inner


def distribution(values: np.ndarray, edges: np.ndarray) -> dict:
    """Return mean, sample standard deviation, quantiles and counts per bin of the finite values, at least one."""
    values = values[np.isfinite(values)]
    quantiles = np.percentile(values, QUANTILES)
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "standard_deviation": float(values.std(ddof=1)) if len(values) > 1 else None,
        "quantiles": {str(name): float(value) for name, value in zip(QUANTILES, quantiles, strict=True)},
        "counts": np.histogram(values, edges)[0].tolist(),
    }


def jaccard_matrix(members: Sequence[np.ndarray]) -> np.ndarray:
    """Return the Jaccard similarity of every two sets of record numbers; float64 ``[s, s]``."""
    sets = [np.unique(one) for one in members]
    result = np.eye(len(sets))
    for row, one in enumerate(sets):
        for column in range(row):
            shared = len(np.intersect1d(one, sets[column], assume_unique=True))
            result[row, column] = result[column, row] = shared / (len(one) + len(sets[column]) - shared)
    return result
