"""RQ3, problem complexity: do harder problems teach more?

Two numbers per instruction, each scaled to 0 … 1 over the pool and added: a score from 1 to 6 that a language model
expects as the answer to a question about the problem's complexity, and the instruction's perplexity. Sorted by the
sum and cut into thirds by count, three splits a pool, in Datas/RQ3/<POOL>/, simplest record first:

    RQ3_<POOL>_<SIMPLE|MODERATE|COMPLEX>.json

with RQ3_<POOL>_scores.parquet (every number, the digits' logits included) and RQ3_<POOL>_manifest.json.

    python Code/RQ3/problem_complexity.py --demo
    python Code/RQ3/problem_complexity.py                             XCoder's scorer, llama2-7B (June 2025)
    python Code/RQ3/problem_complexity.py --perplexity-model gpt2     (December 2025)
"""

import argparse
import sys

import numpy as np

from instruction_data import command, features, models, publish, splits
from instruction_data.pools import Pool, Records

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


def expected_digit(logits: np.ndarray) -> np.ndarray:
    """The expectation of the digit under the softmax over the digits' logits alone.

    Args:
        logits: float ``[n, 6]``, of the digits 1 … 6.

    Returns:
        float64 ``[n]``, in 1 … 6.
    """
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return weights @ np.arange(1, 1 + logits.shape[1]) / weights.sum(axis=1)


def complexity(parts: dict[str, np.ndarray]) -> np.ndarray:
    """The sum of the parts, each scaled to 0 … 1; float64 ``[n]``."""
    return np.sum([splits.minmax(values) for values in parts.values()], axis=0)


def tier_names(pool: Pool) -> dict[str, str]:
    return {tier: f"{QUESTION}_{pool.label}_{tier}" for tier in TIERS}


def measured(study: command.Study, records: Records, wanted: dict[str, features.Feature]) -> dict[str, np.ndarray]:
    """Every number per record: the score and its six logits, the perplexity, and whether a text was cut for either."""
    numbers = {}
    texts = records.texts("instruction")
    for measure, feature in wanted.items():
        arrays = study.compute(texts, feature)
        if measure == "score":
            numbers |= {f"logit_{digit}": arrays["logits"][:, place] for place, digit in enumerate(DIGITS)}
            numbers["score"] = expected_digit(arrays["logits"])
        else:
            numbers["perplexity"] = arrays["perplexity"]
        numbers[f"{measure}_text_cut"] = arrays["cut"]
    return numbers


def publish_pool(study: command.Study, pool: Pool, wanted: dict[str, features.Feature]) -> None:
    """Make and publish the splits of one code pool."""
    records = study.read(pool)
    settings = {"measure": study.options.measure}
    models_used = {measure: feature.identity for measure, feature in wanted.items()}
    publication = publish.begin(study, QUESTION, [records], settings, models=models_used)
    numbers = measured(study, records, wanted)
    usable = study.usable(records, np.all([np.isfinite(numbers[measure]) for measure in wanted], axis=0))
    value = complexity({measure: numbers[measure][usable] for measure in wanted})
    parts = dict(zip(TIERS, (usable[part] for part in splits.count_tiers(value)), strict=True))
    numbers["complexity"] = publish.spread(value, usable, len(records))
    numbers["tier"] = publish.labels(parts, len(records))
    made = []
    for tier, part in parts.items():
        summary = {"mean complexity": numbers["complexity"][part].mean()} if len(part) else {}
        made.append(publish.Split(tier_names(pool)[tier], [(records, part)], summary))
    publication.splits(made, numbers)
    for measure in wanted:
        command.say_cut(numbers[f"{measure}_text_cut"], f"instructions ({measure})")


def parser() -> argparse.ArgumentParser:
    result = command.parser(__doc__)
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
    command.add_model_flags(group)
    return result


def model_names(options: argparse.Namespace) -> dict[str, str]:
    """Measure -> the model that this run asks."""
    both = options.model or (DEMO_MODEL if options.demo else None)
    names = {
        "score": options.scorer or both or SCORER,
        "perplexity": options.perplexity_model or both or PERPLEXITY_MODEL,
    }
    return {measure: names[measure] for measure in MEASURES[options.measure]}


def wanted_features(options: argparse.Namespace) -> dict[str, features.Feature]:
    """Measure -> feature."""
    made = {}
    for measure, name in model_names(options).items():
        model = models.LanguageModel(models.find(name), options.device, options.dtype)
        if measure == "score":
            made[measure] = model.next_token_logits(PROMPT, DIGITS, PROMPT_TOKENS)
        else:
            made[measure] = model.perplexity(PERPLEXITY_TOKENS)
    return made


def main(argv: list[str] | None = None) -> int:
    study = command.open_study(parser(), argv, __file__)
    study.refuse_repeats("its tiers are cut, not drawn")
    if study.options.dry_run:
        for pool in study.code_pools:
            names = tier_names(pool).values()
            computed = ", ".join(f"{measure} with {name}" for measure, name in model_names(study.options).items())
            study.plan(
                [pool], computed, f"Datas/{QUESTION}/{pool.label}", lambda n, names=names: dict.fromkeys(names, n // 3)
            )
        return 0
    wanted = wanted_features(study.options)
    for pool in study.code_pools:
        publish_pool(study, pool, wanted)
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
