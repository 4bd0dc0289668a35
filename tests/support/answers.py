"""Study roots with planted answers: published splits and controls, and outcomes of which the truth is known."""

import numpy as np
import orjson
from tests.support.scripts import load_script
from tests.support.study import ENDS, HOSTILE
from tests.support.workspaces import opened
from tests.test_contrasts import BITS, study

from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.publish.question import Question, Trend
from instruction_data.publish.split import Split
from instruction_data.runs import runs

RECORDS, SIZE = 90, 30  # of a pool and of a split
SHARE, OTHER = "share <b>of</b> algorithms", "share of other domain"
QUESTIONS = {
    "RQ1": Question("RQ1", "domain composition", "What do other domains do?", contrast=Trend(OTHER, by_source=True)),
    "RQ2": Question("RQ2", "semantic diversity", "Does it matter how alike records are?", contrast=ENDS),
    "RQ3": Question("RQ3", "problem complexity", "Do <i>harder</i> problems teach more?", contrast=ENDS),
    "RQ4": Question("RQ4", "type coverage", "What does the share of algorithms do?", contrast=Trend(SHARE)),
}
QUIET = {"seed": 0.001, "draw": 0.001, "crossed": 0.004}


def build(root, questions, pool="oss"):
    """Publish the splits of each question, with random controls that were drawn three times and matched ones."""
    (root / "Datas").mkdir(parents=True)
    for name in (pool, "math", "general"):
        rows = [{"instruction": f"{HOSTILE[i % 8]} task {i} {name}", "output": f"print({i})"} for i in range(RECORDS)]
        (root / f"Datas/{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    tables = [f'[{name}]\npath = "Datas/{name}.jsonl"\n' for name in (pool, "math", "general")]
    (root / "pools.toml").write_text("\n".join(tables))
    workspace = opened(root)
    pools = [workspace.read(workspace.known_pools[name]) for name in (pool, "math", "general")]
    for question in questions:
        made = splits_of(question, pool.upper(), *pools)
        workspace.begin(QUESTIONS[question], pools if question == "RQ1" else pools[:1], {}).splits(made, [])
        words = ["--root", str(root), "--question", question, "--repeats", "3"]
        assert load_script("derive/control_splits.py").main(words) == 0
    return root


def splits_of(question, pool, code, math, general):
    draw = np.random.default_rng(1)
    if question == "RQ4":
        rows = {share: np.sort(draw.choice(RECORDS, SIZE, replace=False)) for share in (0, 25, 50, 75, 100)}
        return [Split(f"RQ4_{pool}_ALG_{share}", [(code, of)], {SHARE: share / 100}) for share, of in rows.items()]
    if question == "RQ1":
        made = [Split(f"RQ1_{pool}_CODE_10_0", [(code, np.arange(SIZE))], {OTHER: 0.0})]
        for name, other in (("MATH", math), ("GENERAL", general)):
            for share in (1, 3):
                parts = [(code, np.arange(SIZE - 3 * share)), (other, np.arange(3 * share))]
                made.append(Split(f"RQ1_{pool}_{name}_{10 - share}_{share}", parts, {OTHER: share / 10}))
        return made
    thirds = zip(("LOW", "MEDIUM", "HIGH"), np.arange(RECORDS).reshape(3, -1), strict=True)
    return [Split(f"{question}_{pool}_{tier}", [(code, rows)], {}) for tier, rows in thirds]


def plant(
    root,
    question,
    *,
    pool="oss",
    metric=BITS,
    untrained=0.02,
    model="SmolLM2-135M",
    harness="likelihood",
    kinds=("", "_RANDOM", "_MATCHED"),
    shape=lambda numbers: numbers,
    recipe="",
    ending="",
    **truth,
):
    """Write an outcome of every run of one question and pool, and of the untrained model.

    Args:
        untrained: how far its numbers lie above the mean of all others; None for no such outcome.
        kinds: the endings of the conditions that were scored.
        shape: numbers on an unbounded scale -> those of the metric.
        recipe: by which all were trained.
        ending: of the names of the training sets, such as that of their parts.
        truth: of ``study``.
    """
    declared = load_script("evaluation/compare.py").declarations(root).contrasts[question, pool]
    doses = {name: dose for one in declared for name, dose in one.doses.items()}
    made = study(np.random.default_rng(4), doses, **QUIET | truth)
    about = {"question": question, "pool": pool, "model": model, "harness": harness, "task": "humaneval"}

    def write(condition, split, seed, numbers):
        problems = {f"P/{place}": np.atleast_1d(one).tolist() for place, one in enumerate(shape(numbers))}
        known = about | {"condition": condition, "split": split, "seed": seed}
        known |= {"run": runs.name(split, "m", seed, recipe), "settings": {"recipe": recipe} if recipe else {}}
        known |= {"reported": {}, "versions": {}, "files": {}}
        outcomes.write(root, Outcome(**known, problems=problems, metric=Metric(**metric)))

    for condition in (f"{name}{kind}" for name in doses for kind in kinds):
        values, draws = made[condition]
        for place, (numbers, draw) in enumerate(zip(values, draws, strict=True)):
            write(condition + ending, draw + ending, draws[:place].count(draw) + 1, numbers)
    if untrained is not None:
        condition = outcomes.untrained(question, pool)
        everything = np.concatenate([values for values, _ in made.values()])
        write(condition, condition, 0, everything.mean(axis=0) + untrained)


def page_of(root):
    """Compare what was planted, and return the text of the page."""
    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    assert load_script("report/report.py").main(["--root", str(root)]) == 0
    return (root / "report.html").read_text()
