"""What documents of a study root say of one another, and of the files that they name."""

import numpy as np
import pytest
import yaml
from tests.support.scripts import numbered
from tests.support.workspaces import opened

from instruction_data.bundle import agreement
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.outcomes import outcomes
from instruction_data.publish import __main__, manifests
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.runs import runs
from instruction_data.runs.runs import Run

RUN = "Runs/r/run.json"
OUTCOME = "Results/h/t/r.json"
MANIFEST = "Datas/RQ9/MINE/RQ9_MINE_manifest.json"


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with a split, a run, its outcome, a comparison and profiles, none of which anything real made."""
    write_pool(numbered(10))
    workspace = opened(tmp_path, "--pool", f"mine={tmp_path}/Datas/mine.jsonl")
    records = workspace.read(workspace.code_pools[0])
    workspace.begin(Question("RQ9"), [records], {}).splits([Split("RQ9_MINE_X", [(records, np.arange(4))])])
    names = {"name": "r", "question": "RQ9", "pool": "mine", "split": "RQ9_MINE_X", "condition": "RQ9_MINE_X"}
    names |= {"split_sha256": manifests.all_splits(tmp_path)["RQ9_MINE_X"]["sha256"], "folder": "Runs/r/model"}
    sizes = {"records": 4, "examples": 4, "cut": 0, "seed": 1, "results": {}, "versions": {}, "sha256": {}}
    recipe = {"learning_rate": 1e-4, "stage": "sft"}
    (tmp_path / "Runs/r").mkdir(parents=True)
    (tmp_path / "Runs/r/train.yaml").write_text(yaml.safe_dump(recipe))
    told = {"recipe": {"train.yaml": recipe}, "prompt": {"before": "", "after": ""}, "model": {"model": "m"}}
    run = Run(**names, **sizes, **told)
    runs.write(tmp_path, run)
    known = {"harness": "h", "task": "t", "settings": {}, "versions": {}, "reported": {"pass@1": 0.5}}
    outcomes.write(tmp_path, outcomes.of_run(tmp_path, run, problems={"a": [True], "b": [False]}, **known))
    derive(tmp_path)
    return tmp_path


def derive(root):
    for name, part, file in (("Results/comparison", "inputs", OUTCOME), ("Profiles/x", "manifests", MANIFEST)):
        documents.write_derived(root / f"{name}.json", {part: {file: file_sha256(root / file)}})


def rewrite(path, **changes):
    """Change a document, and sign it anew."""
    content = documents.read_json(path, "") | changes
    path.write_bytes(documents.signed(content))


def said(root):
    return [" ".join(line.split()).replace(f"{root}/", "") for line in agreement.faults(root)]


def test_a_sound_root_agrees_and_the_commands_ask(root, capsys):
    assert said(root) == []
    (root / "Runs/r/train.yaml").write_text("stage: pt\nlearning_rate: 0.0001\n")
    assert said(root) == ["differs Runs/r/train.yaml: found other stage than run.json says"]
    assert __main__.main(["verify", str(root)]) == 1
    assert "differs     Runs/r/train.yaml" in capsys.readouterr().out


def test_a_figure_that_its_problems_do_not_give_and_a_copy_are_named(root):
    rewrite(root / OUTCOME, reported={"pass@1": 0.75})
    derive(root)
    (root / "Results/h/t/copy.json").write_bytes((root / OUTCOME).read_bytes())
    assert said(root) == [
        f"broken {name}: {name}: found 0.75 as the reported pass@1; expected 0.5, as its problems give"
        for name in ("Results/h/t/copy.json", OUTCOME)
    ]
    rewrite(root / OUTCOME, reported={})
    derive(root)
    (root / "Results/h/t/copy.json").write_bytes((root / OUTCOME).read_bytes())
    [line] = said(root)
    assert line.startswith("broken Results/h/t/copy.json: Results/h/t/copy.json: found the outcome that belongs to ")


def test_what_was_made_from_files_that_changed_or_are_gone_is_outdated(root):
    rewrite(root / RUN, split_sha256="0" * 64)
    rewrite(root / MANIFEST, seed=43)
    assert [line.split(": found ")[0] for line in said(root)] == [
        f"outdated {OUTCOME}: its {RUN}",
        f"outdated {RUN}: its RQ9_MINE_X",
        f"outdated Profiles/x.json: its {MANIFEST}",
    ]
    (root / OUTCOME).unlink()
    rewrite(root / RUN, split="RQ9_MINE_GONE")
    rewrite(root / "Profiles/x.json", manifests={"../../x": ""})
    gone, outdated, broken = said(root)
    assert gone.startswith(f"outdated {RUN}: its RQ9_MINE_GONE: found no such split in any manifest; expected '000")
    assert outdated.startswith(f"outdated Results/comparison.json: its {OUTCOME}: found no such file; expected ")
    assert broken == "broken Profiles/x.json: found {'../../x': ''} as manifests; expected files"


def test_what_verify_names_is_not_named_twice(root):
    for name in (RUN, OUTCOME):
        (root / name).write_bytes((root / name).read_bytes() + b" ")
    found = said(root)
    assert [line for line in found if not line.startswith("outdated")] == [
        f"differs {name}: found other content than was written" for name in (OUTCOME, RUN)
    ]
