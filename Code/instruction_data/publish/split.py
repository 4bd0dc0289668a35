"""A split: rows of pools that become one training file, the form of the file, and its entry in a manifest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from instruction_data.pools import control_tokens
from instruction_data.pools.records import Records

SUMMARY_DIGITS = 9  # of a figure in a manifest: so few that the number of threads and the processor change none
WRITTEN_AT_ONCE = 256  # records joined in memory for one write


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
            some = positions[start : start + WRITTEN_AT_ONCE].tolist()
            file.write(separator + b",\n".join([records.canonical(position) for position in some]))
            separator = b",\n"
    file.write(b"\n]\n")


def say_control_tokens(splits: Iterable[Split]) -> None:
    """Say which splits hold records with control tokens, which a trainer would not read as text; nothing if none."""
    said = []
    for split in splits:
        found = [records.control_tokens.get(place) for records, places in split.parts for place in places.tolist()]
        holding = [tokens for tokens in found if tokens]
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
