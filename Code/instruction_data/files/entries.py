"""Entries of a file, and what is wrong where there is none."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry cannot be used."""

    found: str
    expected: str
    last: bool = False  # nothing behind this place can be read


class Entry(NamedTuple):
    """One object of a file (``value``), or what stands there instead (a ``Problem``)."""

    line: int  # counted from 1; in Parquet the row
    value: "dict | Problem"
    number: int | None = None  # in a JSON array the place among its entries, from 1
