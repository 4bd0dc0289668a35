"""A study root with designed sets and two questions that vary one property alone, and outcomes of known truth."""

from itertools import product

import numpy as np
import orjson
from tests.support.answers import BITS
from tests.support.study import ENDS, HOSTILE
from tests.support.workspaces import opened

from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.publish.question import Factors, Question
from instruction_data.publish.split import Split

LENGTH = "output length <b>of</b> code"
FACTORS = {  # name -> as a manifest has it; diversity is 1 - similarity
    "diversity": {"unit": "", "scale": 0.1, "question": "RQ2", "low": 0.45, "high": 0.55},
    "complexity": {"unit": "points", "scale": 1.0, "question": "RQ3", "low": 2.5, "high": 3.7},
    LENGTH: {"unit": "tokens", "scale": 50.0, "question": None, "low": 120.0, "high": 170.0},
    "algorithmic share": {"unit": "", "scale": 0.5, "question": "RQ4", "low": 0.25, "high": 0.75},
}
ACHIEVED = {"difference": 1.0, "within": 0.05}
DESIGN = {
    "factors": {name: one | ACHIEVED for name, one in FACTORS.items()},
    **{"resolution": "IV", "generators": [], "aliases": [], "disjoint": True, "overlap": 0.0},
}
STEPS = np.array([1.0, 1.2, 1.0, 1.0])  # standard deviations between low and high sets
DOSES = np.array([levels for levels in product((0, 1), repeat=4) if sum(levels) % 2 == 0])  # 8 sets, resolution IV
SETS = [f"RQ5_OSS_SET{number:02}" for number in range(1, 9)]
TRUTH = np.array([-0.01, 0.0, -0.015, 0.0])  # bits per byte for one standard deviation
ALONG = {
    "RQ2": np.array([1.1, 0.0, 0.9, 0.0]),
    "RQ3": np.array([0.0, 1.1, 0.9, 0.0]),
}  # the high end: length goes along
MEASURED = {"RQ2": (0.61, 0.5, 0.39), "RQ3": (2.0, 3.0, 4.2)}  # similarity, complexity
TIERS, RECORDS = ("LOW", "MEDIUM", "HIGH"), 96


def build(root):
    """Publish the splits of RQ2 and RQ3, and eight designed sets."""
    (root / "Datas").mkdir(parents=True)
    rows = [{"instruction": f"{HOSTILE[i % 8]} task {i}", "output": f"print({i})"} for i in range(RECORDS)]
    (root / "Datas/oss.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (root / "pools.toml").write_text('[oss]\npath = "Datas/oss.jsonl"\n')
    workspace = opened(root)
    records = workspace.read(workspace.known_pools["oss"])
    for question, measured in MEASURED.items():
        parts = zip(TIERS, np.arange(RECORDS).reshape(3, -1), measured, strict=True)
        made = [Split(f"{question}_OSS_{tier}", [(records, rows)], {"mean": figure}) for tier, rows, figure in parts]
        asked = Question(question, f"title of {question}", "Asks?", contrast=ENDS)
        workspace.begin(asked, [records], {}).splits(made, [])
    high = {
        name: [one for one, dose in zip(SETS, doses, strict=True) if dose]
        for name, doses in zip(FACTORS, DOSES.T, strict=True)
    }
    question = Question("RQ5", "all properties at once", "Which property is it?", contrast=Factors(high))
    sets = np.random.default_rng(0).permutation(RECORDS).reshape(8, -1)
    made = [Split(name, [(records, np.sort(rows))], {}) for name, rows in zip(SETS, sets, strict=True)]
    workspace.begin(question, [records], {"design": DESIGN}).splits(made, [])
    return root


def levels_of(question):
    """Return how far every split of a question lies from the middle, in standard deviations of each factor."""
    if question == "RQ5":
        return dict(zip(SETS, (DOSES - 0.5) * STEPS, strict=True))
    return {f"{question}_OSS_{tier}": side * ALONG[question] for tier, side in (("LOW", -1), ("HIGH", 1))}


def plant(root, question, *, seeds=2, draw=0.0005, seed=0.0003, crossed=0.004, problems=164):
    """Write an outcome of every run of a question."""
    generator = np.random.default_rng(8)
    difficulty = np.random.default_rng(6).gamma(4, 0.16, problems)
    for name, levels in levels_of(question).items():
        values = difficulty + TRUTH @ levels + generator.normal(0, draw) + generator.normal(0, crossed, problems)
        for number in range(1, seeds + 1):
            run = values + generator.normal(0, seed) + generator.normal(0, crossed, problems)
            about = {"question": question, "pool": "oss", "model": "m", "harness": "likelihood", "task": "humaneval"}
            about |= {"condition": name, "split": name, "seed": number, "run": f"{name}--m--seed{number}"}
            about |= {"settings": {}, "reported": {}, "versions": {}, "files": {}}
            found = {f"P/{place}": [float(one)] for place, one in enumerate(run)}
            outcomes.write(root, Outcome(**about, problems=found, metric=Metric(**BITS)))
