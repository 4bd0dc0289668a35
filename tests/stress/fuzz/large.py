"""Files that are large, deep or grow when they are read: each read in a process of limited memory and time."""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MEMORY = 2_000_000_000  # address space of a process that reads, beyond what Python has after its imports
SECONDS = 300
GIGABYTE = 1_000_000_000
READ = """
import pathlib, resource, sys
import numpy, orjson, pandas, pyarrow.parquet
from instruction_data import cli
from instruction_data.pools import reading
from instruction_data.pools.table import Pool
pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (pages + int(sys.argv[2]),) * 2)
root = pathlib.Path(sys.argv[1])
status = cli.run(lambda: print(len(reading.read(Pool("mine", "Datas/mine"), root, skip_bad=False))) or 0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000, "MB", file=sys.stderr)
sys.exit(status)
"""
GOOD = b'{"instruction": "add", "output": "a + b"}\n'


def parts(count: int, piece: bytes) -> Callable[[Path], None]:
    """Return a function that writes so many equal pieces behind a good line."""

    def write(path: Path) -> None:
        with open(path, "wb") as file:
            file.write(GOOD)
            for _ in range(count // 1000):
                file.write(piece * 1000)

    return write


def gzipped(size: int, head: bytes, tail: bytes) -> Callable[[Path], None]:
    """Return a function that writes gzip of a thousandth of the size it grows to."""

    def write(path: Path) -> None:
        with gzip.open(path, "wb", 9) as file:
            file.write(head)
            for _ in range(size // 1_000_000):
                file.write(b"x" * 1_000_000)
            file.write(tail)

    return write


def repeated(path: Path) -> None:
    """Write 100 kB of Parquet that say one text of a megabyte 100,000 times."""
    import pyarrow
    import pyarrow.parquet

    places = pyarrow.array([0] * 100_000, pyarrow.int32())
    text = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(["x" * 1_000_000]))
    table = pyarrow.table({"instruction": text, "output": [None] * 100_000})
    pyarrow.parquet.write_table(table, path, store_schema=False)


def line_of_a_gigabyte(path: Path) -> None:
    with open(path, "wb") as file:
        file.write(GOOD + b'{"instruction": "')
        for _ in range(GIGABYTE // 1_000_000):
            file.write(b"x" * 1_000_000)
        file.write(b'", "output": "y"}\n')


def element_of_a_gigabyte(path: Path) -> None:
    line_of_a_gigabyte(path)
    with open(path, "r+b") as file:
        file.write(b"[" + b" " * (len(GOOD) - 1))


def many_members(path: Path) -> None:
    """Write 2 GB of good lines in 2 MB."""
    line = json.dumps({"instruction": "x" * 100_000, "output": "y"}).encode() + b"\n"
    path.write_bytes(gzip.compress(line * 100, mtime=0) * 200)


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a line of 1 GB": (line_of_a_gigabyte, "mine:2: found a value of more than"),
    "an array element of 1 GB": (element_of_a_gigabyte, "mine:1: found a value of more than"),
    "10 million empty records": (parts(10_000_000, b"{}\n"), "1,000,000 unusable records"),
    "10 million empty lines": (parts(10_000_000, b"\n"), "1\n"),
    "10 million nulls in an array": (
        lambda path: path.write_bytes(b"[" + b"null," * 10_000_000 + b"null]"),
        "1,000,000 unusable records",
    ),
    "gzip 1000:1, one text": (gzipped(GIGABYTE, b'{"instruction": "', b'"}'), "mine:1: found a value of more than"),
    "gzip 1000:1, many lines": (many_members, "times its size"),
    "nesting of 100,000": (lambda path: path.write_bytes(b"[" * 100_000), "found malformed JSON"),
    "a line nested 100,000 deep": (
        lambda path: path.write_bytes(GOOD + b'{"instruction":' + b"[" * 100_000 + b"\n"),
        "mine:2: found malformed JSON",
    ),
    "an array entry nested 100,000 deep": (
        lambda path: path.write_bytes(b'[{"instruction":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"),
        "mine:1: found malformed JSON",
    ),
    "Parquet that repeats a megabyte": (repeated, "100,000 unusable records"),
    "a number of a million digits": (
        lambda path: path.write_bytes(b'[{"instruction": ' + b"9" * 1_000_000 + b"}]"),
        "found malformed JSON",
    ),
}


def run(names: list[str] | None = None) -> dict[str, str]:
    """Read every file; return what went wrong, by name."""
    failures = {}
    for name in names or CASES:
        write, expected = CASES[name]
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary)
            (root / "Datas").mkdir()
            write(root / "Datas/mine")
            begun = time.perf_counter()
            words = [sys.executable, "-c", READ, str(root), str(MEMORY)]
            try:
                done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                failures[name] = f"takes more than {SECONDS} s"
                print(f"{name:<34} {failures[name]}")
                continue
        said = done.stdout + done.stderr
        peak = done.stderr.strip().split("\n")[-1]
        if expected not in said or "Traceback" in said or len(said) > 200_000:
            failures[name] = said[-800:]
        state = "FAILED" if name in failures else "as it should be"
        print(f"{name:<34} {time.perf_counter() - begun:>6.1f} s {peak:>9}  {state}", flush=True)
        if name in failures:
            print(failures[name])
    return failures
