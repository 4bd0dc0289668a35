"""The distinct records behind the splits of a study root, and the published numbers of each, read from the manifests.

Splits share most of their records, so everything is kept once per distinct record and looked up for every split. The
SHA-256 of the canonical form tells records apart. Texts stay in files; memory holds hashes and numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats, parquet
from instruction_data.files.atomic import file_sha256
from instruction_data.pools import reading
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import known_pools
from instruction_data.publish import manifests
from instruction_data.publish.record_tables import Column, declared, spread
from instruction_data.publish.split import checked, read_split

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Set:
    """A set: one pool's splits, as one manifest describes them.

    Attributes:
        members: split -> int64 numbers of distinct records, in the order of its file.
        columns: the declared columns of its table of scores by name, without notes; values by distinct record.
    """

    name: str
    manifest: Mapping
    members: Mapping[str, np.ndarray]
    columns: Mapping[str, Column]

    @property
    def question(self) -> str:
        return self.manifest["question"]

    @property
    def pool(self) -> str:
        return self.manifest["pool"]

    @property
    def derived(self) -> bool:
        """Whether the set was made from a split of another set, as controls are."""
        return bool(manifests.derived_as(self.manifest))

    @property
    def properties(self) -> dict[str, np.ndarray]:
        """The numeric columns, by which the set's splits were made: name -> float64 ``[n]``."""
        return {name: column.values for name, column in self.columns.items() if column.kind != "word"}

    @property
    def contrast(self) -> tuple[str, str] | None:
        """The two splits farthest apart in the first primary contrast: least dose, greatest dose.

        A designed experiment has no two ends: every one of its splits is at some end of every factor.
        """
        for one in self.manifest["contrasts"]:
            doses = {name: dose for name, dose in one["doses"].items() if name in self.members}
            if len(doses) > 1 and one["kind"] != "factor":
                return min(doses, key=doses.get), max(doses, key=doses.get)
        return None


@dataclass
class Inventory:
    """Every distinct record of a study root.

    Attributes:
        hashes: the SHA-256 of each record, in the order in which the manifests first name them.
        sets: the sets of splits, in the order of their manifests' paths.
        pools: pool -> numbers of the distinct records behind its rows, in pool order.
        columns: everything published about single records, by name. Numbers and flags are float64 ``[n]``, NaN where
            missing; words are object ``[n]``, None where missing.
        known: bool ``[n]``, whether the text is at hand.
        sources: manifest -> SHA-256.
        notes: sentences about what could not be read.
    """

    root: Path
    hashes: list[str] = field(default_factory=list)
    sets: list[Set] = field(default_factory=list)
    pools: dict[str, np.ndarray] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _texts: dict[int, tuple[Records, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def known(self) -> np.ndarray:
        found = np.zeros(len(self), dtype=bool)
        found[list(self._texts)] = True
        return found

    def record(self, number: int) -> Record:
        records, position = self._texts[number]
        return records[position]

    def records(self, numbers: Iterable[int]) -> Iterator[Record]:
        return (self.record(int(number)) for number in numbers)

    def numbers(self, hashes: Iterable[str]) -> np.ndarray:
        """Return the number of each hash; give new hashes the next numbers."""
        result = []
        for sha256 in hashes:
            number = self._numbers.setdefault(sha256, len(self._numbers))
            if number == len(self.hashes):
                self.hashes.append(sha256)
            result.append(number)
        return np.array(result, dtype=np.int64)

    def splits(self) -> Iterator[tuple[str, Set, np.ndarray]]:
        for one in self.sets:
            for name, members in one.members.items():
                yield name, one, members

    def take_texts(self, records: Records) -> None:
        """Keep the texts of the distinct records that are among ``records``."""
        for position, sha256 in enumerate(records.hashes):
            number = self._numbers.get(sha256)
            if number is not None and number not in self._texts:
                self._texts[number] = (records, position)


def read(root: Path, spool_folder: Path | None = None) -> Inventory:
    """Read everything that the manifests of a study root name, with the texts.

    Raises:
        InputError: there is no split, or a table or split differs from its manifest.
    """
    found = Inventory(root)
    manifests.all_splits(root)  # refuses a name that stands twice
    tables = []
    for path, manifest in manifests.every(root):
        found.sources[path.relative_to(root).as_posix()] = file_sha256(path)
        if manifest["splits"]:
            tables.append((path, manifest, _scores(root, path, manifest)))
    if not tables:
        raise manifests.lacking(root)
    for _, _, table in tables:
        found.numbers(table["record_sha256"])
    made_from = {split["file"] for _, manifest, _ in tables for split in manifest["splits"].values()}
    for path, manifest, table in tables:
        _add_set(found, path, manifest, table)
        _add_pools(found, manifest, table, made_from)
    for path, manifest in manifests.every(root):
        for file, entry in manifest["files"].items():
            if entry.get("columns") and file.endswith(".parquet"):
                _add_columns(found, path, file, entry)
    _read_pools(found, [manifest for _, manifest, _ in tables], made_from, spool_folder)
    _read_splits(found, [manifest for _, manifest, _ in tables], spool_folder)
    missing = len(found) - int(found.known.sum())
    if missing:
        found.notes.append(
            f"The texts of {missing:,} records in no split are not at hand: their pool is not under the root."
        )
    return found


def scores_file(root: Path, path: Path, manifest: Mapping) -> Path:
    """Return the table that says which records are in the splits of a set.

    Args:
        path: of the manifest.

    Raises:
        InputError: the set has no such table, or the table differs from the manifest.
    """
    names = [name for name in manifest["files"] if name.endswith("_scores.parquet")]
    if len(names) != 1:
        raise InputError(f"{path}: found {len(names)} tables of scores; expected one, as the scripts write it")
    return checked(root, names[0], manifest["files"][names[0]]["sha256"])


def _scores(root: Path, path: Path, manifest: Mapping):
    """Read the scores table of a set as a pandas DataFrame."""
    place = scores_file(root, path, manifest)
    table = parquet.table(place, {"pool": "O", "row": "iu", "record_sha256": "O"})
    missing = [name for name in ("pool", "row", "record_sha256", *manifest["splits"]) if name not in table]
    if missing:
        raise InputError(f"{place}: found no column {missing[0]}; expected one, as the scripts write it")
    return table


def _add_set(found: Inventory, path: Path, manifest: Mapping, table) -> None:
    numbers = found.numbers(table["record_sha256"])
    members = {}
    for name, split in manifest["splits"].items():
        there = table[name].notna().to_numpy()
        places = table[name][there].to_numpy(dtype=np.int64)
        if sorted(places.tolist()) != list(range(split["records"])):
            raise InputError(
                f"{path}: found {len(places):,} places of {name} in its scores; expected {split['records']:,} records"
            )
        members[name] = numbers[there][np.argsort(places)]
    file = scores_file(found.root, path, manifest).relative_to(found.root).as_posix()
    declarations = manifest["files"][file].get("columns", {})
    columns = columns_in(found.root / file, table, declarations, numbers, len(found))
    found.sets.append(Set(path.name.removesuffix(manifests.SUFFIX), manifest, members, columns))


def columns_in(
    path: Path, table: "pandas.DataFrame", declarations: Mapping[str, Mapping], numbers: np.ndarray, n: int
) -> dict[str, Column]:
    """Return the declared columns of a table by name, without notes.

    Args:
        numbers: the number of the distinct record that each row is about.
        n: the count of distinct records.

    Raises:
        InputError: the table lacks a declared column, or has it in another kind.
    """
    result = {}
    for name, declaration in declarations.items():
        kind = declaration["kind"]
        if kind == "note":
            continue
        if name not in table or not (kind == "word" or _is_numeric(table[name])):
            raise InputError(
                f"{path}: found no column {quoted(name)} of kind {kind}; expected it, as its manifest says"
            )
        if kind == "word":
            values = np.full(n, None, dtype=object)
            words = table[name].to_numpy(dtype=object, na_value=None)
            values[numbers[::-1]] = words[::-1]
        else:
            values = spread(table[name].to_numpy(dtype=np.float64, na_value=np.nan), numbers, n)
        result[name] = declared(name, values, declaration)
    return result


def _is_numeric(column: "pandas.Series") -> bool:
    """Say whether a column holds numbers, or only true, false and missing values."""
    known = column.dropna()
    return column.dtype.kind in "fiub" or bool(known.map(lambda value: isinstance(value, bool | float)).all())


def _add_columns(found: Inventory, path: Path, file: str, entry: Mapping) -> None:
    """Add the declared columns of one published table to the known ones.

    Columns of one name that declare the same are merged. Otherwise the set's name is appended to the new column's.
    """
    place = checked(found.root, file, entry["sha256"])
    table = parquet.table(place, {"record_sha256": "O"})
    table = table[table["record_sha256"].isin(found._numbers)]
    numbers = found.numbers(table["record_sha256"])
    for name, column in columns_in(place, table, entry["columns"], numbers, len(found)).items():
        there = found.columns.get(name)
        if there is not None and _what(there) != _what(column):
            name = f"{name} ({path.name.removesuffix(manifests.SUFFIX)})"
            there = found.columns.get(name)
        found.columns[name] = column if there is None else merged(there, column)


def _what(column: Column) -> tuple[str, ...]:
    """Return what a column measures; different models may have made two columns that measure the same."""
    return tuple(column.declaration[part] for part in ("label", "unit", "kind", "trait"))


def merged(first: Column, second: Column) -> Column:
    """Return the first column, its missing values filled from the second."""
    missing = np.array([value is None for value in first.values]) if first.kind == "word" else np.isnan(first.values)
    return replace(first, values=np.where(missing, second.values, first.values))


def _add_pools(found: Inventory, manifest: Mapping, table, made_from: set[str]) -> None:
    """Add the pools of a set, except those that are published splits; keep the fullest reading of each."""
    for name, entry in manifest["pools"].items():
        rows = table["record_sha256"][table["pool"] == name]
        if entry["path"] not in made_from and len(rows) > len(found.pools.get(name, ())):
            found.pools[name] = found.numbers(rows)


def _read_pools(found: Inventory, described: Iterable[Mapping], made_from: set[str], spool_folder: Path | None) -> None:
    """Take texts from the pools' own files, as far as they are here.

    Raises:
        InputError: one is not, or no longer, what a manifest says.
    """
    table = known_pools(found.root)
    hashes: dict[Path, str] = {}
    for manifest in described:
        for name, entry in manifest["pools"].items():
            path = found.root / entry["path"]
            if path.is_dir():
                raise InputError(f"{path}: found a folder; expected the pool {name!r}")
            if entry["path"] in made_from or not path.is_file() or formats.pointer_of(path):
                continue
            first = path not in hashes
            hashes[path] = file_sha256(path) if first else hashes[path]
            _refuse_changed(path, name, hashes[path], entry["sha256"])
            if first and name in table:
                pool = replace(table[name], path=entry["path"])
                found.take_texts(reading.read(pool, found.root, skip_bad=True, spool_folder=spool_folder))


def _refuse_changed(path: Path, name: str, found: str, expected: str) -> None:
    if found != expected:
        raise InputError(
            f"{path}: found the pool {name!r} with SHA-256 {found[:8]}…; expected {quoted(expected, 10)}, of which "
            "splits were made: restore it, or make them again with --overwrite. `publish verify` lists all that differs"
        )


def _read_splits(found: Inventory, described: Iterable[Mapping], spool_folder: Path | None) -> None:
    """Check all split files, and take texts from them for records whose pool is not at hand or was read otherwise."""
    for manifest in described:
        for name, split in manifest["splits"].items():
            checked(found.root, split["file"], split["sha256"])
            (one,) = (one for one in found.sets if name in one.members)
            if not found.known[one.members[name]].all():
                found.take_texts(read_split(found.root, name, split, spool_folder))
