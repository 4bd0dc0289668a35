"""Gains over the untrained model: intervals on simulated studies, and the untrained model in a comparison."""

import csv
import io

import numpy as np
import pytest
from tests.support.scripts import load_script
from tests.test_compare import document_of, outcome, task_of, written
from tests.test_contrasts import BITS, STUDIES, TWINS, coverage

from instruction_data.answer import transfer
from instruction_data.answer.task import Condition
from instruction_data.outcomes.outcomes import Metric


def condition(values, draws=None):
    values = np.asarray(values, dtype=np.float64)
    return Condition([run[:, None] for run in values], draws or ["A"] * len(values))


def test_a_gain_is_a_share_of_the_untrained_mean_and_a_common_one_is_certain():
    base = np.array([[1.0, 2.0, 3.0]])
    found = transfer.gains({"A": condition(0.9 * base), "U": condition(base)}, "U", BITS)
    assert [(one["condition"], one["untrained"], one["intervals_over"]) for one in found] == [("A", 2.0, "problems")]
    assert (found[0]["gain"], found[0]["low"], found[0]["high"]) == pytest.approx((0.1, 0.1, 0.1))
    [other] = transfer.gains({"A": condition([[0.9, 2.0, 3.3]]), "U": condition(base)}, "U", BITS)
    assert other["gain"] == pytest.approx(-0.2 / 6)
    residuals = np.array([0.1, 0.0, -0.3]) / 2 - other["gain"] * base[0] / 2
    half = 4.3027 * residuals.std(ddof=1) / np.sqrt(3)  # Student's t with 2 degrees of freedom
    assert (other["low"], other["high"]) == pytest.approx((other["gain"] - half, other["gain"] + half), rel=1e-4)


def test_without_an_untrained_model_or_a_unit_in_percent_there_is_no_gain():
    conditions = {"A": condition([[1.0, 2.0]]), "U": condition([[1.0, 3.0]])}
    assert transfer.gains(conditions, "V", BITS) == []
    assert transfer.gains(conditions, "U", TWINS) == []


@pytest.mark.parametrize("draw", [0.0, 0.01])
def test_intervals_of_gains_hold_the_truth_95_percent_of_the_time(draw):
    generator, held = np.random.default_rng(5), []
    for _ in range(STUDIES):
        base = generator.gamma(4, 0.16, 164)
        conditions = {"U": condition(base[None])}
        for name, gain in {"A": 0.03, "B": 0.0, "C": 0.0}.items():
            chance = generator.normal(0, draw, 3).repeat(2) + generator.normal(0, 0.004, 6)
            crossed = generator.normal(0, 0.03, (1, 164)) + generator.normal(0, 0.03, (6, 164))
            draws = [f"{name}_R{number}" for number in (1, 1, 2, 2, 3, 3)]
            conditions[name] = condition(base * (1 - gain) + chance[:, None] + crossed, draws)
        found = transfer.gains(conditions, "U", BITS)
        held.append([one["low"] <= gain <= one["high"] for one, gain in zip(found, (0.03, 0.0, 0.0), strict=True)])
    coverage(np.concatenate(held)[:, None])


@pytest.fixture(scope="module")
def compare():
    return load_script("evaluation/compare.py")


def scored(name, seed, values, task):
    return outcome(
        name,
        seed,
        [True],
        run=f"{name[:3].strip('|<')}--m--seed{seed}",
        task=task,
        harness="likelihood",
        reported={},
        metric=Metric(**BITS),
        problems={str(number): [float(value)] for number, value in enumerate(values)},
    )


def test_a_comparison_has_a_row_of_gains_and_no_pair_with_the_untrained_model(compare, tmp_path):
    generator, found = np.random.default_rng(3), []
    for task, gain in {"mt-mbpp-java": 0.04, "mt-mbpp-r": -0.02}.items():
        base = generator.gamma(4, 0.16, 200)
        found.append(scored("RQ2_OSS_UNTRAINED", 0, base, task))
        for name, seed in (("A", 1), ("A", 2), ("B|<b>", 1), ("B|<b>", 2)):
            values = base * (1 - gain * (name == "A")) + generator.normal(0, 0.01, 200)
            found.append(scored(name, seed, values, task))
    document = document_of(compare, written(tmp_path, found))
    java, r = task_of(document), task_of(document, 1)
    assert document["questions"][0]["comparisons"] == 2  # one pair of trained conditions a task
    assert [(one["condition"], one["against"]) for one in java["differences"]] == [("A", "B|<b>")]
    assert [one["condition"] for one in java["conditions"]] == ["A", "B|<b>", "RQ2_OSS_UNTRAINED"]
    gains = {(part["task"], one["condition"]): one for part in (java, r) for one in part["transfer"]}
    assert gains["mt-mbpp-java", "A"]["low"] <= 0.04 <= gains["mt-mbpp-java", "A"]["high"]
    assert gains["mt-mbpp-r", "A"]["low"] <= -0.02 <= gains["mt-mbpp-r", "A"]["high"] < 0
    assert gains["mt-mbpp-r", "A"]["intervals_over"] == "problems and seeds"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "Results/transfer.csv").read_text())))
    assert {(row["task"].split(",")[0], row["condition"]): float(row["gain"]) for row in rows} == {
        key: one["gain"] for key, one in gains.items()
    }
    page = (tmp_path / "Results/comparison.md").read_text()
    [head] = [line for line in page.splitlines() if line.startswith("| gain |")]
    assert [cell.strip() for cell in head.split("|")[2:-1]] == [
        "mt-mbpp-java, gold_bpb (200 problems)",
        "mt-mbpp-r, gold_bpb (200 problems)",
    ]
    [line] = [line for line in page.splitlines() if line.startswith("| A | +")]
    assert "| -1.97 % (-2.33 to -1.60) |" in line and "<b>" not in page


def test_one_trained_condition_beside_the_untrained_one_is_nothing_to_compare(compare, tmp_path):
    found = [scored(name, 1, np.arange(60) + shift, "mbpp") for name, shift in (("A", 1), ("RQ2_OSS_UNTRAINED", 2))]
    document = document_of(compare, written(tmp_path, found))
    assert task_of(document)["differences"] == []
    assert "One trained condition a task" in (tmp_path / "Results/comparison.md").read_text()
