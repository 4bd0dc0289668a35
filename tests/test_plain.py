"""Verdicts in plain words."""

import numpy as np
import pytest
from tests.test_contrasts import BITS, ENDS, PASS, SLOPE, TWINS, analysed, study

from instruction_data.answer import plain, verdicts

QUIET = {"seed": 0.001, "draw": 0.001, "crossed": 0.004}


def judged(doses=ENDS, kind="ends", metric=BITS, kinds=("", "_RANDOM", "_MATCHED"), shape=lambda x: x, **truth):
    made = study(np.random.default_rng(4), doses, **QUIET | truth)
    kept = {f"{name}{ending}" for name in doses for ending in kinds}
    found = {name: (shape(values), draws) for name, (values, draws) in made.items() if name in kept}
    row = analysed(found, doses, kind, metric) | {"metric": metric, "seeds": [1, 2], "task": "t"}
    verdicts.correct([row])
    return row


def said(row):
    return plain.said(row["verdict"], [row], "LOW", "HIGH")


def test_what_is_supported_says_which_end_is_better_and_by_how_much():
    lead, rest = said(judged(effect=-0.02))
    assert lead == "HIGH makes better models than LOW."
    assert rest.startswith("The difference is ") and " %. " in rest
    assert rest.endswith("Differences in length, language and category do not explain it.")
    assert said(judged(effect=0.02))[0] == "HIGH makes worse models than LOW."
    shares = judged(metric=TWINS, effect=0.1, shape=lambda x: np.clip(x / 2, 0, 1))
    assert said(shares)[0] == "HIGH makes better models than LOW."
    assert " points. " in said(shares)[1]


def test_what_goes_with_length_is_not_called_an_effect_of_the_property():
    lead, rest = said(judged(length=-0.03))
    assert lead == "HIGH makes better models than LOW, but perhaps only through length, language and category."
    assert rest.endswith("Other records, alike in length, language and category, may differ as much.")


def test_what_was_not_controlled_or_drawn_again_is_said():
    row = judged(kinds=("",), effect=-0.02)
    assert row["intervals_over"] == "problems and seeds"
    assert "Whether length, language and category explain it was not tested." in said(row)[1]
    assert said(row)[1].endswith("Other records chosen by the same rule may give another result.")
    assert verdicts.finding(row).endswith("; all of it for these very records, as no draw was repeated")


def test_no_difference_has_a_bound_and_luck_is_called_so():
    lead, rest = said(row := judged(seed=0.0005, draw=0.0005))
    assert lead == "No difference found."
    assert rest.startswith("If there is one, it is smaller than 0.")
    assert rest.endswith(plain.ALONE) == (row["p"] < 0.05)
    assert said(row | {"p": 0.04})[1].endswith(plain.ALONE)
    assert said(row | {"p": 0.5})[1].endswith(" % (at 95 % confidence).")


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ({"seed": 0.02, "draw": 0.02}, "% would matter, but chance moves these scores so much that less than "),
        ({"effect": -0.05, "seeds": 1, "kinds": ("",)}, "Each set was trained on once"),
        ({"metric": PASS, "shape": lambda x: np.zeros_like(x, dtype=int)}, "These scores say nothing: every pass@1"),
    ],
)
def test_what_cannot_be_told_says_why(truth, expected):
    lead, rest = said(judged(**truth))
    assert lead == "Cannot tell."
    assert expected in rest


def test_scores_of_a_loop_that_failed_its_self_test_decide_nothing():
    row = judged(effect=-0.02) | {"self_test": "PROSE, gold_bpb: better instead of worse"}
    assert verdicts.judged(row) == verdicts.CANNOT
    lead, rest = said(row | {"verdict": verdicts.CANNOT})
    assert lead == "Cannot tell."
    assert rest.startswith("Model and recipe failed their self-test (PROSE, gold_bpb: better instead of worse), so ")


def test_a_slope_is_told_as_the_higher_the_better():
    assert said(judged(SLOPE, "trend", effect=-0.02))[0] == "The higher the a contrast, the better."


def test_scores_that_disagree_are_both_told():
    rows = [judged(effect=0.02), judged(metric=TWINS, effect=0.1, shape=lambda x: np.clip(x / 2, 0, 1))]
    lead, rest = plain.said(verdicts.DISAGREE, rows, "LOW", "HIGH")
    assert lead == "The scores disagree."
    assert rest.startswith("HIGH makes worse models than LOW by gold_bpb (")
    assert "HIGH makes better models than LOW by pairs (" in rest
    assert rest.endswith(").")
    once = [rows[0], judged(kinds=("",), effect=0.02)]
    assert plain.said(verdicts.DISAGREE, once, "LOW", "HIGH")[1].endswith(f").{plain.DRAWN}")


def test_an_unknown_score_is_named_with_its_unit():
    assert plain.score({"name": "x", "unit": "seconds", "kind": "other", "higher_is_better": False}) == (
        "x, seconds, lower is better"
    )
