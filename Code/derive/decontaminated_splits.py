"""Decontaminated splits: the same training sets without the records that hold benchmark problems.

Looks for HumanEval, MBPP and every --benchmark as Code/report/contamination.py does. Publishes each split again,
without the records that the rules name, beside the original in Datas/<RQ>/<POOL>/:

    <SPLIT>_CLEAN.json                         with <SPLIT>_CLEAN_manifest.json and <SPLIT>_CLEAN_scores.parquet
    <SPLIT>_CLEAN_removed.csv                  every record left out: its place, the rule and the problem

    python Code/derive/decontaminated_splits.py --demo --split RQ2_OSS_DIVERSITY_LOW
    python Code/derive/decontaminated_splits.py --root STUDY --rules tli --benchmark mine=problems.jsonl
    python Code/derive/decontaminated_splits.py --demo --rules execution --allow-code-execution
"""

import argparse
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.measures import benchmarks as benchmark_files
from instruction_data.measures import contamination, leakage
from instruction_data.measures.contamination import Contamination, Reason
from instruction_data.outcomes import solvers
from instruction_data.pools.records import Records
from instruction_data.publish import inventory, reopened
from instruction_data.publish.inventory import Set
from instruction_data.publish.publication import Place
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.workspace import Workspace

SUFFIX = "_CLEAN"
REASON_COLUMNS = (
    *("position", "pool", "row", "record_sha256"),
    *("benchmark", "rule", "problem", "overlap", "matched"),
)


def publish_clean(workspace: Workspace, options: argparse.Namespace, name: str, one: Set, found: Contamination) -> None:
    """Publish a split without the contaminated records, in a set of its own.

    Raises:
        InputError: nothing would be left.
    """
    import pandas

    split = one.manifest["splits"][name]
    sources = reopened.sources(workspace.root, name, one, workspace.scratch)
    removals = found.removals(options.rules, options.threshold)
    kept, removed = [], []
    numbers = found.places(one.members[name]).tolist()
    for position, ((records, place), number) in enumerate(zip(reopened.in_file_order(sources), numbers, strict=True)):
        if number in removals:
            removed.append(row_of(position, records, place, removals[number]))
        else:
            kept.append((records, place))
    if not kept:
        raise InputError(f"{name}: every record would be removed; expected some that are no benchmark's")
    settings = {
        "decontaminated": name,
        "rules": options.rules,
        "tli_threshold": options.threshold,
        "benchmarks": found.benchmarks,
    }
    place = Place(Path(split["file"]).parent.as_posix(), f"{name}{SUFFIX}")
    publication = workspace.begin(
        Question(one.question, title=f"{name} without contaminated records"),
        sources,
        settings,
        inputs=[workspace.root / split["file"]],
        place=place,
        subject=["--split", name],
    )
    made = Split(place.stem, reopened.joined(kept), {"removed": len(removed)})
    publication.splits([made], (), {f"{place.stem}_removed.csv": pandas.DataFrame(removed, columns=REASON_COLUMNS)})
    print(f"{place.stem}: {len(kept):,} records; {len(removed):,} removed, listed in {place.stem}_removed.csv")


def row_of(position: int, records: Records, place: int, reason: Reason) -> tuple:
    matched = quoted(reason.matched) if reason.matched else None
    head = (position, records.pool.name, int(records.rows[place]), records.hashes[place])
    return (*head, reason.benchmark, reason.rule, quoted(reason.problem)[1:-1], reason.overlap, matched)


def wanted_splits(found: Contamination, names: list[str], pool_names: list[str]) -> dict[str, Set]:
    """Return the splits to clean: those of --split, or all that are not cleaned yet, from the pools of --pool."""
    known = {name: one for name, one, _ in found.found.splits()}
    for name in names:
        if name not in known:
            raise InputError(f"--split {quoted(name)}: found no such split; expected one of {', '.join(known)}")
    chosen = names or [name for name in known if not name.endswith(SUFFIX)]
    return {name: known[name] for name in chosen if not pool_names or known[name].pool in pool_names}


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    benchmark_files.add_flags(result)
    clean = result.add_argument_group("cleaning")
    clean.add_argument("--split", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    clean.add_argument(
        "--pool", action="append", default=[], metavar="NAME", help="only splits of this pool; repeatable"
    )
    clean.add_argument(
        "--rules",
        choices=contamination.RULES,
        default="both",
        help="what makes a record go: both is substring and TLI; execution, that a function of it solves a problem "
        "(default: %(default)s)",
    )
    clean.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="execute what the records hold, in a sandbox, as the rules execution and all ask for",
    )
    clean.add_argument(
        "--threshold",
        type=cli.fraction,
        default=leakage.THRESHOLD,
        metavar="SHARE",
        help="overlap with a problem from which on TLI makes a record go (default: %(default)s, XCoder's; of MBPP at "
        f"least {benchmark_files.MBPP_OVERLAP}, since its prompts are one line)",
    )
    cli.add_writing_flags(result.add_argument_group("what is written"))
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    executes = "execution" in contamination.RULES[options.rules]
    if executes:
        solvers.check_allowed(f"--rules {options.rules}", allowed=options.allow_code_execution)
    benchmarks = benchmark_files.required(options.benchmark, options.benchmark_fields)
    found = contamination.look_for(benchmarks, inventory.read(workspace.root, workspace.scratch))
    if executes:
        found = solvers.execute(found, workspace.compute)
    for name, one in wanted_splits(found, options.split, options.pool).items():
        publish_clean(workspace, options, name, one, found)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
