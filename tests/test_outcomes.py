"""The form of outcomes: what is written and read, and what is refused."""

import json
from dataclasses import replace

import pytest

from instruction_data.errors import InputError
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome


@pytest.fixture
def outcome(tmp_path):
    return Outcome(
        **{"run": "r", "question": "RQ9", "pool": "mine", "split": "s", "condition": "s", "model": "m", "seed": 1},
        **{"harness": "h", "task": "t", "settings": {"a": 1}, "reported": {"pass@1": 0.5}, "versions": {}, "files": {}},
        problems={"p1": [True, False], "p2": [False, True]},
    )


def test_an_outcome_is_read_as_it_was_written(tmp_path, outcome):
    place = outcomes.write(tmp_path, outcome)
    assert place == tmp_path / "Results" / "h" / "t" / "r.json"
    assert list(outcomes.every(tmp_path)) == [(place, outcome)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.update(format=2), "no outcome of format 1"),
        (lambda d: d.pop("split"), "missing 1 required"),
        (lambda d: d.update(extra=1), "unexpected keyword"),
        (lambda d: d.update(seed="1"), "as seed; expected int"),
        (lambda d: d.update(problems={}), r"found \[\] samples a problem"),
        (lambda d: d.update(problems={"p": [True], "q": [True, False]}), r"found \[1, 2\] samples"),
        (lambda d: d.update(problems={"p": [2]}), "expected true or false, or 0 or 1"),
        (lambda d: d.update(problems={"p": [0.5]}), "expected true or false, or 0 or 1"),
        (lambda d: d.update(problems={"p": ["1"]}), "expected true or false, or 0 or 1"),
        (lambda d: d.update(problems={"p": 1}), "expected true or false, or 0 or 1"),
        (lambda d: d.update(metric="pass@1"), "as metric; expected metric"),
        (lambda d: d.update(metric={"name": "pass@1"}), "missing 3 required"),
        (lambda d: d["metric"].update(name="a@b"), "'a@b' as the metric's name; expected letters"),
        (lambda d: d["metric"].update(name=["x"]), "as the metric's name"),
        (lambda d: d["metric"].update(kind=""), "'' as the metric's kind"),
        (lambda d: d["metric"].update(unit=""), "'' as the metric's unit"),
        (lambda d: d["metric"].update(unit="a\nb"), "as the metric's unit"),
        (lambda d: d["metric"].update(higher_is_better=1), "1 as higher_is_better; expected true or false"),
        (lambda d: d["metric"].update(higher_is_better=False), "expected pass@1 to be of kind pass, where higher"),
        (lambda d: d["metric"].update(kind="likelihood"), "expected pass@1 to be of kind pass"),
        (lambda d: d.update(metric=BITS | {"kind": "probability"}, problems={"p": [1.5]}), "numbers from 0 to 1"),
        (lambda d: d.update(metric=BITS, problems={"p": [True]}), "expected finite numbers"),
    ],
)
def test_what_is_no_outcome_is_refused(tmp_path, outcome, change, found):
    place = outcomes.write(tmp_path, outcome)
    document = json.loads(place.read_text())
    del document["checksum"]
    change(document)
    place.write_text(json.dumps(document))
    with pytest.raises(InputError, match=found):
        outcomes.read(place)


def test_one_changed_value_is_noticed(tmp_path, outcome):
    place = outcomes.write(tmp_path, outcome)
    whole = place.read_text()
    for old, new in (("true", "false"), ('"seed": 1', '"seed": 2'), ('"condition": "', '"condition": "X')):
        assert old in whole
        place.write_text(whole.replace(old, new, 1))
        with pytest.raises(InputError, match="found other content than was written"):
            outcomes.read(place)


BITS = {"name": "bits", "unit": "bits per byte", "kind": "likelihood", "higher_is_better": False}


def test_metrics_of_one_run_lie_side_by_side(tmp_path, outcome):
    bits = replace(outcome, metric=Metric(**BITS), problems={"p1": [0.25], "p2": [1]})
    places = [outcomes.write(tmp_path, one) for one in (outcome, bits)]
    assert [place.name for place in places] == ["r.json", "r@bits.json"]
    assert outcomes.places(tmp_path, "h", "t", "r") == places
    assert dict(outcomes.every(tmp_path)) == dict(zip(places, (outcome, bits), strict=True))
    assert (bits.mean, outcome.mean) == (0.625, 0.5)


def test_an_outcome_from_before_there_were_metrics_is_pass_at_1(tmp_path, outcome):
    place = outcomes.write(tmp_path, outcome)
    document = json.loads(place.read_text())
    del document["metric"], document["checksum"]
    place.write_text(json.dumps(document))
    assert outcomes.read(place) == outcome
    assert outcome.metric == outcomes.PASS


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e200, "0.5", None, 10**400])
def test_numbers_that_are_none_are_not_written(tmp_path, outcome, number):
    bits = replace(outcome, metric=Metric(**BITS), problems={"p": [number]})
    with pytest.raises(InputError, match="expected finite numbers"):
        outcomes.write(tmp_path, bits)


def test_an_outcome_that_lies_elsewhere_is_refused(tmp_path, outcome):
    place = outcomes.write(tmp_path, outcome)
    place.rename(place.with_name("r@bits.json"))
    with pytest.raises(InputError, match=r"r@bits.json: found the outcome that belongs to .*r.json"):
        list(outcomes.every(tmp_path))
