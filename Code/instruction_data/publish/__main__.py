"""Show, check and compare what is published under a study root.

python -m instruction_data.publish show [SPLIT]     the splits of a study root, or a few records of one
python -m instruction_data.publish verify [ROOT]    re-hash every published file against its manifest
python -m instruction_data.publish compare-published FILE SPLIT
                                                    how a published split and a rebuilt one overlap
"""

import argparse
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import printable
from instruction_data.files.places import REPOSITORY
from instruction_data.publish import manifests, rebuilt, verify
from instruction_data.publish.registry import registered
from instruction_data.publish.show import print_records, print_splits


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m instruction_data.publish", description=__doc__.split("\n\n")[0])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the splits of a study root, or a few records of one")
    show.add_argument("split", nargs="?", metavar="SPLIT")
    show.add_argument("--root", type=cli.path, default=REPOSITORY, help="study root (default: the repository)")
    check_ = actions.add_parser("verify", help="re-hash every published file against its manifest")
    check_.add_argument("root", nargs="?", type=cli.path, default=REPOSITORY, metavar="ROOT")
    compare = actions.add_parser("compare-published", help="how a published split and a rebuilt one overlap, by record")
    compare.add_argument("file", type=cli.path, metavar="FILE")
    compare.add_argument("split", metavar="SPLIT")
    compare.add_argument("--root", type=cli.path, default=REPOSITORY, help="study root (default: the repository)")
    options = parser.parse_args(argv)
    if options.action == "compare-published":
        rebuilt.print_comparison(options.file, options.split, options.root)
        return 0
    if options.action == "show":
        (print_records(options.root, options.split) if options.split else print_splits(options.root))
        return 0
    return _report(options.root)


def _report(root: Path) -> int:
    wrong = verify.verify(root)
    if not wrong:
        for path, content in registered(root, manifests.all_splits(root)).items():
            if not path.exists() or path.read_bytes() != content:
                wrong.append(f"differs     {path.relative_to(root)}: expected the splits that the manifests list")
    listed = [manifests.files(manifest) for _, manifest in manifests.every(root)] if not wrong else []
    found = (
        f"{sum(map(len, listed))} published files under {printable(str(root))} are as their {len(listed)} manifests say"
    )
    print("\n".join(wrong) if wrong else found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
