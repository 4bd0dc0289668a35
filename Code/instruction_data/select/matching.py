"""Matching: strata of records that are alike in given traits, and draws that hold as many of each as a split does."""

from collections.abc import Hashable, Sequence

import numpy as np

from instruction_data.select import draws


def quantile_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the quantile bin of every value, 0 … bins − 1; int64 ``[n]``. A value on an edge is in the lower bin.

    Args:
        values: float ``[n]``; NaN has a bin of its own, ``bins``.
    """
    known = np.isfinite(values)
    result = np.full(len(values), bins, dtype=np.int64)
    if known.any():
        edges = np.quantile(values[known], np.arange(1, bins) / bins)
        result[known] = np.searchsorted(edges, values[known], side="left")
    return result


def strata(traits: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Return a number for every record, the same for records that are equal in every trait; int64 ``[n]``.

    Args:
        traits: one sequence of ``n`` values each.
    """
    numbers: dict[tuple, int] = {}
    return np.array([numbers.setdefault(values, len(numbers)) for values in zip(*traits, strict=True)], dtype=np.int64)


def matched_draw(strata: np.ndarray, members: np.ndarray, avoided: np.ndarray, seed: int, name: str) -> np.ndarray:
    """Draw as many positions of every stratum as ``members`` has; take avoided ones only if no others are left.

    Args:
        strata: int ``[n]``, of every record of the pool.
        members: positions of the split.
        avoided: bool ``[n]``, the members and their equals.
        seed, name: what the draw depends on.

    Returns:
        int64 ``[len(members)]``, in drawn order.
    """
    order = draws.permutation(len(strata), seed, name)
    preferred = order[np.argsort(avoided[order], kind="stable")]
    wanted = np.bincount(strata[members], minlength=strata.max() + 1)
    taken = preferred[_place_in_group(strata[preferred]) < wanted[strata[preferred]]]
    return order[np.isin(order, taken)]


def _place_in_group(groups: np.ndarray) -> np.ndarray:
    """Count how many entries before each belong to the same group."""
    by_group = np.argsort(groups, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(groups))])
    places = np.empty(len(groups), dtype=np.int64)
    places[by_group] = np.arange(len(groups)) - starts[groups[by_group]]
    return places
