"""The distinct records behind the splits of a study root, learned from its manifests.

Splits share most of their records, so whatever is measured is measured once per distinct record (told apart by the
SHA-256 of the canonical form) and then looked up for every split. Texts stay in files; memory holds hashes and numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from instruction_data.errors import InputError
from instruction_data.files import formats, parquet
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Problem
from instruction_data.pools import reading
from instruction_data.pools.records import Record, Records
from instruction_data.pools.table import Pool, known_pools
from instruction_data.publish import manifests

CATEGORY_STEM = "_instruct_with_category"
_NO_NUMBER = ("pool", "row", "record_sha256", "tier", "category", "similarity_to_others")


@dataclass(frozen=True)
class Set:
    """What one manifest says of one pool's splits.

    Attributes:
        members: split -> int64 numbers of distinct records, in the order of its file.
        properties: column of the scores table -> float64 ``[n]``, a number per distinct record, NaN where there is
            none. These are what the set's splits were made by.
        columns: every column of the scores table that is not a split.
    """

    name: str
    manifest: Mapping
    members: Mapping[str, np.ndarray]
    properties: Mapping[str, np.ndarray]
    columns: tuple[str, ...]

    @property
    def question(self) -> str:
        return self.manifest["question"]

    @property
    def pool(self) -> str:
        return self.manifest["pool"]


@dataclass
class Inventory:
    """Every distinct record of a study root.

    Attributes:
        hashes: SHA-256 of each, in the order in which the manifests first name them.
        sets: the sets of splits, in the order of their manifests' paths.
        pools: pool -> numbers of the distinct records behind its rows, in pool order.
        categories: category -> float64 ``[n]``, similarity of each record to it, NaN where there is none.
        known: bool ``[n]``, whether the text is at hand.
        sources: manifest -> SHA-256.
        notes: what could not be read, in sentences.
    """

    root: Path
    hashes: list[str] = field(default_factory=list)
    sets: list[Set] = field(default_factory=list)
    pools: dict[str, np.ndarray] = field(default_factory=dict)
    categories: dict[str, np.ndarray] = field(default_factory=dict)
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
        """The number of each hash; hashes not seen before get the next ones."""
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
        """Have the texts of those distinct records that are among ``records``."""
        for position, sha256 in enumerate(records.hashes):
            number = self._numbers.get(sha256)
            if number is not None and number not in self._texts:
                self._texts[number] = (records, position)


def read(root: Path, spool_folder: Path | None = None) -> Inventory:
    """Everything the manifests of a study root know of, with the texts.

    Raises:
        InputError: there is no split, or a table or split is not what its manifest says.
    """
    found = Inventory(root)
    manifests.all_splits(root)  # no name twice
    tables = []
    for path, manifest in manifests.every(root):
        found.sources[path.relative_to(root).as_posix()] = file_sha256(path)
        if manifest["splits"]:
            tables.append((path, manifest, _scores(root, path, manifest)))
    if not tables:
        raise InputError(f"{root}: found no published split; run a script of Code/RQ1 … RQ4 first")
    for _, _, table in tables:
        found.numbers(table["record_sha256"])
    made_from = {split["file"] for _, manifest, _ in tables for split in manifest["splits"].values()}
    for path, manifest, table in tables:
        _add_set(found, path, manifest, table)
        _add_pools(found, manifest, table, made_from)
    for path, manifest in manifests.every(root):
        if path.name.endswith(f"{CATEGORY_STEM}{manifests.SUFFIX}"):
            _add_categories(found, manifest)
    _read_pools(found, [manifest for _, manifest, _ in tables], spool_folder)
    _read_splits(found, [manifest for _, manifest, _ in tables], spool_folder)
    missing = len(found) - int(found.known.sum())
    if missing:
        found.notes.append(
            f"The texts of {missing:,} records in no split are not at hand: their pool is not under the root."
        )
    return found


def checked(root: Path, file: str, sha256: str) -> Path:
    """The path of a published file, having looked that it is what its manifest says.

    Raises:
        InputError: it is missing, a Git LFS pointer, or other than the manifest says.
    """
    path = root / file
    if not path.is_file():
        raise InputError(f"{path}: found no such file; expected it, as its manifest lists it: run its script again")
    if formats.pointer_of(path):
        raise InputError(f"{path}:1: found a Git LFS pointer; expected its content: git lfs pull")
    if file_sha256(path) != sha256:
        raise InputError(f"{path}: found other content than its manifest says; `publish verify` tells more")
    return path


def scores_file(root: Path, path: Path, manifest: Mapping) -> Path:
    """The table that says which records are in the splits of a set.

    Args:
        path: of the manifest.

    Raises:
        InputError: the set has none, or it is not as its manifest says.
    """
    names = [name for name in manifest["files"] if name.endswith("_scores.parquet")]
    if len(names) != 1:
        raise InputError(f"{path}: found {len(names)} tables of scores; expected one, as the scripts write it")
    return checked(root, names[0], manifest["files"][names[0]]["sha256"])


def _scores(root: Path, path: Path, manifest: Mapping):
    """The scores table of a set, as a pandas DataFrame."""
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
    columns = [str(name) for name in table.columns if name not in manifest["splits"]]
    properties = {}
    for name in columns:
        wanted = name not in _NO_NUMBER and not name.startswith("logit_") and not name.endswith("_cut")
        if wanted and (table[name].dtype.kind in "fiub" or _is_flag(table[name])):
            properties[name] = spread(table[name].to_numpy(dtype=np.float64, na_value=np.nan), numbers, len(found))
    name = path.name.removesuffix(manifests.SUFFIX)
    found.sets.append(Set(name, manifest, members, properties, tuple(columns)))


def _is_flag(column) -> bool:
    """Whether a column of mixed type holds nothing but true, false and missing values."""
    return column.dtype.kind == "O" and bool(column.dropna().map(lambda value: isinstance(value, bool)).all())


def spread(values: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """float64 ``[n]``: each record's first known value, NaN where there is none."""
    result = np.full(n, np.nan)
    result[numbers[::-1]] = values[::-1]
    return result


def _add_pools(found: Inventory, manifest: Mapping, table, made_from: set[str]) -> None:
    """The pools of a set, unless they are themselves published splits; the fullest reading of each is kept."""
    for name, entry in manifest["pools"].items():
        rows = table["record_sha256"][table["pool"] == name]
        if entry["path"] not in made_from and len(rows) > len(found.pools.get(name, ())):
            found.pools[name] = found.numbers(rows)


def _add_categories(found: Inventory, manifest: Mapping) -> None:
    names = [name for name in manifest["files"] if name.endswith("_category_similarities.parquet")]
    for name in names:
        path = checked(found.root, name, manifest["files"][name]["sha256"])
        listed = manifest["settings"].get("categories")
        if not isinstance(listed, list | dict) or not all(isinstance(category, str) for category in listed):
            raise InputError(f"{path}: found no list of categories in its manifest; expected one: run its script again")
        table = parquet.table(path, {"record_sha256": "O", **dict.fromkeys(listed, "f")})
        table = table[table["record_sha256"].isin(found._numbers)]
        numbers = found.numbers(table["record_sha256"])
        for category in listed:
            values = spread(table[category].to_numpy(dtype=np.float64), numbers, len(found))
            there = found.categories.get(category, np.full(len(found), np.nan))
            found.categories[category] = np.where(np.isnan(there), values, there)


def _read_pools(found: Inventory, described: Iterable[Mapping], spool_folder: Path | None) -> None:
    """Texts from the pools' own files, where they are what the manifests say they were."""
    table = known_pools(found.root)
    seen = set()
    for manifest in described:
        for name, entry in manifest["pools"].items():
            path = found.root / entry["path"]
            if name not in table or path in seen or table[name].file(found.root) != path or not path.is_file():
                continue
            seen.add(path)
            if formats.pointer_of(path) is None and file_sha256(path) == entry["sha256"]:
                found.take_texts(reading.read(table[name], found.root, skip_bad=True, spool_folder=spool_folder))


def _read_splits(found: Inventory, described: Iterable[Mapping], spool_folder: Path | None) -> None:
    """Texts from split files, for the records whose pool is not at hand or was read otherwise."""
    for manifest in described:
        for name, split in manifest["splits"].items():
            (one,) = (one for one in found.sets if name in one.members)
            if not found.known[one.members[name]].all():
                found.take_texts(split_records(found.root, name, split, spool_folder))


def split_records(root: Path, name: str, split: Mapping, spool_folder: Path | None = None) -> Records:
    """The records of a split file, in its order.

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
