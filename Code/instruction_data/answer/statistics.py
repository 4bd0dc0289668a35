"""Comparisons: pass rates, differences between two conditions, and how far either can be trusted.

Arrays in, numbers out. *Rates* are float64 ``[runs, problems]``: how much of a problem one run solved, 0 … 1; all rates
of one task have the same problems in the same order.

Two things vary by chance: which problems the benchmark happens to have, and how a training run with another seed (or
another draw of the split) would have turned out. Resampling the problems alone takes the trained models for the only
ones possible: in simulations with three seeds and real seed effects, such 95 % intervals held the truth 55 to 92 % of
the time, and resampling problems and runs together 89 to 99 %. So the two are added as in a two-way analysis of
variance with crossed runs and problems (as for readers and cases in Dorfman, Berbaum and Metz 1992, Obuchowski and
Rockette 1995), the spread between runs pooled over all conditions of a task, which gives three seeds each enough
degrees of freedom to be of use: 94 to 97 %. That supposes that seeds matter about as much in every condition: where
those of two compared conditions vary twice as much as the others', it is 88 %; with two conditions of two seeds, 92 %.

Where no condition has two runs, nothing is known of seeds, and the interval is about other problems for these very
models. Where nobody differs on any problem, that is no proof of equality either: the interval is then about as wide as
the rule of three has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

CONFIDENCE = 0.95
POWER = 0.8
RESAMPLES = 10_000
ROUNDING = 12  # decimals: below are the traces of adding in another order, and no differences
SAME = 1e-20  # variance of runs that do not differ, added in different orders
LARGEST_EFFECT = 5.0  # in standard deviations; beyond it a handful of observations will do, and the solver fails


@dataclass(frozen=True)
class RunVariance:
    """How the runs of one condition differ, pooled over the conditions of a task.

    Attributes:
        between: variance of a run's pass rate that would be left with endlessly many problems.
        total: variance of a run's pass rate on these problems.
        freedom: degrees of freedom of ``total``.
    """

    between: float
    total: float
    freedom: int


@dataclass(frozen=True)
class Rate:
    """Mean over runs and problems with its interval; ``deviation`` is the standard deviation of the runs' means."""

    estimate: float
    low: float
    high: float
    deviation: float | None


@dataclass(frozen=True)
class Difference:
    """The first condition's pass rate minus the second's.

    Attributes:
        low, high: the interval.
        p: two-sided, of no difference.
        by_problems, by_runs: what either source of chance adds to the squared standard error.
        freedom: degrees of freedom of interval and p.
        detectable: the smallest true difference that such data show with the usual power.
    """

    estimate: float
    low: float
    high: float
    p: float
    by_problems: float
    by_runs: float
    freedom: float
    detectable: float

    @property
    def standard_error(self) -> float:
        return sqrt(self.by_problems + self.by_runs)


def pass_at_k(passed: np.ndarray, samples: int, k: int) -> np.ndarray:
    """The chance that at least one of ``k`` samples of a problem passes: 1 - C(n - c, k) / C(n, k), unbiased.

    Chen et al. 2021, *Evaluating Large Language Models Trained on Code*.

    Args:
        passed: int ``[…]``, samples that passed (c).
        samples: of each problem (n), at least ``k``.
    """
    from scipy import stats

    if not 1 <= k <= samples:
        raise ValueError(f"k = {k}; expected 1 … {samples}, the number of samples")
    if k == 1:
        return passed / samples
    return stats.hypergeom.sf(0, samples, passed, k)


def replicates(rates: np.ndarray, draws: Sequence[str]) -> np.ndarray:
    """The runs of a condition as independent trials: the mean of every draw of the split, or else the runs themselves.

    Runs of the same draw share what chance put into it, so they do not count as several draws.

    Args:
        rates: ``[runs, problems]``.
        draws: of every run the split.

    Returns:
        ``[draws, problems]``, in the order of their names, if there are several; ``rates`` otherwise.
    """
    names = sorted(set(draws))
    if len(names) == 1:
        return rates
    return np.stack([rates[[draw == name for draw in draws]].mean(axis=0) for name in names])


def run_variance(conditions: Sequence[np.ndarray]) -> RunVariance | None:
    """How runs of the same condition differ; None where no condition has two.

    The mean square between runs, less what the problems' own chance puts into it (the residual mean square).

    Args:
        conditions: rates of each condition of a task.
    """
    repeated = [rates for rates in conditions if len(rates) > 1]
    if not repeated:
        return None
    freedom = sum(len(rates) - 1 for rates in repeated)
    problems = repeated[0].shape[1]
    between = sum(np.square(rates.mean(axis=1) - rates.mean()).sum() for rates in repeated) / freedom
    residual = 0.0
    if problems > 1:
        residual = sum(np.square(_residuals(rates)).sum() for rates in repeated) / (freedom * (problems - 1))
    return RunVariance(float(max(0.0, between - residual / problems)), float(between), freedom)


def _residuals(rates: np.ndarray) -> np.ndarray:
    """What neither the run nor the problem explains; ``[runs, problems]``."""
    return rates - rates.mean(axis=1, keepdims=True) - rates.mean(axis=0, keepdims=True) + rates.mean()


def rate(rates: np.ndarray, runs: RunVariance | None) -> Rate:
    """The mean of rates, with Wilson's interval on as many independent problems as its variance amounts to.

    For one run with one sample that is Wilson's interval itself. Where all or nothing passed, the variance says nothing
    and the problems count once each (Korn and Graubard 1998 take proportions of clustered samples so).

    Args:
        rates: ``[runs, problems]``.
        runs: of ``run_variance``.
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
            freedom = _freedom(over_problems, problems - 1, runs, 1 / count)
            effective *= (stats.norm.ppf(0.5 + CONFIDENCE / 2) / stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) ** 2
    low, high = proportion_confint(mean * effective, effective, alpha=1 - CONFIDENCE, method="wilson")
    deviation = float(rates.mean(axis=1).std(ddof=1)) if count > 1 else None
    return Rate(mean, max(0.0, min(float(low), mean)), min(1.0, max(float(high), mean)), deviation)


def _freedom(over_problems: float, problem_freedom: int, runs: RunVariance, weight: float) -> float:
    """Degrees of freedom of the sum of two variances (Satterthwaite 1946)."""
    total = (over_problems + runs.between * weight) ** 2
    by_problems = over_problems**2 / problem_freedom if problem_freedom else 0.0
    return total / (by_problems + (runs.total * weight) ** 2 / runs.freedom)


def with_made_up(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Differences per problem, and two made-up problems on which either side is ahead; float64 ``[problems + 2]``.

    These keep few problems, and none that differ, from looking like certainty. For one run with one sample a side this
    is the interval of Bonett and Price 2012 for paired proportions, whose made-up differences are +1 and -1. Otherwise
    they are as large as those of the problems that differ (root mean square); +1 and -1 where none does.

    Args:
        first, second: rates ``[runs, problems]``.
    """
    found = np.round(first.mean(axis=0) - second.mean(axis=0), ROUNDING)
    differing = found[found != 0]
    size = sqrt(np.square(differing).mean()) if len(differing) else 1.0
    return np.append(found, [size, -size])


def difference(first: np.ndarray, second: np.ndarray, runs: RunVariance | None) -> Difference:
    """The paired difference of two conditions on the same problems, by Student's t.

    Args:
        first, second: rates ``[runs, problems]``.
        runs: of ``run_variance`` over all conditions of the task.
    """
    from scipy import stats

    values = with_made_up(first, second)
    centre, by_problems = float(values.mean()), float(values.var(ddof=1)) / len(values)
    weight = 1 / len(first) + 1 / len(second)
    by_runs = runs.between * weight if runs else 0.0
    freedom = float(len(values) - 1)
    if runs and by_runs > 0:
        freedom = _freedom(by_problems, len(values) - 1, runs, weight)
    error = sqrt(by_problems + by_runs)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * error
    return Difference(
        estimate=float(values[:-2].mean()),
        low=max(-1.0, centre - half),
        high=min(1.0, centre + half),
        p=float(2 * stats.t.sf(abs(centre) / error, freedom)),
        by_problems=by_problems,
        by_runs=by_runs,
        freedom=freedom,
        detectable=min(1.0, half + float(stats.t.ppf(POWER, freedom)) * error),
    )


def problems_needed(found: Difference, problems: int) -> int | None:
    """How many problems would show a difference of the size found, with the runs there are; None if no number would.

    Args:
        problems: it was found on.
    """
    from statsmodels.stats.power import TTestPower

    deviation = sqrt(found.by_problems * (problems + 2))  # with the two made up
    return _observations(TTestPower(), _left(found, found.by_runs) / deviation, "nobs")


def runs_needed(found: Difference, replicates: tuple[int, int], runs: RunVariance | None) -> int | None:
    """How many runs per condition would show a difference of the size found, on the problems there are.

    More runs average out their own spread and their part in that of the problems, and leave the problems' own.

    Args:
        replicates: of the two conditions.

    Returns:
        None if no number would, or where nothing is known of how runs differ.
    """
    from statsmodels.stats.power import TTestIndPower

    if runs is None or runs.total < SAME:
        return None
    weight = sum(1 / count for count in replicates)
    by_problems = max(0.0, found.by_problems - (runs.total - runs.between) * weight)
    return _observations(TTestIndPower(), _left(found, by_problems) / sqrt(runs.total), "nobs1")


def _left(found: Difference, taken: float) -> float:
    """What a source of chance that stays as it is leaves of a difference, for the other source to be weighed against.

    The usual power needs a standard error of about a 2.8th of the difference; ``taken`` is a part of its square.
    """
    from scipy import stats

    times = stats.t.ppf(0.5 + CONFIDENCE / 2, found.freedom) + stats.t.ppf(POWER, found.freedom)
    wanted = (found.estimate / times) ** 2
    return abs(found.estimate) * sqrt(1 - taken / wanted) if wanted > taken else 0.0


def _observations(power: object, effect: float, wanted: str) -> int | None:
    """How many observations show an effect; None where none would."""
    if effect < 1e-6:
        return None
    effect = min(effect, LARGEST_EFFECT)
    found = power.solve_power(effect_size=effect, alpha=1 - CONFIDENCE, power=POWER, **{wanted: None})
    return ceil(float(found) - 1e-9)


def over_problems_alone(values: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap over problems: intervals of differences between these very runs.

    Args:
        values: ``[pairs, problems + 2]``, of ``with_made_up``.

    Returns:
        Lower and upper ends, ``[pairs]`` each.
    """
    from scipy import stats

    interval = stats.bootstrap(
        (values,),
        np.mean,
        axis=-1,
        n_resamples=RESAMPLES,
        batch=max(1, 4_000_000 // values.size),
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=generator,
    ).confidence_interval
    return interval.low, interval.high


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """McNemar's exact test of two runs with one sample each.

    Args:
        first, second: bool ``[problems]``.

    Returns:
        Problems that only the first solved, that only the second solved, and the two-sided p.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact

    cells = [[int((first == a)[second == b].sum()) for b in (True, False)] for a in (True, False)]
    return cells[0][1], cells[1][0], min(1.0, float(exact(cells, exact=True).pvalue))


def corrected(p_values: Sequence[float]) -> list[float]:
    """p values of one family so that less than one family in twenty has a false alarm at 0.05 (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []
