"""Primary contrasts: one number a question and metric, declared before anything was trained, and how far to trust it.

A contrast is a weighted sum of conditions' means: one end minus the other, or the slope over all doses. Beside it
stand the same contrast between splits and their matched controls, the ends against random controls, the *floor*
(random controls against each other, which differ by chance alone), and the ends as gains over the untrained model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt

import numpy as np

from instruction_data.answer import chance, passing, task, two_way, units
from instruction_data.answer.chance import Chance, Trained
from instruction_data.answer.two_way import Difference

LEVEL = 1 - two_way.CONFIDENCE
# The time to double each, relative to all so far: draws and seeds are trained and scored; problems are scored only,
# which is about half (of the demo's time: docs/experiment.md).
COSTS = {"problems": 0.5, "draws": 1.0, "seeds": 1.0}


@dataclass(frozen=True)
class Declared:
    """A primary contrast, as the question's script declared it, and the controls of its splits.

    Attributes:
        kind: ``ends`` (dose 1 minus dose 0) or ``trend`` (slope).
        doses: condition -> its dose.
        controls: ``random`` and ``matched`` -> condition -> the condition that is its control.
        matched_on: the traits that matched controls share with their splits.
        untrained: the condition of the model that all runs began with.
    """

    label: str
    kind: str
    doses: Mapping[str, float]
    controls: Mapping[str, Mapping[str, str]]
    matched_on: Sequence[str]
    untrained: str = ""


def weights(kind: str, doses: Sequence[float], draws: Sequence[int]) -> np.ndarray | None:
    """Return the weight of every condition in a contrast; None if these conditions do not make one.

    Args:
        draws: of every condition; in a slope, each counts as a point.
    """
    x, n = np.asarray(doses, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if kind == "ends":
        high, low = x == 1, x == 0
        return high / high.sum() - low / low.sum() if high.any() and low.any() else None
    if len(set(doses)) < 2:
        return None
    centred = x - (n * x).sum() / n.sum()
    return n * centred / (n * centred**2).sum()


def weights_at(dose: float, kind: str, doses: Sequence[float], draws: Sequence[int]) -> np.ndarray:
    """Return the weight of every condition in the level at one dose; in a slope, that of its straight line.

    The levels at the highest and the lowest dose differ by the contrast times the doses' span.
    """
    x, n = np.asarray(doses, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if kind == "ends":
        return (x == dose) / (x == dose).sum()
    return n / n.sum() + (dose - (n * x).sum() / n.sum()) * weights(kind, doses, draws)


@dataclass(frozen=True)
class Sum:
    """A weighted sum of conditions' means.

    Attributes:
        values: float64 ``[problems]``.
        by_runs, parts: what draws and seeds add to its squared standard error, of ``Chance.of``.
    """

    values: np.ndarray
    by_runs: float
    parts: Sequence[tuple[float, float]]


def summed(weight: Sequence[float], sides: Sequence[Trained], of: Chance) -> Sum:
    """Return a weighted sum of conditions' means, problem by problem."""
    values = sum(one * side.mean for one, side in zip(weight, sides, strict=True))
    return Sum(values, *of.of(weight, sides))


def test(
    weight: Sequence[float], sides: Sequence[Trained], of: Chance, bounded: bool, fixed: np.ndarray | None = None
) -> Difference:
    """Return a weighted sum of conditions' means with interval and p.

    Args:
        bounded: whether all numbers lie between 0 and 1.
        fixed: float64 ``[problems]``, subtracted from the sum: a model that neither draw nor seed can change.
    """
    return concluded(summed(weight, sides, of), weight, sides, bounded, fixed)


def concluded(
    found: Sum, weight: Sequence[float], sides: Sequence[Trained], bounded: bool, fixed: np.ndarray | None = None
) -> Difference:
    """Return the interval and p of a sum of conditions' means with these weights, as ``test`` does."""
    values = found.values if fixed is None else found.values - fixed
    if bounded:
        largest = (float(np.abs(weight).sum()) + (fixed is not None)) / 2
        values = passing.padded(values, largest)
        return passing.clipped(two_way.tested(values, found.by_runs, found.parts), values, largest)
    largest = max(side.largest for side in sides) * float(np.abs(weight).max())
    values[np.abs(values) < two_way.TRACE * largest] = 0.0
    return two_way.tested(values, found.by_runs, found.parts)


def told(found: Difference) -> dict:
    """Return what is written of a difference."""
    names = ("estimate", "low", "high", "p", "standard_error", "detectable")
    return {name: getattr(found, name) for name in names} | {"degrees_of_freedom": found.freedom}


def contrast(conditions: Mapping[str, task.Condition], metric: Mapping, declared: Declared) -> dict | None:
    """Return a primary contrast of one task and metric with all that stands beside it, in plain numbers.

    Args:
        conditions: all conditions of the task, the controls among them; chance is learned from all of them.

    Returns:
        None if one of the ends has no outcome, or all doses with outcomes are equal.
    """
    sides = {name: Trained(one.by_run(metric), one.draws) for name, one in conditions.items()}
    names = [name for name in declared.doses if name in sides]
    doses = [declared.doses[name] for name in names]
    weight = weights(declared.kind, doses, [len(set(sides[name].draws)) for name in names])
    if weight is None:
        return None
    of, bounded = chance.chance(list(sides.values())), units.bounded(metric)
    mine, span = [sides[name] for name in names], max(doses) - min(doses)
    found = test(weight, mine, of, bounded)
    problems = mine[0].values.shape[1]
    answer = {
        "contrast": declared.label,
        "kind": declared.kind,
        "conditions": [
            {
                "condition": name,
                "dose": dose,
                "weight": float(one),
                "draws": len(set(side.draws)),
                "runs": len(side.draws),
            }
            for name, dose, one, side in zip(names, doses, weight, mine, strict=True)
        ],
        "without_outcome": [name for name in declared.doses if name not in sides],
        "span": span,
        "level": float(np.mean([side.values.mean() for side in mine])),
        "problems": problems,
        "intervals_over": of.known,
        "noise": task.noise(problems, [side.values for side in mine], metric),
        **told(found),
        "matched": against_matched(declared, sides, of, bounded),
        "random": against_random(declared, sides, of, bounded),
        "gains": gains(declared, sides, of, bounded),
        "floor": floor(declared, sides, of, bounded, found.estimate * span),
        "chance": sources(conditions, metric, weight, mine, found, declared),
    }
    return answer | {"interest": interest(answer, metric)}


def against_matched(declared: Declared, sides: Mapping[str, Trained], of: Chance, bounded: bool) -> dict | None:
    """Return the contrast between splits and their matched controls, and that of the matched controls alone.

    A property that only goes with length, language or category moves the matched controls as much as the splits.
    """
    controls = declared.controls.get("matched", {})
    names = [name for name in declared.doses if name in sides and controls.get(name) in sides]
    draws = [len(set(sides[name].draws)) for name in names]
    weight = weights(declared.kind, [declared.doses[name] for name in names], draws)
    if weight is None:
        return None
    own, matched = [sides[name] for name in names], [sides[controls[name]] for name in names]
    found = test([*weight, *-weight], own + matched, of, bounded)
    alone = test(weight, matched, of, bounded)
    return told(found) | {"matched_on": list(declared.matched_on), "controls_alone": told(alone)}


def gains(declared: Declared, sides: Mapping[str, Trained], of: Chance, bounded: bool) -> dict:
    """Return the levels at the lowest and the highest dose, of splits and of controls, each minus one reference.

    The reference is the untrained model; where it has no outcome, the mean of the random controls; where these have
    none, the middle of the two ends.

    Returns:
        over: ``untrained``, ``random`` or ``ends``; splits, matched: low and high, None without matched controls;
        random: estimate alone, None without random controls.
    """
    controls, fixed = declared.controls, None
    named = [controls.get("random", {}).get(name) for name in declared.doses]
    random = {name: 1 / sum(one in sides for one in named) for name in named if name in sides}
    own = _ends(declared, sides, {name: name for name in declared.doses})
    matched = _ends(declared, sides, controls.get("matched", {}))
    if declared.untrained in sides:
        over, reference, fixed = "untrained", {}, sides[declared.untrained].values.mean(axis=0)
    elif random:
        over, reference = "random", random
    else:
        over, reference = "ends", {name: (own[0][name] + own[1][name]) / 2 for name in own[0]}

    def gain(level: Mapping[str, float]) -> dict:
        weight = {name: level.get(name, 0.0) - reference.get(name, 0.0) for name in {**level, **reference}}
        return told(test(list(weight.values()), [sides[name] for name in weight], of, bounded, fixed))

    return {
        "over": over,
        "splits": dict(zip(("low", "high"), map(gain, own), strict=True)),
        "matched": dict(zip(("low", "high"), map(gain, matched), strict=True)) if matched else None,
        "random": gain(random)["estimate"] if random else None,
    }


def _ends(
    declared: Declared, sides: Mapping[str, Trained], stands_for: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, float]] | None:
    """Return the weight of every condition in the level at the lowest and at the highest dose; None if there is one.

    Args:
        stands_for: the condition that is taken for each split.
    """
    names = [name for name in declared.doses if name in sides and stands_for.get(name) in sides]
    doses, draws = [declared.doses[name] for name in names], [len(set(sides[name].draws)) for name in names]
    if weights(declared.kind, doses, draws) is None:
        return None
    low, high = (weights_at(dose, declared.kind, doses, draws).tolist() for dose in (min(doses), max(doses)))
    taken = [stands_for[name] for name in names]
    return dict(zip(taken, low, strict=True)), dict(zip(taken, high, strict=True))


def against_random(declared: Declared, sides: Mapping[str, Trained], of: Chance, bounded: bool) -> list[dict]:
    """Return the splits of the highest and the lowest dose, each minus its random control."""
    controls = declared.controls.get("random", {})
    found = []
    for dose in (max(declared.doses.values()), min(declared.doses.values())):
        for name in (name for name, one in declared.doses.items() if one == dose):
            if name in sides and controls.get(name) in sides:
                one = test([1.0, -1.0], [sides[name], sides[controls[name]]], of, bounded)
                found.append({"condition": name, "against": controls[name]} | told(one))
    return found


def floor(declared: Declared, sides: Mapping[str, Trained], of: Chance, bounded: bool, effect: float) -> dict | None:
    """Return how random draws of the same size differ; None where no random control was drawn or trained twice.

    Args:
        effect: between the ends of the contrast.
    """
    controls = declared.controls.get("random", {})
    random = [sides[controls[name]] for name in declared.doses if controls.get(name) in sides]
    repeated = [side for side in random if len(side.values) > 1]
    if not repeated:
        return None
    squares = sum(np.square(side.values.mean(axis=1) - side.values.mean()).sum() for side in repeated)
    deviation = sqrt(squares / sum(len(side.values) - 1 for side in repeated))
    pairs = [
        [Trained(values, ["draw"] * len(values)) for values in pair]
        for side in random
        for pair in combinations(side.by_draw, 2)
    ]
    alarms = [test([1.0, -1.0], pair, of, bounded).p < LEVEL for pair in pairs]
    alone = [test([1.0, -1.0], pair, Chance(None, None), bounded).p < LEVEL for pair in pairs]
    return {
        "draws": sum(len(side.by_draw) for side in random),
        "runs": sum(len(side.values) for side in random),
        "deviation": deviation,
        "signal_to_noise": abs(effect) / deviation if deviation > 0 else None,
        "pairs": len(pairs),
        "false_alarms": float(np.mean(alarms)) if pairs else None,
        "false_alarms_over_problems_alone": float(np.mean(alone)) if pairs else None,
    }


def sources(
    conditions: Mapping[str, task.Condition],
    metric: Mapping,
    weight: Sequence[float],
    mine: Sequence[Trained],
    found: Difference,
    declared: Declared,
) -> dict:
    """Return the variance components, what they add to the contrast's error, and how more of each would shrink it."""
    samples = min(one.samples for one in conditions.values())
    ours = {*declared.doses, *(name for of in declared.controls.values() for name in of.values())}
    sides = [Trained(one.by_run(metric), one.draws) for name, one in conditions.items() if name in ours]
    within = task.sample_variance(conditions.values()) if samples > 1 else None
    parts = chance.components(sides, within, samples)
    return outlook(parts, chance.design(weight, mine, parts, found.by_problems, samples))


def outlook(parts: Mapping[str, float | None], made: chance.Design) -> dict:
    """Return variance components, what they add to a squared error, and how more of each would shrink it."""
    return {
        "components": dict(parts),
        "squared_error_from": asdict(made),
        "standard_error_with_twice_as_many": {what: sqrt(made.variance(**{what: 2})) for what in COSTS},
        "next": made.next_purchase(COSTS),
    }


def interest(found: Mapping, metric: Mapping) -> dict | None:
    """Return the smallest effect of interest, and how many times as many problems, draws or seeds would show it.

    Args:
        found: of ``contrast``. Where it is a slope, the effect is that between the lowest and the highest dose.
    """
    wanted = units.of_interest(metric, found["level"])
    if wanted is None or found["standard_error"] == 0:
        return None
    effect = wanted / found["span"]
    error = found["standard_error"] * effect / found["detectable"]  # at the degrees of freedom that there are now
    made = chance.Design(**found["chance"]["squared_error_from"])
    return {"effect": effect, "times": {what: made.times(what, error**2) for what in COSTS}}
