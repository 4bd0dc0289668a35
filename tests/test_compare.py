"""Comparing outcomes: the statistics against hand-worked cases and simulated studies, and the script on study roots."""

import csv
import io
import itertools
from math import comb, sqrt

import numpy as np
import pytest
from scipy import stats
from tests.support.scripts import load_script, run_script

from instruction_data.answer import passing, two_way, units
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome

SCRIPT = "evaluation/compare.py"
DERIVED = ("comparison.csv", "differences.csv", "comparison.md", "comparison.json")


@pytest.fixture(scope="module")
def compare():
    return load_script(SCRIPT)


def outcome(condition, seed, passed, **changes):
    """The outcome of one run; ``passed`` is bool ``[problems]`` or ``[problems, samples]``."""
    passed = np.asarray(passed, dtype=bool).reshape(len(passed), -1)
    fields = {
        "run": f"{condition}--model--seed{seed}",
        "question": "RQ2",
        "pool": "oss",
        "split": condition,
        "condition": condition,
        "model": "model",
        "seed": seed,
        "harness": "bigcode",
        "task": "humaneval",
        "settings": {"temperature": 0.0},
        "reported": {"pass@1": float(passed.mean())},
        "problems": {f"HumanEval/{number}": row.tolist() for number, row in enumerate(passed)},
        "versions": {"torch": "2"},
        "files": {},
    }
    return Outcome(**(fields | changes))


def written(root, found):
    for one in found:
        outcomes.write(root, one)
    return root


def first(n, of=60):
    """The first ``n`` of the problems solved."""
    return np.arange(of) < n


def document_of(compare, root, *flags):
    assert compare.main(["--root", str(root), *flags]) == 0
    return documents.read_derived(root / "Results/comparison.json", "compare.py")


def task_of(document, number=0):
    return document["questions"][0]["groups"][0]["tasks"][number]


def sentences_of(document):
    return "\n".join(document["questions"][0]["groups"][0]["sentences"])


# Statistics, by hand


def test_pass_at_k_is_the_share_of_sets_of_samples_with_one_that_passed():
    for samples in range(1, 7):
        for passed, k in itertools.product(range(samples + 1), range(1, samples + 1)):
            answers = [True] * passed + [False] * (samples - passed)
            share = sum(map(any, itertools.combinations(answers, k))) / comb(samples, k)
            assert passing.pass_at_k(np.array([passed]), samples, k) == pytest.approx([share], abs=1e-12)


def test_pass_at_100_of_200_samples_is_finite_and_right():
    expected = [0.0, 0.5, 1 - comb(198, 100) / comb(200, 100), 1.0]
    assert passing.pass_at_k(np.array([0, 1, 2, 200]), 200, 100) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", [0, 4])
def test_pass_at_k_wants_k_samples(k):
    with pytest.raises(ValueError, match="expected 1 … 3"):
        passing.pass_at_k(np.array([1]), 3, k)


def test_mcnemar_is_the_binomial_test_of_the_problems_that_differ():
    one = np.array([True] * 9 + [False] * 2 + [True] * 20 + [False] * 5)
    other = np.array([False] * 9 + [True] * 2 + [True] * 20 + [False] * 5)
    only_one, only_other, p = passing.mcnemar(one, other)
    assert (only_one, only_other) == (9, 2)
    assert p == pytest.approx(stats.binomtest(9, 11).pvalue)
    assert passing.mcnemar(one, one)[2] == 1


def test_the_interval_of_one_run_is_wilsons():
    passed, n, z = 41, 164, stats.norm.ppf(0.975)
    centre = (passed / n + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(0.25 * 0.75 / n + z**2 / (4 * n**2))
    rate = passing.estimate(first(passed, n)[None].astype(float), None)
    assert (rate.estimate, rate.deviation) == (0.25, None)
    assert (rate.low, rate.high) == pytest.approx((centre - half, centre + half))


def test_the_interval_of_a_difference_between_two_runs_is_bonett_and_prices():
    one, other = np.zeros((1, 100)), np.zeros((1, 100))
    one[0, :12], other[0, 12:16] = 1, 1
    found = passing.difference(one, other, None)
    ahead, behind, n = 13 / 102, 5 / 102, 102
    error = sqrt((ahead + behind - (ahead - behind) ** 2) / (n - 1))  # theirs divides by n, and takes z for t
    half = stats.t.ppf(0.975, n - 1) * error
    assert found.estimate == pytest.approx(0.08)
    assert found.standard_error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx((8 / 102 - half, 8 / 102 + half))


def test_run_variance_takes_away_what_the_problems_chance_explains():
    additive = np.array([[0.1, 0.3], [0.3, 0.5]])
    found = two_way.run_variance([additive, np.zeros((1, 2))])
    assert (found.between, found.total, found.freedom) == (pytest.approx(0.02), pytest.approx(0.02), 1)
    crossed = np.array([[1.0, 0.0], [0.0, 1.0]])  # equal means: nothing between the runs
    assert two_way.run_variance([crossed]).between == 0
    pooled = two_way.run_variance([additive, crossed])
    assert pooled.freedom == 2
    assert pooled.total == pytest.approx(0.01)
    assert two_way.run_variance([np.ones((1, 5)), np.ones((1, 5))]) is None


def test_runs_of_the_same_draw_count_once_where_there_are_several_draws():
    rates = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    assert two_way.replicates(rates, ["A", "A", "A_R2"]).tolist() == [[0.5, 1.0], [1.0, 0.0]]
    assert two_way.replicates(rates, ["A", "A", "A"]) is rates


def test_traces_of_adding_in_another_order_are_no_difference():
    one = np.array([[0.1], [0.2], [0.3]])
    assert passing.paired(one, one[::-1]).tolist() == [0.0, 1.0, -1.0]


@pytest.mark.parametrize("passed", [0.0, 1.0])
@pytest.mark.parametrize("problems", [1, 2, 164])
@pytest.mark.parametrize("runs", [1, 3])
def test_all_or_nothing_is_no_certainty(passed, problems, runs):
    rates = np.full((runs, problems), passed)
    variance = two_way.run_variance([rates, rates])
    rate, found = passing.estimate(rates, variance), passing.difference(rates, rates, variance)
    assert rate.estimate == passed
    assert 1 / problems / 4 < rate.high - rate.low < 1
    assert (found.estimate, found.p) == (0, 1)
    assert found.low == -found.high
    assert 1 / problems <= found.high <= 1
    assert two_way.problems_needed(found) is None
    assert two_way.runs_needed(found, (runs, runs), variance) is None


def test_as_many_problems_as_needed_make_the_difference_detectable():
    one, other = first(40, 100)[None].astype(float), first(34, 100)[None][:, ::-1].astype(float)
    found = passing.difference(one, other, None)
    needed = two_way.problems_needed(found)
    assert needed > 1000
    larger = passing.difference(*(np.tile(rates, round(needed / 100)) for rates in (one, other)), None)
    assert larger.estimate == found.estimate
    assert larger.detectable == pytest.approx(abs(larger.estimate), rel=0.05)


def test_runs_needed_are_those_of_two_samples_where_problems_add_nothing():
    one, other = np.array([[0.50], [0.60], [0.70]]), np.array([[0.40], [0.50], [0.60]])
    one, other = np.repeat(one, 10_000, axis=1), np.repeat(other, 10_000, axis=1)
    variance = two_way.run_variance([one, other])
    found = passing.difference(one, other, variance)
    assert two_way.problems_needed(found) is None  # seeds alone hide it
    assert two_way.runs_needed(found, (3, 3), variance) == 17  # effect 1, power 80 %: the textbooks' 17 a group


def test_correction_is_holms():
    assert two_way.corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert two_way.corrected([]) == []


# Statistics, on simulated studies of which the truth is known


def simulated(generator, runs, *, problems=164, conditions=4, base=-1.0, effect=0.0, seeds=0.3, samples=1):
    """Rates ``[conditions, runs, problems]``: problems differ in difficulty, runs in skill, the second condition by
    the effect (all on the logit scale)."""
    logits = generator.normal(base, 2, problems) + generator.normal(0, 0.5, (conditions, 1, problems))
    logits = logits + generator.normal(0, seeds, (conditions, runs, 1))
    logits[1] += effect
    return generator.binomial(samples, 1 / (1 + np.exp(-logits))) / samples


def true_rate(base, effect, seeds):
    """By Gauss and Hermite, over problems and seeds."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    logits = base + effect + sqrt(4 + 0.25 + seeds**2) * nodes
    return float((weights / weights.sum() / (1 + np.exp(-logits))).sum())


STUDIES = 400
CASES = {
    "real seed effects": {"runs": 3, "seeds": 0.3, "effect": 0.4},
    "no seed effects": {"runs": 3, "seeds": 0.0, "effect": 0.0},
    "one run": {"runs": 1, "seeds": 0.0, "effect": 0.4},
    "weak models": {"runs": 3, "seeds": 0.3, "effect": 0.0, "base": -4.0},
    "20 samples": {"runs": 3, "seeds": 0.2, "effect": 0.4, "samples": 20},
}


@pytest.mark.parametrize("case", CASES)
def test_95_percent_intervals_hold_the_truth_95_percent_of_the_time(case):
    generator = np.random.default_rng(8)
    settings = {"base": -1.0} | CASES[case]
    base, effect, seeds = settings["base"], settings["effect"], settings["seeds"]
    truth = true_rate(base, 0, seeds)
    difference = true_rate(base, effect, seeds) - truth
    held = []
    for _ in range(STUDIES):
        rates = simulated(generator, **settings)
        variance = two_way.run_variance(list(rates))
        found, rate = passing.difference(rates[1], rates[0], variance), passing.estimate(rates[0], variance)
        held.append((found.low <= difference <= found.high, rate.low <= truth <= rate.high))
    of_difference, of_rate = np.mean(held, axis=0)
    assert 0.92 <= of_difference <= 0.98
    assert 0.92 <= of_rate <= 0.985  # Wilson's is a little wide where few pass


def test_intervals_over_problems_alone_do_not_when_seeds_matter():
    """Why the spread between runs is in the intervals."""
    generator = np.random.default_rng(8)
    difference = true_rate(-1, 0.4, 0.3) - true_rate(-1, 0, 0.3)
    values = []
    for _ in range(STUDIES // 2):
        rates = simulated(generator, 3, effect=0.4)
        values.append(passing.paired(rates[1], rates[0]))
    low, high = two_way.over_problems_alone(np.stack(values), generator)
    assert np.mean((low <= difference) & (difference <= high)) < 0.85


@pytest.mark.parametrize("runs, seeds", [(1, 0.0), (3, 0.3)])
def test_a_study_without_effects_has_a_false_alarm_once_in_twenty(runs, seeds):
    generator = np.random.default_rng(3)
    alarms = 0
    for _ in range(STUDIES):
        rates = simulated(generator, runs, seeds=seeds)
        variance = two_way.run_variance(list(rates))
        p_values = [passing.difference(*pair, variance).p for pair in itertools.combinations(rates, 2)]
        alarms += len(p_values) * min(p_values) < 0.05  # the first step of Holm's correction decides
    assert alarms / STUDIES <= 0.05 + 2 * sqrt(0.05 * 0.95 / STUDIES)


def test_power_grows_with_the_effect():
    generator = np.random.default_rng(5)
    power = []
    for effect in (0.0, 0.5, 1.0, 2.0):
        found = 0
        for _ in range(100):
            rates = simulated(generator, 3, effect=effect, seeds=0.2)
            found += passing.difference(rates[1], rates[0], two_way.run_variance(list(rates))).p < 0.05
        power.append(found / 100)
    assert power == sorted(power)
    assert power[0] <= 0.12
    assert power[-1] >= 0.95


# Numbers without bounds


def test_the_difference_of_numbers_without_bounds_is_students_paired_t():
    generator = np.random.default_rng(2)
    one, other = generator.normal(700, 90, (1, 40)), generator.normal(650, 90, (1, 40))
    found, expected = two_way.difference(one, other, None), stats.ttest_rel(one[0], other[0])
    assert found.estimate == pytest.approx(float((one - other).mean()))
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    alone = two_way.estimate(one, None)
    assert (alone.low, alone.high) == pytest.approx(stats.t.interval(0.95, 39, one.mean(), stats.sem(one[0])))


def test_the_unit_of_the_numbers_changes_their_scale_and_nothing_else():
    generator = np.random.default_rng(4)
    values = generator.normal(0.7, 0.2, (2, 3, 60)) + generator.normal(0, 0.05, (2, 3, 1))
    small, large = (two_way.difference(*scaled, two_way.run_variance(scaled)) for scaled in (values, 1e9 * values))
    for name in ("estimate", "low", "high", "standard_error", "detectable"):
        assert getattr(large, name) == pytest.approx(1e9 * getattr(small, name))
    assert (large.p, large.freedom) == pytest.approx((small.p, small.freedom))
    assert two_way.problems_needed(large) == two_way.problems_needed(small)
    needed = [
        two_way.runs_needed(one, (3, 3), two_way.run_variance(v)) for one, v in ((small, values), (large, 1e9 * values))
    ]
    assert needed[0] == needed[1]


def test_models_that_agree_in_every_number_do_not_differ_and_a_constant_shift_is_certain():
    values = np.random.default_rng(6).normal(5, 1, (3, 60))
    same = two_way.difference(values, values[::-1], two_way.run_variance([values[:1], values[:1]]))
    assert (same.estimate, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert two_way.problems_needed(same) is None
    whole = np.arange(60.0)[None]
    assert two_way.difference(whole + 1, whole, None).p == 0


UNBOUNDED = {
    "real seed effects": {"runs": 3, "seeds": 0.05},
    "no seed effects": {"runs": 3, "seeds": 0.0},
    "one run": {"runs": 1, "seeds": 0.0},
    "two seeds of four conditions": {"runs": 2, "seeds": 0.05},
}


@pytest.mark.parametrize("case", UNBOUNDED)
def test_intervals_of_numbers_without_bounds_hold_the_truth_95_percent_of_the_time(case):
    """Bits per byte: problems differ in difficulty, conditions in each problem, runs in skill."""
    generator, (runs, seeds) = np.random.default_rng(9), UNBOUNDED[case].values()
    held = []
    for _ in range(1500):
        values = (
            generator.gamma(4, 0.2, 60) + generator.normal(0, 0.1, (4, 1, 60)) + generator.normal(0, 0.1, (4, runs, 60))
        )
        values += generator.normal(0, seeds, (4, runs, 1))
        values[1] -= 0.05
        variance = two_way.run_variance(list(values))
        found, alone = two_way.difference(values[1], values[0], variance), two_way.estimate(values[0], variance)
        held.append((found.low <= -0.05 <= found.high, alone.low <= 0.8 <= alone.high))
    of_difference, of_mean = np.mean(held, axis=0)
    assert 0.93 <= of_difference <= 0.97
    assert 0.93 <= of_mean <= 0.97


# The script


@pytest.fixture(scope="module")
def planted():
    """Six conditions of three seeds on two tasks; the fifth is better by 1.5 on the logit scale."""
    generator = np.random.default_rng(11)
    found = []
    for task in ("humaneval", "mbpp"):
        rates = simulated(generator, 3, conditions=6, seeds=0.1)[[0, 2, 3, 4, 1, 5]]
        better = simulated(np.random.default_rng(1), 3, conditions=6, seeds=0.1, effect=1.5)
        rates[[0, 4]] = better[[0, 1]]
        for condition, seed in itertools.product(range(6), range(3)):
            passed = rates[condition, seed] > 0.5
            found.append(outcome(f"RQ2_OSS_{condition}", 42 + seed, passed, task=task))
    return found


def test_a_planted_difference_is_found_with_sign_and_size(compare, planted, tmp_path, capsys):
    document = document_of(compare, written(tmp_path, planted))
    pairs = {(one["condition"], one["against"]): one for one in task_of(document)["differences"]}
    assert document["questions"][0]["comparisons"] == 30
    assert len(pairs) == 15
    found = pairs["RQ2_OSS_0", "RQ2_OSS_4"]
    assert found["supported"]
    assert found["low"] <= true_rate(-1, 0, 0.1) - true_rate(-1, 1.5, 0.1) <= found["high"] < 0
    assert "Supported: RQ2_OSS_0 minus RQ2_OSS_4 on humaneval is -" in capsys.readouterr().out
    assert not pairs["RQ2_OSS_1", "RQ2_OSS_2"]["supported"]


def test_the_tables_say_what_the_json_says(compare, planted, tmp_path):
    document = document_of(compare, written(tmp_path, planted))
    rates = list(csv.DictReader(io.StringIO((tmp_path / "Results/comparison.csv").read_text())))
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "Results/differences.csv").read_text())))
    assert (len(rates), len(pairs)) == (12, 30)
    condition = task_of(document)["conditions"][0]
    assert float(rates[0]["estimate"]) == condition["pass_at"]["1"]["estimate"]
    assert float(rates[0]["deviation"]) == condition["pass_at"]["1"]["deviation"] > 0
    assert [float(one["difference"]) for one in pairs[:15]] == [
        one["difference"] for one in task_of(document)["differences"]
    ]
    mean = np.mean([run["pass@1"] for run in condition["runs"]])
    assert condition["pass_at"]["1"]["estimate"] == pytest.approx(mean, abs=1e-5)
    assert set(document["inputs"]) == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("Results/*/*/*.json")
    }


def test_order_of_files_and_problems_changes_no_byte(compare, planted, tmp_path):
    written(tmp_path / "one", planted)
    shuffled = [Outcome(**(vars(one) | {"problems": dict(reversed(one.problems.items()))})) for one in planted[::-1]]
    written(tmp_path / "other", shuffled)
    one, other = (document_of(compare, tmp_path / name) for name in ("one", "other"))
    assert one["questions"] == other["questions"]
    for name in DERIVED[:3]:
        assert (tmp_path / "one/Results" / name).read_bytes() == (tmp_path / "other/Results" / name).read_bytes()
    items = compare.read(tmp_path / "one")
    assert compare.compare(items[::-1], 42) == one


def test_a_rerun_gives_the_same_bytes_and_the_seed_changes_the_bootstrap_alone(compare, planted, tmp_path):
    document = document_of(compare, written(tmp_path, planted))
    before = {name: (tmp_path / "Results" / name).read_bytes() for name in DERIVED}
    document_of(compare, tmp_path)
    assert before == {name: (tmp_path / "Results" / name).read_bytes() for name in DERIVED}
    other = document_of(compare, tmp_path, "--seed", "7")
    assert other != document
    for one in (document, other):
        del one["seed"]
        for task in one["questions"][0]["groups"][0]["tasks"]:
            for pair in task["differences"]:
                del pair["these_runs"]
    assert other == document


def test_other_outcomes_replace_the_comparison(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(20))])
    assert len(task_of(document_of(compare, tmp_path))["conditions"]) == 2
    written(tmp_path, [outcome("C", 1, first(40))])
    assert len(task_of(document_of(compare, tmp_path))["differences"]) == 3
    assert sorted(path.name for path in (tmp_path / "Results").iterdir() if path.is_file()) == sorted(DERIVED)


def test_single_runs_are_compared_by_mcnemar_and_seeds_are_said_to_be_unknown(compare, tmp_path):
    document = document_of(compare, written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(20))]))
    pair = task_of(document)["differences"][0]
    assert (pair["test"], pair["mcnemar"]["only_condition"], pair["mcnemar"]["only_against"]) == (
        "McNemar, exact",
        10,
        0,
    )
    assert pair["p"] == pytest.approx(stats.binomtest(10, 10).pvalue, rel=1e-5)
    assert "nothing is known of what another seed would have given" in sentences_of(document)


def test_draws_of_a_split_are_replicates_of_one_condition(compare, tmp_path):
    draws = [
        outcome("A", seed, first(30 + seed + draw), split=split, run=f"{split}--{seed}")
        for draw, split in enumerate(("A", "A_R2", "A_R3"))
        for seed in (1, 2)
    ]
    document = document_of(compare, written(tmp_path, [*draws, outcome("B", 1, first(20))]))
    condition = task_of(document)["conditions"][0]
    assert (condition["replicates"], condition["replicates_are"], len(condition["runs"])) == (3, "draws", 6)
    assert task_of(document)["intervals_over"] == "problems and runs"


def test_pass_at_10_where_there_are_10_samples(compare, tmp_path):
    generator = np.random.default_rng(0)
    found = [outcome(name, 1, generator.random((60, 10)) < 0.1) for name in "AB"]
    found += [outcome(name, 1, generator.random((60, 9)) < 0.1, task="mbpp") for name in "AB"]
    document = document_of(compare, written(tmp_path, found))
    humaneval, mbpp = (task_of(document, number)["conditions"][0]["pass_at"] for number in (0, 1))
    assert (list(humaneval), list(mbpp)) == (["1", "10"], ["1"])
    solved = np.mean([any(passed) for passed in found[0].problems.values()])
    assert humaneval["10"]["estimate"] == pytest.approx(solved, abs=1e-5)
    assert task_of(document)["differences"][0]["mcnemar"] is None


@pytest.mark.parametrize(
    "passed, expected",
    [
        ({"A": first(0), "B": first(0)}, "every pass@1 is 0%: these numbers are noise and show only that the chain"),
        ({"A": first(60), "B": first(60)}, "every pass@1 is 100%: these numbers are noise and show only that the"),
        ({"A": first(1, 1), "B": first(0, 1)}, "1 problem, fewer than 50: these numbers are noise"),
        ({"A": first(49, 49), "B": first(0, 49)}, "49 problems, fewer than 50: these numbers are noise"),
        ({"A": first(9), "B": first(9)}, "Not supported: none of 1 differences can be told from chance"),
        ({"A": first(60), "B": first(0)}, "Supported: A minus B on humaneval is +100.0 points"),
        ({"A": first(9)}, "One condition a task: there is nothing to compare."),
        ({"A": first(0)}, "every pass@1 is 0%: these numbers are noise"),
    ],
)
@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_what_can_be_said_of_extremes_is_said(compare, tmp_path, passed, expected, seeds):
    found = [outcome(name, seed, solved) for name, solved in passed.items() for seed in seeds]
    document = document_of(compare, written(tmp_path, found))
    assert expected in sentences_of(document)
    assert ("noise" in expected) == (task_of(document)["noise"] is not None)
    assert "noise" not in expected or not any(one["supported"] for one in task_of(document)["differences"])
    for name in DERIVED:
        words = (tmp_path / "Results" / name).read_text().lower().replace(",", " ").split()
        assert not {"nan", "inf", "-inf", "nan%"} & set(words)
    rate = task_of(document)["conditions"][0]["pass_at"]["1"]
    assert 0 <= rate["low"] < rate["high"] <= 1


def test_different_settings_are_kept_apart_and_said_to_be(compare, tmp_path):
    found = [outcome(name, 1, first(30)) for name in "AB"]
    found.append(outcome("C", 1, first(50), settings={"temperature": 0.8}))
    document = document_of(compare, written(tmp_path, found))
    tasks = document["questions"][0]["groups"][0]["tasks"]
    assert [(task["label"], len(task["conditions"])) for task in tasks] == [
        ("humaneval (settings 1)", 2),
        ("humaneval (settings 2)", 1),
    ]
    assert document["questions"][0]["comparisons"] == 1
    assert "humaneval (settings 2): scored with settings of its own" in sentences_of(document)


@pytest.mark.parametrize("field", ["pool", "model", "harness", "question"])
def test_only_like_is_compared_with_like(compare, tmp_path, field):
    found = [outcome("A", 1, first(30)), outcome("B", 1, first(20), **{field: "another"})]
    document = document_of(compare, written(tmp_path, found))
    groups = [group for question in document["questions"] for group in question["groups"]]
    assert len(groups) == 2
    assert sum(question["comparisons"] for question in document["questions"]) == 0


def test_settings_and_reported_figures_are_kept_to_the_last_digit(compare, tmp_path):
    found = outcome("A", 1, first(20), settings={"top_p": 0.123456789}, reported={"pass@1": 1 / 3})
    task = task_of(document_of(compare, written(tmp_path, [found])))
    assert task["settings"] == {"top_p": 0.123456789}
    assert task["conditions"][0]["runs"][0]["reported"] == {"pass@1": 1 / 3}
    assert task["conditions"][0]["runs"][0]["pass@1"] == 0.333333


def test_noise_is_in_the_tables_and_not_among_the_differences_of_the_page(compare, tmp_path):
    found = [outcome(name, 1, first(count)) for name, count in (("A", 30), ("B", 20))]
    found += [outcome(name, 1, first(count, 20), task="mbpp") for name, count in (("A", 20), ("B", 0))]
    document_of(compare, written(tmp_path, found))
    page, rows = ((tmp_path / "Results" / name).read_text() for name in ("comparison.md", "differences.csv"))
    assert "| A minus B | humaneval |" in page
    assert "| A minus B | mbpp |" not in page
    assert "20 problems, fewer than 50" in rows


def test_p_values_are_corrected_for_the_whole_question(compare, tmp_path):
    found = [
        outcome(name, 1, first(count), pool=pool, run=f"{pool}-{name}")
        for pool in ("oss", "evol")
        for name, count in (("A", 30), ("B", 23))
    ]
    document = document_of(compare, written(tmp_path, found))
    pairs = [group["tasks"][0]["differences"][0] for group in document["questions"][0]["groups"]]
    assert [pair["p"] for pair in pairs] == pytest.approx([stats.binomtest(7, 7).pvalue] * 2)
    assert [pair["p_corrected"] for pair in pairs] == pytest.approx([2 * pairs[0]["p"]] * 2)


def test_what_is_missing_or_unlike_is_said(compare, tmp_path):
    found = [outcome(name, 1, first(30)) for name in "AB"]
    found.append(outcome("A", 1, first(30), task="mbpp", versions={"torch": "1"}))
    found.append(outcome("A", 2, first(30), task="mbpp"))
    text = sentences_of(document_of(compare, written(tmp_path, found)))
    assert "mbpp: no outcome of B." in text
    assert "mbpp: its runs were not all scored with the same version of torch." in text


def test_a_partly_scored_run_is_refused(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(30, 59))])
    with pytest.raises(
        InputError, match=r"B--model--seed1.json: found 59 problems, without 'HumanEval/59'; expected .*60"
    ):
        compare.main(["--root", str(tmp_path)])
    assert not (tmp_path / "Results/comparison.json").exists()


def test_other_problems_are_refused(compare, tmp_path):
    other = outcome("B", 1, first(30))
    other = Outcome(**(vars(other) | {"problems": {f"x{name}": one for name, one in other.problems.items()}}))
    written(tmp_path, [outcome("A", 1, first(30)), other])
    with pytest.raises(InputError, match="found 60 problems, without"):
        compare.main(["--root", str(tmp_path)])


def test_two_runs_that_differ_in_nothing_recorded_are_refused(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("A", 1, first(31), run="again")])
    with pytest.raises(InputError, match="second run on 'A' with seed 1"):
        compare.main(["--root", str(tmp_path)])


def test_a_copied_outcome_is_refused(compare, tmp_path):
    place = outcomes.write(tmp_path, outcome("A", 1, first(30)))
    (place.parent / "copy.json").write_bytes(place.read_bytes())
    with pytest.raises(InputError, match=r"copy.json: found the outcome that belongs to .*A--model--seed1.json"):
        compare.main(["--root", str(tmp_path)])


def test_users_get_errors_and_no_tracebacks(tmp_path):
    empty, missing = run_script(SCRIPT, "--root", tmp_path), run_script(SCRIPT, "--root", tmp_path / "none")
    place = outcomes.write(tmp_path, outcome("A", 1, first(30)))
    place.write_bytes(place.read_bytes()[:-9])
    broken = run_script(SCRIPT, "--root", tmp_path)
    for result, expected in ((empty, "found no outcome"), (missing, "no such folder"), (broken, "malformed JSON")):
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert expected in result.stderr
        assert "Traceback" not in result.stderr


def test_names_are_neither_formulas_nor_markup(compare, tmp_path, capsys):
    names = ["=1+1", "@SUM(A1)", "-2", "+3", "a|b`<b>*x*", "two\nlines\x1b[0m"]
    found = [
        outcome(name, 1, first(10 * number), run=f"run{number}", pool="=pool") for number, name in enumerate(names)
    ]
    document = document_of(compare, written(tmp_path, found))
    assert [one["condition"] for one in task_of(document)["conditions"]] == sorted(names, key=units.natural)
    for name in DERIVED[:2]:
        rows = list(csv.reader(io.StringIO((tmp_path / "Results" / name).read_text())))
        assert len({len(row) for row in rows}) == 1
        for cell in itertools.chain.from_iterable(rows):
            assert not cell.startswith(("=", "+", "@"))
            assert not cell.startswith("-") or float(cell) < 0
    markdown = (tmp_path / "Results/comparison.md").read_text()
    assert "<b>" not in markdown
    assert all(line.replace(r"\|", "").count("|") in (3, 7) for line in markdown.splitlines() if line.startswith("|"))
    assert "\x1b" not in markdown + capsys.readouterr().out


# Metrics beside pass@1

BITS = Metric("gold_bpb", "bits per byte", "likelihood", higher_is_better=False)


def likelihood(condition, seed, level, **changes):
    """An outcome in bits per byte: 60 problems of their own difficulty, around ``level``."""
    numbers = np.random.default_rng(0).gamma(4, 0.1, 60) + np.random.default_rng(seed).normal(level, 0.01, 60)
    numbers += {1: 0.002, 2: -0.002}[seed]
    problems = {f"HumanEval/{number}": [float(one)] for number, one in enumerate(numbers)}
    return outcome(condition, seed, first(30), problems=problems, reported={}, metric=BITS, **changes)


def test_another_metric_is_compared_in_its_unit_beside_pass_at_1(compare, tmp_path):
    found = [likelihood(name, seed, level) for name, level in (("A", 0.3), ("B", 0.4)) for seed in (1, 2)]
    found += [outcome(name, seed, first(30)) for name in "AB" for seed in (1, 2)]
    document = document_of(compare, written(tmp_path, found))
    passed, bits = document["questions"][0]["groups"][0]["tasks"]
    assert [(one["label"], one["metric"]["name"]) for one in (passed, bits)] == [
        ("humaneval", "pass@1"),
        ("humaneval, gold_bpb", "gold_bpb"),
    ]
    assert bits["metric"] == vars(BITS)
    one = bits["conditions"][0]
    assert one["estimate"] == pytest.approx(np.mean([run["mean"] for run in one["runs"]]), rel=1e-5)
    assert one["low"] < one["estimate"] < one["high"]
    assert "pass_at" not in one
    assert {name: passed["conditions"][0][name] for name in ("estimate", "low", "high", "deviation")} == passed[
        "conditions"
    ][0]["pass_at"]["1"]
    pair = bits["differences"][0]
    assert pair["difference"] == pytest.approx(-0.1, abs=0.01)
    assert (pair["supported"], pair["mcnemar"], pair["test"]) == (True, None, "Student's t")
    assert (
        "A minus B on humaneval, gold_bpb is -0.1 bits per byte (lower is better; 95 % interval -0.1"
        in sentences_of(document)
    )
    page = (tmp_path / "Results/comparison.md").read_text()
    assert "humaneval, gold_bpb, bits per byte, lower is better (60 problems)" in page
    assert "| -0.1 bits per byte (-0.1" in page
    rows = list(csv.DictReader(io.StringIO((tmp_path / "Results/comparison.csv").read_text())))
    assert [(row["metric"], row["unit"], row["k"]) for row in rows[1:3]] == [
        ("pass@1", "share of problems", "1"),
        ("gold_bpb", "bits per byte", ""),
    ]
    assert float(rows[2]["estimate"]) == one["estimate"]


def test_one_name_for_two_metrics_and_one_problem_alone_are_refused(compare, tmp_path):
    other = Metric("gold_bpb", "nats per byte", "likelihood", higher_is_better=False)
    written(tmp_path / "a", [likelihood("A", 1, 0.3), Outcome(**vars(likelihood("B", 1, 0.3)) | {"metric": other})])
    with pytest.raises(InputError, match=r"B--model--seed1@gold_bpb.json: found the metric .*nats.* expected .*bits"):
        compare.main(["--root", str(tmp_path / "a")])
    written(tmp_path / "b", [Outcome(**vars(likelihood("A", 1, 0.3)) | {"problems": {"p": [0.5]}})])
    with pytest.raises(InputError, match="found one problem; expected two or more"):
        compare.main(["--root", str(tmp_path / "b")])


def test_numbers_that_are_all_the_same_are_noise(compare, tmp_path):
    problems = {f"p{number}": [0.5] for number in range(60)}
    found = [Outcome(**vars(likelihood(name, 1, 0.3)) | {"problems": problems}) for name in "AB"]
    assert "every number is 0.5: these numbers are noise" in sentences_of(
        document_of(compare, written(tmp_path, found))
    )
