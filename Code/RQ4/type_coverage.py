"""RQ4, type coverage: what does the share of algorithmic tasks do?

Makes training sets of one size, with 0, 25, 50, 75 and 100 per cent algorithmic records (the first two categories of
task_category.py). The rest are practical records, and all are shuffled. Five splits a pool, in Datas/RQ4/<POOL>/:

    RQ4_<POOL>_ALG_<0|25|50|75|100>.json

with RQ4_<POOL>_scores.parquet (category, similarity and place of every record) and RQ4_<POOL>_manifest.json.
Run task_category.py first.

    python Code/RQ4/type_coverage.py --demo
    python Code/RQ4/type_coverage.py                            20,000 records each (June 2025)
    python Code/RQ4/type_coverage.py --generation 2025-12       0, 20, 50, 80 and 100 %, each drawn three times
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Entry, Problem
from instruction_data.files.places import require_file
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests
from instruction_data.publish.question import Question, Trend
from instruction_data.publish.record_tables import Column, category_file
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

DOSE = "algorithmic share"
QUESTION = Question(
    "RQ4",
    title="type coverage",
    asks="What does the share of algorithmic against practical tasks do?",
    varies=("category",),
    contrast=Trend(DOSE),
)
ALGORITHMIC = ("Algorithmic & Data Structure", "Mathematical & Computational")
SHARES = (0, 25, 50, 75, 100)  # per cent algorithmic
MOST = "max"
TOTAL = 20_000  # records a split
MAKE = "run Code/RQ4/task_category.py first"
AGAIN = "run Code/RQ4/task_category.py again, with --overwrite"
GENERATIONS = {"2025-06": {}, "2025-12": {"shares": [0, 20, 50, 80, 100], "repeats": 3}}


def read_categories(path: Path, records: Records, manifest: Mapping) -> dict[str, list]:
    """Read the category and similarity of every record; join by row number and check by instruction.

    Args:
        path: the category file.
        manifest: of its set.

    Returns:
        ``category`` and ``category_similarity``, a value per record.

    Raises:
        InputError: the file is damaged, lacks a record, or was made from another pool.
    """
    by_row = {}
    for entry in formats.entries(path):
        if isinstance(entry.value, Problem):
            raise InputError(f"{path}:{entry.line}: found {entry.value.found}; expected {entry.value.expected}")
        row = entry.value.get("row")
        if type(row) is not int or row in by_row:
            raise InputError(f"{path}:{entry.line}: found the row {quoted(row)}; expected one line for every row")
        by_row[row] = entry
    limit = manifest["settings"].get("limit")
    columns: dict[str, list] = {"category": [], "category_similarity": []}
    for row, record in zip(records.rows.tolist(), records, strict=True):
        if row not in by_row:
            cure = (
                f"it was made with --limit {limit}, so make it without, or add --limit {limit} here: " if limit else ""
            )
            raise InputError(f"{path}: found no line for row {row} of the pool; expected one a record: {cure}{AGAIN}")
        category, similar = _category_in(path, by_row[row], row, record.instruction)
        columns["category"].append(category)
        columns["category_similarity"].append(similar)
    return columns


def read_manifest(path: Path) -> dict:
    """Read the manifest of a category file.

    Raises:
        InputError: there is no such file, or it is not the one its manifest describes.
    """
    require_file(path, f"expected the categories of the pool: {MAKE}")
    if formats.pointer_of(path):
        raise InputError(f"{path}:1: found a Git LFS pointer; expected categories: git lfs pull, or {MAKE}")
    manifest_path = path.with_name(f"{path.stem}{manifests.SUFFIX}")
    require_file(manifest_path, f"expected the manifest of {path.name}: {AGAIN}")
    manifest = manifests.read(manifest_path)
    if file_sha256(path) not in manifests.files(manifest).values():
        raise InputError(f"{path}: found other content than its manifest says; expected that: {AGAIN}")
    return manifest


def _category_in(path: Path, entry: Entry, row: int, instruction: str) -> tuple[str | None, float | None]:
    """Return the category and its similarity from one line of the file; the line must hold this instruction."""
    if entry.value.get("instruction") != instruction:
        raise InputError(
            f"{path}:{entry.line}: found the instruction {quoted(entry.value.get('instruction'))}; expected that of "
            f"row {row} of the pool, {quoted(instruction)}: it was made from another pool: {AGAIN}"
        )
    category, similar = entry.value.get("assigned_category"), entry.value.get("category_similarity", 0)
    if not isinstance(category, str | None) or not (similar is None or type(similar) is float):
        raise InputError(
            f"{path}:{entry.line}: found the category {quoted(category)} at {quoted(similar)}; expected text, a number"
        )
    return category, similar


def feasible(total: int, shares: Sequence[int], algorithmic: int, practical: int) -> bool:
    """Say whether every share of ``total`` can be drawn from groups of these sizes."""
    counts = [draws.share_counts(total, share) for share in shares]
    return all(first <= algorithmic and second <= practical for first, second in counts)


def largest_total(shares: Sequence[int], algorithmic: int, practical: int) -> int:
    """Return the largest total of which every share can be drawn."""
    total = algorithmic + practical
    while not feasible(total, shares, algorithmic, practical):
        total -= 1
    return total


def chosen_total(wanted: int | str, shares: Sequence[int], algorithmic: int, practical: int, pool: Pool) -> int:
    """Return ``wanted`` records a split, or the largest possible number for ``max``; raise InputError if impossible."""
    most = largest_total(shares, algorithmic, practical)
    found = f"pool {pool.name!r}: found {algorithmic:,} algorithmic and {practical:,} practical records"
    percents = ", ".join(map(str, shares))
    if most == 0:
        raise InputError(f"{found}; expected some of each for shares of {percents} %. --shares names others")
    if wanted != MOST and not feasible(wanted, shares, algorithmic, practical):
        raise InputError(
            f"{found}; expected enough for {wanted:,} records at each of {percents} % algorithmic. "
            f"The most they allow: --total {most}"
        )
    return most if wanted == MOST else wanted


def share_draw(name: str, groups: tuple[np.ndarray, np.ndarray], total: int, share: int, seed: int) -> np.ndarray:
    """Draw the positions of one split from both groups without replacement, then shuffle them."""
    drawn = [
        group[draws.draw(len(group), count, seed, f"{name} {side}")]
        for side, group, count in zip(
            ("algorithmic", "practical"), groups, draws.share_counts(total, share), strict=True
        )
    ]
    together = np.concatenate(drawn)
    return together[draws.permutation(total, seed, f"{name} order")]


def split_name(pool: Pool, share: int) -> str:
    return f"{QUESTION.id}_{pool.label}_ALG_{share}"


def publish_pool(workspace: Workspace, options: argparse.Namespace, pool: Pool) -> None:
    """Make and publish the splits of one code pool."""
    records = workspace.read(pool)
    path = workspace.root / category_file(pool.name)
    manifest = read_manifest(path)
    numbers = read_categories(path, records, manifest)
    groups = grouped(records, numbers["category"])
    total = chosen_total(options.total, options.shares, len(groups[0]), len(groups[1]), pool)
    settings = {
        "generation": options.generation,
        "algorithmic": ALGORITHMIC,
        "shares": options.shares,
        "total": total,
        "repeats": workspace.repeats,
    }
    used, inputs = manifest["models"], [path]
    publication = workspace.begin(QUESTION, [records], settings, draws=True, models=used, inputs=inputs)
    algorithmic = np.isin(np.arange(len(records)), groups[0])
    made = []
    for share in options.shares:
        for name in workspace.names(split_name(pool, share)):
            positions = share_draw(name, groups, total, share, workspace.seed)
            made.append(Split(name, [(records, positions)], {DOSE: algorithmic[positions].mean()}))
    publication.splits(made, score_columns(numbers, algorithmic))


def score_columns(numbers: Mapping[str, list], algorithmic: np.ndarray) -> list[Column]:
    """Declare category, similarity to it, and whether a record is algorithmic."""
    by = {"trait": "category", "made_by": "Code/RQ4/task_category.py"}
    similar = numbers["category_similarity"]
    return [
        Column("category", numbers["category"], "category", kind="word", **by),
        Column("category_similarity", similar, "similarity to the category", "cosine", **by),
        Column("algorithmic", algorithmic, "algorithmic records", kind="flag", **by),
    ]


def grouped(records: Records, categories: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the algorithmic and the practical records; records without category are neither."""
    algorithmic = np.isin(categories, ALGORITHMIC)
    categorised = np.array([category is not None for category in categories])
    return np.flatnonzero(algorithmic), np.flatnonzero(categorised & ~algorithmic)


def planned(workspace: Workspace, options: argparse.Namespace, pool: Pool, n: int) -> dict[str, int]:
    """Return split name -> number of records of a pool that is not here, as if half of its ``n`` were algorithmic."""
    size = chosen_total(options.total, options.shares, n // 2, n - n // 2, pool)
    return {name: size for share in options.shares for name in workspace.names(split_name(pool, share))}


def total(text: str) -> int | str:
    """Parse a number of records, or ``max``."""
    return text if text == MOST else cli.positive(text)


def percent(text: str) -> int:
    """Parse a whole number from 0 to 100."""
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number from 0 to 100")
    return int(text)


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__, draws=True)
    group = result.add_argument_group("type coverage")
    cli.add_generation_flag(group)
    group.add_argument(
        "--shares",
        type=percent,
        nargs="+",
        default=list(SHARES),
        metavar="PERCENT",
        help=f"algorithmic shares (default: {' '.join(map(str, SHARES))})",
    )
    group.add_argument(
        "--total",
        type=total,
        metavar="N",
        help=f"records a split, or max for the most that every share allows (default: {TOTAL}; with --demo max)",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__, GENERATIONS)
    options.total = options.total or (MOST if workspace.demo else TOTAL)
    options.shares = list(dict.fromkeys(options.shares))
    workspace.for_each_pool(
        lambda pool: publish_pool(workspace, options, pool),
        QUESTION,
        expects=lambda pool, n: planned(workspace, options, pool, n),
    )
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
