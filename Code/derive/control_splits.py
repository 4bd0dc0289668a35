"""Controls: is a split's score due to its property, or would any records of that number and kind score the same?

Makes, for any split, training sets of the same size with as many records from each pool as the split has:

    random     drawn from the whole pool
    matched    as many records of every combination of output length (quantile bins of the pool's characters),
               programming language and task category as the split has; its own records are taken only where no
               others are left, so that the counts are exact, and the overlap is reported

In the split's property, a random control lies at the pool's mean; a matched one avoids the split and lies beyond it.

A control is a set of its own beside its split, in Datas/<RQ>/<POOL>/, and is then a split like any other:

    <SPLIT>_<RANDOM|MATCHED>.json (with --repeats also …_R2, …_R3), …_scores.parquet, …_manifest.json

--match also takes any published number per record, such as a judge's score. A property that the question varies (the
category in RQ4) is never matched, since that would draw the split again. Controls of RQ1's mixtures keep the shares of
the domains, so they say nothing about domains: there the unmixed pool is the control.

    python Code/derive/control_splits.py --split RQ2_OSS_DIVERSITY_LOW --control random --repeats 2 --demo
    python Code/derive/control_splits.py --question RQ2 --demo       both controls of every split of RQ2
"""

import argparse
import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.measures import languages
from instruction_data.pools import control_tokens, reading
from instruction_data.pools.records import Records
from instruction_data.pools.table import TABLE_FILE, Pool
from instruction_data.publish import inventory, origins
from instruction_data.publish.origins import Origin, PoolColumn
from instruction_data.publish.publication import Place
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split
from instruction_data.select import draws, matching
from instruction_data.workspace import Workspace

CONTROLS = ("random", "matched")
TRAITS = ("length", "language", "category")
COLUMNS = {"length": "output_characters"}  # short names of columns
LENGTH_BINS = 5
MOSTLY = 0.6  # a control that holds this share of its split says little about it


def equal_records(records: Records, positions: np.ndarray) -> np.ndarray:
    """Say whether each record of a pool equals one at ``positions``, by content; bool ``[n]``."""
    there = {records.hashes[position] for position in positions.tolist()}
    return np.array([sha256 in there for sha256 in records.hashes])


def chosen_origins(workspace: Workspace, options: argparse.Namespace) -> list[Origin]:
    """Return the splits for which this run makes controls.

    If questions are named, these are the first draws: a control of a repeat would be the same thing again.

    Raises:
        InputError: there is no such split or question, or the split was made from another split.
    """
    there = {one.name: one for one in origins.every(workspace.root)}
    for name in options.split or ():
        if name not in there or there[name].derived:
            found = there[name].derived if name in there else "no such split"
            raise InputError(
                f"--split {name}: found {found} under {workspace.root}; expected a split made from a pool by a "
                "research question: `python -m instruction_data.publish show` lists them"
            )
    if options.split:
        chosen = [there[name] for name in dict.fromkeys(options.split)]
    else:
        asked = [one for one in there.values() if one.manifest["question"] in options.question]
        chosen = [one for one in asked if not one.derived and not one.is_repeat]
    if workspace.pool_choices:
        names = {pool.name for pool in workspace.code_pools}
        chosen = [one for one in chosen if one.manifest["pool"] in names]
    if not chosen:
        said = " ".join(options.split or options.question)
        said += f" of pool {' '.join(workspace.pool_choices)}" if workspace.pool_choices else ""
        raise InputError(f"{workspace.root}: found no split for {said}; expected some: run the question's script first")
    return chosen


@dataclass(frozen=True)
class Traits:
    """The traits on which a pool's records are matched, and their origin.

    Attributes:
        values: trait -> one value per record.
        properties: trait -> the property that it measures.
        published: the published columns among them, by trait.
    """

    values: Mapping[str, Sequence[Hashable]]
    properties: Mapping[str, str]
    published: Mapping[str, PoolColumn]

    def without(self, varied: Sequence[str]) -> "Traits":
        """Return all traits but those that measure what a question varies."""
        kept = [name for name in self.values if self.properties[name] not in varied]
        published = {name: one for name, one in self.published.items() if name in kept}
        return Traits({name: self.values[name] for name in kept}, self.properties, published)

    @property
    def models(self) -> dict[str, Mapping]:
        return {role: model for one in self.published.values() for role, model in one.models.items()}

    @property
    def inputs(self) -> list[Path]:
        return sorted({one.path for one in self.published.values()})


class Sources:
    """The pools behind splits, each read once and in the same way as for the split's set."""

    def __init__(self, workspace: Workspace, options: argparse.Namespace):
        self._workspace, self._options = workspace, options
        self._named = {pool.name: pool for pool in workspace.code_pools} if workspace.pool_choices else {}
        self._records: dict[tuple, Records] = {}
        self._traits: dict[Records, Traits] = {}
        self._lengths: dict[Records, np.ndarray] = {}

    def records(self, origin: Origin) -> list[Records]:
        """Return the records of every pool that the split was made from, the code pool first.

        Raises:
            InputError: a pool is missing or has changed.
        """
        return [self._read(origin, name) for name in origin.sources]

    def pool(self, origin: Origin, name: str) -> Pool:
        """Return the pool of that name, given by ``--pool NAME=PATH`` or known, at the split's path."""
        if name in self._named:
            return self._named[name]
        known = self._workspace.known_pools.get(name)
        if known is None:
            raise InputError(
                f"{origin.name}: found that it was made from a pool {name!r}, which is not known; expected it: "
                f"--pool {name}=PATH, or a row in {TABLE_FILE} under the study root"
            )
        path = origin.manifest["pools"][name]["path"]
        return replace(known, path=path) if (self._workspace.root / path).is_file() else known

    def traits(self, records: Records) -> Traits:
        """Return the traits on which the records of one pool are matched, as far as they are known there."""
        if records not in self._traits:
            self._traits[records] = self._read_traits(records)
        return self._traits[records]

    def _read_traits(self, records: Records) -> Traits:
        values, properties, used = {}, {}, {}
        published = origins.published_columns(self._workspace.root, records)
        for trait in self._options.match:
            name = COLUMNS.get(trait, trait)
            column = self._own_column(name, records)
            if column is None:
                if name not in published:
                    if trait not in TRAITS:
                        raise InputError(
                            f"--match {trait}: found no such number of the pool {records.pool.name!r}; expected one of "
                            f"{', '.join(dict.fromkeys([*TRAITS, *published]))}"
                        )
                    continue
                used[trait], column = published[name], published[name].column
            values[trait], properties[trait] = self._words(column), column.declaration["trait"]
        return Traits(values, properties, used)

    def _own_column(self, name: str, records: Records) -> Column | None:
        """Measure a column that needs none of the study's models; return None for others, which must be published."""
        if name == COLUMNS["length"]:
            return Column(name, self.lengths(records), "output length")
        if name == "language":
            found, _ = languages.languages(records.texts("output"), self._workspace.compute)
            return Column(name, found, "language", kind="word")
        return None

    def _words(self, column: Column) -> list[Hashable]:
        """Return a column's words, or the quantile bins of its numbers."""
        if column.kind == "word":
            return list(column.values)
        bins = self._options.length_bins
        numbers = matching.quantile_bins(np.asarray(column.values, dtype=np.float64), bins)
        return [f"{number + 1} of {bins}" if number < bins else "unknown" for number in numbers.tolist()]

    def lengths(self, records: Records) -> np.ndarray:
        """Return the characters of every output; int64 ``[n]``."""
        if records not in self._lengths:
            self._lengths[records] = np.array([len(record.output) for record in records], dtype=np.int64)
        return self._lengths[records]

    def _read(self, origin: Origin, name: str) -> Records:
        workspace, entry = self._workspace, origin.manifest["pools"][name]
        limit = origin.manifest["settings"].get("limit")
        if workspace.limit not in (None, limit):
            raise InputError(
                f"--limit {workspace.limit}: found {origin.name} made with {limit or 'all records'}; expected the "
                "same pool for a control: leave --limit out, which takes the split's"
            )
        drop = name != origin.manifest["pool"] and bool(origin.manifest["settings"].get("drop_input"))
        neutralise = bool(origin.manifest["settings"].get(control_tokens.SETTING))
        if workspace.neutralise and not neutralise:
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
                spool_folder=workspace.scratch,
            )
        if self._records[key].sha256 != entry["sha256"]:
            raise origin.changed(f"the pool {name!r} with SHA-256 {self._records[key].sha256}", entry["sha256"])
        return self._records[key]


Parts = list[tuple[Records, np.ndarray]]  # as in publish.Split


def control_draw(kind: str, name: str, parts: Parts, traits: Mapping[str, Traits], seed: int) -> Parts:
    """Draw one control: from every pool as many records as the split has from it.

    Args:
        parts: the split's own.
        traits: of every pool, for a matched control.
    """
    drawn = []
    for records, own in parts:
        draw = f"{name} {records.pool.name}"
        if kind == "random":
            drawn.append((records, draws.draw(len(records), len(own), seed, draw)))
        else:
            groups = matching.strata(list(traits[records.pool.name].values.values()))
            drawn.append((records, matching.matched_draw(groups, own, equal_records(records, own), seed, draw)))
    return drawn


def summary(sources: Sources, drawn: Parts, own: Parts) -> dict[str, float]:
    """Return the share of the split in a control, and the output lengths of both."""
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
    """Return pool -> the traits on which its records are matched for this split.

    Raises:
        InputError: nothing is left to match on.
    """
    varied = origin.manifest["about"]["varies"]
    result = {records.pool.name: sources.traits(records).without(varied) for records in read}
    for name, one in result.items():
        if not one.values:
            raise InputError(
                f"{origin.name}: found nothing to match the records of the pool {name!r} on; expected more to --match: "
                f"the others are not known there, or what the question varies ({', '.join(varied) or 'nothing'})"
            )
    return result


def publish_control(
    workspace: Workspace, options: argparse.Namespace, sources: Sources, origin: Origin, kind: str
) -> None:
    """Make and publish one kind of control of one split, with its repeats."""
    stem = f"{origin.name}_{kind.upper()}"
    read = sources.records(origin)
    own = list(zip(read, origins.members(workspace.root, origin, read), strict=True))
    if all(len(positions) == len(records) for records, positions in own):
        print(f"{stem}: left out, since {origin.name} holds its whole pool, and so would any control\n")
        return
    traits = matched_traits(sources, origin, read) if kind == "matched" else {}
    inputs = [inventory.scores_file(workspace.root, origin.path, origin.manifest)]
    pool_words = [] if read[0].pool.name in workspace.known_pools else workspace.pool_words(read[0].pool)
    publication = workspace.begin(
        Question(origin.manifest["question"], title=f"{kind} control of {origin.name}"),
        read,
        control_settings(options, workspace, origin, kind, traits),
        draws=True,
        models={role: model for one in traits.values() for role, model in one.models.items()},
        inputs=inputs + [path for one in traits.values() for path in one.inputs],
        place=Place(origin.folder, stem),
        subject=["--split", origin.name, "--control", kind, *pool_words],
    )
    made = []
    for name in workspace.names(stem):
        drawn = control_draw(kind, name, own, traits, workspace.seed)
        made.append(Split(name, drawn, summary(sources, drawn, own)))
    publication.splits(made, trait_columns(traits[read[0].pool.name]) if traits else ())
    say_quality(origin, made[0], traits)


def trait_columns(traits: Traits) -> list[Column]:
    """Return the matched traits as columns that trace the draw."""
    return [Column(name, list(values), f"matched on: {name}", kind="note") for name, values in traits.values.items()]


def control_settings(
    options: argparse.Namespace, workspace: Workspace, origin: Origin, kind: str, traits: Mapping[str, Traits]
) -> dict[str, object]:
    """Return the settings of a control. ``control`` tells its manifest from those of the research questions."""
    settings = {
        "limit": origin.manifest["settings"].get("limit"),
        "control": kind,
        "split": origin.name,
        "repeats": workspace.repeats,
    }
    if kind == "matched":
        settings["matched_on"] = {name: list(one.values) for name, one in traits.items()}
        settings["length_bins"] = options.length_bins if "length" in options.match else None
        settings["languages"] = languages.detector() if "language" in options.match else None
    return settings


def say_quality(origin: Origin, made: Split, traits: Mapping[str, Traits]) -> None:
    """Print the traits that could not be matched, and whether the control is mostly the split itself."""
    share, said = made.summary["share of the split itself"], []
    for name, one in traits.items():
        lacking = "" if "category" in one.values else " (not on category)"
        said.append(f"pool {name!r}: matched on {', '.join(one.values)}{lacking}")
        missing = sum(category is None for category in one.values.get("category", ()))
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


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__, draws=True)
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
        metavar="TRAIT",
        default=list(TRAITS),
        help="what the matched control shares with its split: length, language, category, or any column of numbers "
        "per record that is published (default: length language category)",
    )
    group.add_argument(
        "--length-bins",
        type=cli.positive,
        default=LENGTH_BINS,
        metavar="N",
        help="quantile bins of the length of outputs, and of other numbers (default: %(default)s)",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    options.control = [kind for kind in CONTROLS if kind in options.control]
    known = [trait for trait in TRAITS if trait in options.match]
    options.match = known + [trait for trait in dict.fromkeys(options.match) if trait not in TRAITS]
    single = {flag: words for flag, words in workspace.flags.items() if flag != "--question"}
    workspace = replace(workspace, flags=single)  # a manifest's command makes that one control
    sources = Sources(workspace, options)
    for origin in chosen_origins(workspace, options):
        for kind in options.control:
            publish_control(workspace, options, sources, origin, kind)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
