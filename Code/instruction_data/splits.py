"""Tiers, mixtures and seeded draws: arrays in, positions out. No I/O.

Every result is an int64 array of positions into the arrays given, ready to be published as a split.
"""

import hashlib

import numpy as np


def permutation(n: int, seed: int, name: str) -> np.ndarray:
    """All positions ``0 … n-1`` in a random order that depends on ``seed`` and ``name`` alone.

    Positions are sorted by 64-bit keys straight from PCG64, whose stream numpy guarantees, unlike those of the
    drawing methods of its generators; so the order is the same with every version.
    """
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    keys = np.random.PCG64(int.from_bytes(digest, "big")).random_raw(n)
    return np.argsort(keys, kind="stable")


def draw(n: int, k: int, seed: int, name: str) -> np.ndarray:
    """``k`` of the positions ``0 … n-1`` without replacement, in drawn order.

    Raises:
        ValueError: fewer than ``k`` positions exist, or ``k`` is negative.
    """
    if not 0 <= k <= n:
        raise ValueError(f"cannot draw {k:,} of {n:,} without replacement")
    return permutation(n, seed, name)[:k]


def percentile_tiers(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut at two percentiles of the values (linear interpolation).

    Args:
        values: float ``[n]``.
        low, high: percentiles in 0 … 100.

    Returns:
        Positions at or below the lower cut, between the cuts, above the upper cut; each ascending.
    """
    _require_finite(values)
    lower, upper = np.percentile(values, [low, high])
    return (
        np.flatnonzero(values <= lower),
        np.flatnonzero((values > lower) & (values <= upper)),
        np.flatnonzero(values > upper),
    )


def count_tiers(values: np.ndarray, parts: int = 3) -> list[np.ndarray]:
    """Sort ascending (stable) and cut by count at ⌊n·i/parts⌋.

    Args:
        values: float ``[n]``.

    Returns:
        ``parts`` arrays of positions, each in ascending order of its values.
    """
    _require_finite(values)
    order = np.argsort(values, kind="stable")
    cuts = [len(values) * part // parts for part in range(1, parts)]
    return np.split(order, cuts)


def minmax(values: np.ndarray) -> np.ndarray:
    """Values moved and scaled to 0 … 1; all zeros where they are all equal.

    Args:
        values: float ``[n]``, n ≥ 1.
    """
    _require_finite(values)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def mixture_counts(n: int, code: int, other: int) -> tuple[int, int]:
    """How many records each side of a ``code:other`` mixture of ``n`` gets: ⌊n·code/total⌋ and ⌊n·other/total⌋."""
    return n * code // (code + other), n * other // (code + other)


def share_counts(total: int, percent: int) -> tuple[int, int]:
    """``percent`` per cent of ``total``, rounded down, and the remainder."""
    first = total * percent // 100
    return first, total - first


def _require_finite(values: np.ndarray) -> None:
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        raise ValueError(f"{len(broken):,} values are not finite, the first at position {broken[0]}")
