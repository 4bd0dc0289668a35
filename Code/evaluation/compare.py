"""Compare the conditions of every research question: which differences between training sets are more than chance?

Reads every outcome under a study root (Results/<harness>/<task>/<run>.json) and writes, below Results/:

    comparison.csv      condition × task: pass@1 (pass@10, pass@100 where there are as many samples) with 95 % intervals
    differences.csv     every two conditions of a question on every task: difference, interval, p, p corrected
    comparison.md       both, and in plain sentences what is supported, what is not, and what it would take to tell
    comparison.json     all of it, with settings, versions and the SHA-256 of every outcome read

Only like is compared with like: one question, pool, base model, harness and task, scored with equal settings on the
same problems. Seeds and repeated draws of a split are replicates of its condition. Where some condition has two of
them, intervals and p values hold for other problems and other runs; else for other problems and these very runs, and
the output says which. p values are corrected for all comparisons of a question (Holm). How it is computed, and why:
instruction_data/comparisons.py.

    python Code/evaluation/compare.py --demo
    python Code/evaluation/compare.py --root DIR
"""

import argparse
import hashlib
import importlib.metadata
import platform
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import orjson

from instruction_data import cli
from instruction_data.answer import statistics
from instruction_data.answer.statistics import Rate, RunVariance
from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.files.csv_cells import csv_bytes
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Outcome

PACKAGES = ("numpy", "scipy", "statsmodels")
KS = (1, 10, 100)
FEWEST_PROBLEMS = 50  # below, a task shows that the chain works and nothing else
SIGNIFICANT = 1 - statistics.CONFIDENCE
DIGITS = 6  # significant ones that are written; later ones differ between processors
VERBATIM = {"settings", "reported"}  # as the outcomes have them
PAIRS_SHOWN = 20  # of a group, in the Markdown
SUPPORTED_SHOWN = 8  # of a group, in its sentences
KEY_COLUMNS = ("question", "pool", "model", "harness", "task")
RATE_COLUMNS = (
    *KEY_COLUMNS,
    *("condition", "k", "estimate", "low", "high", "deviation", "replicates", "replicates_are", "runs"),
    *("problems", "samples", "intervals_over", "noise"),
)
DIFFERENCE_COLUMNS = (
    *KEY_COLUMNS,
    *("condition", "against", "difference", "low", "high", "p", "p_corrected", "supported", "test"),
    *("standard_error", "degrees_of_freedom", "detectable", "problems_needed", "runs_needed"),
    *("these_runs_low", "these_runs_high", "problems", "samples", "intervals_over", "noise"),
)
NOISE = "these numbers are noise and show only that the chain works"


@dataclass(frozen=True)
class Scored:
    """An outcome and where it was read."""

    file: str
    sha256: str
    outcome: Outcome

    def rates(self, problems: Sequence[str], k: int) -> np.ndarray:
        """pass@k of every problem; float64 ``[problems]``."""
        passed = np.array([sum(self.outcome.problems[problem]) for problem in problems])
        return statistics.pass_at_k(passed, self.outcome.samples, k)


def read(root: Path) -> list[Scored]:
    """Every outcome under a study root.

    Raises:
        InputError: there is none; one is not where it belongs.
    """
    found = []
    for place, outcome in outcomes.every(root):
        file, expected = place.relative_to(root), outcomes.path(root, outcome.harness, outcome.task, outcome.run)
        if place != expected:
            raise InputError(f"{place}: found the outcome that belongs to {expected}; expected each once: remove it")
        found.append(Scored(file.as_posix(), file_sha256(place), outcome))
    if not found:
        folder = root / outcomes.FOLDER
        raise InputError(f"{folder}: found no outcome; expected <harness>/<task>/<run>.json: score models first")
    return found


def natural(text: str) -> list[tuple[int, str]]:
    """Sorts ALG_5 before ALG_25."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]


def grouped(items: Iterable[Scored], key: Callable[[Outcome], str]) -> dict[str, list[Scored]]:
    """Items by the key of their outcome, keys in natural order, items in the order of their files."""
    found = defaultdict(list)
    for item in sorted(items, key=lambda item: item.file):
        found[key(item.outcome)].append(item)
    return {name: found[name] for name in sorted(found, key=natural)}


def settings_key(outcome: Outcome) -> str:
    return orjson.dumps(outcome.settings, option=orjson.OPT_SORT_KEYS).decode()


def common_problems(items: Sequence[Scored]) -> list[str]:
    """The problems of one task, in natural order.

    Raises:
        InputError: the runs do not have the same ones.
    """
    most = max(items, key=lambda item: len(item.outcome.problems))
    for item in items:
        missing = sorted(most.outcome.problems.keys() - item.outcome.problems.keys(), key=natural)
        more = sorted(item.outcome.problems.keys() - most.outcome.problems.keys(), key=natural)
        if missing or more:
            what = f"without {quoted(missing[0])}" if missing else f"with {quoted(more[0])}"
            raise InputError(
                f"{item.file}: found {len(item.outcome.problems)} problems, {what}; expected the "
                f"{len(most.outcome.problems)} of {most.file}, which has the same settings. "
                "Score that run again, or remove its outcome"
            )
    return sorted(most.outcome.problems, key=natural)


def refuse_twins(items: Sequence[Scored]) -> None:
    """Two runs on one split with one seed differ in something no outcome tells, so they are no replicates."""
    seen: dict[tuple[str, int], Scored] = {}
    for item in items:
        key = (item.outcome.split, item.outcome.seed)
        if key in seen:
            raise InputError(
                f"{item.file}: found a second run on {quoted(key[0])} with seed {key[1]}, beside {seen[key].file}; "
                "expected one: keep runs of another recipe in another study root"
            )
        seen[key] = item


def compare_task(items: Sequence[Scored], label: str, generator: np.random.Generator) -> dict:
    """One task of one group: its conditions and every pair of them."""
    refuse_twins(items)
    problems, by_condition = common_problems(items), grouped(items, lambda outcome: outcome.condition)
    samples = min(item.outcome.samples for item in items)
    rates = {k: condition_rates(by_condition, problems, k) for k in KS if k <= samples}
    runs = {k: statistics.run_variance(list(of_k.values())) for k, of_k in rates.items()}
    return {
        "task": items[0].outcome.task,
        "label": label,
        "settings": items[0].outcome.settings,
        "problems": len(problems),
        "samples": samples,
        "intervals_over": "problems and runs" if runs[1] else "problems",
        "noise": noise(len(problems), rates[1].values()),
        "conditions": [
            describe_condition(name, of, {k: statistics.rate(rates[k][name], runs[k]) for k in rates})
            for name, of in by_condition.items()
        ],
        "differences": differences(by_condition, problems, rates[1], runs[1], generator),
        "versions_differ": versions_that_differ(items),
    }


def condition_rates(by_condition: Mapping[str, Sequence[Scored]], problems: Sequence[str], k: int) -> dict:
    """Condition -> its replicates' rates, ``[replicates, problems]``."""
    return {
        name: statistics.replicates(
            np.stack([item.rates(problems, k) for item in of]), [item.outcome.split for item in of]
        )
        for name, of in by_condition.items()
    }


def noise(problems: int, rates: Iterable[np.ndarray]) -> str | None:
    """Why a task says nothing about its conditions; None if it may."""
    means = {float(of.mean()) for of in rates}
    if problems < FEWEST_PROBLEMS:
        return f"{problems} problem{'s' * (problems > 1)}, fewer than {FEWEST_PROBLEMS}"
    if means in ({0.0}, {1.0}):
        return f"every pass@1 is {means.pop():.0%}"
    return None


def describe_condition(name: str, items: Sequence[Scored], rates: Mapping[int, Rate]) -> dict:
    splits = sorted({item.outcome.split for item in items}, key=natural)
    return {
        "condition": name,
        "splits": splits,
        "seeds": sorted({item.outcome.seed for item in items}),
        "replicates": len(splits) if len(splits) > 1 else len(items),
        "replicates_are": "draws" if len(splits) > 1 else "seeds",
        "pass_at": {
            str(k): {"estimate": rate.estimate, "low": rate.low, "high": rate.high, "deviation": rate.deviation}
            for k, rate in rates.items()
        },
        "runs": [describe_run(item) for item in items],
    }


def describe_run(item: Scored) -> dict:
    outcome = item.outcome
    rates = [sum(passed) / len(passed) for passed in outcome.problems.values()]
    return {
        "run": outcome.run,
        "split": outcome.split,
        "seed": outcome.seed,
        "samples": outcome.samples,
        "pass@1": sum(rates) / len(rates),
        "reported": outcome.reported,
        "file": item.file,
    }


def differences(
    by_condition: Mapping[str, Sequence[Scored]],
    problems: Sequence[str],
    rates: Mapping[str, np.ndarray],
    runs: RunVariance | None,
    generator: np.random.Generator,
) -> list[dict]:
    """Every two conditions; ``p_corrected`` is added where the whole question is known."""
    pairs = list(combinations(rates, 2))
    if not pairs:
        return []
    values = np.stack([statistics.with_made_up(rates[one], rates[other]) for one, other in pairs])
    lows, highs = statistics.over_problems_alone(values, generator)
    found = []
    for (one, other), low, high in zip(pairs, lows, highs, strict=True):
        difference = statistics.difference(rates[one], rates[other], runs)
        exact = mcnemar(by_condition[one], by_condition[other], problems)
        found.append(
            {
                "condition": one,
                "against": other,
                "difference": difference.estimate,
                "low": difference.low,
                "high": difference.high,
                "test": "McNemar, exact" if exact and not runs else "Student's t",
                "p": exact["p"] if exact and not runs else difference.p,
                "standard_error": difference.standard_error,
                "degrees_of_freedom": difference.freedom,
                "detectable": difference.detectable,
                "problems_needed": statistics.problems_needed(difference, len(problems)),
                "runs_needed": statistics.runs_needed(difference, (len(rates[one]), len(rates[other])), runs),
                "these_runs": {"low": float(low), "high": float(high)},
                "mcnemar": exact,
            }
        )
    return found


def mcnemar(first: Sequence[Scored], second: Sequence[Scored], problems: Sequence[str]) -> dict | None:
    """McNemar's test where each side is one run with one sample."""
    if any(len(side) > 1 or side[0].outcome.samples > 1 for side in (first, second)):
        return None
    solved = [np.array([side[0].outcome.problems[problem][0] for problem in problems]) for side in (first, second)]
    only_first, only_second, p = statistics.mcnemar(*solved)
    return {"only_condition": only_first, "only_against": only_second, "p": p}


def versions_that_differ(items: Sequence[Scored]) -> list[str]:
    """Packages of which these outcomes were not made with one version."""
    names = {name for item in items for name in item.outcome.versions}
    return sorted(name for name in names if len({item.outcome.versions.get(name) for item in items}) > 1)


def compare_group(items: Sequence[Scored], name: Sequence[str], seed: int) -> dict:
    """One question, pool, base model and harness."""
    tasks = []
    for task, of_task in grouped(items, lambda outcome: outcome.task).items():
        variants = grouped(of_task, settings_key)
        for number, (key, of) in enumerate(variants.items(), 1):
            label = task if len(variants) == 1 else f"{task} (settings {number})"
            tasks.append(compare_task(of, label, generator_of(seed, [*name, task, key])))
    _, pool, model, harness = name
    return {"pool": pool, "model": model, "harness": harness, "tasks": tasks}


def generator_of(seed: int, names: Sequence[str]) -> np.random.Generator:
    """What it draws depends on the seed and the names alone, and so not on what else is compared."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def compare_question(items: Sequence[Scored], question: str, seed: int) -> dict:
    """All groups of one question, their p values corrected together."""
    groups = []
    for pool, of_pool in grouped(items, lambda outcome: outcome.pool).items():
        for model, of_model in grouped(of_pool, lambda outcome: outcome.model).items():
            for harness, of in grouped(of_model, lambda outcome: outcome.harness).items():
                groups.append(compare_group(of, (question, pool, model, harness), seed))
    pairs = [pair for group in groups for task in group["tasks"] for pair in task["differences"]]
    for pair, p in zip(pairs, statistics.corrected([pair["p"] for pair in pairs]), strict=True):
        pair["p_corrected"] = p
    for group in groups:
        for task in group["tasks"]:
            for pair in task["differences"]:
                pair["supported"] = pair["p_corrected"] < SIGNIFICANT and not task["noise"]
        group["sentences"] = sentences(group, len(pairs))
    return {"question": question, "comparisons": len(pairs), "groups": groups}


def compare(items: Sequence[Scored], seed: int) -> dict:
    """Everything that is known about the outcomes, as ``comparison.json`` has it."""
    questions = grouped(items, lambda outcome: outcome.question)
    document = {
        "seed": seed,
        "confidence": statistics.CONFIDENCE,
        "power": statistics.POWER,
        "resamples": statistics.RESAMPLES,
        "correction": "Holm, over all comparisons of a question",
        "packages": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "inputs": {item.file: item.sha256 for item in sorted(items, key=lambda item: item.file)},
        "questions": [compare_question(of, question, seed) for question, of in questions.items()],
    }
    return rounded(document)


def rounded(value: object) -> object:
    """The same with every float cut to the digits that are written."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") + 0.0  # no -0.0
    if isinstance(value, Mapping):
        return {key: one if key in VERBATIM else rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def sentences(group: Mapping, family: int) -> list[str]:
    """What the numbers of a group support and what not, in plain words."""
    said = []
    for task in group["tasks"]:
        said += warnings_of(task, group)
    sound = sound_pairs(group)
    if sound:
        said += verdicts(sound, family)
        over = {task["intervals_over"] for task, _ in sound}
        said += [GENERALISES[kind] for kind in sorted(over)]
    elif not any(task["differences"] for task in group["tasks"]):
        said.append("One condition a task: there is nothing to compare.")
    return said


def sound_pairs(group: Mapping) -> list[tuple[Mapping, Mapping]]:
    """Every difference, with its task, that is not noise from the start."""
    return [(task, pair) for task in group["tasks"] if not task["noise"] for pair in task["differences"]]


GENERALISES = {
    "problems": "Intervals and p values are for other problems of the same kind and these very training runs: with one "
    "run a condition, nothing is known of what another seed would have given.",
    "problems and runs": "Intervals and p values are for other problems of the same kind and other training runs of "
    "the same kind, supposing that runs vary about as much in every condition.",
}


def warnings_of(task: Mapping, group: Mapping) -> list[str]:
    """What keeps a task from being read like the others."""
    said, label = [], printable(task["label"])
    if task["noise"]:
        said.append(f"{label}: {task['noise']}: {NOISE}.")
    if label != printable(task["task"]):
        said.append(f"{label}: scored with settings of its own, so compared with itself alone.")
    names = {one["condition"] for other in group["tasks"] for one in other["conditions"]}
    missing = sorted(names - {one["condition"] for one in task["conditions"]}, key=natural)
    if missing:
        said.append(f"{label}: no outcome of {', '.join(map(printable, missing))}.")
    if task["versions_differ"]:
        packages = ", ".join(map(printable, task["versions_differ"]))
        said.append(f"{label}: its runs were not all scored with the same version of {packages}.")
    return said


def verdicts(sound: Sequence[tuple[Mapping, Mapping]], family: int) -> list[str]:
    supported = sorted((one for one in sound if one[1]["supported"]), key=lambda one: one[1]["p_corrected"])
    rest = [one for one in sound if not one[1]["supported"]]
    said = [f"Supported: {finding(task, pair)}." for task, pair in supported[:SUPPORTED_SHOWN]]
    if len(supported) > SUPPORTED_SHOWN:
        said.append(f"Supported, too: {len(supported) - SUPPORTED_SHOWN} more, see differences.csv.")
    if rest:
        which = f"{len(rest)} of {len(sound)} differences" if supported else f"none of {len(sound)} differences"
        verb = "cannot be told from chance" if supported else "can be told from chance"
        plural = "s" * (family != 1)
        said.append(f"Not supported: {which} {verb} (corrected for the {family} comparison{plural} of this question).")
        seen = sorted(pair["detectable"] for _, pair in rest)
        said.append(
            f"Even before correction, such data miss one true difference in five of {points(seen[0]).lstrip('+')}"
            f"{f' to {points(seen[-1])[1:]}' if len(seen) > 1 else ''} points, and more of smaller ones."
        )
        said.append(f"The largest of them: {outlook(*max(rest, key=lambda one: abs(one[1]['difference'])))}")
    return said


def finding(task: Mapping, pair: Mapping) -> str:
    return (
        f"{printable(pair['condition'])} minus {printable(pair['against'])} on {printable(task['label'])} is "
        f"{points(pair['difference'])} points (95 % interval {points(pair['low'])} to {points(pair['high'])}, "
        f"p corrected {p_value(pair['p_corrected'])})"
    )


def outlook(task: Mapping, pair: Mapping) -> str:
    """A difference that is not told from chance, and what it would take to tell."""
    text = f"{finding(task, pair)}."
    if pair["difference"] == 0:
        return text
    if pair["p"] < SIGNIFICANT:
        return f"{text} Only as the single comparison of a study would it count (p {p_value(pair['p'])})."
    ways = ways_to_see(task, pair)
    if not ways:
        return f"{text} Neither more problems alone nor more runs alone would show a difference of that size."
    return (
        f"{text} To see one of that size (power {statistics.POWER:.0%}, alpha {SIGNIFICANT:.0%}, before correction) "
        f"would take about {', or '.join(ways)}."
    )


def ways_to_see(task: Mapping, pair: Mapping) -> list[str]:
    ways, alone = [], ""
    if pair["problems_needed"]:
        ways.append(f"{pair['problems_needed']:,} problems instead of {task['problems']:,}")
    elif pair["runs_needed"]:
        alone = " (more problems alone would not do)"
    if pair["runs_needed"]:
        runs = max(one["replicates"] for one in task["conditions"])
        ways.append(f"{pair['runs_needed']:,} runs a condition instead of {runs}{alone}")
    return ways


def points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-0.0", "0.0").replace("+0.0", "0.0")


def p_value(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def rate_rows(document: Mapping) -> list[dict]:
    """A row per condition, task and k."""
    rows = []
    for keys, task in tasks_of(document):
        for one in task["conditions"]:
            for k, rate in one["pass_at"].items():
                rows.append({**keys, **task, **one, **rate, "k": int(k), "runs": len(one["runs"])})
    return rows


def difference_rows(document: Mapping) -> list[dict]:
    """A row per pair of conditions and task."""
    rows = []
    for keys, task in tasks_of(document):
        for pair in task["differences"]:
            these = {f"these_runs_{end}": value for end, value in pair["these_runs"].items()}
            rows.append({**keys, **task, **pair, **these})
    return rows


def tasks_of(document: Mapping) -> Iterable[tuple[dict, dict]]:
    """Question, pool, model and harness of every task, and the task, named by its label."""
    for question in document["questions"]:
        for group in question["groups"]:
            for task in group["tasks"]:
                yield {**question, **group}, {**task, "task": task["label"]}


def markdown(document: Mapping) -> str:
    """The page for people."""
    parts = ["# Comparison of the training sets", NOTES]
    for question in document["questions"]:
        parts.append(f"## {escaped(question['question'])}")
        for group in question["groups"]:
            parts += [f"### {escaped(heading(group))}"]
            parts.append("\n".join(f"- {escaped(sentence)}" for sentence in group["sentences"]))
            parts.append(table(*rate_table(group)))
            parts += difference_table(sound_pairs(group))
            parts.append("\n".join(settings_line(task) for task in group["tasks"]))
    return "\n\n".join(parts) + "\n"


NOTES = (
    "Rates in percent, differences in percentage points, each with its 95 % interval. sd: standard deviation of the "
    "runs' pass rates. Everything here is derived from the outcomes under this folder; `comparison.json` lists them."
)


def heading(group: Mapping) -> str:
    return f"pool {printable(group['pool'])}, model {printable(group['model'])}, {printable(group['harness'])}"


def rate_table(group: Mapping) -> tuple[list[str], list[list[str]]]:
    names = sorted({one["condition"] for task in group["tasks"] for one in task["conditions"]}, key=natural)
    header, rows = ["condition"], [[escaped(name)] for name in names]
    for task in group["tasks"]:
        conditions = {one["condition"]: one for one in task["conditions"]}
        size = f"{task['problems']} problem{'s' * (task['problems'] > 1)}"
        for k in next(iter(conditions.values()))["pass_at"]:
            header.append(escaped(f"{task['label']}, pass@{k} ({size})"))
            for name, row in zip(names, rows, strict=True):
                row.append(rate_cell(conditions[name], k) if name in conditions else "no outcome")
    return header, rows


def rate_cell(condition: Mapping, k: str) -> str:
    rate, replicates = condition["pass_at"][k], condition["replicates"]
    text = f"{100 * rate['estimate']:.1f} ({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"
    if rate["deviation"] is None:
        return f"{text}, one run"
    return f"{text}, {replicates} {condition['replicates_are']}, sd {100 * rate['deviation']:.1f}"


def difference_table(pairs: Sequence[tuple[Mapping, Mapping]]) -> list[str]:
    """The pairs with the smallest p first; as many as a page bears."""
    if not pairs:
        return []
    ordered = sorted(pairs, key=lambda one: (one[1]["p"], -abs(one[1]["difference"])))
    rows = [
        [
            escaped(f"{pair['condition']} minus {pair['against']}"),
            escaped(task["label"]),
            f"{points(pair['difference'])} ({points(pair['low'])} to {points(pair['high'])})",
            p_value(pair["p"]),
            p_value(pair["p_corrected"]),
            "supported" if pair["supported"] else "not supported",
        ]
        for task, pair in ordered[:PAIRS_SHOWN]
    ]
    shown = [table(["difference", "task", "points", "p", "p corrected", ""], rows)]
    if len(pairs) > PAIRS_SHOWN:
        shown.append(f"These are the {PAIRS_SHOWN} smallest p values of {len(pairs)}; `differences.csv` has all.")
    return shown


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def settings_line(task: Mapping) -> str:
    settings = ", ".join(f"{name} = {value}" for name, value in sorted(task["settings"].items()))
    return f"- Settings of {escaped(task['label'])}: {escaped(settings) or 'none recorded'}"


def escaped(text: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line."""
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*\[\]|#~])", r"\\\1", plain)


def write(root: Path, document: Mapping) -> None:
    """The four files, each whole or not at all; the JSON last."""
    folder = root / outcomes.FOLDER
    write_whole(folder / "comparison.csv", csv_bytes(rate_rows(document), RATE_COLUMNS))
    write_whole(folder / "differences.csv", csv_bytes(difference_rows(document), DIFFERENCE_COLUMNS))
    write_whole(folder / "comparison.md", markdown(document).encode())
    documents.write_derived(folder / "comparison.json", document)


def say(root: Path, document: Mapping) -> None:
    for question in document["questions"]:
        for group in question["groups"]:
            print(f"{printable(question['question'])}, {heading(group)}")
            print("".join(f"  {sentence}\n" for sentence in group["sentences"]))
    files = len(document["inputs"])
    print(f"{files} outcomes compared; the tables are in {root / outcomes.FOLDER / 'comparison.md'} and beside it")


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    result.add_argument(
        "--seed",
        type=cli.seed,
        default=cli.SEED,
        help="of the bootstrap over problems, the intervals for these very runs (default: %(default)s)",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    document = compare(read(root), options.seed)
    write(root, document)
    say(root, document)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
