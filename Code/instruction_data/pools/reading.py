"""Reading a pool's file into records. Errors name every unusable entry by its line, in an array also by its number."""

import itertools
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Entry, Problem
from instruction_data.files.places import found_instead
from instruction_data.pools import control_tokens
from instruction_data.pools.records import Record, Records, is_unicode
from instruction_data.pools.table import TABLE_FILE, NotHereError, Pool

WAYS_WITH_BAD = """
Mend them, or go on without them with --skip-bad; empty outputs that are meant: empty_output = true in pools.toml."""
PROBLEMS_SHOWN = 100  # different problems described; for further ones only the line numbers are shown
RANGES_SHOWN = 10_000  # ranges of line numbers
GIVEN_UP = 1_000_000  # bad records from which on reading stops: such a file is no pool
ROLES = ("instruction", "input", "output")


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
        limit: the number of entries to read; None means all.
        skip_bad: leave out unusable entries (``Records.skipped``) instead of failing.
        drop_input: read every input as empty.
        neutralise: break up the control tokens of chat templates in every text.
        spool_folder: the folder for the temporary file of texts; by default the system's.

    Raises:
        InputError: the file is missing, a Git LFS pointer, damaged, without records, was changed while it was read,
            or holds unusable entries, all of which the error names.
    """
    path = pool.file(root)
    if not is_unicode(pool.path):
        raise InputError(f"{path}: found a name that is not UTF-8; expected one: manifests could not hold it")
    require_content(pool, path)
    before = _fingerprint(path)
    records, bad = Records(pool, file_sha256(path), spool_folder, neutralised=neutralise), Unusable()
    changed = drop_input or neutralise
    for row, entry in enumerate(itertools.islice(formats.entries(path, pool.fields), limit)):
        record = _record(entry.value, pool)
        if isinstance(record, Record):
            records.append(row, _changed(record, drop_input, neutralise) if changed else record)
            continue
        bad.append(entry, record)
        if bad.ended:
            break
    if _fingerprint(path) != before:
        raise InputError(f"{path}: found it changed while it was read; expected a file at rest: run again")
    return _judged(records, bad, path, skip_bad)


@dataclass(frozen=True)
class Places:
    """The places of entries: their lines, and in a JSON array their numbers."""

    lines: array = field(default_factory=lambda: array("q"))
    numbers: array = field(default_factory=lambda: array("q"))

    def append(self, entry: Entry) -> None:
        self.lines.append(entry.line)
        if entry.number is not None:
            self.numbers.append(entry.number)

    def described(self, start: int = 0, more: str = "") -> str:
        """Say how many places there are from ``start`` on, and name them."""
        lines, numbers = self.lines[start:], self.numbers[start:]
        count = f"{len(lines):,} {more}"
        if not numbers:
            return f"{count}line{'s' * (len(lines) > 1)}: {_ranges(lines)}"
        where = "" if lines[0] == lines[-1] else f"; lines {_ranges(sorted(set(lines)))}"
        return f"{count}entr{'ies' if len(lines) > 1 else 'y'} of the array: {_ranges(numbers)}{where}"


class Unusable:
    """The entries of a file that are no records: their places and their problems."""

    def __init__(self):
        self.places = Places()
        self.told: dict[Problem, Places] = {}
        self.untold = Places()
        self.ended = False  # whether nothing after the last one could be read

    def append(self, entry: Entry, why: Problem) -> None:
        self.places.append(entry)
        if len(self.places.lines) == GIVEN_UP:
            why = replace(why, expected=f"{why.expected} (behind so many nothing more is read)", last=True)
        self.ended = why.last
        told = why in self.told or len(self.told) < PROBLEMS_SHOWN or why.last
        (self.told.setdefault(why, Places()) if told else self.untold).append(entry)

    def listed(self, path: Path) -> str:
        """Describe each different problem once, at its first place, and name the other places."""
        said = []
        for why, places in self.told.items():
            entry = f" (entry {places.numbers[0]} of the array)" if places.numbers else ""
            said.append(f"{path}:{places.lines[0]}: found {why.found}; expected {why.expected}{entry}")
            if len(places.lines) > 1:
                said.append(f"(and the same at {places.described(1, 'more ')})")
        if self.untold.lines:
            said.append(f"and other problems at {self.untold.described()}")
        return "\n".join(said)


def _ranges(lines: Sequence[int]) -> str:
    """Write ascending numbers, runs of consecutive ones joined: 3, 7-9."""
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
        record = record._replace(input="")
    if neutralise:
        texts = (record.instruction, record.input, record.output)
        record = Record(*map(control_tokens.neutralised, texts))
    return record


def _fingerprint(path: Path) -> tuple[int, ...]:
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _judged(records: Records, bad: Unusable, path: Path, skip_bad: bool) -> Records:
    count = len(bad.places.lines)
    if count and (not skip_bad or bad.ended):
        hint = "" if bad.ended else WAYS_WITH_BAD
        raise InputError(f"{path}: {count:,} unusable record{'s' * (count > 1)}\n{bad.listed(path)}{hint}")
    if not len(records):
        raise InputError(f"{path}: found no usable record; expected at least one")
    if count:
        said = InputError(f"{path}: going on without {count:,} unusable record{'s' * (count > 1)}\n{bad.listed(path)}")
        print(said, file=sys.stderr)
    records.skipped = bad.places.lines
    return records


def _record(value: dict | Problem, pool: Pool) -> Record | Problem:
    """Return an entry's record, or the problem with the entry."""
    if isinstance(value, Problem):
        return value
    instruction, given, output = value.get(pool.instruction), value.get(pool.input, ""), value.get(pool.output)
    if type(instruction) is type(given) is type(output) is str and instruction.strip() and output.strip():
        return Record(instruction, given, output)  # nearly every entry; the lines below explain the others
    texts = {}
    for role, name in zip(ROLES, pool.fields, strict=True):
        problem = _problem(value, role, pool)
        if problem:
            return problem
        texts[role] = value.get(name) or ""
    return Record(**texts)


def _problem(value: dict, role: str, pool: Pool) -> Problem | None:
    """Say what is wrong with the instruction, input or output of an entry; None if nothing is."""
    name = getattr(pool, role)
    text = value.get(name)
    if text is None and role == "input":
        return None
    if name not in value:
        has = ", ".join(quoted(key, 30) for key in list(value)[:8]) or "no field"
        return Problem(f"no field {quoted(name)} (it has {has})", f"text there: {_naming(value, pool)}")
    if not isinstance(text, str):
        return Problem(f"{quoted(text)} in {quoted(name)}", "text there")
    if role == "instruction" or (role == "output" and not pool.empty_output):
        return None if text.strip() else Problem(f"an empty {quoted(name)}", "text there")
    return None


def _naming(value: dict, pool: Pool) -> str:
    """Say how to name a pool's fields, for an entry that lacks some of them."""
    missing = [role for role in ROLES if getattr(pool, role) not in value and role != "input"]
    flags = [
        f"{role}={'NAME' if role in missing else quoted(name)[1:-1]}"
        for role, name in zip(ROLES, pool.fields, strict=True)
        if role in missing or name != role
    ]
    return f"--pool {pool.name}=FILE --fields {','.join(flags)} names them, or a row in {TABLE_FILE}"


def require_content(pool: Pool, path: Path) -> None:
    """Raise NotHereError, which says how to get the file, if the pool's file is missing or a Git LFS pointer."""
    if not path.is_file():
        ways = _ways_on(pool) if pool.hub else ""
        raise NotHereError(f"{path}: found {found_instead(path)}; expected the pool {pool.name!r}{ways}")
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
