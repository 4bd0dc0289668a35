"""RQ3, problem complexity: do harder problems teach more?

Adds two numbers per instruction, each scaled to 0 … 1 over the pool: a score from 1 to 6 that a language model expects
as the answer to a question about the problem's complexity, and the instruction's perplexity. Sorts by the sum and cuts
into thirds by count, which makes three splits a pool, in Datas/RQ3/<POOL>/, simplest record first:

    RQ3_<POOL>_<SIMPLE|MODERATE|COMPLEX>.json

with RQ3_<POOL>_scores.parquet (every number, the digits' logits included) and RQ3_<POOL>_manifest.json.
Perplexity has a long tail, so one outlier presses all others towards 0, and the score alone decides the order. So every
run says what ranks, or the logarithm of the perplexity, would change; --normalise uses them.

    python Code/RQ3/problem_complexity.py --demo
    python Code/RQ3/problem_complexity.py                           XCoder's scorer, llama2-7B (June 2025)
    python Code/RQ3/problem_complexity.py --generation 2025-12      another prompt, gpt2 without start token
    python Code/RQ3/problem_complexity.py --generation 2024-09      perplexity alone, codellama-7B
    python Code/RQ3/problem_complexity.py --normalise rank          average ranks instead of min-max
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.measures import ranks
from instruction_data.numbers import models
from instruction_data.numbers.features import Feature
from instruction_data.numbers.language_model import LanguageModel
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import record_tables
from instruction_data.publish.question import Ends, Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split
from instruction_data.select.tiers import count_tiers, minmax
from instruction_data.workspace import Workspace

QUESTION = Question(
    "RQ3",
    title="problem complexity",
    asks="Do harder problems teach more?",
    varies=("complexity",),
    contrast=Ends(low="SIMPLE", high="COMPLEX"),
)
TIERS = ("SIMPLE", "MODERATE", "COMPLEX")
DIGITS = ("1", "2", "3", "4", "5", "6")
PROMPT_TOKENS = 512  # the study's generate(max_length=512)
SCORER = "banksy235/XCoder-Complexity-Scorer"
DEMO_MODEL = "smollm2"
MEASURES = {"sum": ("score", "perplexity"), "score": ("score",), "perplexity": ("perplexity",)}
STUDYS = "minmax"
NORMALISATIONS = (STUDYS, "rank", "log")


@dataclass(frozen=True)
class Definition:
    """The measure of complexity in one generation of the study.

    Attributes:
        prompt: asks for the score.
        first_weight: the weight of the digit 1 in the score; each further digit weighs one more.
        perplexity_tokens: the most tokens of an instruction that are read.
        start: whether perplexity conditions the first token on a start token, or begins at the second.
        average: whether the parts are averaged instead of added.
        rest_last: whether the thirds are ⌊n/3⌋, ⌊n/3⌋ and the rest instead of cut at ⌊n/3⌋ and ⌊2n/3⌋.
    """

    prompt: str
    first_weight: int = 1
    perplexity_tokens: int = 256
    start: bool = True
    average: bool = False
    rest_last: bool = False


JUNE = Definition(
    "You are a helpful assistant. Please identify the complexity score of the following programming problem.\n"
    "##Problem: {instruction}\n##Complexity: "
)
DECEMBER = Definition(
    "You are a helpful assistant. Please identify the complexity score of the following user query. \n"
    "##Query: {instruction}  \n##Complexity: ",
    first_weight=0,
    perplexity_tokens=512,
    start=False,
    average=True,
    rest_last=True,
)
DEFINITIONS = {"2025-06": JUNE, "2025-12": DECEMBER, "2024-09": JUNE}
PERPLEXITY_MODELS = {
    "2025-06": "meta-llama/Llama-2-7b-hf",
    "2025-12": "gpt2",
    "2024-09": "codellama/CodeLlama-7b-hf",
}
GENERATIONS = {"2025-06": {}, "2025-12": {}, "2024-09": {"measure": "perplexity"}}


def expected_digit(logits: np.ndarray, first_weight: int = 1) -> np.ndarray:
    """Return the expected digit under the softmax over the digits' logits alone.

    Args:
        logits: float ``[n, 6]``, of the digits 1 … 6.
        first_weight: the weight of the digit 1; each further digit weighs one more.

    Returns:
        float64 ``[n]``, in 1 … 6 with the first weight 1.
    """
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return weights @ np.arange(first_weight, first_weight + logits.shape[1]) / weights.sum(axis=1)


def complexity(parts: Mapping[str, np.ndarray], normalise: str = STUDYS) -> np.ndarray:
    """Return the sum of the parts, each scaled to 0 … 1; float64 ``[n]``.

    Args:
        parts: measure -> float ``[n]``.
        normalise: ``minmax`` (the study's), ``rank`` (average ranks), or ``log`` (min-max, of the logarithm for the
            perplexity).
    """
    if normalise == "rank":
        return np.sum([ranks.scaled(values) for values in parts.values()], axis=0)
    if normalise == "log":
        parts = {name: np.log(values) if name == "perplexity" else values for name, values in parts.items()}
    return np.sum([minmax(values) for values in parts.values()], axis=0)


def tier_numbers(values: np.ndarray, *, rest_last: bool = False) -> np.ndarray:
    """Return the tier of every record, 0 … 2; int64 ``[n]``."""
    result = np.empty(len(values), dtype=np.int64)
    for number, part in enumerate(count_tiers(values, rest_last=rest_last)):
        result[part] = number
    return result


def against_study(value: np.ndarray, studys: np.ndarray, *, rest_last: bool = False) -> tuple[float | None, np.ndarray]:
    """Compare another complexity with the study's.

    Args:
        value, studys: float ``[n]``.

    Returns:
        Spearman's correlation (None where it is not defined); bool ``[n]``, whether each record changes tier.
    """
    moved = tier_numbers(value, rest_last=rest_last) != tier_numbers(studys, rest_last=rest_last)
    return ranks.correlation(value, studys), moved


def tier_names(pool: Pool) -> dict[str, str]:
    return {tier: f"{QUESTION.id}_{pool.label}_{tier}" for tier in TIERS}


def measured(
    workspace: Workspace, records: Records, wanted: Mapping[str, Feature], definition: Definition
) -> list[Column]:
    """Measure every record: the score with its six logits, the perplexity, and whether the text was cut for either."""
    columns = []
    texts = records.texts("instruction")
    for measure, feature in wanted.items():
        arrays = workspace.compute(texts, feature)
        by = {"made_by": f"the manifest's {measure} model", "trait": QUESTION.varies[0]}
        if measure == "score":
            logits, first = arrays["logits"], definition.first_weight
            columns += [
                Column(f"logit_{digit}", logits[:, place], kind="note", **by) for place, digit in enumerate(DIGITS)
            ]
            unit = f"{first} to {first + len(DIGITS) - 1}"
            columns.append(Column("score", expected_digit(logits, first), "complexity score", unit, **by))
        else:
            label = "perplexity of the instruction"
            columns.append(Column("perplexity", arrays["perplexity"], label, scale="log", **by))
        cut = "instruction longer than the model reads"
        columns.append(Column(f"{measure}_text_cut", arrays["cut"], cut, kind="note", **by))
    return columns


def complexities(parts: Mapping[str, np.ndarray], definition: Definition) -> dict[str, np.ndarray]:
    """Return normalisation -> complexity; for a single measure only the study's, since none changes the order."""
    wanted = NORMALISATIONS if len(parts) > 1 else (STUDYS,)
    divisor = len(parts) if definition.average else 1
    return {normalise: complexity(parts, normalise) / divisor for normalise in wanted}


def complexity_splits(
    records: Records,
    tiers: Mapping[str, np.ndarray],
    values: np.ndarray,
    studys: np.ndarray | None,
    definition: Definition,
) -> list[Split]:
    """Make the tiers' splits; with another normalisation than the study's, they say how far they depart from it.

    Args:
        values, studys: complexity of every record, by this run's and the study's normalisation; NaN where unusable.
    """
    if studys is not None:
        usable = np.flatnonzero(np.isfinite(studys))
        correlation, moved = against_study(values[usable], studys[usable], rest_last=definition.rest_last)
        changed = usable[moved]
    made = []
    for tier, part in tiers.items():
        summary = {"mean complexity": values[part].mean()} if len(part) else {}
        if studys is not None and len(part):
            summary["records from another min-max tier"] = np.isin(part, changed).sum()
            summary |= {} if correlation is None else {"Spearman correlation with min-max": correlation}
        made.append(Split(tier_names(records.pool)[tier], [(records, part)], summary))
    return made


def say_departures(pool: Pool, ways: Mapping[str, np.ndarray], definition: Definition) -> None:
    """Print, for every normalisation but the study's, how its order and tiers differ from the study's."""
    for normalise, value in ways.items():
        if normalise != STUDYS:
            correlation, moved = against_study(value, ways[STUDYS], rest_last=definition.rest_last)
            figure = "not defined" if correlation is None else f"{correlation:.3f}"
            print(
                f"{pool.name}: --normalise {normalise} against the study's {STUDYS}: Spearman correlation {figure}, "
                f"{int(moved.sum()):,} of {len(moved):,} records ({moved.mean():.1%}) in another tier"
            )


def publish_pool(workspace: Workspace, options: argparse.Namespace, pool: Pool) -> None:
    """Make and publish the splits of one code pool."""
    records, normalise, definition = workspace.read(pool), options.normalise, DEFINITIONS[options.generation]
    wanted = wanted_features(workspace, options)
    settings = {"generation": options.generation, "measure": options.measure, "normalise": normalise}
    used = {measure: feature.identity for measure, feature in wanted.items()}
    publication = workspace.begin(QUESTION, [records], settings, models=used)
    columns = measured(workspace, records, wanted, definition)
    numbers = {column.name: column.values for column in columns}
    usable = workspace.usable(records, np.all([np.isfinite(numbers[measure]) for measure in wanted], axis=0))
    ways = complexities({measure: numbers[measure][usable] for measure in wanted}, definition)
    parts = count_tiers(ways[normalise], rest_last=definition.rest_last)
    tiers = dict(zip(TIERS, (usable[part] for part in parts), strict=True))
    values = record_tables.spread(ways[normalise], usable, len(records))
    studys = record_tables.spread(ways[STUDYS], usable, len(records)) if normalise != STUDYS else None
    columns += complexity_columns(values, studys, tiers, len(records))
    publication.splits(complexity_splits(records, tiers, values, studys, definition), columns)
    say_departures(pool, ways, definition)
    for measure in wanted:
        cli.say_cut(numbers[f"{measure}_text_cut"], f"instructions ({measure})")


def complexity_columns(
    values: np.ndarray, studys: np.ndarray | None, tiers: Mapping[str, np.ndarray], n: int
) -> Sequence[Column]:
    """Declare complexity, for another normalisation also the study's, and the tier."""
    columns = [Column("complexity", values, "complexity")]
    if studys is not None:
        columns.append(Column("complexity_minmax", studys, "complexity by min-max", trait=QUESTION.varies[0]))
    return [*columns, Column("tier", record_tables.labels(tiers, n), kind="note", levels=TIERS)]


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("problem complexity")
    cli.add_generation_flag(group)
    group.add_argument(
        "--scorer", metavar="MODEL", help=f"asked for the score: hub id, folder or smollm2 (default: {SCORER})"
    )
    group.add_argument(
        "--perplexity-model",
        metavar="MODEL",
        help=f"gives the perplexity: the same (default: {', '.join(PERPLEXITY_MODELS.values())}, by generation)",
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


def model_names(workspace: Workspace, options: argparse.Namespace) -> dict[str, str]:
    """Return measure -> the model that this run uses."""
    both = options.model or (DEMO_MODEL if workspace.demo else None)
    names = {
        "score": options.scorer or both or SCORER,
        "perplexity": options.perplexity_model or both or PERPLEXITY_MODELS[options.generation],
    }
    return {measure: names[measure] for measure in MEASURES[options.measure]}


def wanted_features(workspace: Workspace, options: argparse.Namespace) -> dict[str, Feature]:
    """Return measure -> the feature to compute."""
    definition, made = DEFINITIONS[options.generation], {}
    for measure, name in model_names(workspace, options).items():
        model = LanguageModel(models.find(name), workspace.device, workspace.dtype)
        if measure == "score":
            made[measure] = model.next_token_logits(definition.prompt, DIGITS, PROMPT_TOKENS)
        else:
            made[measure] = model.perplexity(definition.perplexity_tokens, start=definition.start)
    return made


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__, GENERATIONS)
    if options.normalise != STUDYS and options.measure != "sum":
        raise InputError(
            f"--normalise {options.normalise}: found --measure {options.measure}, a single number whose "
            "order no scaling changes; expected --measure sum"
        )
    names = model_names(workspace, options)
    workspace.for_each_pool(
        lambda pool: publish_pool(workspace, options, pool),
        QUESTION,
        expects=lambda pool, n: dict.fromkeys(tier_names(pool).values(), n // 3),
        computes=", ".join(f"{measure} with {name}" for measure, name in names.items()),
    )
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
