"""Main effects: designed sets, in which each of several factors is low or high, and what each does by itself.

All factors of a design are fitted together, by least squares over the means of its draws (a set that was drawn once is
one draw; its seeds are averaged first, since they repeat that draw). So each effect is the one with all others held
equal. The model has a mean and the main effects alone. In a design of resolution IV or better no two-factor interaction
moves a main effect; one that is there stays in what the model leaves over, and makes intervals wider, never too
narrow. A model with all interactions would leave nothing over: 16 sets of five factors have 10 of them.

What the model leaves over between draws, with draws - 1 - factors degrees of freedom, is the chance of draw and seed
together. It is added to the chance of problems as for every other contrast (``two_way``, ``chance``). Where nothing is
left over, repeated draws of other conditions tell the chance of draws, or nothing does and the row says so.

Each two-factor interaction is fitted beside the main effects alone; those that the doses cannot tell apart (aliases)
are one, and bear all their names.

Where sets have no outcome, the others may tell less. A factor that they do not tell at all has no row. A main effect
that an interaction may be the whole reason for, since the model cannot be told from it, has a row that names it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from instruction_data.answer import chance, contrasts, task, two_way, units
from instruction_data.answer.chance import Chance, Trained
from instruction_data.answer.contrasts import LEVEL, Declared, Sum
from instruction_data.answer.two_way import Difference

SAME, OTHER, UNTOLD = "same", "other", "not told"
Term = tuple[int, ...]  # the factors of a coefficient: none for the mean, one for a main effect, two for an interaction


@dataclass(frozen=True)
class Factor:
    """A property that a design holds low in half of its sets and high in the other half.

    Attributes:
        doses: condition -> 0 (low) or 1 (high).
        low, high: the mean of the property in low and in high sets, in ``unit``.
        scale: its standard deviation in the pool; 0 where the manifest does not say.
        question: the one that varies this property alone; empty if none does.
        other: the pool that is mixed in, if the property is its share.
    """

    label: str
    doses: Mapping[str, float]
    low: float = 0.0
    high: float = 0.0
    scale: float = 0.0
    unit: str = ""
    question: str = ""
    other: str = ""

    @property
    def step(self) -> float:
        """How many standard deviations lie between low and high sets; 0 if that is not known."""
        return abs(self.high - self.low) / self.scale if self.scale > 0 else 0.0


@dataclass(frozen=True)
class Fitted:
    """A row about a factor, the sum behind it, per standard deviation, and how draws and seeds of its sets vary."""

    row: dict
    factor: Factor
    sum: Sum
    of: Chance


@dataclass(frozen=True)
class Draws:
    """The draws of a design that have outcomes.

    Attributes:
        names: the condition of every draw.
        sides: its runs.
        doses: float64 ``[draws, factors]``, 0 or 1.
    """

    names: Sequence[str]
    sides: Sequence[Trained]
    doses: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """The mean of every draw's runs, ``[draws, problems]``."""
        return np.stack([side.values.mean(axis=0) for side in self.sides])


@dataclass(frozen=True)
class Fit:
    """A least-squares fit of draws' means.

    Attributes:
        draws: as ``Draws``.
        weights: of ``weights``, for each coefficient.
        left: of ``left_over``.
        of: how draws and seeds vary.
    """

    draws: Draws
    weights: Sequence[np.ndarray | None]
    left: tuple[float, float, int] | None
    of: Chance

    def sum(self, place: int) -> Sum:
        """Return one coefficient problem by problem; it must have an estimate.

        What is left over has few degrees of freedom. Where it happens to be less than the chance of problems explains,
        that stays below zero, and is not taken for certainty that draws do nothing (``two_way.tested``). Otherwise p
        values below 0.002 come eight times too often, in simulations with 3 degrees of freedom.
        """
        weight, sides = self.weights[place], self.draws.sides
        if self.left is None:
            return contrasts.summed(weight, sides, self.of)
        (_, residual, freedom), total = self.left, self.of.draws.total
        values, squared = weight @ self.draws.means, float(weight @ weight)
        return Sum(values, squared * (total - residual / len(values)), [(squared * total, freedom)])

    def test(self, place: int, bounded: bool) -> Difference:
        """Return one coefficient with interval and p; it must have an estimate."""
        return contrasts.concluded(self.sum(place), self.weights[place], self.draws.sides, bounded)


def weights(columns: np.ndarray) -> list[np.ndarray | None]:
    """Return the weights ``[draws]`` of each coefficient of a least-squares fit; None for one that has no estimate.

    Args:
        columns: float64 ``[draws, coefficients]``.
    """
    inverse = np.linalg.pinv(columns)
    told = np.isclose(np.diag(inverse @ columns), 1)  # it projects on what the draws tell
    return [row if known else None for row, known in zip(inverse, told, strict=True)]


def left_over(columns: np.ndarray, means: np.ndarray) -> tuple[float, float, int] | None:
    """Return the mean squares, of ``two_way.squares_of``, that a fit leaves over; None if it leaves nothing.

    Args:
        means: ``[draws, problems]``.
    """
    freedom = len(columns) - int(np.linalg.matrix_rank(columns))
    if not freedom:
        return None
    return two_way.squares_of(means - columns @ (np.linalg.pinv(columns) @ means), freedom)


def aliases(doses: np.ndarray) -> list[dict[Term, int]]:
    """Return the groups of terms that these doses cannot tell apart, each term with its sign in the group.

    The terms are the mean, the main effects and the two-factor interactions, in this order, and so are the groups, by
    their first terms. Two terms are aliases if their columns of -1 and +1 are equal, or equal but for the sign.

    Args:
        doses: float64 ``[draws, factors]``, 0 or 1.
    """
    coded, factors = 2 * np.asarray(doses) - 1, range(np.shape(doses)[1])
    groups: list[tuple[np.ndarray, dict[Term, int]]] = []
    for term in [(), *((one,) for one in factors), *combinations(factors, 2)]:
        column = coded[:, list(term)].prod(axis=1)
        for first, group in groups:
            if abs(first @ column) == len(column):
                group[term] = int(np.sign(first @ column))
                break
        else:
            groups.append((column, {term: 1}))
    return [group for _, group in groups]


def confounded(doses: np.ndarray, weight: np.ndarray) -> list[Term]:
    """Return the two-factor interactions that move an effect and that no fit of these doses tells from main effects.

    An interaction which the main effects do not wholly explain shows in what is left over. One that they do explain is
    added to the effects that explain it, and nothing shows it.

    Args:
        doses: float64 ``[draws, factors]``, 0 or 1.
        weight: float64 ``[draws]``, of the effect.
    """
    main, coded = np.column_stack([np.ones(len(doses)), doses]), 2 * doses - 1
    found = []
    for term in combinations(range(doses.shape[1]), 2):
        column = coded[:, list(term)].prod(axis=1)
        explained = np.allclose(main @ (np.linalg.pinv(main) @ column), column)
        if explained and not np.isclose(weight @ column, 0):
            found.append(term)
    return found


def fit(draws: Draws, columns: np.ndarray, known: Chance) -> Fit:
    """Fit columns to the means of draws; what is left over tells how draws vary, or else what is known already.

    Args:
        columns: float64 ``[draws, coefficients]``.
        known: how seeds and repeated draws of the task's conditions vary.
    """
    left = left_over(columns, draws.means)
    if left is None:
        return Fit(draws, weights(columns), None, known)
    size = max(float(np.square(side.values).mean()) for side in draws.sides)
    variance = two_way.variance_of(*left, draws.means.shape[1], size)
    in_draws = float(np.mean([1 / len(side.values) for side in draws.sides]))
    return Fit(draws, weights(columns), left, Chance(known.seeds, variance, in_draws))


def main_effects(draws: Draws, steps: Sequence[float], known: Chance) -> Fit:
    """Fit a mean and every factor's effect per standard deviation; the mean is coefficient 0.

    Args:
        steps: standard deviations between the low and the high sets of every factor.
    """
    return fit(draws, np.column_stack([np.ones(len(draws.names)), draws.doses * steps]), known)


def effects(
    conditions: Mapping[str, task.Condition], metric: Mapping, factors: Sequence[Factor]
) -> tuple[list[Fitted], dict] | None:
    """Return every factor's effect on one task and metric, and what is known of the design as a whole.

    Args:
        conditions: all conditions of the task; seeds are learned from all of them.
        factors: those of one design.

    Returns:
        A row for each factor that can be told, as of ``contrasts.contrast``, per standard deviation of the property (or
        from low to high where that is not known); and the design: sets, runs, model, aliases, interactions. None if no
        factor can be told.
    """
    everything = {name: Trained(one.by_run(metric), one.draws) for name, one in conditions.items()}
    draws = draws_of(everything, factors)
    if not draws.names:
        return None
    known = chance.chance(list(everything.values()))
    found = main_effects(draws, [factor.step or 1.0 for factor in factors], known)
    told = [weight is not None for weight in found.weights[1:]]
    if not any(told):
        return None
    named = [factor.label for factor in factors]
    design = {
        "sets": len(set(draws.names)),
        "runs": sum(len(side.values) for side in draws.sides),
        "without_outcome": _missing(factors[0], conditions),
        "fitted": "a mean and the main effects",
        "degrees_of_freedom": found.left[2] if found.left else 0,
        "not_told": [name for name, one in zip(named, told, strict=True) if not one],
        "aliases": [_names(group, named) for group in aliases(draws.doses) if len(group) > 1],
        "interactions": interactions(draws, named, known, units.bounded(metric)),
    }
    return [_fitted(place, factors, found, conditions, metric) for place, one in enumerate(told) if one], design


def draws_of(everything: Mapping[str, Trained], factors: Sequence[Factor]) -> Draws:
    """Return the draws of all sets that have outcomes, and a dose of every factor."""
    names, sides, doses = [], [], []
    for name, side in everything.items():
        if all(name in factor.doses for factor in factors):
            for values in side.by_draw:
                names.append(name)
                sides.append(Trained(values, [name] * len(values)))
                doses.append([factor.doses[name] for factor in factors])
    return Draws(names, sides, np.array(doses, dtype=np.float64).reshape(len(names), len(factors)))


def _fitted(
    place: int, factors: Sequence[Factor], found: Fit, conditions: Mapping[str, task.Condition], metric: Mapping
) -> Fitted:
    """Return one factor's row; it has the form of a primary contrast's."""
    factor, weight, sides = factors[place], found.weights[place + 1], found.draws.sides
    told = [other.label for other, one in zip(factors, found.weights[1:], strict=True) if one is not None]
    named = [other.label for other in factors]
    problems, tested = sides[0].values.shape[1], found.test(place + 1, units.bounded(metric))
    row = {
        "contrast": factor.label,
        "kind": "factor",
        "conditions": _conditions(found.draws, factor, weight),
        "without_outcome": _missing(factor, conditions),
        "span": 1.0,
        "level": float(np.mean([side.values.mean() for side in sides])),
        "problems": problems,
        "intervals_over": found.of.known,
        "noise": task.noise(problems, [side.values for side in sides], metric),
        **contrasts.told(tested),
        "held": [name for name in told if name != factor.label],
        "aliases": [":".join(named[one] for one in term) for term in confounded(found.draws.doses, weight)],
        "property": {name: getattr(factor, name) for name in ("low", "high", "scale", "unit", "step")},
        "matched": None,
        "random": [],
        "floor": None,
        "chance": _sources(weight, found, tested.by_problems, conditions, metric),
    }
    row["interest"] = contrasts.interest(row, metric)
    return Fitted(row, factor, found.sum(place + 1), found.of)


def _missing(factor: Factor, conditions: Mapping[str, task.Condition]) -> list[str]:
    """Return the sets, and repeated draws of sets, that have no outcome."""
    scored = {draw for one in conditions.values() for draw in one.draws}
    return [name for name in factor.doses if name not in scored]


def _conditions(draws: Draws, factor: Factor, weight: np.ndarray) -> list[dict]:
    found: dict[str, dict] = {}
    for name, side, one in zip(draws.names, draws.sides, weight.tolist(), strict=True):
        fresh = {"condition": name, "dose": factor.doses[name], "weight": 0.0, "draws": 0, "runs": 0}
        entry = found.setdefault(name, fresh)
        entry["weight"], entry["draws"] = entry["weight"] + one, entry["draws"] + 1
        entry["runs"] += len(side.values)
    return list(found.values())


def _sources(
    weight: np.ndarray, found: Fit, by_problems: float, conditions: Mapping[str, task.Condition], metric: Mapping
) -> dict:
    """Return what adds to the squared error of an effect, as ``contrasts.sources`` does; more draws are more sets."""
    sides, mine = found.draws.sides, [conditions[name] for name in dict.fromkeys(found.draws.names)]
    samples = min(one.samples for one in mine)
    parts = chance.components(sides, task.sample_variance(mine) if samples > 1 else None, samples)
    parts |= {"condition × problem": None}  # what differs between sets is their factors, and their draws
    if found.left:
        between, residual, _ = found.left
        seeds, problems = found.of.seeds_in_draws, sides[0].values.shape[1]
        parts["draw"] = between - residual / problems - seeds * (parts["seed"] or 0.0)
        parts["draw × problem"] = residual - seeds * (parts["seed × problem"] or 0.0)
    return contrasts.outlook(parts, chance.design(weight, sides, parts, by_problems, samples))


def interactions(draws: Draws, named: Sequence[str], known: Chance, bounded: bool) -> list[dict]:
    """Return every two-factor interaction that the doses tell from main effects, p corrected for all of them.

    An interaction is by how much the effect of one factor (from low to high) is larger where the other is high than
    where it is low. Aliased ones are one row: what it estimates is their sum, those with a minus subtracted.
    """
    main = np.column_stack([np.ones(len(draws.names)), draws.doses])
    rows = []
    for group in aliases(draws.doses):
        first = list(next(iter(group)))
        if len(first) < 2:  # an alias of the mean, or of a main effect
            continue
        product = (2 * draws.doses[:, first] - 1).prod(axis=1)
        found = fit(draws, np.column_stack([main, product / 4]), known)  # a quarter: high minus low, of high minus low
        if found.weights[-1] is not None:
            told = contrasts.told(found.test(-1, bounded))
            rows.append({"terms": _names(group, named), "intervals_over": found.of.known} | told)
    for row, p in zip(rows, two_way.corrected([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = p
    return rows


def _names(group: Mapping[Term, int], named: Sequence[str]) -> list[str]:
    """Return the names of a group's terms; a minus before those that count against the first."""
    return [
        "-" * (sign < 0) + (":".join(named[place] for place in term) or "mean of all sets")
        for term, sign in group.items()
    ]


def beside(
    designed: Fitted,
    conditions: Mapping[str, task.Condition],
    metric: Mapping,
    declared: Declared,
    measured: Mapping[str, float],
) -> dict | None:
    """Return what a question that varies a factor's property alone found, beside the factor's effect.

    Both are per standard deviation of the property. The question's own sets say how far they lie apart in it. Their
    higher dose is more of the property, even where it is less of the figure: diversity is high where similarity is low.
    If none of their draws was repeated, draws vary as those of the design do.

    Args:
        conditions: those of the question, on the same problems.
        declared: its primary contrast.
        measured: condition -> mean of the property, or of what falls as it grows.

    Returns:
        None if the contrast has no outcome, or its sets' means of the property are unknown or equal.
    """
    sides = {name: Trained(one.by_run(metric), one.draws) for name, one in conditions.items()}
    names = [name for name in declared.doses if name in sides]
    draws = [len(set(sides[name].draws)) for name in names]
    weight = contrasts.weights(declared.kind, [declared.doses[name] for name in names], draws)
    factor = designed.factor
    if weight is None or not factor.step or not all(name in measured for name in names):
        return None
    apart = abs(float(weight @ [measured[name] for name in names])) / factor.scale
    if apart == 0:
        return None
    of, mine = chance.chance(list(sides.values())), [sides[name] for name in names]
    if not of.draws:
        of = Chance(of.seeds or designed.of.seeds, designed.of.draws, designed.of.seeds_in_draws)
    found = contrasts.test(weight / apart, mine, of, units.bounded(metric))
    alone = contrasts.summed(weight / apart, mine, of)
    difference = two_way.tested(
        alone.values - designed.sum.values,
        alone.by_runs + designed.sum.by_runs,
        [*alone.parts, *designed.sum.parts],
    )
    return {
        "contrast": declared.label,
        "apart": apart * float(max(declared.doses.values()) - min(declared.doses.values())),
        "runs": sum(len(side.draws) for side in mine),
        "intervals_over": of.known,
        **contrasts.told(found),
        "difference": contrasts.told(difference),
        "sign": _sign(designed.row, contrasts.told(found)),
        "size": OTHER if difference.p < LEVEL else UNTOLD,
    }


def _sign(one: Mapping, other: Mapping) -> str:
    """Return whether two effects have the same sign; not told if the interval of either holds zero."""
    if any(found["low"] <= 0 <= found["high"] for found in (one, other)):
        return UNTOLD
    return SAME if one["estimate"] * other["estimate"] > 0 else OTHER
