"""RQ4's splits: the largest total, the draw of a share, and the join with categories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripts import load_script

from instruction_data.errors import InputError
from instruction_data.pools import reading
from instruction_data.pools.table import Pool


@given(st.integers(1, 80), st.integers(1, 80), st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True))
def test_the_largest_total_is_feasible_and_the_largest(algorithmic, practical, shares):

    rq4 = load_script("RQ4/type_coverage.py")
    total = rq4.largest_total(shares, algorithmic, practical)
    assert rq4.feasible(total, shares, algorithmic, practical)
    assert not any(
        rq4.feasible(more, shares, algorithmic, practical) for more in range(total + 1, algorithmic + practical + 1)
    )


@given(st.integers(0, 100), st.integers(0, 1000))
def test_a_share_is_drawn_from_both_groups_and_shuffled(share, seed):

    rq4 = load_script("RQ4/type_coverage.py")
    groups = np.arange(0, 200, 2), np.arange(1, 200, 2)
    drawn = rq4.share_draw("RQ4_X_ALG", groups, 100, share, seed)
    assert len(drawn) == len(set(drawn)) == 100
    assert (drawn % 2 == 0).sum() == share
    if 10 <= share <= 90:  # the groups do not stand one behind the other
        assert len(set(drawn[:50] % 2)) == 2


def test_more_than_there_is_names_the_most(rq4_coverage):
    pool = Pool("mine", "x")
    with pytest.raises(InputError, match=r"found 30 algorithmic and 50 practical .* 20,000 records at .*--total 30"):
        rq4_coverage.chosen_total(20_000, (0, 25, 50, 75, 100), 30, 50, pool)
    assert rq4_coverage.chosen_total(rq4_coverage.MOST, (0, 25, 50, 75, 100), 30, 50, pool) == 30
    assert rq4_coverage.chosen_total(20_000, (0, 100), 20_000, 20_000, pool) == 20_000
    with pytest.raises(InputError, match="found 0 algorithmic"):
        rq4_coverage.chosen_total(rq4_coverage.MOST, (0, 100), 0, 50, pool)


def test_categories_are_joined_by_row_and_checked_by_instruction(rq4_coverage, tmp_path, write_pool):
    twins = [{"instruction": "the same", "output": f"answer {i}"} for i in range(3)]
    write_pool(twins)
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    lines = [
        {"row": row, "instruction": "the same", "assigned_category": f"c{row}", "category_similarity": row / 10}
        for row in (2, 0, 1)
    ]
    path = write_pool(lines, "categories.jsonl")
    manifest = {"settings": {"limit": None}}
    assert rq4_coverage.read_categories(path, records, manifest)["category"] == ["c0", "c1", "c2"]
    write_pool(lines[:2], "categories.jsonl")
    with pytest.raises(InputError, match="found no line for row 1 of the pool"):
        rq4_coverage.read_categories(path, records, manifest)
    write_pool([lines[0] | {"instruction": "another"}, *lines[1:]], "categories.jsonl")
    with pytest.raises(InputError, match=r"categories.jsonl:1: found the instruction 'another'"):
        rq4_coverage.read_categories(path, records, manifest)
