"""Profiles and confounds: measures by hand, planted duplicates and length bias, hostile text, the demo's own models."""

import contextlib
import csv
import io
import json
import random

import numpy as np
import pytest
from tests.support.scripts import load_script, run_script

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.measures import confounds, duplicates, languages, profiles
from instruction_data.measures.confounds import Measure
from instruction_data.pools import reading
from instruction_data.pools.table import Pool
from instruction_data.publish import inventory, verify
from instruction_data.publish.split import Split
from instruction_data.workspace import Workspace

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


def study_of(root) -> Workspace:
    """A study root as the scripts see it, without one of them."""
    (root / "Datas").mkdir(exist_ok=True)
    parser = cli.parser("A script.\n\nMore.")
    return Workspace(root, parser.parse_args([]), "Code/RQ9/script.py", parser)


def publish_tiers(root, records: list[dict], property_: list[float], question: str = "RQ9") -> None:
    """Three tiers of a pool by a property, as a question's script publishes them."""
    path = root / "Datas" / "mine.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    workspace = study_of(root)
    read = reading.read(Pool("mine", "Datas/mine.jsonl"), root, skip_bad=True)
    values = np.array(property_, dtype=np.float64)[: len(read)]
    order = np.array_split(np.argsort(values, kind="stable"), 3)
    made = [
        Split(f"{question}_MINE_{tier}", [(read, part)], {"mean": values[part].mean()})
        for tier, part in zip(("A", "B", "C"), order, strict=True)
    ]
    workspace.begin(question, [read], {}).splits(made, {"charm": values})


def words(n: int, seed: object) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choice(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")) for _ in range(n))


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


def test_a_changed_split_is_refused(tmp_path):
    publish_tiers(tmp_path, *planted_pool())
    (tmp_path / "Datas" / "mine.jsonl").unlink()
    (tmp_path / "Datas/RQ9/MINE/RQ9_MINE_B.json").write_text("[]")
    with pytest.raises(InputError, match="other content than its manifest says"):
        inventory.read(tmp_path)


def test_no_split_is_an_error(tmp_path, capsys):
    (tmp_path / "Datas").mkdir()
    result = run_script(SCRIPT, "--root", tmp_path)
    assert result.returncode == 1
    assert "found no published split" in result.stderr


@pytest.mark.parametrize(
    ("output", "language"),
    [
        ("```py\nprint(1)\n```", "Python"),
        ("Text.\n```c++\nint x;\n```\nand\n```python\nprint('the longer one')\n```", "Python"),
        ("```C#\nint x;\n```", "C#"),
        ("```sh\nls\n```", "Bash"),
        ("```text\nhello\n```", "none"),
        ("The answer is 5.", "none"),
        ('#include <stdio.h>\nint main(void) {\n  printf("%d", 1);\n  return 0;\n}\n', "C"),
        ("```\nimport os\n\ndef names(folder):\n    return sorted(os.listdir(folder))\n```", "Python"),
        ("```python\nno end", "Python"),
        ("", "none"),
    ],
)
def test_languages(tmp_path, output, language):
    assert languages.languages([output], tmp_path)[0] == [language]


@pytest.mark.parametrize("code", ["return 1", "x = \x00", "(" * 100_000, "def f(:", "\ud800", "a" * 2_000_000])
def test_what_does_not_compile(code):
    assert not languages.compiles(code)


def test_what_compiles_is_not_run_and_not_warned_of(tmp_path, recwarn):
    assert languages.compiles(f"open({str(tmp_path / 'made')!r}, 'w')\nx = '\\d' is 'y'")
    assert list(tmp_path.iterdir()) == [] and not recwarn.list


def test_near_duplicates_are_those_of_all_pairs():
    draw = random.Random(3)
    base = [words(60, number) + f" {number}" for number in range(30)]
    texts = list(base)
    for text in base[:15]:
        changed = text.split()
        changed[draw.randrange(len(changed))] = "other"
        texts.append(" ".join(changed).upper())
    texts += ["", " \n", "short", "short"]
    sets = [duplicates.shingles(text) for text in texts]
    pairs = {
        (one, other)
        for one in range(len(texts))
        for other in range(one)
        if duplicates.jaccard(sets[one], sets[other]) >= duplicates.THRESHOLD
    }
    groups = duplicates.groups(len(texts), texts.__getitem__)
    assert len(pairs) == 16
    assert {(one, other) for one in range(len(texts)) for other in range(one) if groups[one] == groups[other]} == pairs


def test_nearest_distances_and_diversity_by_hand(monkeypatch):
    monkeypatch.setattr(profiles, "BLOCK", 2)
    vectors = np.array([[1, 0], [2, 0], [0, 3], [1, 1], [0, 0]], dtype=np.float32)
    half = 1 - np.sqrt(0.5)
    figures, distances = profiles.diversity(vectors)
    assert distances == pytest.approx([0, 0, half, half], abs=1e-6)
    assert figures["sample"] == 4  # that without direction is left out
    cosines = [1, 0, np.sqrt(0.5), 0, np.sqrt(0.5), np.sqrt(0.5)]
    assert figures["mean_pairwise_similarity"] == pytest.approx(np.mean(cosines), abs=1e-6)


def test_standardised_differences_by_hand():
    a, b = np.array([1.0, 2, 3]), np.array([2.0, 4, 6])
    assert confounds.standardised_difference(a, b) == pytest.approx(-2 / np.sqrt((1 + 4) / 2))
    assert confounds.standardised_difference(a * 0, b * 0) == 0
    assert confounds.standardised_difference(a * 0 + 1, b * 0) is None
    assert confounds.standard_error(0, 100, 100) == pytest.approx(np.sqrt(0.02))


def test_what_is_meant_to_differ_is_no_warning():
    values = np.arange(60, dtype=np.float64)
    members = {"LOW": np.arange(30), "HIGH": np.arange(30, 60)}
    measures = {"a": Measure("the one", values), "b": Measure("the other", values * 2)}
    found = list(confounds.differences(members, measures, ("LOW", "HIGH"), {"a": "by it"}))
    related = list(confounds.correlations(np.arange(60), {"a": values}, measures, {"a": "by it"}))
    sentences = confounds.warnings(found, related, ("LOW", "HIGH"))
    assert len(sentences) == 2 and all("the other" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ({"X": {"m": 2}, "Y": {"m": 1}, "Z": {"m": 3}}, ("Y", "Z")),
        ({"X": {"m": 2}, "Y": {"n": 1}}, None),
        ({"X": {"m": 2}, "Y": {}}, None),
        ({"X": {"m": 2}, "Y": {"m": 2}}, None),
        ({"X": {"m": 2}}, None),
    ],
)
def test_the_extremes_are_by_the_figure_that_tells_splits_apart(summaries, expected):
    assert confounds.extremes(summaries) == expected


def test_the_overlap_of_splits_is_what_they_share_of_what_either_has():
    parts = [np.array([1, 2, 3]), np.array([2, 3, 4, 5]), np.array([9])]
    assert profiles.jaccard_matrix(parts) == pytest.approx(np.array([[1, 0.4, 0], [0.4, 1, 0], [0, 0, 1]]))
