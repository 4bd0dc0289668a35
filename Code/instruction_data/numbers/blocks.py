"""Computed numbers on disk, each found again by its text.

    <CACHE>/features/<FEATURE>/identity.json                   all that the numbers depend on beside the text
    <CACHE>/features/<FEATURE>/<SHA-256>.safetensors           a block: the keys of some texts, and their numbers

A block bears the SHA-256 of its content as its name, so a damaged one is known without being asked about, equal ones
are one file whoever wrote them, and processes need no lock: a block is never changed.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson
import safetensors.numpy

from instruction_data.files.atomic import staged_file, write_whole
from instruction_data.files.places import matching

FOLDER = "features"
IDENTITY = "identity.json"
KEYS = "text sha256"  # beside the names of numbers
STALE = 3600  # seconds; an older temporary file is a killed run's, since writing a block takes far less

Arrays = dict[str, np.ndarray]


def keys(texts: Iterable[str]) -> np.ndarray:
    """Return the key of every text: uint64 ``[n, 2]``, the first 128 bits of its SHA-256."""
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:16] for text in texts)
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


@dataclass(frozen=True)
class Blocks:
    """The blocks of one feature.

    Attributes:
        cache: the folder of all features' folders.
        identity: everything but the text that changes the numbers.
    """

    cache: Path
    identity: Mapping[str, object]

    @cached_property
    def document(self) -> bytes:
        return orjson.dumps(self.identity, option=orjson.OPT_SORT_KEYS)

    @cached_property
    def name(self) -> str:
        return hashlib.sha256(self.document).hexdigest()[:32]

    @cached_property
    def folder(self) -> Path:
        return self.cache / FOLDER / self.name

    def find(self, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, Arrays]]:
        """Yield, for every block that has some of them, the places among ``wanted`` and the numbers of these texts.

        A place may come again from another block.

        Args:
            wanted: of ``keys``, all different.
        """
        order = np.argsort(wanted[:, 0])
        heads = wanted[order, 0]
        for path in sorted(self.folder.glob("*.safetensors")):
            found = self._keys(path)
            near = order[np.searchsorted(heads, found[:, 0]).clip(max=len(order) - 1)]
            rows = np.flatnonzero((wanted[near] == found).all(axis=1))
            arrays = self._read(path) if len(rows) else None
            if arrays is not None:
                every = len(rows) == len(found)  # nearly always; then nothing is copied
                yield near[rows], arrays if every else {name: values[rows] for name, values in arrays.items()}

    def write(self, texts: Iterable[str], arrays: Arrays) -> None:
        """Write a block.

        Args:
            texts: ``k`` of them.
            arrays: the first dimension is ``k``.
        """
        whole = {name: np.ascontiguousarray(values) for name, values in (arrays | {KEYS: keys(texts)}).items()}
        content = safetensors.numpy.save(whole, {"feature": self.name})
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = self.folder / IDENTITY
        if not identity.exists() or identity.read_bytes() != self.document:
            write_whole(identity, self.document)
        path = self.folder / f"{hashlib.sha256(content).hexdigest()}.safetensors"
        with contextlib.ExitStack() as stack:
            staged_file(stack, path, lambda file: file.write(content)).path.replace(path)

    def size(self) -> tuple[int, int]:
        """Return the number of different texts, and of bytes on disk."""
        paths = list(self.folder.glob("*.safetensors"))
        texts = np.unique(np.concatenate([np.empty((0, 2), np.uint64), *map(self._keys, paths)]), axis=0)
        return len(texts), sum(path.stat().st_size for path in paths)

    def remove_stale(self) -> None:
        """Remove the temporary files of killed runs, but not those of running ones."""
        for path in self.folder.glob("*.tmp"):
            with contextlib.suppress(FileNotFoundError):  # another run may have removed it
                if time.time() - path.stat().st_mtime > STALE:
                    path.unlink()

    def _keys(self, path: Path) -> np.ndarray:
        """Return the keys that a block seems to have; none of another feature's, or of a file that is no block.

        The content may be damaged.
        """
        none = np.empty((0, 2), np.uint64)
        try:
            with safetensors.safe_open(path, "numpy") as file:
                found = file.get_tensor(KEYS) if file.metadata() == {"feature": self.name} else none
        except (FileNotFoundError, safetensors.SafetensorError):
            return none
        return found if found.dtype == np.uint64 and found.shape[1:] == (2,) else none

    def _read(self, path: Path) -> Arrays | None:
        """Return the numbers of a block; None if its file is gone or not whole."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != path.stem:
            return None
        arrays = safetensors.numpy.load(content)
        del arrays[KEYS]
        return arrays


def every(cache: Path) -> Iterator[Blocks]:
    """Yield the blocks of every feature, in the order of their folders; a folder under a wrong name holds none."""
    for path in matching(cache, f"{FOLDER}/*/{IDENTITY}"):
        with contextlib.suppress(orjson.JSONDecodeError):
            found = Blocks(cache, orjson.loads(path.read_bytes()))
            if found.folder == path.parent:
                yield found


def leftovers(cache: Path) -> list[Path]:
    """Return what lies beside the features' folders: caches of earlier versions, and folders that cannot be read."""
    known = {one.folder for one in every(cache)}
    return [path for path in matching(cache, f"{FOLDER}/*") if path not in known]
