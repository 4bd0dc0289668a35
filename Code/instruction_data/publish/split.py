"""A split: rows of pools that become one training file, the form of the file, and its entry in a manifest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Problem
from instruction_data.files.places import require_file
from instruction_data.pools import control_tokens
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import Pool

SUMMARY_DIGITS = 9  # of a figure in a manifest: so few that the number of threads and the processor change none
WRITTEN_AT_ONCE = 1024  # records joined in memory for one write


@dataclass(frozen=True)
class Split:
    """A training set: positions into pools, in the order of the file.

    Attributes:
        parts: (records, int64 positions) one after another.
        summary: figures that tell this split from its siblings, the first the most telling.
    """

    name: str
    parts: Sequence[tuple[Records, np.ndarray]]
    summary: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(positions) for _, positions in self.parts)


def write_split(file: BinaryIO, split: Split) -> None:
    """Write a JSON array, one record a line. The canonical record has the Alpaca form: instruction, input, output."""
    separator = b"[\n"
    for records, positions in split.parts:
        for start in range(0, len(positions), WRITTEN_AT_ONCE):
            some = records.canonical(positions[start : start + WRITTEN_AT_ONCE])
            file.write(separator + b",\n".join(some))
            separator = b",\n"
    file.write(b"\n]\n")


def say_control_tokens(splits: Iterable[Split]) -> None:
    """Say which splits hold records with control tokens, which a trainer would not read as text; nothing if none."""
    said = []
    for split in splits:
        holding = [
            records.control_tokens[place]
            for records, places in split.parts
            for place in places[np.isin(places, [*records.control_tokens])].tolist()
        ]
        if holding:
            kinds = ", ".join(sorted({token for tokens in holding for token in tokens}))
            said.append(f"{split.name}: {len(holding):,} of {len(split):,} records hold control tokens: {kinds}")
    if said:
        print("\n".join(said))
        print(f"{control_tokens.MEANING} --neutralise-control-tokens breaks them up\n")


def described(split: Split, folder: str, sha256: str) -> dict:
    sources: dict[str, int] = {}
    for records, positions in split.parts:
        sources[records.pool.name] = sources.get(records.pool.name, 0) + len(positions)
    return {
        "file": f"{folder}/{split.name}.json",
        "sha256": sha256,
        "records": len(split),
        "sources": sources,
        "summary": {name: float(f"{value:.{SUMMARY_DIGITS}g}") for name, value in split.summary.items()},
    }


def checked(root: Path, file: str, sha256: str) -> Path:
    """Check that a published file is what its manifest says, and return its path.

    Raises:
        InputError: it is missing, a Git LFS pointer, or other than the manifest says.
    """
    path = root / file
    require_file(path, "expected a file, as its manifest lists it: run its script again")
    if formats.pointer_of(path):
        raise InputError(f"{path}:1: found a Git LFS pointer; expected its content: git lfs pull")
    found = file_sha256(path)
    if found != sha256:
        raise InputError(
            f"{path}: found other content than its manifest says, of SHA-256 {found}; expected {quoted(sha256, 70)}: "
            "make it again with --overwrite. `publish verify` lists all that differs"
        )
    return path


def read_split(root: Path, name: str, split: Mapping, spool_folder: Path | None = None) -> Records:
    """Read the records of a split file, in its order.

    Raises:
        InputError: the file is not what its manifest says.
    """
    path = checked(root, split["file"], split["sha256"])
    records = Records(Pool(name=name, path=split["file"]), split["sha256"], spool_folder)
    for row, entry in enumerate(formats.entries(path)):
        if isinstance(entry.value, Problem):
            raise InputError(f"{path}:{entry.line}: found {entry.value.found}; expected {entry.value.expected}")
        records.append(row, Record(**entry.value))
    return records
