"""Primary contrasts, components and verdicts, on simulated studies whose truth is known."""

import itertools
from math import sqrt

import numpy as np
import pytest
from tests.support.studies import true_rate

from instruction_data.answer import chance, contrasts, verdicts
from instruction_data.answer.chance import Trained
from instruction_data.answer.contrasts import Declared
from instruction_data.answer.task import Condition, sample_variance

STUDIES = 400
BITS = {"name": "gold_bpb", "unit": "bits per byte", "kind": "likelihood", "higher_is_better": False}
TWINS = {"name": "pairs", "unit": "share of twins", "kind": "probability", "higher_is_better": True}
PASS = {"name": "pass@1", "unit": "share of problems", "kind": "pass", "higher_is_better": True}


def study(
    generator, doses, *, effect=0.0, length=0.0, problems=164, seeds=2, draws=3, seed=0.004, draw=0.004, crossed=0.02
):
    """Numbers on an unbounded scale: condition -> ``[runs, problems]`` and the draws of the runs.

    Each split was drawn once; it has random and matched controls of several draws. ``effect`` moves splits per dose,
    ``length`` splits and their matched controls; ``crossed`` is the size of what differs from problem to problem.
    """
    difficulty, found = generator.gamma(4, 0.16, problems), {}
    for (name, dose), kind in itertools.product(doses.items(), ("", "_RANDOM", "_MATCHED")):
        level = (effect * dose if kind == "" else 0.0) + (length * dose if kind != "_RANDOM" else 0.0)
        count = draws if kind else 1
        shape = (count, seeds, problems)
        values = difficulty + level + generator.normal(0, 1.5 * crossed, problems)
        values = values + generator.normal(0, draw, (count, 1, 1)) + generator.normal(0, crossed, (count, 1, problems))
        values = values + generator.normal(0, seed, (count, seeds, 1)) + generator.normal(0, 1.5 * crossed, shape)
        names = [f"{name}{kind}" + (f"_R{number + 1}" if number else "") for number in range(count)]
        found[f"{name}{kind}"] = values.reshape(-1, problems), np.repeat(names, seeds).tolist()
    return found


def declared(doses, kind):
    controls = {of: {name: f"{name}_{of.upper()}" for name in doses} for of in ("random", "matched")}
    return Declared("a contrast", kind, doses, controls, ["length", "language", "category"])


def analysed(found, doses, kind, metric):
    conditions = {name: Condition([run[:, None] for run in values], draws) for name, (values, draws) in found.items()}
    return contrasts.contrast(conditions, metric, declared(doses, kind))


def bounded_study(generator, doses, *, base=-1.0, effect=0.4, length=0.3, chance=0.15, samples=1, problems=164):
    """The same for shares: logits, and samples that pass; two seeds, three draws of each control."""
    difficulty, found = generator.normal(base, 2, problems), {}
    for (name, dose), kind in itertools.product(doses.items(), ("", "_RANDOM", "_MATCHED")):
        level = (effect * dose if kind == "" else 0.0) + (length * dose if kind != "_RANDOM" else 0.0)
        count = 3 if kind else 1
        logits = difficulty + level + generator.normal(0, 0.5, problems) + generator.normal(0, chance, (count, 1, 1))
        logits = logits + generator.normal(0, chance, (count, 2, 1)) + generator.normal(0, 0.3, (count, 1, problems))
        rates = generator.binomial(samples, 1 / (1 + np.exp(-logits))) / samples
        names = [f"{name}{kind}" + (f"_R{number + 1}" if number else "") for number in range(count)]
        found[f"{name}{kind}"] = rates.reshape(-1, problems), np.repeat(names, 2).tolist()
    return found


ENDS = {"LOW": 0.0, "HIGH": 1.0}
SLOPE = {f"ALG_{share}": share / 100 for share in (0, 25, 50, 75, 100)}
DESIGNS = {
    "ends": (ENDS, "ends", {}),
    "ends, no draws, no seeds": (ENDS, "ends", {"draw": 0.0, "seed": 0.0}),
    "ends, large draws": (ENDS, "ends", {"draw": 0.02}),
    "slope": (SLOPE, "trend", {}),
    "slope, large draws": (SLOPE, "trend", {"draw": 0.02}),
}


def coverage(held):
    """Assert that intervals hold the truth 93 to 97 % of the time, give or take what this many studies can tell."""
    found, error = np.mean(held, axis=0), sqrt(0.95 * 0.05 / len(held))
    assert np.all((found >= 0.93 - error) & (found <= 0.97 + error)), found


@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_of_unbounded_numbers_hold_the_truth_95_percent_of_the_time(design):
    doses, kind, settings = DESIGNS[design]
    generator, held = np.random.default_rng(21), []
    for _ in range(STUDIES):
        found = analysed(study(generator, doses, effect=-0.01, length=-0.02, **settings), doses, kind, BITS)
        of_matched = found["matched"]
        held.append((found["low"] <= -0.03 <= found["high"], of_matched["low"] <= -0.01 <= of_matched["high"]))
    coverage(held)


BOUNDED = {
    "pass, ends": (ENDS, "ends", {}),
    "pass, ends, large chance": (ENDS, "ends", {"chance": 0.4}),
    "pass, ends, weak models": (ENDS, "ends", {"base": -4.0}),
    "pass, slope": (SLOPE, "trend", {}),
    "pass, slope, large chance": (SLOPE, "trend", {"chance": 0.4}),
    "probability, ends": (ENDS, "ends", {"base": 3.0, "samples": 4}),
    "probability, slope": (SLOPE, "trend", {"base": 3.0, "samples": 4}),
}


@pytest.mark.parametrize("design", BOUNDED)
def test_intervals_of_shares_hold_the_truth_95_percent_of_the_time(design):
    doses, kind, settings = BOUNDED[design]
    base, spread = settings.get("base", -1.0), sqrt(0.09 + 2 * settings.get("chance", 0.15) ** 2)
    own, matched = ([true_rate(base, effect * dose, spread) for dose in doses.values()] for effect in (0.4 + 0.3, 0.3))
    weight = contrasts.weights(kind, list(doses.values()), [1] * len(doses))
    truth, left = float(weight @ own), float(weight @ np.subtract(own, matched))
    generator, held = np.random.default_rng(5), []
    for _ in range(STUDIES):
        metric = TWINS if "samples" in settings else PASS
        found = analysed(bounded_study(generator, doses, **settings), doses, kind, metric)
        of_matched = found["matched"]
        held.append((found["low"] <= truth <= found["high"], of_matched["low"] <= left <= of_matched["high"]))
    coverage(held)


def test_without_effects_one_study_in_twenty_has_a_supported_contrast_at_most():
    generator, alarms, studies = np.random.default_rng(8), 0, 150
    for _ in range(studies):
        rows = [
            analysed(study(generator, ENDS), ENDS, "ends", BITS),
            analysed(study(generator, SLOPE), SLOPE, "trend", BITS),
            analysed(bounded_study(generator, ENDS, effect=0, length=0), ENDS, "ends", PASS),
            analysed(bounded_study(generator, SLOPE, effect=0, length=0), SLOPE, "trend", PASS),
        ]
        assert verdicts.correct(rows) == 4
        alarms += any(row["verdict"] in verdicts.SUPPORTED for row in rows)
    assert alarms / studies <= 0.05 + 2 * sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize(("crossed", "draw"), [(0.02, 0.004), (0.01, 0.01)])
def test_two_draws_make_no_more_false_alarms(crossed, draw):
    """As the study trains them: two draws of each random control, one of each matched one; draws differ most."""
    generator, p = np.random.default_rng(3), []
    for _ in range(1500):
        found = study(generator, ENDS, seed=draw / 2, draw=draw, crossed=crossed, draws=2)
        sides = {
            name: Trained(values[:2], draws[:2]) if name.endswith("MATCHED") else Trained(values, draws)
            for name, (values, draws) in found.items()
        }
        of = chance.chance(list(sides.values()))
        p.append(contrasts.test([1.0, -1.0], [sides["HIGH"], sides["LOW"]], of, False).p)
    assert 0.02 < np.mean(np.less(p, 0.05)) < 0.065
    assert np.mean(np.less(p, 0.0125)) < 0.02  # one of four contrasts, corrected


@pytest.mark.parametrize("effect", [0.0, 0.002, 0.004])
def test_the_bound_of_no_larger_effect_holds(effect):
    generator, wrong, said = np.random.default_rng(12), 0, 0
    for _ in range(STUDIES):
        row = analysed(
            study(generator, ENDS, effect=effect, seed=0.0005, draw=0.0005, crossed=0.005), ENDS, "ends", BITS
        )
        verdicts.correct([row])
        said += row["verdict"] == verdicts.NO_LARGER
        wrong += row["verdict"] == verdicts.NO_LARGER and verdicts.bound(row) < effect
    assert said > 0
    assert wrong / STUDIES <= 0.05 + 2 * sqrt(0.05 * 0.95 / STUDIES)


def test_variance_components_are_recovered():
    generator, found = np.random.default_rng(30), []
    for _ in range(200):
        made = study(generator, ENDS, draws=6, seeds=3, seed=0.006, draw=0.008)
        found.append(chance.components([Trained(*one) for one in made.values()]))
    truth = {"problem": 4 * 0.16**2, "condition × problem": 0.03**2, "draw": 0.008**2, "draw × problem": 0.02**2}
    truth |= {"seed": 0.006**2, "seed × problem": 0.03**2}
    for name, variance in truth.items():
        assert np.mean([one[name] for one in found]) == pytest.approx(variance, rel=0.1), name


def test_samples_are_told_from_what_seeds_do_to_single_problems():
    generator, found = np.random.default_rng(31), []
    for _ in range(200):
        cells = generator.normal(0.5, 0.03, (4, 60, 1)) + generator.normal(0, 0.05, (4, 60, 8))
        one = Condition(list(cells), ["A"] * 4)
        found.append(chance.components([Trained(one.by_run(BITS), one.draws)], sample_variance([one]), 8))
    assert np.mean([one["sample"] for one in found]) == pytest.approx(0.05**2, rel=0.1)
    assert np.mean([one["seed × problem"] for one in found]) == pytest.approx(0.03**2, rel=0.1)
    assert found[0]["draw"] is None


def test_what_to_buy_next_is_what_helps_most_for_its_time():
    made = chance.Design(draws=0.3, seeds=0.1, by_draws=0.2, by_seeds=0.1, by_itself=0.3)
    gains = {what: made.variance() - made.variance(**{what: 2}) for what in ("problems", "draws", "seeds")}
    assert gains == pytest.approx({"problems": 0.3, "draws": 0.35, "seeds": 0.1})
    assert made.next_purchase(contrasts.COSTS) == "problems"
    assert made.next_purchase(contrasts.COSTS | {"problems": 1.0}) == "draws"


def test_twice_as_many_draws_make_the_standard_error_that_is_told():
    generator, draws, problems = np.random.default_rng(32), [], []
    for _ in range(200):
        told = analysed(study(generator, ENDS, draw=0.02), ENDS, "ends", BITS)["chance"]
        assert told["next"] == "draws"
        draws.append(told["standard_error_with_twice_as_many"]["draws"] ** 2)
        problems.append(told["standard_error_with_twice_as_many"]["problems"] ** 2)
    of_runs, crossed = 2 * 0.02**2 + 0.004**2, (2 * 0.02**2 + 0.03**2) / 164
    assert np.mean(draws) == pytest.approx(of_runs / 2 + crossed / 2 + 2 * 0.03**2 / 164, rel=0.1)
    assert np.mean(problems) == pytest.approx(of_runs + crossed / 2 + 0.03**2 / 164, rel=0.1)


def test_a_slope_is_that_of_least_squares_with_every_draw_a_point():
    doses, draws = [0.0, 0.25, 1.0], [1, 3, 2]
    x = np.repeat(doses, draws)
    y = np.random.default_rng(0).normal(size=6)
    means = [part.mean() for part in np.split(y, np.cumsum(draws)[:-1])]
    assert contrasts.weights("trend", doses, draws) @ means == pytest.approx(np.polyfit(x, y, 1)[0])
    assert contrasts.weights("ends", [0.0, 1.0, 0.5], [1, 1, 1]).tolist() == [-1, 1, 0]
    assert contrasts.weights("ends", [0.0, 0.5], [1, 1]) is None
    assert contrasts.weights("trend", [0.5, 0.5], [1, 1]) is None


def test_random_draws_look_different_as_often_as_they_should_and_far_more_over_problems_alone():
    generator, floors = np.random.default_rng(14), []
    for _ in range(100):
        floors.append(analysed(study(generator, ENDS, draw=0.01), ENDS, "ends", BITS)["floor"])
    assert np.mean([one["false_alarms"] for one in floors]) <= 0.07
    assert np.mean([one["false_alarms_over_problems_alone"] for one in floors]) >= 0.3
    assert np.mean([one["deviation"] ** 2 for one in floors]) == pytest.approx(0.01**2 + 0.004**2, rel=0.25)


def gained(doses, kind, left=("", "_RANDOM", "_MATCHED"), untrained=0.02, **truth):
    """The contrast of a study without chance from problem to problem, beside an untrained model."""
    made = study(np.random.default_rng(3), doses, **{"seed": 0.0, "draw": 0.0, "crossed": 0.0} | truth)
    found = {name: made[name] for name in (f"{one}{kind}" for one in doses for kind in left)}
    conditions = {name: Condition([run[:, None] for run in values], draws) for name, (values, draws) in found.items()}
    if untrained is not None:
        base = made[f"{next(iter(doses))}_RANDOM"][0][0] + untrained
        conditions["BASE"] = Condition([base[:, None]], ["BASE"])
    one = declared(doses, kind)
    return contrasts.contrast(conditions, BITS, Declared(one.label, kind, doses, one.controls, [], "BASE"))


@pytest.mark.parametrize(("doses", "kind"), [(ENDS, "ends"), (SLOPE, "trend")])
def test_the_ends_are_gains_over_the_untrained_model(doses, kind):
    row = gained(doses, kind, effect=-0.02, length=-0.01)
    found = row["gains"]
    assert found["over"] == "untrained"
    expected = {"splits": (-0.02, -0.05), "matched": (-0.02, -0.03)}
    for of, (low, high) in expected.items():
        assert found[of]["low"]["estimate"] == pytest.approx(low, abs=1e-9)
        assert found[of]["high"]["estimate"] == pytest.approx(high, abs=1e-9)
    assert found["random"] == pytest.approx(-0.02)
    ends = [found["splits"][end]["estimate"] for end in ("low", "high")]
    assert ends[1] - ends[0] == pytest.approx(row["estimate"] * row["span"])


@pytest.mark.parametrize(
    ("left", "over", "low"), [(("", "_RANDOM"), "random", 0.0), (("",), "ends", 0.01)], ids=["random", "ends"]
)
def test_without_an_untrained_model_the_zero_line_is_another(left, over, low):
    found = gained(ENDS, "ends", left, None, effect=-0.02)["gains"]
    assert (found["over"], found["matched"]) == (over, None)
    assert found["splits"]["low"]["estimate"] == pytest.approx(low, abs=1e-9)
    assert found["splits"]["high"]["estimate"] == pytest.approx(low - 0.02, abs=1e-9)
    assert (found["random"] is None) == (over == "ends")


def test_intervals_of_gains_hold_the_truth_95_percent_of_the_time():
    generator, held = np.random.default_rng(17), []
    for _ in range(STUDIES):
        difficulty = generator.gamma(4, 0.16, 164)
        conditions = {"BASE": Condition([difficulty[:, None]], ["BASE"])}
        for name in ENDS:
            split = difficulty - 0.02 + generator.normal(0, 0.03, 164)
            runs = [(split + generator.normal(0, 0.004) + generator.normal(0, 0.03, 164))[:, None] for _ in range(3)]
            conditions[name] = Condition(runs, [name] * 3)
        found = contrasts.contrast(conditions, BITS, Declared("x", "ends", ENDS, {}, [], "BASE"))["gains"]["splits"]
        held.append([found[end]["low"] <= -0.02 <= found[end]["high"] for end in ("low", "high")])
    coverage(held)
