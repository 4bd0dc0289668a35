"""RQ3, problem complexity: do harder problems teach more?

Two numbers per instruction, each scaled to 0 … 1 over the pool and added: a score from 1 to 6 that a language model
expects as the answer to a question about the problem's complexity, and the instruction's perplexity. Sorted by the
sum and cut into thirds by count, three splits a pool, in Datas/RQ3/<POOL>/, simplest record first:

    RQ3_<POOL>_<SIMPLE|MODERATE|COMPLEX>.json

with RQ3_<POOL>_scores.parquet (every number, the digits' logits included) and RQ3_<POOL>_manifest.json.
Perplexity has a long tail, so one outlier presses all others towards 0 and leaves the order to the score alone. Every
run therefore says what merging by ranks, or the logarithm of the perplexity, would change; --normalise does it.

    python Code/RQ3/problem_complexity.py --demo
    python Code/RQ3/problem_complexity.py                             XCoder's scorer, llama2-7B (June 2025)
    python Code/RQ3/problem_complexity.py --perplexity-model gpt2     (December 2025)
    python Code/RQ3/problem_complexity.py --normalise rank            average ranks instead of min-max
"""

import argparse
import sys

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.features import Feature
from instruction_data.numbers.language_model import LanguageModel
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import record_tables
from instruction_data.publish.split import Split
from instruction_data.select.tiers import count_tiers, minmax
from instruction_data.workspace import Workspace

QUESTION = "RQ3"
TIERS = ("SIMPLE", "MODERATE", "COMPLEX")
PROMPT = (
    "You are a helpful assistant. Please identify the complexity score of the following programming problem.\n"
    "##Problem: {instruction}\n##Complexity: "
)
DIGITS = ("1", "2", "3", "4", "5", "6")
PROMPT_TOKENS = 512  # the study's generate(max_length=512)
PERPLEXITY_TOKENS = 256
SCORER = "banksy235/XCoder-Complexity-Scorer"
PERPLEXITY_MODEL = "meta-llama/Llama-2-7b-hf"
DEMO_MODEL = "smollm2"
MEASURES = {"sum": ("score", "perplexity"), "score": ("score",), "perplexity": ("perplexity",)}
STUDYS = "minmax"
NORMALISATIONS = (STUDYS, "rank", "log")


def expected_digit(logits: np.ndarray) -> np.ndarray:
    """The expectation of the digit under the softmax over the digits' logits alone.

    Args:
        logits: float ``[n, 6]``, of the digits 1 … 6.

    Returns:
        float64 ``[n]``, in 1 … 6.
    """
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return weights @ np.arange(1, 1 + logits.shape[1]) / weights.sum(axis=1)


def scaled_ranks(values: np.ndarray) -> np.ndarray:
    """(rank − 1) / (n − 1), equal values sharing the average of their ranks 1 … n; float64 ``[n]``, 0 for n = 1."""
    from scipy.stats import rankdata

    return (rankdata(values) - 1) / max(1, len(values) - 1)


def complexity(parts: dict[str, np.ndarray], normalise: str = STUDYS) -> np.ndarray:
    """The sum of the parts, each scaled to 0 … 1; float64 ``[n]``.

    Args:
        parts: measure -> float ``[n]``.
        normalise: ``minmax`` (the study's), ``rank`` (average ranks), or ``log`` (min-max, of the logarithm for the
            perplexity).
    """
    if normalise == "rank":
        return np.sum([scaled_ranks(values) for values in parts.values()], axis=0)
    if normalise == "log":
        parts = {name: np.log(values) if name == "perplexity" else values for name, values in parts.items()}
    return np.sum([minmax(values) for values in parts.values()], axis=0)


def spearman(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's rank correlation; None where it is not defined, one of both being constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)


def tier_numbers(values: np.ndarray) -> np.ndarray:
    """The tier of every record, 0 … 2; int64 ``[n]``."""
    result = np.empty(len(values), dtype=np.int64)
    for number, part in enumerate(count_tiers(values)):
        result[part] = number
    return result


def against_study(value: np.ndarray, studys: np.ndarray) -> tuple[float | None, np.ndarray]:
    """How another complexity departs from the study's: Spearman's correlation, and whether each record changes tier.

    Args:
        value, studys: float ``[n]``.

    Returns:
        The correlation (None: not defined); bool ``[n]``.
    """
    return spearman(value, studys), tier_numbers(value) != tier_numbers(studys)


def tier_names(pool: Pool) -> dict[str, str]:
    return {tier: f"{QUESTION}_{pool.label}_{tier}" for tier in TIERS}


def measured(workspace: Workspace, records: Records, wanted: dict[str, Feature]) -> dict[str, np.ndarray]:
    """Every number per record: the score and its six logits, the perplexity, and whether a text was cut for either."""
    numbers = {}
    texts = records.texts("instruction")
    for measure, feature in wanted.items():
        arrays = workspace.compute(texts, feature)
        if measure == "score":
            numbers |= {f"logit_{digit}": arrays["logits"][:, place] for place, digit in enumerate(DIGITS)}
            numbers["score"] = expected_digit(arrays["logits"])
        else:
            numbers["perplexity"] = arrays["perplexity"]
        numbers[f"{measure}_text_cut"] = arrays["cut"]
    return numbers


def complexities(parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Normalisation -> complexity; of a single measure the study's alone, since none changes its order."""
    wanted = NORMALISATIONS if len(parts) > 1 else (STUDYS,)
    return {normalise: complexity(parts, normalise) for normalise in wanted}


def complexity_splits(records: Records, parts: dict[str, np.ndarray], numbers: dict[str, np.ndarray]) -> list[Split]:
    """The tiers as splits; those not of the study's normalisation say how far they depart from it."""
    studys = numbers.get("complexity_minmax")
    if studys is not None:
        usable = np.flatnonzero(np.isfinite(studys))
        correlation, moved = against_study(numbers["complexity"][usable], studys[usable])
        changed = usable[moved]
    made = []
    for tier, part in parts.items():
        summary = {"mean complexity": numbers["complexity"][part].mean()} if len(part) else {}
        if studys is not None and len(part):
            summary["records from another min-max tier"] = np.isin(part, changed).sum()
            summary |= {} if correlation is None else {"Spearman correlation with min-max": correlation}
        made.append(Split(tier_names(records.pool)[tier], [(records, part)], summary))
    return made


def say_departures(pool: Pool, ways: dict[str, np.ndarray]) -> None:
    """Print, for every normalisation but the study's, how its order and tiers differ from the study's."""
    for normalise, value in ways.items():
        if normalise != STUDYS:
            correlation, moved = against_study(value, ways[STUDYS])
            figure = "not defined" if correlation is None else f"{correlation:.3f}"
            print(
                f"{pool.name}: --normalise {normalise} against the study's {STUDYS}: Spearman correlation {figure}, "
                f"{int(moved.sum()):,} of {len(moved):,} records ({moved.mean():.1%}) in another tier"
            )


def publish_pool(workspace: Workspace, pool: Pool, wanted: dict[str, Feature]) -> None:
    """Make and publish the splits of one code pool."""
    records = workspace.read(pool)
    normalise = workspace.options.normalise
    settings = {"measure": workspace.options.measure}
    if normalise != STUDYS:  # unnamed in the default's manifest, as in those of before there was a choice
        settings["normalise"] = normalise
    models_used = {measure: feature.identity for measure, feature in wanted.items()}
    publication = workspace.begin(QUESTION, [records], settings, models=models_used)
    numbers = measured(workspace, records, wanted)
    usable = workspace.usable(records, np.all([np.isfinite(numbers[measure]) for measure in wanted], axis=0))
    ways = complexities({measure: numbers[measure][usable] for measure in wanted})
    parts = dict(zip(TIERS, (usable[part] for part in count_tiers(ways[normalise])), strict=True))
    numbers["complexity"] = record_tables.spread(ways[normalise], usable, len(records))
    if normalise != STUDYS:
        numbers["complexity_minmax"] = record_tables.spread(ways[STUDYS], usable, len(records))
    numbers["tier"] = record_tables.labels(parts, len(records))
    publication.splits(complexity_splits(records, parts, numbers), numbers)
    say_departures(pool, ways)
    for measure in wanted:
        cli.say_cut(numbers[f"{measure}_text_cut"], f"instructions ({measure})")


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("problem complexity")
    group.add_argument(
        "--scorer", metavar="MODEL", help=f"asked for the score: hub id, folder or smollm2 (default: {SCORER})"
    )
    group.add_argument(
        "--perplexity-model", metavar="MODEL", help=f"gives the perplexity: the same (default: {PERPLEXITY_MODEL})"
    )
    group.add_argument("--model", metavar="MODEL", help="both at once")
    group.add_argument(
        "--measure",
        choices=tuple(MEASURES),
        default="sum",
        help="what the tiers are cut by (default: %(default)s of both)",
    )
    group.add_argument(
        "--normalise",
        choices=NORMALISATIONS,
        default=STUDYS,
        help="how score and perplexity are scaled before they are added: min-max, average ranks, or min-max with the "
        "logarithm of the perplexity (default: %(default)s, the study's)",
    )
    cli.add_model_flags(group)
    return result


def model_names(options: argparse.Namespace) -> dict[str, str]:
    """Measure -> the model that this run asks."""
    both = options.model or (DEMO_MODEL if options.demo else None)
    names = {
        "score": options.scorer or both or SCORER,
        "perplexity": options.perplexity_model or both or PERPLEXITY_MODEL,
    }
    return {measure: names[measure] for measure in MEASURES[options.measure]}


def wanted_features(options: argparse.Namespace) -> dict[str, Feature]:
    """Measure -> feature."""
    made = {}
    for measure, name in model_names(options).items():
        model = LanguageModel(models.find(name), options.device, options.dtype)
        if measure == "score":
            made[measure] = model.next_token_logits(PROMPT, DIGITS, PROMPT_TOKENS)
        else:
            made[measure] = model.perplexity(PERPLEXITY_TOKENS)
    return made


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    workspace.refuse_repeats("its tiers are cut, not drawn")
    if workspace.options.normalise != STUDYS and workspace.options.measure != "sum":
        raise InputError(
            f"--normalise {workspace.options.normalise}: found --measure {workspace.options.measure}, a single number whose "
            "order no scaling changes; expected --measure sum"
        )
    if workspace.options.dry_run:
        for pool in workspace.code_pools:
            names = tier_names(pool).values()
            computed = ", ".join(f"{measure} with {name}" for measure, name in model_names(workspace.options).items())
            workspace.plan(
                [pool], computed, f"Datas/{QUESTION}/{pool.label}", lambda n, names=names: dict.fromkeys(names, n // 3)
            )
        return 0
    wanted = wanted_features(workspace.options)
    for pool in workspace.code_pools:
        publish_pool(workspace, pool, wanted)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
