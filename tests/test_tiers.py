"""Tiers: worked cases and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruction_data.select.tiers import count_tiers, minmax, percentile_tiers

VALUES = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=200).map(np.array)


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


def test_the_rest_goes_into_the_last_part_where_it_is_asked_to():
    values = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 0.0, 6.0, 7.0])
    assert [part.tolist() for part in count_tiers(values)] == [[5, 1], [3, 4, 2], [0, 6, 7]]
    assert [part.tolist() for part in count_tiers(values, rest_last=True)] == [[5, 1], [3, 4], [2, 0, 6, 7]]


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
