"""Profiles and confounds: measures by hand, planted duplicates and length bias, hostile text, the demo's own models."""

import contextlib
import csv
import io
import json
import random

import numpy as np
import pytest
from tests.support.scripts import load_script, run_script
from tests.support.texts import words
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.pools import reading
from instruction_data.pools.table import Pool
from instruction_data.publish import inventory, verify
from instruction_data.publish.question import Question, Trend
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split

SCRIPT = "report/profile_splits.py"
HOSTILE = [
    "\x00",
    "\x1b[2J\x1b]0;x\x07",
    "<script>alert(1)</script></style>",
    "=HYPERLINK(1)",
    "```python\n" + "(" * 50_000,
    "```python\n" + "-" * 50_000 + "1\n```",
    "```python\n" + "\n".join(" " * depth + "if x:" for depth in range(500)) + "\n```",
    "```py\nx = '\x00'\n```",
    "```\n```",
    "``````",
    "```no-such-language\nprint(1)\n```",
    "\u202e\ufeff\U0001f40d" * 50,
    " \n\t",
    "a" * 100_000,
    "`" * 5000,
    "```" + "a" * 50_000,
    "\n" * 50_000 + "select " * 10_000,
    "; " * 50_000 + "x",
]


PROBLEM = "Find the second largest of the sums of all neighbours in a ring of integers."


def publish_tiers(root, records: list[dict], property_: list[float]) -> None:
    """Three tiers of a pool by a property, as a question's script publishes them."""
    path = root / "Datas" / "mine.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    workspace = opened(root)
    read = reading.read(Pool("mine", "Datas/mine.jsonl"), root, skip_bad=True)
    values = np.array(property_, dtype=np.float64)[: len(read)]
    order = np.array_split(np.argsort(values, kind="stable"), 3)
    made = [
        Split(f"RQ9_MINE_{tier}", [(read, part)], {"mean": values[part].mean()})
        for tier, part in zip(("A", "B", "C"), order, strict=True)
    ]
    question = Question("RQ9", contrast=Trend("mean"))
    workspace.begin(question, [read], {}).splits(made, [Column("charm", values)])


def planted_pool() -> tuple[list[dict], list[float]]:
    """90 records; the third highest in the property far longer; two exact, three near duplicates in the lowest."""
    records, values = [], []
    for number in range(90):
        length = 100 if number >= 60 else 20
        records.append(
            {
                "instruction": f"{words(20, number)} {number}",
                "output": f"```python\nx = '{words(length, -number)}'\n```",
            }
        )
        values.append(number + random.Random(number).random())
    records[1] = dict(records[0])
    records[3] = dict(records[2])
    for number in (5, 6, 7):
        records[number] = {**records[4], "instruction": records[4]["instruction"] + f" changed{number}"}
    records[20]["instruction"] = f"Please: {PROBLEM.upper()}"
    records[10]["output"] = "```python\ndef broken(:\n```"
    return records, values


@pytest.fixture(scope="module")
def script():
    """The script as a module, shared so that its tokenizer is loaded once."""
    return load_script(SCRIPT)


def flags(root) -> list[str]:
    benchmark = ["--benchmark", f"made={root / 'made.jsonl'}"]
    return ["--root", str(root), "--model", "minilm", "--sample", "20", "--device", "cpu", *benchmark]


@pytest.fixture(scope="module")
def planted(tmp_path_factory, script):
    """A root with planted faults, profiled with the embedded models: root, what was printed."""
    root = tmp_path_factory.mktemp("planted")
    publish_tiers(root, *planted_pool())
    (root / "made.jsonl").write_text(json.dumps({"task_id": 7, "text": PROBLEM, "code": "return 1 if x else 2"}) + "\n")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert script.main(flags(root)) == 0
    return root, printed.getvalue()


def read_json(root, name: str) -> dict:
    return json.loads((root / "Profiles" / f"{name}.json").read_bytes())


def test_planted_duplicates_show(planted):
    found = read_json(planted[0], "profiles")["splits"]
    assert found["RQ9_MINE_A"]["duplicates"] == {
        "exact": 2,
        "near": 3,
        "exact_share": pytest.approx(2 / 30),
        "near_share": pytest.approx(3 / 30),
    }
    assert found["RQ9_MINE_C"]["duplicates"]["exact"] == found["RQ9_MINE_C"]["duplicates"]["near"] == 0


def test_a_planted_problem_shows(planted):
    found = read_json(planted[0], "profiles")
    hits = {name: split["contamination"]["made"]["records"] for name, split in found["splits"].items()}
    assert hits == {"RQ9_MINE_A": 1, "RQ9_MINE_B": 0, "RQ9_MINE_C": 0}
    assert found["benchmarks"]["made"]["problems"] == 1


def test_planted_length_bias_is_a_warning(planted):
    root, printed = planted
    found = read_json(root, "confounds")["sets"]["RQ9_MINE"]
    assert found["extremes"] == ["RQ9_MINE_A", "RQ9_MINE_C"]
    assert any("output length (tokens)" in sentence and "RQ9_MINE_C" in sentence for sentence in found["warnings"])
    assert any(sentence.startswith("Charm rises with output length") for sentence in found["warnings"])
    assert all(sentence in printed for sentence in found["warnings"])
    compared = {
        (one["a"], one["b"], one["measure"]): one
        for one in found["differences"]
        if one["measure"] == "output_characters"
    }
    lengths = [len(record["output"]) for record in planted_pool()[0]]
    one = compared["RQ9_MINE_A", "RQ9_MINE_C", "output_characters"]
    a, b = np.array(lengths[:30]), np.array(lengths[60:])
    expected = (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    assert one["difference"] == pytest.approx(expected)
    assert one["large"] and not one["by_design"]


def test_what_a_profile_says_of_a_split(planted):
    root, _ = planted
    document = read_json(root, "profiles")
    found = document["splits"]["RQ9_MINE_A"]
    records = planted_pool()[0][:30]
    characters = found["distributions"]["instruction_characters"]
    assert characters["mean"] == pytest.approx(np.mean([len(record["instruction"]) for record in records]))
    assert sum(characters["counts"]) == characters["n"] == 30
    assert len(document["measures"]["instruction_characters"]["edges"]) == len(characters["counts"]) + 1
    assert found["languages"] == {"Python": 30}
    assert found["language_from"] == {"label": 30}
    assert found["python"] == {"records": 30, "compilable": 29, "share": pytest.approx(29 / 30)}
    assert found["diversity"]["sample"] == document["splits"]["RQ9_MINE_C"]["diversity"]["sample"] == 20
    assert document["overlap"]["jaccard"][0] == [1, 0, 0]
    assert document["pools"]["mine"]["records"] == 90
    assert document["tokenizer"]["model"] == "SmolLM2-135M-Instruct Q4_1"
    assert list(document["manifests"]) == ["Datas/RQ9/MINE/RQ9_MINE_manifest.json"]
    with open(root / "Profiles" / "profiles.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows] == ["RQ9_MINE_A", "RQ9_MINE_B", "RQ9_MINE_C"]


def test_the_same_run_twice_is_the_same_bytes(planted, script):
    root, _ = planted
    before = {path.name: path.read_bytes() for path in (root / "Profiles").iterdir()}
    assert script.main(flags(root)) == 0
    assert {path.name: path.read_bytes() for path in (root / "Profiles").iterdir()} == before
    assert not any(str(root).encode() in content for content in before.values())
    assert verify.verify(root) == []


def test_hostile_text_does_not_crash(tmp_path, capsys, script):
    records = [{"instruction": text or "x", "output": text} for text in HOSTILE * 2]
    records += [
        {"instruction": f"{text} {words(5, text)}", "output": words(5, number)} for number, text in enumerate(HOSTILE)
    ]
    publish_tiers(tmp_path, records, list(range(len(records))))
    assert script.main(["--root", str(tmp_path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    found = read_json(tmp_path, "profiles")
    assert found["splits"]["RQ9_MINE_A"]["diversity"] is None
    assert any("--model" in note for note in found["notes"])


def test_a_pool_outside_the_root_is_profiled_from_its_splits(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    records, values = planted_pool()
    publish_tiers(root, records, values)
    (root / "Datas" / "mine.jsonl").unlink()
    found = inventory.read(root)
    assert found.known.all()
    assert found.record(found.pools["mine"][5]).instruction == records[5]["instruction"]


@pytest.mark.parametrize("pool_here", [True, False])
def test_a_changed_split_is_refused(pool_here, tmp_path):
    """Even where its texts are known from the pool."""
    publish_tiers(tmp_path, *planted_pool())
    if not pool_here:
        (tmp_path / "Datas" / "mine.jsonl").unlink()
    (tmp_path / "Datas/RQ9/MINE/RQ9_MINE_B.json").write_text("[]")
    with pytest.raises(InputError, match="other content than its manifest says"):
        inventory.read(tmp_path)


def test_no_split_is_an_error(tmp_path, capsys):
    (tmp_path / "Datas").mkdir()
    result = run_script(SCRIPT, "--root", tmp_path)
    assert result.returncode == 1
    assert "found no published split" in result.stderr
