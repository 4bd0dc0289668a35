"""The demo's study root: two code pools of library code with weak labels, a math and a general pool of seeded tasks."""

import dataclasses
import hashlib
import io
import textwrap
from pathlib import Path

import filelock
import jsonlines
import orjson

from instruction_data.demo import library_code
from instruction_data.demo.code_instructions import instruction
from instruction_data.demo.general_tasks import general_tasks
from instruction_data.demo.library_code import SEED_LINES, Candidate, fenced
from instruction_data.demo.math_tasks import math_tasks
from instruction_data.demo.tasks import MOST
from instruction_data.errors import InputError, quoted
from instruction_data.files.atomic import write_whole
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import STUDY_POOLS, Pool

RECORDS = 300  # in each of the two code pools
OTHERS = 1000  # in each of the other two pools
SEED = 42
TASKS = {"math": math_tasks, "general": general_tasks}
GROWN_FOLDER = "Datas/demo"  # larger pools of tasks
LABELS_PATH = "Datas/demo_labels.json"  # written last: if it is there, the demo is complete

_REBUILD = "build the demo again with python -m instruction_data.demo --overwrite"


def contents(
    records: int = RECORDS, others: int = OTHERS, seed: int = SEED, oss_records: int | None = None
) -> dict[str, bytes]:
    """Return the demo's files: path below the study root -> content; the labels come last.

    Args:
        records: the size of each of the two code pools.
        others: the size of the math and of the general pool.
        oss_records: another size for the pool oss.

    Raises:
        InputError: there is not enough material.
    """
    counts = (oss_records or records, records)
    oss, evol = library_code.choose(library_code.candidates_for(sum(counts)), counts, seed)
    entries = {
        "oss": [_oss_entry(index, candidate) for index, candidate in enumerate(oss)],
        "evol": [{"instruction": instruction(one, evolved=True), "response": fenced(one.code)} for one in evol],
        **{name: tasks(others, seed) for name, tasks in TASKS.items()},
    }
    table = {pool.name: pool for pool in STUDY_POOLS}
    files = {table[name].path: _encoded(table[name].path, rows) for name, rows in entries.items()}
    labels = {name: _labels(table[name], entries[name], chosen) for name, chosen in (("oss", oss), ("evol", evol))}
    return files | {LABELS_PATH: orjson.dumps(labels, option=orjson.OPT_INDENT_2) + b"\n"}


def _oss_entry(index: int, candidate: Candidate) -> dict:
    return {
        "lang": "python",
        "index": index,
        "seed": textwrap.dedent("\n".join(candidate.source.split("\n")[:SEED_LINES])),
        "problem": instruction(candidate),
        "solution": fenced(candidate.code),
    }


def _encoded(path: str, rows: list[dict]) -> bytes:
    if path.endswith(".json"):
        return orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n"
    lines = io.BytesIO()
    jsonlines.Writer(lines, dumps=orjson.dumps).write_all(rows)
    return lines.getvalue()


def _labels(pool: Pool, entries: list[dict], chosen: list[Candidate]) -> list[dict]:
    result = []
    for row, (entry, candidate) in enumerate(zip(entries, chosen, strict=True)):
        record = Record(entry[pool.instruction], "", entry[pool.output])
        digest = hashlib.sha256(record.canonical()).hexdigest()
        result.append({"row": row, "record_sha256": digest, "module": candidate.module, "category": candidate.category})
    return result


def build(root: Path, **sizes: int) -> None:
    """Write the demo's pools and labels under ``root/Datas``, replacing present ones; sizes and seed as ``contents``.

    Raises:
        InputError: there is not enough material.
    """
    write_files(root, contents(**sizes))


def complete(root: Path) -> bool:
    """Say whether all files of the demo are there."""
    return all((root / name).is_file() for name in [*(pool.path for pool in STUDY_POOLS), LABELS_PATH])


def ensure(root: Path) -> None:
    """Build the demo unless it is there; two simultaneous scripts do not collide.

    Raises:
        InputError: one of its files has other content, which is never replaced here.
    """
    if complete(root):  # no lock is made, so that a dry run leaves none and a read-only root will do
        return
    with locked(root):
        if not complete(root):
            files = contents()
            refuse_others(root, files)
            write_files(root, files)


def is_made(pool: Pool, path: str) -> bool:
    """Say whether the demo writes a pool to a path below its root."""
    return pool in STUDY_POOLS and (path == pool.path or Path(path).parent == Path(GROWN_FOLDER))


def can_grow(pool: Pool) -> bool:
    """Say whether ``grown`` can enlarge a pool: only the demo's math and general pools, never a user's."""
    return pool.name in TASKS and pool in STUDY_POOLS


def grown_pool(pool: Pool, records: int) -> Pool:
    """Return the row that ``grown`` would return, without writing anything.

    Raises:
        InputError: there are not that many different tasks.
    """
    if records > MOST:
        raise InputError(
            f"pool {pool.name!r}: found at most {MOST:,} different tasks in the demo; expected {records:,}. Take fewer "
            f"code records (--limit N) or name a larger pool of your own: --other {pool.name}=PATH"
        )
    count = -(-records // OTHERS) * OTHERS  # similar requests share a file
    return dataclasses.replace(pool, path=f"{GROWN_FOLDER}/{pool.name}_{count}.jsonl", records=count)


def grown(root: Path, pool: Pool, records: int) -> Pool:
    """Return the demo's math or general pool with a file of at least ``records`` tasks; make the file if needed.

    The file begins with the 1,000 records of the demo's default pool. Every larger file begins with all smaller
    ones.

    Raises:
        InputError: there are not that many different tasks.
    """
    result = grown_pool(pool, records)
    path = root / result.path
    with locked(root):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, _encoded(result.path, TASKS[pool.name](result.records, SEED, block=OTHERS)))
    return result


def weak_labels(root: Path, records: Records) -> list[str | None] | None:
    """Return the category of every record, in order; None if the demo's labels do not know the pool.

    Raises:
        InputError: a record is not the one that was labelled.
    """
    path = root / LABELS_PATH
    if records.pool not in STUDY_POOLS or not path.is_file():
        return None
    try:
        known = orjson.loads(path.read_bytes()).get(records.pool.name)
        rows = {label["row"]: (label["record_sha256"], label["category"]) for label in known or ()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: found no table of labels ({error}); expected the demo's: {_REBUILD}") from error
    if known is None:
        return None
    result = []
    for row, digest in zip(records.rows.tolist(), records.hashes, strict=True):
        labelled, category = rows.get(row, ("no label", None))
        if labelled != digest:
            raise InputError(
                f"{path}: row {row} of pool {records.pool.name!r}: found {quoted(labelled, 15)}; expected "
                f"{quoted(digest, 15)}, the record in {records.pool.file(root)}: {_REBUILD}"
            )
        result.append(category)
    return result


def locked(root: Path) -> filelock.FileLock:
    """Return the lock for writing the demo's files."""
    folder = root / ".cache"
    folder.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(folder / "demo.lock")


def _is_same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def refuse_others(root: Path, files: dict[str, bytes]) -> None:
    """Raise InputError if a file is there with other content."""
    others = [name for name, content in files.items() if (root / name).exists() and not _is_same(root / name, content)]
    if others:
        raise InputError(
            f"{root}: found {', '.join(others)} with other content than the demo asked for; expected a folder of its "
            f"own, or --overwrite to replace them: python -m instruction_data.demo --root {root} --overwrite"
        )


def write_files(root: Path, files: dict[str, bytes]) -> None:
    """Write files that differ. Labels are removed first and written last, so they never stand beside other pools."""
    changed = {name for name, content in files.items() if not _is_same(root / name, content)}
    if changed:
        (root / LABELS_PATH).unlink(missing_ok=True)
        for name in files:
            if name in changed or name == LABELS_PATH:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                write_whole(root / name, files[name])
