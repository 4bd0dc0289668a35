"""Benchmarks in training data: both rules against slow ways, planted problems, and splits cleaned of them."""

import csv
import gzip
import json
import random

import numpy as np
import pytest
from tests.support.scripts import load_script, run_script

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks, leakage
from instruction_data.measures.benchmarks import Benchmark
from instruction_data.measures.leakage import GramIndex
from instruction_data.pools.records import Record
from instruction_data.publish import inventory, manifests, verify

REPORT, CLEAN = "report/contamination.py", "derive/decontaminated_splits.py"
PROMPT = '''def spread(values, width):
    """ Return the widest spread of any window of the given width in a list of values. """
'''
SOLUTION = """    best = 0
    for start in range(len(values) - width + 1):
        window = values[start:start + width]
        best = max(best, max(window) - min(window))
    return best
"""


def made_benchmark(**changes) -> Benchmark:
    parts = {"ids": ("P/0", "P/1"), "prompts": (PROMPT, "Say hello."), "solutions": (SOLUTION, "return x + y")}
    parts |= {"name": "made", "file": "made.jsonl", "sha256": "", "fields": {}} | changes
    return Benchmark(**parts)


def slow_overlap(record: str, problem: str, padded: bool) -> float | None:
    """|G(r) ∩ G(t)| / |G(t)| by sets of tuples, as XCoder's script has it."""

    def grams(text: str) -> set[tuple[str, ...]]:
        found = set()
        for size in (4, 5):
            pad = size - 1 if padded else 0
            tokens = ["<start>"] * pad + text.split() + ["<end>"] * pad
            found |= {tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)}
        return found

    theirs = grams(problem)
    return len(grams(record) & theirs) / len(theirs) if theirs else None


@pytest.mark.parametrize("padded", [True, False])
def test_overlaps_are_those_of_sets_of_tuples(padded):
    draw = random.Random(0)
    words = ["a", "b", "c", "<start>", "<end>", "é", "unknown"]
    problems = [" ".join(draw.choices(words[:6], k=draw.randrange(0, 14))) for _ in range(25)]
    texts = [" ".join(draw.choices(words, k=draw.randrange(0, 30))) for _ in range(120)] + problems[:3]
    found = GramIndex(problems, padded).overlaps(texts)
    table = np.zeros((len(texts), len(problems)))
    table[found.records, found.problems] = found.shares
    expected = [[slow_overlap(text, problem, padded) for problem in problems] for text in texts]
    assert table == pytest.approx(np.array([[share or 0 for share in row] for row in expected]))
    measured = [share is not None for share in expected[0]]
    assert found.measured.tolist() == measured
    indicator, greatest, _ = found.indicator(np.ones(len(texts), dtype=bool))
    assert indicator == pytest.approx(table.max(axis=0)[measured].mean())
    assert greatest == table.max()
    shares, best = found.of_records(len(texts))
    assert shares == pytest.approx(table.max(axis=1))
    assert [table[row, best[row]] for row in np.flatnonzero(best >= 0)] == pytest.approx(shares[best >= 0])


def test_overlaps_in_several_batches_are_those_of_one(monkeypatch):
    texts = [f"one two three four five {number} six seven eight nine" for number in range(7)]
    whole = GramIndex(texts[:2], True).overlaps(texts)
    monkeypatch.setattr(leakage, "BATCH", 3)
    parts = GramIndex(texts[:2], True).overlaps(texts)
    assert (whole.records.tolist(), whole.shares.tolist()) == (parts.records.tolist(), parts.shares.tolist())


def test_the_substring_rule_finds_docstrings_and_solutions_whatever_their_case():
    records = [
        Record("Return the widest spread of ANY window of the given width in a list of values.", "", "x"),
        Record("x", "", "Here:\n" + PROMPT + SOLUTION),
        Record("x", "Say", "hello."),  # fields are joined by an empty line, so this is not "Say hello."
        Record("say HELLO. please", "", "x"),
        Record("add", "", "return x + y"),  # too common to count
    ]
    hits = leakage.substring_hits(records, made_benchmark())
    assert list(zip(hits.records.tolist(), hits.problems.tolist(), hits.kinds, strict=True)) == [
        (0, 0, "docstring"),
        (1, 0, "solution"),
        (1, 0, "docstring"),
        (3, 1, "docstring"),
    ]


def test_a_docstring_is_the_last_one_of_a_prompt():
    assert benchmarks.docstring('def f():\n    """ one """\ndef g():\n    """two\n"""') == "two"
    assert benchmarks.docstring("def f():\n    '''one'''") == "one"
    assert benchmarks.docstring(' Write it. """') == 'Write it. """'


def test_humaneval_by_another_way():
    """On the benchmark's own package: a record that is a problem overlaps it wholly, and its solution is found."""
    found = benchmarks.humaneval()
    assert found is not None and len(found) == 164
    record = Record(found.prompts[3], "", found.solutions[3])
    findings = leakage.look_for(found, [Record("a b", "", "c"), record])
    shares, problems = findings.leakage
    assert (shares[1], problems[1], findings.hit.tolist()) == (1.0, 3, [False, True])
    expected = np.mean([slow_overlap(record.instruction, prompt, True) for prompt in found.prompts])
    assert findings.summary(np.array([1]))["tli"]["mean"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        (b'{"q": "x"}\n', None, "expected those of HumanEval or MBPP"),
        (b'{"text": "x", "code": 3}\n', None, "expected Unicode text"),
        (b'[{"text": "x", "code": "\\ud800"}]', None, "expected valid Unicode text"),
        (b'{"text": "x", "code": "y"}\n{"text"\n', None, "mbpp.jsonl:2"),
        (b'{"text": "x"}\n', {"prompt": "body"}, "in 'body'"),
        (b"", None, "empty file"),
    ],
)
def test_an_unusable_benchmark_says_why(tmp_path, content, fields, message):
    path = tmp_path / "mbpp.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        benchmarks.read("MBPP", path, fields)


def test_mbpp_is_known_by_its_fields(tmp_path):
    path = tmp_path / "mbpp.jsonl.gz"
    rows = [{"task_id": 11, "text": "Remove the first and last occurrence.", "code": "def f():\r\n    pass", "n": 1}]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    found = benchmarks.read("MBPP", path)
    assert (found.ids, found.prompts, found.solutions) == (
        ("11",),
        ("Remove the first and last occurrence.",),
        ("def f():\r\n    pass",),
    )


@pytest.mark.parametrize("flag", ["MBPP", "=x", "MBPP="])
def test_a_malformed_flag_says_what_it_is_to_be(flag):
    with pytest.raises(InputError, match="NAME=FILE"):
        benchmarks.chosen([flag], [])


def test_fields_of_a_benchmark_that_is_not_given():
    with pytest.raises(InputError, match="expected one of --benchmark"):
        benchmarks.chosen([], ["MBPP:prompt=text"])


@pytest.fixture
def workspace(tmp_path, write_pool):
    """A root with a composition of a code pool and another, in which two problems are planted, and the benchmark."""
    draw = random.Random(1)
    records = [
        {"instruction": f"Write {number}: {draw.random()}", "input": "", "output": f"print({number})"}
        for number in range(30)
    ]
    records[4]["instruction"] = (
        "Do this. Return the widest spread of any window of the given width in a list of values."
    )
    records[7]["output"] = f"\x1b[2J```python\n{PROMPT}{SOLUTION}```"
    records[9]["instruction"] = "\x1b[31m" + " ".join(PROMPT.split()[:12])
    write_pool(records)
    other = [{"instruction": f"What is {n} + {n}?", "output": str(2 * n)} for n in range(60)]
    write_pool(other, "Datas/other.jsonl")
    write_pool([{"task": PROMPT, "answer": SOLUTION}, {"task": "Say hello to them all.", "answer": ""}], "bench.jsonl")
    composed = run_script(
        "RQ1/domain_composition.py",
        *("--root", tmp_path, "--pool", f"mine={tmp_path}/Datas/mine.jsonl"),
        *("--other", f"math={tmp_path}/Datas/other.jsonl"),
    )
    assert composed.returncode == 0, composed.stderr
    return tmp_path


def flags(root) -> list:
    benchmark = f"made={root}/bench.jsonl"
    return ["--root", root, "--benchmark", benchmark, "--benchmark-fields", "made:prompt=task,solution=answer"]


def test_planted_problems_are_shown_and_removed(workspace):
    result = run_script(REPORT, *flags(workspace))
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    assert not list(workspace.glob("Datas/RQ1/MINE/*CLEAN*"))  # a report publishes nothing
    document = json.loads((workspace / "Profiles" / "contamination.json").read_bytes())
    found = document["splits"]["RQ1_MINE_CODE_10_0"]["made"]
    assert found["substring"]["records"] == 2
    assert [one["position"] for one in found["worst"][:3]] == [7, 4, 9] or {
        one["position"] for one in found["worst"][:3]
    } == {4, 7, 9}
    assert found["tli"]["max"] > 0.3 and found["tli_record"]["max"] > 0.9
    assert "\x1b" not in json.dumps(found["worst"], ensure_ascii=False)

    result = run_script(CLEAN, *flags(workspace), "--split", "RQ1_MINE_CODE_10_0")
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    clean = json.loads((workspace / "Datas/RQ1/MINE/RQ1_MINE_CODE_10_0_CLEAN.json").read_bytes())
    dirty = json.loads((workspace / "Datas/RQ1/MINE/RQ1_MINE_CODE_10_0.json").read_bytes())
    assert clean == [record for place, record in enumerate(dirty) if place not in (4, 7, 9)]
    with open(workspace / "Datas/RQ1/MINE/RQ1_MINE_CODE_10_0_CLEAN_removed.csv") as file:
        reasons = {int(row["position"]): row["rule"] for row in csv.DictReader(file)}
    assert reasons == {4: "substring: docstring", 7: "substring: docstring", 9: "tli"} or reasons == {
        4: "substring: docstring",
        7: "substring: solution",
        9: "tli",
    }
    assert verify.verify(workspace) == []
    manifest = manifests.read(workspace / "Datas/RQ1/MINE/RQ1_MINE_CODE_10_0_CLEAN_manifest.json")
    assert list(manifest["inputs"]) == ["Datas/RQ1/MINE/RQ1_MINE_CODE_10_0.json"]
    assert str(workspace) not in json.dumps(manifest)
    assert "RQ1_MINE_CODE_10_0_CLEAN" in json.loads((workspace / "Datas/dataset_info.json").read_bytes())


def test_a_mixed_split_keeps_its_order_and_sources(workspace):
    name = next(name for name in manifests.all_splits(workspace) if "MATH_7_3" in name)
    for _ in range(2):  # the second run finds the same bytes, and the cleaned set among the others
        result = run_script(CLEAN, *flags(workspace), "--split", name, "--rules", "substring")
        assert result.returncode == 0, result.stderr
    split = manifests.all_splits(workspace)[name]
    clean = manifests.all_splits(workspace)[f"{name}_CLEAN"]
    dirty = json.loads((workspace / split["file"]).read_bytes())
    kept = json.loads((workspace / clean["file"]).read_bytes())
    places = [dirty.index(record) for record in kept]
    assert places == sorted(places)
    assert clean["sources"]["math"] == split["sources"]["math"]
    assert len(dirty) - len(kept) == clean["summary"]["removed"]


def test_a_pool_that_has_changed_since_is_named(workspace):
    pool = workspace / "Datas/mine.jsonl"
    pool.write_bytes(pool.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"mine\.jsonl: found the pool 'mine' with SHA-256 .* lists all that differs"):
        inventory.read(workspace)
    pool.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n")
    assert inventory.read(workspace).sets


def test_no_record_left_is_an_error(workspace):
    result = run_script(CLEAN, *flags(workspace), "--split", "RQ1_NOT_THERE")
    assert result.returncode == 1
    assert result.stderr.startswith("error: --split 'RQ1_NOT_THERE'")


def test_an_unusable_threshold_is_refused():
    with pytest.raises(SystemExit):
        load_script(CLEAN).main(["--threshold", "0"])
