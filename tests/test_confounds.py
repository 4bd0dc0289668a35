"""Confounds: standardised differences and rank correlations by hand, and what of them is a warning."""

import numpy as np
import pytest

from instruction_data.measures import confounds
from instruction_data.publish.inventory import Set
from instruction_data.publish.record_tables import Column


def test_standardised_differences_by_hand():
    a, b = np.array([1.0, 2, 3]), np.array([2.0, 4, 6])
    assert confounds.standardised_difference(a, b) == pytest.approx(-2 / np.sqrt((1 + 4) / 2))
    assert confounds.standardised_difference(a * 0, b * 0) == 0
    assert confounds.standardised_difference(a * 0 + 1, b * 0) is None
    assert confounds.standard_error(0, 100, 100) == pytest.approx(np.sqrt(0.02))


def test_what_is_meant_to_differ_is_no_warning():
    values = np.arange(60, dtype=np.float64)
    members = {"LOW": np.arange(30), "HIGH": np.arange(30, 60)}
    measures = {"a": Column("a", values, "the one"), "b": Column("b", values * 2, "the other")}
    found = list(confounds.differences(members, measures, ("LOW", "HIGH"), {"a": "by it"}))
    related = list(confounds.correlations(np.arange(60), {"a": values}, {"a": "the one"}, measures, {"a": "by it"}))
    sentences = confounds.warnings(found, related, ("LOW", "HIGH"))
    assert len(sentences) == 2 and all("the other" in sentence for sentence in sentences)


def test_a_flag_is_told_as_a_share_and_a_number_with_its_unit():
    flag = Column("has_input", [0, 1], "records with an input", kind="flag")
    assert confounds.labelled(flag) == "share of records with an input"
    assert confounds.labelled(Column("n", [1, 2], "output length", "tokens")) == "output length (tokens)"
    assert confounds.labelled(Column("some_number", [1, 2])) == "some number"


@pytest.mark.parametrize(
    ("doses", "expected"),
    [
        ([{"X": 2.0, "Y": 1.0, "Z": 3.0}], ("Y", "Z")),
        ([{"X": 2.0, "GONE": 1.0, "Z": 3.0}], ("X", "Z")),
        ([{"X": 2.0, "GONE": 1.0}, {"Z": 1.0, "Y": 0.0}], ("Y", "Z")),
        ([{"X": 2.0}], None),
        ([], None),
    ],
)
def test_the_extremes_are_those_of_the_first_declared_contrast_whose_splits_are_there(doses, expected):
    contrasts = [{"label": "a trend", "kind": "trend", "doses": one} for one in doses]
    members = {name: np.arange(3) for name in "XYZ"}
    assert Set("RQ9_MINE", {"contrasts": contrasts}, members, {}).contrast == expected
