"""A list of work that several processes may share: one process does each piece, and a failure stops no other piece."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.runs import runs


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
    """Do every piece that no other process holds, and report each.

    Args:
        what: the noun for the pieces, in the plural, for the report of failures.

    Returns:
        Whether all went well.
    """
    failed = []
    for number, piece in enumerate(pieces, 1):
        print(f"[{number}/{len(pieces)}] {piece.label}", flush=True)
        try:
            with runs.held(root, piece.lock) as ours:
                print(f"    {piece.do() if ours else 'in work by another process: left to it'}", flush=True)
        except InputError as error:
            failed.append(piece.label)
            print(f"    FAILED: {error}", flush=True)
    if failed:
        print(f"\n{len(failed)} of {len(pieces)} {what} failed: {', '.join(failed)}. The same command tries them again")
    return not failed
