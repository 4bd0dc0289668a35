"""Sizes: parts of training sets, what was found with them, and whether a cheaper setting decides alike."""

import itertools
import json

import numpy as np
import pytest
from tests.support.scripts import load_script, run_script
from tests.test_contrasts import BITS, ENDS, study
from tests.test_controls import make_set, planted
from tests.test_verdicts import NAMES, QUIET, declare, manifest, plant

from instruction_data.answer import decisions, tables, verdicts
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.page.sections import scale
from instruction_data.publish import manifests
from instruction_data.publish.question import Ends, Question

SPLIT = "RQ2_MINE_HIGH"


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with two splits of 40 records, and random controls of them."""
    write_pool(list(planted(120)))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    members = {"LOW": np.arange(0, 40), "HIGH": np.arange(119, 79, -1)}
    make_set(tmp_path, members, Question("RQ2", varies=("similarity",), contrast=Ends("LOW", "HIGH")))
    controls = load_script("derive/control_splits.py")
    assert controls.main(["--root", str(tmp_path), "--question", "RQ2"]) == 0
    return tmp_path


def texts(root, name):
    return json.loads((root / manifests.all_splits(root)[name]["file"]).read_bytes())


def test_parts_are_nested_and_in_the_order_of_their_split(root):
    sized = load_script("derive/sized_splits.py")
    assert sized.main(["--root", str(root), "--split", SPLIT, "--shares", "50", "10", "1"]) == 0
    whole, *parts = (texts(root, f"{SPLIT}{ending}") for ending in ("", "_P50", "_P10", "_P1"))
    assert list(map(len, parts)) == [20, 4, 1]
    for part, larger in itertools.pairwise([*parts[::-1], whole]):
        places = [larger.index(one) for one in part]
        assert places == sorted(places)
    settings = {name: dict(one["settings"]) for _, one in manifests.every(root) for name in one["splits"]}
    assert settings[f"{SPLIT}_P10"]["part_of"] == SPLIT
    assert settings[f"{SPLIT}_P10"]["percent"] == 10


def test_a_questions_parts_are_of_its_splits_and_random_controls_and_its_commands_make_them_again(root):
    sized = load_script("derive/sized_splits.py")
    assert sized.main(["--root", str(root), "--question", "RQ2", "--shares", "10", "20"]) == 0
    made = {name: one for _, one in manifests.every(root) for name in one["splits"] if "part_of" in one["settings"]}
    wholes = ("LOW", "HIGH", "LOW_RANDOM", "HIGH_RANDOM")
    assert sorted(made) == sorted(f"RQ2_MINE_{one}_P{share}" for one in wholes for share in (10, 20))
    one = made[f"{SPLIT}_P20"]
    assert one["command"] == f"python Code/derive/sized_splits.py --split {SPLIT} --shares 20"
    before = (root / one["splits"][f"{SPLIT}_P20"]["file"]).read_bytes()
    assert sized.main(["--root", str(root), *one["command"].split()[2:], "--overwrite"]) == 0
    assert (root / one["splits"][f"{SPLIT}_P20"]["file"]).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--split", "RQ2_MINE_X"], "found no such split that is whole"),
        (["--split", f"{SPLIT}_P10"], "found no such split that is whole"),
        (["--question", "RQ9"], "--question RQ9: found no split; expected some: run its script first"),
    ],
)
def test_what_is_no_whole_split_is_refused(root, words, found):
    sized = load_script("derive/sized_splits.py")
    assert sized.main(["--root", str(root), "--split", SPLIT, "--shares", "10"]) == 0
    with pytest.raises(InputError, match=found):
        sized.main(["--root", str(root), *words])


def test_a_part_is_less_than_the_whole(root, capsys):
    with pytest.raises(SystemExit):
        load_script("derive/sized_splits.py").main(["--root", str(root), "--split", SPLIT, "--shares", "100"])
    assert "found 100; expected 1 to 99 per cent: the whole is the split itself" in capsys.readouterr().err


def test_the_study_makes_parts_of_what_is_compared(root):
    words = ["--root", root, "--pools", "mine", "--questions", "RQ2", "--shares", "10", "--dry-run"]
    said = run_script("study/study.py", *words)
    assert said.returncode == 0, said.stderr
    (made,) = [line for line in said.stdout.splitlines() if "sized_splits.py" in line]
    assert made.endswith(" --split RQ2_MINE_HIGH_RANDOM RQ2_MINE_LOW_RANDOM RQ2_MINE_LOW RQ2_MINE_HIGH --shares 10")


def test_contrasts_of_parts_stand_apart_and_cheap_decisions_are_counted(tmp_path, capsys):
    """At 20 % the effect is the other way round, at 80 % as it is with all records."""
    compare = load_script("evaluation/compare.py")
    doses = {NAMES[end]: dose for end, dose in ENDS.items()}
    declare(tmp_path, doses, "ends")
    plant(tmp_path, study(np.random.default_rng(4), ENDS, **QUIET, effect=-0.02), BITS)
    for percent, effect in ((20, 0.02), (80, -0.02)):
        made = study(np.random.default_rng(percent), ENDS, **QUIET, effect=effect)
        plant(tmp_path, made, BITS, ending=f"_P{percent}")
        for draw in {draw for _, drawn in made.values() for draw in drawn}:
            end, line, rest = draw.partition("_")
            whole = NAMES[end] + line + rest
            settings = {"part_of": whole, "percent": percent}
            manifest(tmp_path, f"{whole}_P{percent}", [f"{whole}_P{percent}"], settings=settings)
    assert compare.main(["--root", str(tmp_path)]) == 0
    found = documents.read_derived(tmp_path / "Results/comparison.json", "compare.py")
    (primary,) = found["primary"]["contrasts"]
    sizes = {one["percent"]: one for one in found["scale"]["sizes"]}
    assert list(sizes) == [20, 80]
    assert all(one["comparisons"] == 1 for one in sizes.values())
    assert verdicts.better(primary)
    assert [verdicts.better(one["contrasts"][0]) for one in sizes.values()] == [False, True]
    assert sizes[80]["verdicts"][0]["kind"] == verdicts.BEYOND
    tasks = [task for question in found["questions"] for of in question["groups"] for task in of["tasks"]]
    names = {one["condition"] for task in tasks for one in task["conditions"]}
    assert len(names) == 6
    said = "humaneval, gold_bpb: 80 % of each set and 100 % of each set order 1 of 1 (100 %, 95 % interval 21 to 100)"
    assert said in capsys.readouterr().out
    assert "## Sizes of the training sets" in (tmp_path / "Results/comparison.md").read_text()


def row(question, recipe, estimate, verdict=verdicts.NO_LARGER, **more):
    about = {"question": question, "pool": "oss", "contrast": "HIGH minus LOW", "model": "m", "percent": 100}
    about |= {"harness": "likelihood", "task": "t", "recipe": recipe, "estimate": estimate, "verdict": verdict}
    return about | {"noise": None, "metric": {"higher_is_better": False}} | more


def test_decision_accuracy_is_the_share_of_contrasts_with_one_sign():
    rows = [row(f"RQ{number}", "A", sign) for number, sign in enumerate((-1, -1, 1, 1))]
    rows += [row(f"RQ{number}", "B", sign, verdicts.BEYOND) for number, sign in enumerate((-1, 1, 1, 1))]
    rows += [row("RQ9", "B", 1)]  # which A lacks
    (found,) = decisions.accuracies(rows)
    assert (found["over"], found["settings"], found["dearer"]) == ("recipe", ["A", "B"], None)
    assert (found["all"]["contrasts"], found["all"]["alike"], found["all"]["share"]) == (4, 3, 0.75)
    assert (found["all"]["low"], found["all"]["high"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)  # Wilson's, by hand
    assert found["supported"]["contrasts"] == 4
    assert decisions.accuracies(rows[:4]) == []


def test_contrasts_without_a_sign_are_no_agreement():
    zeros = [row("RQ2", "A", 0.0), row("RQ2", "B", 0.0)]
    noise = [row("RQ3", recipe, -1, verdicts.CANNOT, noise="nothing is solved") for recipe in "AB"]
    (found,) = decisions.accuracies([*zeros, *noise])
    assert found["all"] is found["supported"] is None
    assert tables.decision(found) == "m, t: no primary contrast has a sign in both A and B."
    assert scale.decision_table([found]).rows[0][-2:] == ["none", "none"]
    told = [row("RQ4", "A", -1), row("RQ4", "B", -1)]
    assert decisions.accuracies([*zeros, *noise, *told])[0]["all"]["contrasts"] == 1


def test_a_contrast_counts_once_in_every_accuracy():
    rows = [row("RQ2", recipe, -1, percent=percent) for recipe in "AB" for percent in (10, 20, 100)]
    found = decisions.accuracies(rows)
    assert [one["all"]["contrasts"] for one in found] == [1] * 5
    sizes = [(one["recipe"], one["settings"]) for one in found if one["over"] == "percent"]
    assert sizes == [("A", [10, 100]), ("A", [20, 100]), ("B", [10, 100]), ("B", [20, 100])]
    assert [one["percent"] for one in found if one["over"] == "recipe"] == [100]


def test_the_dearer_model_is_the_one_that_took_more_operations_and_otherwise_none_is():
    names = ["SmolLM2-1.7B", "SmolLM2-135M"]
    rows = [row("RQ2", "A", -1, verdicts.BEYOND, model=names[0]), row("RQ2", "A", 1, model=names[1])]
    (unknown,) = decisions.accuracies(rows)
    assert unknown["dearer"] is None
    assert "; of those that either of them supports, 0 of 1 " in tables.decision(unknown)
    costs = {("A", names[0]): {"S": 1.7e15, "only here": 1.0}, ("A", names[1]): {"S": 1.3e14}}
    (known,) = decisions.accuracies(rows, costs)
    assert (known["settings"], known["dearer"]) == (names[::-1], names[0])
    assert f"A, t: {names[1]} and {names[0]} order 0 of 1 " in tables.decision(known)
    assert f"; of those that {names[0]} supports, 0 of 1 " in tables.decision(known)
    assert decisions.accuracies(rows[::-1], costs) == [known]
