"""RQ4, task category: which of ten kinds of programming task is each record?

Categories and instructions are embedded, each with a prompt that says what it is; a record gets the category most
cosine-similar to its instruction. For each code pool, in Code/RQ4/:

    <pool>_instruct_with_category.jsonl       one line a record, in pool order
    <pool>_category_similarities.parquet      the similarity to all ten
    <pool>_instruct_with_category_manifest.json

type_coverage.py makes the splits of RQ4 from it. With --demo it also says how often the category is the one that the
record's standard library module suggests, with the table <pool>_category_confusion.csv.

    python Code/RQ4/task_category.py --demo
    python Code/RQ4/task_category.py            through hkunlp/instructor-base
"""

import argparse
import sys

import numpy as np

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.numbers import models, similarity
from instruction_data.numbers.encoder import Encoder
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish.publication import Place
from instruction_data.workspace import Workspace

QUESTION = "RQ4"
CATEGORIES = (
    "Algorithmic & Data Structure",
    "Mathematical & Computational",
    "Database & SQL",
    "System Design & Architecture",
    "Web Development",
    "Data Science & Machine Learning",
    "Performance Optimization",
    "User Interface & Application Design",
    "Domain-Specific",
    "Security & Cryptography",
)
CATEGORY_PROMPT = "Represent the topic for coding category:"
INSTRUCTION_PROMPT = "Represent coding category of the programming task:"
MODEL = "hkunlp/instructor-base"
DEMO_MODEL = "minilm"


def cosine_similarities(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cosine of every row of one to every row of the other: ``[n, d]``, ``[c, d]`` -> float64 ``[n, c]``."""

    def unit(vectors: np.ndarray) -> np.ndarray:
        vectors = vectors.astype(np.float64)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return unit(rows) @ unit(columns).T


def category_lines(records: Records, similarities: np.ndarray) -> dict[str, list]:
    """The columns of the category file, one entry a record; no category where the similarities are missing (NaN)."""
    known = np.isfinite(similarities).all(axis=1)
    best = np.where(known, np.nan_to_num(similarities).argmax(axis=1), -1)
    return {
        "row": records.rows.tolist(),
        "instruction": records.texts("instruction"),
        "assigned_category": [CATEGORIES[place] if place >= 0 else None for place in best],
        "category_similarity": [
            float(row[place]) if place >= 0 else None for row, place in zip(similarities, best, strict=True)
        ],
    }


def similarity_columns(records: Records, similarities: np.ndarray) -> dict[str, list]:
    """Row, record hash and the similarity to each category."""
    columns = {"row": records.rows.tolist(), "record_sha256": records.hashes}
    return columns | dict(zip(CATEGORIES, similarities.T, strict=True))


def confusion(labels: list[str | None], assigned: list[str | None]):
    """How often each weak label (rows) was given each category (columns), as a pandas DataFrame of counts."""
    import pandas

    counts = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=int)
    for label, category in zip(labels, assigned, strict=True):
        if label is not None and category is not None:
            counts[CATEGORIES.index(label), CATEGORIES.index(category)] += 1
    table = pandas.DataFrame(counts, columns=CATEGORIES)
    table.insert(0, "module suggests \\ assigned", CATEGORIES)
    return table


def say_agreement(pool: Pool, table) -> None:
    counts = table[list(CATEGORIES)].to_numpy()
    agreed, total = int(np.trace(counts)), int(counts.sum())
    print(
        f"{pool.name}: {agreed} of {total} categories ({agreed / total:.1%}) are what the record's module suggests; "
        f"always the commonest label: {counts.sum(axis=1).max() / total:.1%}"
    )


def publish_pool(workspace: Workspace, pool: Pool, encoders: dict[str, Encoder]) -> None:
    """Categorise one code pool and publish the result."""
    import pandas

    records = workspace.read(pool)
    wanted = {role: encoder.feature for role, encoder in encoders.items()}
    place = Place("Code/RQ4", f"{pool.name}_instruct_with_category")
    settings = {"categories": CATEGORIES}
    used = {role: feature.identity for role, feature in wanted.items()}
    publication = workspace.begin(QUESTION, [records], settings, models=used, place=place)
    topics = workspace.compute(CATEGORIES, wanted["category"])["vectors"]
    encoded = workspace.compute(records.texts("instruction"), wanted["instruction"])
    positions = workspace.usable(records, similarity.has_direction(encoded["vectors"]))
    similarities = np.full((len(records), len(CATEGORIES)), np.nan)
    similarities[positions] = cosine_similarities(encoded["vectors"][positions], topics)
    lines = category_lines(records, similarities)
    tables = {
        f"{place.stem}.jsonl": pandas.DataFrame(lines, dtype=object),
        f"{pool.name}_category_similarities.parquet": pandas.DataFrame(similarity_columns(records, similarities)),
    }
    labels = demo_root.weak_labels(workspace.root, records) if workspace.options.demo else None
    if labels is not None:
        table = confusion(labels, lines["assigned_category"])
        tables[f"{pool.name}_category_confusion.csv"] = table
        say_agreement(pool, table)
    publication.write(tables=tables)
    print(f"{pool.name}: {len(positions):,} records categorised in {place.folder}/{place.stem}.jsonl")
    cli.say_cut(encoded["cut"], "instructions")


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("task category")
    group.add_argument(
        "--model", metavar="MODEL", help=f"encoder: hub id, folder, minilm or smollm2 (default: {MODEL})"
    )
    cli.add_model_flags(group)
    return result


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    workspace.refuse_repeats("its categories are not drawn")
    name = options.model or (DEMO_MODEL if options.demo else MODEL)
    if options.dry_run:
        for pool in workspace.code_pools:
            workspace.plan([pool], f"a vector of every instruction with {name}", "Code/RQ4", lambda n: {})
        return 0
    source = models.find(name)
    prompts = {"category": CATEGORY_PROMPT, "instruction": INSTRUCTION_PROMPT}
    encoders = {role: Encoder(source, prompt, options.device, options.dtype) for role, prompt in prompts.items()}
    for pool in workspace.code_pools:
        publish_pool(workspace, pool, encoders)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
