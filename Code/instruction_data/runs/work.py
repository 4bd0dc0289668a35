"""A list of work that several processes may share: one process does each piece, and a failure stops no other piece."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.runs import runs

WORKED = 1.0  # seconds; less than that says nothing about the rest


@dataclass(frozen=True)
class Piece:
    """A piece of work.

    Attributes:
        label: for people.
        lock: the name of the lock that is held meanwhile.
        do: does the work and returns the result in words; raises InputError if it fails.
        weight: how much work it is, beside the others of its list; 0 if it was done before.
    """

    label: str
    lock: str
    do: Callable[[], str]
    weight: float = 1.0


def work_through(root: Path, pieces: Sequence[Piece], what: str) -> bool:
    """Do every piece that no other process holds, and report each, with the time that the rest of the list may take.

    Processes that share a list go through it in the same order. So what lies behind one of them is done, or nearly so,
    whoever did it, and the time since the beginning is the time that it took all of them.

    Args:
        what: the noun for the pieces, in the plural, for the report of failures.

    Returns:
        Whether all went well.
    """
    failed, began = [], time.monotonic()
    done, all_of_it = 0.0, sum(piece.weight for piece in pieces)
    for number, piece in enumerate(pieces, 1):
        left = _left(done, all_of_it - done, time.monotonic() - began)
        print(f"[{number}/{len(pieces)}] {piece.label}{left}", flush=True)
        try:
            with runs.held(root, piece.lock) as ours:
                print(f"    {piece.do() if ours else 'in work by another process: left to it'}", flush=True)
        except InputError as error:
            failed.append(piece.label)
            print(f"    FAILED: {error}", flush=True)
        done += piece.weight
    if failed:
        print(f"\n{len(failed)} of {len(pieces)} {what} failed: {', '.join(failed)}. The same command tries them again")
    return not failed


def _left(done: float, rest: float, seconds: float) -> str:
    """Say how long the rest takes at the pace of what was done in so many seconds; empty if that says nothing."""
    if not done or not rest or seconds < WORKED:
        return ""
    return f", about {in_words(rest * seconds / done)} left"


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
