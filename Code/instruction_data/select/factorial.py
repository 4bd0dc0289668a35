"""Factorial designs: sets in which every property is high in one half and low in the other, independently of others.

A design says which property is high in which set. The draw looks for records that make it true: every set has the
wanted number of records, and the mean of every property lies at its low or its high level, whatever the others do.

The draw is entropy balancing (Hainmueller 2012, "Entropy balancing for causal effects", Political Analysis 20:25),
for all sets at once: a record goes to the set where its score is highest, or to none. Its score for a set is Gumbel
noise, plus a weighted sum of its properties, plus a constant. Weights and constants are the ones for which counts and
means are as wanted: they minimise a convex function. An integer program then picks the records of each set, so that
counts are exact and means within ``TOLERANCE``.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from instruction_data.select import draws

LOWEST_RESOLUTION = 4  # main effects are not aliased with interactions of two factors
DIFFERENCES = (2.0, 1.75, 1.5, 1.25, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # between levels, in standard deviations
ENOUGH = 1.0  # a difference for which sets need not share records
ALIKE = 0.1  # standard deviations: means of sets at the same level are less than that apart
TOLERANCE = 0.4 * ALIKE  # of each set's mean
SMOOTH = 0.3  # scale of the noise that is averaged over while fitting; the smaller, the less is left to the program
FITTED = 0.02  # the largest deviation of the means after a fit that counts as met
STEPS = 400  # of the fit; one that takes more is at the edge of what the pool carries
STEEPEST = 20  # weight per standard deviation, against noise of about one: beyond, hardly anything is drawn any more
ROOM = 1.1  # records that the fit finds for each one that is wanted, for the integer program to choose from
SPARE = 1.3  # candidates of the integer program for each record of a set
GAP = 0.02  # of the integer program
NODES = 2000  # of the integer program; a limit of time would depend on the machine


def design(factors: int, sets: int) -> np.ndarray:
    """Return the levels of the two-level design of highest resolution, each run repeated until there are ``sets``.

    Returns:
        int ``[sets, factors]`` of −1 (low) and 1 (high), in standard order.

    Raises:
        ValueError: no design of at least resolution IV has so few runs.
    """
    import pydoe

    runs = pydoe.ff2n(factors) if 2**factors <= sets else None
    for resolution in range(factors, LOWEST_RESOLUTION - 1, -1) if runs is None else ():
        found = pydoe.fracfact_by_res(factors, resolution)
        if len(found) <= sets:
            runs = found
            break
    if runs is None or sets % len(runs):
        raise ValueError(f"no design of resolution IV or better has {factors} factors in {sets} sets")
    return np.tile(runs.astype(np.int64), (sets // len(runs), 1))


def words(levels: np.ndarray) -> list[tuple[int, ...]]:
    """Return the defining words of a design: the groups of factors whose product is the same in all sets."""
    every = range(levels.shape[1])
    groups = (group for size in every for group in itertools.combinations(every, size + 1))
    return [group for group in groups if abs(levels[:, group].prod(axis=1).sum()) == len(levels)]


def resolution(levels: np.ndarray) -> int | None:
    """Return the length of the shortest defining word; None for a full design, which has none."""
    return min(map(len, words(levels)), default=None)


def aliases(levels: np.ndarray) -> list[list[tuple[int, ...]]]:
    """Return the groups of main effects and interactions of two factors that no analysis can tell apart."""
    every = range(levels.shape[1])
    groups: dict[bytes, list[tuple[int, ...]]] = {}
    for effect in (group for size in (1, 2) for group in itertools.combinations(every, size)):
        column = levels[:, effect].prod(axis=1)
        groups.setdefault((column * column[0]).tobytes(), []).append(effect)
    return [group for group in groups.values() if len(group) > 1]


@dataclass(frozen=True)
class Wanted:
    """What is asked of the sets.

    Attributes:
        values: float ``[n, F]``, the properties in standard deviations; NaN where a whole pool lacks one, and then a
            set's mean is that of its other records.
        pools: int ``[n]``, the number of each record's pool.
        counts: int ``[S, P]``, the records of each set from each pool.
        levels: int ``[S, F]`` of −1 and 1.
        uses: the most sets that a record may be in.
    """

    values: np.ndarray
    pools: np.ndarray
    counts: np.ndarray
    levels: np.ndarray
    uses: int = 1

    def of(self, factors: Sequence[int]) -> "Wanted":
        """Return the same for some of the properties."""
        return replace(self, values=self.values[:, factors], levels=self.levels[:, factors])

    @cached_property
    def sizes(self) -> np.ndarray:
        """The records of each set that have each property; ``[S, F]``."""
        known = [np.isfinite(self.values[self.pools == pool]).all(axis=0) for pool in range(self.counts.shape[1])]
        return self.counts @ np.array(known, dtype=np.int64)

    @property
    def layers(self) -> list[np.ndarray]:
        """The sets that share no record, as often as a record may be used."""
        return [np.arange(layer, len(self.levels), self.uses) for layer in range(self.uses)]

    def noise(self, seed: int, name: str) -> np.ndarray:
        """Return Gumbel noise, a column for each set and for none of each layer; ``seed`` and ``name`` decide it."""
        n, columns = len(self.values), len(self.levels) + self.uses
        return -np.log(-np.log(draws.uniform(n * columns, seed, name))).reshape(n, columns)


@dataclass(frozen=True)
class Fit:
    """Scores with which the sets have the wanted counts and means.

    Attributes:
        scores: ``[n, S]``, above 0 where a record is rather in this set than in none.
        means: ``[S, F]``, the mean of each property that each set is to have.
        middles: ``[F]``, halfway between the levels of each property.
        missed: the largest deviation of a count (as a share of it) or of a mean (in standard deviations).
    """

    scores: np.ndarray
    means: np.ndarray
    middles: np.ndarray
    missed: float


class Balancing:
    """The convex function whose minimum gives the sets their counts and means; Hainmueller's dual, for many sets.

    The middle between the levels of a property is left free, and lies where it costs least: the weights of a property
    sum to zero over the sets, since they are the multipliers of means that are given up to a constant. Another draw of
    the same sets can be given the middles of the first one.

    Args:
        difference: between the levels, in standard deviations.
        noise: as ``Wanted.noise`` makes it.
        middles: ``[F]``, in standard deviations; None to leave them free.
    """

    def __init__(self, wanted: Wanted, difference: float, noise: np.ndarray, middles: np.ndarray | None = None):
        sets, self._pools = wanted.counts.shape
        self._layers, self._levels = wanted.layers, wanted.levels.T
        self._half = difference / 2 + TOLERANCE
        self._counts, self._sizes = wanted.counts.T * ROOM, wanted.sizes.T * ROOM
        self._every = self._sizes.sum(axis=1, keepdims=True)
        self._middles = None if middles is None else middles[:, None]
        of_levels = self._half * self._levels + (0 if middles is None else self._middles)
        self.goal = np.vstack([self._counts, of_levels * self._sizes])
        member = np.eye(self._pools)[wanted.pools]
        self._moments = np.hstack([member, np.nan_to_num(wanted.values)])
        self._noise = noise[:, :sets] - noise[:, sets + np.arange(sets) % wanted.uses]
        self._noise[member @ self._counts == 0] = -np.inf

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the function's value and gradient for weights and constants in one row."""
        weights = self._centred(flat)
        total, shares = smoothed(self._noise + self._moments @ weights, self._layers)
        return total - (self.goal * weights).sum(), self._left(shares)[0].ravel()

    def fit(self, flat: np.ndarray) -> Fit:
        """Return what weights and constants come to."""
        scores = self._noise + self._moments @ self._centred(flat)
        left, middles = self._left(smoothed(scores, self._layers)[1])
        missed = np.abs(left) / np.maximum(np.vstack([self._counts, self._sizes]), 1)
        return Fit(scores, (middles + self._half * self._levels).T, middles.ravel(), float(missed.max()))

    def _centred(self, flat: np.ndarray) -> np.ndarray:
        weights = flat.reshape(self.goal.shape).copy()
        if self._middles is not None:
            return weights
        weights[self._pools :] -= (self._sizes * weights[self._pools :]).sum(axis=1, keepdims=True) / self._every
        return weights

    def _left(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the sums have beyond the goal, and the middles for which that is least."""
        found = self._moments.T @ shares - self.goal
        if self._middles is not None:
            return found, self._middles
        middles = found[self._pools :].sum(axis=1, keepdims=True) / self._every
        found[self._pools :] -= self._sizes * middles
        return found, middles


def fit(wanted: Wanted, difference: float, seed: int, name: str, middles: np.ndarray | None = None) -> Fit:
    """Find the scores with which the sets have the wanted counts and means, as far as there are such.

    Args:
        difference: between the levels of every property, in standard deviations.
        seed, name: what the noise depends on.
        middles: ``[F]``, halfway between the levels; None to leave them free.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def stop(flat: np.ndarray) -> None:
        if np.abs(flat).max() > STEEPEST:
            raise StopIteration

    balancing = Balancing(wanted, difference, wanted.noise(seed, name), middles)
    start, options = np.zeros(balancing.goal.size), {"maxiter": STEPS}
    with threadpool_limits(1):  # whose number would change the last digits
        found = minimize(balancing, start, jac=True, method="L-BFGS-B", callback=stop, options=options)
        return balancing.fit(found.x)


def smoothed(scores: np.ndarray, layers: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """Return the sum of every record's smoothed highest score, and its derivative: the record's share in each set."""
    from scipy.special import logsumexp

    total, shares = 0.0, np.empty_like(scores)
    for layer in layers:
        scaled = np.hstack([scores[:, layer], np.zeros((len(scores), 1))]) / SMOOTH
        highest = logsumexp(scaled, axis=1, keepdims=True)
        total += SMOOTH * float(highest.sum())
        shares[:, layer] = np.exp(scaled[:, :-1] - highest)
    return total, shares


def draw(wanted: Wanted, difference: float, seed: int, names: Sequence[str]) -> list[list[np.ndarray]] | None:
    """Draw the sets once for each name; return None if the records do not carry them.

    Each draw chooses its own middles between the levels. Where those of two draws lie so far apart that sets at one
    level are not alike any more, all draws have the middles of the first one.

    Args:
        difference: between the levels of every property, in standard deviations.
        seed, names: what the draws depend on.

    Returns:
        Of each draw, the positions of the records of each set, ascending.
    """
    first = fit(wanted, difference, seed, names[0])
    begun = chosen(wanted, first)
    for middles in (None, first.middles) if begun and len(names) > 1 else (None,):
        others = (fit(wanted, difference, seed, name, middles) for name in names[1:] if begun)
        made = [begun, *(chosen(wanted, one) for one in others)]
        if all(made) and spread(wanted, [one for sets in made for one in sets]) < ALIKE:
            return made
    return None


def chosen(wanted: Wanted, found: Fit) -> list[np.ndarray] | None:
    """Return the records of each set by their scores, with means within ``TOLERANCE``; None if there are no such."""
    if found.missed > FITTED:
        return None
    found, made = replace(found, means=reachable(wanted, found.means)), []
    for number in range(len(wanted.levels)):
        others = np.setdiff1d(wanted.layers[number % wanted.uses], number)
        rivals = found.scores[:, others].max(axis=1, initial=0.0)
        free = (found.scores[:, number] >= rivals) | (rivals <= 0)
        free &= np.isfinite(found.scores[:, number])
        for other in others[others < number]:
            free[made[other]] = False
        rows = picked(wanted, number, free, found)
        if rows is None:
            return None
        made.append(rows)
    return made


def reachable(wanted: Wanted, means: np.ndarray) -> np.ndarray:
    """Return means of which those of shares are whole numbers of records, away from the middle."""
    means = means.copy()
    for factor, values in enumerate(wanted.values.T):
        known = np.unique(values[np.isfinite(values)])
        if len(known) == 2:
            step = (known[1] - known[0]) / np.maximum(wanted.sizes[:, factor], 1)
            steps = np.round((means[:, factor] - known[0]) / step, 6)
            outward = np.where(wanted.levels[:, factor] > 0, np.ceil(steps), np.floor(steps))
            means[:, factor] = known[0] + step * np.maximum(outward, 0)
    return means


def spread(wanted: Wanted, made: Sequence[np.ndarray]) -> float:
    """Return the largest difference between the means of two sets at the same level, in standard deviations.

    Args:
        made: the sets of one draw, or of several draws one after another.
    """
    means = np.array([np.nanmean(wanted.values[one], axis=0) for one in made])
    levels = np.tile(wanted.levels, (len(made) // len(wanted.levels), 1))
    of_level = [np.where(levels == level, means, np.nan) for level in (-1, 1)]
    return max(float((np.nanmax(one, axis=0) - np.nanmin(one, axis=0)).max(initial=0.0)) for one in of_level)


def picked(wanted: Wanted, number: int, free: np.ndarray, found: Fit) -> np.ndarray | None:
    """Pick the records of one set among the free ones, the highest scores first; None if their means cannot be had."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    scores, counts, sizes = found.scores[:, number], wanted.counts[number], wanted.sizes[number]
    order = np.flatnonzero(free)[np.argsort(-scores[free], kind="stable")]
    tried = [order[wanted.pools[order] == pool][: int(SPARE * count) + 20] for pool, count in enumerate(counts)]
    candidates = np.concatenate(tried)
    of_pool = np.eye(len(counts))[wanted.pools[candidates]].T
    means = np.nan_to_num(wanted.values[candidates]).T / np.maximum(sizes, 1)[:, None]
    low, high = (found.means[number] + sign * TOLERANCE for sign in (-1, 1))
    limits = LinearConstraint(np.vstack([of_pool, means]), np.append(counts, low), np.append(counts, high))
    result = milp(
        scores[candidates].min() - scores[candidates],
        integrality=1,
        bounds=Bounds(0, 1),
        constraints=limits,
        options={"node_limit": NODES, "mip_rel_gap": GAP},
    )
    return None if result.x is None else np.sort(candidates[result.x > 0.5])


@dataclass(frozen=True)
class Plan:
    """The largest difference that a pool carries, and how many sets must share a record for it."""

    difference: float
    uses: int


def plan(wanted: Wanted, seed: int, name: str) -> Plan | None:
    """Return the largest of ``DIFFERENCES`` that the records carry; None if they carry not even the smallest.

    Sets share records only if that is needed for a difference of ``ENOUGH``, and no more than that needs.
    """
    sets = len(wanted.levels)
    most = replace(wanted, uses=sets)
    if not carries(most, DIFFERENCES[-1], seed, name):
        return None
    best = None
    for uses in sharing(sets):
        difference = largest(replace(wanted, uses=uses), seed, name)
        if difference and (best is None or difference > best.difference):
            best = Plan(difference, uses)
        if best and best.difference >= ENOUGH:
            break
    return best


def drawn(wanted: Wanted, plan: Plan, seed: int, names: Sequence[str]) -> tuple[Plan, list[list[np.ndarray]]] | None:
    """Draw the sets once for each name, by the first plan that all draws carry; None if there is none.

    The fit promises what whole records may fail to keep, most of all in small sets: then other plans are tried.
    """
    for tried in attempts(plan, len(wanted.levels)):
        made = draw(replace(wanted, uses=tried.uses), tried.difference, seed, names)
        if made is not None:
            return tried, made
    return None


def attempts(plan: Plan, sets: int) -> Iterator[Plan]:
    """Yield plans in the order in which they are tried: sets share more records before levels come below ``ENOUGH``."""
    several = [uses for uses in sharing(sets) if uses >= plan.uses]
    lower = DIFFERENCES[DIFFERENCES.index(plan.difference) :]
    for uses in several if plan.difference >= ENOUGH else ():
        yield from (Plan(one, uses) for one in (lower if uses == plan.uses else DIFFERENCES) if one >= ENOUGH)
    yield from (Plan(one, uses) for one in lower if one < ENOUGH for uses in several)


def sharing(sets: int) -> list[int]:
    """Return how many sets a record may be in, in the order in which it is tried."""
    return [2**power for power in range(sets.bit_length())]


def carries(wanted: Wanted, difference: float, seed: int, name: str) -> bool:
    """Say whether the records carry a difference, by the fit alone."""
    return fit(wanted, difference, seed, name).missed <= FITTED


def largest(wanted: Wanted, seed: int, name: str) -> float | None:
    """Return the largest of ``DIFFERENCES`` that the records carry, by the fit alone; None if there is none."""
    place = bisect.bisect_left(DIFFERENCES, True, key=lambda one: carries(wanted, one, seed, name))
    return DIFFERENCES[place] if place < len(DIFFERENCES) else None


def inseparable(wanted: Wanted, seed: int, name: str) -> tuple[int, ...]:
    """Return the fewest properties of which the records do not carry the smallest difference, even if varied alone.

    They are one that cannot be moved, two that cannot be parted, or several of which one follows from the others. Of
    as many, those with the most correlated two are returned, and these two come first.
    """
    wanted = replace(wanted, uses=len(wanted.levels))
    every = range(wanted.levels.shape[1])

    def carried(some: tuple[int, ...]) -> bool:
        return carries(wanted.of(some), DIFFERENCES[-1], seed, name)

    alone = [(one,) for one in every if not carried((one,))]
    if alone:
        return alone[0]
    related = {two: abs(correlation(wanted.values, *two)) for two in itertools.combinations(every, 2)}
    groups = (some for count in every[1:] for some in itertools.combinations(every, count + 1))
    first = {some: max(itertools.combinations(some, 2), key=related.get) for some in groups}
    ordered = sorted(first, key=lambda some: (len(some), -related[first[some]]))
    found = next((some for some in ordered if not carried(some)), tuple(every))
    return tuple(sorted(found, key=lambda one: one not in first.get(found, ())))


def correlation(values: np.ndarray, one: int, other: int) -> float:
    """Return Pearson's correlation of two properties over the records that have both."""
    both = values[:, [one, other]]
    return float(np.corrcoef(both[np.isfinite(both).all(axis=1)].T)[0, 1])
