"""Draws and how many records each side gets: worked cases and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruction_data.select import draws

NAMES = st.text(max_size=20)
SEEDS = st.integers(min_value=0, max_value=2**32)


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


def test_mixture_counts_of_the_study():
    assert draws.mixture_counts(75_197, 9, 1) == (67_677, 7_519)
    assert draws.mixture_counts(75_197, 97, 3) == (72_941, 2_255)
    assert draws.mixture_counts(111_183, 7, 3) == (77_828, 33_354)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_shares_add_up(total, percent):
    first, second = draws.share_counts(total, percent)
    assert first + second == total
    assert first == int(total * percent // 100)


def test_uniform_numbers_are_the_same_for_ever_and_lie_inside():
    found = draws.uniform(4000, 42, "RQ5_OSS")
    assert found.tolist() == draws.uniform(4000, 42, "RQ5_OSS").tolist()
    assert 0 < found.min() < 0.01 and 0.99 < found.max() < 1
    assert abs(found.mean() - 0.5) < 0.02
    assert (np.argsort(found, kind="stable") == draws.permutation(4000, 42, "RQ5_OSS")).all()
    assert found[:3].tolist() != draws.uniform(3, 43, "RQ5_OSS").tolist()
