"""Statistics: against cases worked by hand and textbooks, and on simulated studies of which the truth is known."""

import itertools
from math import comb, sqrt

import numpy as np
import pytest
from scipy import stats
from tests.support.studies import first, simulated, true_rate

from instruction_data.answer import passing, two_way, units

# Shares of problems solved, by hand


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


# Shares of problems solved, on simulated studies


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


# Units


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        *[("pass", 0.0312, "+3.1"), ("pass", -0.0001, "0.0"), ("pass", 0.0, "0.0")],
        *[("likelihood", -0.01234, "-0.0123"), ("likelihood", -0.0, "0"), ("likelihood", 1e-9, "+1e-09")],
    ],
)
def test_a_difference_is_shown_with_its_sign_and_none_as_nothing(kind, value, expected):
    assert units.signed({"kind": kind}, value) == expected


def test_names_with_numbers_are_in_the_order_of_the_numbers():
    assert sorted(["A_25", "A_5", "B", "A"], key=units.natural) == ["A", "A_5", "A_25", "B"]


@pytest.mark.parametrize(("value", "told"), [(0.0145, "2.9"), (0.02, "4.0"), (0.0002, "0.04"), (0.25, "50"), (0, "0")])
def test_percent_of_the_mean_has_the_digits_that_belong_together(value, told):
    assert units.in_readers_unit({"kind": "likelihood"}, value, 0.5) == told
