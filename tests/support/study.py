"""A study root with everything a page can show, of records that try to break out of it."""

import numpy as np
import orjson
from tests.support.scripts import load_script
from tests.support.workspaces import opened

from instruction_data.files import documents
from instruction_data.numbers import features
from instruction_data.numbers.features import Feature
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.publish import inventory
from instruction_data.publish.question import Ends, Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split

TIERS = ("LOW", "MEDIUM", "HIGH")
ENDS = Ends(low="LOW", high="HIGH")
QUESTIONS = {
    "RQ2": Question(
        "RQ2", "semantic diversity", "Does it matter how alike records are?", ("similarity",), contrast=ENDS
    ),
    "RQ3": Question("RQ3", "problem complexity", "Do harder problems teach more?", ("complexity",), contrast=ENDS),
}
LABELS = {"similarity": "mean similarity to the pool", "score": "complexity score"}
RECORDS = 48
HOSTILE = (
    "<script>document.title = 'owned'</script>",
    "</script><script>document.title = 'owned'</script>",
    "</style><style>main { display: none }</style>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "<!--<script>",
    "{{ 7 * 7 }} {% raw %} ${7*7} $x^{2$",
    "line\u2028separator and \u202eturned round\u0007",
    "' onmouseover='document.title=1' x='",
)
IDENTITY = {"model": "all-MiniLM-L6-v2", "sha256": "0" * 64, "kind": "sentence vector", "prompt": ""}


def pool_of(n):
    return [
        {"instruction": f"{HOSTILE[i % len(HOSTILE)]} task {i}", "output": f"```python\nprint({i})\n```"}
        for i in range(n)
    ]


def publish_tiers(workspace, records, question, numbers, order, models):
    """Thirds by a number, as the scripts publish them."""
    parts = np.array_split(np.argsort(order, kind="stable"), 3)
    made = [
        Split(f"{question}_OSS_{tier}", [(records, np.sort(part))], {"mean": order[part].mean()})
        for tier, part in zip(TIERS, parts, strict=True)
    ]
    publication = workspace.begin(QUESTIONS[question], [records], {"text": "instruction"}, models=models)
    trait, logarithmic = QUESTIONS[question].varies[0], {"perplexity": "log"}
    columns = [
        Column(name, values, LABELS.get(name, name), scale=logarithmic.get(name, "linear"), trait=trait)
        for name, values in numbers.items()
    ]
    publication.splits(made, [*columns, Column("tier", ["x"] * len(records), kind="note")])


def build(root, n=RECORDS, *, complexity=True):
    """A study root of hostile records with RQ2 and perhaps RQ3, vectors in the cache."""
    (root / "Datas").mkdir(parents=True)
    rows = [{"problem": row["instruction"], "solution": row["output"]} for row in pool_of(n)]
    path = root / "Datas" / "data-oss_instruct-decontaminated.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    workspace = opened(root)
    records = workspace.read(workspace.known_pools["oss"])
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(n, 8)).astype(np.float32)
    at = {text: row for row, text in enumerate(records.texts("instruction"))}
    feature = Feature("fake", IDENTITY, lambda texts: {"vectors": vectors[[at[text] for text in texts]]})
    features.compute(records.texts("instruction"), feature, workspace.cache)
    similarity, score, perplexity = draw.random(n), 1 + 5 * draw.random(n), np.exp(draw.normal(4, 1, n))
    publish_tiers(workspace, records, "RQ2", {"similarity": similarity}, similarity, {"encoder": IDENTITY})
    numbers = {"score": score, "perplexity": perplexity, "complexity": score + np.log(perplexity)}
    if complexity:
        publish_tiers(workspace, records, "RQ3", numbers, numbers["complexity"], {})
    return root


def spread_of(values):
    quantiles = {str(percent): float(np.percentile(values, percent)) for percent in (0, 5, 25, 50, 75, 95, 100)}
    return {"n": len(values), "mean": float(np.mean(values)), "standard_deviation": 1.0, "quantiles": quantiles}


def profile_of(n):
    return {
        "records": n,
        "unread": 0,
        "distributions": {f"{part}_tokens": spread_of(np.arange(1, n + 1)) for part in ("instruction", "output")},
        "languages": {"<b>python</b>": n},
        "duplicates": {"exact": 1, "near": 2},
        "python": {"share": 0.5},
        "diversity": None,
    }


def add_documents(root):
    """Profiles, confounds and contamination as their scripts write them, with hostile names and texts; results."""
    found = inventory.read(root)
    splits = [name for name, _, _ in found.splits()]
    head = {"manifests": found.sources}
    folder = root / "Profiles"
    folder.mkdir()
    profiles = head | {
        "seed": 42,
        "sample": {"asked": 500},
        "tokenizer": {"model": "tokens", "sha256": "1" * 64},
        "detector": {"package": "magika", "version": "1"},
        "near_duplicates": {"package": "datasketch", "version": "1", "threshold": 0.7},
        "measures": {},
        "pools": {"oss": profile_of(RECORDS)},
        "splits": {name: profile_of(16) for name in splits},
        "notes": [HOSTILE[0]],
    }
    documents.write_derived(folder / "profiles.json", profiles)
    difference = {
        "label": "output length (tokens)",
        "a": "RQ2_OSS_LOW",
        "b": "RQ2_OSS_HIGH",
        "large": True,
        "share": False,
    }
    difference |= {"mean_a": 10.0, "mean_b": 20.0, "difference": -0.9, "standard_error": 0.1, "by_design": False}
    one = {"extremes": ["RQ2_OSS_LOW", "RQ2_OSS_HIGH"], "differences": [difference], "warnings": [HOSTILE[3]]}
    one["correlations"] = [{"property": "similarity", "label": "output length", "n": 48, "rho": 0.5}]
    one["correlations"][0] |= {"large": True, "by_design": False}
    thresholds = {"standardised_difference": 0.25, "correlation": 0.3, "sources": "a book"}
    confounds = head | {"thresholds": thresholds, "sets": {"RQ2_OSS": one}}
    documents.write_derived(folder / "confounds.json", confounds)
    worst = {"record_sha256": "ab", "problem": "P/1", "rule": "tli", "tli": 0.4, "matched": None, "text": HOSTILE[1]}
    hit = {"records": 16, "substring": {"records": 2, "share": 0.1}, "worst": [worst]}
    hit |= {"tli": {"mean": 0.01, "problems": 1}, "tli_record": {"mean": 0.02, "problems": 1}}
    hit["execution"] = {"records": 1, "share": 0.1, "problems": 1}
    benchmark = HOSTILE[3]
    example = {"record_sha256": "ab", "function": HOSTILE[2], "text": HOSTILE[1]}
    solved = {"problem": HOSTILE[0], "records": 2, "independent": 1, "examples": [example]}
    contamination = head | {
        "rules": {"substring": "a rule"},
        "benchmarks": {benchmark: {"problems": 3, "sha256": "2" * 64}},
        "pools": {"oss": {benchmark: hit}},
        "splits": {name: {benchmark: hit} for name in splits},
        "executed": {"functions": 3, "candidates": 1, "skipped": {HOSTILE[4]: 1}},
        "solved": {benchmark: [solved]},
    }
    documents.write_derived(folder / "contamination.json", contamination)
    for tier in TIERS:
        add_outcome(root, tier)
    load_script("evaluation/compare.py").main(["--root", str(root)])


def add_outcome(root, tier):
    split = f"RQ2_OSS_{tier}"
    names = {"run": f"{split}--m", "question": "RQ2", "pool": "oss", "split": split, "condition": split}
    names |= {"model": "<i>model</i>", "seed": 1, "harness": "bigcode", "task": "humaneval"}
    problems = {f"P/{number}": [number < 20 * (1 + TIERS.index(tier))] for number in range(60)}
    rest = {"settings": {}, "reported": {}, "problems": problems, "versions": {}, "files": {}}
    outcomes.write(root, Outcome(**names, **rest))
