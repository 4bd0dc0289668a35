"""Publishing a set: split files, tables of numbers and a manifest, all of them or none.

A *set* is the files that one script makes from one pool, with a manifest that is written last. Without a manifest there
is no split. LLaMA-Factory's registry and the data set card are derived from all manifests under a study root, so they
are right whichever runs came before or work at the same time.
"""

import hashlib
import importlib.metadata
import io
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import numpy as np
import orjson

from instruction_data.errors import InputError, printable
from instruction_data.files import documents, names
from instruction_data.files.atomic import Digest, Staged, file_sha256, remove_stale, staged_file, staged_files
from instruction_data.pools import control_tokens
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column, RecordTable, write_table
from instruction_data.publish.registry import register, registered
from instruction_data.publish.show import print_table
from instruction_data.publish.split import Split, described, say_control_tokens, write_split

if TYPE_CHECKING:
    import pandas

PACKAGES = ("numpy", "pyarrow", "sentence-transformers", "tokenizers", "torch", "transformers")
NUMBERS = "Numbers"  # the folder below Datas for tables of numbers that belong to no split


@dataclass(frozen=True)
class Place:
    """The place of a set: a folder below the study root and the stem of its manifest."""

    folder: str
    stem: str

    @classmethod
    def of_splits(cls, question: str, pool: Pool) -> "Place":
        return cls(f"Datas/{question}/{pool.label}", f"{question}_{pool.label}")

    @classmethod
    def of_numbers(cls, name: str, pool: Pool) -> "Place":
        return cls(f"Datas/{NUMBERS}/{pool.label}", f"{pool.label}_{name}")


@dataclass(frozen=True)
class Terms:
    """The terms of publishing a set.

    Attributes:
        root: the study root.
        dry_run: say what would be written, and write nothing.
        overwrite: replace a set that was made otherwise.
    """

    root: Path
    dry_run: bool = False
    overwrite: bool = False


class Publication:
    """One question's publication of one pool's results, from the check for an earlier set to the last file.

    Attributes:
        place: below the study root.
        asked: the part of the manifest that is known before the computation.
    """

    def __init__(self, terms: Terms, place: Place, question: Question, sources: Sequence[Records], asked: Mapping):
        self.place = place
        self.question = question
        self.asked = asked
        self._terms = terms
        self._folder = names.below(terms.root, terms.root / place.folder)
        self._manifest = self._folder / f"{place.stem}{manifests.SUFFIX}"
        self._sources = sources

    def check(self) -> None:
        """Refuse, before any work, to replace a set that was made otherwise.

        Raises:
            InputError: there is such a set, and ``--overwrite`` is not given.
        """
        if self._terms.overwrite or not self._manifest.exists():
            return
        there = manifests.read(self._manifest)
        other = [key for key in self.asked if key != "command" and self.asked[key] != there.get(key)]
        if other:
            raise InputError(
                f"{self._manifest}: found results made with other {', '.join(other)}; expected none, or the same. "
                "--overwrite replaces them; --root writes elsewhere"
            )

    def splits(
        self,
        splits: Sequence[Split],
        columns: Sequence[Column] = (),
        tables: "Mapping[str, pandas.DataFrame] | None" = None,
    ) -> None:
        """Publish splits with the table of their scores, and print a summary.

        Args:
            columns: the columns of that table, one value per record of the first pool.
            tables: further tables, by file name.
        """
        names.different((names.checked(split.name, "split") for split in splits), self.place.stem)
        kept = [split for split in splits if len(split)]
        for split in splits:
            if not len(split):
                print(f"{split.name}: left out, since it would have no record (nothing can be trained on an empty set)")
        if not kept:
            raise InputError(f"{self.place.stem}: no split would have a record; expected a larger pool")
        scores = f"{self.place.stem}_scores.parquet"
        every = {scores: RecordTable(self._sources, columns, kept), **(tables or {})}
        manifest = self.write(every, {scores: columns}, kept)
        if manifest:
            print_table(manifest["splits"])
            print(f"in {printable(str(self._folder))}\n")
        _say_equal(kept)
        say_control_tokens(kept)

    def numbers(self, columns: Sequence[Column]) -> None:
        """Publish a table of numbers per record that belongs to no split, and print its place."""
        file = f"{self.place.stem}.parquet"
        if self.write({file: RecordTable(self._sources, columns)}, {file: columns}):
            print(f"{len(self._sources[0]):,} records in {printable(str(self._folder / file))}")

    def write(
        self,
        tables: "Mapping[str, pandas.DataFrame]",
        columns: Mapping[str, Sequence[Column]],
        splits: Sequence[Split] = (),
    ) -> dict | None:
        """Write every file under a temporary name, then rename all of them, the manifest last.

        An existing set with the same bytes is left alone. A dry run says what would be written.

        Args:
            tables: file name -> content; the name's ending tells the format (.parquet, .csv, .jsonl).
            columns: file name -> the columns for the manifest to declare.

        Returns:
            The manifest; None in a dry run.

        Raises:
            InputError: a different set exists, and ``--overwrite`` is not given.
        """
        writers = {f"{split.name}.json": partial(write_split, split=split) for split in splits}
        writers |= {name: partial(write_table, name=name, frame=frame) for name, frame in tables.items()}
        for name in writers:
            names.checked(name, self.place.stem)
        self._refuse_double(splits)
        if self._terms.dry_run:
            self._plan(writers, columns, tables, splits)
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        with _lock(self._terms.root), ExitStack() as stack:
            remove_stale(self._folder)
            staged = staged_files(stack, self._folder, writers)
            manifest = self._complete(splits, columns, tables, {name: file.sha256 for name, file in staged.items()})
            if not self._unchanged(manifest):
                self._refuse_replacing({name: file.sha256 for name, file in staged.items()})
                self._refuse_double(splits)
                registered(self._terms.root, {})  # fails now if it cannot be read, not after the renaming
                self._put_in_place(stack, staged, manifest)
            register(self._terms.root)
        return manifest

    def _plan(
        self,
        writers: Mapping,
        columns: Mapping[str, Sequence[Column]],
        tables: Iterable[str],
        splits: Sequence[Split],
    ) -> None:
        """Say what a run would write, and refuse what a run would refuse."""
        counts = {f"{split.name}.json": f": {len(split):,} records" for split in splits}
        hashes = {}
        for name, write in writers.items():
            content = Digest() if name.endswith((".json", ".npy")) else io.BytesIO()
            write(content)
            whole = content.sha256 if isinstance(content, Digest) else hashlib.sha256(content.getbuffer())
            hashes[name] = whole.hexdigest()
            same = (self._folder / name).exists() and not _differs(self._folder / name, hashes[name])
            there = " (there already, the same bytes)" if same else ""
            print(f"would write  {self.place.folder}/{name}{counts.get(name, '')}{there}")
        if not self._unchanged(self._complete(splits, columns, tables, hashes)):
            self._refuse_replacing(hashes)
        registered(self._terms.root, {})
        print(f"             and the manifest beside them, under {printable(str(self._terms.root))}\n")

    def _complete(
        self,
        splits: Sequence[Split],
        columns: Mapping[str, Sequence[Column]],
        tables: Iterable[str],
        hashes: Mapping[str, str],
    ) -> dict:
        folder = self.place.folder
        files = {f"{folder}/{name}": {"sha256": hashes[name]} for name in tables}
        for name, some in columns.items():
            files[f"{folder}/{name}"]["columns"] = {column.name: column.declaration for column in some}
        return {
            **self.asked,
            "contrasts": self.question.contrasts(splits),
            "splits": {split.name: described(split, folder, hashes[f"{split.name}.json"]) for split in splits},
            "files": files,
        }

    def _unchanged(self, manifest: Mapping) -> bool:
        if not self._manifest.exists():
            return False
        there = manifests.read(self._manifest)
        if {**there, "command": None} != {**manifest, "command": None}:
            return False
        return all(
            (self._terms.root / file).is_file() and file_sha256(self._terms.root / file) == sha256
            for file, sha256 in manifests.files(manifest).items()
        )

    def _refuse_replacing(self, hashes: Mapping[str, str]) -> None:
        """Refuse to replace other files; files with the same bytes and no manifest come from a stopped run."""
        there = [self._folder / name for name, sha256 in hashes.items() if _differs(self._folder / name, sha256)]
        if (there or self._manifest.exists()) and not self._terms.overwrite:
            raise InputError(
                f"{there[0] if there else self._manifest}: found a different file of that name; expected none, or "
                "the same bytes. --overwrite replaces the whole set; --root writes elsewhere"
            )

    def _refuse_double(self, splits: Sequence[Split]) -> None:
        names = {split.name for split in splits}
        for path, manifest in manifests.every(self._terms.root):
            double = sorted(names & manifest["splits"].keys())
            if double and path != self._manifest:
                raise InputError(
                    f"{double[0]}: found a split of that name in {path}; expected none: name the pool otherwise"
                )

    def _put_in_place(self, stack: ExitStack, staged: Mapping[str, Staged], manifest: Mapping) -> None:
        """Put all files in place; rename the old manifest first, so that after a stop the next run can clear up."""
        complete = staged_file(stack, self._manifest, lambda file: file.write(documents.signed(manifest)))
        replaced = self._manifest.with_name(f".{self._manifest.name}.replaced")
        if self._manifest.exists():
            self._manifest.replace(replaced)
        old = manifests.files(manifests.read(replaced)) if replaced.exists() else {}
        for file in old:
            if Path(file).name not in staged and Path(file).parent == Path(self.place.folder):
                (self._terms.root / file).unlink(missing_ok=True)
        for name, file in staged.items():
            file.path.replace(self._folder / name)
        replaced.unlink(missing_ok=True)
        complete.path.replace(self._manifest)


def begin(
    terms: Terms,
    question: Question,
    sources: Sequence[Records],
    settings: Mapping,
    command: str,
    *,
    seed: int | None = None,
    models: Mapping[str, Mapping] | None = None,
    inputs: Sequence[Path] = (),
    place: Place | None = None,
) -> Publication:
    """Begin a publication: describe what was read and asked for, and check that the set may be written.

    Args:
        sources: the pools read, the code pool first.
        settings: constants and flags that shape the result.
        command: the command that makes the same set again.
        seed: of the draws; None if nothing is drawn.
        models: role -> identity of the model.
        inputs: the other published files that were read.
        place: by default ``Datas/<question>/<POOL>``.

    Raises:
        InputError: there are results that were made otherwise, and ``--overwrite`` is not given.
    """
    pool = sources[0].pool
    document = {
        "format": manifests.FORMAT,
        "question": question.id,
        "about": question.about,
        "pool": pool.name,
        "command": command,
        "pools": {one.pool.name: one.describe(terms.root) for one in sources},
        "inputs": {path.relative_to(terms.root).as_posix(): file_sha256(path) for path in inputs},
        "settings": {**_neutralised(sources), **settings},
        "seed": seed,
        "models": models or {},
        "packages": _packages(bool(models)),
    }
    asked = orjson.loads(orjson.dumps(document))  # in the form in which it will be read back
    publication = Publication(terms, place or Place.of_splits(question.id, pool), question, sources, asked)
    publication.check()
    return publication


def _neutralised(sources: Sequence[Records]) -> dict[str, bool]:
    """Name the setting only if it is on: manifests of sets that were made without it do not mention it."""
    return {control_tokens.SETTING: True} if any(records.neutralised for records in sources) else {}


def _packages(models: bool) -> dict[str, str]:
    names = PACKAGES if models else PACKAGES[:2]
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def _lock(root: Path) -> filelock.BaseFileLock:
    (root / ".cache").mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(root / ".cache" / "publish.lock")


def _differs(path: Path, sha256: str) -> bool:
    """Say whether there is a file with other content."""
    return path.exists() and file_sha256(path) != sha256


def _say_equal(splits: Sequence[Split]) -> None:
    """Say which splits hold the same records in the same order, since comparing them teaches nothing."""
    first: dict[tuple, str] = {}
    for split in splits:
        parts = [(records, np.ascontiguousarray(positions)) for records, positions in split.parts if len(positions)]
        key = tuple((id(records), hashlib.sha256(positions).digest()) for records, positions in parts)
        other = first.setdefault(key, split.name)
        if other != split.name:
            print(f"{split.name}: holds the same records as {other}, so comparing the two tells nothing")
