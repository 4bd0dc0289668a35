"""RQ2, semantic diversity: does it matter how alike the records of a training set are?

Turns every record into a vector; its similarity is the mean cosine to all records of its pool. The least alike third is
the HIGH diversity tier, the most alike the LOW one, in pool order. Makes three splits a pool, in Datas/RQ2/<POOL>/:

    RQ2_<POOL>_DIVERSITY_<LOW|MEDIUM|HIGH>.json

with RQ2_<POOL>_scores.parquet (similarity and tier of every record), RQ2_<POOL>_manifest.json and, on request,
RQ2_<POOL>_embeddings.npy (a vector per record, in pool order).

    python Code/RQ2/semantic_diversity.py --demo
    python Code/RQ2/semantic_diversity.py                           outputs through llama2-7B (June 2025)
    python Code/RQ2/semantic_diversity.py --generation 2025-12      instructions through instructor-base, thirds
    python Code/RQ2/semantic_diversity.py --generation 2024-09 --pool oss --embeddings vectors.npy
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.numbers import embeddings, models, similarity
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.encoder import Encoder
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import record_tables
from instruction_data.publish.question import Ends, Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split
from instruction_data.select.tiers import count_tiers, percentile_tiers
from instruction_data.workspace import Workspace

QUESTION = Question(
    "RQ2",
    title="semantic diversity",
    asks="Does it matter how alike the records of a training set are?",
    varies=("similarity to the pool",),
    contrast=Ends(low="LOW", high="HIGH"),
)
TIERS = ("HIGH", "MEDIUM", "LOW")  # of diversity, by ascending similarity
PERCENTILES = (33, 66)
MODELS = {"output": "meta-llama/Llama-2-7b-hf", "instruction": "hkunlp/instructor-base"}
PROMPTS = {"output": "", "instruction": "Represent the programming task:"}
DEMO_MODEL = "minilm"
GENERATIONS = {
    "2025-06": {"text": "output", "tiers": "percentile"},
    "2025-12": {"text": "instruction", "tiers": "count"},
    "2024-09": {"text": "output", "tiers": "percentile"},  # of ready-made vectors
}


def diversity_tiers(similarities: np.ndarray, rule: str) -> dict[str, np.ndarray]:
    """Return tier -> positions, in pool order.

    Args:
        similarities: float ``[n]``.
        rule: ``percentile`` (cut at the 33rd and 66th percentile) or ``count`` (December 2025: sorted by ascending
            diversity, the first ⌊n/3⌋ are LOW, the next as many MEDIUM, the rest HIGH).
    """
    if rule == "percentile":
        return dict(zip(TIERS, percentile_tiers(similarities, *PERCENTILES), strict=True))
    by_diversity = count_tiers(-similarities, rest_last=True)
    return dict(zip(TIERS, (np.sort(part) for part in reversed(by_diversity)), strict=True))


def tier_names(pool: Pool) -> dict[str, str]:
    return {tier: f"{QUESTION.id}_{pool.label}_DIVERSITY_{tier}" for tier in TIERS}


def diversity_splits(
    records: Records, vectors: np.ndarray, similarities: np.ndarray, tiers: Mapping[str, np.ndarray]
) -> list[Split]:
    """Make the tiers' splits, each with figures of its own diversity."""
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


def alike_for_equal(keys: np.ndarray, text: Callable[[int], str], values: np.ndarray) -> np.ndarray:
    """Return the values, equal to the last bit for equal texts, so that rounding cannot part them.

    Args:
        keys: int64 ``[n]``, equal for equal texts, as are their hashes.
        text: position -> text; asked for those alone whose keys agree.
        values: ``[n]``.
    """
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    result, first, last = values.copy(), {}, None
    for place in np.flatnonzero(keys[1:] == keys[:-1]).tolist():
        here, there = order[place : place + 2].tolist()
        if place - 1 != last:
            first = {text(here): here}
        result[there] = values[first.setdefault(text(there), there)]
        last = place
    return result


def ready_made(records: Records, found: embeddings.Embeddings, path: Path, limit: int | None) -> Arrays:
    """Pick the ready-made vectors that belong to these records.

    Raises:
        InputError: their number differs from that of the pool's records, the unusable ones included.
    """
    count = len(records) + len(records.skipped)
    if len(found.vectors) != count and not (limit and len(found.vectors) > count):
        raise InputError(
            f"{path}: found {len(found.vectors):,} vectors; expected one for each of the {count:,} records of "
            f"pool {records.pool.name!r}, in their order"
        )
    whole = len(found.vectors) == len(records)
    return {"vectors": found.vectors if whole else found.vectors[records.rows]}


def score_columns(encoded: Arrays, means: similarity.MeanSimilarities, usable: np.ndarray, n: int) -> list[Column]:
    """Declare similarity, similarity to the others and whether the text was cut; NaN for unusable records."""
    same = {"unit": "cosine", "trait": QUESTION.varies[0], "made_by": "the manifest's encoder or embeddings"}
    columns = [
        Column(
            "similarity",
            record_tables.spread(means.including, usable, n),
            "mean similarity to the pool",
            **same,
        ),
        Column(
            "similarity_to_others",
            record_tables.spread(means.excluding, usable, n),
            "mean similarity to the other records",
            **{**same, "kind": "note"},
        ),
    ]
    if "cut" in encoded:
        columns.append(Column("text_cut", encoded["cut"], "text longer than the model reads", kind="note"))
    return columns


def scores_and_tiers(
    records: Records, options: argparse.Namespace, encoded: Arrays, usable: np.ndarray
) -> tuple[list[Column], dict[str, np.ndarray]]:
    """Return the columns of the scores, and the positions of each tier."""
    means = similarity.mean_similarities(encoded["vectors"], usable)
    keys = np.fromiter(map(hash, records.each(options.text)), np.int64, len(records))[usable]
    including = alike_for_equal(keys, lambda place: getattr(records[int(usable[place])], options.text), means.including)
    means = similarity.MeanSimilarities(including, means.excluding, means.overall)
    tiers = {tier: usable[part] for tier, part in diversity_tiers(including, options.tiers).items()}
    columns = score_columns(encoded, means, usable, len(records))
    return [*columns, Column("tier", record_tables.labels(tiers, len(records)), kind="note", levels=TIERS)], tiers


def publish_pool(workspace: Workspace, options: argparse.Namespace, pool: Pool) -> None:
    """Make and publish the splits of one code pool, by an encoder or by the vectors in a file."""
    with ThreadPoolExecutor(1) as beside:
        ready = options.embeddings and beside.submit(embeddings.read, options.embeddings, workspace.scratch)
        records = workspace.read(pool)
    settings = {
        "generation": options.generation,
        "text": options.text,
        "tiers": options.tiers,
        "percentiles": PERCENTILES if options.tiers == "percentile" else None,
    }
    if ready:
        found = ready.result()
        publication = workspace.begin(QUESTION, [records], settings, models={"embeddings": found.identity})
        encoded = ready_made(records, found, options.embeddings, workspace.limit)
    else:
        feature = encoder(workspace, options).feature
        publication = workspace.begin(QUESTION, [records], settings, models={"encoder": feature.identity})
        encoded = workspace.compute(records.texts(options.text), feature)
    vectors = encoded["vectors"]
    usable = workspace.usable(records, similarity.has_direction(vectors))
    columns, tiers = scores_and_tiers(records, options, encoded, usable)
    kept = {f"{publication.place.stem}_embeddings.npy": np.asarray(vectors)} if options.save_embeddings else {}
    publication.splits(diversity_splits(records, vectors, columns[0].values, tiers), columns, kept)
    if "cut" in encoded:
        cli.say_cut(encoded["cut"], f"{options.text}s")


def model_name(workspace: Workspace, options: argparse.Namespace) -> str:
    return options.model or (DEMO_MODEL if workspace.demo else MODELS[options.text])


def encoder(workspace: Workspace, options: argparse.Namespace) -> Encoder:
    """Find the encoder that this run asks for."""
    prompt = PROMPTS[options.text] if options.prompt is None else options.prompt
    return Encoder(models.find(model_name(workspace, options)), prompt, workspace.device, workspace.dtype)


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("semantic diversity")
    cli.add_generation_flag(group)
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
        type=cli.path,
        metavar="FILE",
        help="ready-made vectors of the texts of one --pool instead of a model's: .npy, a row per record, or a pickle "
        "(.pkl) of an array or a list of vectors, of which nothing is executed",
    )
    group.add_argument(
        "--save-embeddings", action="store_true", help="publish the vectors, too: a row per record, as .npy"
    )
    group.add_argument(
        "--tiers",
        choices=("percentile", "count"),
        default="percentile",
        help="cut at the 33rd and 66th percentile, or into thirds by count, the rest in HIGH (default: %(default)s)",
    )
    cli.add_model_flags(group)
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__, GENERATIONS)
    refuse_other_vectors(workspace, options)
    name = options.embeddings or model_name(workspace, options)
    workspace.for_each_pool(
        lambda pool: publish_pool(workspace, options, pool),
        QUESTION,
        expects=lambda pool, n: dict.fromkeys(tier_names(pool).values(), n // 3),
        computes=f"similarities of every {options.text} with {name}",
    )
    return 0


def refuse_other_vectors(workspace: Workspace, options: argparse.Namespace) -> None:
    """Raise InputError if --embeddings stands beside a flag that it replaces, is for several pools, or is missing."""
    if not options.embeddings:
        if options.generation == "2024-09" and not options.model:
            raise InputError(
                "--generation 2024-09: its vectors were ready-made; expected --embeddings FILE (or --model)"
            )
        return
    for flag in ("model", "prompt"):
        if getattr(options, flag) is not None:
            raise InputError(f"--embeddings and --{flag}: found both; expected vectors from a file or from a model")
    if len(workspace.code_pools) != 1:
        raise InputError("--embeddings: found two pools; expected one --pool, whose vectors they are")


if __name__ == "__main__":
    sys.exit(cli.run(main))
