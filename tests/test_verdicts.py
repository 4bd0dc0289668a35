"""Verdicts: planted outcomes with known truth, through the script that compares."""

import numpy as np
import orjson
import pytest
from tests.support.scripts import load_script
from tests.test_contrasts import BITS, ENDS, PASS, SLOPE, TWINS, study
from tests.test_controls import make_set, planted

from instruction_data.answer import recipes, verdicts
from instruction_data.files import documents
from instruction_data.outcomes import outcomes, self_test
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.publish.question import Ends, Question
from instruction_data.runs import runs
from instruction_data.runs.runs import Run

NAMES = {"LOW": "RQ2_OSS_DIVERSITY_LOW", "HIGH": "RQ2_OSS_DIVERSITY_HIGH"}


@pytest.fixture(scope="module")
def compare():
    return load_script("evaluation/compare.py")


def manifest(root, stem, splits, *, question="RQ2", contrasts=(), settings=None):
    """Write the manifest of a set, as far as a comparison reads it."""
    folder = f"Datas/{question}/OSS"
    entries = {
        name: {"file": f"{folder}/{name}.json", "sha256": "0", "records": 9, "sources": {"oss": 9}, "summary": {}}
        for name in splits
    }
    document = {"format": 2, "question": question, "about": Question(question).about, "pool": "oss", "command": "x"}
    document |= {"pools": {}, "inputs": {}, "settings": settings or {}, "models": {}, "splits": entries, "files": {}}
    place = root / folder / f"{stem}_manifest.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(orjson.dumps(document | {"contrasts": list(contrasts)}))


def declare(root, doses, kind, question="RQ2", controls=("random", "matched"), label="HIGH minus LOW"):
    contrast = {"label": label, "kind": kind, "doses": doses}
    manifest(root, f"{question}_OSS", doses, question=question, contrasts=[contrast])
    for split in doses:
        for control in controls:
            stem = f"{split}_{control.upper()}"
            settings = {"control": control, "split": split}
            settings |= {"matched_on": {"oss": ["length", "language"]}} if control == "matched" else {}
            splits = [stem, f"{stem}_R2", f"{stem}_R3"]
            manifest(root, stem, splits, question=question, settings=settings)


def plant(root, found, metric, names=NAMES, question="RQ2", harness="bits", recipe="", ending=""):
    """Write an outcome of every run; ``found`` is a study."""
    for short, (values, draws) in found.items():
        split = next(short.replace(one, name, 1) for one, name in names.items() if short.startswith(one))
        for number, (row, draw) in enumerate(zip(values, draws, strict=True)):
            seed = draws[:number].count(draw) + 1
            drawn = draw.replace(short, split) + ending
            about = {"question": question, "pool": "oss", "split": drawn, "condition": split + ending}
            about |= {"run": runs.name(drawn, "m", seed, recipe), "model": "m", "seed": seed}
            about |= {"harness": harness, "task": "humaneval", "reported": {}, "versions": {}}
            about |= {"settings": {"recipe": recipe * 9} if recipe else {}}
            problems = {f"P/{place}": np.atleast_1d(one).tolist() for place, one in enumerate(row)}
            outcomes.write(root, Outcome(**about, problems=problems, files={}, metric=Metric(**metric)))
    return root


def answer(compare, root):
    assert compare.main(["--root", str(root)]) == 0
    return documents.read_derived(root / "Results/comparison.json", "compare.py")["primary"]


MARGIN = {"name": "pairs_margin", "unit": "bits", "kind": "margin", "higher_is_better": True}
QUIET = {"seed": 0.001, "draw": 0.001, "crossed": 0.004}
PLANTED = {  # what was planted in bits per byte -> the verdict
    verdicts.NO_LARGER: {"seed": 0.0005, "draw": 0.0005},
    verdicts.BEYOND: {"effect": -0.02},
    verdicts.GOES_WITH: {"length": -0.03},
    verdicts.CANNOT: {"seed": 0.02, "draw": 0.02},
}
SAID = {
    verdicts.NO_LARGER: "HIGH minus LOW has no effect larger than 0.",
    verdicts.BEYOND: "HIGH minus LOW is supported, beyond length and language: ",
    verdicts.GOES_WITH: "HIGH minus LOW is supported, but it goes with length and language, not told apart from them",
    verdicts.CANNOT: "HIGH minus LOW cannot be told by this design: it misses one effect in five of ",
}


@pytest.mark.parametrize("expected", PLANTED)
def test_a_planted_truth_gets_its_verdict(compare, tmp_path, expected, capsys):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    found = answer(compare, plant(tmp_path, study(np.random.default_rng(4), ENDS, **QUIET | PLANTED[expected]), BITS))
    (verdict,), (row,) = found["verdicts"], found["contrasts"]
    assert verdict["kind"] == row["verdict"] == expected
    assert SAID[expected] in verdict["sentence"]
    assert verdict["sentence"].startswith("RQ2, pool oss, m, 2 seeds: on 164 problems of humaneval, gold_bpb, ")
    assert "% of bits per byte" in verdict["sentence"]
    assert row["floor"]["pairs"] == 6
    assert row["intervals_over"] == "problems, draws and seeds"
    assert verdict["sentence"] in capsys.readouterr().out
    page = (tmp_path / "Results/comparison.md").read_text()
    assert page.index("## The answer") < page.index(verdict["sentence"][:40]) < page.index("## RQ2")


@pytest.mark.parametrize(
    ("model", "recipe", "wrong", "expected"),
    [
        ("m", "", "NO", verdicts.CANNOT),
        ("m", "", "yes", verdicts.BEYOND),
        ("other", "", "NO", verdicts.BEYOND),
        ("m", "other", "NO", verdicts.BEYOND),
    ],
)
def test_a_loop_that_failed_its_self_test_gives_no_verdict(
    compare, tmp_path, monkeypatch, model, recipe, wrong, expected
):
    root, tested = tmp_path / "study", tmp_path / "self-test"
    declare(root, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    plant(root, study(np.random.default_rng(4), ENDS, **QUIET | PLANTED[verdicts.BEYOND]), BITS)
    about = {"question": "RQ0", "pool": "oss", "split": "A", "condition": "A", "run": "A", "model": model, "seed": 1}
    about |= {"harness": "bits", "task": "t", "settings": {"recipe": recipe}, "problems": {"p": [1.0]}}
    outcomes.write(tested, Outcome(**about, reported={}, versions={}, files={}, metric=Metric(**BITS)))
    row = {"plant": "PROSE", "metric": "gold_bpb", "expected": "worse", "found": "better", "as expected": wrong}
    self_test.write(tested, [row], "# a table")
    monkeypatch.setattr(self_test, "ROOT", tested)
    (verdict,) = answer(compare, root)["verdicts"]
    assert verdict["kind"] == expected
    said = "cannot be told: model and recipe failed their self-test (PROSE, gold_bpb: better instead of worse)"
    assert (said in verdict["sentence"]) == (expected == verdicts.CANNOT)
    pairs = documents.read_derived(root / "Results/comparison.json", "compare.py")["questions"][0]["groups"][0]
    assert any(one["supported"] for one in pairs["tasks"][0]["differences"]) == (expected == verdicts.BEYOND)
    said = "Model and recipe failed their self-test (PROSE, gold_bpb: better instead of worse), so no difference is "
    assert (pairs["sentences"] == [f"{said}judged."]) == (expected == verdicts.CANNOT)


def test_plants_get_verdicts_whatever_an_earlier_self_test_found(compare):
    declared = compare.Declarations(failed={("m", ""): "found"})
    about = {"model": "m", "recipe": "lora"}
    assert compare.failure("RQ2", about, declared, {"": "lora"}) == "found"
    assert compare.failure("RQ0", about, declared, {"": "lora"}) == ""
    assert compare.failure("RQ2", about | {"model": "n"}, declared, {"": "lora"}) == ""


def test_metrics_that_disagree_are_both_said_and_none_is_the_headline(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    worse = study(np.random.default_rng(4), ENDS, effect=0.02, **QUIET)
    plant(tmp_path, worse, BITS)
    plant(tmp_path, {name: (np.clip(values / 2, 0, 1), of) for name, (values, of) in worse.items()}, TWINS)
    found = answer(compare, tmp_path)
    (verdict,) = found["verdicts"]
    assert found["comparisons"] == 2
    assert verdict["kind"] == verdicts.DISAGREE
    assert (
        "the metrics disagree, none is the headline: on 164 problems of humaneval, gold_bpb, HIGH"
        in verdict["sentence"]
    )
    assert "% of bits per byte worse" in verdict["sentence"]
    assert "points of pairs better" in verdict["sentence"]


def test_a_metric_of_which_nothing_is_said_to_matter_hides_no_design_that_cannot_tell(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    noisy = study(np.random.default_rng(4), ENDS, **QUIET | PLANTED[verdicts.CANNOT])
    plant(tmp_path, noisy, BITS)
    plant(tmp_path, noisy, MARGIN, harness="twins")
    found = answer(compare, tmp_path)
    kinds = {row["metric"]["name"]: row["verdict"] for row in found["contrasts"]}
    assert kinds == {"gold_bpb": verdicts.CANNOT, "pairs_margin": verdicts.NO_LARGER}
    assert found["verdicts"][0]["kind"] == verdicts.CANNOT


def test_a_slope_is_one_test_over_all_its_splits_and_is_told_between_its_ends(compare, tmp_path):
    doses = {names_of(name): 50 * dose for name, dose in SLOPE.items()}
    declare(tmp_path, doses, "trend", "RQ4", label="algorithmic share")
    made = study(np.random.default_rng(4), SLOPE, effect=-0.02, **QUIET)
    renamed = {names_of(key): (values, [names_of(draw) for draw in of]) for key, (values, of) in made.items()}
    plant(tmp_path, renamed, BITS, {"RQ4": "RQ4"}, "RQ4")
    found = answer(compare, tmp_path)
    (row,) = found["contrasts"]
    assert found["comparisons"] == 1
    assert len(row["conditions"]) == 5
    assert (row["span"], row["verdict"]) == (50, verdicts.BEYOND)
    assert row["low"] <= -0.02 / 50 <= row["high"] < 0
    said = found["verdicts"][0]["sentence"]
    assert "the slope over algorithmic share, from 0 to 50, is supported, beyond length and language: " in said
    assert f"{-row['estimate'] * 50 / row['level']:.1%}".replace("%", " % of bits per byte better (95 %") in said


def names_of(name):
    return f"RQ4_OSS_{name}"


@pytest.mark.parametrize(
    ("left", "seeds", "expected"),
    [
        (
            ("", "_RANDOM"),
            2,
            "without scored matched controls, it is not told apart from length, language and category",
        ),
        (("",), 1, "with one run a split, nothing is known of what another seed would give; it would take two seeds"),
    ],
)
def test_what_was_not_trained_is_not_claimed(compare, tmp_path, left, seeds, expected):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    made = study(np.random.default_rng(4), ENDS, effect=-0.05, seeds=seeds, **QUIET)
    kept = {name: one for name, one in made.items() if name in {end + kind for end in ENDS for kind in left}}
    assert expected in answer(compare, plant(tmp_path, kept, BITS))["verdicts"][0]["sentence"]


def test_models_that_solve_nothing_get_no_verdict_and_are_not_corrected_for(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    made = study(np.random.default_rng(4), ENDS, effect=-0.02, **QUIET)
    plant(tmp_path, {name: (np.zeros_like(values), of) for name, (values, of) in made.items()}, PASS)
    plant(tmp_path, made, BITS)
    found = answer(compare, tmp_path)
    assert found["comparisons"] == 1
    assert found["verdicts"][0]["kind"] == verdicts.BEYOND
    assert found["verdicts"][0]["sentence"].endswith("; on humaneval, this design cannot tell.")


def test_scores_of_all_harnesses_are_one_answer(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    worse = study(np.random.default_rng(4), ENDS, effect=0.02, **QUIET)
    plant(tmp_path, worse, BITS)
    shares = {name: (np.clip(values / 2, 0, 1), of) for name, (values, of) in worse.items()}
    plant(tmp_path, shares, TWINS, harness="twins")
    found = answer(compare, tmp_path)
    (verdict,) = found["verdicts"]
    assert verdict["kind"] == verdicts.DISAGREE
    assert (sorted(verdict["rows"]), verdict["headline"]) == ([0, 1], 2)
    assert {row["harness"] for row in found["contrasts"]} == {"bits", "twins"}


def test_the_headline_comes_first_among_a_verdicts_rows(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    made = study(np.random.default_rng(4), ENDS, effect=-0.02, **QUIET)
    plant(tmp_path, {name: (np.zeros_like(values), of) for name, (values, of) in made.items()}, PASS)
    plant(tmp_path, made, BITS)
    found = answer(compare, tmp_path)
    (verdict,) = found["verdicts"]
    told = [found["contrasts"][place]["metric"]["name"] for place in verdict["rows"]]
    assert (told, verdict["headline"]) == (["gold_bpb", "pass@1"], 1)


@pytest.mark.parametrize("missing", ["manifest", "end"])
def test_nothing_is_primary_that_was_not_declared_or_not_scored(compare, tmp_path, missing):
    if missing == "end":
        declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    made = study(np.random.default_rng(4), ENDS, **QUIET)
    del made["LOW"]
    found = answer(compare, plant(tmp_path, made, BITS))
    assert (found["comparisons"], found["contrasts"], found["verdicts"]) == (0, [], [])
    assert "## The answer" not in (tmp_path / "Results/comparison.md").read_text()


def test_names_that_mean_something_to_markdown_mean_nothing_there(compare, tmp_path):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends", label="<b>HIGH</b> | `low`")
    answer(compare, plant(tmp_path, study(np.random.default_rng(4), ENDS, **QUIET), BITS))
    page = (tmp_path / "Results/comparison.md").read_text()
    assert "<b>" not in page
    assert "\\| \\`low" in page


def test_contrast_and_controls_are_those_that_the_scripts_publish(compare, tmp_path, write_pool):
    write_pool(list(planted(120)))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    members = {"LOW": np.arange(0, 40), "HIGH": np.arange(60, 100)}
    make_set(tmp_path, members, Question("RQ2", varies=("similarity",), contrast=Ends("LOW", "HIGH")))
    controls = load_script("derive/control_splits.py")
    assert controls.main(["--root", str(tmp_path), "--question", "RQ2", "--repeats", "3"]) == 0
    (declared,) = compare.declarations(tmp_path).contrasts["RQ2", "mine"]
    assert (declared.label, declared.kind) == ("HIGH minus LOW", "ends")
    assert declared.doses == {"RQ2_MINE_LOW": 0.0, "RQ2_MINE_HIGH": 1.0}
    ends = ("RQ2_MINE_LOW", "RQ2_MINE_HIGH")
    assert declared.controls == {of: {end: f"{end}_{of.upper()}" for end in ends} for of in ("random", "matched")}
    assert declared.matched_on == ["length", "language"]


def test_the_recipe_is_told_where_the_run_is_here(compare, tmp_path):
    recipe = {"finetuning_type": "full", "learning_rate": 1e-5, "num_train_epochs": 2.0}
    recipe |= {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    known = {"name": "A", "question": "RQ2", "pool": "oss", "split": "A", "condition": "A", "split_sha256": "0"}
    known |= {"records": 1, "examples": 1, "cut": 0, "model": {"model": "m"}, "seed": 1, "folder": "Runs/A/model"}
    known |= {"recipe": {"train.yaml": recipe}, "prompt": {"before": "", "after": ""}, "results": {}, "versions": {}}
    (tmp_path / "Runs/A").mkdir(parents=True)
    runs.write(tmp_path, Run(**known, sha256={}))
    about = {"harness": "bits", "task": "t", "settings": {}, "problems": {"p": [0.5]}, "versions": {}}
    made = outcomes.of_run(tmp_path, Run(**known, sha256={}), **about, metric=Metric(**BITS))
    assert compare.recipe_of(tmp_path, made) == "full, rate 1e-05, batch 8, epochs 2"
    assert compare.recipe_of(tmp_path / "elsewhere", made) == ""
    runs.write(tmp_path, Run(**known, sha256={}, recipe_name="long"))
    assert compare.recipe_of(tmp_path, made) == "long: full, rate 1e-05, batch 8, epochs 2"
    items, told = [compare.Filed("f", "0", made)], {made.recipe: "long"}
    assert compare.costs_of(tmp_path, items, told) == {("long", "m"): {}}
    runs.write(tmp_path, Run(**known | {"results": {"total_flos": 7e12}}, sha256={}))
    assert compare.costs_of(tmp_path, items, told) == {("long", "m"): {"A": 7e12}}


def test_recipes_with_the_same_words_are_still_two(compare, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "recipe_of", lambda root, outcome: "lora, rate 0.0002, batch 8, epochs 1")
    for recipe in "AB":
        plant(tmp_path, study(np.random.default_rng(4), {"HIGH": 1}, **QUIET), BITS, recipe=recipe)
    told = compare.recipes_of(tmp_path, compare.read(tmp_path))
    assert told == {one * 9: f"lora, rate 0.0002, batch 8, epochs 1 ({one * 8})" for one in "AB"}


def test_the_largest_bound_over_recipes_is_the_readers():
    row = {"verdict": verdicts.NO_LARGER, "span": 1.0, "metric": BITS}
    rows = [row | {"low": -0.010, "high": 0.0, "level": 2.0}, row | {"low": 0.0, "high": 0.009, "level": 1.0}]
    assert recipes._largest(rows) == "0.9 % of bits per byte"
    assert recipes._largest([*rows, row | {"verdict": verdicts.CANNOT}]) is None


@pytest.mark.parametrize(
    ("effects", "kind", "said"),
    [
        ({"A": -0.02, "B": -0.02}, recipes.ROBUST, "robust, as all 2 recipes support it in one direction (AAAAAAAA: "),
        ({"A": -0.02, "B": 0.02}, recipes.FLIPS, "it flips, as recipes support it in both directions (AAAAAAAA: "),
        ({"A": -0.02, "B": 0.0}, recipes.CANNOT, "cannot tell, as 1 of 2 recipes support it (AAAAAAAA: "),
        ({"A": 0.0, "B": 0.0}, recipes.ROBUST, "robust, as with none of 2 recipes it has an effect larger than "),
    ],
)
def test_recipes_are_never_mixed_and_what_holds_with_all_is_said(compare, tmp_path, effects, kind, said):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    for recipe, effect in effects.items():
        made = study(np.random.default_rng(4), ENDS, **QUIET | PLANTED[verdicts.NO_LARGER] | {"effect": effect})
        plant(tmp_path, made, BITS, recipe=recipe)
    found = answer(compare, tmp_path)
    assert found["comparisons"] == len(found["verdicts"]) == 2
    for (recipe, effect), row in zip(effects.items(), found["contrasts"], strict=True):
        assert row["recipe"] == recipe * 8
        assert row["low"] <= effect <= row["high"]
        assert (row["verdict"] == verdicts.BEYOND) == bool(effect)
    (over,) = found["over_recipes"]
    assert over["kind"] == kind
    assert said in over["sentence"]
    assert over["sentence"].startswith("RQ2, pool oss, m: HIGH minus LOW on humaneval, gold_bpb: ")
    assert "robust" in (tmp_path / "Results/comparison.md").read_text() or kind != recipes.ROBUST
