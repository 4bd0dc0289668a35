"""Primary contrasts, components and verdicts, on simulated studies whose truth is known."""

import itertools

import numpy as np
import pytest

from instruction_data.answer import contrasts
from instruction_data.answer.contrasts import Declared
from instruction_data.answer.task import Condition

STUDIES = 400
BITS = {"name": "gold_bpb", "unit": "bits per byte", "kind": "likelihood", "higher_is_better": False}
TWINS = {"name": "pairs", "unit": "share of twins", "kind": "probability", "higher_is_better": True}
PASS = {"name": "pass@1", "unit": "share of problems", "kind": "pass", "higher_is_better": True}


def study(
    generator, doses, *, effect=0.0, length=0.0, problems=164, seeds=2, draws=3, seed=0.004, draw=0.004, crossed=0.02
):
    """Numbers on an unbounded scale: condition -> ``[runs, problems]`` and the draws of the runs.

    Each split was drawn once; it has random and matched controls of several draws. ``effect`` moves splits per dose,
    ``length`` splits and their matched controls; ``crossed`` is the size of what differs from problem to problem.
    """
    difficulty, found = generator.gamma(4, 0.16, problems), {}
    for (name, dose), kind in itertools.product(doses.items(), ("", "_RANDOM", "_MATCHED")):
        level = (effect * dose if kind == "" else 0.0) + (length * dose if kind != "_RANDOM" else 0.0)
        count = draws if kind else 1
        shape = (count, seeds, problems)
        values = difficulty + level + generator.normal(0, 1.5 * crossed, problems)
        values = values + generator.normal(0, draw, (count, 1, 1)) + generator.normal(0, crossed, (count, 1, problems))
        values = values + generator.normal(0, seed, (count, seeds, 1)) + generator.normal(0, 1.5 * crossed, shape)
        names = [f"{name}{kind}" + (f"_R{number + 1}" if number else "") for number in range(count)]
        found[f"{name}{kind}"] = values.reshape(-1, problems), np.repeat(names, seeds).tolist()
    return found


def declared(doses, kind):
    controls = {of: {name: f"{name}_{of.upper()}" for name in doses} for of in ("random", "matched")}
    return Declared("a contrast", kind, doses, controls, ["length", "language", "category"])


def analysed(found, doses, kind, metric):
    conditions = {name: Condition([run[:, None] for run in values], draws) for name, (values, draws) in found.items()}
    return contrasts.contrast(conditions, metric, declared(doses, kind))


def squeezed(found, flips, generator, samples=4):
    """The same study as shares of twins preferred, or of samples that pass."""
    made = {}
    for name, (values, draws) in found.items():
        chances = 1 / (1 + np.exp(-flips * (values - 0.64)))
        made[name] = generator.binomial(samples, chances) / samples, draws
    return made


ENDS = {"LOW": 0.0, "HIGH": 1.0}
SLOPE = {f"ALG_{share}": share / 100 for share in (0, 25, 50, 75, 100)}
DESIGNS = {
    "ends": (ENDS, "ends", {}),
    "ends, no draws, no seeds": (ENDS, "ends", {"draw": 0.0, "seed": 0.0}),
    "ends, large draws": (ENDS, "ends", {"draw": 0.02}),
    "slope": (SLOPE, "trend", {}),
    "slope, large draws": (SLOPE, "trend", {"draw": 0.02}),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_of_unbounded_numbers_hold_the_truth_95_percent_of_the_time(design):
    doses, kind, settings = DESIGNS[design]
    generator, held = np.random.default_rng(21), []
    for _ in range(STUDIES):
        found = analysed(study(generator, doses, effect=-0.01, length=-0.02, **settings), doses, kind, BITS)
        of_matched = found["matched"]
        held.append((found["low"] <= -0.03 <= found["high"], of_matched["low"] <= -0.01 <= of_matched["high"]))
    assert np.all(np.abs(np.mean(held, axis=0) - 0.95) <= 0.03), np.mean(held, axis=0)
