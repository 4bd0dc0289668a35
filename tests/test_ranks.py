"""Ranks: scaled ones by hand, Spearman's correlation by pandas."""

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruction_data.measures import ranks


def test_ranks_by_hand():
    # ranks 1, 4, 2.5, 2.5 of 1 … 4
    assert ranks.scaled(np.array([3.0, 900.0, 7.0, 7.0])) == pytest.approx([0, 1, 0.5, 0.5])
    assert ranks.scaled(np.array([5.0])).tolist() == [0]


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.integers(0, 9))
def test_spearman_is_the_correlation_of_average_ranks(values, seed):
    one, other = np.array(values, dtype=float), np.random.default_rng(seed).normal(size=len(values)).round(1)
    found = ranks.correlation(one, other)
    if len(one) < 3 or len(set(one)) == 1 or len(set(other)) == 1:
        assert found is None
    else:
        frame = pandas.DataFrame({"one": one, "other": other})
        assert found == pytest.approx(frame.rank().corr().iloc[0, 1], abs=1e-9)
