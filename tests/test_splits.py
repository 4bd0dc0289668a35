"""Draws and tiers: worked cases and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruction_data.select import draws
from instruction_data.select.tiers import count_tiers, minmax, percentile_tiers

NAMES = st.text(max_size=20)
SEEDS = st.integers(min_value=0, max_value=2**32)
VALUES = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=200).map(np.array)


@given(st.integers(0, 300), SEEDS, NAMES)
def test_a_permutation_holds_every_position_once(n, seed, name):
    assert sorted(draws.permutation(n, seed, name)) == list(range(n))


@given(st.integers(0, 300), st.integers(0, 300), SEEDS, NAMES)
def test_a_draw_is_without_replacement_and_repeatable(n, k, seed, name):
    if k > n:
        with pytest.raises(ValueError, match="cannot draw"):
            draws.draw(n, k, seed, name)
        return
    drawn = draws.draw(n, k, seed, name)
    assert len(drawn) == k == len(set(drawn.tolist()))
    assert all(0 <= position < n for position in drawn)
    assert np.array_equal(drawn, draws.draw(n, k, seed, name))


def test_the_drawn_order_is_fixed_for_ever():
    # From PCG64's raw stream, which numpy guarantees; a change of these numbers changes every published split.
    assert draws.permutation(10, 42, "RQ1_OSS_MATH_9_1").tolist() == [2, 9, 8, 4, 1, 7, 5, 3, 6, 0]


def test_seed_and_name_both_matter():
    orders = {tuple(draws.permutation(50, seed, name)) for seed in (1, 2, 12) for name in ("a", "2a", "b")}
    assert len(orders) == 9


def test_every_position_is_drawn_equally_often():
    counts = np.zeros(20)
    for seed in range(4000):
        counts[draws.draw(20, 5, seed, "x")] += 1
    expected = 4000 * 5 / 20
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 43.8  # 99.9 % point of chi² with 19 degrees of freedom


@given(VALUES, st.sampled_from([(33, 66), (10, 90), (50, 50)]))
def test_percentile_tiers_part_all_positions_by_value(values, cuts):
    low, middle, high = percentile_tiers(values, *cuts)
    assert sorted([*low, *middle, *high]) == list(range(len(values)))
    lower, upper = np.percentile(values, cuts)
    assert all(values[low] <= lower)
    assert all(values[high] > upper)
    assert all((values[middle] > lower) & (values[middle] <= upper))
    for part in (low, middle, high):
        assert np.array_equal(part, np.sort(part))


def test_percentile_tiers_by_hand():
    # 33 % of the way from the 1st to the 5th of 10 … 50 lies at 10 + 0.33·40 = 23.2, 66 % at 36.4
    low, middle, high = percentile_tiers(np.array([50.0, 10.0, 30.0, 20.0, 40.0]), 33, 66)
    assert (low.tolist(), middle.tolist(), high.tolist()) == ([1, 3], [2], [0, 4])


@given(VALUES, st.integers(1, 5))
def test_count_tiers_are_the_stable_sort_cut_by_count(values, parts):
    tiers = count_tiers(values, parts)
    n = len(values)
    assert [len(tier) for tier in tiers] == [n * (i + 1) // parts - n * i // parts for i in range(parts)]
    assert np.concatenate(tiers).tolist() == sorted(range(n), key=lambda position: (values[position], position))


@given(VALUES)
def test_minmax_keeps_order_and_fills_the_unit_interval(values):
    scaled = minmax(values)
    assert scaled.min() >= 0
    assert scaled.max() == (1 if values.max() > values.min() else 0)
    assert np.array_equal(np.argsort(scaled, kind="stable"), np.argsort(values, kind="stable")) or len(
        set(scaled)
    ) < len(set(values))


@pytest.mark.parametrize("function", [minmax, count_tiers, lambda v: percentile_tiers(v, 33, 66)])
def test_numbers_that_are_none_are_refused(function):
    with pytest.raises(ValueError, match="1 values are not finite, the first at position 1"):
        function(np.array([1.0, np.nan, 2.0]))


def test_mixture_counts_of_the_study():
    assert draws.mixture_counts(75_197, 9, 1) == (67_677, 7_519)
    assert draws.mixture_counts(75_197, 97, 3) == (72_941, 2_255)
    assert draws.mixture_counts(111_183, 7, 3) == (77_828, 33_354)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_shares_add_up(total, percent):
    first, second = draws.share_counts(total, percent)
    assert first + second == total
    assert first == int(total * percent // 100)
