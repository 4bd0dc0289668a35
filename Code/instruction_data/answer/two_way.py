"""The two-way analysis: means and differences of conditions, each with its uncertainty.

Arrays in, numbers out. *Values* are float64 ``[runs, problems]``: each run's result on each problem, in any unit. All
values of one task have the same problems in one order.

Two things vary by chance: which problems the benchmark happens to have, and how a training run with another seed (or
another draw of the split) would have turned out. Resampling the problems alone treats the trained models as the only
possible ones: in simulations with three seeds and real seed effects, such 95 % intervals held the truth 55 to 92 % of
the time; resampling problems and runs together gave 89 to 99 %. So the two are added as in a two-way analysis of
variance with crossed runs and problems (as for readers and cases in Dorfman, Berbaum and Metz 1992, Obuchowski and
Rockette 1995). The spread between runs is pooled over all conditions of a task, so that three seeds each give enough
degrees of freedom: 94 to 97 %. Pooling assumes that seeds matter about equally in every condition. If the seeds of two
compared conditions vary twice as much as the others', it is 88 %; with two conditions of two seeds, 92 %.

If no condition has two runs, nothing is known about seeds, and the interval is about other problems for these very
models. Shares of problems solved lie between 0 and 1 and often do not differ at all: ``passing`` treats them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

CONFIDENCE = 0.95
POWER = 0.8
RESAMPLES = 10_000
TRACE = 1e-12  # of the largest value: smaller differences come only from the order of addition
SAME = 1e-20  # of the mean square: a smaller variance between runs comes only from the order of addition
LARGEST_EFFECT = 5.0  # in standard deviations; beyond it a few observations suffice, and the solver fails


@dataclass(frozen=True)
class RunVariance:
    """The variance between the runs of one condition, pooled over the conditions of a task.

    Attributes:
        between: variance of a run's mean that would remain with infinitely many problems.
        total: variance of a run's mean on these problems.
        freedom: degrees of freedom of ``total``.
    """

    between: float
    total: float
    freedom: int


@dataclass(frozen=True)
class Estimate:
    """Mean over runs and problems with its interval; ``deviation`` is the standard deviation of the runs' means."""

    estimate: float
    low: float
    high: float
    deviation: float | None


@dataclass(frozen=True)
class Difference:
    """The first condition's mean minus the second's.

    Attributes:
        low, high: the interval.
        p: two-sided, for the hypothesis of no difference.
        by_problems, by_runs: the part of either source of chance in the squared standard error.
        freedom: degrees of freedom of interval and p.
        detectable: the smallest true difference that such data show with the usual power.
        observations: the number of paired differences, one a problem.
    """

    estimate: float
    low: float
    high: float
    p: float
    by_problems: float
    by_runs: float
    freedom: float
    detectable: float
    observations: int

    @property
    def standard_error(self) -> float:
        return sqrt(self.by_problems + self.by_runs)


def replicates(values: np.ndarray, draws: Sequence[str]) -> np.ndarray:
    """Return the independent trials of a condition: the means over each draw of the split, or else the runs.

    Runs of the same draw share that draw's chance, so they do not count as several draws.

    Args:
        values: ``[runs, problems]``.
        draws: for every run the split.

    Returns:
        ``[draws, problems]``, in the order of the draws' names, if there are several; ``values`` otherwise.
    """
    names = sorted(set(draws))
    if len(names) == 1:
        return values
    return np.stack([values[[draw == name for draw in draws]].mean(axis=0) for name in names])


def run_variance(conditions: Sequence[np.ndarray]) -> RunVariance | None:
    """Return the variance between runs of the same condition; None if no condition has two.

    It is the mean square between runs, less the part that comes from the problems' chance (the residual mean square).

    Args:
        conditions: values of each condition of a task.
    """
    repeated = [values for values in conditions if len(values) > 1]
    if not repeated:
        return None
    size = max(float(np.square(values).mean()) for values in repeated)
    return variance_of(*mean_squares(repeated), repeated[0].shape[1], size)


def variance_of(between: float, residual: float, freedom: int, problems: int, size: float) -> RunVariance:
    """Return the variance that the mean squares of runs on these problems tell.

    Args:
        between, residual, freedom: of ``squares_of``.
        size: the mean square of the values themselves.
    """
    if between < SAME * size:
        between = 0.0
    return RunVariance(max(0.0, between - residual / problems), between, freedom)


def mean_squares(repeated: Sequence[np.ndarray]) -> tuple[float, float, int]:
    """Return the variance of the runs' means, the residual mean square, and the degrees of freedom of the first.

    Args:
        repeated: ``[runs, problems]`` of each condition, of at least two runs; both figures are pooled over them.
    """
    left = np.concatenate([values - values.mean(axis=0) for values in repeated])
    return squares_of(left, len(left) - len(repeated))


def squares_of(left: np.ndarray, freedom: int) -> tuple[float, float, int]:
    """Return the mean squares of what a model of the runs leaves over: between runs, and residual.

    Args:
        left: ``[runs, problems]``, the values less what the model says of every problem.
        freedom: the number of runs less that of the model's parameters.
    """
    problems, of_runs = left.shape[1], left.mean(axis=1, keepdims=True)
    residual = 0.0
    if problems > 1:  # what neither the run nor the problem explains
        residual = float(np.square(left - of_runs).sum()) / (freedom * (problems - 1))
    return float(np.square(of_runs).sum()) / freedom, residual, freedom


def estimate(values: np.ndarray, runs: RunVariance | None) -> Estimate:
    """Return the mean of values of any size, with Student's interval.

    Args:
        values: ``[runs, problems]``, of at least two problems.
        runs: of ``run_variance``.
    """
    count, problems = values.shape
    mean, over_problems = float(values.mean()), float(values.mean(axis=0).var(ddof=1)) / problems
    extra = runs.between / count if runs else 0.0
    freedom = freedom_of(over_problems, problems - 1, runs, 1 / count) if extra > 0 else problems - 1
    half = _quantile(0.5 + CONFIDENCE / 2, freedom) * sqrt(over_problems + extra)
    return Estimate(mean, mean - half, mean + half, deviation(values))


def deviation(values: np.ndarray) -> float | None:
    """Return the standard deviation of the runs' means; None for a single run."""
    return float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else None


def freedom_of(over_problems: float, problem_freedom: int, runs: RunVariance, weight: float) -> float:
    """Return the degrees of freedom of the sum of two variances (Satterthwaite 1946)."""
    total = (over_problems + runs.between * weight) ** 2
    by_problems = over_problems**2 / problem_freedom if problem_freedom else 0.0
    return total / (by_problems + (runs.total * weight) ** 2 / runs.freedom)


def paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the differences per problem, zero if they come only from the order of addition; float64 ``[problems]``.

    Args:
        first, second: values ``[runs, problems]``.
    """
    found = first.mean(axis=0) - second.mean(axis=0)
    found[np.abs(found) < TRACE * max(np.abs(first).max(), np.abs(second).max())] = 0.0
    return found


def difference(first: np.ndarray, second: np.ndarray, runs: RunVariance | None) -> Difference:
    """Return the paired difference of two conditions on the same problems, by Student's t.

    Args:
        first, second: values ``[runs, problems]``, of at least two problems.
        runs: of ``run_variance`` over all conditions of the task.
    """
    return weighed(paired(first, second), 1 / len(first) + 1 / len(second), runs)


def weighed(differences: np.ndarray, weight: float, runs: RunVariance | None) -> Difference:
    """Return the mean of paired differences, by Student's t.

    Args:
        differences: at least two.
        weight: the part of the variance between runs that enters the mean: the sum of 1 / runs of either side.
    """
    by_runs = runs.between * weight if runs else 0.0
    return tested(differences, by_runs, [(runs.total * weight, runs.freedom)] if runs else [])


def tested(differences: np.ndarray, by_runs: float, parts: Sequence[tuple[float, float]]) -> Difference:
    """Return the mean of numbers per problem, by Student's t.

    Args:
        differences: at least two.
        by_runs: what runs add to the squared standard error. Below zero if runs differ less than the problems' chance
            explains; with few degrees of freedom that happens, and the error is then no smaller than ``parts`` say.
        parts: the mean squares that ``by_runs`` was made from, each with its weight and its degrees of freedom.
    """
    from scipy import special

    centre, by_problems = float(differences.mean()), float(differences.var(ddof=1)) / len(differences)
    freedom, least = float(len(differences) - 1), 0.0
    if by_runs < 0:
        by_runs = max(by_runs, sum(part for part, _ in parts) - by_problems)
        least = min(freedom, *(of for _, of in parts))  # a sum has no fewer than its parts
    if by_runs != 0 and by_problems + by_runs > 0:  # Satterthwaite 1946
        spread = by_problems**2 / freedom + sum(part**2 / of for part, of in parts)
        freedom = max(least, (by_problems + by_runs) ** 2 / spread)
    if by_runs > 0 and by_problems > 0:
        freedom = min(freedom, _cautious_freedom(by_problems, len(differences) - 1, by_runs, parts))
    error = sqrt(by_problems + by_runs)
    half = _quantile(0.5 + CONFIDENCE / 2, freedom) * error
    return Difference(
        estimate=centre,
        low=centre - half,
        high=centre + half,
        p=float(2 * special.stdtr(freedom, -abs(centre) / error)) if error > 0 else float(centre == 0),
        by_problems=by_problems,
        by_runs=by_runs,
        freedom=freedom,
        detectable=half + _quantile(POWER, freedom) * error,
        observations=len(differences),
    )


def _cautious_freedom(by_problems: float, many: int, by_runs: float, parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom whose interval is as wide as that of Cochran and Cox (1950).

    They weigh Student's quantiles of both sources by the variances. Satterthwaite's degrees of freedom are too many
    where few runs happen to differ little: with two of them, and draws three quarters of the variance, p values below
    0.0125 came twice as often as they should in simulations, and with these 1.2 to 1.6 times as often.
    """
    from scipy import optimize

    few = min(many, sum(part for part, _ in parts) ** 2 / sum(part**2 / of for part, of in parts))
    tail = 0.5 + CONFIDENCE / 2
    quantiles = _quantile(tail, few), _quantile(tail, many)
    wanted = (by_runs * quantiles[0] + by_problems * quantiles[1]) / (by_runs + by_problems)
    if not quantiles[1] < wanted < quantiles[0]:
        return many if wanted <= quantiles[1] else few
    return optimize.brentq(lambda freedom: _quantile(tail, freedom) - wanted, few, many)


def _quantile(share: float, freedom: float) -> float:
    """Return a quantile of Student's t: that of scipy.stats, which takes a quarter of a millisecond more for it."""
    from scipy import special

    return float(special.stdtrit(freedom, share))


def problems_needed(found: Difference) -> int | None:
    """Say how many problems would show a difference of this size with these runs; None if no number would."""
    from statsmodels.stats.power import TTestPower

    spread = sqrt(found.by_problems * found.observations)
    return _observations(TTestPower(), _left(found, found.by_runs) / spread, "nobs") if spread > 0 else None


def runs_needed(found: Difference, replicates: tuple[int, int], runs: RunVariance | None) -> int | None:
    """Say how many runs of each condition would show a difference of this size on these problems.

    More runs average out their own spread and their part in that of the problems; the problems' own spread remains.

    Args:
        replicates: the numbers of replicates of the two conditions.

    Returns:
        None if no number would, or if nothing is known about the variance between runs.
    """
    from statsmodels.stats.power import TTestIndPower

    if runs is None or runs.total == 0:
        return None
    weight = sum(1 / count for count in replicates)
    by_problems = max(0.0, found.by_problems - (runs.total - runs.between) * weight)
    return _observations(TTestIndPower(), _left(found, by_problems) / sqrt(runs.total), "nobs1")


def _left(found: Difference, taken: float) -> float:
    """Return the part of a difference that an unchanged source of chance leaves for the other source.

    The usual power needs a standard error of about a 2.8th of the difference; ``taken`` is a part of its square.
    """
    times = _quantile(0.5 + CONFIDENCE / 2, found.freedom) + _quantile(POWER, found.freedom)
    wanted = (found.estimate / times) ** 2
    return abs(found.estimate) * sqrt(1 - taken / wanted) if wanted > taken else 0.0


def _observations(power: object, effect: float, wanted: str) -> int | None:
    """Say how many observations show an effect; None if no number would."""
    if effect < 1e-6:
        return None
    effect = min(effect, LARGEST_EFFECT)
    found = power.solve_power(effect_size=effect, alpha=1 - CONFIDENCE, power=POWER, **{wanted: None})
    return ceil(float(found) - 1e-9)


def over_problems_alone(values: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of differences between these very runs: the percentile bootstrap over problems.

    Args:
        values: ``[pairs, problems]``, differences from ``paired``.

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


def corrected(p_values: Sequence[float]) -> list[float]:
    """Correct the p values of one family: at 0.05, under one family in twenty has a false alarm (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []
