"""JSON files between the scripts: documents (a training run, an outcome) and derived files.

A document's file holds the fields of a dataclass and the number of its format. Reading checks that every field is there
and of the kind it is declared as. A derived file can be made from other files again at any time. Both bear their own
checksum, and a file that was touched is refused: it must be, to the byte, what would be written for what it says. A
document of an earlier version, or of somebody else's program, may go without a checksum; ``faults`` names it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files import names
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.files.places import found_instead, require_file

FORMAT = 1
CHECKSUM = "checksum"
BESIDE = "files_beside"  # of a derived file: name -> SHA-256

Document = TypeVar("Document")


def write(path: Path, document: object) -> None:
    """Write a document, whole or not at all."""
    write_whole(path, signed({"format": FORMAT, **asdict(document)}))


def read(path: Path, kind: type[Document], what: str, writer: str) -> Document:
    """Read a document that ``write`` wrote.

    Args:
        kind: its dataclass.
        what: words for what it is, for errors.
        writer: words for the script that makes it, for errors.

    Raises:
        InputError: the file holds no document of that kind.
    """
    expected = f"expected {what} as the {writer} writes it"
    fields = read_json(path, expected)
    if fields.get("format") != FORMAT:
        raise InputError(f"{path}: found no {kind.__name__.lower()} of format {FORMAT}; {expected}")
    fields = {name: value for name, value in fields.items() if name not in ("format", CHECKSUM)}
    try:
        document = kind(**fields)
    except TypeError as error:
        raise InputError(f"{path}: found {error}; {expected}") from error
    check(document, str(path))
    return document


def write_derived(path: Path, content: Mapping, beside: Mapping[str, bytes] | None = None) -> None:
    """Write a derived file, whole or not at all, behind those that say the same in other forms.

    Args:
        beside: the names of these in the same folder, and their content.
    """
    beside = beside or {}
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, data in beside.items():
        write_whole(path.with_name(name), data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in beside.items()}
    write_whole(path, signed({"format": FORMAT, **content, BESIDE: hashes}))


def read_derived(path: Path, command: str) -> dict:
    """Return the content that ``write_derived`` wrote.

    Args:
        command: the command that writes the file, for errors.

    Raises:
        InputError: the file is no derived file, or not as it was written.
    """
    expected = f"expected what `{command}` writes: run it"
    content = read_json(path, expected)
    if content.get("format") != FORMAT:
        raise InputError(f"{path}: found another form than format {FORMAT}; {expected}")
    if CHECKSUM not in content:
        raise InputError(f"{path}: found other content than was written; {expected}")
    return {name: value for name, value in content.items() if name not in ("format", CHECKSUM, BESIDE)}


def read_json(path: Path, expected: str, *, touched: bool = False) -> dict:
    """Read a JSON object; one that bears a checksum must be, to the byte, as it was written.

    Args:
        expected: what the file should be, for errors.
        touched: read it, too, if it is not as it was written.

    Raises:
        InputError: there is no file, or it holds something else.
    """
    require_file(path, expected)
    try:
        raw = path.read_bytes()
        content = orjson.loads(raw)
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path}: found malformed JSON ({error}); {expected}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {quoted(content)}; {expected}, a JSON object")
    if not touched and is_touched(content, raw):
        raise InputError(f"{path}: found other content than was written; {expected}")
    return content


def faults(path: Path) -> list[str]:
    """Return what is wrong with a document or derived file, and with the files beside it, of whatever kind it is."""
    if not path.is_file():
        return [f"{path.name}: found {found_instead(path)}; expected a file"]
    try:
        raw = path.read_bytes()
        content = orjson.loads(raw)
    except (OSError, orjson.JSONDecodeError) as error:
        return [f"{path.name}: found malformed JSON ({error})"]
    if not isinstance(content, dict):
        return [f"{path.name}: found other content than was written"]
    wrong = [f"{path.name}: found other content than was written"] if is_touched(content, raw) else []
    if CHECKSUM not in content:
        wrong.append(f"{path.name}: bears no checksum; expected one, as our scripts write it")
    beside = content.get(BESIDE, {})
    if not isinstance(beside, dict) or any(map(names.fault, beside)):
        return [*wrong, f"{path.name}: found {quoted(beside)} as {BESIDE}; expected names of files and SHA-256"]
    other = [name for name, sha256 in beside.items() if not _is(path.with_name(name), sha256)]
    return wrong + [f"{name}: found other content than {path.name} says" for name in other]


def checksum(content: Mapping) -> str:
    """Return the checksum that a file with this content bears, its own checksum aside."""
    plain = {name: value for name, value in content.items() if name != CHECKSUM}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)).hexdigest()


def is_touched(content: Mapping, raw: bytes) -> bool:
    """Say whether a file that bears a checksum holds other bytes than were written.

    Values alone do not tell: the last digit of a number, white space or a name that stands twice may be another one.

    Args:
        content: as read from ``raw``.
    """
    if CHECKSUM not in content:
        return False
    try:
        return signed(content) != raw
    except orjson.JSONEncodeError:  # nested deeper than anything we write
        return True


def signed(content: Mapping) -> bytes:
    """Return the file of some content: with its own checksum."""
    plain = orjson.loads(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
    whole = {**plain, CHECKSUM: checksum(plain)}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def check(document: object, where: str) -> None:
    """Raise InputError where a field is not of its declared class, or not a mapping as declared."""
    for field, kind in type(document).__annotations__.items():
        value, wanted = getattr(document, field), kind if isinstance(kind, type) else Mapping
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise InputError(f"{where}: found {quoted(value)} as {field}; expected {wanted.__name__.lower()}")
