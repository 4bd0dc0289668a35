"""Records: the usable entries of one pool, their texts in a temporary file, their hashes in memory."""

import hashlib
import itertools
import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from instruction_data.pools import control_tokens
from instruction_data.pools.table import Pool

SPOOLED_AT_ONCE = 512  # records in memory for one write, and where all are read
DIGEST = 32  # bytes of a SHA-256


class Record(NamedTuple):
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


class Hashes(Sequence[str]):
    """SHA-256 sums, in hex one by one, in memory as 32 bytes each."""

    def __init__(self) -> None:
        self._digests = bytearray()

    def extend(self, digests: Iterable[bytes]) -> None:
        self._digests += b"".join(digests)

    def __len__(self) -> int:
        return len(self._digests) // DIGEST

    def __getitem__(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        start = index % len(self) * DIGEST
        return self._digests[start : start + DIGEST].hex()

    def between(self, start: int, stop: int) -> list[str]:
        """Return the sums of positions from ``start`` up to ``stop``."""
        digits = self._digests[start * DIGEST : stop * DIGEST].hex()
        return [digits[place : place + 2 * DIGEST] for place in range(0, len(digits), 2 * DIGEST)]


class Records(Sequence[Record]):
    """The usable records of one pool file, in its order.

    Texts lie in an unnamed temporary file and are read on demand. Memory holds each record's place in that file, its
    row and its hash: 44 bytes.

    Attributes:
        pool: its row in the table of pools.
        sha256: of the pool file, in hex.
        rows: int64 ``[n]``, the position of each record among all entries of the file, from 0.
        hashes: ``n`` SHA-256 (hex) of the canonical records.
        skipped: the lines of the entries that were left out as unusable; in Parquet the rows, from 1.
        control_tokens: position -> the control tokens of chat templates in that record.
        neutralised: whether such tokens were broken up on reading.
    """

    def __init__(self, pool: Pool, sha256: str, spool_folder: Path | None = None, *, neutralised: bool = False):
        self.pool = pool
        self.sha256 = sha256
        self.skipped: Sequence[int] = ()
        self.neutralised = neutralised
        self._hashes = Hashes()
        self._control_tokens: dict[int, tuple[str, ...]] = {}
        self._rows = array("I")
        self._ends = array("q", [0])
        self._spool = tempfile.TemporaryFile(dir=spool_folder)  # noqa: SIM115 - lives as long as the records
        self._file = self._spool.fileno()
        self._unwritten: list[bytes] = []

    def append(self, row: int, record: Record) -> None:
        self._unwritten.append(record.canonical())
        self._rows.append(row)
        if len(self._unwritten) == SPOOLED_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        texts, joined = self._unwritten, b"".join(self._unwritten)
        if not texts:
            return
        if control_tokens.found(joined):
            found = map(control_tokens.found, texts)
            self._control_tokens |= {place: some for place, some in enumerate(found, len(self._hashes)) if some}
        self._hashes.extend([hashlib.sha256(text).digest() for text in texts])
        self._ends.extend((np.cumsum([*map(len, texts)]) + self._ends[-1]).tolist())
        self._spool.write(joined)
        self._spool.flush()
        texts.clear()

    @property
    def rows(self) -> np.ndarray:
        return np.array(self._rows, dtype=np.int64)

    @property
    def hashes(self) -> Hashes:
        self._flush()
        return self._hashes

    @property
    def control_tokens(self) -> Mapping[int, tuple[str, ...]]:
        self._flush()
        return self._control_tokens

    def __len__(self) -> int:
        return len(self._rows)

    def canonical(self, positions: np.ndarray) -> list[bytes]:
        """Return the records at these positions (int64) as compact JSON."""
        self._flush()
        ends = np.frombuffer(self._ends, dtype=np.int64)
        starts = ends[positions]
        sizes = ends[positions + 1] - starts
        return list(map(os.pread, itertools.repeat(self._file), sizes.tolist(), starts.tolist()))

    def __getitem__(self, index: int) -> Record:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        [text] = self.canonical(np.array([index % len(self)]))
        return Record(**orjson.loads(text))

    def __iter__(self) -> Iterator[Record]:
        return (Record(**fields) for fields in self._fields())

    def each(self, name: str) -> Iterator[str]:
        """Yield the ``instruction``, ``input`` or ``output`` of every record."""
        return (fields[name] for fields in self._fields())

    def texts(self, name: str) -> list[str]:
        """Return the ``instruction``, ``input`` or ``output`` of every record."""
        return [*self.each(name)]

    def _fields(self) -> Iterator[dict[str, str]]:
        self._flush()
        for first in range(0, len(self), SPOOLED_AT_ONCE):
            begin, *ends = self._ends[first : first + SPOOLED_AT_ONCE + 1]
            joined = self._between(begin, ends[-1])
            for start, end in itertools.pairwise([0, *(end - begin for end in ends)]):
                yield orjson.loads(joined[start:end])

    def _between(self, begin: int, end: int) -> bytes:
        """Return bytes of the temporary file; no call reads more than 2 GB."""
        parts = []
        while begin < end and (part := os.pread(self._file, end - begin, begin)):
            parts.append(part)
            begin += len(part)
        return b"".join(parts)

    def describe(self, root: Path) -> dict:
        """Return this pool's entry in a manifest."""
        return {
            "path": self.pool.described(root),
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
