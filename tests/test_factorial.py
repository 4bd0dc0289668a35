"""Factorial designs: their algebra by hand, and draws from pools with planted correlations."""

from dataclasses import replace

import numpy as np
import pytest

from instruction_data.select import factorial
from instruction_data.select.factorial import Wanted

A, B, C, D = range(4)


def test_a_half_of_four_factors_in_eight_sets_is_aliased_as_by_hand():
    levels = factorial.design(4, 8)
    assert levels.shape == (8, 4)
    assert len({tuple(row) for row in levels.tolist()}) == 8
    assert (levels[:, D] == levels[:, A] * levels[:, B] * levels[:, C]).all()
    assert factorial.words(levels) == [(A, B, C, D)]
    assert factorial.resolution(levels) == 4
    assert factorial.aliases(levels) == [[(A, B), (C, D)], [(A, C), (B, D)], [(A, D), (B, C)]]


@pytest.mark.parametrize(
    ("factors", "sets", "resolution", "aliased"),
    [(1, 8, None, 0), (3, 8, None, 0), (4, 16, None, 0), (5, 16, 5, 0), (6, 16, 4, 7), (8, 16, 4, 7)],
)
def test_each_factor_is_high_in_half_of_each_half(factors, sets, resolution, aliased):
    levels = factorial.design(factors, sets)
    assert (levels.T @ levels == sets * np.eye(factors)).all()
    assert (levels.sum(axis=0) == 0).all()
    assert factorial.resolution(levels) == resolution
    assert len(factorial.aliases(levels)) == aliased
    assert all(len(effect) == 2 for group in factorial.aliases(levels) for effect in group)


@pytest.mark.parametrize(("factors", "sets"), [(5, 8), (7, 8), (9, 16)])
def test_a_design_below_resolution_four_is_refused(factors, sets):
    with pytest.raises(ValueError, match=f"resolution IV or better has {factors} factors in {sets} sets"):
        factorial.design(factors, sets)


def pool(n, correlation, factors=4, seed=0):
    """Return properties of which the first two are correlated, the third is a rare flag, and the last has a tail."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, factors))
    values[:, 1] = correlation * values[:, 0] + np.sqrt(1 - correlation**2) * values[:, 1]
    values[:, 2] = values[:, 2] > 1
    values[:, -1] = np.exp(values[:, -1] / 2)
    return (values - values.mean(axis=0)) / values.std(axis=0)


def wanted(values, size, sets=8):
    levels = factorial.design(values.shape[1], sets)
    return Wanted(values, np.zeros(len(values), dtype=int), np.full((sets, 1), size), levels)


def checked(asked, plan, made):
    """Check a draw against the promise: sizes, sharing, means of one level alike, levels apart."""
    assert [len(np.unique(one)) for one in made] == asked.counts.sum(axis=1).tolist()
    assert plan is None or np.bincount(np.concatenate(made)).max() <= plan.uses
    means = np.array([np.nanmean(asked.values[one], axis=0) for one in made])
    for factor in range(asked.levels.shape[1]):
        low, high = (means[asked.levels[:, factor] == level, factor] for level in (-1, 1))
        assert max(np.ptp(low), np.ptp(high)) < 0.1
        assert plan is None or high.mean() - low.mean() >= plan.difference


@pytest.mark.parametrize(("correlation", "least"), [(0, 1.25), (-0.5, 1), (0.8, 0.8)])
def test_planted_correlations_are_parted(correlation, least):
    asked = wanted(pool(800, correlation), 40)
    planned = factorial.plan(asked, 1, "D")
    plan, (made, other) = factorial.drawn(asked, planned, 1, ["D", "D_R2"])
    _, (again, _) = factorial.drawn(asked, planned, 1, ["D", "D_R2"])
    assert (plan.uses == 1 or plan.difference >= factorial.ENOUGH) and plan.difference >= least
    checked(asked, plan, made)
    checked(asked, plan, other)
    assert [one.tolist() for one in made] == [one.tolist() for one in again]
    assert len(np.intersect1d(made[0], other[0])) < 0.8 * len(made[0])


def test_sets_of_one_level_are_alike_in_all_draws():
    random = np.random.default_rng(0)
    values = np.column_stack([random.normal(size=400), random.standard_t(3, 400), random.random(400) < 0.3])
    asked = wanted((values - values.mean(axis=0)) / values.std(axis=0), 10)
    names = ["D", "D_R2", "D_R3", "D_R4"]
    plan, made = factorial.drawn(asked, factorial.plan(asked, 1, "D"), 1, names)
    every = [one for sets in made for one in sets]
    checked(replace(asked, counts=np.tile(asked.counts, (4, 1)), levels=np.tile(asked.levels, (4, 1))), None, every)
    (alone,) = factorial.drawn(asked, plan, 1, names[:1])[1]
    assert [one.tolist() for one in alone] == [one.tolist() for one in made[0]]
    assert plan.difference >= factorial.ENOUGH


def test_a_pool_that_cannot_carry_the_design_tells_the_pair():
    asked = wanted(pool(800, 0.99), 40)
    assert factorial.plan(asked, 1, "D") is None
    assert factorial.inseparable(asked, 1, "D") == (0, 1)
    assert factorial.correlation(asked.values, 0, 1) == pytest.approx(0.99, abs=0.01)


def test_of_three_that_depend_on_each_other_all_are_told():
    values = pool(400, 0)
    values[:, 0] = 0.8 * values[:, 1] + 0.6 * values[:, 3]
    asked = wanted(values, 20)
    assert factorial.plan(asked, 1, "D") is None
    assert factorial.inseparable(asked, 1, "D") == (0, 1, 3)
    values[:, [1, 3]] = values[:, [3, 1]]
    assert factorial.inseparable(wanted(values, 20), 1, "D") == (0, 3, 1)


def test_sets_share_more_records_before_levels_come_nearer_than_enough():
    tried = [(one.difference, one.uses) for one in factorial.attempts(factorial.Plan(1.25, 4), 8)]
    assert tried[:3] == [(1.25, 4), (1.0, 4), (2.0, 8)]
    assert tried[7:] == [(one, uses) for one in (0.9, 0.8, 0.7, 0.6, 0.5) for uses in (4, 8)]
    nearer = [(one.difference, one.uses) for one in factorial.attempts(factorial.Plan(0.6, 8), 8)]
    assert nearer == [(0.6, 8), (0.5, 8)]


def test_a_small_pool_gives_what_it_allows():
    asked = wanted(pool(150, 0.5), 12)
    plan, (made,) = factorial.drawn(asked, factorial.plan(asked, 1, "D"), 1, ["D"])
    assert plan.difference >= factorial.ENOUGH
    checked(asked, plan, made)


def test_a_factor_that_cannot_be_moved_by_itself_is_told_alone():
    values = pool(300, 0)
    values[:, 1] = 0
    assert factorial.inseparable(wanted(values, 15), 1, "D") == (1,)


def test_sets_share_records_only_where_the_pool_is_small():
    asked = wanted(pool(200, 0), 40)
    plan, (made,) = factorial.drawn(asked, factorial.plan(asked, 1, "D"), 1, ["D"])
    assert plan.uses > 1
    checked(asked, plan, made)


def test_another_pools_records_count_only_for_what_they_have():
    values, levels = pool(1000, 0.3), factorial.design(5, 16)
    other = np.full((300, 4), np.nan)
    other[:, 3] = np.random.default_rng(1).normal(-0.5, 0.5, 300)
    counts = np.where(levels[:, 4:] > 0, [[24, 16]], [[40, 0]])
    asked = Wanted(np.vstack([values, other]), np.repeat([0, 1], [1000, 300]), counts, levels[:, :4])
    plan, (made,) = factorial.drawn(asked, factorial.plan(asked, 1, "D"), 1, ["D"])
    checked(asked, plan, made)
    assert [int((one >= 1000).sum()) for one in made] == counts[:, 1].tolist()


def test_shares_are_whole_numbers_of_records_in_small_sets():
    asked = wanted(pool(300, 0), 15)
    plan, (made,) = factorial.drawn(asked, factorial.plan(asked, 1, "D"), 1, ["D"])
    checked(asked, plan, made)
    flagged = [int((asked.values[one, 2] > 0).sum()) for one in made]
    assert len(set(flagged)) == 2
