"""Files of JSON objects, told apart by their content: JSON array, JSON lines, gzip of either, Parquet.

Every format is read as a stream of ``Entry``: one object with the place it stands at, or what is wrong
at that place. Nothing here knows what the objects mean.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import orjson

from instruction_data.errors import InputError, quoted

if TYPE_CHECKING:
    import pandas

POINTER_HEAD = b"version https://git-lfs.github.com/spec/v1"
GZIP_HEAD = b"\x1f\x8b"
PARQUET_HEAD = b"PAR1"
UTF16_HEADS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CHUNK = 1 << 20  # bytes of a JSON array decoded at a time
ENTRY_BYTES = 1 << 26  # of one object at most: it is held in memory, several times over; real ones have thousands
GZIP_RATIO = 200  # text takes at most so many times the bytes of its gzip; real text 3 to 10 times
ROWS = 64  # of a Parquet file decoded at a time

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
    size = fields.get("size", "")
    return {
        "oid": fields.get("oid", "").removeprefix("sha256:"),
        "size": size if re.fullmatch("[0-9]{1,15}", size) else "?",
    }


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
        most = GZIP_RATIO * path.stat().st_size + ENTRY_BYTES
        try:
            for entry in _json_entries(path, stream, concatenated):
                if stream is not file and stream.tell() > most:
                    raise InputError(
                        f"{path}:{entry.line}: found gzip data of more than {GZIP_RATIO} times its size; expected "
                        "text. If it is meant: gunzip it"
                    )
                yield entry
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
    for number, line in enumerate(iter(lambda: stream.readline(ENTRY_BYTES + 1), b""), start=1):
        if len(line) > ENTRY_BYTES:
            yield Entry(number, _too_large(last=True))
            return
        if not line.isspace():
            yield Entry(number, _parse_line(line))


def _too_large(*, last: bool) -> Problem:
    return Problem(f"a value of more than {ENTRY_BYTES:,} bytes", "one record (nothing is read beyond this)", last)


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
        if value is TOO_LARGE:
            yield Entry(line, _too_large(last=True))
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
        if value is TOO_LARGE:
            yield Entry(line, _too_large(last=True))
            return
        yield Entry(line, value if isinstance(value, dict) else _not_an_object(value))


TOO_LARGE = object()  # stands for a value that is not decoded


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
        """The next JSON value, or TOO_LARGE; ValueError if there is none."""
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
            if len(self._text) - self._at > ENTRY_BYTES:
                return TOO_LARGE
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
        with pyarrow.parquet.ParquetFile(path, read_dictionary=_text_columns(path)) as file:
            wanted = None if names is None else [name for name in file.schema_arrow.names if name in names]
            for batch in file.iter_batches(batch_size=4096, columns=wanted):
                for start in range(0, len(batch), ROWS):
                    for value in _batch_rows(batch.slice(start, ROWS)):
                        row += 1
                        yield Entry(row, value)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    if not row:
        raise InputError(f"{path}: found a Parquet file without rows; expected at least one record")


def _text_columns(path: Path) -> list[str]:
    """Columns that are to be kept as their file has them: each text once, however many rows repeat it."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    return [field.name for field in schema if pyarrow.types.is_string(field.type)]


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: found damaged Parquet ({quoted(str(error), 200)}); expected a complete Parquet file")


def table(path: Path, columns: Mapping[str, str]) -> "pandas.DataFrame":
    """A table of numbers and hashes that a script published, as Parquet.

    Args:
        columns: name -> kinds of its values, as letters of numpy's: ``"iu"`` whole numbers, ``"f"`` others, ``"O"``
            text; those that must be there.

    Raises:
        InputError: the file is no Parquet, or lacks a column of that kind.
    """
    import pandas
    import pyarrow

    try:
        found = pandas.read_parquet(path)
        for name, kinds in columns.items():
            if "O" in kinds and name in found:
                found[name].tolist()  # text is decoded when it is looked at
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path, error) from error
    for name, kinds in columns.items():
        if list(found.columns).count(name) != 1 or found[name].dtype.kind not in kinds:
            raise InputError(
                f"{path}: found no column {quoted(name)} of its kind; expected one, as the scripts write it"
            )
    return found


def _batch_rows(batch) -> "list[dict | Problem]":
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):  # a value that Python has no form for, such as a string that is not UTF-8
        if len(batch) == 1:
            return [Problem("a value that is not valid UTF-8, or out of range", "UTF-8 text")]
        return [row for place in range(len(batch)) for row in _batch_rows(batch.slice(place, 1))]
