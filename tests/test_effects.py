"""Main effects of a design: by hand, beside one property at a time, on simulated studies, and on the page."""

import csv
import io
import shutil
from itertools import product

import numpy as np
import pytest
from scipy import stats
from tests.support import answers, designs
from tests.support.scripts import CODE, load_script
from tests.test_contrasts import BITS, PASS
from tests.test_verdicts import manifest

from instruction_data.answer import chance, effects, plain, two_way, verdicts
from instruction_data.answer.chance import Trained
from instruction_data.answer.effects import Draws, Factor
from instruction_data.answer.task import Condition
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.page import effects_figure, figures
from instruction_data.page.effects_figure import Effect

SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
LEVELS = [0.5, 0.4, 0.3, 0.1]  # of the four sets: one factor does -0.25, the other -0.15, their interaction -0.1


def conditions_of(levels, problems=60, seeds=1):
    """Sets on problems that differ in nothing but difficulty."""
    difficulty = np.linspace(0, 1, problems)
    runs = {f"SET{place}": [(difficulty + level)[:, None]] * seeds for place, level in enumerate(levels)}
    return {name: Condition(of, [name] * len(of)) for name, of in runs.items()}


def factors_of(doses, **about):
    named = [f"SET{place}" for place in range(len(doses))]
    return [
        Factor(label, dict(zip(named, column.tolist(), strict=True)), **about)
        for label, column in zip("ABCDE", np.asarray(doses, dtype=float).T, strict=False)
    ]


def estimates(found):
    return [one.row["estimate"] for one in found[0]]


def test_the_effects_of_two_factors_are_those_worked_by_hand():
    found = effects.effects(conditions_of(LEVELS), BITS, factors_of(SQUARE))
    assert estimates(found) == pytest.approx([0.2 - 0.45, 0.25 - 0.4])
    row = found[0][0].row
    assert row["held"] == ["B"]
    assert [one["weight"] for one in row["conditions"]] == pytest.approx([-0.5, -0.5, 0.5, 0.5])
    (interaction,) = found[1]["interactions"]
    assert interaction["terms"] == ["A:B"]
    assert interaction["estimate"] == pytest.approx((0.1 - 0.4) - (0.3 - 0.5))
    assert found[1]["degrees_of_freedom"] == 1
    left = (0.1 - 0.4 - 0.3 + 0.5) / 4  # what each set is off the plane
    assert row["standard_error"] == pytest.approx(np.sqrt(4 * left**2))


def test_effects_are_told_per_standard_deviation_where_the_manifest_says_how_far_the_levels_lie_apart():
    found = effects.effects(conditions_of(LEVELS), BITS, factors_of(SQUARE, low=5.0, high=2.0, scale=2.0))
    assert estimates(found) == pytest.approx([-0.25 / 1.5, -0.15 / 1.5])


def test_seeds_are_averaged_before_sets_are_since_they_repeat_one_draw():
    conditions = conditions_of(LEVELS)
    (run,) = conditions["SET3"].numbers
    conditions["SET3"] = Condition([run - 0.1, run, run + 0.1], ["SET3"] * 3)
    found = effects.effects(conditions, BITS, factors_of(SQUARE))
    assert estimates(found) == pytest.approx([-0.25, -0.15])
    assert found[0][0].row["intervals_over"] == "problems, draws and seeds"
    assert (found[1]["sets"], found[1]["runs"]) == (4, 6)


@pytest.mark.parametrize("missing", [0, 5])
def test_without_one_set_it_is_still_least_squares(missing):
    import statsmodels.api

    doses = np.array(list(product((0, 1), repeat=3)), dtype=float)
    levels = np.random.default_rng(2).normal(0, 0.1, 8)
    conditions = conditions_of(levels)
    del conditions[f"SET{missing}"]
    found = effects.effects(conditions, BITS, factors_of(doses))
    kept = np.delete(np.arange(8), missing)
    expected = statsmodels.api.OLS(levels[kept], np.column_stack([np.ones(7), doses[kept]])).fit()
    assert estimates(found) == pytest.approx(expected.params[1:])
    ends = [(one.row["low"], one.row["high"]) for one in found[0]]
    assert np.array(ends) == pytest.approx(expected.conf_int()[1:])
    assert [one.row["p"] for one in found[0]] == pytest.approx(expected.pvalues[1:])
    assert found[1]["without_outcome"] == [f"SET{missing}"]
    assert found[1]["degrees_of_freedom"] == 3


def test_what_the_sets_do_not_tell_has_no_row_and_is_named():
    doses = np.column_stack([SQUARE, SQUARE[:, 0], np.ones(4)])  # C is A, D is always high
    found = effects.effects(conditions_of(LEVELS), BITS, factors_of(doses))
    assert [one.row["contrast"] for one in found[0]] == ["B"]
    assert found[1]["not_told"] == ["A", "C", "D"]
    assert ["A", "C", "A:D", "C:D"] in found[1]["aliases"]
    assert effects.effects(conditions_of(LEVELS), BITS, factors_of(doses[:, 3:])) is None
    assert effects.effects({"OTHER": conditions_of([1])["SET0"]}, BITS, factors_of(SQUARE)) is None


def test_without_anything_left_over_chance_is_that_of_seeds_alone():
    found = effects.effects(conditions_of(LEVELS[:3], seeds=2), BITS, factors_of(SQUARE))
    assert found[1]["degrees_of_freedom"] == 0
    assert found[0][0].row["intervals_over"] == "problems and seeds"
    assert found[1]["interactions"] == []


def test_sets_that_happen_to_differ_little_are_not_certain_with_few_degrees_of_freedom():
    differences = 1 + np.sqrt(99) * np.tile([1.0, -1.0], 50)  # the chance of problems: a squared error of 1
    found = two_way.tested(differences, -0.9, [(0.2, 2)])
    assert found.standard_error == pytest.approx(np.sqrt(0.2))  # no smaller than the mean square between sets
    assert found.freedom == 2
    assert found.high == pytest.approx(1 + stats.t.ppf(0.975, 2) * np.sqrt(0.2))
    assert two_way.tested(differences, -0.1, [(0.2, 2)]).standard_error == pytest.approx(np.sqrt(0.9))


def test_interactions_that_are_not_there_are_found_once_in_twenty(design):
    generator, alarms = np.random.default_rng(5), []
    for _ in range(30):
        sides = design.trained(generator, design.HALF - 0.5, np.zeros((4, design.PROBLEMS)), 1, 2)
        draws = Draws([f"SET{place}" for place in range(8)], sides, design.HALF.astype(float))
        found = effects.interactions(draws, "ABCD", chance.chance(sides), bounded=False)
        alarms += [row["p"] < 0.05 for row in found]
    assert len(alarms) == 90
    assert np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 90)


def test_aliases_are_those_of_the_textbook():
    full = np.array(list(product((0, 1), repeat=3)), dtype=float)
    even = np.column_stack([full, (full.sum(axis=1) % 2 == 1)])  # D = ABC
    pairs = [group for group in effects.aliases(even) if len(group) > 1]
    assert pairs == [{(0, 1): 1, (2, 3): 1}, {(0, 2): 1, (1, 3): 1}, {(0, 3): 1, (1, 2): 1}]
    odd = np.column_stack([full, (full.sum(axis=1) % 2 == 0)])  # D = -ABC
    assert {(0, 1): 1, (2, 3): -1} in effects.aliases(odd)
    third = np.column_stack([SQUARE, (SQUARE.sum(axis=1) % 2 == 0)])  # C = AB: resolution III
    assert [group for group in effects.aliases(third) if len(group) > 1] == [
        {(0,): 1, (1, 2): 1},
        {(1,): 1, (0, 2): 1},
        {(2,): 1, (0, 1): 1},
    ]


def test_aliased_interactions_are_one_row_and_move_no_main_effect():
    full = np.array(list(product((0, 1), repeat=3)), dtype=float)
    doses = np.column_stack([full, (full.sum(axis=1) % 2 == 0)])  # D = -ABC
    levels = 0.02 * doses[:, 0] + 0.08 * doses[:, 0] * doses[:, 1]
    found, design = effects.effects(conditions_of(levels), BITS, factors_of(doses))
    assert [one.row["estimate"] for one in found] == pytest.approx([0.06, 0.04, 0, 0])
    assert [row["terms"] for row in design["interactions"]] == [["A:B", "-C:D"], ["A:C", "-B:D"], ["A:D", "-B:C"]]
    assert [row["estimate"] for row in design["interactions"]] == pytest.approx([0.08, 0, 0])
    assert design["interactions"][0]["p_corrected"] < 0.001


def test_shares_of_problems_solved_stay_within_what_is_possible():
    solved = {f"SET{n}": Condition([np.full((60, 1), int(n > 1))], [f"SET{n}"]) for n in range(4)}
    found = effects.effects(solved, PASS, factors_of(SQUARE))
    assert estimates(found) == pytest.approx([1, 0])
    assert all(-1 <= one.row["low"] <= one.row["high"] <= 1 for one in found[0])


def test_draws_of_a_design_keep_the_runs_of_each_draw_together():
    side = Trained(np.arange(6.0).reshape(3, 2), ["SET0", "SET0_R2", "SET0"])
    draws = effects.draws_of({"SET0": side, "OTHER": side}, factors_of(SQUARE))
    assert draws.means.tolist() == [[2, 3], [2, 3]]
    assert draws.doses.tolist() == [[0, 0], [0, 0]]
    assert isinstance(draws, Draws)


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    """The benchmark that simulates studies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(CODE.parent / "benchmarks")
        import design

        yield design


@pytest.mark.parametrize("arm", ["designed, 16 sets", "designed, 8 sets × 2 seeds"])
def test_intervals_of_designed_effects_hold_the_truth_whatever_the_correlation(design, arm):
    found = design.simulated(arm, 0.8, 200)
    error = np.sqrt(0.95 * 0.05 / found.held.size / 200)
    assert 0.93 - error <= found.held.mean() <= 0.97 + error
    assert np.abs(found.bias).max() < 0.06
    assert found.power[2:].max() <= 0.1  # properties that do nothing


def test_one_property_at_a_time_takes_the_effects_of_others_for_its_own(design):
    found = design.simulated("one at a time, 2 seeds", 0.8, 60)
    expected = [0.8 * (design.EFFECTS.sum() - one) for one in design.EFFECTS]
    assert found.bias == pytest.approx(expected, abs=0.08)
    assert found.power[2:].min() > 0.8  # it finds what is not there
    assert found.held.mean() < 0.5


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A root with outcomes of RQ2, RQ3 and all designed sets, compared."""
    root = designs.build(tmp_path_factory.mktemp("designed") / "root")
    for question in ("RQ2", "RQ3", "RQ5"):
        designs.plant(root, question)
    answers.page_of(root)
    return root


def primary_of(root):
    return documents.read_derived(root / "Results/comparison.json", "")["primary"]


def test_factors_are_primary_contrasts_beside_what_was_found_one_at_a_time(trained):
    found = primary_of(trained)
    rows = {row["contrast"]: row for row in found["contrasts"] if row["kind"] == "factor"}
    assert list(rows) == list(designs.FACTORS)
    assert found["comparisons"] == 6  # four factors, RQ2 and RQ3, corrected together
    for truth, row in zip(designs.TRUTH, rows.values(), strict=True):
        assert row["low"] <= truth <= row["high"]
        assert (row["verdict"] == verdicts.BEYOND) == (truth != 0)
    diversity, complexity = rows["diversity"]["alone"], rows["complexity"]["alone"]
    assert diversity["apart"] == pytest.approx(2.2)
    assert diversity["estimate"] == pytest.approx(-0.01 - 0.015 * 0.9 / 1.1, abs=0.002)
    assert (diversity["sign"], diversity["size"]) == ("same", "other")
    assert complexity["estimate"] == pytest.approx(-0.015 * 0.9 / 1.1, abs=0.002)  # it is length alone
    assert (complexity["sign"], complexity["size"]) == ("not told", "other")
    assert rows[designs.LENGTH]["alone"] == {"question": "", "missing": "no question varies it alone"}
    assert rows["algorithmic share"]["alone"] == {"question": "RQ4", "missing": "not trained"}


def test_the_sentence_of_a_factor_says_what_was_held_equal_and_whether_both_ways_agree(trained):
    said = {one["contrast"]: one["sentence"] for one in primary_of(trained)["verdicts"] if one["question"] == "RQ5"}
    diversity = said["diversity"]
    assert diversity.startswith(
        "RQ5, pool oss, m, 8 sets, 2 seeds: on 164 problems of humaneval, gold_bpb, diversity, per "
    )
    held = f"per standard deviation, is supported with complexity, {designs.LENGTH} and algorithmic share held equal: "
    assert held in diversity
    assert "varied alone (RQ2, HIGH minus LOW): " in diversity
    assert diversity.endswith("same sign, other size.")
    assert said[designs.LENGTH].endswith("varied alone: no question varies it alone.")
    assert "has no effect larger than" in said["complexity"]


def test_effects_are_in_the_tables(trained):
    rows = list(csv.DictReader(io.StringIO((trained / "Results/effects.csv").read_text())))
    assert [row["factor"] for row in rows[:4]] == list(designs.FACTORS)
    assert [row["factor"] for row in rows[4:]] == [
        f"diversity:complexity = {designs.LENGTH}:algorithmic share",
        f"diversity:{designs.LENGTH} = complexity:algorithmic share",
        f"diversity:algorithmic share = complexity:{designs.LENGTH}",
    ]
    assert (rows[0]["alone_question"], rows[0]["size"], rows[0]["sets"]) == ("RQ2", "other", "8")
    text = (trained / "Results/comparison.md").read_text()
    assert "Aliases, not told apart: diversity:complexity = output length &lt;b&gt;of" in text
    assert "<b>" not in text
    assert "3 degrees of freedom between draws" in text
    pairs = csv.DictReader(io.StringIO((trained / "Results/differences.csv").read_text()))
    assert {row["question"] for row in pairs} == {"RQ2", "RQ3"}
    assert "The sets of a design are compared by their factors, not in pairs." in text


def test_a_set_without_outcome_is_named_and_the_rest_is_fitted(trained, tmp_path):
    root = shutil.copytree(trained, tmp_path / "root")
    for file in root.glob(f"Results/*/*/{designs.SETS[2]}*"):
        file.unlink()
    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    (found,) = primary_of(root)["designs"]
    assert (found["sets"], found["without_outcome"], found["degrees_of_freedom"]) == (7, [designs.SETS[2]], 2)
    assert f"Without outcome: {designs.SETS[2]}" in (root / "Results/comparison.md").read_text().replace("\\", "")


def test_a_dose_of_a_factor_is_low_or_high(tmp_path):
    doses = {"RQ5_OSS_SET01": 0.0, "RQ5_OSS_SET02": 0.5}
    contrast = {"label": "length", "kind": "factor", "doses": doses}
    manifest(tmp_path, "RQ5_OSS", doses, question="RQ5", contrasts=[contrast])
    with pytest.raises(InputError, match=r"\(contrasts\)"):
        load_script("evaluation/compare.py").declarations(tmp_path)


def judged(found, task="first"):
    """Return the rows of a design as a comparison has them."""
    about = {"question": "RQ5", "pool": "oss", "model": "m", "recipe": "", "seeds": [1, 2], "harness": "x"}
    about |= {"metric": BITS, "task": task, "alone": {"question": "", "missing": "no question"}}
    rows = [about | one.row for one in found[0]]
    verdicts.correct(rows)
    return rows


def test_a_main_effect_that_may_be_an_interaction_is_not_told():
    """Only C:D does anything; without the sets where A is low, that looks like an effect of B."""
    full = np.array(list(product((0, 1), repeat=3)), dtype=float)
    doses = np.column_stack([full, full.sum(axis=1) % 2])  # D = ABC
    coded = 2 * doses - 1
    conditions = conditions_of(0.05 * coded[:, 2] * coded[:, 3], seeds=2)
    for place in np.flatnonzero(doses[:, 0] == 0):
        del conditions[f"SET{place}"]
    rows = {row["contrast"]: row for row in judged(effects.effects(conditions, BITS, factors_of(doses)))}
    assert rows["B"]["estimate"] == pytest.approx(0.1) and rows["B"]["p_corrected"] < 0.001
    assert rows["B"]["aliases"] == ["A:B", "C:D"]
    assert {row["verdict"] for row in rows.values()} == {verdicts.CANNOT}
    assert rows["B"]["held"] == ["C", "D"]  # nothing is known of A
    (said,) = [one["sentence"] for one in verdicts.verdicts([rows["B"]])]
    assert "do not tell it from the interactions A:B and C:D; it would take the others, too." in said
    assert plain.said(verdicts.CANNOT, [rows["B"]], "low", "high")[1].startswith("The sets that have outcomes do not")


def test_an_interaction_that_several_main_effects_explain_together_is_named_too():
    """With as many sets as coefficients each interaction is a sum of main effects, though it equals none of them."""
    doses = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)  # A:B is A + B - C, or its like
    levels = np.array([0.1, -0.1, -0.1, 0.1])  # an interaction of A and B, and nothing else
    rows = judged(effects.effects(conditions_of(levels, seeds=2), BITS, factors_of(doses)))
    assert [row["estimate"] for row in rows] == pytest.approx([0.2, 0.2, -0.4])
    assert all("A:B" in row["aliases"] and row["verdict"] == verdicts.CANNOT for row in rows)


def test_several_scores_of_a_factor_are_one_verdict():
    found = effects.effects(conditions_of(LEVELS + LEVELS), BITS, factors_of(np.vstack([SQUARE, SQUARE])))
    rows = [*judged(found), *judged(found, "second")]
    assert verdicts.correct(rows) == 4
    assert [row["aliases"] for row in rows] == [[]] * 4
    first, _ = verdicts.verdicts(rows)
    assert first["kind"] == verdicts.BEYOND
    assert ", A, from low to high, is supported with B held equal: " in first["sentence"]
    assert "; on second, supported with the same held equal: " in first["sentence"]


def test_the_page_shows_both_columns(trained):
    text = (trained / "report.html").read_text()
    first = text.split('id="answer"')[1].split('id="short"')[0]
    assert "all properties at once · pool oss" in first
    assert "one at a time" in first and ">designed</text>" in first
    assert "no question varies" in first
    assert "output length &lt;b&gt;of" in first and "length <b>of" not in first
    assert "diversity: The higher the diversity, the better." in first
    assert "per standard deviation better: the same direction, but another size." in first
    drawn = (trained / "figures/effects-1.svg").read_text()
    assert "% per standard deviation; right is better" in drawn


def marks(axes):
    """The marks of a column: shape, place, and whether it is filled."""
    drawn = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    return [(line.get_marker(), float(line.get_xdata()[0]), line.get_color() != figures.PAPER) for line in drawn]


def test_a_mark_is_filled_where_its_interval_leaves_out_zero_and_long_bars_end_in_arrows():
    rows = {
        "length " * 9: (Effect(3.0, None), Effect(1.0, (0.5, 1.5))),
        "<b>x</b>": ("not trained", Effect(0.2, (-90.0, 90.0))),
    }
    figure = effects_figure.effects(rows, "% per standard deviation; right is better")
    alone, designed = figure.axes
    low, high = alone.get_xlim()
    assert marks(alone) == [("o", 3.0, False)]  # of one training nothing is known
    assert marks(designed) == [("o", 1.0, True), ("<", low, True), (">", high, True), ("o", 0.2, False)]
    assert designed.get_xlim() == (low, high) and low < 0 < 3 < high < 90
    low, high = effects_figure.limits([Effect(0.1, (-1.0, 1.2)), Effect(-0.1, (-1.4, 1.2))])
    assert low < -1.4 and high > 1.2
    svg = figures.encoded(figure, "svg", "x").decode()
    assert "not trained" in svg and "&lt;b&gt;x&lt;/b&gt;" in svg
