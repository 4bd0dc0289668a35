"""A designed experiment against one property at a time, 16 runs each, on simulated studies whose truth is known.

A pool has four properties, each two of which correlate alike. Two of them matter: what a model scores is linear in its
set's means of both. One property at a time takes the thirds of the pool that are lowest and highest in one property, as
RQ2 and RQ3 do, so the other properties go along, and their effects are taken for its own. A design holds every property
low in half of its sets and high in the other half, whatever the others are; the means that its sets are meant to share
lie within 0.1 standard deviations of each other. The chance of draws and seeds is what was measured on the demo.

    python benchmarks/run.py design
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
from measure import Result

from instruction_data.answer import chance, contrasts, effects
from instruction_data.answer.chance import Trained
from instruction_data.answer.effects import Draws
from instruction_data.answer.two_way import Difference

EFFECTS = np.array([0.6, 0.3, 0.0, 0.0])  # of one standard deviation, in percent of the score
CORRELATIONS = (0.0, 0.4, 0.8)
RECORDS, PROBLEMS, STUDIES = 2000, 164, 2000
APART = 1.0  # standard deviations between the low and the high sets of a design
OFF, BALANCED = 0.03, 0.05  # how far a set's mean lies from its level: standard deviation, and the most
DRAW, SEED = 0.24, 0.03  # standard deviations of a run's mean: what the draw of the records does, and the seed
BY_DRAW, BY_SEED, BY_EFFECT = 1.5, 0.3, 1.0  # the same for single problems, and how far an effect differs between them
FULL = np.array(list(product((0, 1), repeat=4)))  # 16 sets
HALF = FULL[FULL.sum(axis=1) % 2 == 0]  # 8 sets of resolution IV
ARMS = {  # name -> doses of a design or None, draws of each set, seeds of each draw: 16 runs each
    "designed, 16 sets": (FULL, 1, 1),
    "designed, 8 sets × 2 seeds": (HALF, 1, 2),
    "one at a time, 2 draws": (None, 2, 1),
    "one at a time, 2 seeds": (None, 1, 2),
}


@dataclass(frozen=True)
class Found:
    """What studies of one arm found, for each of the four properties.

    Attributes:
        held: the share of 95 % intervals that hold the truth.
        bias: the mean estimate minus the truth.
        power: the share of estimates that are told from zero, at 5 % and not corrected.
    """

    held: np.ndarray
    bias: np.ndarray
    power: np.ndarray


def trained(generator: np.random.Generator, means: np.ndarray, by_problem: np.ndarray, draws: int, seeds: int) -> list:
    """Return the runs on each set.

    Args:
        means: ``[sets, 4]``, each set's means of the properties, in standard deviations.
        by_problem: ``[4, problems]``, the effects on each problem.
    """
    shape = (len(means), draws, seeds, PROBLEMS)
    values = (means @ by_problem)[:, None, None] + generator.normal(0, DRAW, (*shape[:2], 1, 1))
    values = values + generator.normal(0, BY_DRAW, (*shape[:2], 1, PROBLEMS)) + generator.normal(0, BY_SEED, shape)
    values = values + generator.normal(0, SEED, (*shape[:3], 1))
    named = np.repeat([f"draw {number}" for number in range(draws)], seeds).tolist()
    return [Trained(one.reshape(-1, PROBLEMS), named) for one in values]


def properties(generator: np.random.Generator, n: int, correlation: float) -> np.ndarray:
    """Return four properties each two of which correlate alike, in standard deviations; ``[n, 4]``."""
    common, own = generator.normal(size=(n, 1)), generator.normal(size=(n, len(EFFECTS)))
    return sqrt(correlation) * common + sqrt(1 - correlation) * own


def designed(
    generator: np.random.Generator, by_problem: np.ndarray, correlation: float, doses: np.ndarray, seeds: int
) -> list[Difference]:
    """Return the four effects that a design finds; what its means are off by is correlated as the pool is."""
    off = OFF * properties(generator, len(doses), correlation)
    means = APART * (doses - 0.5) + np.clip(off, -BALANCED, BALANCED)
    sides = trained(generator, means, by_problem, 1, seeds)
    steps = [means[level == 1, place].mean() - means[level == 0, place].mean() for place, level in enumerate(doses.T)]
    draws = Draws([f"SET{number}" for number in range(len(doses))], sides, doses.astype(float))
    fit = effects.main_effects(draws, steps, chance.chance(sides))
    return [fit.test(place + 1, bounded=False) for place in range(doses.shape[1])]


def one_at_a_time(
    generator: np.random.Generator, by_problem: np.ndarray, correlation: float, draws: int, seeds: int
) -> list[Difference]:
    """Return the four effects that thirds of a pool find, each property's by itself."""
    pool, found = properties(generator, RECORDS, correlation), []
    for place, order in enumerate(np.argsort(pool, axis=0).T):
        low, _, high = (pool[part].mean(axis=0) for part in np.array_split(order, 3))
        sides = trained(generator, np.stack([high, low]), by_problem, draws, seeds)
        weight = np.array([1.0, -1.0]) / (high - low)[place]
        found.append(contrasts.test(weight, sides, chance.chance(sides), bounded=False))
    return found


def simulated(arm: str, correlation: float, studies: int, seed: int = 0) -> Found:
    """Return what studies of one arm find in pools with this correlation between properties."""
    generator = np.random.default_rng(seed)
    doses, draws, seeds = ARMS[arm]
    held, estimates, told = [], [], []
    for _ in range(studies):
        by_problem = EFFECTS[:, None] + generator.normal(0, BY_EFFECT, (len(EFFECTS), PROBLEMS))
        if doses is None:
            found = one_at_a_time(generator, by_problem, correlation, draws, seeds)
        else:
            found = designed(generator, by_problem, correlation, doses, seeds)
        held.append([one.low <= effect <= one.high for one, effect in zip(found, EFFECTS, strict=True)])
        estimates.append([one.estimate for one in found])
        told.append([one.p < contrasts.LEVEL for one in found])
    return Found(np.mean(held, axis=0), np.mean(estimates, axis=0) - EFFECTS, np.mean(told, axis=0))


def rows(studies: int = STUDIES) -> Iterator[tuple[str, float, Found]]:
    """Yield what every arm finds at every correlation."""
    for correlation in CORRELATIONS:
        for arm in ARMS:
            yield arm, correlation, simulated(arm, correlation, studies)


def run() -> Iterator[Result]:
    """Yield for every arm how its intervals, its bias and its power are, against what they are to be."""
    power = {}
    for arm, correlation, found in rows():
        power[arm, correlation] = found.power[0]
        yield from results(f"{arm}, correlation {correlation:g}", found, "designed" in arm, correlation)
    designs, alone = (power[arm, 0.0] for arm in ("designed, 16 sets", "one at a time, 2 draws"))
    said = f"{designs:.0%} against {alone:.0%} for an effect of {EFFECTS[0]:g} %, where both are right"
    yield Result("power of 16 runs: designed / one at a time", designs / alone, 1, said)


def results(name: str, found: Found, is_designed: bool, correlation: float) -> Iterator[Result]:
    """Yield the figures of one arm: a design is to be right, one property at a time as wrong as theory says."""
    said = f"intervals hold {found.held.min():.1%} to {found.held.max():.1%}; bias {listed(found.bias)}"
    said += f"; told from zero {listed(found.power)}"
    expected = np.zeros(len(EFFECTS)) if is_designed else correlation * (EFFECTS.sum() - EFFECTS)
    if is_designed:
        far = 100 * float(np.abs(found.held - 0.95).max())
        yield Result(f"{name}: points of coverage from 95", far, 2, said, at_most=True)
    off = float(np.abs(found.bias - expected).max())
    yield Result(f"{name}: bias, less the expected", off, 0.04, said, at_most=True)


def listed(numbers: np.ndarray) -> str:
    return ", ".join(f"{one:.2f}" for one in numbers)
