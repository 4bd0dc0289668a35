"""One task in numbers: its conditions, and the comparison of every two of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from instruction_data.answer import passing, two_way, units
from instruction_data.answer.two_way import RunVariance

KS = (1, 10, 100)
FEWEST_PROBLEMS = 50  # with fewer, a task shows only that the chain works


@dataclass(frozen=True)
class Condition:
    """The results of one condition's runs.

    Attributes:
        numbers: for every run ``[problems, samples]``; all runs have the same problems in the same order.
        draws: for every run the split.
    """

    numbers: Sequence[np.ndarray]
    draws: Sequence[str]

    @property
    def samples(self) -> int:
        return min(numbers.shape[1] for numbers in self.numbers)

    @property
    def several_draws(self) -> bool:
        return len(set(self.draws)) > 1

    def by_run(self, metric: Mapping, k: int = 1) -> np.ndarray:
        """Return a value of every run and problem, ``[runs, problems]``: pass@k, or the mean of the samples."""
        if units.passes(metric):
            of = [passing.pass_at_k(numbers.sum(axis=1), numbers.shape[1], k) for numbers in self.numbers]
        else:
            of = [numbers.mean(axis=1) for numbers in self.numbers]
        return np.stack(of)

    def replicates(self, metric: Mapping, k: int) -> np.ndarray:
        """Return a value of every independent trial and problem, ``[replicates, problems]``."""
        return two_way.replicates(self.by_run(metric, k), self.draws)


def sample_variance(conditions: Iterable[Condition]) -> float:
    """Return the variance between samples of one run and problem, of which each run has at least two."""
    return float(np.mean([numbers.var(axis=1, ddof=1).mean() for one in conditions for numbers in one.numbers]))


def compare(
    conditions: Mapping[str, Condition],
    metric: Mapping,
    generator: np.random.Generator,
    unpaired: Collection[str] = (),
) -> dict:
    """Compare the conditions of a task; return the results in plain numbers and words.

    Args:
        conditions: by name; for kinds other than ``pass`` they have at least two problems.
        generator: for the bootstrap over problems.
        unpaired: the conditions that are in no pair: the model before training (``transfer`` compares with it), and
            the sets of a design, of which any two differ in several properties (``effects`` compares them).
    """
    samples = min(condition.samples for condition in conditions.values())
    ks = [k for k in KS if k <= samples] if units.passes(metric) else [1]
    values = {k: {name: one.replicates(metric, k) for name, one in conditions.items()} for k in ks}
    runs = {k: two_way.run_variance(list(values[k].values())) for k in ks}
    problems = len(next(iter(conditions.values())).numbers[0])
    paired = {name: of for name, of in values[1].items() if name not in unpaired}
    return {
        "problems": problems,
        "samples": samples,
        "intervals_over": "problems and runs" if runs[1] else "problems",
        "noise": noise(problems, list(values[1].values()), metric),
        "conditions": [
            {"condition": name} | _described(one, {k: values[k][name] for k in ks}, runs, metric)
            for name, one in conditions.items()
        ],
        "differences": differences(conditions, paired, runs[1], metric, generator),
    }


def noise(problems: int, values: Sequence[np.ndarray], metric: Mapping) -> str | None:
    """Say why a task tells nothing about its conditions; return None if it may tell something."""
    if problems < FEWEST_PROBLEMS:
        return f"{problems} problem{'s' * (problems > 1)}, fewer than {FEWEST_PROBLEMS}"
    means = {float(of.mean()) for of in values}
    if units.passes(metric):
        return f"every pass@1 is {means.pop():.0%}" if means in ({0.0}, {1.0}) else None
    same = all(np.ptp(of) == 0 for of in values) and len(means) == 1
    return f"every number is {means.pop():.4g}" if same else None


def _described(condition: Condition, values: Mapping[int, np.ndarray], runs: Mapping, metric: Mapping) -> dict:
    """Return a condition's estimates: the figures of the first one, and for ``pass`` also those of every k."""
    method = passing if units.passes(metric) else two_way
    found = {str(k): asdict(method.estimate(values[k], runs[k])) for k in values}
    described = {
        "replicates": len(values[1]),
        "replicates_are": "draws" if condition.several_draws else "seeds",
        **found["1"],
    }
    return described | ({"pass_at": found} if units.passes(metric) else {})


def differences(
    conditions: Mapping[str, Condition],
    values: Mapping[str, np.ndarray],
    runs: RunVariance | None,
    metric: Mapping,
    generator: np.random.Generator,
) -> list[dict]:
    """Compare every two conditions; ``p_corrected`` is added later, when the whole question is known.

    Args:
        values: for every condition ``[replicates, problems]``.
    """
    method, pairs = passing if units.passes(metric) else two_way, list(combinations(values, 2))
    if not pairs:
        return []
    lows, highs = two_way.over_problems_alone(
        np.stack([method.paired(values[one], values[other]) for one, other in pairs]), generator
    )
    found = []
    for (one, other), low, high in zip(pairs, lows, highs, strict=True):
        difference = method.difference(values[one], values[other], runs)
        exact = mcnemar(conditions[one], conditions[other], metric)
        found.append(
            {
                "condition": one,
                "against": other,
                "difference": difference.estimate,
                "low": difference.low,
                "high": difference.high,
                "test": "McNemar, exact" if exact and not runs else "Student's t",
                "p": exact["p"] if exact and not runs else difference.p,
                "standard_error": difference.standard_error,
                "degrees_of_freedom": difference.freedom,
                "detectable": difference.detectable,
                "problems_needed": two_way.problems_needed(difference),
                "runs_needed": two_way.runs_needed(difference, (len(values[one]), len(values[other])), runs),
                "these_runs": {"low": float(low), "high": float(high)},
                "mcnemar": exact,
            }
        )
    return found


def mcnemar(first: Condition, second: Condition, metric: Mapping) -> dict | None:
    """Return McNemar's test if each side is one run with one sample; None otherwise."""
    if not units.passes(metric) or any(len(side.numbers) > 1 or side.samples > 1 for side in (first, second)):
        return None
    only_first, only_second, p = passing.mcnemar(*(side.numbers[0][:, 0] > 0 for side in (first, second)))
    return {"only_condition": only_first, "only_against": only_second, "p": p}
