"""The pools of a study root.

python -m instruction_data.pools list                  file, domain and state of every pool
python -m instruction_data.pools fetch oss math        download the study's pools from the Hugging Face hub
"""

import argparse
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError, printable
from instruction_data.files import formats
from instruction_data.files.places import REPOSITORY
from instruction_data.pools import hub
from instruction_data.pools.table import known_pools


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m instruction_data.pools", description=__doc__.split("\n\n")[0])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the pools of a study root: file, domain, state")
    fetching = actions.add_parser("fetch", help="download the study's pools from the Hugging Face hub")
    fetching.add_argument("pools", nargs="*", metavar="POOL", help="which (default: all that are not here)")
    fetching.add_argument("--overwrite", action="store_true", help="replace a file that is not the published one")
    for sub in (listing, fetching):
        sub.add_argument("--root", type=cli.path, default=REPOSITORY, help="study root (default: the repository)")
    options = parser.parse_args(argv)
    if options.action == "list":
        print_table(options.root)
    else:
        hub.fetch(options.pools, options.root, overwrite=options.overwrite)
    return 0


def print_table(root: Path) -> None:
    """Print every pool of a study root with its domain, state and file."""
    if not root.is_dir():
        raise InputError(f"--root {root}: found no such folder; expected a study root with a Datas folder")
    print(f"{'pool':<12} {'domain':<8} {'state':<28} file")
    for pool in known_pools(root).values():
        path = pool.file(root)
        if not path.is_file():
            state = "missing"
        elif pointer := formats.pointer_of(path):
            size = f"{int(pointer['size']) / 1e6:,.0f}" if pointer["size"].isdecimal() else "?"
            state = f"Git LFS pointer, {size} MB"
        else:
            state = f"{path.stat().st_size / 1e6:,.1f} MB"
        print(f"{pool.name:<12} {printable(pool.domain):<8} {state:<28} {printable(pool.path)}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
