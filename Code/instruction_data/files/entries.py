"""Entries of a file, and the problem that stands in the place of an unusable one."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry cannot be used."""

    found: str
    expected: str
    last: bool = False  # nothing behind this place can be read


class Entry(NamedTuple):
    """One object of a file (``value``), or the ``Problem`` in its place."""

    line: int  # from 1; in Parquet the row
    value: "dict | Problem"
    number: int | None = None  # in a JSON array: its place there, from 1
