"""Computing numbers from texts, once: sharded, cached, resumable.

A feature is a function from texts to arrays. Its identity holds everything that changes its answer. Its numbers are
kept in shards of ``SHARD`` texts under the study root's cache. A stopped run goes on after the last complete shard; a
run with nothing new computes nothing and does not even load the model.
"""

import contextlib
import hashlib
import math
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import orjson
import safetensors.numpy
from tqdm import tqdm

SHARD = 64  # texts: at the slowest (a 7B model on a CPU) a few minutes of work
LONG_RUN = 1 / 6  # hours; a longer run is announced
STALE = 3600  # seconds; an older temporary file is a killed run's, since writing a shard takes far less

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Feature:
    """Numbers a model gives per text.

    Attributes:
        label: for the progress bar.
        identity: everything but the text that changes the answer: model and revision, prompt, truncation, dtype.
        compute: ``k`` texts -> arrays whose first dimension is ``k``.
    """

    label: str
    identity: Mapping[str, object]
    compute: Callable[[list[str]], Arrays]


Shards = Iterable[tuple[int, list[str]]]  # number of the shard, its texts


class Engine(Protocol):
    """The interface of an engine, which computes a feature of many shards. Engines move work and change no number."""

    def map(self, feature: Feature, shards: Shards) -> Iterator[tuple[int, Arrays]]:
        """Yield the number and the arrays of every shard, as each is finished."""


class Local:
    """An engine that computes in this process, one shard after another."""

    def map(self, feature: Feature, shards: Shards) -> Iterator[tuple[int, Arrays]]:
        for number, texts in shards:
            yield number, feature.compute(texts)


def compute(
    texts: Sequence[str],
    feature: Feature,
    cache: Path,
    engine: Engine | None = None,
    *,
    scratch: Path | None = None,
) -> Arrays:
    """Return the feature of every text.

    Equal texts are computed once. The longest come first, so that a lack of memory shows at once and the estimated
    time is too long rather than too short.

    Args:
        texts: ``n`` texts, n ≥ 1.
        cache: folder of the shards.
        engine: where to compute what is not in the cache; by default in this process.
        scratch: folder of unnamed files for arrays of two dimensions; by default the system's.

    Returns:
        The feature's arrays, first dimension ``n``, in the order of ``texts``. Arrays of two dimensions (vectors) are
        memory maps of unnamed files in ``scratch``, which vanish with the process.
    """
    positions: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        positions.setdefault(text, []).append(position)
    result: Arrays = {}
    for shard, arrays in _computed(shards_of(positions), feature, cache, engine or Local()):
        rows = [position for text in shard for position in positions[text]]
        source = [index for index, text in enumerate(shard) for _ in positions[text]]
        for name, values in arrays.items():
            if name not in result:
                result[name] = empty((len(texts), *values.shape[1:]), values.dtype, scratch)
            result[name][rows] = values[source]
    return result


def missing(texts: Sequence[str], feature: Feature, cache: Path) -> int:
    """Count the different texts that the cache has no numbers for; load, compute and write nothing."""
    shards = shards_of(texts)
    return sum(len(shard) for shard in shards if read_shard(shard_path(cache, feature.identity, shard)) is None)


def shards_of(texts: Iterable[str]) -> list[list[str]]:
    """Cut the different texts into shards, longest first."""
    unique = sorted(set(texts), key=lambda text: (-len(text), text))
    return [unique[start : start + SHARD] for start in range(0, len(unique), SHARD)]


def shard_path(cache: Path, identity: Mapping[str, object], shard: list[str]) -> Path:
    return cache / "features" / f"{shard_key(identity, shard)}.safetensors"


def empty(shape: tuple[int, ...], dtype: np.dtype, scratch: Path | None) -> np.ndarray:
    """Return an array to fill; an array of two dimensions is a memory map of an unnamed file in ``scratch``."""
    if len(shape) == 1:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=scratch) as file:
        if hasattr(os, "posix_fallocate"):  # here a full disk is an error; later it would kill the process (SIGBUS)
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * dtype.itemsize)
        return np.memmap(file, dtype, "w+", shape=shape)


def _computed(
    shards: list[list[str]], feature: Feature, cache: Path, engine: Engine
) -> Iterator[tuple[list[str], Arrays]]:
    """Yield each shard with its numbers: first the cached shards, then the computed ones."""
    paths = [shard_path(cache, feature.identity, shard) for shard in shards]
    with tqdm(total=sum(map(len, shards)), desc=feature.label, unit="text", file=sys.stderr, delay=1) as bar:
        missing = []
        for number, path in enumerate(paths):
            arrays = read_shard(path)
            if arrays is None:
                missing.append(number)
            else:
                bar.update(len(shards[number]))
                yield shards[number], arrays
        if missing:
            _remove_stale(cache / "features")
        pace = _Pace([shards[number] for number in missing])
        for number, arrays in engine.map(feature, ((number, shards[number]) for number in missing)):
            write_shard(paths[number], arrays)
            pace.step(shards[number])
            bar.update(len(shards[number]))
            yield shards[number], arrays


def _remove_stale(folder: Path) -> None:
    """Remove the temporary files of killed runs, but not those of running ones."""
    for path in folder.glob("*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another run may have removed it
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()


class _Pace:
    """A clock that says once, after the first computed shard, how long a long run will take."""

    def __init__(self, shards: list[list[str]]):
        self._left = sum(len(text) for shard in shards for text in shard)
        self._began: float | None = time.monotonic()

    def step(self, shard: list[str]) -> None:
        if self._began is None:
            return
        done = sum(map(len, shard))
        hours = (time.monotonic() - self._began) * (self._left - done) / max(done, 1) / 3600
        self._began = None
        if hours > LONG_RUN:
            note = "Ctrl-C is safe: the same command goes on from there"
            tqdm.write(f"about {hours:.1f} h to go at this pace. {note}", file=sys.stderr)


def shard_key(identity: Mapping[str, object], texts: list[str]) -> str:
    """Return the SHA-256 (hex) of a feature's identity and the texts, unambiguous for any text."""
    document = [identity, [hashlib.sha256(text.encode()).hexdigest() for text in texts]]
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def write_shard(path: Path, arrays: Arrays) -> None:
    """Write arrays, preceded by the SHA-256 of key and content, under a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = safetensors.numpy.save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")  # process numbers repeat between containers
    try:
        with open(temporary, "wb") as file:
            file.write(_digest(path, data) + data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_shard(path: Path) -> Arrays | None:
    """Return the arrays of a shard; None if its file is missing, not whole, or belongs under another name."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, data = content[:32], content[32:]
    return safetensors.numpy.load(data) if _digest(path, data) == digest else None


def _digest(path: Path, data: bytes) -> bytes:
    return hashlib.sha256(path.stem.encode() + data).digest()
