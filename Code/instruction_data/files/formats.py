"""Files of objects: JSON array, JSON lines, gzip of either, Parquet; their content tells the format.

Every format is read as a stream of ``Entry``: an object and its place, or the problem at that place.
Nothing here knows what the objects mean.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from instruction_data.errors import InputError
from instruction_data.files import json_texts, parquet
from instruction_data.files.entries import Entry

POINTER_HEAD = b"version https://git-lfs.github.com/spec/v1"
GZIP_HEAD = b"\x1f\x8b"
UTF16_HEADS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GZIP_RATIO = 200  # largest ratio of text to its gzip that is read; real text has 3 to 10


def pointer_of(path: Path) -> dict[str, str] | None:
    """Return the fields of a Git LFS pointer file, or None for any other file.

    The fields are ``oid``, a SHA-256 in hex, and ``size`` in bytes.
    """
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
    """Yield the entries of a file, in order.

    Args:
        names: the columns to read where the file is Parquet; None means all.
        concatenated: also read indented objects one after another, the form of some of the study's published
            splits. By default they are refused, since trainers refuse them.

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
        if head == parquet.HEAD:
            yield from parquet.rows(path, names)
            return
        if head[:2] != GZIP_HEAD:
            yield from _json_entries(path, file, concatenated)
            return
        stream = gzip.GzipFile(fileobj=file)
        most = GZIP_RATIO * path.stat().st_size + json_texts.ENTRY_BYTES
        try:
            for entry in _json_entries(path, stream, concatenated):
                if stream.tell() > most:
                    raise InputError(
                        f"{path}:{entry.line}: found gzip data of more than {GZIP_RATIO} times its size; expected "
                        "text. If it is meant: gunzip it"
                    )
                yield entry
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: found damaged gzip data ({error}); expected a complete gzip file") from error


def _json_entries(path: Path, stream: BinaryIO, concatenated: bool) -> Iterator[Entry]:
    start = stream.read(json_texts.CHUNK)
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
        return json_texts.array_entries(stream)
    return json_texts.concatenated_entries(stream) if indented else json_texts.line_entries(stream)
