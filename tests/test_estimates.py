"""Results in the unit of their metric."""

from dataclasses import astuple

import pytest

from instruction_data.page import estimates

PAIR = {"difference": -0.25, "low": -0.5, "high": 0.125}


@pytest.mark.parametrize("task", [{}, {"metric": None}, {"metric": {"name": "pass", "unit": "", "kind": "pass"}}])
def test_problems_solved_are_percent_and_differences_points(task):
    metric = estimates.metric_of(task)
    assert (metric.label, metric.step) == ("pass@1 (%)", "points")
    assert metric.says(60) == "Share of 60 problems solved (pass@1)"
    rate = {"pass_at": {"1": {"estimate": 0.5, "low": 0.25, "high": 0.75}}}
    assert astuple(metric.of(rate)) == (50, 25, 75)
    assert [metric.signed(value) for value in astuple(metric.between(PAIR))] == ["-25.0", "-50.0", "+12.5"]


def test_other_metrics_keep_their_name_their_unit_and_their_size():
    told = {"name": "log loss", "unit": "bits", "kind": "mean", "higher_is_better": False}
    metric = estimates.metric_of({"metric": told})
    assert (metric.label, metric.step) == ("log loss (bits)", "bits")
    assert metric.says(60) == "Mean of log loss (bits) over 60 problems (lower is better)"
    assert astuple(metric.of({"estimate": 1.5, "low": 1, "high": 2})) == (1.5, 1, 2)
    assert [metric.signed(value) for value in astuple(metric.between(PAIR))] == ["-0.25", "-0.5", "+0.125"]
