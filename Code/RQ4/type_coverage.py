"""RQ4, type coverage: what does the share of algorithmic tasks do?

Training sets of one size whose share of algorithmic records (the first two categories that task_category.py assigns)
is 0, 25, 50, 75 and 100 per cent, the rest practical ones, shuffled. Five splits a pool, in Datas/RQ4/<POOL>/:

    RQ4_<POOL>_ALG_<0|25|50|75|100>.json

with RQ4_<POOL>_scores.parquet (category, similarity and place of every record) and RQ4_<POOL>_manifest.json.
Run task_category.py first.

    python Code/RQ4/type_coverage.py --demo
    python Code/RQ4/type_coverage.py                                            20,000 records each (June 2025)
    python Code/RQ4/type_coverage.py --shares 0 20 50 80 100 --repeats 3        (December 2025)
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Problem
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

QUESTION = "RQ4"
ALGORITHMIC = ("Algorithmic & Data Structure", "Mathematical & Computational")
SHARES = (0, 25, 50, 75, 100)  # per cent algorithmic
TOTAL = 20_000  # records a split


def category_file(workspace: Workspace, pool: Pool) -> Path:
    return workspace.root / "Code" / "RQ4" / f"{pool.name}_instruct_with_category.jsonl"


def read_categories(path: Path, records: Records) -> dict[str, list]:
    """The category and similarity of every record, joined by row number and checked by instruction.

    Returns:
        ``category`` and ``category_similarity``, a value per record.

    Raises:
        InputError: the file is missing or damaged, lacks a record, or was made from another pool.
    """
    if not path.exists():
        raise InputError(
            f"{path}: found no such file; expected the categories of the pool: run Code/RQ4/task_category.py"
        )
    if formats.pointer_of(path):
        raise InputError(
            f"{path}:1: found a Git LFS pointer; expected categories: git lfs pull, or run task_category.py"
        )
    by_row = {}
    for entry in formats.entries(path):
        if isinstance(entry.value, Problem):
            raise InputError(f"{path}:{entry.line}: found {entry.value.found}; expected {entry.value.expected}")
        row = entry.value.get("row")
        if type(row) is not int or row in by_row:
            raise InputError(f"{path}:{entry.line}: found the row {quoted(row)}; expected one line for every row")
        by_row[row] = entry
    columns: dict[str, list] = {"category": [], "category_similarity": []}
    for row, record in zip(records.rows.tolist(), records, strict=True):
        value = _line_of(path, by_row, row, record.instruction)
        columns["category"].append(value["assigned_category"])
        columns["category_similarity"].append(value["category_similarity"])
    return columns


def category_models(path: Path) -> dict:
    """The models that made a category file, from its manifest.

    Raises:
        InputError: the file is not the one its manifest describes.
    """
    manifest_path = path.with_name(f"{path.stem}{manifests.SUFFIX}")
    if not manifest_path.exists():
        raise InputError(
            f"{manifest_path}: found no such file; expected the manifest of {path.name}: run task_category.py"
        )
    manifest = manifests.read(manifest_path)
    if file_sha256(path) not in manifests.files(manifest).values():
        raise InputError(
            f"{path}: found other content than its manifest says; expected that: run task_category.py again"
        )
    return manifest["models"]


def _line_of(path: Path, by_row: dict, row: int, instruction: str) -> dict:
    if row not in by_row:
        raise InputError(
            f"{path}: found no line for row {row} of the pool; expected one a record: run task_category.py again"
        )
    entry = by_row[row]
    if entry.value.get("instruction") != instruction:
        raise InputError(
            f"{path}:{entry.line}: found the instruction {quoted(entry.value.get('instruction'))}; expected that of "
            f"row {row} of the pool, {quoted(instruction)}: it was made from another pool: run task_category.py again"
        )
    category, similar = entry.value.get("assigned_category"), entry.value.get("category_similarity", 0)
    if not isinstance(category, str | None) or not (similar is None or type(similar) is float):
        raise InputError(
            f"{path}:{entry.line}: found the category {quoted(category)} at {quoted(similar)}; expected text, a number"
        )
    return {"assigned_category": category, "category_similarity": similar}


def feasible(total: int, shares: Sequence[int], algorithmic: int, practical: int) -> bool:
    """Whether every share of ``total`` can be drawn from groups of these sizes."""
    counts = [draws.share_counts(total, share) for share in shares]
    return all(first <= algorithmic and second <= practical for first, second in counts)


def largest_total(shares: Sequence[int], algorithmic: int, practical: int) -> int:
    """The largest total of which every share can be drawn."""
    total = algorithmic + practical
    while not feasible(total, shares, algorithmic, practical):
        total -= 1
    return total


def chosen_total(wanted: int | None, shares: Sequence[int], algorithmic: int, practical: int, pool: Pool) -> int:
    """``wanted`` records a split, or the most there can be if it is None; InputError if that cannot be."""
    most = largest_total(shares, algorithmic, practical)
    found = f"pool {pool.name!r}: found {algorithmic:,} algorithmic and {practical:,} practical records"
    percents = ", ".join(map(str, shares))
    if most == 0:
        raise InputError(f"{found}; expected some of each for shares of {percents} %. --shares names others")
    if wanted and not feasible(wanted, shares, algorithmic, practical):
        raise InputError(
            f"{found}; expected enough for {wanted:,} records at each of {percents} % algorithmic. "
            f"The most they allow: --total {most}"
        )
    return wanted or most


def share_draw(name: str, groups: tuple[np.ndarray, np.ndarray], total: int, share: int, seed: int) -> np.ndarray:
    """Positions of one split: drawn from both groups without replacement, then shuffled."""
    drawn = [
        group[draws.draw(len(group), count, seed, f"{name} {side}")]
        for side, group, count in zip(
            ("algorithmic", "practical"), groups, draws.share_counts(total, share), strict=True
        )
    ]
    together = np.concatenate(drawn)
    return together[draws.permutation(total, seed, f"{name} order")]


def split_name(pool: Pool, share: int) -> str:
    return f"{QUESTION}_{pool.label}_ALG_{share}"


def publish_pool(workspace: Workspace, pool: Pool) -> None:
    """Make and publish the splits of one code pool."""
    options = workspace.options
    records = workspace.read(pool)
    path = category_file(workspace, pool)
    numbers = read_categories(path, records)
    groups = grouped(records, numbers)
    algorithmic = np.isin(np.arange(len(records)), groups[0])
    wanted = None if options.total == "max" else options.total
    total = chosen_total(wanted, options.shares, len(groups[0]), len(groups[1]), pool)
    settings = {
        "algorithmic": ALGORITHMIC,
        "shares": options.shares,
        "total": total,
        "repeats": options.repeats,
    }
    models = category_models(path)
    publication = workspace.begin(QUESTION, [records], settings, draws=True, models=models, inputs=[path])
    made = []
    for share in options.shares:
        for name in workspace.names(split_name(pool, share)):
            positions = share_draw(name, groups, total, share, options.seed)
            made.append(Split(name, [(records, positions)], {"algorithmic share": algorithmic[positions].mean()}))
    publication.splits(made, numbers | {"algorithmic": algorithmic})


def grouped(records: Records, numbers: dict[str, list]) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the algorithmic and of the practical records; those without category are neither."""
    algorithmic = np.isin(numbers["category"], ALGORITHMIC)
    categorised = np.array([category is not None for category in numbers["category"]])
    return np.flatnonzero(algorithmic), np.flatnonzero(categorised & ~algorithmic)


def planned(workspace: Workspace, pool: Pool, n: int) -> dict[str, int]:
    """Split name -> number of records; before there are categories, as if half of the ``n`` were algorithmic."""
    options = workspace.options
    sizes = [n // 2, n - n // 2]
    if category_file(workspace, pool).exists():
        records = workspace.read(pool)
        sizes = [len(group) for group in grouped(records, read_categories(category_file(workspace, pool), records))]
    wanted = None if options.total == "max" else options.total
    size = chosen_total(wanted, options.shares, *sizes, pool)
    return {name: size for share in options.shares for name in workspace.names(split_name(pool, share))}


def total(text: str) -> int | str:
    """A number of records, or ``max``, for argparse."""
    return text if text == "max" else cli.positive(text)


def percent(text: str) -> int:
    """A whole number from 0 to 100, for argparse."""
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number from 0 to 100")
    return int(text)


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("type coverage")
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
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    options.total = options.total or ("max" if options.demo else TOTAL)
    options.shares = list(dict.fromkeys(options.shares))
    for pool in workspace.code_pools:
        if options.dry_run:
            workspace.plan([pool], "", f"Datas/{QUESTION}/{pool.label}", partial(planned, workspace, pool))
        else:
            publish_pool(workspace, pool)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
