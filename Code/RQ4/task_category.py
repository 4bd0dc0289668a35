"""RQ4, task category: which of ten kinds of programming task is each record?

Embeds categories and instructions, each with a prompt that says what it is. A record gets the category most similar to
its instruction by cosine. Writes, for each code pool, in Code/RQ4/:

    <pool>_instruct_with_category.jsonl       one line a record, in pool order
    <pool>_category_similarities.parquet      the category, its lead over the next, and the similarity to all ten
    <pool>_instruct_with_category_manifest.json

type_coverage.py makes the splits of RQ4 from these. With --demo, the script also says how often the category agrees
with the record's standard library module, and writes <pool>_category_confusion.csv.

    python Code/RQ4/task_category.py --demo
    python Code/RQ4/task_category.py            through hkunlp/instructor-base
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.numbers import models, similarity
from instruction_data.numbers.encoder import Encoder
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import record_tables
from instruction_data.publish.publication import Place
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.workspace import Workspace

QUESTION = Question("RQ4", title="task category", asks="Which of ten kinds of programming task is each record?")
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
GENERATIONS = {"2025-06": {}, "2025-12": {}}  # both define categories alike


def cosine_similarities(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the cosines between the vectors of both arrays: ``[n, d]``, ``[c, d]`` -> float64 ``[n, c]``."""

    def unit(vectors: np.ndarray) -> np.ndarray:
        vectors = vectors.astype(np.float64)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return unit(rows) @ unit(columns).T


def category_columns(similarities: np.ndarray) -> list[Column]:
    """Declare each record's category, its similarity and its lead over the next; rows of NaN have none.

    Args:
        similarities: float64 ``[n, 10]``.
    """
    known = np.isfinite(similarities).all(axis=1)
    ordered = np.sort(np.where(known[:, None], similarities, np.nan), axis=1)
    best = np.where(known, np.nan_to_num(similarities).argmax(axis=1), -1)
    by = {"trait": "category", "made_by": "the manifest's category and instruction encoders"}
    return [
        Column(
            "category",
            np.array([CATEGORIES[place] if place >= 0 else None for place in best], dtype=object),
            "category",
            kind="word",
            levels=CATEGORIES,
            **by,
        ),
        Column("category_similarity", ordered[:, -1], "similarity to the category", "cosine", **by),
        Column("category_margin", ordered[:, -1] - ordered[:, -2], "margin over the next category", "cosine", **by),
        *(
            Column(category, values, f"similarity to {category}", "cosine", kind="note", **by)
            for category, values in zip(CATEGORIES, similarities.T, strict=True)
        ),
    ]


def category_lines(records: Records, columns: list[Column]) -> dict[str, list]:
    """Return the columns of the category file in the study's form, one entry a record, with the record's row."""
    category, similar = columns[0].values, columns[1].values
    return {
        "row": records.rows.tolist(),
        "instruction": records.texts("instruction"),
        "assigned_category": list(category),
        "category_similarity": [None if np.isnan(value) else float(value) for value in similar],
    }


def confusion(labels: list[str | None], assigned: np.ndarray):
    """Count how often each weak label (rows) was given each category (columns), as a pandas DataFrame."""
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


def encoders(workspace: Workspace, name: str) -> dict[str, Encoder]:
    """Return role -> encoder; both share one model and differ in prompt."""
    source = models.find(name)
    prompts = {"category": CATEGORY_PROMPT, "instruction": INSTRUCTION_PROMPT}
    return {role: Encoder(source, prompt, workspace.device, workspace.dtype) for role, prompt in prompts.items()}


def publish_pool(workspace: Workspace, options: argparse.Namespace, name: str, pool: Pool) -> None:
    """Categorise one code pool and publish the result."""
    import pandas

    records = workspace.read(pool)
    wanted = {role: encoder.feature for role, encoder in encoders(workspace, name).items()}
    file = PurePosixPath(record_tables.category_file(pool.name))
    place = Place(str(file.parent), file.stem)
    settings = {"generation": options.generation, "categories": CATEGORIES}
    used = {role: feature.identity for role, feature in wanted.items()}
    publication = workspace.begin(QUESTION, [records], settings, models=used, place=place)
    topics = workspace.compute(CATEGORIES, wanted["category"])["vectors"]
    encoded = workspace.compute(records.texts("instruction"), wanted["instruction"])
    positions = workspace.usable(records, similarity.has_direction(encoded["vectors"]))
    similarities = np.full((len(records), len(CATEGORIES)), np.nan)
    similarities[positions] = cosine_similarities(encoded["vectors"][positions], topics)
    columns = category_columns(similarities)
    table = f"{pool.name}_category_similarities.parquet"
    tables = {
        file.name: pandas.DataFrame(category_lines(records, columns), dtype=object),
        table: record_tables.RecordTable([records], columns),
        **weak_label_tables(workspace, records, columns[0].values),
    }
    if publication.write(tables, {table: columns}):
        print(f"{pool.name}: {len(positions):,} records categorised in {file}")
    cli.say_cut(encoded["cut"], "instructions")


def weak_label_tables(workspace: Workspace, records: Records, assigned: np.ndarray) -> Mapping:
    """Compare with the demo's weak labels: print the agreement, return file name -> table; none outside the demo."""
    labels = demo_root.weak_labels(workspace.root, records) if workspace.demo else None
    if labels is None:
        return {}
    table = confusion(labels, assigned)
    say_agreement(records.pool, table)
    return {f"{records.pool.name}_category_confusion.csv": table}


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("task category")
    cli.add_generation_flag(group)
    group.add_argument(
        "--model", metavar="MODEL", help=f"encoder: hub id, folder, minilm or smollm2 (default: {MODEL})"
    )
    cli.add_model_flags(group)
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__, GENERATIONS)
    name = options.model or (DEMO_MODEL if workspace.demo else MODEL)
    workspace.for_each_pool(
        lambda pool: publish_pool(workspace, options, name, pool),
        QUESTION,
        computes=f"a vector of every instruction with {name}",
    )
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
