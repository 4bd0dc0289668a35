"""RQ0, planted effects: does the whole loop see what is there, and nothing where nothing is?

Takes random quarters of the demo's code pool and changes outputs in ways whose effect is known. Makes fourteen splits,
in Datas/RQ0/PLANTED/, each of the seven drawn twice (…_R2); the changed ones have the instructions of TRUE's draws:

    RQ0_PLANTED_TRUE        the records as they are
    RQ0_PLANTED_PLACEBO     the other two quarters
    RQ0_PLANTED_SHUFFLED    each instruction with the output of another
    RQ0_PLANTED_BROKEN      an edit at every operator and number, as broken twins have one
    RQ0_PLANTED_PROSE       prose instead of code
    RQ0_PLANTED_STYLE       the same code, indented by two columns instead of four
    RQ0_PLANTED_SOLVED      half of the records replaced by problems of HumanEval with their solutions

with RQ0_PLANTED_scores.parquet and RQ0_PLANTED_manifest.json. Each is compared with TRUE.
Code/study/self_test.py trains on them, and checks the verdicts.

    python Code/RQ0/planted_effects.py --demo --root build/self-test
"""

import argparse
import io
import sys
from collections.abc import Mapping, Sequence

import jsonlines
import numpy as np
import orjson

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files.atomic import write_whole
from instruction_data.outcomes import gold, plants
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import Pool
from instruction_data.publish.question import Against, Question
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

QUESTION = Question(
    "RQ0",
    title="planted effects",
    asks="Does the loop see what is there, and nothing where nothing is?",
    varies=("planted change",),
    contrast=Against("TRUE"),
)
SOURCE = "oss"
POOL = Pool(name="planted", path="Datas/demo/planted.jsonl")
QUARTERS = ("TRUE", "TRUE_R2", "PLACEBO", "PLACEBO_R2")  # disjoint draws
SOLVED_SHARE = 2  # one record in so many gives way to a solved problem
REPEATS = ("", "_R2")  # of TRUE, and of what is planted into it


def planted(records: Sequence[Record], seed: int, repeat: int) -> dict[str, list[Record]]:
    """Return plant -> the records with their changed outputs, and solved problems of the benchmark.

    Args:
        repeat: from 0; every one has other problems.
    """
    outputs, of_repeat = [record.output for record in records], seed + repeat
    changed = {
        "SHUFFLED": plants.shuffled(outputs, of_repeat),
        "BROKEN": [plants.broken(output) for output in outputs],
        "PROSE": plants.prose(outputs, of_repeat),
        "STYLE": [plants.restyled(output) for output in outputs],
    }
    made = {
        name: [Record(record.instruction, record.input, output) for record, output in zip(records, of, strict=True)]
        for name, of in changed.items()
    }
    problems = gold.load("humaneval", None)
    order, count = draws.permutation(len(problems), seed, "SOLVED").tolist(), len(records) // SOLVED_SHARE
    chosen = order[repeat * count : (repeat + 1) * count]
    made["SOLVED"] = [Record(asked, "", output) for asked, output in plants.solved([problems[i] for i in chosen])]
    return made


def pool_rows(source: Records, seed: int) -> tuple[list[Record], dict[str, list[int]]]:
    """Return the records of the planted pool, and split -> its rows there."""
    order, size = draws.permutation(len(source), seed, QUESTION.id).tolist(), len(source) // len(QUARTERS)
    of = {name: order[place * size : (place + 1) * size] for place, name in enumerate(QUARTERS)}
    rows = [source[position] for name in QUARTERS for position in of[name]]
    splits = {name: [*range(place * size, (place + 1) * size)] for place, name in enumerate(QUARTERS)}
    for repeat, ending in enumerate(REPEATS):
        true = [rows[place] for place in splits[f"TRUE{ending}"]]
        for name, records in planted(true, seed, repeat).items():
            kept = splits[f"TRUE{ending}"][: size - len(records)]
            splits[name + ending] = [*kept, *range(len(rows), len(rows) + len(records))]
            rows += records
    return rows, splits


def write_pool(workspace: Workspace, rows: Sequence[Record]) -> None:
    """Write the planted pool.

    Raises:
        InputError: there is another file in its place.
    """
    lines = io.BytesIO()
    fields = [{"instruction": row.instruction, "input": row.input, "output": row.output} for row in rows]
    jsonlines.Writer(lines, dumps=orjson.dumps).write_all(fields)
    path = POOL.file(workspace.root)
    if path.exists() and path.read_bytes() != lines.getvalue() and not workspace.overwrite:
        raise InputError(f"{path}: found another pool there; expected none, or that of this seed. --overwrite replaces")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lines.getvalue())


def made_splits(records: Records, rows: Mapping[str, Sequence[int]]) -> list[Split]:
    """Return the splits, each with the share of its records that were changed."""
    whole = {row for name in QUARTERS for row in rows[name]}
    return [
        Split(
            f"{QUESTION.id}_{POOL.label}_{name}",
            [(records, np.array(of))],
            {"changed share": 1 - len(whole.intersection(of)) / len(of)},
        )
        for name, of in rows.items()
    ]


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is read")
    cli.add_root_flags(what)
    what.add_argument("--seed", type=cli.seed, default=cli.SEED, help="of every draw (default: %(default)s)")
    cli.add_writing_flags(result.add_argument_group("what is written"))
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, _ = cli.open_workspace(parser(), argv, __file__)
    if not workspace.demo:
        raise InputError("found no --demo; expected it: effects are planted into the demo's code pool")
    source = workspace.read(workspace.known_pools[SOURCE])
    rows, splits = pool_rows(source, workspace.seed)
    if workspace.dry_run:
        print(f"would write  {POOL.path}: {len(rows):,} records")
        for name, of in splits.items():
            print(f"would write  {QUESTION.id}_{POOL.label}_{name}.json: {len(of):,} records")
        return 0
    write_pool(workspace, rows)
    records = workspace.read(POOL)
    publication = workspace.begin(QUESTION, [records], {}, draws=True, subject=[])
    publication.splits(made_splits(records, splits))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
