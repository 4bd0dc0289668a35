"""Reading a pool's file into records; every unusable entry is named with its line."""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.formats import Entry, Problem
from instruction_data.pools import control_tokens
from instruction_data.pools.records import Record, Records, is_unicode
from instruction_data.pools.table import NotHereError, Pool

WAYS_WITH_BAD = """
Mend them, or go on without them with --skip-bad; empty outputs that are meant: empty_output = true in pools.toml."""
PROBLEMS_SHOWN = 100  # bad records listed one by one; of those beyond, the line numbers
RANGES_SHOWN = 10_000  # of these
GIVEN_UP = 1_000_000  # bad records: such a file is no pool


def read(
    pool: Pool,
    root: Path,
    *,
    limit: int | None = None,
    skip_bad: bool = False,
    drop_input: bool = False,
    neutralise: bool = False,
    spool_folder: Path | None = None,
) -> Records:
    """Read the records of a pool.

    Args:
        limit: the first N entries only.
        skip_bad: leave out unusable entries (``Records.skipped``) instead of failing.
        drop_input: read every input as empty.
        neutralise: break up the control tokens of chat templates in every text.
        spool_folder: where the temporary file of texts goes; by default the system's.

    Raises:
        InputError: the file is missing, a Git LFS pointer, damaged, without records, was changed while it was read,
            or holds unusable entries; every one of them is named with its line.
    """
    path = pool.file(root)
    if not is_unicode(pool.path):
        raise InputError(f"{path}: found a name that is not UTF-8; expected one: manifests could not hold it")
    require_content(pool, path)
    before = _fingerprint(path)
    records, bad = Records(pool, file_sha256(path), spool_folder, neutralised=neutralise), Unusable()
    for row, entry in enumerate(_limited(formats.entries(path, pool.fields), limit)):
        record = _record(entry.value, pool)
        try:
            if isinstance(record, Record):
                records.append(row, _changed(record, drop_input, neutralise))
            else:
                bad.append(entry.line, record)
        except orjson.JSONEncodeError:
            bad.append(entry.line, _not_unicode(record, pool))
        if bad.ended:
            break
    if _fingerprint(path) != before:
        raise InputError(f"{path}: found it changed while it was read; expected a file at rest: run again")
    return _judged(records, bad, path, skip_bad)


class Unusable:
    """The entries of a file that are no records: all their lines, and why of the first."""

    def __init__(self):
        self.lines = array("q")
        self.why: list[Problem] = []
        self.ended = False  # whether nothing behind the last could be read

    def append(self, line: int, why: Problem) -> None:
        self.lines.append(line)
        if len(self.lines) == GIVEN_UP:
            why = replace(why, expected=f"{why.expected} (behind so many nothing more is read)", last=True)
        self.ended = why.last
        if len(self.why) < PROBLEMS_SHOWN or why.last:
            self.why.append(why)

    def listed(self, path: Path) -> str:
        """Line by line the first ones and whatever ended the reading; of the others the lines."""
        shown = list(zip(self.lines, self.why[:PROBLEMS_SHOWN], strict=False))
        rest = self.lines[len(shown) :]
        if self.ended and rest:
            shown.append((rest.pop(), self.why[-1]))
        said = [f"{path}:{line}: found {why.found}; expected {why.expected}" for line, why in shown]
        return "\n".join(said + ([f"and at lines {_ranges(rest)}"] if rest else []))


def _ranges(lines: Sequence[int]) -> str:
    """Ascending numbers, those that follow one another joined: 3, 7-9."""
    ends = [place for place in range(1, len(lines)) if lines[place] != lines[place - 1] + 1]
    parts = list(zip([0, *ends], [*ends, len(lines)], strict=True))
    said = ", ".join(
        f"{lines[start]}-{lines[end - 1]}" if end - start > 1 else str(lines[start])
        for start, end in parts[:RANGES_SHOWN]
    )
    left = len(lines) - parts[min(len(parts), RANGES_SHOWN) - 1][1]
    return said + (f" and {left:,} more" if left else "")


def _changed(record: Record, drop_input: bool, neutralise: bool) -> Record:
    if drop_input:
        record = replace(record, input="")
    if neutralise:
        texts = (record.instruction, record.input, record.output)
        record = Record(*map(control_tokens.neutralised, texts))
    return record


def _limited(entries: Iterable[Entry], limit: int | None) -> Iterator[Entry]:
    for number, entry in enumerate(entries):
        if number == limit:
            return
        yield entry


def _fingerprint(path: Path) -> tuple[int, ...]:
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _judged(records: Records, bad: Unusable, path: Path, skip_bad: bool) -> Records:
    count = len(bad.lines)
    if count and (not skip_bad or bad.ended):
        hint = "" if bad.ended else WAYS_WITH_BAD
        raise InputError(f"{path}: {count:,} unusable records\n{bad.listed(path)}{hint}")
    if not len(records):
        raise InputError(f"{path}: found no usable record; expected at least one")
    if count:
        said = InputError(f"{path}: going on without {count:,} unusable records\n{bad.listed(path)}")
        print(said, file=sys.stderr)
    records.skipped = bad.lines
    return records


def _record(value: "dict | formats.Problem", pool: Pool) -> "Record | formats.Problem":
    if isinstance(value, Problem):
        return value
    instruction, given, output = value.get(pool.instruction), value.get(pool.input, ""), value.get(pool.output)
    if type(instruction) is type(given) is type(output) is str and _says(instruction) and _says(output):
        return Record(instruction, given, output)  # nearly all; what follows finds out about the others
    texts = {}
    for name in ("instruction", "input", "output"):
        text = _text(value, getattr(pool, name), optional=name == "input", empty=pool.empty_output and name == "output")
        if isinstance(text, Problem):
            return text
        texts[name] = text
    return Record(**texts)


def _text(value: dict, name: str, *, optional: bool, empty: bool) -> "str | formats.Problem":
    text = value.get(name)
    if text is None and optional:
        return ""
    if name not in value:
        has = ", ".join(quoted(key, 30) for key in list(value)[:8]) or "no field"
        return Problem(
            f"no field {quoted(name)} (it has {has})", "text there (other names: --fields, or a row in pools.toml)"
        )
    if not isinstance(text, str):
        return Problem(f"{quoted(text)} in {quoted(name)}", "text there")
    if not (optional or empty or _says(text)):
        return Problem(f"an empty {quoted(name)}", "text there")
    return text


def _says(text: str) -> bool:
    return bool(text) and not text.isspace()


def _not_unicode(record: Record, pool: Pool) -> Problem:
    """Which field UTF-8 cannot carry, of a record that has one: it holds half of a surrogate pair."""
    for name in ("instruction", "input", "output"):
        try:
            getattr(record, name).encode()
        except UnicodeEncodeError:
            field = quoted(getattr(pool, name))
            return Problem(f"invalid UTF-8 or half a surrogate pair in {field}", "valid Unicode text")
    raise AssertionError("every field is Unicode text")


def require_content(pool: Pool, path: Path) -> None:
    """Raise NotHereError, naming the ways on, unless the pool's file is there and more than a Git LFS pointer."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        ways = _ways_on(pool) if pool.hub else ""
        raise NotHereError(f"{path}: found {found}; expected the pool {pool.name!r}{ways}")
    pointer = formats.pointer_of(path)
    if pointer:
        raise NotHereError(
            f"{path}:1: found a Git LFS pointer (content of {pointer['size']} bytes, not here); expected the pool "
            f"{pool.name!r} itself{_ways_on(pool)}"
        )


def _ways_on(pool: Pool) -> str:
    ways = [f'git lfs pull --include "{pool.path}" --exclude ""    (from a remote that has it)']
    if pool.hub:
        ways.append(f"python -m instruction_data.pools fetch {pool.name}    (from the Hugging Face hub, checked)")
    ways.append("--demo    (small pools made from this Python's standard library)")
    return ". Ways on:\n  " + "\n  ".join(ways)
