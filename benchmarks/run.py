"""All benchmarks, or those named: a table, and build/bench.json.

    python benchmarks/run.py [NAME …]

What is compared with another way runs beside it in one process tree, on the same inputs, with equal results asserted.
With names build/bench.json holds the results of these alone.
"""

import argparse
import dataclasses
import importlib
import sys

import orjson
from measure import print_row
from tqdm import tqdm

from instruction_data.files.places import REPOSITORY

ALL = (
    "similarity",
    "language_model",
    "encoding",
    "generation",
    "contamination",
    "execution",
    "reading",
    "training",
    "full_size",
    "growth",
    "records",
    "cache",
    "design",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", choices=[*ALL, []], metavar="NAME", help=", ".join(ALL))
    names = parser.parse_args().names or ALL
    tqdm.monitor_interval = 0
    results = []
    for name in names:
        for result in importlib.import_module(name).run():
            print_row(result)
            results.append(dataclasses.asdict(result) | {"met": result.met})
    path = REPOSITORY / "build" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    form = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    path.write_bytes(orjson.dumps(results, option=form))
    print(f"{sum(one['met'] for one in results)} of {len(results)} targets met; written to build/bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
