"""The special rules for shares of problems solved: samples, bounds, and models that do not differ on any problem.

Arrays in, numbers out. *Rates* are values of ``two_way`` from 0 to 1: how much of a problem one run solved. If no model
differs on any problem, that does not prove equality: the interval is about as wide as the rule of three says.
"""

from dataclasses import replace
from math import sqrt

import numpy as np

from instruction_data.answer import two_way
from instruction_data.answer.two_way import CONFIDENCE, Difference, Estimate, RunVariance

ROUNDING = 12  # decimals: smaller differences come only from the order of addition


def pass_at_k(passed: np.ndarray, samples: int, k: int) -> np.ndarray:
    """Return the unbiased chance that at least one of ``k`` samples of a problem passes: 1 - C(n - c, k) / C(n, k).

    Chen et al. 2021, *Evaluating Large Language Models Trained on Code*.

    Args:
        passed: int ``[…]``, the number of samples that passed (c).
        samples: the number of samples of each problem (n), at least ``k``.
    """
    from scipy import stats

    if not 1 <= k <= samples:
        raise ValueError(f"k = {k}; expected 1 … {samples}, the number of samples")
    if k == 1:
        return passed / samples
    return stats.hypergeom.sf(0, samples, passed, k)


def estimate(rates: np.ndarray, runs: RunVariance | None) -> Estimate:
    """Return the mean of rates, with Wilson's interval for the number of independent problems that fits its variance.

    For one run with one sample that is Wilson's interval itself. If all or nothing passed, the variance says nothing,
    and each problem counts once (as in Korn and Graubard 1998 for proportions of clustered samples).

    Args:
        rates: ``[runs, problems]``.
        runs: of ``two_way.run_variance``.
    """
    from scipy import stats
    from statsmodels.stats.proportion import proportion_confint

    count, problems = rates.shape
    mean = float(np.clip(rates.mean(), 0, 1))
    over_problems = float(np.round(rates.mean(axis=0), ROUNDING).var()) / problems
    extra = runs.between / count if runs else 0.0
    effective = float(problems)
    if 0 < mean < 1:
        variance = over_problems + extra
        effective = mean * (1 - mean) / variance if variance > 0 else float(rates.size)
        if runs and extra > 0:
            freedom = two_way.freedom_of(over_problems, problems - 1, runs, 1 / count)
            effective *= (stats.norm.ppf(0.5 + CONFIDENCE / 2) / stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) ** 2
    low, high = proportion_confint(mean * effective, effective, alpha=1 - CONFIDENCE, method="wilson")
    return Estimate(mean, max(0.0, min(float(low), mean)), min(1.0, max(float(high), mean)), two_way.deviation(rates))


def paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the differences per problem, followed by two made-up problems, one won by each side.

    Args:
        first, second: rates ``[runs, problems]``.

    Returns:
        float64 ``[problems + 2]``, the made-up ones last.
    """
    return padded(first.mean(axis=0) - second.mean(axis=0))


def padded(differences: np.ndarray, largest: float = 1.0) -> np.ndarray:
    """Return differences per problem, followed by two made-up ones of opposite sign.

    They keep few problems, or problems without differences, from looking like certainty. For one run with one sample
    a side this is the interval of Bonett and Price 2012 for paired proportions, with +1 and -1 as made-up differences.
    Otherwise these are as large as the other nonzero differences (root mean square); ``largest`` if there are none.

    Args:
        differences: float64 ``[problems]``, each from ``-largest`` to ``largest``.
    """
    found = np.round(differences, ROUNDING)
    differing = found[found != 0]
    size = sqrt(np.square(differing).mean()) if len(differing) else largest
    return np.append(found, [size, -size])


def difference(first: np.ndarray, second: np.ndarray, runs: RunVariance | None) -> Difference:
    """Return the paired difference of two conditions on the same problems, by Student's t, from -1 to 1.

    Args:
        first, second: rates ``[runs, problems]``.
        runs: of ``two_way.run_variance`` over all conditions of the task.
    """
    values = paired(first, second)
    return clipped(two_way.weighed(values, 1 / len(first) + 1 / len(second), runs), values)


def clipped(found: Difference, values: np.ndarray, largest: float = 1.0) -> Difference:
    """Return a difference without the two made-up problems in its estimate, and within what is possible.

    Args:
        values: of ``padded``.
    """
    return replace(
        found,
        estimate=float(values[:-2].mean()),
        low=max(-largest, found.low),
        high=min(largest, found.high),
        detectable=min(largest, found.detectable),
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """Return McNemar's exact test of two runs with one sample each.

    Args:
        first, second: bool ``[problems]``.

    Returns:
        Problems that only the first solved, that only the second solved, and the two-sided p.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact

    cells = [[int((first == a)[second == b].sum()) for b in (True, False)] for a in (True, False)]
    return cells[0][1], cells[1][0], min(1.0, float(exact(cells, exact=True).pvalue))
