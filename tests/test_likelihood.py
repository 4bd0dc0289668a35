"""Bits per byte of gold solutions and pairs, from a run of a tiny model to a comparison with the untrained one."""

import gc
import json
import math
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
from tests.support import finished_run, tiny_model
from tests.support.needs import needs_sandbox
from tests.support.scripts import load_script

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256
from instruction_data.numbers import models, network
from instruction_data.numbers.network import loaded_network, loaded_tokenizer
from instruction_data.outcomes import gold, outcomes, twins
from instruction_data.outcomes.gold import Gold
from instruction_data.runs import runs, sources


@pytest.fixture
def likelihood():
    return load_script("evaluation/likelihood.py")


@pytest.fixture
def root(tmp_path):
    """A study root with a run that changed one weight of its base model."""
    import torch
    import transformers

    base = tiny_model.write(tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    name = runs.name("RQ9_MINE_X", "base", 1)
    folder = tiny_model.write(tmp_path / "Runs" / name / "model")
    model.save_pretrained(folder)
    identity = models.find(str(base)).identity
    finished_run.write(tmp_path, folder, model=identity, recipe={"model_name_or_path": "base"}, name=name)
    return tmp_path


@pytest.fixture
def adapted(root):
    """The study root, whose run left an adapter without a merged copy; the merged model lies in ``merged``."""
    [run] = runs.every(root)
    folder = tiny_model.write_adapter(root / "base", root / "Runs" / run.name / "trained")
    tiny_model.write_merged(root / "base", folder, root / "merged")
    shutil.rmtree(root / run.folder)
    files = {name: file_sha256(folder / name) for name in ("adapter_model.safetensors", "adapter_config.json")}
    runs.write(root, replace(run, folder=folder.relative_to(root).as_posix(), sha256=files))
    return root


def plain(folder):
    """Return the model and the tokenizer in a folder."""
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def bits_by_transformers(model, tokenizer, context, solution):
    """Return the bits of one solution, from one plain call of the model."""
    import torch

    known = len(tokenizer(context.rstrip())["input_ids"])
    ids = tokenizer(context + solution, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logs = model(ids).logits[0].double().log_softmax(-1)
    nats = -sum(logs[place - 1, ids[0, place]].item() for place in range(known, ids.shape[1]))
    return nats / math.log(2)


def check_against_transformers(outcome, model, problems, broken):
    """Compare an outcome's numbers with those of plain calls, for problems and their twins."""
    numbers = {}
    for one in problems:
        right, *wrong = [bits_by_transformers(*model, one.context, text) for text in (one.solution, *broken.of(one.id))]
        numbers[one.id] = {
            "gold_bpb": right / len(one.solution.encode()),
            "pairs": sum(bits > right for bits in wrong) / max(len(wrong), 1),
            "pairs_margin": sum(bits - right for bits in wrong) / max(len(wrong), 1),
        }
        assert wrong
    assert outcome.problems.keys() == numbers.keys()
    for name, [value] in outcome.problems.items():
        assert value == pytest.approx(numbers[name][outcome.metric.name], abs=1e-4)


def test_scores_by_hand(likelihood):
    problems = [Gold("a", "", "four"), Gold("b", "", "né"), Gold("c", "", "x")]
    alike = {"a": ["for"], "b": [], "c": ["y", "z"]}
    nats = np.log([[1 / 256, 1 / 512, np.nan], [1 / 8, np.nan, np.nan], [1 / 4, 1 / 2, 1 / 64]])
    found = {metric.name: numbers for metric, numbers in likelihood.scores(problems, alike, nats).items()}
    assert found["gold_bpb"] == pytest.approx({"a": 2, "b": 1, "c": 2})
    assert found["pairs"] == {"a": 1, "c": 0.5}
    assert found["pairs_margin"] == pytest.approx({"a": 1, "c": 1.5})
    nats[2, 1] = np.nan
    with pytest.raises(InputError, match="--max-length"):
        likelihood.scores(problems, alike, nats)


def test_a_run_and_its_untrained_model_are_scored_as_transformers_does_and_compared(likelihood, root, capsys):
    assert likelihood.main(["--root", str(root), "--limit", "3"]) == 0
    found = {one.split: one for _, one in outcomes.every(root)}
    assert list(found) == ["RQ9_MINE_UNTRAINED", "RQ9_MINE_X"]
    before = "### Instruction:\nComplete the following code.\n\n### Response:\n"
    folders = {"RQ9_MINE_UNTRAINED": root / "base", "RQ9_MINE_X": root / found["RQ9_MINE_X"].files.popitem()[0]}
    folders["RQ9_MINE_X"] = folders["RQ9_MINE_X"].parent / "model"
    for split, outcome in found.items():
        model = plain(folders[split])
        for one in gold.load("humaneval", 3):
            expected = bits_by_transformers(*model, before + one.context, one.solution)
            assert outcome.problems[one.id] == pytest.approx([expected / len(one.solution.encode())], rel=1e-5)
    assert found["RQ9_MINE_UNTRAINED"].mean != pytest.approx(found["RQ9_MINE_X"].mean, rel=1e-3)
    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    assert "RQ9_MINE_UNTRAINED" in (root / "Results" / "comparison.md").read_text()
    assert "pairs of gold solutions and broken twins need --allow-code-execution" in capsys.readouterr().out


@needs_sandbox
def test_pairs_are_those_of_transformers_and_are_compared(likelihood, root, capsys):
    words = ["--root", str(root), "--limit", "3", "--prompt", "bare", "--twins", "2"]
    allowed = [*words, "--allow-code-execution"]
    assert likelihood.main(words) == 0
    assert {one.metric.name for _, one in outcomes.every(root)} == {"gold_bpb"}
    assert likelihood.main([*allowed, "--dry-run"]) == 0
    assert "and execute edited solutions of humaneval to find twins" in capsys.readouterr().out
    assert likelihood.main(allowed) == 0
    problems = gold.load("humaneval", 3)
    broken = twins.find(root, "humaneval", problems, 2)
    run = next(runs.every(root))
    folders = {"RQ9_MINE_UNTRAINED": root / "base", run.split: root / run.folder}
    found = [one for _, one in outcomes.every(root)]
    assert len(found) == 6
    for one in found:
        check_against_transformers(one, plain(folders[one.split]), problems, broken)
    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    table = (root / "Results" / "comparison.md").read_text()
    assert all(f"humaneval, {name}" in table for name in ("gold_bpb", "pairs", "pairs_margin"))
    capsys.readouterr()
    assert likelihood.main([*allowed, "--dry-run"]) == 0
    assert "there already, gold_bpb" in capsys.readouterr().out
    assert likelihood.main([*allowed[:-2], "1", allowed[-1]]) == 1
    assert "found an outcome with other twins, twins_sha256" in capsys.readouterr().out


@needs_sandbox
def test_pairs_of_the_embedded_model_are_those_of_transformers(likelihood, root):
    source, run = models.find("smollm2"), next(runs.every(root))
    words = ["--prompt", "bare", "--limit", "2", "--allow-code-execution"]
    scorer = likelihood.Likelihood(root, likelihood.parser().parse_args(words))
    scorer.prepare()
    model = loaded_network(source, "cpu", "float32").model, loaded_tokenizer(source)
    for one in scorer.found(run, "humaneval", source):
        outcome = outcomes.of_run(root, run, **one)
        check_against_transformers(outcome, model, gold.load("humaneval", 2), scorer.twins["humaneval"])


def test_a_run_without_its_merged_copy_is_scored_as_the_merged_model(likelihood, adapted):
    assert likelihood.main(["--root", str(adapted), "--limit", "3", "--prompt", "bare"]) == 0
    found = {one.split: one for _, one in outcomes.every(adapted)}
    merged = plain(adapted / "merged")
    for one in gold.load("humaneval", 3):
        expected = bits_by_transformers(*merged, one.context, one.solution) / len(one.solution.encode())
        assert found["RQ9_MINE_X"].problems[one.id] == pytest.approx([expected], rel=1e-5)
        assert found["RQ9_MINE_UNTRAINED"].problems[one.id] != pytest.approx([expected], rel=1e-3)


def test_the_identity_of_an_adapted_model_is_that_of_its_base_and_of_its_adapter(adapted):
    [run] = runs.every(adapted)
    base, first = sources.untrained(adapted, run), sources.trained(adapted, run)
    assert first.identity == base.identity | {"adapter": first.adapter_sha256}
    config = adapted / run.folder / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 80', '"lora_alpha": 90'))
    assert sources.trained(adapted, run).identity != first.identity
    with pytest.raises(InputError, match=r"adapter_config.json: found other weights"):
        runs.check_weights(adapted, run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target_modules": ["q_proj", "up_proj"]}, "missing adapter keys"),
        ({"peft_type": "NONE"}, "NONE"),
        ({"r": 3}, ""),
    ],
)
def test_an_adapter_that_is_not_of_its_base_is_refused(adapted, change, said):
    [run] = runs.every(adapted)
    config = adapted / run.folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(InputError, match=f"found an adapter that cannot be put on base .*{said}"):
        network.loaded_network(sources.trained(adapted, run), "cpu", "float32")


def test_one_network_is_held_at_a_time(root):
    models_of_run = [models.find(str(root / "base")), sources.trained(root, next(runs.every(root)))]
    first = network.loaded_network(models_of_run[0], "cpu", "float32")
    assert network.loaded_network(models_of_run[0], "cpu", "float32") is first
    held = weakref.ref(first.model)
    del first
    network.loaded_network(models_of_run[1], "cpu", "float32")
    gc.collect()
    assert held() is None


def test_nothing_is_computed_twice(likelihood, root, capsys, monkeypatch):
    words = ["--root", str(root), "--limit", "2", "--prompt", "bare"]
    assert likelihood.main(words) == 0
    monkeypatch.setattr("instruction_data.numbers.language_model.loaded_network", None)
    assert likelihood.main(words) == 0
    assert "there already: gold_bpb" in capsys.readouterr().out


def test_another_base_model_is_refused(root):
    run = next(runs.every(root))
    (root / "base" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="another model than"):
        sources.untrained(root, run)


def test_an_unknown_task_is_named(likelihood, root, capsys):
    assert likelihood.main(["--root", str(root), "--task", "chess"]) == 1
    assert "expected one of humaneval" in capsys.readouterr().out
