"""Files of JSON objects, told apart by their content: JSON array, JSON lines, gzip of either, Parquet.

Every format is read as a stream of ``Entry``: one object with the place it stands at, or what is wrong
at that place. Nothing here knows what the objects mean.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from instruction_data.errors import InputError, quoted

POINTER_HEAD = b"version https://git-lfs.github.com/spec/v1"
GZIP_HEAD = b"\x1f\x8b"
PARQUET_HEAD = b"PAR1"
UTF16_HEADS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CHUNK = 1 << 20  # bytes of a JSON array decoded at a time

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry cannot be used."""

    found: str
    expected: str
    last: bool = False  # nothing behind this place can be read


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a file (``value``), or what stands there instead (a ``Problem``)."""

    line: int  # counted from 1; in Parquet the row
    value: "dict | Problem"


def pointer_of(path: Path) -> dict[str, str] | None:
    """The fields of a Git LFS pointer file (``oid``: SHA-256 in hex, ``size``: bytes), None for any other file."""
    with open(path, "rb") as file:
        head = file.read(1024)
    if not head.startswith(POINTER_HEAD):
        return None
    fields = dict(line.split(" ", 1) for line in head.decode("utf-8", "replace").splitlines() if " " in line)
    return {"oid": fields.get("oid", "").removeprefix("sha256:"), "size": fields.get("size", "?")}


def entries(path: Path, names: Collection[str] | None = None, *, concatenated: bool = False) -> Iterator[Entry]:
    """Yield what stands in ``path``, in order.

    Args:
        names: of Parquet, the columns that are wanted; by default all.
        concatenated: read indented objects one after another too (some of the study's published splits), which are
            otherwise refused, since trainers refuse them.

    Raises:
        InputError: the file is empty, or neither JSON nor Parquet at all.
    """
    with open(path, "rb") as file:
        head = file.read(4)
        file.seek(0)
        if not head:
            raise InputError(f"{path}: found an empty file; expected a JSON array, JSON lines or Parquet")
        if head[:2] in UTF16_HEADS:
            raise InputError(f"{path}: found UTF-16 text; expected UTF-8: convert it, e.g. iconv -f UTF-16 -t UTF-8")
        if head == PARQUET_HEAD:
            yield from _parquet_rows(path, names)
            return
        stream = gzip.GzipFile(fileobj=file) if head[:2] == GZIP_HEAD else file
        try:
            yield from _json_entries(path, stream, concatenated)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: found damaged gzip data ({error}); expected a complete gzip file") from error


def _json_entries(path: Path, stream: BinaryIO, concatenated: bool) -> Iterator[Entry]:
    start = stream.read(CHUNK)
    bom = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    first = start[bom:].lstrip()[:1]
    if not first:
        raise InputError(f"{path}: found nothing but white space; expected a JSON array, JSON lines or Parquet")
    indented = start[bom:].lstrip().split(b"\n", 1)[0].strip() == b"{"
    if indented and not concatenated:
        raise InputError(
            f"{path}: found an indented JSON object (or several, one after another); expected a JSON array, or one "
            "object a line, e.g. jq -c . < FILE"
        )
    stream.seek(bom)
    if first == b"[":
        yield from _array_entries(stream)
    else:
        yield from _concatenated_entries(stream) if indented else _line_entries(stream)


def _line_entries(stream: BinaryIO) -> Iterator[Entry]:
    for number, line in enumerate(stream, start=1):
        if not line.isspace():
            yield Entry(number, _parse_line(line))


def _parse_line(line: bytes) -> "dict | Problem":
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _line_problem(line, error)
    return value if isinstance(value, dict) else _not_an_object(value)


def _line_problem(line: bytes, error: ValueError) -> Problem:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as broken:
        return Problem(f"invalid UTF-8 (byte 0x{line[broken.start]:02x} at column {broken.start + 1})", "UTF-8 text")
    if not line.endswith(b"\n") and "unexpected end of data" in str(error):
        return Problem(f"a truncated last line (it ends in {quoted(line[-20:])})", "a complete JSON object")
    return Problem(f"malformed JSON ({error})", "one JSON object a line")


def _not_an_object(value: object) -> Problem:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return Problem(names.get(type(value), "null"), "a JSON object")


def _array_entries(stream: BinaryIO) -> Iterator[Entry]:
    """The elements of one JSON array, decoded a chunk at a time so that memory holds an element, not the file."""
    text = _Text(stream)
    text.take("[")
    expected = "a JSON object or ']'"
    while text.peek() != "]" or expected == "a JSON object":
        line = text.line
        try:
            value = text.value()
        except (ValueError, RecursionError) as error:
            found = "the end of the file" if not text.peek() else f"malformed JSON ({quoted(str(error), 120)})"
            yield Entry(line, Problem(found, f"{expected} (an array cannot be read beyond this)", last=True))
            return
        yield Entry(line, value if isinstance(value, dict) else _not_an_object(value))
        if not text.take(","):
            break
        expected = "a JSON object"
    if not text.take("]"):
        found = quoted(text.peek()) if text.peek() else "the end of the file"
        yield Entry(text.line, Problem(found, "',' or ']' (an array cannot be read beyond this)", last=True))
    elif text.peek():
        yield Entry(text.line, Problem(f"{quoted(text.peek())} after the array", "the end of the file", last=True))


def _concatenated_entries(stream: BinaryIO) -> Iterator[Entry]:
    """JSON objects one after another, however they are indented."""
    text = _Text(stream)
    while text.peek():
        line = text.line
        try:
            value = text.value()
        except (ValueError, RecursionError) as error:
            found = f"malformed JSON, or a truncated object ({quoted(str(error), 120)})"
            yield Entry(line, Problem(found, "a JSON object (nothing can be read beyond this)", last=True))
            return
        yield Entry(line, value if isinstance(value, dict) else _not_an_object(value))


class _Text:
    """Text decoded from a stream as it is needed, with a position and the line it stands on.

    Bytes that are not UTF-8 become lone surrogates, so that only the record that holds them is refused.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._json = json.JSONDecoder()
        self._text, self._at, self._ended = "", 0, False
        self.line = 1

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._advance(_SPACE.match(self._text, self._at).end())
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill(CHUNK)

    def take(self, character: str) -> bool:
        """Step over ``character`` if it comes next."""
        found = self.peek() == character
        if found:
            self._at += 1
        return found

    def value(self) -> object:
        """The next JSON value; ValueError if there is none."""
        self.peek()
        size = CHUNK
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self._advance(end)
                    return value
            except ValueError:
                if self._ended:
                    raise
            self._fill(size)
            size *= 2

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _fill(self, size: int) -> None:
        data = self._stream.read(size)
        self._ended = not data
        self._text = self._text[self._at :] + self._decode(data, final=self._ended)
        self._at = 0


def _parquet_rows(path: Path, names: Collection[str] | None) -> Iterator[Entry]:
    import pyarrow
    import pyarrow.parquet

    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted = None if names is None else [name for name in file.schema_arrow.names if name in names]
            for batch in file.iter_batches(batch_size=4096, columns=wanted):
                for value in _batch_rows(batch):
                    row += 1
                    yield Entry(row, value)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: found damaged Parquet ({error}); expected a complete Parquet file") from error
    if not row:
        raise InputError(f"{path}: found a Parquet file without rows; expected at least one record")


def _batch_rows(batch) -> "list[dict | Problem]":
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):  # a value that Python has no form for, such as a string that is not UTF-8
        if len(batch) == 1:
            return [Problem("a value that is not valid UTF-8, or out of range", "UTF-8 text")]
        return [row for place in range(len(batch)) for row in _batch_rows(batch.slice(place, 1))]
