"""The computed numbers that a study root keeps, so that nothing is computed twice.

python -m instruction_data.numbers list                  model, texts and bytes of everything that was computed
python -m instruction_data.numbers prune --model MODEL   remove what a model computed
python -m instruction_data.numbers prune --unnamed       remove what no manifest names, and caches of earlier versions
"""

import argparse
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError, printable, quoted
from instruction_data.numbers import blocks
from instruction_data.numbers.blocks import Blocks
from instruction_data.publish import manifests

CACHE = ".cache"  # of a study root


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m instruction_data.numbers", description=__doc__.split("\n\n")[0])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="model, texts and bytes of everything that was computed")
    pruning = actions.add_parser("prune", help="remove computed numbers; what is asked for again is computed again")
    what = pruning.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", metavar="MODEL", help="what this model computed, as `list` names it")
    what.add_argument(
        "--unnamed",
        action="store_true",
        help="what no manifest of the root names (languages and likelihoods, too), and caches of earlier versions",
    )
    for action in (listing, pruning):
        cli.add_root_flags(action)
    options = parser.parse_args(argv)
    root = cli.chosen_root(options)
    if options.action == "list":
        print_table(root)
    elif options.model:
        remove(one.folder for one in of_model(root, options.model))
    else:
        kept = named(root)
        remove(one.folder for one in blocks.every(root / CACHE) if one.name not in kept)
        remove(blocks.leftovers(root / CACHE))
    return 0


def model(one: Blocks) -> str:
    return str(one.identity.get("model", "-"))


def named(root: Path) -> set[str]:
    """Return the names of the features whose identities are in manifests."""
    return {Blocks(root / CACHE, of).name for _, found in manifests.every(root) for of in found["models"].values()}


def of_model(root: Path, name: str) -> list[Blocks]:
    """Return what a model computed.

    Raises:
        InputError: it is nothing.
    """
    there = list(blocks.every(root / CACHE))
    found = [one for one in there if model(one) == name]
    if not found:
        known = ", ".join(quoted(other) for other in sorted({model(one) for one in there})) or "none"
        raise InputError(f"--model {quoted(name)}: found nothing that it computed; expected one of these: {known}")
    return found


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders, and say so."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        print(f"removed {printable(str(path))}")


def print_table(root: Path) -> None:
    """Print a line for each feature: its model, kind, texts, bytes, and whether a manifest names it."""
    known = named(root)
    print(f"{'model':<32} {'kind':<32} {'texts':>9} {'MB':>9}  in a manifest")
    for one in sorted(blocks.every(root / CACHE), key=model):
        texts, size = one.size()
        words = (f"{printable(str(word)):<32}" for word in (model(one), one.identity.get("kind", "-")))
        print(f"{' '.join(words)} {texts:>9,} {size / 1e6:>9,.1f}  {'yes' if one.name in known else 'no'}")
    if old := blocks.leftovers(root / CACHE):
        print(f"{len(old):,} files or folders of earlier versions, or damaged: prune --unnamed removes them")


if __name__ == "__main__":
    sys.exit(cli.run(main))
