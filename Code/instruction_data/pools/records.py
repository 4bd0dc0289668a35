"""Records: the usable entries of one pool, their texts in a temporary file, their hashes in memory."""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from instruction_data.pools import control_tokens
from instruction_data.pools.table import Pool

SPOOLED_AT_ONCE = 512  # records joined in memory for one write


@dataclass(frozen=True, slots=True)
class Record:
    """One training example, whatever its pool called the fields."""

    instruction: str
    input: str
    output: str

    def canonical(self) -> bytes:
        """Return the record as compact UTF-8 JSON: its identity, and the form in which it is published.

        Raises:
            orjson.JSONEncodeError: the text holds half a surrogate pair, which UTF-8 cannot carry.
        """
        return orjson.dumps({"instruction": self.instruction, "input": self.input, "output": self.output})


class Records(Sequence[Record]):
    """The usable records of one pool file, in its order.

    Texts lie in an unnamed temporary file and are read on demand. Memory holds each record's place in that file, its
    row and its hash.

    Attributes:
        pool: its row in the table of pools.
        sha256: of the pool file, in hex.
        rows: int64 ``[n]``, the position of each record among all entries of the file, from 0.
        hashes: list of ``n`` SHA-256 (hex) of the canonical records.
        skipped: the lines of the entries that were left out as unusable; in Parquet the rows, from 1.
        control_tokens: position -> the control tokens of chat templates in that record.
        neutralised: whether such tokens were broken up on reading.
    """

    def __init__(self, pool: Pool, sha256: str, spool_folder: Path | None = None, *, neutralised: bool = False):
        self.pool = pool
        self.sha256 = sha256
        self.hashes: list[str] = []
        self.skipped: Sequence[int] = ()
        self.control_tokens: dict[int, tuple[str, ...]] = {}
        self.neutralised = neutralised
        self._rows = array("q")
        self._ends = array("q", [0])
        self._spool = tempfile.TemporaryFile(dir=spool_folder)  # noqa: SIM115 - lives as long as the records
        self._file = self._spool.fileno()
        self._unwritten: list[bytes] = []

    def append(self, row: int, record: Record) -> None:
        data = record.canonical()
        tokens = control_tokens.found(data)
        if tokens:
            self.control_tokens[len(self)] = tokens
        self._unwritten.append(data)
        if len(self._unwritten) == SPOOLED_AT_ONCE:
            self._flush()
        self._ends.append(self._ends[-1] + len(data))
        self._rows.append(row)
        self.hashes.append(hashlib.sha256(data).hexdigest())

    def _flush(self) -> None:
        self._spool.write(b"".join(self._unwritten))
        self._spool.flush()
        self._unwritten.clear()

    @property
    def rows(self) -> np.ndarray:
        return np.array(self._rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def canonical(self, index: int) -> bytes:
        """Return record ``index`` as compact JSON."""
        start, end = self._ends[index], self._ends[index + 1]
        if self._unwritten:
            self._flush()
        return os.pread(self._file, end - start, start)

    def __getitem__(self, index: int) -> Record:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return Record(**orjson.loads(self.canonical(index % len(self))))

    def texts(self, name: str) -> list[str]:
        """Return the ``instruction``, ``input`` or ``output`` of every record."""
        return [getattr(record, name) for record in self]

    def describe(self, root: Path) -> dict:
        """Return this pool's entry in a manifest."""
        file = self.pool.file(root)
        inside = file.resolve().is_relative_to(root.resolve())
        return {
            "path": file.resolve().relative_to(root.resolve()).as_posix() if inside else file.name,
            "sha256": self.sha256,
            "known_as": self.pool.known.get(self.sha256),
            "records": len(self),
            "skipped": len(self.skipped),
            "skipped_lines": list(self.skipped),
        }


def is_unicode(text: str) -> bool:
    """Return whether UTF-8 can carry the text; names of files need not be in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
