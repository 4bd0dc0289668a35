"""Ranks of numbers per record: arrays in, numbers out."""

import numpy as np

FEWEST = 3  # values for a rank correlation to say anything


def scaled(values: np.ndarray) -> np.ndarray:
    """Return (rank − 1) / (n − 1), where equal values share their average rank; float64 ``[n]``, 0 for n = 1."""
    from scipy.stats import rankdata

    return (rankdata(values) - 1) / max(1, len(values) - 1)


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return Spearman's rank correlation; None for fewer than three values, or if one side does not vary.

    Args:
        one, other: float ``[n]``, finite.
    """
    from scipy.stats import spearmanr

    if len(one) < FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)
