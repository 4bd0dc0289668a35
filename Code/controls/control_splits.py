"""Controls: does a split score as it does for its property, or would any records of that number and kind do?

For any split, training sets of the same size from the same pools (as many records from each as the split has):

    random     drawn from the whole pool
    matched    as many records of every combination of output length (quantile bins of the pool's characters),
               programming language and task category as the split has; from outside the split as far as there are
               any, its own beyond that, so that the counts are exact and what overlaps is said

So a random control lies at the pool's mean in the split's property, a matched one (which avoids the split) beyond it.

A control is a set of its own beside its split, in Datas/<RQ>/<POOL>/, and a split like any other from there on:

    <SPLIT>_<RANDOM|MATCHED>.json (with --repeats also …_R2, …_R3), …_scores.parquet, …_manifest.json

Categories are those of Code/RQ4/task_category.py, if it has run; pools without are matched without, and that is said.
What a question varies is not matched on (the category in RQ4): that would draw the split again. For the same reason the
controls of RQ1's mixtures say nothing of the domains, whose shares they keep: there the unmixed pool is the control.

    python Code/controls/control_splits.py --split RQ2_OSS_DIVERSITY_LOW --control random --demo
    python Code/controls/control_splits.py --question RQ2 --demo       both controls of every split of RQ2
"""

import argparse
import re
import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files import parquet
from instruction_data.measures import languages
from instruction_data.pools import control_tokens, reading
from instruction_data.pools.records import Records
from instruction_data.pools.table import TABLE_FILE, Pool
from instruction_data.publish import inventory, manifests
from instruction_data.publish.publication import Place
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

CONTROLS = ("random", "matched")
TRAITS = ("length", "language", "category")
VARIED = {"RQ4": "category"}  # the trait that a question varies itself
LENGTH_BINS = 5
REPEAT = re.compile(r"_R[0-9]+$")
MOSTLY = 0.6  # share of itself from which on a control says little of its split


def length_bins(lengths: np.ndarray, bins: int) -> np.ndarray:
    """The quantile bin of every length, 0 … bins − 1; int64 ``[n]``. A length on an edge is in the lower bin."""
    edges = np.quantile(lengths, np.arange(1, bins) / bins)
    return np.searchsorted(edges, lengths, side="left")


def strata(traits: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """A number for every record, the same for those equal in every trait; int64 ``[n]``.

    Args:
        traits: one sequence of ``n`` values each.
    """
    numbers: dict[tuple, int] = {}
    return np.array([numbers.setdefault(values, len(numbers)) for values in zip(*traits, strict=True)], dtype=np.int64)


def equal_records(records: Records, positions: np.ndarray) -> np.ndarray:
    """Whether each record of a pool equals one of those at ``positions``, by content; bool ``[n]``."""
    there = {records.hashes[position] for position in positions.tolist()}
    return np.array([sha256 in there for sha256 in records.hashes])


def matched_draw(strata: np.ndarray, members: np.ndarray, avoided: np.ndarray, seed: int, name: str) -> np.ndarray:
    """As many positions of every stratum as ``members`` has: others first, avoided ones where no others are left.

    Args:
        strata: int ``[n]``, of every record of the pool.
        members: positions of the split.
        avoided: bool ``[n]``, the members and what equals them.
        seed, name: what the draw depends on.

    Returns:
        int64 ``[len(members)]``, in drawn order.
    """
    order = draws.permutation(len(strata), seed, name)
    preferred = order[np.argsort(avoided[order], kind="stable")]
    wanted = np.bincount(strata[members], minlength=strata.max() + 1)
    taken = preferred[_place_in_group(strata[preferred]) < wanted[strata[preferred]]]
    return order[np.isin(order, taken)]


def _place_in_group(groups: np.ndarray) -> np.ndarray:
    """How many entries before each belong to the same group."""
    by_group = np.argsort(groups, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(groups))])
    places = np.empty(len(groups), dtype=np.int64)
    places[by_group] = np.arange(len(groups)) - starts[groups[by_group]]
    return places


@dataclass(frozen=True)
class Origin:
    """A split that gets controls, and the manifest of its set."""

    name: str
    path: Path
    manifest: Mapping

    @property
    def file(self) -> str:
        return self.manifest["splits"][self.name]["file"]

    @property
    def folder(self) -> str:
        return Path(self.file).parent.as_posix()

    @property
    def sources(self) -> dict[str, int]:
        """Pool -> how many of its records are in the split; the code pool first."""
        return self.manifest["splits"][self.name]["sources"]


def chosen_origins(workspace: Workspace) -> list[Origin]:
    """The splits that this run makes controls of.

    Of questions, the first draw of every split: a control of a repeat would be the same thing again.

    Raises:
        InputError: there is no such split or question, or the split is itself made from one.
    """
    options = workspace.options
    there = [
        Origin(name, path, manifest)
        for path, manifest in manifests.every(workspace.root)
        for name in manifest["splits"]
    ]
    derived = {one.name: what for one in there if (what := _derived(one, {other.file for other in there}))}
    for name in options.split or ():
        if name in derived or name not in {one.name for one in there}:
            raise InputError(
                f"--split {name}: found {derived.get(name, 'no such split')} under {workspace.root}; expected a split made "
                "from a pool by a research question: `python -m instruction_data.publish show` lists them"
            )
    origins = [one for one in there if one.name not in derived and _is_wanted(one, options)]
    if options.pool:
        names = {pool.name for pool in workspace.code_pools}
        origins = [one for one in origins if one.manifest["pool"] in names]
    if not origins:
        asked = " ".join(options.split or options.question)
        asked += f" of pool {' '.join(options.pool)}" if options.pool else ""
        raise InputError(
            f"{workspace.root}: found no split for {asked}; expected some: run the question's script first"
        )
    return origins


def _derived(origin: Origin, published: set[str]) -> str:
    """What a split is that was made from a split, and not from a pool; empty for any other."""
    if "control" in origin.manifest["settings"]:
        return "a control"
    paths = {origin.manifest["pools"][name]["path"] for name in origin.sources}
    return "a split made from another split" if paths & published else ""


def _is_wanted(origin: Origin, options: argparse.Namespace) -> bool:
    if options.split:
        return origin.name in options.split
    plain = REPEAT.sub("", origin.name)
    repeated = plain != origin.name and plain in origin.manifest["splits"]
    return origin.manifest["question"] in options.question and not repeated


@dataclass(frozen=True)
class Traits:
    """What the records of a pool are matched on, and where it came from.

    Attributes:
        columns: trait -> one value per record.
        inputs: published files that were read.
        models: role -> identity of the models that made the categories.
    """

    columns: Mapping[str, Sequence[Hashable]]
    inputs: Sequence[Path] = ()
    models: Mapping[str, Mapping] = field(default_factory=dict)

    def without(self, trait: str | None) -> "Traits":
        """All but one of them."""
        if trait not in self.columns:
            return self
        columns = {name: values for name, values in self.columns.items() if name != trait}
        return Traits(columns) if trait == "category" else Traits(columns, self.inputs, self.models)


class Sources:
    """The pools behind splits, each read once the way the split's set read it."""

    def __init__(self, workspace: Workspace):
        self._study = workspace
        self._named = {pool.name: pool for pool in workspace.code_pools} if workspace.options.pool else {}
        self._records: dict[tuple, Records] = {}
        self._traits: dict[Records, Traits] = {}
        self._lengths: dict[Records, np.ndarray] = {}

    def records(self, origin: Origin) -> list[Records]:
        """The records of every pool that the split was made from, the code pool first.

        Raises:
            InputError: a pool is not there, or not as it was.
        """
        return [self._read(origin, name) for name in origin.sources]

    def pool(self, origin: Origin, name: str) -> Pool:
        """The pool of that name: one given by ``--pool NAME=PATH``, or a known one."""
        if name not in self._named and name not in self._study.known_pools:
            raise InputError(
                f"{origin.name}: found that it was made from a pool {name!r}, which is not known; expected it: "
                f"--pool {name}=PATH, or a row in {TABLE_FILE} under the study root"
            )
        return self._named.get(name) or self._study.known_pools[name]

    def traits(self, records: Records) -> Traits:
        """What the records of one pool are matched on."""
        if records not in self._traits:
            self._traits[records] = read_traits(self._study, records, self.lengths(records))
        return self._traits[records]

    def lengths(self, records: Records) -> np.ndarray:
        """Characters of every output; int64 ``[n]``."""
        if records not in self._lengths:
            self._lengths[records] = np.array([len(record.output) for record in records], dtype=np.int64)
        return self._lengths[records]

    def _read(self, origin: Origin, name: str) -> Records:
        workspace, entry = self._study, origin.manifest["pools"][name]
        limit = origin.manifest["settings"].get("limit")
        if workspace.options.limit not in (None, limit):
            raise InputError(
                f"--limit {workspace.options.limit}: found {origin.name} made with {limit or 'all records'}; expected the "
                "same pool for a control: leave --limit out, which takes the split's"
            )
        drop = name != origin.manifest["pool"] and bool(origin.manifest["settings"].get("drop_input"))
        neutralise = bool(origin.manifest["settings"].get(control_tokens.SETTING))
        if workspace.options.neutralise_control_tokens and not neutralise:
            raise InputError(
                f"{control_tokens.FLAG}: found {origin.name} made without it; expected the same records for a control: "
                "make the split with it, and its controls follow"
            )
        key = (name, limit, bool(entry["skipped"]), drop, neutralise)
        if key not in self._records:
            self._records[key] = reading.read(
                self.pool(origin, name),
                workspace.root,
                limit=limit,
                skip_bad=bool(entry["skipped"]),
                drop_input=drop,
                neutralise=neutralise,
                spool_folder=workspace.cache,
            )
        if self._records[key].sha256 != entry["sha256"]:
            raise _changed(origin, f"the pool {name!r} with SHA-256 {self._records[key].sha256}", entry["sha256"])
        return self._records[key]


def _changed(origin: Origin, found: str, expected: str) -> InputError:
    return InputError(
        f"{origin.name}: found {found}; expected {expected}, as it was when the split was made: make the split again "
        f"with --overwrite ({origin.manifest['command']})"
    )


def members(root: Path, origin: Origin, sources: Sequence[Records]) -> list[np.ndarray]:
    """The positions of a split's records in each of its pools, joined by row and checked by hash.

    Raises:
        InputError: the table of scores is missing or damaged, or names records that the pools do not have.
    """
    path = inventory.scores_file(root, origin.path, origin.manifest)
    table = parquet.table(path, {"pool": "O", "row": "iu", "record_sha256": "O", origin.name: "iu"})
    table = table[table[origin.name].notna()]
    result = []
    for records in sources:
        own = table[table["pool"] == records.pool.name].sort_values(origin.name)
        place = {row: position for position, row in enumerate(records.rows.tolist())}
        positions = [place.get(row, -1) for row in own["row"].tolist()]
        for position, row, sha256 in zip(positions, own["row"], own["record_sha256"], strict=True):
            if position < 0 or records.hashes[position] != sha256:
                raise _changed(origin, f"another record in row {row} of the pool {records.pool.name!r}", sha256)
        result.append(np.array(positions, dtype=np.int64))
    expected = origin.manifest["splits"][origin.name]["records"]
    if sum(map(len, result)) != expected:
        raise InputError(f"{path}: found {sum(map(len, result)):,} records of {origin.name}; expected {expected:,}")
    return result


def read_traits(workspace: Workspace, records: Records, lengths: np.ndarray) -> Traits:
    """Length bin, language and, where there are categories, category of every record, as far as they are asked for."""
    wanted = workspace.options.match
    columns: dict[str, Sequence[Hashable]] = {}
    if "length" in wanted:
        bins = workspace.options.length_bins
        columns["length"] = [f"{number + 1} of {bins}" for number in length_bins(lengths, bins).tolist()]
    if "language" in wanted:
        columns["language"], _ = languages.languages(records.texts("output"), workspace.cache)
    manifest = category_manifest(workspace.root, records.pool)
    if "category" not in wanted or not manifest.exists():
        return Traits(columns)
    path, models = category_table(workspace.root, manifest, records.pool)
    columns["category"] = categories(path, records)
    return Traits(columns, [path], models)


def category_manifest(root: Path, pool: Pool) -> Path:
    return root / "Code" / "RQ4" / f"{pool.name}_instruct_with_category{manifests.SUFFIX}"


def category_table(root: Path, path: Path, pool: Pool) -> tuple[Path, dict]:
    """The table of a pool's similarities to every category, and the models that made it.

    Raises:
        InputError: it is not there as its manifest says.
    """
    manifest = manifests.read(path)
    file = f"Code/RQ4/{pool.name}_category_similarities.parquet"
    if file not in manifest["files"]:
        raise InputError(f"{path}: found no {file}; expected it: run Code/RQ4/task_category.py again with --overwrite")
    return inventory.checked(root, file, manifest["files"][file]["sha256"]), manifest["models"]


def categories(path: Path, records: Records) -> list[str | None]:
    """The category of every record: the one it is most similar to, as task_category.py assigns it; None without one.

    Raises:
        InputError: the table lacks a record, or was made from another pool.
    """
    table = parquet.table(path, {"row": "iu", "record_sha256": "O"})
    names = [column for column in table.columns if column not in ("row", "record_sha256")]
    if not names or any(table[name].dtype.kind != "f" for name in names):
        raise InputError(f"{path}: found columns that are no similarities; expected numbers: make it again")
    similar = table[names].to_numpy()
    known = np.isfinite(similar).all(axis=1)
    best = np.where(known, np.nan_to_num(similar).argmax(axis=1), -1)
    by_record = dict(zip(zip(table["row"].tolist(), table["record_sha256"], strict=True), best.tolist(), strict=True))
    result = []
    for key in zip(records.rows.tolist(), records.hashes, strict=True):
        if key not in by_record:
            raise InputError(
                f"{path}: found no category of row {key[0]} of the pool {records.pool.name!r} as it is now; expected "
                "one a record: run Code/RQ4/task_category.py again with --overwrite"
            )
        result.append(names[by_record[key]] if by_record[key] >= 0 else None)
    return result


Parts = list[tuple[Records, np.ndarray]]  # as in publish.Split


def control_draw(kind: str, name: str, parts: Parts, traits: Mapping[str, Traits], seed: int) -> Parts:
    """One control: from every pool as many records as the split has of it.

    Args:
        parts: the split's own.
        traits: of every pool, for a matched one.
    """
    drawn = []
    for records, own in parts:
        draw = f"{name} {records.pool.name}"
        if kind == "random":
            drawn.append((records, draws.draw(len(records), len(own), seed, draw)))
        else:
            groups = strata(list(traits[records.pool.name].columns.values()))
            drawn.append((records, matched_draw(groups, own, equal_records(records, own), seed, draw)))
    return drawn


def summary(sources: Sources, drawn: Parts, own: Parts) -> dict[str, float]:
    """How much of a control is the split itself, and how long the outputs of both are."""
    both = zip(drawn, own, strict=True)
    shared = sum(int(equal_records(one, members)[positions].sum()) for (one, positions), (_, members) in both)
    return {
        "share of the split itself": shared / sum(len(members) for _, members in own),
        "mean output characters": _mean_length(sources, drawn),
        "mean output characters of the split": _mean_length(sources, own),
    }


def _mean_length(sources: Sources, parts: Parts) -> float:
    return float(np.concatenate([sources.lengths(records)[positions] for records, positions in parts]).mean())


def matched_traits(sources: Sources, origin: Origin, read: Sequence[Records]) -> dict[str, Traits]:
    """Pool -> what its records are matched on for this split.

    Raises:
        InputError: nothing is left to match on.
    """
    varied = VARIED.get(origin.manifest["question"])
    result = {records.pool.name: sources.traits(records).without(varied) for records in read}
    for name, one in result.items():
        if not one.columns:
            raise InputError(
                f"{origin.name}: found nothing to match the records of the pool {name!r} on; expected more to --match: "
                f"{varied or 'category'} is {'what the question varies' if varied else 'not known there'}"
            )
    return result


def publish_control(workspace: Workspace, sources: Sources, origin: Origin, kind: str) -> None:
    """Make and publish one kind of control of one split, with its repeats."""
    stem = control_name(origin, kind)
    read = sources.records(origin)
    own = list(zip(read, members(workspace.root, origin, read), strict=True))
    if all(len(positions) == len(records) for records, positions in own):
        print(f"{stem}: left out, since {origin.name} holds its whole pool, and so would any control\n")
        return
    traits = matched_traits(sources, origin, read) if kind == "matched" else {}
    publication = workspace.begin(
        origin.manifest["question"],
        read,
        control_settings(workspace.options, origin, kind, traits),
        draws=True,
        models={role: model for one in traits.values() for role, model in one.models.items()},
        inputs=[
            inventory.scores_file(workspace.root, origin.path, origin.manifest),
            *(path for one in traits.values() for path in one.inputs),
        ],
        place=Place(origin.folder, stem),
    )
    made = []
    for name in workspace.names(stem):
        drawn = control_draw(kind, name, own, traits, workspace.options.seed)
        made.append(Split(name, drawn, summary(sources, drawn, own)))
    publication.splits(made, traits[read[0].pool.name].columns if traits else {})
    say_quality(origin, made[0], traits)


def control_name(origin: Origin, kind: str) -> str:
    return f"{origin.name}_{kind.upper()}"


def control_settings(
    options: argparse.Namespace, origin: Origin, kind: str, traits: Mapping[str, Traits]
) -> dict[str, object]:
    """What shapes a control. ``control`` tells its manifest from those of the research questions."""
    settings = {
        "limit": origin.manifest["settings"].get("limit"),
        "control": kind,
        "split": origin.name,
        "repeats": options.repeats,
    }
    if kind == "matched":
        settings["matched_on"] = {name: list(one.columns) for name, one in traits.items()}
        settings["length_bins"] = options.length_bins if "length" in options.match else None
        settings["languages"] = languages.detector() if "language" in options.match else None
    return settings


def say_quality(origin: Origin, made: Split, traits: Mapping[str, Traits]) -> None:
    """Print what could not be matched, and whether the control is mostly the split itself."""
    share, said = made.summary["share of the split itself"], []
    for name, one in traits.items():
        lacking = "" if "category" in one.columns else " (not on category)"
        said.append(f"pool {name!r}: matched on {', '.join(one.columns)}{lacking}")
        missing = sum(category is None for category in one.columns.get("category", ()))
        if missing:
            said.append(f"pool {name!r}: {missing:,} records without category are matched among themselves")
    if traits:
        alone = round(share * len(made))
        said.append(f"{alone:,} of {len(made):,} records have no like outside {origin.name}: its own stand in for them")
    if share > MOSTLY:
        ways = "; fewer --length-bins, or less to --match, lessens that" if traits else ""
        said.append(f"{made.name}: {share:.0%} of it are the split's own records, so it says little{ways}")
    if said:
        print("\n".join(said), end="\n\n")


def plan(workspace: Workspace, sources: Sources, origins: Sequence[Origin]) -> None:
    """Print what a run would read and write (``--dry-run``), set by set."""
    sets: dict[Path, list[Origin]] = {}
    for origin in origins:
        sets.setdefault(origin.path, []).append(origin)
    for together in sets.values():
        names = {
            name: sum(origin.sources.values())
            for origin in together
            for kind in workspace.options.control
            for name in workspace.names(control_name(origin, kind))
        }
        used = dict.fromkeys(name for origin in together for name in origin.sources)
        read = [sources.pool(together[0], name) for name in used]
        workspace.plan(read, "", together[0].folder, lambda *_, names=names: names)


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("controls")
    of = group.add_mutually_exclusive_group(required=True)
    of.add_argument("--split", nargs="+", metavar="NAME", help="make controls of these splits")
    of.add_argument(
        "--question", nargs="+", metavar="RQ", help="make controls of every split (its first draw) of these questions"
    )
    group.add_argument(
        "--control", nargs="+", choices=CONTROLS, default=list(CONTROLS), help="which (default: random matched)"
    )
    group.add_argument(
        "--match",
        nargs="+",
        choices=TRAITS,
        default=list(TRAITS),
        help="what the matched control shares with its split (default: length language category)",
    )
    group.add_argument(
        "--length-bins",
        type=cli.positive,
        default=LENGTH_BINS,
        metavar="N",
        help="quantile bins of the length of outputs (default: %(default)s)",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    options.control = [kind for kind in CONTROLS if kind in options.control]
    options.match = [trait for trait in TRAITS if trait in options.match]
    origins, sources = chosen_origins(workspace), Sources(workspace)
    if options.dry_run:
        plan(workspace, sources, origins)
        return 0
    for origin in origins:
        for kind in options.control:
            publish_control(workspace, sources, origin, kind)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
