"""Sized splits: does an answer hold for training sets of other sizes?

Publishes each split again with a share of its records: 10, 20, 40 and 80 % by default, as in the study's chart of 2024.
The sets are nested, and hold the same share from every pool that the split was mixed from. They lie beside the original
in Datas/<RQ>/<POOL>/:

    <SPLIT>_P10.json        with <SPLIT>_P10_manifest.json and <SPLIT>_P10_scores.parquet; likewise _P20 ...

Training sets of several sizes need a recipe whose steps grow with the set (demo-steps, not demo). compare.py reads what
they scored as the same contrasts at another size.

    python Code/derive/sized_splits.py --demo --question RQ2
    python Code/derive/sized_splits.py --demo --split RQ2_OSS_DIVERSITY_LOW --shares 50
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.pools.records import Records
from instruction_data.publish import inventory, manifests, reopened
from instruction_data.publish.inventory import Set
from instruction_data.publish.publication import Place
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

SHARES = (10, 20, 40, 80)  # per cent of a split; the whole is the split itself
CONTROL = "random"  # the only controls of which sizes are made by default: matched ones say nothing more at other sizes


def chosen_splits(workspace: Workspace, options: argparse.Namespace) -> dict[str, Set]:
    """Return the splits that the flags name, with their sets.

    Of a question these are its own splits and their random controls.

    Raises:
        InputError: there is no such split or question.
    """
    known = {name: one for name, one, _ in inventory.read(workspace.root, workspace.scratch).splits()}
    for name in options.split or ():
        if name not in known or manifests.PART_OF in known[name].manifest["settings"]:
            raise InputError(
                f"--split {quoted(name)}: found no such split that is whole; expected one: "
                "`python -m instruction_data.publish show` lists them"
            )
    if options.split:
        return {name: known[name] for name in options.split}
    asked = {name: one for name, one in known.items() if one.question in options.question}
    chosen = {
        name: one
        for name, one in asked.items()
        if not one.derived or one.manifest["settings"].get("control") == CONTROL
    }
    if not chosen:
        raise InputError(
            f"--question {' '.join(options.question)}: found no split; expected some: run its script first"
        )
    return chosen


def part(sources: Sequence[Records], name: str, share: int, seed: int) -> list[tuple[Records, int]]:
    """Draw a share of a split's records from each of its pools; a larger share holds all of a smaller one.

    Args:
        name: of the split, on which the draw depends.
        share: per cent, rounded down; at least one record.

    Returns:
        The records in the order of the split's file, as ``reopened.in_file_order`` has them.
    """
    kept = set()
    for records in sources:
        count = max(1, draws.share_counts(len(records), share)[0])
        drawn = draws.draw(len(records), count, seed, f"{name} {records.pool.name}")
        kept |= {(id(records), place) for place in drawn.tolist()}
    return [pair for pair in reopened.in_file_order(sources) if (id(pair[0]), pair[1]) in kept]


def publish_part(workspace: Workspace, name: str, one: Set, share: int) -> None:
    """Publish a share of a split's records, in a set of its own."""
    split = one.manifest["splits"][name]
    sources = reopened.sources(workspace.root, name, one, workspace.scratch)
    place = Place(Path(split["file"]).parent.as_posix(), f"{name}_P{share}")
    publication = workspace.begin(
        Question(one.question, title=f"{share} % of {name}"),
        sources,
        {manifests.PART_OF: name, "percent": share},
        draws=True,
        inputs=[workspace.root / split["file"]],
        place=place,
        subject=["--split", name, "--shares", str(share)],
    )
    kept = part(sources, name, share, workspace.seed)
    publication.splits([Split(place.stem, reopened.joined(kept), {"percent of the split": share})])


def percent(text: str) -> int:
    """Read a share that leaves something out."""
    value = cli.positive(text)
    if value >= 100:
        raise argparse.ArgumentTypeError(f"found {text}; expected 1 to 99 per cent: the whole is the split itself")
    return value


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    group = result.add_argument_group("sizes")
    of = group.add_mutually_exclusive_group(required=True)
    of.add_argument("--split", nargs="+", metavar="NAME", help="make parts of these splits")
    of.add_argument("--question", nargs="+", metavar="RQ", help="of all splits of these questions and random controls")
    group.add_argument(
        "--shares", nargs="+", type=percent, default=list(SHARES), metavar="PERCENT", help="(default: 10 20 40 80)"
    )
    group.add_argument("--seed", type=cli.seed, default=cli.SEED, help="of the draws (default: %(default)s)")
    cli.add_writing_flags(result.add_argument_group("what is written"))
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    single = {flag: words for flag, words in workspace.flags.items() if flag != "--question"}
    workspace = replace(workspace, flags=single)  # a manifest's command makes that one set
    for name, one in chosen_splits(workspace, options).items():
        for share in sorted(set(options.shares)):
            publish_part(workspace, name, one, share)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
