"""Confounds: how far a question's splits differ where they should *not*. Arrays in, findings out.

Two splits are compared by the standardised mean difference d = (mean_a - mean_b) / sqrt((var_a + var_b) / 2), for
shares as for lengths. A difference above 0.25 is called large, since adjusting by regression cannot be trusted then
(Rubin 2001, "Using propensity scores to help design observational studies"; Stuart 2010, "Matching methods for causal
inference", section 4.1). Its standard error is Hedges and Olkin's (1985). Spearman's rank correlation over the records
says how a property goes with another measure; from 0.3 on it is called large (Cohen 1988: "medium").
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from instruction_data.measures import ranks
from instruction_data.publish.record_tables import Column

LARGE_DIFFERENCE = 0.25
LARGE_CORRELATION = 0.3
SOURCES = (
    "|standardised mean difference| > 0.25: Rubin 2001 and Stuart 2010; "
    "|Spearman's rho| > 0.3: Cohen 1988, medium effect"
)
REST = "the rest"
MANY = 20  # records that both sides need before a difference is worth a sentence


@dataclass(frozen=True)
class MeanDifference:
    """The difference of a measure between split ``a`` and ``b`` (a split, or the rest of the set)."""

    measure: str
    label: str
    share: bool
    a: str
    b: str
    n_a: int
    n_b: int
    mean_a: float
    mean_b: float
    difference: float | None  # None: they differ, and neither side has any spread
    standard_error: float | None
    large: bool
    by_design: bool


@dataclass(frozen=True)
class Correlation:
    """The correlation of a property with a measure over a set's records; ``rho`` is None if one does not vary."""

    property: str
    property_label: str
    measure: str
    label: str
    n: int
    rho: float | None
    large: bool
    by_design: bool


def standardised_difference(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return (mean a - mean b) / sqrt((var a + var b) / 2), sample variances; None if neither varies and they differ.

    Args:
        a, b: float, at least two finite values each.
    """
    gap = float(a.mean() - b.mean())
    spread = float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))
    if spread == 0:
        return 0.0 if gap == 0 else None
    return gap / spread


def standard_error(d: float, n_a: int, n_b: int) -> float:
    """Return a standardised difference's standard error for groups of these sizes (Hedges and Olkin 1985, p. 86)."""
    return float(np.sqrt((n_a + n_b) / (n_a * n_b) + d * d / (2 * (n_a + n_b))))


def differences(
    members: Mapping[str, np.ndarray],
    measures: Mapping[str, Column],
    extremes: tuple[str, str] | None,
    by_design: Mapping[str, str],
) -> Iterator[MeanDifference]:
    """Compare the extreme splits with each other, and each split with the records that it should be like.

    Where splits share no records (tiers), that is the rest of the set's records. Where they share some (mixtures), the
    rest is a poor standard, and each is compared with the first extreme.

    Args:
        members: split -> int64 record numbers.
        by_design: measures that are meant to differ -> why.
    """
    for a, b, numbers_a, numbers_b in _pairs(members, extremes):
        for name, measure in measures.items():
            values = [part[np.isfinite(part)] for part in (measure.values[numbers_a], measure.values[numbers_b])]
            if min(map(len, values)) >= 2:
                yield _difference(name, measure, (a, b), values, name in by_design)


def _pairs(
    members: Mapping[str, np.ndarray], extremes: tuple[str, str] | None
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Yield the comparisons: names and record numbers of both sides."""
    everything = np.concatenate(list(members.values()))
    apart = sum(len(np.unique(numbers)) for numbers in members.values()) == len(np.unique(everything))
    if extremes:
        yield *extremes, *(members[name] for name in extremes)
    for name, numbers in members.items():
        if apart or not extremes:
            if len(members) > 1:
                yield name, REST, numbers, np.setdiff1d(everything, numbers)
        elif name not in extremes:
            yield extremes[0], name, members[extremes[0]], numbers


def _difference(name: str, measure: Column, pair: tuple[str, str], values: list[np.ndarray], meant: bool):
    d = standardised_difference(*values)
    sizes = [len(part) for part in values]
    return MeanDifference(
        name,
        labelled(measure),
        measure.kind == "flag",
        *pair,
        *sizes,
        *(float(part.mean()) for part in values),
        d,
        None if d is None else standard_error(d, *sizes),
        d is None or abs(d) > LARGE_DIFFERENCE,
        meant,
    )


def labelled(column: Column) -> str:
    """Say in words what a column measures, with its unit; call a flag a share."""
    declared = column.declaration
    if column.kind == "flag":
        return f"share of {declared['label']}"
    return f"{declared['label']} ({declared['unit']})" if declared["unit"] else declared["label"]


def correlations(
    numbers: np.ndarray,
    properties: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    measures: Mapping[str, Column],
    by_design: Mapping[str, str],
) -> Iterator[Correlation]:
    """Yield Spearman's correlation of every property with every measure over the records ``numbers``.

    Args:
        labels: the properties in words.
    """
    for name, values in properties.items():
        for other, measure in measures.items():
            if other == name:
                continue
            there = numbers[np.isfinite(values[numbers]) & np.isfinite(measure.values[numbers])]
            rho = ranks.correlation(values[there], measure.values[there])
            large = rho is not None and abs(rho) > LARGE_CORRELATION
            own = labels.get(name) or measures[name].declaration["label"]
            yield Correlation(name, own, other, labelled(measure), len(there), rho, large, other in by_design)


def warnings(found: list[MeanDifference], related: list[Correlation], extreme: tuple[str, str] | None) -> list[str]:
    """Say in plain sentences what is large and not meant: first between the extremes, then by size.

    Where both extremes are compared, we leave out how each differs from the rest.
    """
    told = [one for one in found if one.large and not one.by_design and min(one.n_a, one.n_b) >= MANY]
    told = [one for one in told if one.b != REST or one.a not in (extreme or ())]
    told.sort(key=lambda one: ((one.a, one.b) != extreme, -abs(one.difference or np.inf)))
    ranks = [one for one in related if one.large and not one.by_design and one.n >= MANY]
    ranks.sort(key=lambda one: -abs(one.rho))
    return [_difference_sentence(one) for one in told] + [_correlation_sentence(one) for one in ranks]


def _difference_sentence(one: MeanDifference) -> str:
    shown = [f"{mean:.1%}" if one.share else f"{mean:,.4g}" for mean in (one.mean_a, one.mean_b)]
    by = "and neither varies" if one.difference is None else f"d = {one.difference:+.2f} ± {one.standard_error:.2f}"
    against = "the other splits' records" if one.b == REST else one.b
    return f"{one.a} differs from {against} in {one.label}: mean {shown[0]} against {shown[1]} ({by})."


def _correlation_sentence(one: Correlation) -> str:
    way = "rises" if one.rho > 0 else "falls"
    subject = one.property_label[:1].upper() + one.property_label[1:]
    return f"{subject} {way} with {one.label} (Spearman's rho = {one.rho:+.2f}, {one.n:,} records)."


def document(found: list[MeanDifference], related: list[Correlation]) -> dict[str, list[dict]]:
    """Return both lists as they stand in confounds.json."""
    return {"differences": [asdict(one) for one in found], "correlations": [asdict(one) for one in related]}
