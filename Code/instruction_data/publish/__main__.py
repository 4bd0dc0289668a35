"""Show, check, compare and bundle what is published under a study root.

python -m instruction_data.publish show [SPLIT]        the splits of a study root, or a few records of one
python -m instruction_data.publish verify [ROOT]       compare every published file with its manifest, documents too
python -m instruction_data.publish bundle ROOT FILE    all that another lab needs to check the study, in one tar file
python -m instruction_data.publish verify FILE         check such a bundle; --rebuild makes splits and comparison again
python -m instruction_data.publish compare-published FILE SPLIT
                                                       how a published split and a rebuilt one overlap
"""

import argparse
import sys
import tempfile
from pathlib import Path

from instruction_data import cli
from instruction_data.bundle import agreement, checked, contents, remade
from instruction_data.errors import InputError, printable
from instruction_data.files.places import DEMO_ROOT, REPOSITORY
from instruction_data.publish import manifests, rebuilt
from instruction_data.publish.show import print_records, print_splits


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m instruction_data.publish", description=__doc__.split("\n\n")[0])
    actions = result.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the splits of a study root, or a few records of one")
    show.add_argument("split", nargs="?", metavar="SPLIT")
    show.add_argument("--root", type=cli.path, default=REPOSITORY, help="study root (default: the repository)")
    check = actions.add_parser("verify", help="re-hash every published file against its manifest, or check a bundle")
    check.add_argument(
        "root", nargs="?", type=cli.path, default=REPOSITORY, metavar="ROOT", help="study root, or a bundle's tar file"
    )
    check.add_argument("--rebuild", action="store_true", help="make the bundle's splits and comparison again")
    check.add_argument(
        "--pools",
        type=cli.path,
        nargs="+",
        default=[REPOSITORY, DEMO_ROOT],
        metavar="PATH",
        help="files or folders in which --rebuild finds pools, by SHA-256 (default: the repository and the demo)",
    )
    check.add_argument(
        "--into", type=cli.path, metavar="FOLDER", help="rebuild there, and keep it (default: a temporary folder)"
    )
    bundle = actions.add_parser("bundle", help="all that another lab needs to check the study, in one tar file")
    bundle.add_argument("root", type=cli.path, metavar="ROOT", help="study root")
    bundle.add_argument("file", type=cli.path, metavar="FILE", help="the tar file")
    bundle.add_argument("--hashes-only", action="store_true", help="pass on no records, whatever their licence")
    bundle.add_argument("--overwrite", action="store_true", help="replace another file of that name")
    compare = actions.add_parser("compare-published", help="how a published split and a rebuilt one overlap, by record")
    compare.add_argument("file", type=cli.path, metavar="FILE")
    compare.add_argument("split", metavar="SPLIT")
    compare.add_argument("--root", type=cli.path, default=REPOSITORY, help="study root (default: the repository)")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.action == "compare-published":
        rebuilt.print_comparison(options.file, options.split, options.root)
    elif options.action == "show":
        (print_records(options.root, options.split) if options.split else print_splits(options.root))
    elif options.action == "bundle":
        _bundle(options)
    elif not options.root.exists():
        raise InputError(f"{options.root}: found no such file or folder; expected a study root, or a bundle's tar file")
    elif options.root.is_file():
        return _check(options)
    elif options.rebuild or options.into:
        raise InputError(f"--rebuild: found {options.root}, no bundle; expected the tar file of one")
    else:
        return _report(options.root)
    return 0


def _bundle(options: argparse.Namespace) -> None:
    made, sha256 = contents.write(
        options.root.resolve(), options.file, hashes_only=options.hashes_only, overwrite=options.overwrite
    )
    print(f"{len(made.files)} files in {printable(str(options.file))}, {len(made.by_hash)} told by their hashes alone")
    unknown = [name for name, licence in made.licences.items() if not licence]
    if unknown and not options.hashes_only:
        print(
            f"No licence is known for {', '.join(unknown)}: nothing with their texts is in it, nor the page. A row "
            'with licence = "…" in pools.toml says that they may be passed on'
        )
    print(f"SHA-256 of the bundle: {sha256}")


def _check(options: argparse.Namespace) -> int:
    """Check a bundle in a temporary folder, and rebuild it where that is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        opened = checked.check(options.root, Path(folder))
        if opened.faults:
            print("\n".join(opened.faults))
            return 1
        print(checked.said(options.root, opened))
        return remade.remake(Path(folder), opened.head, options.pools, options.into) if options.rebuild else 0


def _report(root: Path) -> int:
    wrong = agreement.faults(root)
    listed = [manifests.files(manifest) for _, manifest in manifests.every(root)] if not wrong else []
    found = (
        f"{sum(map(len, listed))} published files under {printable(str(root))} are as their {len(listed)} manifests say"
    )
    print("\n".join(wrong) if wrong else found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
