"""A list of work that several processes may share: one process does each piece, and a failure stops no other piece."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.runs import runs

WORKED = 1.0  # seconds; what took less was there already, and says nothing about the rest


@dataclass(frozen=True)
class Piece:
    """A piece of work.

    Attributes:
        label: for people.
        lock: the name of the lock that is held meanwhile.
        do: does the work and returns the result in words; raises InputError if it fails.
    """

    label: str
    lock: str
    do: Callable[[], str]


def work_through(root: Path, pieces: Sequence[Piece], what: str) -> bool:
    """Do every piece that no other process holds, and report each, with the time that the rest of the list may take.

    Args:
        what: the noun for the pieces, in the plural, for the report of failures.

    Returns:
        Whether all went well.
    """
    failed, worked = [], []
    for number, piece in enumerate(pieces, 1):
        print(f"[{number}/{len(pieces)}] {piece.label}{_left(worked, len(pieces) - number + 1)}", flush=True)
        began = time.monotonic()
        try:
            with runs.held(root, piece.lock) as ours:
                print(f"    {piece.do() if ours else 'in work by another process: left to it'}", flush=True)
        except InputError as error:
            failed.append(piece.label)
            print(f"    FAILED: {error}", flush=True)
        worked += [took] if (took := time.monotonic() - began) > WORKED else []
    if failed:
        print(f"\n{len(failed)} of {len(pieces)} {what} failed: {', '.join(failed)}. The same command tries them again")
    return not failed


def _left(worked: Sequence[float], pieces: int) -> str:
    """Say how long so many pieces take at the mean pace of the worked ones (seconds); empty if there are none."""
    if not worked:
        return ""
    return f", about {in_words(pieces * sum(worked) / len(worked))} left"


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
