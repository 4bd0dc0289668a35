"""Chance: how much of a score is due to the problems, the draw of the records, the seed and the samples.

A *draw* is one random choice of a condition's records; a *seed* is one training on a draw. Problems are crossed with
both: every run meets the same ones. Draws are nested in conditions, seeds in draws. The variances come from the mean
squares of that design (analysis of variance, Henderson's first method), pooled over conditions.

A split that was drawn once stands for its property only as well as one draw can. So where random or matched controls
tell how draws vary, every comparison of splits includes that variance, whatever the number of seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from instruction_data.answer import two_way
from instruction_data.answer.two_way import RunVariance

MOST = 1000  # times as many problems, seeds or draws that are ever asked for


@dataclass(frozen=True)
class Trained:
    """What the runs of one condition reached.

    Attributes:
        values: float64 ``[runs, problems]``.
        draws: the split of every run.
    """

    values: np.ndarray
    draws: Sequence[str]

    @cached_property
    def by_draw(self) -> list[np.ndarray]:
        """The runs of each draw, ``[runs, problems]``."""
        names = np.asarray(self.draws)
        return [self.values[names == name] for name in sorted(set(self.draws))]

    @cached_property
    def draw_means(self) -> np.ndarray:
        """The mean of each draw, ``[draws, problems]``."""
        return np.stack([values.mean(axis=0) for values in self.by_draw])

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean of the draws, ``[problems]``."""
        return self.draw_means.mean(axis=0)

    @cached_property
    def largest(self) -> float:
        """The size of the value that is farthest from zero."""
        return float(np.abs(self.values).max())

    @cached_property
    def weight_of_draws(self) -> float:
        """The part of the variance between draws that is in the condition's mean."""
        return 1 / len(set(self.draws))

    @cached_property
    def weight_of_seeds(self) -> float:
        """The part of the variance between seeds that is in the condition's mean."""
        return float(np.mean([1 / len(values) for values in self.by_draw])) * self.weight_of_draws


@dataclass(frozen=True)
class Chance:
    """How seeds and draws vary, pooled over conditions; None where nothing is repeated.

    Attributes:
        seeds: runs of one draw.
        draws: means of the draws of one condition. They include ``seeds`` times ``seeds_in_draws``.
    """

    seeds: RunVariance | None
    draws: RunVariance | None
    seeds_in_draws: float = 0.0

    @property
    def known(self) -> str:
        """What intervals are about."""
        if self.draws:
            return "problems, draws and seeds" if self.seeds else "problems and draws"
        return "problems and seeds" if self.seeds else "problems"

    def of(self, weights: Sequence[float], sides: Sequence[Trained]) -> tuple[float, list[tuple[float, float]]]:
        """Return what draws and seeds add to the squared standard error of a weighted sum of conditions' means.

        Returns:
            The variance, and the mean squares it was made from, each with its weight and its degrees of freedom.
        """
        by_draws = sum(weight**2 * side.weight_of_draws for weight, side in zip(weights, sides, strict=True))
        by_seeds = sum(weight**2 * side.weight_of_seeds for weight, side in zip(weights, sides, strict=True))
        alone = self.seeds.between * by_seeds if self.seeds else 0.0
        if not self.draws:
            return alone, [(self.seeds.total * by_seeds, self.seeds.freedom)] if self.seeds else []
        left = by_seeds - by_draws * self.seeds_in_draws  # seeds that the draws' mean square has too few or many of
        parts = [(self.draws.total * by_draws, self.draws.freedom)]
        both = self.draws.between * by_draws
        if self.seeds:
            both += self.seeds.between * left
            parts.append((self.seeds.total * left, self.seeds.freedom))
        return max(both, alone), parts


def chance(sides: Sequence[Trained]) -> Chance:
    """Return how seeds and draws vary in these conditions."""
    seeds = two_way.run_variance([values for side in sides for values in side.by_draw])
    redrawn = [side for side in sides if len(set(side.draws)) > 1]
    if not redrawn:
        return Chance(seeds, None)
    return Chance(seeds, two_way.run_variance([side.draw_means for side in redrawn]), _seeds_in_draws(redrawn))


def _seeds_in_draws(redrawn: Sequence[Trained]) -> float:
    return float(np.mean([1 / len(values) for side in redrawn for values in side.by_draw]))


def components(sides: Sequence[Trained], within: float | None = None, samples: int = 1) -> dict[str, float | None]:
    """Return the variance that each source adds to a single number; None where nothing tells.

    Estimates of small components can be below zero, as those of unbiased methods must be.

    Args:
        sides: at least one condition.
        within: the variance between samples of one run and problem, where there are several.
        samples: how many.
    """
    found = dict.fromkeys(("problem", "condition × problem", "draw", "draw × problem", "seed", "seed × problem"))
    problems = sides[0].values.shape[1]
    repeated = [values for side in sides for values in side.by_draw if len(values) > 1]
    residual = 0.0
    if repeated:
        between, residual, _ = two_way.mean_squares(repeated)
        found |= {"seed": between - residual / problems, "seed × problem": residual}
    redrawn = [side for side in sides if len(set(side.draws)) > 1]
    if redrawn:
        between, of_draws, _ = two_way.mean_squares([side.draw_means for side in redrawn])
        seeds = _seeds_in_draws(redrawn)
        found["draw"] = between - of_draws / problems - seeds * (found["seed"] or 0.0)
        found["draw × problem"] = of_draws - seeds * residual
    means = np.stack([side.mean for side in sides])
    within_means = np.mean([_interaction(found, side) for side in sides])
    if len(sides) > 1:
        _, crossed, _ = two_way.mean_squares([means])
        found["condition × problem"] = crossed - within_means
        within_means = crossed
    found["problem"] = float(means.mean(axis=0).var(ddof=1)) - within_means / len(sides)
    if within is not None:
        found["sample"] = within
        if repeated:
            found["seed × problem"] = residual - within / samples
    return {name: None if value is None else float(value) for name, value in found.items()}


def _interaction(found: Mapping[str, float | None], side: Trained) -> float:
    """Return what draws and seeds add, problem by problem, to the mean of a condition."""
    of_draws, of_seeds = (found[name] or 0.0 for name in ("draw × problem", "seed × problem"))
    return of_draws * side.weight_of_draws + of_seeds * side.weight_of_seeds


@dataclass(frozen=True)
class Design:
    """Where the squared standard error of a contrast comes from, and how it shrinks with more of each.

    Attributes:
        draws, seeds: what they add as runs' means.
        by_draws, by_seeds, by_itself: what draws, seeds, and the conditions themselves add problem by problem.
    """

    draws: float
    seeds: float
    by_draws: float
    by_seeds: float
    by_itself: float

    def variance(self, problems: float = 1, draws: float = 1, seeds: float = 1) -> float:
        """Return the squared standard error with so many times as many problems, draws, and seeds of each draw."""
        of_runs = self.draws / draws + self.seeds / (draws * seeds)
        return of_runs + (self.by_draws / draws + self.by_seeds / (draws * seeds) + self.by_itself) / problems

    def times(self, what: str, wanted: float) -> int | None:
        """Return how many times as many of one thing make the squared standard error that is wanted; None if none."""
        if self.variance() <= wanted:
            return 1
        now, least = self.variance(), self.variance(**{what: 1e12})
        if least >= wanted:
            return None
        found = ceil((now - least) / (wanted - least) - 1e-9)  # what grows enters as its inverse
        return found if found <= MOST else None

    def next_purchase(self, costs: Mapping[str, float]) -> str:
        """Return the thing whose doubling takes most from the squared standard error for its cost."""
        return max(costs, key=lambda what: (self.variance() - self.variance(**{what: 2})) / costs[what])


def design(
    weights: Sequence[float],
    sides: Sequence[Trained],
    found: Mapping[str, float | None],
    by_problems: float,
    samples: int = 1,
) -> Design:
    """Return where the squared standard error of a weighted sum of conditions' means comes from.

    Args:
        found: of ``components``.
        by_problems: what the problems add to that squared standard error.
        samples: of every run and problem.
    """
    positive = {name: max(0.0, value or 0.0) for name, value in found.items()}
    problems = sides[0].values.shape[1]
    draws = sum(weight**2 * side.weight_of_draws for weight, side in zip(weights, sides, strict=True))
    seeds = sum(weight**2 * side.weight_of_seeds for weight, side in zip(weights, sides, strict=True))
    residual = positive["seed × problem"] + positive.get("sample", 0.0) / samples
    by_draws, by_seeds = positive["draw × problem"] * draws / problems, residual * seeds / problems
    by_itself = max(0.0, by_problems - by_draws - by_seeds)
    return Design(positive["draw"] * draws, positive["seed"] * seeds, by_draws, by_seeds, by_itself)
