"""RQ2, semantic diversity: does it matter how alike the records of a training set are?

Every record becomes a vector; its similarity is the mean cosine to all records of its pool. The least alike third is
the HIGH diversity tier, the most alike the LOW one, each in pool order. Three splits a pool, in Datas/RQ2/<POOL>/:

    RQ2_<POOL>_DIVERSITY_<LOW|MEDIUM|HIGH>.json

with RQ2_<POOL>_scores.parquet (similarity and tier of every record) and RQ2_<POOL>_manifest.json.

    python Code/RQ2/semantic_diversity.py --demo
    python Code/RQ2/semantic_diversity.py                       outputs through llama2-7B (June 2025)
    python Code/RQ2/semantic_diversity.py --text instruction --tiers count
                                                                instructions through instructor-base (December 2025)
    python Code/RQ2/semantic_diversity.py --pool oss --embeddings vectors.npy
                                                                ready-made vectors of outputs (September 2024)
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.numbers import embeddings, models, similarity
from instruction_data.numbers.embeddings import Embeddings
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Arrays
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import record_tables
from instruction_data.publish.split import Split
from instruction_data.select.tiers import count_tiers, percentile_tiers
from instruction_data.workspace import Workspace

QUESTION = "RQ2"
TIERS = ("HIGH", "MEDIUM", "LOW")  # of diversity, by ascending similarity
PERCENTILES = (33, 66)
MODELS = {"output": "meta-llama/Llama-2-7b-hf", "instruction": "hkunlp/instructor-base"}
PROMPTS = {"output": "", "instruction": "Represent the programming task:"}
DEMO_MODEL = "minilm"


def diversity_tiers(similarities: np.ndarray, rule: str) -> dict[str, np.ndarray]:
    """Tier -> positions, in pool order.

    Args:
        similarities: float ``[n]``.
        rule: ``percentile`` (cut at the 33rd and 66th percentile) or ``count`` (thirds by count).
    """
    if rule == "percentile":
        parts = percentile_tiers(similarities, *PERCENTILES)
    else:
        parts = [np.sort(part) for part in count_tiers(similarities)]
    return dict(zip(TIERS, parts, strict=True))


def tier_names(pool: Pool) -> dict[str, str]:
    return {tier: f"{QUESTION}_{pool.label}_DIVERSITY_{tier}" for tier in TIERS}


def diversity_splits(
    records: Records, vectors: np.ndarray, similarities: np.ndarray, tiers: dict[str, np.ndarray]
) -> list[Split]:
    """The tiers as splits, each with what tells how diverse it is in itself."""
    names = tier_names(records.pool)
    made = []
    for tier, positions in tiers.items():
        summary = {}
        if len(positions):
            summary = {
                "mean similarity to the pool": similarities[positions].mean(),
                "mean pairwise similarity": similarity.mean_similarities(vectors, positions).overall,
                "Vendi score": similarity.vendi_score(vectors, positions),
            }
        made.append(Split(names[tier], [(records, positions)], summary))
    return made


def alike_for_equal(texts: list[str], values: np.ndarray) -> np.ndarray:
    """The values, those of equal texts made equal to the last bit, so that no rounding parts them."""
    first: dict[str, int] = {}
    return values[[first.setdefault(text, position) for position, text in enumerate(texts)]]


def ready_made(records: Records, found: Embeddings, path: Path, limit: int | None) -> Arrays:
    """Of ready-made vectors those of the records.

    Raises:
        InputError: there is not one for each record of the pool, the unusable ones included.
    """
    count = len(records) + len(records.skipped)
    if len(found.vectors) != count and not (limit and len(found.vectors) > count):
        raise InputError(
            f"{path}: found {len(found.vectors):,} vectors; expected one for each of the {count:,} records of "
            f"pool {records.pool.name!r}, in their order"
        )
    whole = len(found.vectors) == len(records)
    return {"vectors": found.vectors if whole else found.vectors[records.rows]}


def publish_pool(workspace: Workspace, pool: Pool, encoder: Encoder | Path) -> None:
    """Make and publish the splits of one code pool, by an encoder or by the vectors in a file."""
    options = workspace.options
    records = workspace.read(pool)
    settings = {"text": options.text, "tiers": options.tiers, "percentiles": PERCENTILES}
    if isinstance(encoder, Path):
        found = embeddings.read(encoder, workspace.cache)
        publication = workspace.begin(QUESTION, [records], settings, models={"embeddings": found.identity})
        encoded = ready_made(records, found, encoder, options.limit)
    else:
        made_by: Mapping = {"encoder": encoder.feature.identity}
        publication = workspace.begin(QUESTION, [records], settings, models=made_by)
        encoded = workspace.compute(records.texts(options.text), encoder.feature)
    vectors, texts = encoded["vectors"], records.texts(options.text)
    usable = workspace.usable(records, similarity.has_direction(vectors))
    means = similarity.mean_similarities(vectors, usable)
    including = alike_for_equal([texts[position] for position in usable], means.including)
    tiers = {tier: usable[part] for tier, part in diversity_tiers(including, options.tiers).items()}
    numbers = {
        "similarity": record_tables.spread(including, usable, len(records)),
        "similarity_to_others": record_tables.spread(means.excluding, usable, len(records)),
        **({"text_cut": encoded["cut"]} if "cut" in encoded else {}),
        "tier": record_tables.labels(tiers, len(records)),
    }
    publication.splits(diversity_splits(records, vectors, numbers["similarity"], tiers), numbers)
    if "cut" in encoded:
        cli.say_cut(encoded["cut"], f"{options.text}s")


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("semantic diversity")
    group.add_argument(
        "--text", choices=tuple(MODELS), default="output", help="the text that is embedded (default: %(default)s)"
    )
    group.add_argument(
        "--model",
        metavar="MODEL",
        help="encoder: hub id, folder, minilm or smollm2; of a language model the mean of its last hidden states "
        f"(default: {MODELS['output']} for outputs, {MODELS['instruction']} for instructions)",
    )
    group.add_argument(
        "--prompt",
        help=f"put in front of every text (default: none for outputs, {PROMPTS['instruction']!r} for instructions)",
    )
    group.add_argument(
        "--embeddings",
        type=Path,
        metavar="FILE",
        help="ready-made vectors of the texts of one --pool instead of a model's: .npy, a row per record, or a pickle "
        "(.pkl) of an array or a list of vectors, of which nothing is executed",
    )
    group.add_argument(
        "--tiers",
        choices=("percentile", "count"),
        default="percentile",
        help="cut at the 33rd and 66th percentile, or into thirds by count (default: %(default)s)",
    )
    cli.add_model_flags(group)
    return result


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    workspace.refuse_repeats("its tiers are cut, not drawn")
    if options.embeddings:
        refuse_other_vectors(workspace)
    name = options.embeddings or options.model or (DEMO_MODEL if options.demo else MODELS[options.text])
    if options.dry_run:
        for pool in workspace.code_pools:
            names = tier_names(pool).values()
            folder = f"Datas/{QUESTION}/{pool.label}"
            workspace.plan(
                [pool],
                f"similarities of every {options.text} with {name}",
                folder,
                lambda n, names=names: dict.fromkeys(names, n // 3),
            )
        return 0
    prompt = PROMPTS[options.text] if options.prompt is None else options.prompt
    encoder = options.embeddings or Encoder(models.find(name), prompt, options.device, options.dtype)
    for pool in workspace.code_pools:
        publish_pool(workspace, pool, encoder)
    return 0


def refuse_other_vectors(workspace: Workspace) -> None:
    """Raise InputError where --embeddings stands beside what it replaces, or is for more than one pool."""
    for flag in ("model", "prompt"):
        if getattr(workspace.options, flag) is not None:
            raise InputError(f"--embeddings and --{flag}: found both; expected vectors from a file or from a model")
    if len(workspace.code_pools) != 1:
        raise InputError("--embeddings: found two pools; expected one --pool, whose vectors they are")


if __name__ == "__main__":
    sys.exit(cli.run(main))
