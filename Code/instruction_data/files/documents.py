"""JSON files between the scripts: documents (a training run, an outcome) and derived files.

A document's file holds the fields of a dataclass and the number of its format. Reading checks that every field is there
and of the kind it is declared as. A derived file can be made from other files again at any time. It bears its own
checksum, and a file that was touched is refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files.atomic import write_whole

FORMAT = 1

Document = TypeVar("Document")


def write(path: Path, document: object) -> None:
    """Write a document, whole or not at all."""
    content = {"format": FORMAT, **asdict(document)}
    write_whole(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


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
    try:
        fields = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path}: found malformed JSON ({error}); {expected}") from error
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise InputError(f"{path}: found no {kind.__name__.lower()} of format {FORMAT}; {expected}")
    try:
        document = kind(**fields)
    except TypeError as error:
        raise InputError(f"{path}: found {error}; {expected}") from error
    check(document, str(path))
    return document


def write_derived(path: Path, content: Mapping) -> None:
    """Write a derived file, whole or not at all."""
    plain = orjson.loads(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
    whole = {"format": FORMAT, **plain, "sha256": _sha256(plain)}
    write_whole(path, orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_derived(path: Path, command: str) -> dict:
    """Return the content that ``write_derived`` wrote.

    Args:
        command: the command that writes the file, for errors.

    Raises:
        InputError: the file is no derived file, or not as it was written.
    """
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path}: found malformed JSON ({error}); expected what `{command}` writes: run it") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise InputError(f"{path}: found another form; expected format {FORMAT}, as `{command}` writes it: run it")
    if content.pop("sha256", None) != _sha256(content):
        raise InputError(f"{path}: found other content than was written; expected what `{command}` writes: run it")
    return content


def _sha256(content: Mapping) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check(document: object, where: str) -> None:
    """Raise InputError where a field is not of its declared class, or not a mapping as declared."""
    for field, kind in type(document).__annotations__.items():
        value, wanted = getattr(document, field), kind if isinstance(kind, type) else Mapping
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise InputError(f"{where}: found {quoted(value)} as {field}; expected {wanted.__name__.lower()}")
