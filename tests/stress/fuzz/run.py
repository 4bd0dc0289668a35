"""Fuzzing of every reader: an input is read, or refused by an InputError that names the file; nothing else may happen.

Inputs are mutations of good files. Those that reach lines of our code which none has reached before become seeds
themselves. A reader that hangs or takes more than its share of memory has failed, as has one that ends in any other
exception. What failed is kept under build/fuzz, with the seed of the run; the exit status tells.

    python -m tests.stress.fuzz.run --inputs 100000
    python -m tests.stress.fuzz.run --reader manifest --inputs 20000 --seed 7
    python -m tests.stress.fuzz.run --large                  files of a gigabyte, bombs and ten million records
"""

import argparse
import contextlib
import io
import logging
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.stress.fuzz import large, mutations, readers
from tests.support.scripts import CODE

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files.places import REPOSITORY

FOLDER = REPOSITORY / "build" / "fuzz"
SECONDS = 10  # for one input: they are small
MORE_BYTES = 2_000_000_000  # beyond what the process has when it begins
KEPT_BYTES = 20_000  # of an input that becomes a seed
TRACED = 8  # one input in so many is watched for new lines: watching takes most of the time
OURS = str(CODE)
SHOWN = 5  # failures of one reader


class Hang(BaseException):
    """An input takes too long."""


def stop(*_) -> None:
    raise Hang


class Lines:
    """The lines of our own code that have run."""

    def __init__(self):
        self.seen: set[tuple[str, int]] = set()

    def trace(self, frame, event, argument):
        return self.line if frame.f_code.co_filename.startswith(OURS) else None

    def line(self, frame, event, argument):
        self.seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self.line


def attempt(reader: readers.Reader, path: Path, root: Path) -> str:
    """Read a file; return what went wrong, or nothing if it was read or refused as it should be."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            reader.read(path)
    except InputError as error:
        return _unclear(str(error), root)
    except Hang:
        return f"hangs for more than {SECONDS} s"
    except MemoryError:
        return "takes too much memory"
    except Exception:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "" if said.getvalue().replace("\n", "").isprintable() else "prints what a terminal obeys"


def _unclear(text: str, root: Path) -> str:
    """Say what a refusal lacks: it must name the file, and what was found or expected."""
    if not text.replace("\n", "").isprintable():
        return f"refuses with what a terminal obeys: {text!r}"
    names = str(root) in text or text.startswith(("pool '", "humaneval: ", "RQ9_MINE_X: ", "the harness gave "))
    says = any(word in text for word in ("found", "missing", "cannot be read", "gave"))
    return "" if names and says else f"refuses without saying where and what: {text}"


def fuzz(reader: readers.Reader, root: Path, inputs: int, chance: random.Random) -> tuple[dict[str, bytes], int]:
    """Read so many mutations.

    Returns:
        What went wrong -> the first input that did, and how many inputs reached new lines.
    """
    path, good = root / reader.file, list(reader.seeds)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else None
    failed: dict[str, bytes] = {}
    lines = Lines()
    for number in range(inputs):
        data = good[number] if number < len(reader.seeds) else mutations.mutated(chance.choice(good), chance)
        path.write_bytes(data)
        reached = len(lines.seen)
        if number % TRACED == 0:
            sys.settrace(lines.trace)
        try:
            wrong = attempt(reader, path, root)
        finally:
            sys.settrace(None)
        if wrong and len(failed) < SHOWN:
            failed.setdefault(wrong, data)
        if len(lines.seen) > reached and number >= len(reader.seeds) and len(data) < KEPT_BYTES:
            good.append(data)
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)
    return failed, len(good) - len(reader.seeds)


def run(inputs: int, seed: int, wanted: list[str] | None = None) -> dict[str, dict[str, bytes]]:
    """Fuzz the readers, as many inputs each; return what went wrong, by reader."""
    signal.signal(signal.SIGALRM, stop)
    failures = {}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary).resolve() / "study"
        known = readers.every(root)
        chosen = wanted or list(known)
        for name in chosen:
            started = time.perf_counter()
            count = -(-inputs // len(chosen))
            failed, new = fuzz(known[name], root, count, random.Random(f"{seed} {name}"))
            rate = count / (time.perf_counter() - started)
            print(f"{name:<18} {count:>8,} inputs {rate:>8,.0f}/s {new:>5} reached new lines {len(failed):>3} failures")
            if failed:
                failures[name] = failed
    seconds = time.perf_counter() - begun
    print(f"{'all':<18} {count * len(chosen):>8,} inputs {count * len(chosen) / seconds:>8,.0f}/s")
    return failures


def keep(failures: dict[str, dict[str, bytes]], seed: int) -> None:
    """Write what failed where it can be looked at."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, failed in failures.items():
        for number, (wrong, data) in enumerate(failed.items()):
            place = FOLDER / f"{name.replace(':', '').replace(' ', '-')}-{seed}-{number}"
            place.write_bytes(data)
            print(f"\n{name}: {place}\n{wrong[-1500:]}")


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=cli.positive, default=100_000, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=cli.seed, default=0, help="of the mutations (default: %(default)s)")
    parser.add_argument("--reader", action="append", help="only this one; repeatable")
    parser.add_argument("--large", action="store_true", help="instead: large files and bombs, each in a process")
    options = parser.parse_args(argv)
    if options.large:
        return 1 if large.run() else 0
    import pandas  # noqa: F401 - before the limit, since it belongs to what the process has
    import pyarrow.parquet  # noqa: F401

    logging.disable()  # the hub's library remarks on every card without a head
    limit_memory()
    failures = run(options.inputs, options.seed, options.reader)
    keep(failures, options.seed)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
