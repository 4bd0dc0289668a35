"""Verdicts: planted outcomes with known truth, through the script that compares."""

import numpy as np
import orjson
import pytest
from tests.support.scripts import load_script
from tests.test_contrasts import BITS, ENDS, study

from instruction_data.answer import verdicts
from instruction_data.files import documents
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.publish.question import Question

NAMES = {"LOW": "RQ2_OSS_DIVERSITY_LOW", "HIGH": "RQ2_OSS_DIVERSITY_HIGH"}


@pytest.fixture(scope="module")
def compare():
    return load_script("evaluation/compare.py")


def manifest(root, stem, splits, *, question="RQ2", contrasts=(), settings=None):
    """Write the manifest of a set, as far as a comparison reads it."""
    folder = f"Datas/{question}/OSS"
    entries = {
        name: {"file": f"{folder}/{name}.json", "sha256": "0", "records": 9, "sources": {"oss": 9}, "summary": {}}
        for name in splits
    }
    document = {"format": 2, "question": question, "about": Question(question).about, "pool": "oss", "command": "x"}
    document |= {"pools": {}, "inputs": {}, "settings": settings or {}, "models": {}, "splits": entries, "files": {}}
    place = root / folder / f"{stem}_manifest.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(orjson.dumps(document | {"contrasts": list(contrasts)}))


def declare(root, doses, kind, question="RQ2", controls=("random", "matched"), label="HIGH minus LOW"):
    contrast = {"label": label, "kind": kind, "doses": doses}
    manifest(root, f"{question}_OSS", doses, question=question, contrasts=[contrast])
    for split in doses:
        for control in controls:
            stem = f"{split}_{control.upper()}"
            settings = {"control": control, "split": split}
            settings |= {"matched_on": {"oss": ["length", "language"]}} if control == "matched" else {}
            splits = [stem, f"{stem}_R2", f"{stem}_R3"]
            manifest(root, stem, splits, question=question, settings=settings)


def plant(root, found, metric, names=NAMES, question="RQ2"):
    """Write an outcome of every run; ``found`` is a study."""
    for short, (values, draws) in found.items():
        split = next(short.replace(one, name, 1) for one, name in names.items() if short.startswith(one))
        for number, (row, draw) in enumerate(zip(values, draws, strict=True)):
            seed = draws[:number].count(draw) + 1
            about = {"question": question, "pool": "oss", "split": draw.replace(short, split), "condition": split}
            about |= {"run": f"{draw.replace(short, split)}--m--seed{seed}", "model": "m", "seed": seed}
            about |= {"harness": "bits", "task": "humaneval", "settings": {}, "reported": {}, "versions": {}}
            problems = {f"P/{place}": np.atleast_1d(one).tolist() for place, one in enumerate(row)}
            outcomes.write(root, Outcome(**about, problems=problems, files={}, metric=Metric(**metric)))
    return root


def answer(compare, root):
    assert compare.main(["--root", str(root)]) == 0
    return documents.read_derived(root / "Results/comparison.json", "compare.py")["primary"]


QUIET = {"seed": 0.001, "draw": 0.001, "crossed": 0.004}
PLANTED = {  # what was planted in bits per byte -> the verdict
    verdicts.NO_LARGER: {"seed": 0.0005, "draw": 0.0005},
    verdicts.BEYOND: {"effect": -0.02},
    verdicts.GOES_WITH: {"length": -0.03},
    verdicts.CANNOT: {"seed": 0.02, "draw": 0.02},
}
SAID = {
    verdicts.NO_LARGER: "HIGH minus LOW has no effect larger than 0.",
    verdicts.BEYOND: "HIGH minus LOW is supported, beyond length and language: ",
    verdicts.GOES_WITH: "HIGH minus LOW is supported, but it goes with length and language, not told apart from them",
    verdicts.CANNOT: "HIGH minus LOW cannot be told by this design: it misses one effect in five of ",
}


@pytest.mark.parametrize("expected", PLANTED)
def test_a_planted_truth_gets_its_verdict(compare, tmp_path, expected, capsys):
    declare(tmp_path, {NAMES[end]: dose for end, dose in ENDS.items()}, "ends")
    found = answer(compare, plant(tmp_path, study(np.random.default_rng(4), ENDS, **QUIET | PLANTED[expected]), BITS))
    (verdict,), (row,) = found["verdicts"], found["contrasts"]
    assert verdict["kind"] == row["verdict"] == expected
    assert SAID[expected] in verdict["sentence"]
    assert verdict["sentence"].startswith("RQ2, pool oss, m, 2 seeds: on 164 problems of humaneval, gold_bpb, ")
    assert "% of bits per byte" in verdict["sentence"]
    assert row["floor"]["pairs"] == 6
    assert row["intervals_over"] == "problems, draws and seeds"
    assert verdict["sentence"] in capsys.readouterr().out
    page = (tmp_path / "Results/comparison.md").read_text()
    assert page.index("## The answer") < page.index(verdict["sentence"][:40]) < page.index("## RQ2")
