"""Pools: the table of those the study uses, a user's own, and reading them into records.

A pool is a file of instruction data under a study root. Only this module knows what its fields are called;
everybody else sees ``Record``. As a command it lists the pools of a study root and downloads the study's:

    python -m instruction_data.pools list
    python -m instruction_data.pools fetch oss math
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import tomllib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import orjson

from instruction_data import control_tokens, formats, names
from instruction_data.errors import InputError, printable, quoted
from instruction_data.manifests import file_sha256

TABLE_FILE = "pools.toml"  # under the study root: the user's own rows
TABLE_BYTES = 1 << 20  # at most
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
WAYS_WITH_BAD = """
Mend them, or go on without them with --skip-bad; empty outputs that are meant: empty_output = true in pools.toml."""
PROBLEMS_SHOWN = 100  # bad records listed one by one; of those beyond, the line numbers
RANGES_SHOWN = 10_000  # of these
GIVEN_UP = 1_000_000  # bad records: such a file is no pool
SPOOLED_AT_ONCE = 512  # records joined in memory for one write


class NotHereError(InputError):
    """The pool's file is missing or a Git LFS pointer."""


@dataclass(frozen=True)
class Pool:
    """One row of the table of pools."""

    name: str
    path: str  # below the study root, or absolute
    instruction: str = "instruction"  # names of the fields
    input: str = "input"  # may be absent from a record
    output: str = "output"
    domain: str = "code"
    empty_output: bool = False  # whether a record may have an empty output
    records: int | None = None  # as published
    known: dict[str, str] = field(default_factory=dict)  # SHA-256 of files of this pool -> what that file is
    hub: str | None = None  # where `fetch` finds it: data set on the Hugging Face hub,
    revision: str | None = None  # its commit there,
    hub_file: str | None = None  # its file there

    @property
    def label(self) -> str:
        """The pool's name as it stands in split names."""
        return self.name.upper()

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.instruction, self.input, self.output

    def file(self, root: Path) -> Path:
        try:
            path = root / Path(self.path).expanduser()
            path.is_file()  # nobody's home, or a name that is too long or not to be looked at
        except (OSError, RuntimeError) as error:
            found = f"pool {self.name!r}: found the path {quoted(self.path)}"
            raise InputError(f"{found}; expected one that can be read ({quoted(str(error), 200)})") from error
        return path


# Names, forms, counts and checksums: PROTOCOL of the study and the data sets' public cards. Revisions are the commits
# of the data sets' main branches; that of `oss` could not be verified, so its content is pinned by its checksum alone.
STUDY_POOLS = (
    Pool(
        name="evol",
        path="Datas/data-evol_instruct-decontaminated.jsonl",
        output="response",
        records=111_183,
        known={
            "99d8bab4c443050e5bb4bc339f709de8bcccf81cb83e15ef8d53369c5d8dc495": "the public file",
            "12e2d79f5b37e06f97e077c2d1e56cc68b7bd0238b6f36e4f9c95ce8df9010e1": "the study's smaller later revision",
        },
        hub="ise-uiuc/Magicoder-Evol-Instruct-110K",
        revision="b0079beaa0361d82412520b873715bee59cc7dd4",
        hub_file="data-evol_instruct-decontaminated.jsonl",
    ),
    Pool(
        name="oss",
        path="Datas/data-oss_instruct-decontaminated.jsonl",
        instruction="problem",
        output="solution",
        records=75_197,
        known={"f988f14d3516a9f958eeea310f63903727c6d3463bc9cb435288b6ca4bb09cf9": "the public file"},
        hub="ise-uiuc/Magicoder-OSS-Instruct-75K",
        revision="main",
        hub_file="data-oss_instruct-decontaminated.jsonl",
    ),
    Pool(
        name="math",
        path="Datas/MathInstruct.json",
        domain="math",
        records=262_039,
        known={"15b8be9824c31d619078f43baf67f7243c53f475ae4de5f8346b6d3ea9c269dd": "the public file"},
        hub="TIGER-Lab/MathInstruct",
        revision="b4fdc323a7be1379c9c7c0b67b1de72dfee2111a",
        hub_file="MathInstruct.json",
    ),
    Pool(
        name="general",
        path="Datas/alpaca.jsonl",
        domain="general",
        empty_output=True,  # some records of the public data have none (data card of yahma/alpaca-cleaned)
        records=52_002,
        known={"0b95d30aff52212dfd7ae0736126f5e75ecb64e7fa9d34e96ab5ec9c3fffea12": "the study's conversion"},
        hub="tatsu-lab/alpaca",
        revision="dce01c9b08f87459cf36a430d809084718273017",
        hub_file="data/train-00000-of-00001-a09b74b3ef9c3b56.parquet",
    ),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One training example, whatever its pool called the fields."""

    instruction: str
    input: str
    output: str

    def canonical(self) -> bytes:
        """The record as compact UTF-8 JSON: its identity, and the form in which it is published.

        Raises:
            orjson.JSONEncodeError: the text holds half a surrogate pair, which UTF-8 cannot carry.
        """
        return orjson.dumps({"instruction": self.instruction, "input": self.input, "output": self.output})


class Records(Sequence[Record]):
    """The usable records of one pool file, in its order.

    Texts lie in an unnamed temporary file and are read when asked for; memory holds, per record, its place there,
    its row and its hash.

    Attributes:
        pool: the row of the table it was read by.
        sha256: of the pool file, in hex.
        rows: int64 ``[n]``, the position of each record among all entries of the file, from 0.
        hashes: list of ``n`` SHA-256 (hex) of the canonical records.
        skipped: the lines of the entries that were left out as unusable; in Parquet the rows, from 1.
        control_tokens: position -> the control tokens of chat templates in that record.
        neutralised: whether such tokens were broken up when it was read.
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
        """Record ``index`` as compact JSON."""
        start, end = self._ends[index], self._ends[index + 1]
        if self._unwritten:
            self._flush()
        return os.pread(self._file, end - start, start)

    def __getitem__(self, index: int) -> Record:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return Record(**orjson.loads(self.canonical(index % len(self))))

    def texts(self, name: str) -> list[str]:
        """The ``instruction``, ``input`` or ``output`` of every record."""
        return [getattr(record, name) for record in self]

    def describe(self, root: Path) -> dict:
        """What a manifest says of this pool."""
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


def table(root: Path) -> dict[str, Pool]:
    """The study's pools and those of ``root/pools.toml``, by name; a row of the file goes before the study's.

    Raises:
        InputError: the file is not TOML or a row is not of the form the README gives.
    """
    pools = {pool.name: pool for pool in STUDY_POOLS}
    path = root / TABLE_FILE
    if not path.exists():
        return pools
    if path.stat().st_size > TABLE_BYTES:
        raise InputError(f"{path}: found {path.stat().st_size:,} bytes; expected at most {TABLE_BYTES:,}")
    try:
        rows = tomllib.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number of too many digits; nested too deep
        raise InputError(f"{path}: found {error}; expected TOML with one [name] section a pool") from error
    own = [_row_pool(path, name, row) for name, row in rows.items()]
    if len({pool.name for pool in own}) < len(own):
        raise InputError(f"{path}: found two sections whose names differ in case alone; expected different names")
    return pools | {pool.name: pool for pool in own}


def _row_pool(path: Path, name: str, row: object) -> Pool:
    allowed = {"path": str, "instruction": str, "input": str, "output": str, "domain": str, "empty_output": bool}
    if not isinstance(row, dict) or "path" not in row:
        raise InputError(f'{path}: [{name[:60]}]: found no path; expected a section with at least path = "…"')
    for key, value in row.items():
        if key not in allowed:
            raise InputError(f"{path}: [{name[:60]}]: found {quoted(key)}; expected one of {', '.join(allowed)}")
        if not isinstance(value, allowed[key]):
            raise InputError(f"{path}: [{name[:60]}] {key}: found {quoted(value)}; expected a {allowed[key].__name__}")
    try:
        return Pool(name=checked_name(name), **row)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def checked_name(name: str) -> str:
    """``name`` in lower case if it can be part of file names and of LLaMA-Factory's data set names."""
    if not NAME.fullmatch(name.lower()):
        raise InputError(
            f"pool name: found {quoted(name)}; expected up to 40 letters, digits, '-' or '_', a letter or digit first"
        )
    if names.reserved(name):
        raise InputError(f"pool name: found {quoted(name)}, a device on Windows; expected another name")
    return name.lower()


def select(known: dict[str, Pool], choice: str, field_names: dict[str, str]) -> Pool:
    """The pool that a ``--pool`` flag means: NAME of a known one, or NAME=PATH.

    Args:
        known: the table of pools.
        choice: the flag's value.
        field_names: ``instruction``, ``input``, ``output`` -> the field's name in the file, for NAME=PATH.
    """
    name, separator, path = choice.partition("=")
    name = checked_name(name)
    if separator:
        return Pool(name=name, path=str(Path(path).expanduser().absolute()), **field_names)
    if name not in known:
        raise InputError(
            f"--pool {name}: no such pool; known are {', '.join(known)}. "
            f"A pool of your own: --pool {name}=PATH, or a row in {TABLE_FILE} under the study root"
        )
    return known[name]


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
        self.why: list[formats.Problem] = []
        self.ended = False  # whether nothing behind the last could be read

    def append(self, line: int, why: formats.Problem) -> None:
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


def _limited(entries: Iterable[formats.Entry], limit: int | None) -> Iterator[formats.Entry]:
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
    if isinstance(value, formats.Problem):
        return value
    instruction, given, output = value.get(pool.instruction), value.get(pool.input, ""), value.get(pool.output)
    if type(instruction) is type(given) is type(output) is str and _says(instruction) and _says(output):
        return Record(instruction, given, output)  # nearly all; what follows finds out about the others
    texts = {}
    for name in ("instruction", "input", "output"):
        text = _text(value, getattr(pool, name), optional=name == "input", empty=pool.empty_output and name == "output")
        if isinstance(text, formats.Problem):
            return text
        texts[name] = text
    return Record(**texts)


def _text(value: dict, name: str, *, optional: bool, empty: bool) -> "str | formats.Problem":
    text = value.get(name)
    if text is None and optional:
        return ""
    if name not in value:
        has = ", ".join(quoted(key, 30) for key in list(value)[:8]) or "no field"
        return formats.Problem(
            f"no field {quoted(name)} (it has {has})", "text there (other names: --fields, or a row in pools.toml)"
        )
    if not isinstance(text, str):
        return formats.Problem(f"{quoted(text)} in {quoted(name)}", "text there")
    if not (optional or empty or _says(text)):
        return formats.Problem(f"an empty {quoted(name)}", "text there")
    return text


def _says(text: str) -> bool:
    return bool(text) and not text.isspace()


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can carry the text: names of files need not be in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _not_unicode(record: Record, pool: Pool) -> formats.Problem:
    """Which field UTF-8 cannot carry, of a record that has one: it holds half of a surrogate pair."""
    for name in ("instruction", "input", "output"):
        try:
            getattr(record, name).encode()
        except UnicodeEncodeError:
            field = quoted(getattr(pool, name))
            return formats.Problem(f"invalid UTF-8 or half a surrogate pair in {field}", "valid Unicode text")
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


def main(argv: list[str] | None = None) -> int:
    from instruction_data import command, hub

    parser = argparse.ArgumentParser(prog="python -m instruction_data.pools", description=__doc__.split("\n\n")[0])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the pools of a study root: file, domain, state")
    fetching = actions.add_parser("fetch", help="download the study's pools from the Hugging Face hub")
    fetching.add_argument("pools", nargs="*", metavar="POOL", help="which (default: all that are not here)")
    fetching.add_argument("--overwrite", action="store_true", help="replace a file that is not the published one")
    for sub in (listing, fetching):
        sub.add_argument("--root", type=Path, default=command.REPOSITORY, help="study root (default: the repository)")
    options = parser.parse_args(argv)
    if options.action == "list":
        print_table(options.root)
    else:
        hub.fetch(options.pools, options.root, overwrite=options.overwrite)
    return 0


def print_table(root: Path) -> None:
    """Print every pool of a study root with its domain, state and file."""
    if not root.is_dir():
        raise InputError(f"--root {root}: found no such folder; expected a study root with a Datas folder")
    print(f"{'pool':<12} {'domain':<8} {'state':<28} file")
    for pool in table(root).values():
        path = pool.file(root)
        if not path.is_file():
            state = "missing"
        elif pointer := formats.pointer_of(path):
            size = f"{int(pointer['size']) / 1e6:,.0f}" if pointer["size"].isdecimal() else "?"
            state = f"Git LFS pointer, {size} MB"
        else:
            state = f"{path.stat().st_size / 1e6:,.1f} MB"
        print(f"{pool.name:<12} {printable(pool.domain):<8} {state:<28} {printable(pool.path)}")


if __name__ == "__main__":
    from instruction_data import command

    sys.exit(command.run(main))
