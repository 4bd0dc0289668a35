"""Publishing: split files, scores and a manifest, all of one set or nothing; and what follows from manifests.

A *set* is what one script makes of one pool: its files, described by a manifest that is written last. Without a
manifest there is no split. LLaMA-Factory's ``dataset_info.json`` and the data set card are derived from the
manifests under a study root, so they are right whatever ran before or beside. As a command:

    python -m instruction_data.publish show [SPLIT]     the splits of a study root, or a few records of one
    python -m instruction_data.publish verify [ROOT]    re-hash every published file against its manifest
    python -m instruction_data.publish compare-published FILE SPLIT
                                                        how a published split and a rebuilt one overlap
"""

import argparse
import importlib.metadata
import os
import platform
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import filelock
import numpy as np
import orjson

from instruction_data import control_tokens, manifests, names, spreadsheets
from instruction_data.errors import InputError, printable, quoted
from instruction_data.pools import Pool, Records

if TYPE_CHECKING:
    import pandas

    from instruction_data.command import Study

PACKAGES = ("numpy", "pyarrow", "sentence-transformers", "tokenizers", "torch", "transformers")
SHOWN_RECORDS = 3
SUMMARY_DIGITS = 9  # of a figure in a manifest: what the number of threads and the processor do not change
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


@dataclass(frozen=True)
class Place:
    """Where a set goes: a folder below the study root and the stem of its manifest."""

    folder: str
    stem: str

    @classmethod
    def of_splits(cls, question: str, pool: Pool) -> "Place":
        return cls(f"Datas/{question}/{pool.label}", f"{question}_{pool.label}")


class Publication:
    """The results of one question for one pool, from the first look for an earlier set to the last file.

    Attributes:
        place: below the study root.
        asked: the part of the manifest that is known before anything is computed.
    """

    def __init__(self, study: "Study", place: Place, sources: Sequence[Records], asked: Mapping):
        self.place = place
        self.asked = asked
        self._root = study.root
        self._folder = names.below(study.root, study.root / place.folder)
        self._manifest = self._folder / f"{place.stem}{manifests.SUFFIX}"
        self._overwrite = study.options.overwrite
        self._sources = sources

    def check(self) -> None:
        """Refuse, before any work, to replace a set that was made otherwise.

        Raises:
            InputError: there is one, and ``--overwrite`` is not given.
        """
        if self._overwrite or not self._manifest.exists():
            return
        there = manifests.read(self._manifest)
        other = [key for key in self.asked if key != "command" and self.asked[key] != there.get(key)]
        if other:
            raise InputError(
                f"{self._manifest}: found results made with other {', '.join(other)}; expected none, or the same. "
                "--overwrite replaces them; --root writes elsewhere"
            )

    def splits(self, splits: Sequence[Split], numbers: Mapping[str, Sequence] | None = None) -> None:
        """Publish splits with the table of their scores, and print what was made.

        Args:
            numbers: column of that table -> one value per record of the first pool.
        """
        names.different((names.checked(split.name, "split") for split in splits), self.place.stem)
        kept = [split for split in splits if len(split)]
        for split in splits:
            if not len(split):
                print(f"{split.name}: left out, since it would have no record (nothing can be trained on an empty set)")
        if not kept:
            raise InputError(f"{self.place.stem}: no split would have a record; expected a larger pool")
        tables = {f"{self.place.stem}_scores.parquet": scores(self._sources, kept, numbers or {})}
        manifest = self.write(splits=kept, tables=tables)
        _print_table(manifest["splits"])
        print(f"in {printable(str(self._folder))}\n")
        _say_control_tokens(kept)

    def write(self, *, splits: Sequence[Split] = (), tables: "Mapping[str, pandas.DataFrame]") -> dict:
        """Write every file under a temporary name, then rename all of them, the manifest last.

        A set that is there already with the same bytes is left alone.

        Args:
            tables: file name -> content; the name's ending says how it is written (.parquet, .csv, .jsonl).

        Returns:
            The manifest.

        Raises:
            InputError: there is a different set already, and ``--overwrite`` is not given.
        """
        for name in (*(f"{split.name}.json" for split in splits), *tables):
            names.checked(name, self.place.stem)
        self._folder.mkdir(parents=True, exist_ok=True)
        with _lock(self._root), ExitStack() as stack:
            _remove_stale(self._folder)
            writers = {f"{split.name}.json": partial(_write_split, split=split) for split in splits}
            writers |= {name: partial(_write_table, name=name, frame=frame) for name, frame in tables.items()}
            staged = _all_staged(stack, self._folder, writers)
            manifest = self._complete(splits, tables, staged)
            if not self._unchanged(manifest):
                self._refuse_replacing(staged)
                self._refuse_double(splits)
                registered(self._root, {})  # what stands there can be read, so that it will not fail behind the rename
                self._put_in_place(stack, staged, manifest)
            register(self._root)
        return manifest

    def _complete(self, splits: Sequence[Split], tables: Iterable[str], staged: Mapping[str, "Staged"]) -> dict:
        described = {
            split.name: _describe(split, self.place.folder, staged[f"{split.name}.json"].sha256) for split in splits
        }
        files = {f"{self.place.folder}/{name}": {"sha256": staged[name].sha256} for name in tables}
        return {**self.asked, "splits": described, "files": files}

    def _unchanged(self, manifest: Mapping) -> bool:
        if not self._manifest.exists():
            return False
        there = manifests.read(self._manifest)
        if {**there, "command": None} != {**manifest, "command": None}:
            return False
        return all(
            (self._root / file).is_file() and manifests.file_sha256(self._root / file) == sha256
            for file, sha256 in manifests.files(manifest).items()
        )

    def _refuse_replacing(self, staged: Mapping[str, "Staged"]) -> None:
        """Files with the same bytes and no manifest are those of a run that was stopped while it put them in place."""
        there = [self._folder / name for name, file in staged.items() if _differs(self._folder / name, file.sha256)]
        if (there or self._manifest.exists()) and not self._overwrite:
            raise InputError(
                f"{there[0] if there else self._manifest}: found a different file of that name; expected none, or "
                "the same bytes. --overwrite replaces the whole set; --root writes elsewhere"
            )

    def _refuse_double(self, splits: Sequence[Split]) -> None:
        names = {split.name for split in splits}
        for path, manifest in manifests.every(self._root):
            double = sorted(names & manifest["splits"].keys())
            if double and path != self._manifest:
                raise InputError(
                    f"{double[0]}: found a split of that name in {path}; expected none: name the pool otherwise"
                )

    def _put_in_place(self, stack: ExitStack, staged: Mapping[str, "Staged"], manifest: Mapping) -> None:
        """The old manifest goes first, under a name that tells the next run what to clear away should this one stop."""
        complete = _staged(stack, self._manifest, lambda file: file.write(_pretty(manifest)))
        replaced = self._manifest.with_name(f".{self._manifest.name}.replaced")
        if self._manifest.exists():
            self._manifest.replace(replaced)
        old = manifests.files(manifests.read(replaced)) if replaced.exists() else {}
        for file in old:
            if Path(file).name not in staged and Path(file).parent == Path(self.place.folder):
                (self._root / file).unlink(missing_ok=True)
        for name, file in staged.items():
            file.path.replace(self._folder / name)
        replaced.unlink(missing_ok=True)
        complete.path.replace(self._manifest)


def begin(
    study: "Study",
    question: str,
    sources: Sequence[Records],
    settings: Mapping,
    *,
    draws: bool = False,
    models: Mapping[str, Mapping] | None = None,
    inputs: Sequence[Path] = (),
    place: Place | None = None,
) -> Publication:
    """Begin a publication: say what was read and what is asked for, and look whether that may be written.

    Args:
        sources: the pools read, the code pool first.
        settings: constants and flags that shape the result.
        draws: whether the seed does.
        models: role -> identity of the model.
        inputs: other published files that were read.
        place: by default ``Datas/<question>/<POOL>``.

    Raises:
        InputError: there are results made otherwise, and ``--overwrite`` is not given.
    """
    pool = sources[0].pool
    document = {
        "format": manifests.FORMAT,
        "question": question,
        "pool": pool.name,
        "command": study.command(pool),
        "pools": {one.pool.name: one.describe(study.root) for one in sources},
        "inputs": {path.relative_to(study.root).as_posix(): manifests.file_sha256(path) for path in inputs},
        "settings": {"limit": study.options.limit, **_neutralised(sources), **settings},
        "seed": study.options.seed if draws else None,
        "models": models or {},
        "packages": _packages(bool(models)),
    }
    asked = orjson.loads(orjson.dumps(document))  # as it will be read back
    publication = Publication(study, place or Place.of_splits(question, pool), sources, asked)
    publication.check()
    return publication


def _neutralised(sources: Sequence[Records]) -> dict[str, bool]:
    """Named only where it is so: what was made without it says nothing of it."""
    return {control_tokens.SETTING: True} if any(records.neutralised for records in sources) else {}


def _packages(models: bool) -> dict[str, str]:
    names = PACKAGES if models else PACKAGES[:2]
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def _lock(root: Path) -> filelock.BaseFileLock:
    (root / ".cache").mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(root / ".cache" / "publish.lock")


def _remove_stale(folder: Path, name: str = "*") -> None:
    """Remove what a killed run left. Of a set whoever holds the lock is the only writer; ``replace`` tries again."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Staged:
    """A file written under a temporary name."""

    path: Path
    sha256: str


def _staged(stack: ExitStack, path: Path, write: Callable[[BinaryIO], object]) -> Staged:
    """What ``write`` writes, in a temporary file beside ``path`` (gone when the stack ends)."""
    return _settled(_written(stack, path, write))


def _all_staged(stack: ExitStack, folder: Path, writers: Mapping[str, Callable]) -> dict[str, Staged]:
    """As ``_staged``, by name; a file gets to the disk and is hashed while the next one is being written."""
    with ThreadPoolExecutor(1) as beside:
        settling = {
            name: beside.submit(_settled, _written(stack, folder / name, write)) for name, write in writers.items()
        }
        return {name: staged.result() for name, staged in settling.items()}


def _written(stack: ExitStack, path: Path, write: Callable[[BinaryIO], object]) -> BinaryIO:
    """The temporary file, still open."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")  # process numbers repeat between containers
    stack.callback(temporary.unlink, missing_ok=True)
    file = open(temporary, "wb")  # noqa: SIM115 - whoever settles it closes it
    stack.callback(file.close)
    write(file)
    file.flush()
    return file


def _settled(file: BinaryIO) -> Staged:
    os.fsync(file.fileno())
    file.close()
    return Staged(Path(file.name), manifests.file_sha256(Path(file.name)))


def _differs(path: Path, sha256: str) -> bool:
    """Whether there is a file with other content."""
    return path.exists() and manifests.file_sha256(path) != sha256


def _write_split(file: BinaryIO, split: Split) -> None:
    """A JSON array, one record a line. The canonical record is the Alpaca form: instruction, input, output."""
    separator = b"[\n"
    for records, positions in split.parts:
        for start in range(0, len(positions), WRITTEN_AT_ONCE):
            some = positions[start : start + WRITTEN_AT_ONCE].tolist()
            file.write(separator + b",\n".join([records.canonical(position) for position in some]))
            separator = b",\n"
    file.write(b"\n]\n")


def _say_control_tokens(splits: Iterable[Split]) -> None:
    """Say which splits hold records that a trainer would read other than as text; nothing if none does."""
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


def _write_table(file: BinaryIO, name: str, frame: "pandas.DataFrame") -> None:
    if name.endswith(".parquet"):
        frame.to_parquet(file, index=False)
    elif name.endswith(".jsonl"):
        for row in frame.to_dict("records"):
            file.write(orjson.dumps(row) + b"\n")
    else:
        frame = frame.map(spreadsheets.cell).rename(columns=spreadsheets.cell)
        frame.to_csv(file, index=False, lineterminator="\n")


def _describe(split: Split, folder: str, sha256: str) -> dict:
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


def _pretty(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def scores(sources: Sequence[Records], splits: Sequence[Split], numbers: Mapping[str, Sequence]) -> "pandas.DataFrame":
    """The table that traces every split: a row per record, the numbers that led to its tier, its place in each split.

    Args:
        sources: the pools read, the code pool first.
        numbers: column -> one value per record of the first pool.

    Returns:
        pool, row (from 0, among all entries of the pool file), record_sha256, the numbers, and per
        split its name as a column: the record's position in that split, missing where it is not in it.
    """
    import pandas

    starts = np.cumsum([0, *map(len, sources)])
    columns = {
        "pool": [name for one in sources for name in [one.pool.name] * len(one)],
        "row": np.concatenate([one.rows for one in sources]),
        "record_sha256": [sha256 for one in sources for sha256 in one.hashes],
    }
    for name, values in numbers.items():
        padding = [None] * int(starts[-1] - starts[1])
        columns[name] = pandas.Series([*values, *padding]) if padding else values
    for split in splits:
        places = np.full(starts[-1], -1, dtype=np.int64)
        positions = [starts[sources.index(records)] + chosen for records, chosen in split.parts]
        places[np.concatenate(positions)] = np.arange(len(split))
        columns[split.name] = pandas.array(np.where(places < 0, 0, places), dtype="Int64")
        columns[split.name][places < 0] = pandas.NA
    return pandas.DataFrame(columns)


def spread(values: np.ndarray, positions: np.ndarray, n: int) -> np.ndarray:
    """float64 ``[n]``: ``values`` at ``positions``, NaN elsewhere."""
    result = np.full(n, np.nan)
    result[positions] = values
    return result


def labels(tiers: Mapping[str, np.ndarray], n: int) -> list[str | None]:
    """The tier of every one of ``n`` records, None of those in no tier."""
    result: list[str | None] = [None] * n
    for tier, positions in tiers.items():
        for position in positions:
            result[position] = tier
    return result


def register(root: Path) -> None:
    """Bring LLaMA-Factory's registry and the data set card in line with the manifests under ``root``."""
    for path, content in registered(root, manifests.all_splits(root)).items():
        names.below(root, path.parent)
        replace(path, content)


def registered(root: Path, splits: Mapping[str, Mapping]) -> dict[Path, bytes]:
    """What registry and card are to be for these splits, by path. What is in them and not ours is kept.

    Raises:
        InputError: one of them is there and cannot be read.
    """
    from instruction_data import card

    registry, readme = root / "Datas" / "dataset_info.json", root / "Datas" / "README.md"
    entries = _read_registry(registry) if registry.exists() else {}
    kept = {name: entry for name, entry in entries.items() if not _is_ours(entry)}
    ours = {name: {"file_name": split["file"].removeprefix("Datas/")} for name, split in splits.items()}
    try:
        return {registry: _pretty(kept | ours), readme: card.text(readme, splits).encode()}
    except orjson.JSONEncodeError as error:
        raise InputError(
            f"{registry}: found entries nested too deep ({error}); expected LLaMA-Factory's registry"
        ) from error


def _read_registry(path: Path) -> dict:
    try:
        entries = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{path}: found malformed JSON ({error}); expected LLaMA-Factory's registry: mend it"
        ) from error
    if not isinstance(entries, dict):
        raise InputError(f"{path}: found {quoted(entries)}; expected LLaMA-Factory's registry, a JSON object: mend it")
    return entries


def _is_ours(entry: object) -> bool:
    file = entry.get("file_name", "") if isinstance(entry, dict) else ""
    return isinstance(file, str) and Path(file).match("RQ*/*/RQ*.json")


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; of several processes that do so at once, the last one's stays."""
    _remove_stale(path.parent, path.name)
    while not (path.exists() and path.read_bytes() == content):
        # another process may take what is being written here for a killed run's: each does so once, as it begins
        with suppress(FileNotFoundError), ExitStack() as stack:
            _staged(stack, path, lambda file: file.write(content)).path.replace(path)
            return
        if not path.parent.is_dir():
            raise InputError(f"{path.parent}: found no such folder; expected one to write {path.name} to")


def print_splits(root: Path) -> None:
    """Print every split of a study root: name, records, its most telling figure; then where they are."""
    splits = manifests.all_splits(root)
    if not splits:
        raise InputError(f"{root}: found no published split; run a script of Code/RQ1 … RQ4 first")
    _print_table(splits)
    print(f"\n{len(splits)} splits under {printable(str(root / 'Datas'))}")


def _print_table(splits: Mapping[str, Mapping]) -> None:
    print(f"{'split':<32} {'records':>9}  summary")
    for name, split in splits.items():
        known = {figure: value for figure, value in split["summary"].items() if value is not None}
        summary = ", ".join(f"{printable(figure)} {value:,.4g}" for figure, value in known.items())
        print(f"{name:<32} {split['records']:>9,}  {summary}")


def print_records(root: Path, name: str) -> None:
    """Print the first records of one split, control characters escaped."""
    splits = manifests.all_splits(root)
    if name not in splits:
        raise InputError(f"{root}: found no split {quoted(name)}; `show` without a name lists them")
    split = splits[name]
    print(f"{name}: {split['records']:,} records, {split['file']}")
    for record in _read_split(root / split["file"])[:SHOWN_RECORDS]:
        print()
        for part, text in record.items():
            print(f"{printable(part) + ':':<13}" + f"\n{'':<13}".join(printable(line) for line in text.split("\n")))


def _read_split(path: Path) -> list[dict[str, str]]:
    try:
        records = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); `verify` says what else is wrong") from error
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and all(isinstance(text, str) for text in record.values()) for record in records
    ):
        raise InputError(f"{path}: found {quoted(records)}; expected a list of records; `verify` says what is wrong")
    return records


def main(argv: list[str] | None = None) -> int:
    from instruction_data import command, published

    parser = argparse.ArgumentParser(prog="python -m instruction_data.publish", description=__doc__.split("\n\n")[0])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the splits of a study root, or a few records of one")
    show.add_argument("split", nargs="?", metavar="SPLIT")
    show.add_argument("--root", type=Path, default=command.REPOSITORY, help="study root (default: the repository)")
    check_ = actions.add_parser("verify", help="re-hash every published file against its manifest")
    check_.add_argument("root", nargs="?", type=Path, default=command.REPOSITORY, metavar="ROOT")
    compare = actions.add_parser("compare-published", help="how a published split and a rebuilt one overlap, by record")
    compare.add_argument("file", type=Path, metavar="FILE")
    compare.add_argument("split", metavar="SPLIT")
    compare.add_argument("--root", type=Path, default=command.REPOSITORY, help="study root (default: the repository)")
    options = parser.parse_args(argv)
    if options.action == "compare-published":
        published.print_comparison(options.file, options.split, options.root)
        return 0
    if options.action == "show":
        (print_records(options.root, options.split) if options.split else print_splits(options.root))
        return 0
    return _report(options.root)


def _report(root: Path) -> int:
    wrong = manifests.verify(root)
    if not wrong:
        for path, content in registered(root, manifests.all_splits(root)).items():
            if not path.exists() or path.read_bytes() != content:
                wrong.append(f"differs     {path.relative_to(root)}: expected the splits that the manifests list")
    listed = [manifests.files(manifest) for _, manifest in manifests.every(root)] if not wrong else []
    found = (
        f"{sum(map(len, listed))} published files under {printable(str(root))} are as their {len(listed)} manifests say"
    )
    print("\n".join(wrong) if wrong else found)
    return 1 if wrong else 0


if __name__ == "__main__":
    from instruction_data import command

    sys.exit(command.run(main))
