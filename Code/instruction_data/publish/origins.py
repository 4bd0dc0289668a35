"""Splits from which other splits are made: their files, their pools, and their records in the pools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruction_data.errors import InputError
from instruction_data.files import parquet
from instruction_data.pools.records import Records
from instruction_data.publish import inventory, manifests
from instruction_data.publish.question import REPEAT
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import checked


@dataclass(frozen=True)
class Origin:
    """A published split and the manifest of its set."""

    name: str
    path: Path
    manifest: Mapping

    @property
    def file(self) -> str:
        return self.manifest["splits"][self.name]["file"]

    @property
    def folder(self) -> str:
        return Path(self.file).parent.as_posix()

    @property
    def sources(self) -> dict[str, int]:
        """The number of records from each pool, the code pool first: pool -> number."""
        return self.manifest["splits"][self.name]["sources"]

    @property
    def derived(self) -> str:
        """The kind of split, if it was made from another split; empty if a question made it from a pool."""
        return manifests.derived_as(self.manifest)

    @property
    def is_repeat(self) -> bool:
        """Whether the split is a repeated draw of another split of its set."""
        plain = REPEAT.sub("", self.name)
        return plain != self.name and plain in self.manifest["splits"]

    def changed(self, found: str, expected: str) -> InputError:
        """Return the error about something that has changed since the split was made."""
        return InputError(
            f"{self.name}: found {found}; expected {expected}, as it was when the split was made: make the split again "
            f"with --overwrite ({self.manifest['command']})"
        )


def every(root: Path) -> list[Origin]:
    """Return every published split of a study root."""
    return [Origin(name, path, manifest) for path, manifest in manifests.every(root) for name in manifest["splits"]]


def members(root: Path, origin: Origin, sources: Sequence[Records]) -> list[np.ndarray]:
    """Return the positions of a split's records in each of its pools, joined by row and checked by hash.

    Raises:
        InputError: the split or its table of scores is not as the manifest says, or the pools lack a record.
    """
    checked(root, origin.file, origin.manifest["splits"][origin.name]["sha256"])
    path = inventory.scores_file(root, origin.path, origin.manifest)
    table = parquet.table(path, {"pool": "O", "row": "iu", "record_sha256": "O", origin.name: "iu"})
    table = table[table[origin.name].notna()]
    result = []
    for records in sources:
        own = table[table["pool"] == records.pool.name].sort_values(origin.name)
        place = {row: position for position, row in enumerate(records.rows.tolist())}
        positions = [place.get(row, -1) for row in own["row"].tolist()]
        for position, row, sha256 in zip(positions, own["row"], own["record_sha256"], strict=True):
            if position < 0 or records.hashes[position] != sha256:
                raise origin.changed(f"another record in row {row} of the pool {records.pool.name!r}", sha256)
        result.append(np.array(positions, dtype=np.int64))
    expected = origin.manifest["splits"][origin.name]["records"]
    if sum(map(len, result)) != expected:
        raise InputError(f"{path}: found {sum(map(len, result)):,} records of {origin.name}; expected {expected:,}")
    return result


@dataclass(frozen=True)
class PoolColumn:
    """A published column with one value per record of a pool as it was read, and the column's file."""

    column: Column
    path: Path
    models: Mapping[str, Mapping]


def published_columns(root: Path, records: Records) -> dict[str, PoolColumn]:
    """Return the published columns of a pool's records, by name, each from the first table that has all the records.

    Tables that lack some, since they were made from another reading of the pool, are passed over.

    Raises:
        InputError: a table differs from its manifest.
    """
    found: dict[str, PoolColumn] = {}
    for _, manifest in manifests.every(root):
        for file, entry in manifest["files"].items():
            wanted = {name: one for name, one in entry.get("columns", {}).items() if one["kind"] != "note"}
            if (
                manifest["pool"] != records.pool.name
                or not wanted.keys() - found.keys()
                or manifests.derived_as(manifest)
            ):
                continue
            path = checked(root, file, entry["sha256"])
            table = parquet.table(path, {"row": "iu", "record_sha256": "O"}).drop_duplicates("record_sha256")
            numbers = {sha256: number for number, sha256 in enumerate(records.hashes)}
            table = table[table["record_sha256"].isin(numbers)]
            at = table["record_sha256"].map(numbers).to_numpy(dtype=np.int64)
            if len(at) < len(numbers):
                continue  # made from another, smaller reading of the pool
            columns = inventory.columns_in(path, table, wanted, at, len(records))
            first = np.array([numbers[sha256] for sha256 in records.hashes], dtype=np.int64)
            for name, column in columns.items():
                spread = Column(**{**vars(column), "values": column.values[first]})
                found.setdefault(name, PoolColumn(spread, path, manifest["models"]))
    return found
