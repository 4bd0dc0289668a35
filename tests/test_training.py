"""Training: recipes, lists of runs, and LLaMA-Factory itself on a model of two layers."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from tests.support import tiny_model
from tests.support.needs import needs_trainer
from tests.support.scripts import load_script, numbered
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.measures import benchmarks
from instruction_data.numbers import embeddings, models
from instruction_data.numbers.language_model import LanguageModel, alternatives
from instruction_data.pools import reading
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.runs import plans, recipes, runs, sources, training
from instruction_data.runs.runs import Run

RECIPE = """# ours
stage: sft
finetuning_type: {kind}
lora_target: all
template: alpaca
cutoff_len: 128          # short
per_device_train_batch_size: 2
max_steps: 3
save_strategy: "no"
report_to: none
use_cpu: true
"""


@pytest.fixture
def train():
    return load_script("training/train.py")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return tiny_model.write(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with two sets: RQ8 (X, and X drawn a second time) and RQ9 (Y)."""
    write_pool(numbered(10))
    workspace = opened(tmp_path)
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    for question, names in (("RQ8", ("X", "X_R2")), ("RQ9", ("Y",))):
        splits = [Split(f"{question}_MINE_{name}", [(records, np.arange(4))]) for name in names]
        workspace.begin(Question(question), [records], {}).splits(splits)
    return tmp_path


@pytest.fixture
def arguments(root, tiny, tmp_path):
    """Flags of a full fine-tuning of the tiny model."""
    recipe = tmp_path / "full.yaml"
    recipe.write_text(RECIPE.format(kind="full"))
    return ["--root", str(root), "--model", str(tiny), "--recipe", str(recipe)]


def planned(train, arguments, *more):
    options = train.parser().parse_args([*arguments, *map(str, more)])
    return train.planned(options.root.resolve(), options)


def test_a_run_for_every_split_model_and_seed(train, arguments):
    names = [plan.name for plan in planned(train, arguments, "--seeds", 1, 2)]
    assert names == [
        f"{split}--tiny--seed{seed}" for split in ("RQ8_MINE_X", "RQ8_MINE_X_R2", "RQ9_MINE_Y") for seed in (1, 2)
    ]


def test_shards_are_the_whole_list_and_no_run_twice(train, arguments):
    whole = [plan.name for plan in planned(train, arguments, "--seeds", 1, 2, 3)]
    parts = [[p.name for p in planned(train, arguments, "--seeds", 1, 2, 3, "--shard", f"{i}/4")] for i in (1, 2, 3, 4)]
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_wrong_share_is_refused(train, arguments, text, capsys):
    with pytest.raises(SystemExit):
        planned(train, arguments, "--shard", text)
    assert "expected I/K" in capsys.readouterr().err


def test_splits_are_chosen_by_name_and_question(train, arguments):
    assert [plan.split for plan in planned(train, arguments, "--split", "RQ9_MINE_Y")] == ["RQ9_MINE_Y"]
    assert [plan.split for plan in planned(train, arguments, "--question", "RQ8")] == ["RQ8_MINE_X", "RQ8_MINE_X_R2"]
    with pytest.raises(InputError, match="--split RQ7_X: found no such split"):
        planned(train, arguments, "--split", "RQ7_X")
    with pytest.raises(InputError, match="--question RQ7: found no split of it; expected one of RQ8, RQ9"):
        planned(train, arguments, "--question", "RQ7")


def test_a_repeated_draw_is_of_the_same_condition(train, arguments):
    assert [plan.condition for plan in planned(train, arguments)] == ["RQ8_MINE_X", "RQ8_MINE_X", "RQ9_MINE_Y"]


def test_the_yaml_is_complete_and_keeps_the_recipes_comments(train, arguments):
    text = planned(train, arguments, "--split", "RQ9_MINE_Y", "--seeds", 7)[0].train_yaml()
    told = yaml.safe_load(text)
    assert told["dataset"] == "RQ9_MINE_Y"
    assert told["dataset_dir"] == "Datas"
    assert told["seed"] == told["data_seed"] == 7
    assert told["overwrite_output_dir"] is told["do_train"] is True
    assert told["output_dir"] == "Runs/RQ9_MINE_Y--tiny--seed7/trained"
    assert "cutoff_len: 128          # short" in text


@pytest.mark.parametrize("name", ["full", "lora", "demo"])
def test_our_recipes_leave_nothing_out_and_name_their_sources(name):
    recipe = recipes.read_recipe(name)
    assert recipe.options["stage"] == "sft"
    assert not set(recipe.options) & recipes.OURS
    if name != "demo":
        for key in ("learning_rate", "cutoff_len", "lr_scheduler_type"):
            line = next(line for line in recipe.text.splitlines() if line.startswith(key))
            assert re.search(r"# .*(Magicoder|WaveCoder|LLaMA-Factory)", line)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stage: [", "malformed YAML"),
        ("- a\n", "expected options of LLaMA-Factory, NAME: VALUE"),
        ("stage: sft\nfinetuning_type: lora\ntemplate: alpaca\nseed: 3\n", "found seed; a recipe leaves these"),
        ("stage: sft\nfinetuning_type: lora\n", "as template; expected"),
        ("stage: sft\nfinetuning_type: lora\ntemplate: 3\n", "found 3 as template"),
    ],
)
def test_a_recipe_that_is_none_is_refused(tmp_path, text, found):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=found):
        recipes.read_recipe(str(tmp_path / "mine.yaml"))


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(InputError, match=r"expected one of demo, .*full, lora, or a YAML file"):
        recipes.read_recipe("big")


@pytest.mark.parametrize(
    "read",
    [
        lambda folder: recipes.read_recipe(str(folder)),
        lambda folder: benchmarks.read("mine", folder),
        lambda folder: embeddings.read(folder, None),
        lambda folder: write_whole(folder, b"{}"),
    ],
)
def test_a_folder_that_a_flag_names_instead_of_a_file_is_called_one(read, tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: found a folder; expected "):
        read(tmp_path)


def test_a_dry_run_prints_commands_and_writes_nothing(train, root, arguments, capsys):
    before = sorted(root.rglob("*"))
    assert train.main([*arguments, "--dry-run", "--split", "RQ9_MINE_Y"]) == 0
    assert "llamafactory-cli train Runs/RQ9_MINE_Y--tiny--seed42/train.yaml" in capsys.readouterr().out
    assert sorted(root.rglob("*")) == before


def test_a_dry_run_prints_the_merging_where_it_is_asked_for(train, arguments, tmp_path, capsys):
    (tmp_path / "lora.yaml").write_text(RECIPE.format(kind="lora"))
    told = [*arguments[:-1], str(tmp_path / "lora.yaml"), "--dry-run", "--split", "RQ9_MINE_Y"]
    for flags, commands in (([], ["train"]), (["--merge"], ["train", "export"])):
        assert train.main([*told, *flags]) == 0
        lines = capsys.readouterr().out.splitlines()[2:]
        assert lines == [f"llamafactory-cli {one} Runs/RQ9_MINE_Y--tiny--lora--seed42/{one}.yaml" for one in commands]


@pytest.mark.parametrize("demo", [False, True])
def test_a_dry_run_needs_no_leave_to_write(train, root, arguments, demo, capsys, monkeypatch):
    """The embedded model, too, is written only where something is trained."""
    before = sorted(root.rglob("*"))
    for path in [root, *root.rglob("*")]:
        path.chmod(0o500)
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    flags = ["--root", str(root), "--demo"] if demo else arguments
    assert train.main([*flags, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("llamafactory-cli train") == 3
    assert sorted(root.rglob("*")) == before


def refuse(path, *arguments, **options):
    raise AssertionError(f"{path} was to be made")


@pytest.mark.parametrize("flags", [("--dry-run", "--check"), ("--prepare", "--check"), ("--dry-run", "--prepare")])
def test_one_place_to_stop_is_named(train, arguments, flags, capsys):
    with pytest.raises(SystemExit):
        train.main([*arguments, *flags])
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--overwrite", "--edited", "--merge"])
def test_a_check_takes_no_flag_that_it_would_not_honour(train, arguments, flag):
    with pytest.raises(InputError, match="--check: found --overwrite, --edited or --merge"):
        train.main([*arguments, "--check", flag])


def test_a_dry_run_says_what_is_there_and_what_is_made_again(train, root, arguments, capsys):
    (root / planned(train, arguments)[0].folder).mkdir(parents=True)
    (root / planned(train, arguments)[0].folder / runs.MANIFEST).write_text("{}")
    for flags, expected in (([], "there already"), (["--overwrite"], "again, 4 records")):
        assert train.main([*arguments, "--dry-run", *flags]) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("#")]
        assert [line.partition(": ")[2] for line in lines] == [expected, "4 records", "4 records"]


def test_two_runs_of_one_name_are_refused(train, root, arguments):
    with pytest.raises(InputError, match=r"found .*tiny, seed 1 and .*, two runs of the name RQ8_MINE_X--tiny"):
        planned(train, arguments, "--seeds", 1, 1)


def test_an_encoder_cannot_be_trained(root):
    with pytest.raises(InputError, match="is an encoder"):
        plans.find_base(root, "minilm", make=True)


def test_an_edited_recipe_is_neither_replaced_nor_run_unasked(train, root, arguments):
    plan = planned(train, arguments)[0]
    training.put_in_place(root, plan, overwrite=False, edited=False, merge=False)
    path = root / plan.folder / "train.yaml"
    edited = path.read_text().replace("max_steps: 3", "max_steps: 5")
    path.write_text(edited)
    with pytest.raises(InputError, match="found max_steps 5 instead of 3"):
        training.put_in_place(root, plan, overwrite=False, edited=False, merge=False)
    training.put_in_place(root, plan, overwrite=False, edited=True, merge=False)
    assert path.read_text() == edited
    training.put_in_place(root, plan, overwrite=True, edited=False, merge=False)
    assert path.read_text() == plan.train_yaml()


def test_a_dry_run_names_a_split_that_has_changed(train, root, arguments, capsys):
    plan = planned(train, arguments)[0]
    path, words = root / plan.entry["file"], [*arguments, "--dry-run", "--split", plan.split]
    content, expected = path.read_bytes(), plan.entry["sha256"]
    path.write_bytes(content[:-1] + b" ")
    found = file_sha256(path)
    with pytest.raises(
        InputError, match=rf"{path.name}: found other content .* SHA-256 {found}; expected '{expected}'"
    ):
        train.main(words)
    path.unlink()
    with pytest.raises(InputError, match=rf"{path.name}: found no such file; expected a file, as its manifest lists"):
        train.main(words)
    path.mkdir()
    with pytest.raises(InputError, match=rf"{path.name}: found a folder; expected a file, as its manifest lists"):
        train.main(words)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ({"train_loss": 0.0}, {"global_step": 0}),
        ({"train_loss": float("nan")}, {"global_step": 3}),
        ({}, {}),
        (None, {}),
    ],
)
def test_a_training_that_trained_nothing_is_a_failure(tmp_path, results, state):
    if results is not None:
        (tmp_path / "all_results.json").write_text(json.dumps(results))
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match="expected"):
        training.check_results(tmp_path)


def test_names_of_runs_are_folder_names():
    assert runs.name("S", "org/model 7B;rm -rf", 1) == "S--model-7B-rm--rf--seed1"
    assert runs.name("S", "/models/..", 1) == "S--model--seed1"
    assert runs.name("S", "m", 1, "my recipe") == "S--m--my-recipe--seed1"


@pytest.mark.parametrize(
    ("name", "demo", "label"),
    [
        (None, True, ""),
        ("demo", True, ""),
        ("demo", False, "demo"),
        ("full", False, ""),
        ("my/long.yaml", True, "long"),
    ],
)
def test_only_runs_of_another_recipe_than_the_default_bear_its_name(name, demo, label):
    assert recipes.label(name, demo=demo) == label


def test_what_another_process_has_in_work_is_left_to_it(train, root, arguments, capsys):
    plan = planned(train, arguments)[0]
    with runs.held(root, plan.name) as ours:
        assert ours
        code = (
            f"import sys; from pathlib import Path; from instruction_data.runs import runs\n"
            f"with runs.held(Path({str(root)!r}), {plan.name!r}) as ours: sys.exit(ours)"
        )
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with runs.held(root, plan.name) as ours:
        assert ours


@needs_trainer
def test_llama_factory_trains_merges_and_is_left_alone_afterwards(train, root, tiny, tmp_path, capsys):
    recipe = tmp_path / "lora.yaml"
    recipe.write_text(RECIPE.format(kind="lora") + "learning_rate: 1.0e-2\n")
    base = ["--root", str(root), "--recipe", str(recipe), "--split", "RQ9_MINE_Y"]
    broken = tmp_path / "broken"  # a model without weights: its run fails, and the other goes on
    shutil.copytree(tiny, broken)
    (broken / "model.safetensors").unlink()
    assert train.main([*base, "--model", str(broken), "--model", str(tiny)]) == 1
    said = capsys.readouterr().out
    assert "FAILED: LLaMA-Factory's train ended with status 1" in said
    assert "no file named model.safetensors" in said
    assert "trained: loss" in said
    [run] = runs.every(root)
    assert run.name == "RQ9_MINE_Y--tiny--lora--seed42"
    assert (run.examples, run.records, run.cut) == (4, 4, 4)  # a token is hardly more than a letter here
    assert run.prompt["before"].endswith("### Instruction:\n")
    assert run.results["global_step"] == 3
    assert run.versions["llamafactory"]
    assert run.folder == "Runs/RQ9_MINE_Y--tiny--lora--seed42/trained"
    assert set(run.sha256) == {"adapter_model.safetensors", "adapter_config.json"}
    runs.check_weights(root, run)

    before = (root / run.manifest).read_bytes()
    merged = root / "Runs" / run.name / "model"
    assert train.main([*base, "--model", str(tiny)]) == 0
    assert "    there already\n" in capsys.readouterr().out
    assert not merged.exists()
    assert train.main([*base, "--model", str(tiny), "--merge"]) == 0
    assert "there already, merged\n" in capsys.readouterr().out
    assert train.main([*base, "--model", str(tiny), "--merge"]) == 0
    assert "merged copy there already" in capsys.readouterr().out
    assert (root / run.manifest).read_bytes() == before
    assert not list(merged.parent.glob(".*"))

    texts = [alternatives("def add(first, second):", "\n    return first + second"), alternatives("0123", "456789")]
    adapted, of_merged, untrained = (
        LanguageModel(source, "cpu").log_likelihoods(1, 128).compute(texts)["log_likelihood"]
        for source in (sources.trained(root, run), models.find(str(merged)), sources.untrained(root, run))
    )
    assert np.abs(adapted - of_merged).max() < 1e-4
    assert np.abs(adapted - untrained).min() > 1e-2

    recipe.write_text(recipe.read_text().replace("max_steps: 3", "max_steps: 4"))
    assert train.main([*base, "--model", str(tiny)]) == 1
    assert "found max_steps 3 instead of 4" in capsys.readouterr().out


def test_a_run_of_the_first_form_is_finished_whatever_it_was_merged_with(train, root, arguments):
    """Its manifest describes the merged copy and holds the configuration of the merging."""
    plan = planned(train, arguments)[0]
    training.put_in_place(root, plan, overwrite=False, edited=False, merge=False)
    folder = tiny_model.write(root / plan.folder / "model")
    known = {"question": "RQ8", "pool": "mine", "split": plan.split, "condition": plan.condition, "seed": plan.seed}
    known |= {"split_sha256": plan.entry["sha256"], "model": plan.base.source.identity, "name": plan.name}
    known |= {"records": 4, "examples": 4, "cut": 0, "results": {}, "versions": {}}
    recipe = {"train.yaml": yaml.safe_load(plan.train_yaml()), "export.yaml": {"template": "alpaca"}}
    weights = {"model.safetensors": file_sha256(folder / "model.safetensors")}
    prompt = {"before": "", "after": ""}
    runs.write(root, Run(**known, recipe=recipe, prompt=prompt, folder=f"{plan.folder}/model", sha256=weights))
    assert training.finished(root, plan)
    assert sources.trained(root, next(runs.every(root))).location == str(folder)


def test_a_whole_model_has_nothing_to_merge(train, arguments):
    with pytest.raises(InputError, match=r"--merge: found finetuning_type full in full\.yaml; expected lora or oft"):
        train.main([*arguments, "--merge"])


@needs_trainer
def test_llama_factory_reads_every_record_of_every_split(train, root, arguments, capsys):
    assert train.main([*arguments, "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = {line.split()[0]: line.split()[1:3] for line in lines if line.startswith("RQ")}
    splits = manifests.all_splits(root)
    assert counts == {name: [str(split["records"])] * 2 for name, split in splits.items()}
