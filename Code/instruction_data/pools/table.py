"""The table of pools: the study's pools, and a user's own rows in ``pools.toml``."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import names
from instruction_data.files.places import require_file

TABLE_FILE = "pools.toml"  # under the study root: the user's own rows
TABLE_BYTES = 1 << 20  # at most
ROW_TEXTS = ("instruction", "input", "output", "domain", "licence")  # of a row beside its path
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


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
    licence: str = ""  # under which its records may be passed on (an SPDX name or a URL); empty where none is known
    records: int | None = None  # as published
    known: dict[str, str] = field(default_factory=dict)  # SHA-256 of files of this pool -> what that file is
    hub: str | None = None  # for `fetch`: the data set on the Hugging Face hub,
    revision: str | None = None  # its commit there,
    hub_file: str | None = None  # its file there

    @property
    def label(self) -> str:
        """The pool's name in split names."""
        return self.name.upper()

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.instruction, self.input, self.output

    def described(self, root: Path) -> str:
        """Return the place of its file as manifests give it: below the study root, or the file's name alone."""
        file, top = self.file(root).resolve(), root.resolve()
        return file.relative_to(top).as_posix() if file.is_relative_to(top) else file.name

    def file(self, root: Path) -> Path:
        try:
            path = root / Path(self.path).expanduser()
            path.is_file()  # an unknown user's home folder, or a path too long or not allowed to be looked up
        except (OSError, RuntimeError) as error:
            found = f"pool {self.name!r}: found the path {quoted(self.path)}"
            raise InputError(f"{found}; expected one that can be read ({quoted(str(error), 200)})") from error
        return path


# Names, forms, counts, licences and checksums come from the study's protocol and the data sets' public cards. Revisions
# are the commits of the main branches; that of `oss` could not be verified, so its checksum alone pins its content.
STUDY_POOLS = (
    Pool(
        name="evol",
        path="Datas/data-evol_instruct-decontaminated.jsonl",
        output="response",
        licence="Apache-2.0",
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
        licence="MIT",
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
        licence="MIT",
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
        empty_output=True,  # some public records have no output (data card of yahma/alpaca-cleaned)
        licence="CC-BY-NC-4.0",
        records=52_002,
        known={"0b95d30aff52212dfd7ae0736126f5e75ecb64e7fa9d34e96ab5ec9c3fffea12": "the study's conversion"},
        hub="tatsu-lab/alpaca",
        revision="dce01c9b08f87459cf36a430d809084718273017",
        hub_file="data/train-00000-of-00001-a09b74b3ef9c3b56.parquet",
    ),
)


def borrowed_name(pool: Pool, root: Path) -> str:
    """Return a note if a file other than the study's bears the name of one of its pools; else the empty string."""
    study = next((other for other in STUDY_POOLS if other.name == pool.name), None)
    if study is None or pool.file(root).absolute() == study.file(root).absolute():
        return ""
    read_from = f"note: the pool {pool.name!r} is read from {printable(pool.path)}, not from the study's file"
    return f"{read_from}; splits will bear its name"


def known_pools(root: Path) -> dict[str, Pool]:
    """Return the study's pools and those of ``root/pools.toml``, by name; a row of the file replaces the study's.

    Raises:
        InputError: the file is not TOML or a row is not of the form that docs/pools.md gives.
    """
    pools = {pool.name: pool for pool in STUDY_POOLS}
    path = root / TABLE_FILE
    if not path.exists():
        return pools
    require_file(path, "expected TOML with one [name] section a pool")
    if path.stat().st_size > TABLE_BYTES:
        raise InputError(f"{path}: found {path.stat().st_size:,} bytes; expected at most {TABLE_BYTES:,}")
    try:
        rows = tomllib.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number too long; nested too deep
        raise InputError(f"{path}: found {error}; expected TOML with one [name] section a pool") from error
    own = [_row_pool(path, name, row) for name, row in rows.items()]
    if len({pool.name for pool in own}) < len(own):
        raise InputError(f"{path}: found two sections whose names differ in case alone; expected different names")
    return pools | {pool.name: pool for pool in own}


def _row_pool(path: Path, name: str, row: object) -> Pool:
    texts = dict.fromkeys(("path", *ROW_TEXTS), str)
    allowed = texts | {"empty_output": bool}
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
    """Return ``name`` in lower case, if it can be part of file names and of LLaMA-Factory's data set names.

    Raises:
        InputError: it cannot.
    """
    if not NAME.fullmatch(name.lower()):
        raise InputError(
            f"pool name: found {quoted(name)}; expected up to 40 letters, digits, '-' or '_', a letter or digit first"
        )
    if names.reserved(name):
        raise InputError(f"pool name: found {quoted(name)}, a device on Windows; expected another name")
    return name.lower()


def chosen_pool(known: dict[str, Pool], choice: str, field_names: dict[str, str]) -> Pool:
    """Return the pool that a ``--pool`` flag means.

    Args:
        known: the table of pools.
        choice: the flag's value, the NAME of a known pool or NAME=PATH.
        field_names: ``instruction``, ``input``, ``output`` -> the field's name in the file, for NAME=PATH.

    Raises:
        InputError: the name is not allowed for a pool, or is not in the table.
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
