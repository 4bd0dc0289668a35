"""A new question and a new measure are one file each: both examples added to a study root, and read everywhere."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas
import pytest
from tests.support.roots import copy_pools, example, place_example
from tests.support.scripts import load_script

from instruction_data.measures import confounds
from instruction_data.publish import __main__ as publish
from instruction_data.publish import manifests, verify

ENDS_OF_LENGTH = {"RQ6_OSS_SHORT", "RQ6_OSS_LONG"}
LENGTHS = ("words", "instruction_characters", "instruction_tokens")
TITLE = "instruction length"


def scores_of_a_judge(root: Path) -> dict[int, float]:
    """Give half points that follow no property that is measured; one record gets none."""
    count = len((root / "Datas/data-oss_instruct-decontaminated.jsonl").read_text().splitlines())
    return {row: 1 + (row * 7 % 9) / 2 for row in range(count) if row != 3}


@pytest.fixture(scope="module")
def root(small_demo, tmp_path_factory) -> Path:
    """A root with the new question's splits, the judge's scores, profiles and the page."""
    root = copy_pools(small_demo, tmp_path_factory.mktemp("one_file"))
    demo = ["--demo", "--root", str(root)]
    assert place_example("instruction_length.py", root, "Code/RQ6").main(demo) == 0
    with open(root / "judge.csv", "w", newline="") as file:
        csv.writer(file).writerows([("row", "score"), *scores_of_a_judge(root).items()])
    judge = place_example("judge.py", root, "Code")
    assert judge.main([*demo, "--pool", "oss", "--csv", str(root / "judge.csv")]) == 0
    assert load_script("report/profile_splits.py").main([*demo, "--tokenizer", "minilm"]) == 0
    assert load_script("report/report.py").main([*demo, "--output", str(root / "page.html")]) == 0
    return root


def document(root: Path, name: str) -> dict:
    return json.loads((root / "Profiles" / f"{name}.json").read_text())


@pytest.mark.parametrize(("name", "most"), [("instruction_length.py", 50), ("judge.py", 35)])
def test_the_examples_are_short(name, most):
    assert len(example(name).splitlines()) < most


# ---------------------------------------------------------------- a question


def test_the_question_is_published_as_it_declares_itself(root):
    manifest = manifests.read(root / "Datas/RQ6/OSS/RQ6_OSS_manifest.json")
    assert manifest["question"] == "RQ6"
    assert manifest["about"]["title"] == TITLE
    assert manifest["about"]["varies"] == [TITLE]
    (contrast,) = manifest["contrasts"]
    assert contrast["doses"] == {"RQ6_OSS_SHORT": 0.0, "RQ6_OSS_LONG": 1.0}
    pool = [json.loads(line)["problem"].split() for line in (root / next(iter(pools(manifest)))).open()]
    short, _, long = (
        [len(record["instruction"].split()) for record in json.loads((root / split["file"]).read_text())]
        for split in manifest["splits"].values()
    )
    assert short + long == sorted(map(len, pool))[:13] + sorted(map(len, pool))[26:]
    assert verify.verify(root) == []


def pools(manifest: dict) -> list[str]:
    return [entry["path"] for entry in manifest["pools"].values()]


def test_length_is_what_its_splits_differ_in_by_design(root):
    for found in (document(root, "confounds")["sets"][f"RQ6_{pool}"] for pool in ("OSS", "EVOL")):
        assert {name for name in found["by_design"] if name in LENGTHS} == set(LENGTHS)
        for one in found["differences"] + found["correlations"]:
            assert one["by_design"] == (one["measure"] in LENGTHS), one["measure"]
        ends = [one for one in found["differences"] if {one["a"], one["b"]} == set(found["extremes"])]
        apart = {one["measure"]: abs(one["difference"]) for one in ends if one["difference"] is not None}
        assert min(apart[name] for name in LENGTHS) > confounds.LARGE_DIFFERENCE  # it would be warned of
        assert not [sentence for sentence in found["warnings"] if TITLE in sentence]


def test_the_page_shows_it_under_its_title(root):
    page = (root / "page.html").read_text()
    assert re.search(rf"<h2[^>]*>RQ6\W+{TITLE}</h2>\s*<p>Is it merely length that matters\?</p>", page)
    (row,) = re.findall(rf"<tr><th[^>]*>RQ6\W+{TITLE} · oss</th>(.*?)</tr>", page, re.DOTALL)
    made_to_differ, besides = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[:2]
    assert "words" in made_to_differ
    assert "output length" in besides and TITLE not in besides


def test_it_has_controls_that_match_the_rest_and_not_its_length(root, capsys):
    controls = load_script("derive/control_splits.py")
    demo = ["--demo", "--root", str(root), "--pool", "oss"]
    assert controls.main([*demo, "--question", "RQ6", "--match", "length", "language", "words"]) == 0
    made = [name for name in manifests.all_splits(root) if name.endswith(("_RANDOM", "_MATCHED"))]
    tiers = ("SHORT", "MIDDLE", "LONG")
    assert sorted(made) == sorted(f"RQ6_OSS_{tier}_{kind}" for tier in tiers for kind in ("RANDOM", "MATCHED"))
    manifest = manifests.read(root / "Datas/RQ6/OSS/RQ6_OSS_LONG_MATCHED_manifest.json")
    assert manifest["settings"]["matched_on"] == {"oss": ["length", "language"]}  # words are what it varies
    assert "pool 'oss': matched on length, language (not on category)" in capsys.readouterr().out
    assert verify.verify(root) == []


# ---------------------------------------------------------------- a measure


def test_the_judges_scores_are_published_with_what_they_are(root, capsys):
    manifest = manifests.read(root / "Datas/Numbers/OSS/OSS_judge_manifest.json")
    (entry,) = manifest["files"].values()
    assert entry["columns"] == {
        "judge": {
            "label": "judge's score",
            "unit": "1 to 5",
            "scale": "linear",
            "kind": "number",
            "trait": "judge's score",
            "made_by": "a judge",
        }
    }
    table = pandas.read_parquet(root / "Datas/Numbers/OSS/OSS_judge.parquet")
    expected = scores_of_a_judge(root)
    assert table["row"].tolist() == list(range(len(table)))
    assert np.isnan(table["judge"][3])
    assert table["judge"].drop(3).tolist() == [expected[row] for row in range(len(table)) if row != 3]
    assert publish.main(["verify", str(root)]) == 0
    assert publish.main(["show", "--root", str(root)]) == 0
    assert "RQ6_OSS_LONG" in capsys.readouterr().out


def test_a_changed_table_of_scores_is_noticed(root, capsys):
    path = root / "Datas/Numbers/OSS/OSS_judge.parquet"
    content = path.read_bytes()
    try:
        path.write_bytes(content + b" ")
        assert publish.main(["verify", str(root)]) == 1
        assert "differs     Datas/Numbers/OSS/OSS_judge.parquet" in capsys.readouterr().out
        path.with_name("OSS_other.parquet").write_bytes(content)
        assert publish.main(["verify", str(root)]) == 1
        assert "not listed  Datas/Numbers/OSS/OSS_other.parquet" in capsys.readouterr().out
    finally:
        path.write_bytes(content)
        path.with_name("OSS_other.parquet").unlink(missing_ok=True)


def test_profiles_and_confounds_find_the_judge(root):
    found = document(root, "profiles")
    manifest = manifests.read(root / "Datas/Numbers/OSS/OSS_judge_manifest.json")
    declared = manifest["files"]["Datas/Numbers/OSS/OSS_judge.parquet"]["columns"]["judge"]
    assert found["measures"]["judge"].items() >= declared.items()
    scores = scores_of_a_judge(root)
    expected = {}
    pool = [json.loads(line) for line in (root / "Datas/data-oss_instruct-decontaminated.jsonl").open()]
    row_of = {(entry["problem"], entry["solution"]): row for row, entry in enumerate(pool)}
    for tier in ("SHORT", "LONG"):
        records = json.loads((root / f"Datas/RQ6/OSS/RQ6_OSS_{tier}.json").read_text())
        rows = [row_of[record["instruction"], record["output"]] for record in records]
        expected[tier] = np.array([scores[row] for row in rows if row in scores])
        mean = found["splits"][f"RQ6_OSS_{tier}"]["distributions"]["judge"]["mean"]
        assert mean == pytest.approx(expected[tier].mean())
    compared = document(root, "confounds")["sets"]["RQ6_OSS"]
    judged = [one for one in compared["differences"] if one["measure"] == "judge"]
    (one,) = [one for one in judged if {one["a"], one["b"]} == ENDS_OF_LENGTH]
    low, high = (expected[one[end].removeprefix("RQ6_OSS_")] for end in ("a", "b"))
    d = (low.mean() - high.mean()) / np.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2)
    assert one["difference"] == pytest.approx(d)
    assert one["label"].startswith("judge's score") and not one["by_design"]
    assert "judge" not in {one["measure"] for one in document(root, "confounds")["sets"]["RQ6_EVOL"]["differences"]}


def test_controls_match_on_the_judge(root):
    controls = load_script("derive/control_splits.py")
    words = ["--split", "RQ6_OSS_MIDDLE", "--control", "matched", "--match", "judge", "--length-bins", "2"]
    assert controls.main(["--demo", "--root", str(root), *words, "--overwrite"]) == 0
    path = root / "Datas/RQ6/OSS/RQ6_OSS_MIDDLE_MATCHED_manifest.json"
    manifest = manifests.read(path)
    assert manifest["settings"]["matched_on"] == {"oss": ["judge"]}
    assert "Datas/Numbers/OSS/OSS_judge.parquet" in manifest["inputs"]
    values = pandas.read_parquet(root / "Datas/Numbers/OSS/OSS_judge.parquet")["judge"]
    above = np.where(values.isna(), 2, values > values.median())
    counts = {}
    for file, name in (("RQ6_OSS", "RQ6_OSS_MIDDLE"), ("RQ6_OSS_MIDDLE_MATCHED", "RQ6_OSS_MIDDLE_MATCHED")):
        table = pandas.read_parquet(root / f"Datas/RQ6/OSS/{file}_scores.parquet")
        counts[name] = np.bincount(above[table["row"][table[name].notna()]], minlength=3).tolist()
    assert counts["RQ6_OSS_MIDDLE"] == counts["RQ6_OSS_MIDDLE_MATCHED"]
    again = shlex.split(manifest["command"])[2:]
    assert controls.main(["--demo", "--root", str(root), *again]) == 0  # the same, so nothing is refused
    assert manifests.read(path)["splits"] == manifest["splits"]
