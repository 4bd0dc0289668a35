"""Compare the conditions of every research question: which differences between training sets are more than chance?

Reads every outcome under a study root (Results/<harness>/<task>/*.json) and writes, below Results/:

    comparison.csv      condition × task: pass@1 (pass@10, pass@100 where there are as many samples), or the mean of
                        another metric, with 95 % intervals
    differences.csv     every two conditions of a question on every task: difference, interval, p, p corrected (but for
                        the sets of a design, of which any two differ in several properties)
    transfer.csv        condition × task: gain over the untrained model in likelihood, where that was scored
    effects.csv         factor × task, where designed sets were scored: its effect with all others held equal, the same
                        property varied alone, and two-factor interactions
    comparison.md       the verdict on every primary contrast; then these tables, and plain sentences: what is
                        supported, what is not, and what it would take to tell
    comparison.json     everything, with settings, versions and the SHA-256 of every outcome read

Only like is compared with like: one question, pool, base model, recipe, harness, task and metric, scored with equal
settings on the same problems. Where there are several recipes, each contrast has a verdict for each of them, and one
over all: robust, flips, or cannot tell (answer/recipes.py). Seeds and repeated draws of a split are replicates of its
condition. If some condition has two of them, intervals and p values hold for other problems and other runs; if not, for
other problems and these very runs. The output says which. p values are corrected for all comparisons of a question
(Holm). instruction_data/answer (two_way.py, passing.py) explains the computation.

A model and recipe that failed their self-test (study/self_test.py, in build/self-test) get no verdicts.

The primary contrasts are those that the manifests of the splits declare. They are corrected together, over all
questions, and are set beside random and matched controls that were trained and scored, too (chance.py, contrasts.py,
verdicts.py). A design's factors are primary contrasts, too, and are fitted together (effects.py). All other
differences, and interactions, are exploratory.

    python Code/evaluation/compare.py --demo
    python Code/evaluation/compare.py --root DIR
"""

import argparse
import hashlib
import importlib.metadata
import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import orjson

from instruction_data import cli
from instruction_data.answer import (
    contrasts,
    decisions,
    effects,
    recipes,
    sentences,
    tables,
    task,
    transfer,
    two_way,
    verdicts,
)
from instruction_data.answer.contrasts import Declared
from instruction_data.answer.effects import Factor, Fitted
from instruction_data.answer.units import natural
from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.files.csv_cells import csv_bytes
from instruction_data.outcomes import outcomes, self_test
from instruction_data.outcomes.outcomes import PASS, PASSES, Outcome
from instruction_data.publish import manifests
from instruction_data.runs import runs
from instruction_data.runs.runs import Run

PACKAGES = ("numpy", "scipy", "statsmodels")
SHOWN = 8  # characters of a recipe's hash
DIGITS = 6  # significant digits that are written; later ones differ between processors
OPERATIONS = "total_flos"  # among the trainer's own figures
VERBATIM = {"settings", "reported"}  # copied from the outcomes


@dataclass(frozen=True)
class Filed:
    """An outcome and the file it was read from.

    Attributes:
        percent: how much of its split the training set holds; the outcome of a part bears the split's own name.
    """

    file: str
    sha256: str
    outcome: Outcome
    percent: int = decisions.WHOLE

    def numbers(self, problems: Sequence[str]) -> np.ndarray:
        """Return the numbers of every problem and sample; ``[problems, samples]``, integers if they count passes."""
        kind = np.int64 if self.outcome.metric.kind == PASSES else np.float64
        return np.array([self.outcome.problems[problem] for problem in problems], dtype=kind)


@dataclass(frozen=True)
class Declarations:
    """What the manifests of a study root declare, and what the self-test says of its loops.

    Attributes:
        contrasts: question, pool -> its primary contrasts, with the controls of their splits; factors are not among
            them.
        factors: question, pool -> the factors of its design.
        measured: split -> the first figure of its summary, which tells it from its siblings.
        failed: model, recipe hash of a loop that failed its self-test -> what that found.
    """

    contrasts: Mapping[tuple[str, str], Sequence[Declared]] = field(default_factory=dict)
    factors: Mapping[tuple[str, str], Sequence[Factor]] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read(root: Path) -> list[Filed]:
    """Return every outcome under a study root.

    Raises:
        InputError: there is no outcome, or one is not where it belongs.
    """
    parts, found = parts_of_splits(root), []
    for place, outcome in outcomes.every(root):
        split, condition, percent = parts.get(outcome.split, (outcome.split, outcome.condition, decisions.WHOLE))
        outcome = replace(outcome, split=split, condition=condition)
        found.append(Filed(place.relative_to(root).as_posix(), file_sha256(place), outcome, percent))
    if not found:
        folder = root / outcomes.FOLDER
        raise InputError(f"{folder}: found no outcome; expected <harness>/<task>/<run>.json: score models first")
    return found


def parts_of_splits(root: Path) -> dict[str, tuple[str, str, int]]:
    """Return training set -> split of which it is a part, the split's condition, and per cent of it."""
    published = [manifest for _, manifest in manifests.every(root)]
    splits = {name: manifest for manifest in published for name in manifest["splits"]}
    found = {}
    for manifest in published:
        whole = manifest["settings"].get(manifests.PART_OF)
        if whole:
            about = whole, runs.condition(whole, splits), manifest["settings"]["percent"]
            found |= dict.fromkeys(manifest["splits"], about)
    return found


def declarations(root: Path) -> Declarations:
    """Return what the manifests of a study root declare, and which loops failed their self-test."""
    found, controls, traits = defaultdict(list), {"random": {}, "matched": {}}, {}
    factors, measured = {}, {}
    for _, manifest in manifests.every(root):
        settings = manifest["settings"]
        if settings.get("control") in controls and manifest["splits"]:
            split = settings.get("split")
            controls[settings["control"]][split] = next(iter(manifest["splits"]))
            traits[split] = traits.get(split) or (settings.get("matched_on") or {}).get(manifest["pool"], [])
        elif not manifests.derived_as(manifest):
            key = manifest["question"], manifest["pool"]
            found[key] += [one for one in manifest["contrasts"] if one["kind"] != verdicts.FACTOR]
            factors[key] = factors_of(manifest)
            summaries = {
                name: next(iter(split["summary"].values()), None) for name, split in manifest["splits"].items()
            }
            measured |= {name: figure for name, figure in summaries.items() if figure is not None}
    declared = {}
    for key, of in found.items():
        declared[key] = []
        for one in of:
            matched = [traits.get(split, []) for split in one["doses"] if split in controls["matched"]]
            shared = [trait for trait in (matched or [[]])[0] if all(trait in each for each in matched)]
            untrained = outcomes.untrained(*key)
            declared[key].append(Declared(one["label"], one["kind"], one["doses"], controls, shared, untrained))
    factors = {key: of for key, of in factors.items() if of}
    return Declarations(declared, factors, measured, self_test.failures(self_test.ROOT))


def factors_of(manifest: Mapping) -> list[Factor]:
    """Return the factors that a manifest declares, with what its design achieved."""
    known = manifest["settings"].get("design", {"factors": {}})["factors"]
    found = []
    for one in manifest["contrasts"]:
        if one["kind"] == verdicts.FACTOR:
            of = known.get(one["label"], {})
            numbers = {name: of.get(name, 0.0) for name in ("low", "high", "scale")}
            words = {name: of.get(name) or "" for name in ("unit", "question", "other")}
            found.append(Factor(one["label"], one["doses"], **numbers, **words))
    return found


def recipes_of(root: Path | None, items: Iterable[Filed]) -> dict[str, str]:
    """Return recipe key -> the recipe in a few words, default recipes first.

    A recipe whose runs' manifests are not here has no words; among several, the beginning of its hash. Two recipes that
    differ in what the words leave out have it behind their words.

    Args:
        root: where the manifests lie, if anywhere.
    """
    told = {item.outcome.recipe: "" for item in items}
    for item in items if root else ():
        told[item.outcome.recipe] = told[item.outcome.recipe] or recipe_of(root, item.outcome)
    if len(told) > 1:
        told = {key: words or key[:SHOWN] for key, words in told.items()}
        alike = Counter(told.values())
        told = {key: f"{words} ({key[:SHOWN]})" if alike[words] > 1 else words for key, words in told.items()}
    return dict(sorted(told.items(), key=lambda pair: (": " in pair[1], pair[1], pair[0])))


def run_of(root: Path, outcome: Outcome) -> Run | None:
    """Return the training run of an outcome; None where its manifest is not here."""
    place = next((root / file for file in outcome.files if Path(file).name == runs.MANIFEST), None)
    return runs.read(place) if place is not None and place.is_file() else None


def recipe_of(root: Path, outcome: Outcome) -> str:
    """Return the recipe of a run in a few words; empty where the run's manifest is not here."""
    run = run_of(root, outcome)
    if run is None:
        return ""
    told = run.recipe["train.yaml"]
    batch = told.get("per_device_train_batch_size", 1) * told.get("gradient_accumulation_steps", 1)
    words = {"rate": told.get("learning_rate"), "batch": batch, "epochs": told.get("num_train_epochs")}
    numbers = [f"{name} {value:g}" for name, value in words.items() if isinstance(value, int | float)]
    said = ", ".join([str(told.get("finetuning_type", "recipe of its own")), *numbers])
    return f"{run.recipe_name}: {said}" if run.recipe_name else said


def costs_of(root: Path | None, items: Iterable[Filed], told: Mapping[str, str]) -> decisions.Costs:
    """Return recipe, model -> training set -> operations of a training on it, as far as the runs' manifests say it.

    Args:
        root: where the manifests lie, if anywhere.
        told: of ``recipes_of``.
    """
    found = defaultdict(dict)
    for item in items if root else ():
        of = found[told[item.outcome.recipe], item.outcome.model]
        if item.percent == decisions.WHOLE and item.outcome.split not in of:
            run = run_of(root, item.outcome)
            spent = run.results.get(OPERATIONS) if run else None
            if isinstance(spent, int | float):
                of[item.outcome.split] = spent
    return found


def grouped(items: Iterable[Filed], key: Callable[[Outcome], str]) -> dict[str, list[Filed]]:
    """Group items by the key of their outcome: keys in natural order, items in the order of their files."""
    found = defaultdict(list)
    for item in sorted(items, key=lambda item: item.file):
        found[key(item.outcome)].append(item)
    return {name: found[name] for name in sorted(found, key=natural)}


def common_problems(items: Sequence[Filed]) -> list[str]:
    """Return the problems of one task, in natural order.

    Raises:
        InputError: the runs have different problems, or too few for an interval.
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
    if len(most.outcome.problems) < 2 and most.outcome.metric.kind != PASSES:
        raise InputError(f"{most.file}: found one problem; expected two or more, as intervals come from their spread")
    return sorted(most.outcome.problems, key=natural)


def refuse_twins(items: Sequence[Filed]) -> None:
    """Raise InputError for two runs on one split with one seed: they differ in something that outcomes do not show."""
    seen: dict[tuple[str, int], Filed] = {}
    for item in items:
        key = (item.outcome.split, item.outcome.seed)
        if key in seen:
            raise InputError(
                f"{item.file}: found a second run on {quoted(key[0])} with seed {key[1]}, beside {seen[key].file}; "
                "expected one: keep runs of another recipe in another study root"
            )
        seen[key] = item


def refuse_other_metrics(items: Sequence[Filed]) -> None:
    """Raise InputError if one name stands for two metrics."""
    for item in items:
        found, expected = asdict(item.outcome.metric), asdict(items[0].outcome.metric)
        if found != expected:
            raise InputError(f"{item.file}: found the metric {found}; expected {expected}, as in {items[0].file}")


def compare_task(
    items: Sequence[Filed], label: str, generator: np.random.Generator, designed: Collection[str] = ()
) -> dict:
    """Compare the conditions of one task in one metric; return them and every pair of them.

    Args:
        designed: the sets of a design, which are in no pair.
    """
    refuse_twins(items)
    refuse_other_metrics(items)
    by_condition, conditions = conditions_of(items)
    metric = asdict(items[0].outcome.metric)
    untrained = outcomes.untrained(items[0].outcome.question, items[0].outcome.pool)
    found = task.compare(conditions, metric, generator, {untrained, *designed})
    for one in found["conditions"]:
        of = by_condition[one["condition"]]
        one["splits"] = sorted({item.outcome.split for item in of}, key=natural)
        one["seeds"] = sorted({item.outcome.seed for item in of})
        one["runs"] = [describe_run(item) for item in of]
    return {
        "task": items[0].outcome.task,
        "label": label,
        "metric": metric,
        "settings": items[0].outcome.settings,
        **found,
        "transfer": transfer.gains(conditions, untrained, metric),
        "versions_differ": versions_that_differ(items),
    }


def conditions_of(items: Sequence[Filed]) -> tuple[dict[str, list[Filed]], dict[str, task.Condition]]:
    """Return the outcomes of each condition of a task, and their numbers."""
    problems, by_condition = common_problems(items), grouped(items, lambda outcome: outcome.condition)
    return by_condition, {
        name: task.Condition([item.numbers(problems) for item in of], [item.outcome.split for item in of])
        for name, of in by_condition.items()
    }


def primary_rows(items: Sequence[Filed], label: str, declared: Sequence[Declared], recipe: str) -> list[dict]:
    """Return the primary contrasts of one task in one metric, as far as their splits have outcomes."""
    by_condition, conditions = conditions_of(items)
    metric, rows = asdict(items[0].outcome.metric), []
    for each in declared:
        found = contrasts.contrast(conditions, metric, each)
        if found:
            of = [item for part in found["conditions"] for item in by_condition[part["condition"]]]
            rows.append(about_row(of, label, recipe) | found)
    return rows


def about_row(items: Sequence[Filed], label: str, recipe: str) -> dict:
    """Return what a contrast of these outcomes is about: question, pool, model, recipe, task, metric, seeds."""
    one = items[0].outcome
    about = {"question": one.question, "pool": one.pool, "model": one.model, "harness": one.harness}
    about |= {"task": label, "metric": asdict(one.metric), "seeds": sorted({item.outcome.seed for item in items})}
    return about | {"recipe": recipe}


def designed(
    items: Sequence[Filed], label: str, declared: Declarations, parts: Mapping, recipe: str
) -> tuple[list[dict], dict] | None:
    """Return the effects of a design's factors on one task in one metric, and the design; None without outcomes.

    Args:
        parts: question, and what ``likeness`` says -> outcomes.
    """
    by_condition, conditions = conditions_of(items)
    one, metric = items[0].outcome, asdict(items[0].outcome.metric)
    found = effects.effects(conditions, metric, declared.factors[one.question, one.pool])
    if found is None:
        return None
    fitted, design = found
    names = [part["condition"] for part in fitted[0].row["conditions"]]
    about = about_row([item for name in names for item in by_condition[name]], label, recipe)
    rows = [about | each.row | {"alone": alone(each, items, declared, parts)} for each in fitted]
    return rows, about | design


def alone(fitted: Fitted, items: Sequence[Filed], declared: Declarations, parts: Mapping) -> dict:
    """Return what the question that varies a factor's property alone found; where there is nothing, ``missing`` why."""
    question, one = fitted.factor.question, items[0].outcome
    said = {"question": question}
    if not question:
        return said | {"missing": "no question varies it alone"}
    theirs = parts.get((question, *likeness(one)))
    if not theirs:
        return said | {"missing": "not trained"}
    if common_problems(theirs) != common_problems(items):
        return said | {"missing": "scored on other problems"}
    _, conditions = conditions_of(theirs)
    asked = declared.contrasts.get((question, one.pool), ())
    for each in (each for each in asked if each.label.endswith(f"({fitted.factor.other})") or not fitted.factor.other):
        found = effects.beside(fitted, conditions, asdict(one.metric), each, declared.measured)
        if found:
            return said | found
    return said | {"missing": "not trained at both ends"}


def likeness(outcome: Outcome) -> tuple[str, ...]:
    """Return what outcomes of two questions must share to be set beside each other."""
    return outcome.pool, outcome.model, outcome.harness, outcome.task, metric_key(outcome), settings_key(outcome)


def describe_run(item: Filed) -> dict:
    outcome = item.outcome
    return {
        "run": outcome.run,
        "split": outcome.split,
        "seed": outcome.seed,
        "samples": outcome.samples,
        "pass@1" if outcome.metric.kind == PASSES else "mean": outcome.mean,
        "reported": outcome.reported,
        "file": item.file,
    }


def versions_that_differ(items: Sequence[Filed]) -> list[str]:
    """Return the packages whose versions differ between these outcomes."""
    names = {name for item in items for name in item.outcome.versions}
    return sorted(name for name in names if len({item.outcome.versions.get(name) for item in items}) > 1)


def parts_of(items: Sequence[Filed]) -> Iterable[tuple[str, Sequence[str], list[Filed]]]:
    """Yield label, key and outcomes for every task, metric and settings of a group."""
    for of_task in grouped(items, lambda outcome: outcome.task).values():
        for of_metric in grouped(of_task, metric_key).values():
            variants = grouped(of_metric, settings_key)
            for number, (key, of) in enumerate(variants.items(), 1):
                one = of[0].outcome
                metric = [] if one.metric.name == PASS.name else [one.metric.name]
                label = one.task if one.metric.name == PASS.name else f"{one.task}, {one.metric.name}"
                label += f" (settings {number})" if len(variants) > 1 else ""
                yield label, [one.task, key, *metric], of


def compare_group(items: Sequence[Filed], recipe: str, seed: int, designed: Collection[str] = ()) -> dict:
    """Compare one question, pool, base model, recipe and harness; return a part for every task, metric and settings."""
    one = items[0].outcome
    name = (one.question, one.pool, one.model, one.harness)
    parts = [compare_task(of, label, generator_of(seed, [*name, *key]), designed) for label, key, of in parts_of(items)]
    return {"pool": one.pool, "model": one.model, "recipe": recipe, "harness": one.harness, "tasks": parts}


def metric_key(outcome: Outcome) -> str:
    """Return a metric's name as a key that sorts pass@1 first."""
    return "" if outcome.metric.name == PASS.name else outcome.metric.name


def settings_key(outcome: Outcome) -> str:
    return orjson.dumps(outcome.settings, option=orjson.OPT_SORT_KEYS).decode()


def generator_of(seed: int, names: Sequence[str]) -> np.random.Generator:
    """Return a generator whose draws depend on seed and names alone, not on the other comparisons."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def alike(items: Sequence[Filed], told: Mapping[str, str]) -> Iterable[tuple[str, list[Filed]]]:
    """Yield the outcomes of each question, pool, base model, recipe and harness, behind the words for the recipe."""
    order = list(told)

    def about(one: Outcome) -> str:
        return "\0".join((one.question, one.pool, one.model, str(order.index(one.recipe)), one.harness))

    for of in grouped(items, about).values():
        yield told[of[0].outcome.recipe], of


def compare_question(
    items: Sequence[Filed], question: str, seed: int, declared: Declarations, told: Mapping[str, str]
) -> dict:
    """Compare all groups of one question; correct their p values together.

    Args:
        told: of ``recipes_of``.
    """
    groups = []
    for recipe, of in alike(items, told):
        factors = declared.factors.get((question, of[0].outcome.pool), ())
        groups.append(compare_group(of, recipe, seed, {name for factor in factors for name in factor.doses}))
    failed = [failure(question, group, declared, told) for group in groups]
    pairs = [
        (part["noise"] or found, pair)
        for group, found in zip(groups, failed, strict=True)
        for part in group["tasks"]
        for pair in part["differences"]
    ]
    for (unsound, pair), p in zip(pairs, two_way.corrected([pair["p"] for _, pair in pairs]), strict=True):
        pair["p_corrected"] = p
        pair["supported"] = p < sentences.SIGNIFICANT and not unsound
    for group, found in zip(groups, failed, strict=True):
        group["sentences"] = sentences.sentences(group, len(pairs), found)
    return {"question": question, "comparisons": len(pairs), "groups": groups}


def failure(question: str, about: Mapping, declared: Declarations, told: Mapping[str, str]) -> str:
    """Return what the self-test found wrong with a model and a recipe; empty if nothing, or if these are its plants.

    Args:
        about: ``model``, and ``recipe`` in the words of ``told``.
    """
    found = {told.get(recipe): said for (model, recipe), said in declared.failed.items() if model == about["model"]}
    return "" if question == self_test.QUESTION else found.get(about["recipe"], "")


def primary(items: Sequence[Filed], declared: Declarations, told: Mapping[str, str]) -> dict:
    """Return the primary contrasts of all questions, corrected together, the designs, and the verdicts.

    Args:
        told: of ``recipes_of``.
    """
    rows, designs = [], []
    parts = [(label, recipe, part) for recipe, of in alike(items, told) for label, _, part in parts_of(of)]
    beside = {(part[0].outcome.question, *likeness(part[0].outcome)): part for _, _, part in parts}
    for label, recipe, part in parts:
        key = part[0].outcome.question, part[0].outcome.pool
        if declared.contrasts.get(key):
            rows += primary_rows(part, label, declared.contrasts[key], recipe)
        found = designed(part, label, declared, beside, recipe) if key in declared.factors else None
        if found:
            rows += found[0]
            designs.append(found[1])
    for row in rows:
        found = failure(row["question"], row, declared, told)
        if found:
            row["self_test"] = found
    family = verdicts.correct(rows)
    return {
        "correction": "Holm, over all primary contrasts of all questions",
        "comparisons": family,
        "verdicts": verdicts.verdicts(rows),
        "over_recipes": recipes.over_recipes(rows),
        "contrasts": rows,
        "designs": designs,
    }


def scale(
    items: Sequence[Filed],
    declared: Declarations,
    told: Mapping[str, str],
    whole: Sequence[Mapping],
    root: Path | None = None,
) -> dict:
    """Return the primary contrasts at every other size, and how often a cheap setting decides as a dear one does.

    The contrasts of one size are corrected among themselves.

    Args:
        whole: the primary contrasts of whole sets.
        root: as ``compare`` has it.
    """
    begun = [one for one in items if one.outcome.split == outcomes.untrained(one.outcome.question, one.outcome.pool)]
    sizes = []
    for percent in sorted({item.percent for item in items} - {decisions.WHOLE}):
        of = [item for item in items if item.percent == percent]
        found = primary([*of, *begun], declared, told)
        sizes.append({"percent": percent, **{key: found[key] for key in ("comparisons", "verdicts", "contrasts")}})
    every = [(one["percent"], row) for one in sizes for row in one["contrasts"]]
    every += [(decisions.WHOLE, row) for row in whole]
    several = len({row["model"] for _, row in every}) > 1
    costs = costs_of(root, items, told) if several else None
    return {"sizes": sizes, "decisions": decisions.accuracies([row | {"percent": at} for at, row in every], costs)}


def compare(items: Sequence[Filed], seed: int, declared: Declarations | None = None, root: Path | None = None) -> dict:
    """Compare all outcomes; return the content of ``comparison.json``.

    Args:
        declared: of ``declarations``.
        root: where the runs' manifests lie, for the recipes; None to leave their words out.
    """
    declared, told = declared or Declarations(), recipes_of(root, items)
    whole = [item for item in items if item.percent == decisions.WHOLE]
    questions, first = grouped(whole, lambda outcome: outcome.question), primary(whole, declared, told)
    document = {
        "seed": seed,
        "confidence": two_way.CONFIDENCE,
        "power": two_way.POWER,
        "resamples": two_way.RESAMPLES,
        "correction": "Holm, over all comparisons of a question",
        "packages": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "inputs": {item.file: item.sha256 for item in sorted(items, key=lambda item: item.file)},
        "primary": first,
        "scale": scale(items, declared, told, first["contrasts"], root),
        "questions": [compare_question(of, question, seed, declared, told) for question, of in questions.items()],
    }
    return rounded(document)


def rounded(value: object) -> object:
    """Return the same value with every float rounded to ``DIGITS`` digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") + 0.0  # turns -0.0 into 0.0
    if isinstance(value, Mapping):
        return {key: one if key in VERBATIM else rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def write(root: Path, document: Mapping) -> None:
    """Write the files, each whole or not at all; the JSON last."""
    folder = root / outcomes.FOLDER
    beside = {
        "comparison.csv": csv_bytes(tables.rate_rows(document), tables.RATE_COLUMNS),
        "differences.csv": csv_bytes(tables.difference_rows(document), tables.DIFFERENCE_COLUMNS),
        "transfer.csv": csv_bytes(tables.transfer_rows(document), tables.TRANSFER_COLUMNS),
        "effects.csv": csv_bytes(tables.effect_rows(document), tables.EFFECT_COLUMNS),
        "comparison.md": tables.markdown(document).encode(),
    }
    documents.write_derived(folder / "comparison.json", document, beside)


def say(root: Path, document: Mapping) -> None:
    for verdict in [*document["primary"]["verdicts"], *document["primary"]["over_recipes"]]:
        print(f"{verdict['sentence']}\n")
    for one in document["scale"]["decisions"]:
        print(f"{tables.decision(one)}\n")
    for question in document["questions"]:
        for group in question["groups"]:
            print(f"{printable(question['question'])}, {tables.heading(group)}")
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
    document = compare(read(root), options.seed, declarations(root), root)
    write(root, document)
    say(root, document)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
