"""Make the demo's pools on the user's machine: nothing is downloaded, and nobody else's text is committed.

standard library of this Python -> candidates -> records -> two code pools + weak labels
seeded tasks                                             -> the math and the general pool

Code records are the public functions, classes and methods of the running Python's standard library that have a
docstring. Files are parsed, never imported. A record's module gives it a weak label: one of the study's ten categories.
As a command:

    python -m instruction_data.demo [--root DIR] [--records N] [--oss N] [--others N] [--overwrite]
"""

import argparse
import sys

from instruction_data import cli
from instruction_data.demo.demo_root import (
    LABELS_PATH,
    OTHERS,
    RECORDS,
    SEED,
    contents,
    locked,
    refuse_others,
    write_files,
)
from instruction_data.files.places import DEMO_ROOT
from instruction_data.pools.table import STUDY_POOLS


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m instruction_data.demo", description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", type=cli.path, default=DEMO_ROOT, help="study root (default: build/demo)")
    for flag, default, which in (("--records", RECORDS, "code pools"), ("--others", OTHERS, "other two pools")):
        text = f"records in each of the {which} (default: %(default)s)"
        parser.add_argument(flag, type=cli.positive, default=default, metavar="N", help=text)
    parser.add_argument("--oss", type=cli.positive, metavar="N", help="records in the pool oss, if it is to be larger")
    parser.add_argument("--seed", type=int, default=SEED, help="every draw comes from it (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace pools that are there and differ")
    options = parser.parse_args(argv)
    files = contents(options.records, options.others, options.seed, options.oss)
    with locked(options.root):
        if not options.overwrite:
            refuse_others(options.root, files)
        write_files(options.root, files)
    sizes = {"oss": options.oss or options.records, "evol": options.records}
    for pool in STUDY_POOLS:
        print(f"{options.root / pool.path}: {sizes.get(pool.name, options.others):,} records")
    print(f"{options.root / LABELS_PATH}: weak labels of the {sum(sizes.values()):,} code records")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
