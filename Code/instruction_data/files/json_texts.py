"""JSON as a stream of entries: objects one a line, in an array, or one after another.

``jsonlines`` reads lines. ``ijson`` reads arrays and finds where each entry ends; ``orjson`` then decodes the entry's
own bytes, so that an entry means the same in an array as on a line. The objects that ijson builds are not used: it
replaces half a surrogate pair by a question mark, and nesting of 100,000 or a number of 5,000 digits ends the process.

Beside orjson and Python's own decoder alone, jsonlines costs 3 us a line.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import ijson
import jsonlines
import orjson

from instruction_data.errors import quoted
from instruction_data.files.entries import Entry, Problem

CHUNK = 1 << 20  # bytes of an array read at a time, at most
ENTRY_BYTES = 1 << 26  # of one object at most: memory holds it several times over; real ones have thousands

BEYOND = " (the file cannot be read beyond this)"

DIGITS = 17  # of a number that ijson is shown, at most

_ZEROS = bytes(ord("0") if byte in b"0123456789" else 0 for byte in range(256))
_DIGITS_BEYOND = re.compile(rb"(?<=[0-9]{%d})[0-9]+" % DIGITS)
_OBJECT_END = re.compile(rb"\}[ \t\r\n]*(?:,|(?=[\{\[]))")
_BETWEEN = b" \t\r\n,"
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
_KINDS = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
_EVENTS = {"end_array": "an array", "string": "a string", "boolean": "a boolean", "number": "a number"}


def line_entries(stream: BinaryIO) -> Iterator[Entry]:
    """Yield the objects of JSON lines; reading goes on after a line that holds none."""
    number, line = 0, b""

    def lines() -> Iterator[bytes]:
        nonlocal number, line
        while line := stream.readline(ENTRY_BYTES + 1):
            number += 1
            if len(line) > ENTRY_BYTES:
                return
            yield line

    reader = jsonlines.Reader(lines(), loads=orjson.loads)
    while True:
        try:
            value = reader.read(skip_empty=True, allow_none=True)
        except EOFError:
            break
        except jsonlines.InvalidLineError as error:
            yield Entry(number, _line_problem(line, error.__cause__))
        else:
            yield Entry(number, value if isinstance(value, dict) else _not_an_object(value))
    if line:
        yield Entry(number, _too_large())


def _line_problem(line: bytes, error: ValueError) -> Problem:
    if not line.endswith(b"\n") and "unexpected end of data" in str(error) and not isinstance(error, UnicodeError):
        return Problem(f"a truncated last line (it ends in {quoted(line[-20:])})", "a complete JSON object")
    return _malformed(line, error, "one JSON object a line")


def _malformed(text: bytes, error: ValueError, expected: str) -> Problem:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as broken:
        return Problem(f"invalid UTF-8 (byte 0x{text[broken.start]:02x} at column {broken.start + 1})", "UTF-8 text")
    if "surrogate" in str(error):
        return Problem(f"half a surrogate pair ({error})", "valid Unicode text")
    return Problem(f"malformed JSON ({error})", expected)


def _not_an_object(value: object) -> Problem:
    return Problem(_KINDS.get(type(value), "null"), "a JSON object")


def _too_large() -> Problem:
    return Problem(f"a value of more than {ENTRY_BYTES:,} bytes", "one record (nothing is read beyond this)", last=True)


def array_entries(stream: BinaryIO) -> Iterator[Entry]:
    """Yield the entries of one JSON array, numbered; memory holds an entry, not the file."""
    return _stream_entries(stream, 1)


def concatenated_entries(stream: BinaryIO) -> Iterator[Entry]:
    """Yield JSON objects that stand one after another, however they are indented."""
    return _stream_entries(stream, 0, multiple_values=True)


def _stream_entries(stream: BinaryIO, level: int, **options: bool) -> Iterator[Entry]:
    """Yield the entries of a stream.

    Args:
        level: the number of arrays around the entries.
        options: for ijson.
    """
    depth = number = 0
    held, size, begun = [], 0, 1  # the entry that has begun: its text, its bytes, the line it begins on
    between = False  # whether the next entry's text is all that comes, behind an entry and its comma
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events, **options)
    for line, part in _parts(stream):
        if between and (value := _plain(part)) is not None:
            number += 1
            yield Entry(line, value, number)
            continue
        wrong = _sent(parser, part)
        new = part if depth >= level else part.partition(b"[")[2]  # without the start of the outermost array
        if held or new.strip(_BETWEEN):
            begun = begun if held else line
            held.append(part)
            size += len(part)
        ended = False
        for event, _ in events:
            depth += _STEPS.get(event, 0)
            if depth == level and event != "start_array":
                number += 1
                ended = True
                yield Entry(begun, _decoded(held) if event == "end_map" else _no_object(event), number)
        events.clear()
        if ended:
            held, begun = [part] if depth > level else [], line
            size = sum(map(len, held))
        between = level == 1 and ended and not held and part.endswith(b",")
        if wrong:
            problem = _why(wrong, level) if part else _broken_off(held)
            yield Entry(begun if held else line, problem, number + 1 if held else None)
            return
        if size > ENTRY_BYTES:
            yield Entry(begun, _too_large(), number + 1)
            return


def _plain(part: bytes) -> dict | None:
    """Return the object of a part that is a whole one with its comma, as nearly all are; None for any other part.

    ijson need not see it: behind an entry and its comma, another entry and its comma change nothing.
    """
    if not part.endswith(b","):
        return None
    try:
        value = orjson.loads(part[:-1])
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _parts(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield a text in parts, each with the line it begins on, white space and commas aside; an empty one at the end.

    A part ends behind an object, or with the bytes read at a time, but not in the first letters of an escape. So no
    part holds the ends of two objects. Where no object begins it ends with its line.
    """
    line, rest = 1, b""
    while read := stream.read(CHUNK):
        text = rest + read
        whole = len(text) - (2 if text.endswith(b"\\u") else text.endswith(b"\\"))
        rest = text[whole:]
        start = 0
        for end in [*(match.end() for match in _OBJECT_END.finditer(text, 0, whole)), whole]:
            object_part = text[start:end]
            start = end
            lone = object_part.lstrip(_BETWEEN).startswith(b"{")
            for part in (object_part,) if lone else object_part.splitlines(keepends=True):
                content = len(part) - len(part.lstrip(_BETWEEN))
                yield line + part.count(b"\n", 0, content), part
                line += part.count(b"\n")
    if rest:
        yield line, rest
    yield line, b""


def _sent(parser, part: bytes) -> str:
    """Let ijson read to the end of a part; return the error that it found."""
    try:
        parser.send(_shape(part))
    except StopIteration:  # the end, as it should be
        return ""
    except ijson.JSONError as error:
        said = error.args[0]
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    except ArithmeticError:
        return "a number with too large an exponent"
    return ""


def _shape(part: bytes) -> bytes:
    """Return text of the same shape without what ijson cannot read, so that reading can go on after it.

    ijson cannot read invalid UTF-8 or halves of surrogate pairs; numbers of many digits end the whole process.
    """
    try:
        part.decode("utf-8")
    except UnicodeDecodeError:
        part = part.decode("utf-8", "replace").encode()
    if b"\\ud" in part or b"\\uD" in part:
        part = part.replace(b"\\ud", b"\\u0").replace(b"\\uD", b"\\u0")
    if b"0" * (DIGITS + 1) in part.translate(_ZEROS):
        part = _DIGITS_BEYOND.sub(b"", part)
    return part


def _decoded(parts: list[bytes]) -> "dict | Problem":
    """Decode the object in these parts of a text, which may have commas and brackets around it."""
    text = b"".join(parts)
    text = text[text.find(b"{") : text.rfind(b"}") + 1]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _malformed(text, error, "a JSON object")


def _no_object(event: str) -> Problem:
    return Problem(_EVENTS.get(event, "null"), "a JSON object")


def _why(wrong: str, level: int) -> Problem:
    reason, near, *_ = [*wrong.split("\n"), ""]
    if level and "trailing garbage" in reason:
        return Problem("text after the array", "the end of the file", last=True)
    found = f"malformed JSON ({reason}{f', near {quoted(near.strip())}' if near.strip() else ''})"
    return Problem(found, f"a JSON object{BEYOND}", last=True)


def _broken_off(held: list[bytes]) -> Problem:
    if held:
        return Problem("malformed JSON (the file ends within the entry)", f"a complete JSON object{BEYOND}", last=True)
    return Problem("the end of the file", f"',' or ']'{BEYOND}", last=True)
