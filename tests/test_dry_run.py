"""--dry-run: no script leaves a byte behind, and what a plan promises or refuses is what the run does."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.support import tiny_model
from tests.support.roots import copy_pools, place_example, state
from tests.support.scripts import CODE, load_script
from tests.support.unprivileged import NOT_BOUND, ended
from tests.support.workspaces import opened

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.publish import manifests, verify
from instruction_data.publish.record_tables import Column
from instruction_data.runs import runs
from instruction_data.runs.runs import Run

RQ1, RQ2, RQ3 = "RQ1/domain_composition.py", "RQ2/semantic_diversity.py", "RQ3/problem_complexity.py"
CATEGORIES, COVERAGE = "RQ4/task_category.py", "RQ4/type_coverage.py"
CONTROLS, CLEAN = "derive/control_splits.py", "derive/decontaminated_splits.py"
DESIGN, HALF = "derive/factorial_design.py", "half"
TEXTS, STUDY = "annotate/text_measures.py", "study/study.py"
PUBLISHING = (RQ1, RQ2, RQ3, CATEGORIES, COVERAGE, CONTROLS, CLEAN, TEXTS)
OWN_FLAGS = {  # what is quick here
    RQ3: ["--model", "ROOT/model"],
    CONTROLS: ["--split", "RQ2_OSS_DIVERSITY_LOW"],
    CLEAN: ["--split", "RQ2_OSS_DIVERSITY_LOW"],
    TEXTS: ["--tokenizer", "minilm"],
    DESIGN: ["--factors", "--factor", f"{HALF}={HALF}", "--size", "1"],
}


def flags_of(script: str) -> set[str]:
    """Return the flags that the parser of a script knows; none where it has no parser."""
    module = load_script(script)
    actions = module.parser()._actions if hasattr(module, "parser") else ()
    return {flag for action in actions for flag in action.option_strings}


EVERY = [path.relative_to(CODE).as_posix() for path in sorted(CODE.glob("*/*.py"))]
FLAGS = {script: flags_of(script) for script in EVERY if not script.startswith("instruction_data/")}
DRY = [script for script, flags in FLAGS.items() if "--dry-run" in flags]


def reads_pools(script: str) -> bool:
    """Say whether a script needs nothing but a pool, which may be another than the demo's."""
    return script in (RQ1, RQ2, RQ3, CATEGORIES, COVERAGE, TEXTS)


def words(script: str, root: Path, *, demo: bool = True) -> list[str]:
    """Return what a script needs; one that is not known here gets the pool and the question, if it takes them."""
    words = [*(["--demo"] if demo else []), "--root", str(root)]
    words += ["--pool", "oss"] if "--pool" in FLAGS[script] else []
    asks = "--question" in FLAGS[script] and script not in OWN_FLAGS
    words += ["--question", "RQ2"] if asks else []
    return words + [word.replace("ROOT", str(root)) for word in OWN_FLAGS.get(script, ())]


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    """A small demo root in which every question, its controls, clean splits and a trained model are there."""
    root = tmp_path_factory.mktemp("complete")
    demo_root.build(root, records=14, others=60)
    tiny_model.write(root / "model")
    for script in PUBLISHING:
        assert load_script(script).main(words(script, root)) == 0
    add_numbers(root)
    add_run(root)
    assert verify.verify(root) == []
    return root


def add_numbers(root: Path) -> None:
    """Publish a number that is 0 for one half of the records and 1 for the other: what so few can carry a design of."""
    workspace = opened(root)
    records = workspace.read(workspace.known_pools["oss"])
    workspace.publish_numbers(HALF, records, [Column(HALF, np.arange(len(records)) % 2.0, "half of the records")])


def add_run(root: Path) -> None:
    """Add what a finished training leaves, but for the weights."""
    known = {"question": "RQ2", "pool": "oss", "split": "RQ2_OSS_DIVERSITY_LOW", "condition": "RQ2_OSS_DIVERSITY_LOW"}
    name = runs.name(known["split"], "tiny", 1)
    model = {"model": "tiny", "sha256": "0" * 64}
    sizes = {"records": 4, "examples": 4, "cut": 0, "seed": 1, "split_sha256": "0" * 64}
    empty = {
        "recipe": {"train.yaml": {}},
        "prompt": {"before": "", "after": ""},
        "results": {},
        "versions": {},
        "sha256": {},
    }
    run = Run(**known, **sizes, **empty, name=name, model=model, folder=f"Runs/{name}/model")
    (root / runs.FOLDER / name).mkdir(parents=True)
    runs.write(root, run)


@pytest.fixture
def copied(complete, tmp_path) -> Path:
    return Path(shutil.copytree(complete, tmp_path / "root"))


def test_the_scripts_that_plan_are_found():
    assert {*PUBLISHING, "training/train.py", "evaluation/bigcode.py"} <= set(DRY)


# ---------------------------------------------------------------- no byte


@pytest.mark.parametrize("more", [[], ["--overwrite"]], ids=["again", "overwrite"])
@pytest.mark.parametrize("script", DRY)
def test_on_a_complete_root_no_byte_is_left(script, more, complete):
    before = state(complete)
    assert any(name.startswith(".cache/") for name in before)
    known = [flag for flag in more if flag in FLAGS[script]]
    status, said, errors = ended(script, [*words(script, complete), "--dry-run", *known])
    assert status == 0, errors
    assert said
    assert state(complete) == before


@pytest.mark.parametrize("script", DRY)
def test_on_a_new_root_no_byte_is_left(script, tmp_path):
    status, said, errors = ended(script, [*words(script, tmp_path, demo=False), "--dry-run"])
    assert list(tmp_path.iterdir()) == []
    if script == STUDY:
        assert status == 0
        assert said.startswith("python Code/RQ4/task_category.py --root ")
    elif script != DESIGN and (status or not reads_pools(script)):
        assert status == 1
        assert errors.startswith("error: ") and "found no" in errors
        assert not reads_pools(script) or script == TEXTS
    else:
        assert "75,197 records by its data card; the content is NOT HERE yet" in said


@pytest.mark.parametrize("there", ["no folder", "an empty folder", "one pool"])
@pytest.mark.parametrize("script", DRY)
def test_without_the_demos_pools_no_byte_is_left(script, there, tmp_path):
    root = tmp_path / "new"
    if there != "no folder":
        (root / "Datas").mkdir(parents=True)
    if there == "one pool":
        (root / "Datas/alpaca.jsonl").write_text('{"instruction": "a", "output": "b"}\n')
    before = state(tmp_path)
    status, said, errors = ended(script, [*words(script, root), "--dry-run"])
    assert state(tmp_path) == before
    if status == 0 or script in (*PUBLISHING, STUDY):
        assert status == 0, errors
        assert said == f"would first make the demo's pools under {root}; without them there is no more to say\n"
    else:
        assert status == 1 and errors.startswith("error: ")


def test_on_a_read_only_root_every_plan_can_be_made(copied, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = [[script, *words(script, copied), "--dry-run"] for script in DRY]
    asked += [[*one, "--overwrite"] for one in asked if "--overwrite" in FLAGS[one[0]]]
    asked += [[script, *words(script, empty, demo=False), "--dry-run"] for script in PUBLISHING[:5]]
    paths = [copied, *copied.rglob("*"), empty]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = state(copied)
    command = [sys.executable, "-m", "tests.support.unprivileged", str(copied)]
    try:
        done = subprocess.run(command, input=json.dumps(asked), cwd=CODE.parent, capture_output=True, text=True)
        after = state(copied)
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
    if done.returncode == NOT_BOUND:
        pytest.skip("a process here may write into read-only folders, whatever rights it gives up")
    assert done.returncode == 0, done.stderr
    for flags, (status, _, errors) in zip(asked, json.loads(done.stdout), strict=True):
        assert status == 0, (flags, errors)
    assert after == before
    assert list(empty.iterdir()) == []


# ---------------------------------------------------------------- the plan is what the run makes


def planned(said: str) -> dict[str, int | None]:
    """Return the files that a plan names, with their records where it says how many."""
    lines = re.findall(r"^would write  (\S+?)(?:: ([\d,]+) records)?(?: \(there already.*)?$", said, re.MULTILINE)
    return {file: int(count.replace(",", "")) if count else None for file, count in lines}


def published(root: Path) -> dict[str, int | None]:
    """Return the files that the manifests under a root list, with their records where they are splits."""
    made = {}
    for _, manifest in manifests.every(root):
        made |= dict.fromkeys(manifest["files"])
        made |= {split["file"]: split["records"] for split in manifest["splits"].values()}
    return made


@pytest.mark.parametrize(
    ("script", "folder", "more"),
    [
        (RQ1, "Datas/RQ1", ["--repeats", "2"]),
        (RQ1, "Datas/RQ1", ["--generation", "2025-12"]),
        (RQ2, "Datas/RQ2", []),
        (RQ2, "Datas/RQ2", ["--tiers", "count", "--save-embeddings"]),
        (RQ3, "Datas/RQ3", ["--normalise", "log"]),
        (CATEGORIES, "Code/RQ4", []),
        (COVERAGE, "Datas/RQ4", ["--generation", "2025-12"]),
        (CONTROLS, "Datas/RQ2/*/*_[RM]A*", ["--repeats", "2", "--seed", "5"]),
        (CLEAN, "Datas/RQ2/*/*_CLEAN*", ["--rules", "tli", "--threshold", "0.05"]),
        (TEXTS, "Datas/Numbers/*/*_texts*", []),
        (DESIGN, "Datas/RQ5", []),
    ],
)
def test_a_plan_names_what_the_run_then_makes(script, folder, more, copied):
    for path in sorted(copied.glob(folder)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    there, before = published(copied), state(copied)
    flags = [*words(script, copied), *more]
    status, said, errors = ended(script, [*flags, "--dry-run"])
    assert status == 0, errors
    assert state(copied) == before
    assert ended(script, flags)[0] == 0
    made = {file: records for file, records in published(copied).items() if file not in there}
    assert made
    assert planned(said) == made
    again = ended(script, [*flags, "--dry-run"])[1]
    assert planned(again) == made
    assert again.count("(there already, the same bytes)") == len(made)


def test_a_plan_without_numbers_says_about_how_many(copied):
    for path in (copied / ".cache/features", copied / "Datas/RQ2"):
        shutil.rmtree(path)
    status, said, _ = ended(RQ2, [*words(RQ2, copied), "--dry-run"])
    assert status == 0
    assert "would compute vectors (all-MiniLM-L6-v2) of 14 texts, 14 of them not in the cache yet" in said
    about = dict(re.findall(r"^would write  Datas/RQ2/\w+/(\w+)\.json: about (\d+) records$", said, re.MULTILINE))
    tiers = ("LOW", "MEDIUM", "HIGH")
    assert about == {f"RQ2_OSS_DIVERSITY_{tier}": "4" for tier in tiers}


# ---------------------------------------------------------------- what the run refuses, the plan refuses


def refused_alike(script: str, flags: list[str], root: Path, expected: str) -> None:
    """Look that plan and run are refused in the same words, and that the plan changed nothing."""
    before = state(root)
    status, _, errors = ended(script, [*flags, "--dry-run"])
    assert state(root) == before
    assert status == 1
    assert re.search(expected, errors)
    assert ended(script, flags)[::2] == (1, errors)


@pytest.mark.parametrize(
    ("script", "more", "part"),
    [
        (RQ1, ["--seed", "7"], "seed"),
        (RQ1, ["--shuffle"], "settings"),
        (RQ2, ["--tiers", "count"], "settings"),
        (RQ2, ["--text", "instruction"], "settings, models"),
        (RQ3, ["--normalise", "rank"], "settings"),
        (CATEGORIES, ["--limit", "5"], "settings"),
        (COVERAGE, ["--repeats", "2"], "settings"),
        (CONTROLS, ["--seed", "7"], "seed"),
        (CLEAN, ["--threshold", "0.5"], "settings"),
        (TEXTS, ["--limit", "5"], "settings"),
    ],
)
def test_other_settings_there(script, more, part, copied):
    refused_alike(script, [*words(script, copied), *more], copied, rf"found results made with other .*{part}; expected")


FILES = {
    RQ1: "Datas/RQ1/OSS/RQ1_OSS_MATH_7_3.json",
    RQ2: "Datas/RQ2/OSS/RQ2_OSS_DIVERSITY_HIGH.json",
    RQ3: "Datas/RQ3/OSS/RQ3_OSS_scores.parquet",
    CATEGORIES: "Code/RQ4/oss_category_similarities.parquet",
    COVERAGE: "Datas/RQ4/OSS/RQ4_OSS_ALG_50.json",
    CONTROLS: "Datas/RQ2/OSS/RQ2_OSS_DIVERSITY_LOW_RANDOM.json",
    CLEAN: "Datas/RQ2/OSS/RQ2_OSS_DIVERSITY_LOW_CLEAN_removed.csv",
    TEXTS: "Datas/Numbers/OSS/OSS_texts.parquet",
}


@pytest.mark.parametrize(
    ("script", "fault"),
    [(script, "another file") for script in PUBLISHING]
    + [(script, fault) for script in (RQ1, COVERAGE) for fault in ("no manifest", "missing file", "broken registry")],
)
def test_other_files_there(script, fault, copied):
    file = copied / FILES[script]
    if fault == "broken registry":
        (copied / "Datas/dataset_info.json").write_text("{")
    elif fault == "missing file":
        file.unlink()
    else:
        file.write_bytes(b"[]\n")
    if fault == "no manifest":
        path, _ = next(entry for entry in manifests.every(copied) if FILES[script] in manifests.files(entry[1]))
        path.unlink()
    expected = "found malformed JSON" if fault == "broken registry" else "found a different file of that name"
    refused_alike(script, words(script, copied), copied, expected)


def test_what_cannot_be_made_is_refused_by_the_plan_too(copied):
    few = copied / "few.jsonl"
    few.write_text('{"instruction": "a", "output": "b"}\n')
    others = ["--other", f"few={few}", "--overwrite"]
    refused_alike(RQ1, [*words(RQ1, copied), *others], copied, "found 1 usable records in the pool 'few'")
    refused_alike(COVERAGE, [*words(COVERAGE, copied), "--total", "14", "--overwrite"], copied, "The most they allow")
    shutil.rmtree(copied / "Code/RQ4")
    refused_alike(COVERAGE, words(COVERAGE, copied), copied, "expected the categories of the pool")
    refused_alike(CONTROLS, [*words(CONTROLS, copied)[:-1], "RQ2_X"], copied, "found no such split")


def test_a_split_of_that_name_elsewhere_is_refused_by_the_plan_too(copied):
    shutil.copytree(copied / "Datas/RQ1/OSS", copied / "Datas/RQ8/OSS")
    shutil.rmtree(copied / "Datas/RQ1/OSS")
    refused_alike(RQ1, words(RQ1, copied), copied, "found a split of that name in")


# ---------------------------------------------------------------- the examples of the documentation


def test_the_readmes_question_honours_the_flags_it_accepts(complete, tmp_path, capsys):
    root = copy_pools(complete, tmp_path / "root")  # without .cache
    question = place_example("instruction_length.py", root, "Code/RQ6")
    flags = ["--demo", "--root", str(root)]
    before = state(root)
    assert question.main([*flags, "--dry-run"]) == 0
    plan = planned(capsys.readouterr().out)
    assert state(root) == before
    assert question.main(flags) == 0
    assert plan == published(root)
    made = {file: (root / file).read_bytes() for file in plan}
    assert question.main([*flags, "--seed", "7"]) == 0  # nothing is drawn
    assert {file: (root / file).read_bytes() for file in plan} == made
    before = state(root)
    assert cli.run(lambda: question.main([*flags, "--limit", "9", "--dry-run"])) == 1
    assert "found results made with other" in capsys.readouterr().err
    assert state(root) == before
    with pytest.raises(SystemExit) as end:
        question.main([*flags, "--repeats", "2"])
    assert end.value.code == 2
    assert "unrecognized arguments: --repeats 2" in capsys.readouterr().err


def test_the_judges_plan_leaves_no_byte(complete, tmp_path, capsys):
    root = copy_pools(complete, tmp_path / "root")
    judge = place_example("judge.py", root, "Code")
    (tmp_path / "judge.csv").write_text("row,score\n0,3\n")
    flags = ["--demo", "--root", str(root), "--pool", "oss", "--csv", str(tmp_path / "judge.csv")]
    before = state(root)
    assert judge.main([*flags, "--dry-run"]) == 0
    assert planned(capsys.readouterr().out) == {"Datas/Numbers/OSS/OSS_judge.parquet": None}
    assert state(root) == before
    assert judge.main(flags) == 0
    (tmp_path / "judge.csv").write_text("row,score\n0,4\n")
    said = []
    for more in (["--dry-run"], []):
        assert cli.run(lambda more=more: judge.main([*flags, *more])) == 1
        said.append(capsys.readouterr().err)
    assert said[0] == said[1]
    assert "--overwrite replaces" in said[0]
