"""The five scripts as their users run them: on a small demo root with the real embedded models."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas
import pytest
from tests.support.needs import needs_torch
from tests.support.scripts import CODE, SCRIPTS, load_script, numbered, run_script

from instruction_data.demo import demo_root
from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.language_model import LanguageModel
from instruction_data.publish import manifests, verify

MODEL_SCRIPTS = SCRIPTS[1:4]
DRAWING = (SCRIPTS[0], SCRIPTS[4])


def splits_of(root, question, pool):
    folder = root / "Datas" / question / pool
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("RQ*.json") if "manifest" not in path.name}


def scores_of(root, question, pool):
    return pandas.read_parquet(root / "Datas" / question / pool / f"{question}_{pool}_scores.parquet")


def records_of(root, pool):
    """The pool's records in Alpaca form, read without the package."""
    fields = {"OSS": ("oss", "problem", "solution"), "EVOL": ("evol", "instruction", "response")}
    name, instruction, output = fields[pool]
    lines = (root / f"Datas/data-{name}_instruct-decontaminated.jsonl").read_text().splitlines()
    records = map(json.loads, lines)
    return [{"instruction": one[instruction], "input": "", "output": one[output]} for one in records]


@pytest.fixture(scope="module")
def done(small_demo):
    """The demo root after all five scripts."""
    for name in SCRIPTS:
        assert load_script(name).main(["--demo", "--root", str(small_demo)]) == 0
    return small_demo


def test_all_36_splits_are_there_registered_and_verified(done):
    splits = manifests.all_splits(done)
    per_question = {
        question: sum(name.startswith(question) for name in splits) for question in ("RQ1", "RQ2", "RQ3", "RQ4")
    }
    assert per_question == {"RQ1": 14, "RQ2": 6, "RQ3": 6, "RQ4": 10}
    assert verify.verify(done) == []
    registered = json.loads((done / "Datas/dataset_info.json").read_text())
    assert set(registered) == set(splits)
    for entry in registered.values():
        assert (done / "Datas" / entry["file_name"]).is_file()


@pytest.mark.parametrize("pool", ["OSS", "EVOL"])
def test_every_split_holds_records_of_its_pools_and_nothing_else(done, pool):
    code = {json.dumps(record) for record in records_of(done, pool)}
    math = {record["output"] for record in json.loads((done / "Datas/MathInstruct.json").read_text())}
    for question in ("RQ1", "RQ2", "RQ3", "RQ4"):
        for name, split in splits_of(done, question, pool).items():
            for record in split:
                assert list(record) == ["instruction", "input", "output"]
            foreign = [record for record in split if json.dumps(record) not in code]
            expected = (
                {"97_3": 1, "9_1": 4, "7_3": 12}.get("_".join(name.split("_")[3:5]), 0) if question == "RQ1" else 0
            )
            assert len(foreign) == expected, name
            if "MATH" in name:
                assert all(record["output"] in math for record in foreign)
                assert split[len(split) - expected :] == foreign  # code first


@pytest.mark.parametrize("pool", ["OSS", "EVOL"])
def test_diversity_tiers_are_those_of_the_exhaustive_matrix(done, pool):
    """From the texts again: sentence-transformers alone, all n × n cosines, numpy's percentiles."""
    from sentence_transformers import SentenceTransformer

    records = records_of(done, pool)
    encoder = SentenceTransformer(models.find("minilm").location, device="cpu")
    vectors = encoder.encode([record["output"] for record in records], convert_to_numpy=True).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = (vectors @ vectors.T).mean(axis=1)
    low, high = np.percentile(similarity, [33, 66])
    expected = {
        "HIGH": [record for record, value in zip(records, similarity, strict=True) if value <= low],
        "MEDIUM": [record for record, value in zip(records, similarity, strict=True) if low < value <= high],
        "LOW": [record for record, value in zip(records, similarity, strict=True) if value > high],
    }
    assert splits_of(done, "RQ2", pool) == {f"RQ2_{pool}_DIVERSITY_{tier}": part for tier, part in expected.items()}
    assert scores_of(done, "RQ2", pool)["similarity"].to_numpy() == pytest.approx(similarity, abs=1e-5)


@pytest.mark.parametrize("pool", ["OSS", "EVOL"])
def test_complexity_tiers_follow_from_the_scores_table(done, pool):
    table = scores_of(done, "RQ3", pool)
    logits = table[[f"logit_{digit}" for digit in range(1, 7)]].to_numpy(dtype=float)
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    score = weights @ [1, 2, 3, 4, 5, 6]
    assert table["score"].to_numpy() == pytest.approx(score, abs=1e-5)
    scaled = [(v - v.min()) / (v.max() - v.min()) for v in (table["score"], table["perplexity"])]
    assert table["complexity"].to_numpy() == pytest.approx((scaled[0] + scaled[1]).to_numpy())
    order = sorted(range(len(table)), key=lambda row: (table["complexity"][row], row))
    records = records_of(done, pool)
    n = len(records)
    cut = [order[: n // 3], order[n // 3 : 2 * n // 3], order[2 * n // 3 :]]
    names = [f"RQ3_{pool}_{tier}" for tier in ("SIMPLE", "MODERATE", "COMPLEX")]
    assert splits_of(done, "RQ3", pool) == {
        name: [records[row] for row in part] for name, part in zip(names, cut, strict=True)
    }


@pytest.mark.parametrize("pool", ["OSS", "EVOL"])
def test_categories_and_their_shares(done, pool):
    lines = (done / f"Code/RQ4/{pool.lower()}_instruct_with_category.jsonl").read_text().splitlines()
    categories = [json.loads(line) for line in lines]
    records = records_of(done, pool)
    assert [line["instruction"] for line in categories] == [record["instruction"] for record in records]
    assert [line["row"] for line in categories] == list(range(len(records)))
    table = pandas.read_parquet(done / f"Code/RQ4/{pool.lower()}_category_similarities.parquet")
    own = ["pool", "row", "record_sha256", "category", "category_similarity", "category_margin"]
    assert list(table.columns[:6]) == own
    ten = table.drop(columns=own)
    assert ten.shape[1] == 10
    assigned = [line["assigned_category"] for line in categories]
    assert ten.idxmax(axis=1).tolist() == table["category"].tolist() == assigned
    two = np.sort(ten.to_numpy(), axis=1)[:, -2:]
    assert table["category_margin"].to_numpy() == pytest.approx(two[:, 1] - two[:, 0])
    algorithmic = {"Algorithmic & Data Structure", "Mathematical & Computational"}
    kind = {line["instruction"]: line["assigned_category"] in algorithmic for line in categories}
    splits = splits_of(done, "RQ4", pool)
    total = len(splits[f"RQ4_{pool}_ALG_0"])
    assert total == min(sum(kind.values()), len(kind) - sum(kind.values()))
    for share in (0, 25, 50, 75, 100):
        split = splits[f"RQ4_{pool}_ALG_{share}"]
        assert len(split) == total == len({record["instruction"] for record in split})
        assert sum(kind[record["instruction"]] for record in split) == total * share // 100


def test_the_confusion_table_is_published_beside_the_manifest(done):
    table = pandas.read_csv(done / "Code/RQ4/oss_category_confusion.csv", index_col=0)
    labels = json.loads((done / "Datas/demo_labels.json").read_text())["oss"]
    assert table.to_numpy().sum() == sum(one["category"] is not None for one in labels)
    manifest = manifests.read(done / "Code/RQ4/oss_instruct_with_category_manifest.json")
    assert "Code/RQ4/oss_category_confusion.csv" in manifest["files"]


def test_scores_and_categories_are_those_of_the_texts(done, smollm2):
    """From the texts again, one at a time, with the study's prompts and transformers alone."""
    import torch
    from sentence_transformers import SentenceTransformer

    model, tokenizer = smollm2._network.model, smollm2._tokenizer
    table = scores_of(done, "RQ3", "OSS")
    records = records_of(done, "OSS")
    for row in (0, 7, 23):
        text = records[row]["instruction"]
        prompt = (
            "You are a helpful assistant. Please identify the complexity score of the following programming problem."
            f"\n##Problem: {text}\n##Complexity: "
        )
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])
        with torch.inference_mode():
            logits = model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1].double()
            loss = model(input_ids=ids, labels=ids).loss.item()
        digits = torch.softmax(logits[[tokenizer.convert_tokens_to_ids(digit) for digit in "123456"]], 0)
        assert table["score"][row] == pytest.approx(float(digits @ torch.arange(1.0, 7.0).double()), abs=1e-4)
        assert np.log(table["perplexity"][row]) == pytest.approx(loss, abs=5e-4)

    encoder = SentenceTransformer(models.find("minilm").location, device="cpu")
    similarities = pandas.read_parquet(done / "Code/RQ4/oss_category_similarities.parquet")
    names = list(similarities.columns[6:])
    topics = encoder.encode([f"Represent the topic for coding category:{name}" for name in names])
    prompt = "Represent coding category of the programming task:"
    texts = encoder.encode([prompt + record["instruction"] for record in records])
    cosines = (texts @ topics.T) / np.outer(np.linalg.norm(texts, axis=1), np.linalg.norm(topics, axis=1))
    assert similarities[names].to_numpy() == pytest.approx(cosines, abs=1e-5)


def tree(root):
    kept = [path for folder in ("Datas", "Code") for path in (root / folder).rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def test_the_same_commands_in_another_root_give_the_same_bytes(done, tmp_path):
    """Another folder, an empty cache, other processes, other folders to run from, another order of pools."""
    demo_root.build(tmp_path, records=40, others=60)
    for name in (SCRIPTS[0], SCRIPTS[1], SCRIPTS[3], SCRIPTS[4]):
        result = run_script(name, "--demo", "--root", tmp_path, "--pool", "evol", "--pool", "oss", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    registry = {"Datas/dataset_info.json", "Datas/README.md"}  # without RQ3 they are shorter here
    expected = {path: digest for path, digest in tree(done).items() if "RQ3" not in path and path not in registry}
    assert {path: digest for path, digest in tree(tmp_path).items() if path not in registry} == expected


def test_complexity_twice_with_and_without_its_cache(done, rq3, tmp_path):
    demo_root.build(tmp_path, records=40, others=60)
    arguments = ["--demo", "--root", str(tmp_path), "--pool", "oss", "--measure", "sum"]
    assert rq3.main(arguments) == 0
    again = tree(tmp_path)
    assert again["Datas/RQ3/OSS/RQ3_OSS_scores.parquet"] == tree(done)["Datas/RQ3/OSS/RQ3_OSS_scores.parquet"]
    assert rq3.main(arguments) == 0
    assert tree(tmp_path) == again


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_quick_and_dry_runs_write_nothing(name, small_demo, tmp_path):
    began = time.monotonic()
    result = run_script(name, "--help")
    seconds = time.monotonic() - began
    assert result.returncode == 0
    for flag in ("--demo", "--pool", "--seed", "--generation", "--limit", "--dry-run", "--overwrite", "--root"):
        assert flag in result.stdout
    assert ("--repeats" in result.stdout) == (name in DRAWING)
    assert f"python Code/{name}" in result.stdout
    imported = run_python("import sys, runpy; sys.argv = ['x', '--help']", name)
    assert not imported & {"torch", "transformers", "sentence_transformers", "datasets", "pandas", "pyarrow", "ray"}
    assert seconds < 20  # on any machine; what keeps it under a second is the line above

    demo_root.build(tmp_path, records=10, others=10)
    before = tree(tmp_path)
    result = run_script(name, "--demo", "--root", tmp_path, "--dry-run")
    if name == SCRIPTS[4]:  # which cannot be planned without the categories
        assert (result.returncode, "run Code/RQ4/task_category.py first" in result.stderr) == (1, True)
    else:
        assert result.returncode == 0, result.stderr
    assert "would read   Datas/data-oss_instruct-decontaminated.jsonl: 10 records" in result.stdout
    assert tree(tmp_path) == before


def run_python(prelude, name):
    """Names of the modules loaded after a script was run with the prelude's arguments."""
    code = f"""{prelude}
try:
    runpy.run_path({str(CODE / name)!r}, run_name='__main__')
except SystemExit:
    pass
print('LOADED', *{{module.split('.')[0] for module in sys.modules}})"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return set(result.stdout.split("LOADED")[1].split())


@pytest.mark.parametrize("name", SCRIPTS)
def test_on_a_fresh_clone_the_pointers_are_named(name, tmp_path):
    root = CODE.parent
    for pool in ("data-oss_instruct-decontaminated.jsonl", "MathInstruct.json", "alpaca.jsonl"):
        (tmp_path / "Datas").mkdir(exist_ok=True)
        (tmp_path / "Datas" / pool).write_bytes((root / "Datas" / pool).read_bytes()[:200])
    model = ["--model", "smollm2" if "RQ3" in name else "minilm"] if name in MODEL_SCRIPTS else []
    result = run_script(name, "--root", tmp_path, "--pool", "oss", *model)
    assert result.returncode == 1
    assert "found a Git LFS pointer" in result.stderr
    assert "Traceback" not in result.stderr
    dry = run_script(name, "--root", tmp_path, "--pool", "oss", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "75,197 records by its data card; the content is NOT HERE yet" in dry.stdout


def test_a_dry_run_of_the_demo_makes_not_even_its_pools(tmp_path):
    result = run_script(SCRIPTS[1], "--demo", "--root", tmp_path / "new", "--dry-run")
    assert result.returncode == 0
    assert "would first make the demo's pools" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_splits_say_which_models_made_their_categories(done):
    manifest = manifests.read(done / "Datas/RQ4/OSS/RQ4_OSS_manifest.json")
    assert manifest["models"]["instruction"]["model"] == "all-MiniLM-L6-v2"
    assert list(manifest["inputs"]) == ["Code/RQ4/oss_instruct_with_category.jsonl"]


def test_dry_run_of_the_study_gives_its_counts(rq1, tmp_path, capsys):
    (tmp_path / "Datas").mkdir()
    rq1.main(["--root", str(tmp_path), "--dry-run", "--pool", "oss"])
    planned = dict(re.findall(r"(RQ1_OSS_\w+)\.json: about ([\d,]+) records", capsys.readouterr().out))
    assert planned["RQ1_OSS_CODE_10_0"] == "75,197"
    assert planned["RQ1_OSS_MATH_9_1"] == f"{67_677 + 7_519:,}"


def test_a_pool_of_ones_own_goes_through_all_five(tmp_path, write_pool, capsys):
    words = ["sorting", "hashing", "SQL query", "web page", "matrix"] * 8
    own = [{"question": f"Write a {word} function {i}.", "answer": f"def f{i}(): pass"} for i, word in enumerate(words)]
    path = write_pool(own, "elsewhere/own.jsonl")
    demo_root.build(tmp_path, records=10, others=60)
    common = [
        "--demo",
        "--root",
        str(tmp_path),
        "--pool",
        f"own={path}",
        "--fields",
        "instruction=question,output=answer",
    ]
    for name in SCRIPTS:
        assert load_script(name).main(common) == 0, name
    splits = manifests.all_splits(tmp_path)
    assert len(splits) == 7 + 3 + 3 + 5
    assert all(name.split("_")[1] == "OWN" for name in splits)
    assert verify.verify(tmp_path) == []
    assert (
        "instruction=question,output=answer"
        in manifests.read(tmp_path / "Datas/RQ2/OWN/RQ2_OWN_manifest.json")["command"]
    )


def test_flags_reach_both_texts_and_both_model_families(rq2, small_demo, tmp_path, capsys):
    demo_root.build(tmp_path, records=12, others=10)
    root = ["--root", str(tmp_path), "--pool", "oss", "--overwrite"]
    rq2.main([*root, "--text", "instruction", "--model", "minilm", "--tiers", "count"])
    first = manifests.read(tmp_path / "Datas/RQ2/OSS/RQ2_OSS_manifest.json")
    assert first["models"]["encoder"]["prompt"] == "Represent the programming task:"
    texts = [f"Represent the programming task:{record['instruction']}" for record in records_of(tmp_path, "OSS")]
    vectors = Encoder(models.find("minilm"), device="cpu").feature.compute(texts)["vectors"]
    expected = (vectors @ vectors.T).mean(axis=1)  # this model's vectors have length 1
    assert scores_of(tmp_path, "RQ2", "OSS")["similarity"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert [split["records"] for split in first["splits"].values()] == [4, 4, 4]
    rq2.main([*root, "--model", "smollm2", "--limit", "5"])
    second = manifests.read(tmp_path / "Datas/RQ2/OSS/RQ2_OSS_manifest.json")
    assert second["models"]["encoder"]["model"].startswith("SmolLM2")
    assert second["models"]["encoder"]["prompt"] == ""
    assert second["pools"]["oss"]["records"] == 5


def test_a_model_that_fails_on_a_record_stops_the_run_or_marks_it(rq3, tmp_path, write_pool, monkeypatch, smollm2):
    write_pool(numbered(9))
    real = LanguageModel._batch_perplexity
    monkeypatch.setattr(
        LanguageModel,
        "_batch_perplexity",
        lambda self, batch: real(self, batch) * [1, *[np.nan] * (len(batch) - 1)],
    )
    arguments = ["--root", str(tmp_path), "--pool", f"own={tmp_path}/Datas/mine.jsonl", "--model", "smollm2"]
    with pytest.raises(InputError, match="the model gave no usable number for 8 records"):
        rq3.main([*arguments, "--measure", "perplexity"])
    assert rq3.main([*arguments, "--measure", "perplexity", "--skip-failed"]) == 0
    table = scores_of(tmp_path, "RQ3", "OWN")
    assert table["complexity"].isna().sum() == table["tier"].isna().sum() == 8
    assert sum(len(split) for split in splits_of(tmp_path, "RQ3", "OWN").values()) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        (SCRIPTS[0], ["--pool", "oss", "--pool", "oss"], "pool 'oss' is given twice"),
        (SCRIPTS[0], ["--pool", "math"], "pool 'math': found it as code and as another domain"),
        (SCRIPTS[0], ["--pool", "oss", "--other", "OSS=x.json"], "pool 'oss': found it as code and as another domain"),
        (SCRIPTS[0], ["--pool", "nope"], "--pool nope: no such pool"),
        (SCRIPTS[0], ["--pool", "oss", "--fields", "output=x"], "--fields: found no --pool NAME=PATH"),
        (SCRIPTS[4], ["--pool", "oss"], "run Code/RQ4/task_category.py"),
    ],
)
def test_what_makes_no_sense_is_refused(name, arguments, error, tmp_path):
    demo_root.build(tmp_path, records=10, others=10)
    with pytest.raises(InputError, match=re.escape(error)):
        load_script(name).main(["--root", str(tmp_path), *arguments])


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in DRAWING])
def test_what_draws_nothing_takes_no_repeats(name):
    with pytest.raises(SystemExit):
        load_script(name).main(["--demo", "--repeats", "2"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--limit", "0"],
        ["--seed", "9" * 20],
        ["--repeats", "x"],
        ["--fields", "colour=x"],
        ["--fields", "output"],
        ["--root", ""],
    ],
)
def test_flags_of_the_wrong_form_are_usage_errors(arguments):
    result = run_script(SCRIPTS[0], *arguments)
    assert result.returncode == 2
    assert "expected" in result.stderr


def test_a_root_that_is_not_there(tmp_path):
    result = run_script(SCRIPTS[0], "--root", tmp_path / "nowhere")
    assert result.returncode == 1
    assert result.stderr.startswith("error: --root")


@needs_torch
def test_ctrl_c_leaves_no_half_file_and_the_next_run_goes_on(small_demo, tmp_path):
    demo_root.build(tmp_path, records=300, others=10)
    words = [sys.executable, str(CODE / SCRIPTS[1]), "--demo", "--root", str(tmp_path), "--pool", "oss"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shards = tmp_path / ".cache" / "features"
    while process.poll() is None and not (shards.exists() and any(shards.glob("*/*.safetensors"))):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from there" in stderr
    assert "Traceback" not in stderr
    assert not list((tmp_path / "Datas").glob("RQ2/*/*"))
    kept = {path: path.stat().st_mtime_ns for path in shards.glob("*/*.safetensors")}
    assert 0 < len(kept) < 5
    assert not list(shards.rglob("*.tmp"))
    assert subprocess.run(words, capture_output=True).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert verify.verify(tmp_path) == []


def test_a_designed_experiment_takes_the_numbers_of_the_other_scripts(done, tmp_path):
    root = shutil.copytree(done, tmp_path / "root")
    words = ["--demo", "--root", str(root), "--pool", "oss"]
    assert load_script("annotate/text_measures.py").main([*words, "--tokenizer", "minilm"]) == 0
    factors = ["--factors", "diversity", "complexity", "length", "--size", "6"]
    assert load_script("derive/factorial_design.py").main([*words, *factors]) == 0
    manifest = manifests.read(root / "Datas/RQ5/OSS/RQ5_OSS_manifest.json")
    assert set(manifest["inputs"]) == {
        "Datas/RQ2/OSS/RQ2_OSS_scores.parquet",
        "Datas/RQ3/OSS/RQ3_OSS_scores.parquet",
        "Datas/Numbers/OSS/OSS_texts.parquet",
    }
    assert all(one["difference"] >= 0.5 for one in manifest["settings"]["design"]["factors"].values())
    assert all(one["within"] < 0.1 for one in manifest["settings"]["design"]["factors"].values())
    assert verify.verify(root) == []
