"""Matching: quantile bins, strata, and draws with as many of each stratum as a split has."""

from collections import Counter

import numpy as np
import pandas
from hypothesis import given
from hypothesis import strategies as st

from instruction_data.select import matching


def test_length_bins_are_those_of_pandas():
    lengths = np.random.default_rng(0).lognormal(5, 1, 203).astype(int)
    expected = pandas.qcut(lengths, 5, labels=False)
    assert matching.quantile_bins(lengths, 5).tolist() == expected.tolist()


def test_length_bins_of_few_different_lengths():
    assert matching.quantile_bins(np.array([7, 7, 7, 9]), 5).tolist() == [0, 0, 0, 4]
    assert matching.quantile_bins(np.array([3]), 5).tolist() == [0]
    assert matching.quantile_bins(np.array([3, 5]), 1).tolist() == [0, 0]


def test_strata_are_told_apart_by_every_trait():
    found = matching.strata([["a", "a", "b", "a"], [1, 2, 1, 1], [None, None, None, None]])
    assert found.tolist() == [0, 1, 2, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=60), st.integers(0, 99))
def test_matched_counts_are_exact_and_others_come_first(pool, seed):
    groups = np.array([group for group, _ in pool])
    members = np.flatnonzero([inside for _, inside in pool])
    avoided = np.array([inside for _, inside in pool])
    drawn = matching.matched_draw(groups, members, avoided, seed, "X_MATCHED")
    assert len(set(drawn.tolist())) == len(drawn) == len(members)
    assert Counter(groups[drawn].tolist()) == Counter(groups[members].tolist())
    for group in set(groups[members].tolist()):
        outside = (groups == group).sum() - (groups[members] == group).sum()
        own = np.isin(drawn[groups[drawn] == group], members).sum()
        assert own == max(0, (groups[members] == group).sum() - outside)
    assert drawn.tolist() == matching.matched_draw(groups, members[::-1], avoided, seed, "X_MATCHED").tolist()


def test_a_matched_draw_is_a_draw():
    """Every other record of the stratum has its chance, and seed and name decide."""
    groups, members = np.zeros(40, dtype=int), np.arange(10)
    arguments = groups, members, np.arange(40) < 10
    drawn = [matching.matched_draw(*arguments, seed, "X").tolist() for seed in range(60)]
    assert set().union(*drawn) == set(range(10, 40))
    assert drawn[0] != drawn[1] != matching.matched_draw(*arguments, 1, "Y").tolist()
    assert any(draw != sorted(draw) for draw in drawn)
