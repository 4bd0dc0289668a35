"""Questions: the contrasts that a declaration makes of the splits there are."""

import numpy as np
import pytest
from tests.support.scripts import numbered

from instruction_data.errors import InputError
from instruction_data.pools import reading
from instruction_data.pools.table import Pool
from instruction_data.publish.question import Ends, Question, Trend
from instruction_data.publish.split import Split


@pytest.fixture
def splits_of(tmp_path, write_pool):
    """Splits of one record each, by name and summary."""
    write_pool(numbered(1))
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    return lambda summaries: [Split(name, [(records, np.arange(1))], made) for name, made in summaries.items()]


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ({"X": {"m": 2}, "Y": {"m": 1}, "Z": {"m": 3}}, [{"X": 2.0, "Y": 1.0, "Z": 3.0}]),
        ({"X": {"m": 2, "n": 5}, "Y": {"m": 2, "n": 6}}, []),
        ({"X": {"m": 2}}, []),
    ],
)
def test_a_trend_is_over_the_figure_that_tells_splits_apart(splits_of, summaries, expected):
    found = Question("RQ9", contrast=Trend("m")).contrasts(splits_of(summaries))
    assert [one["doses"] for one in found] == expected
    assert all((one["label"], one["kind"]) == ("m", "trend") for one in found)


@pytest.mark.parametrize("summaries", [{"X": {"m": 2}, "Y": {"n": 1}}, {"X": {"m": 2}, "Y": {}}])
def test_a_trend_over_a_figure_that_a_split_lacks_is_an_error(splits_of, summaries):
    with pytest.raises(InputError, match="Y: found no figure 'm'; expected it, the dose of its question"):
        Question("RQ9", contrast=Trend("m")).contrasts(splits_of(summaries))


def test_ends_are_the_splits_of_these_endings_and_need_both(splits_of):
    question = Question("RQ9", contrast=Ends(low="LOW", high="HIGH"))
    names = ("RQ9_X_LOW", "RQ9_X_MEDIUM", "RQ9_X_HIGH")
    (found,) = question.contrasts(splits_of({name: {} for name in names}))
    assert found == {"label": "HIGH minus LOW", "kind": "ends", "doses": {"RQ9_X_LOW": 0.0, "RQ9_X_HIGH": 1.0}}
    assert question.contrasts(splits_of({name: {} for name in names[:2]})) == []
    assert Question("RQ9").contrasts(splits_of({name: {} for name in names})) == []
