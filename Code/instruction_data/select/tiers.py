"""Cutting numbers per record into tiers: arrays in, row positions out."""

import numpy as np


def percentile_tiers(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut records at two percentiles of their values (linear interpolation).

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


def count_tiers(values: np.ndarray, parts: int = 3, *, rest_last: bool = False) -> list[np.ndarray]:
    """Sort records by value, ascending and stable, and cut by count at ⌊n·i/parts⌋.

    Args:
        values: float ``[n]``.
        rest_last: cut at i·⌊n/parts⌋ instead, so that the last part gets the remainder.

    Returns:
        ``parts`` arrays of positions, each in ascending order of its values.
    """
    _require_finite(values)
    order = np.argsort(values, kind="stable")
    n = len(values)
    cuts = [part * (n // parts) if rest_last else n * part // parts for part in range(1, parts)]
    return np.split(order, cuts)


def minmax(values: np.ndarray) -> np.ndarray:
    """Move and scale values to 0 … 1; return all zeros where they are all equal.

    Args:
        values: float ``[n]``, n ≥ 1.
    """
    _require_finite(values)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _require_finite(values: np.ndarray) -> None:
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        raise ValueError(f"{len(broken):,} values are not finite, the first at position {broken[0]}")
