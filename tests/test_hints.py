"""The commands that a page names do in its study root what the page says."""

import shlex

import numpy as np
import orjson
import pytest
from tests.support.scripts import CODE, load_script
from tests.support.study import add_outcome, build, pool_of, publish_tiers
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.files.places import REPOSITORY
from instruction_data.page import findings, hints
from instruction_data.page.hints import Hints
from instruction_data.pools.table import Pool
from instruction_data.publish.record_tables import category_file


def hints_of(root):
    return Hints(findings.read(root), root)


def typed(command, root):
    """A script and its flags, as someone types them who knows what DIR stands for."""
    program, script, *flags = shlex.split(command)
    assert program == "python"
    known = {"DIR": str(root)}
    return load_script(script.removeprefix("Code/")), [
        known.get(word, word.replace("DIR/", f"{root}/")) for word in flags
    ]


def own_pool(root, folder):
    """A root with tiers of a pool of one's own, whose fields have other names."""
    (root / "Datas").mkdir(parents=True, exist_ok=True)
    path = folder / "my own.jsonl"
    rows = [{"q": row["instruction"], "a": row["output"]} for row in pool_of(6)]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    workspace = opened(root, "--pool", f"mine={path}", "--fields", "instruction=q,output=a", "--skip-bad")
    records = workspace.read(Pool("mine", str(path), instruction="q", output="a"))
    publish_tiers(workspace, records, "RQ2", {"similarity": np.arange(6.0)}, np.arange(6.0), {})
    return root


@pytest.fixture
def root(tmp_path):
    """A study root of one pool, made with an embedded model, without results."""
    return build(tmp_path / "root", 6, complexity=False)


@pytest.mark.parametrize("question", ["RQ1", "RQ3", "RQ4"])  # those of RQ2 are there
def test_training_sets_that_are_not_there_can_be_made_of_the_one_pool_that_is(root, question, capsys):
    commands = [one for one in hints_of(root).question(question).split("\n") if " fetch " not in one]
    assert [one.split()[1] for one in commands] == list(hints.SCRIPTS[question])
    for command in commands:
        script, flags = typed(command, root)
        if hints.COVERAGE in command:
            with pytest.raises(InputError, match=hints.CATEGORIES):  # which the command before it will have made
                script.main([*flags, "--dry-run"])
            continue
        assert script.main([*flags, "--dry-run"]) == 0
        said = capsys.readouterr().out.lower()
        assert "oss_" in said and "evol" not in said


def test_pools_that_code_gives_way_to_are_fetched_first(root):
    fetch, make = hints_of(root).question("RQ1").split("\n")
    assert fetch == "python -m instruction_data.pools fetch math general --root DIR"
    assert make == "python Code/RQ1/domain_composition.py --root DIR --pool oss"
    for name in ("MathInstruct.json", "alpaca.jsonl"):
        (root / "Datas" / name).write_text("[]")
    assert hints_of(root).question("RQ1") == make


def test_categories_come_before_type_coverage(root):
    coverage = "python Code/RQ4/type_coverage.py --root DIR --pool oss --total max"
    categories = "python Code/RQ4/task_category.py --root DIR --pool oss --model minilm"
    assert hints_of(root).question("RQ4").split("\n") == [categories, coverage]
    (root / "Code" / "RQ4").mkdir(parents=True)
    (root / category_file("oss")).touch()
    assert hints_of(root).question("RQ4") == coverage


def test_a_pool_of_ones_own_is_named_with_its_fields_and_its_folder(tmp_path, capsys):
    (tmp_path / "inside" / "Datas").mkdir(parents=True)
    inside = hints_of(own_pool(tmp_path / "inside", tmp_path / "inside" / "Datas"))
    command = inside.question("RQ3")
    assert "'mine=DIR/Datas/my own.jsonl' --fields instruction=q,output=a --skip-bad" in command
    script, flags = typed(command, inside.root)
    assert script.main([*flags, "--dry-run", "--model", "smollm2"]) == 0
    assert "my own.jsonl: 6 records" in capsys.readouterr().out
    assert "FOLDER" not in inside.explained
    outside = hints_of(own_pool(tmp_path / "outside", tmp_path))
    assert "'mine=FOLDER/my own.jsonl'" in outside.question("RQ3")
    assert "FOLDER" in outside.explained


def test_the_demos_pools_need_no_names(root, monkeypatch):
    monkeypatch.setattr(hints.demo_root, "complete", lambda _: True)
    assert hints_of(root).question("RQ3") == "python Code/RQ3/problem_complexity.py --root DIR --demo"
    monkeypatch.setattr(hints, "DEMO_ROOT", root)
    assert hints_of(root).question("RQ3") == "python Code/RQ3/problem_complexity.py --demo"
    assert hints_of(root).study() == "make study"
    assert hints_of(root).study([("RQ2", "oss")]) == "make study QUESTION=RQ2"
    four = [(question, pool) for question in hints.SCRIPTS for pool in ("evol", "oss")]
    assert hints_of(root).study(four) == "make study POOLS='evol oss'"
    assert hints_of(root).study(four[::2]) == "make study POOLS=evol"
    assert hints_of(root).verify() == "python -m instruction_data.publish verify build/demo"


def test_a_lost_cache_is_filled_by_the_command_that_filled_it(root, tmp_path):
    assert hints_of(root).places("oss") == "python Code/RQ9/script.py --pool oss --root DIR"
    ready_made = hints_of(own_pool(tmp_path / "other", tmp_path))
    assert ready_made.places("mine").startswith("python Code/RQ3/problem_complexity.py --root DIR --pool")


def test_one_command_trains_scores_and_answers_what_is_there(root, tmp_path, capsys):
    said = " --questions RQ2 --pools oss"
    assert hints_of(root).study() == f"python Code/study/study.py --root DIR{said}"
    assert Hints(findings.read(root), REPOSITORY).study() == f"python Code/study/study.py{said}"
    own = own_pool(tmp_path / "other", tmp_path)
    script, flags = typed(hints_of(own).study(), own)
    assert flags[-4:] == ["--questions", "RQ2", "--pools", "mine"]
    assert script.main([*flags, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "train.py" in said and "--pool " not in said  # its sets are trained, and none is made of another pool


def test_results_begin_with_training_and_end_with_a_comparison(root):
    train, score, compare = hints_of(root).results("RQ2")
    for command in (train.split("\n")[1], score.split("\n")[1], compare):
        script, flags = typed(command, root)
        assert script.parser().parse_args(flags).root == root
    assert (train.split("\n")[0], score.split("\n")[0]) == ("make trainer", "make harness")
    (root / "Runs" / "RQ2_OSS_LOW--m--seed1").mkdir(parents=True)
    (root / "Runs" / "RQ2_OSS_LOW--m--seed1" / "run.json").touch()
    assert hints_of(root).results("RQ2") == [score, compare]
    add_outcome(root, "LOW")
    assert hints_of(root).results("RQ2") == [compare]
    script, flags = typed(compare, root)
    assert script.main(flags) == 0


@pytest.mark.parametrize("name", findings.DOCUMENTS)
def test_documents_are_made_for_the_root(root, name):
    script, flags = typed(hints_of(root).document(name), root)
    assert script.parser().parse_args(flags).root == root


def test_in_the_repository_nothing_needs_to_be_said(root):
    there = Hints(findings.read(root), REPOSITORY)
    assert there.explained == ""
    assert there.verify() == "python -m instruction_data.publish verify"
    assert there.document("profiles") == "python Code/report/profile_splits.py"


def test_every_question_of_the_study_has_its_scripts():
    scripts = [one for scripts in hints.SCRIPTS.values() for one in scripts]
    scripts += [hints.TRAIN, hints.SCORE, *(command.split()[1] for _, command in findings.DOCUMENTS.values())]
    assert all((CODE.parent / one).is_file() for one in scripts)
