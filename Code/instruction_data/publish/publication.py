"""Publishing a set: split files, tables of numbers and a manifest, all of them or nothing.

A *set* is what one script makes of one pool: its files, described by a manifest that is written last. Without a
manifest there is no split. What follows from manifests (LLaMA-Factory's registry, the data set card) is derived from
all of those under a study root, so it is right whatever ran before or beside.
"""

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import orjson

from instruction_data.errors import InputError, printable
from instruction_data.files import names
from instruction_data.files.atomic import Staged, file_sha256, remove_stale, staged_file, staged_files
from instruction_data.pools import control_tokens
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests
from instruction_data.publish.record_tables import scores, write_table
from instruction_data.publish.registry import pretty, register, registered
from instruction_data.publish.show import print_table
from instruction_data.publish.split import Split, described, say_control_tokens, write_split

if TYPE_CHECKING:
    import pandas

    from instruction_data.workspace import Workspace

PACKAGES = ("numpy", "pyarrow", "sentence-transformers", "tokenizers", "torch", "transformers")


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

    def __init__(self, workspace: "Workspace", place: Place, sources: Sequence[Records], asked: Mapping):
        self.place = place
        self.asked = asked
        self._root = workspace.root
        self._folder = names.below(workspace.root, workspace.root / place.folder)
        self._manifest = self._folder / f"{place.stem}{manifests.SUFFIX}"
        self._overwrite = workspace.options.overwrite
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
        print_table(manifest["splits"])
        print(f"in {printable(str(self._folder))}\n")
        say_control_tokens(kept)

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
            remove_stale(self._folder)
            writers = {f"{split.name}.json": partial(write_split, split=split) for split in splits}
            writers |= {name: partial(write_table, name=name, frame=frame) for name, frame in tables.items()}
            staged = staged_files(stack, self._folder, writers)
            manifest = self._complete(splits, tables, staged)
            if not self._unchanged(manifest):
                self._refuse_replacing(staged)
                self._refuse_double(splits)
                registered(self._root, {})  # what stands there can be read, so that it will not fail behind the rename
                self._put_in_place(stack, staged, manifest)
            register(self._root)
        return manifest

    def _complete(self, splits: Sequence[Split], tables: Iterable[str], staged: Mapping[str, Staged]) -> dict:
        entries = {
            split.name: described(split, self.place.folder, staged[f"{split.name}.json"].sha256) for split in splits
        }
        files = {f"{self.place.folder}/{name}": {"sha256": staged[name].sha256} for name in tables}
        return {**self.asked, "splits": entries, "files": files}

    def _unchanged(self, manifest: Mapping) -> bool:
        if not self._manifest.exists():
            return False
        there = manifests.read(self._manifest)
        if {**there, "command": None} != {**manifest, "command": None}:
            return False
        return all(
            (self._root / file).is_file() and file_sha256(self._root / file) == sha256
            for file, sha256 in manifests.files(manifest).items()
        )

    def _refuse_replacing(self, staged: Mapping[str, Staged]) -> None:
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

    def _put_in_place(self, stack: ExitStack, staged: Mapping[str, Staged], manifest: Mapping) -> None:
        """The old manifest goes first, under a name that tells the next run what to clear away should this one stop."""
        complete = staged_file(stack, self._manifest, lambda file: file.write(pretty(manifest)))
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
    workspace: "Workspace",
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
        "command": workspace.command(pool),
        "pools": {one.pool.name: one.describe(workspace.root) for one in sources},
        "inputs": {path.relative_to(workspace.root).as_posix(): file_sha256(path) for path in inputs},
        "settings": {"limit": workspace.options.limit, **_neutralised(sources), **settings},
        "seed": workspace.options.seed if draws else None,
        "models": models or {},
        "packages": _packages(bool(models)),
    }
    asked = orjson.loads(orjson.dumps(document))  # as it will be read back
    publication = Publication(workspace, place or Place.of_splits(question, pool), sources, asked)
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


def _differs(path: Path, sha256: str) -> bool:
    """Whether there is a file with other content."""
    return path.exists() and file_sha256(path) != sha256
