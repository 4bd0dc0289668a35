"""Computing numbers from texts, once: sharded, cached, resumable.

A feature is a function from texts to arrays. Its identity holds everything that changes its answer. What was computed
for a text is kept under the study root's cache and found again whatever other texts it comes with. Texts are computed
in shards of up to ``SHARD``. A stopped run goes on after its last complete shard; a run with nothing new computes
nothing and does not even load the model.
"""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from instruction_data.numbers.blocks import Arrays, Blocks, keys

SHARD = 64  # texts: at the slowest (a 7B model on a CPU) a few minutes of work
LONG_RUN = 1 / 6  # hours; a longer run is announced


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
    unique = in_order(texts)
    place = {text: number for number, text in enumerate(unique)}
    place_of_row = np.fromiter(map(place.__getitem__, texts), np.int64, len(texts))
    by_place = np.argsort(place_of_row, kind="stable")  # the rows of one place stand together
    starts = np.searchsorted(place_of_row, np.arange(len(unique) + 1), sorter=by_place)
    result: Arrays = {}
    for places, arrays in _computed(unique, feature, cache, engine or Local()):
        counts = starts[places + 1] - starts[places]
        source = np.repeat(np.arange(len(places)), counts)
        rows = by_place[np.arange(len(source)) + np.repeat(starts[places] - np.cumsum(counts) + counts, counts)]
        for name, values in arrays.items():
            if name not in result:
                result[name] = empty((len(texts), *values.shape[1:]), values.dtype, scratch)
            result[name][rows] = values if len(source) == len(values) else values[source]
    return result


def stored(texts: Sequence[str], identity: Mapping[str, object], cache: Path) -> Iterator[tuple[np.ndarray, Arrays]]:
    """Yield places among different texts and their numbers, as far as the cache has them; each place once."""
    known = np.zeros(len(texts), bool)
    for places, arrays in Blocks(cache, identity).find(keys(texts)):
        new = ~known[places]
        known[places] = True
        yield places[new], arrays if new.all() else {name: values[new] for name, values in arrays.items()}


def missing(texts: Iterable[str], feature: Feature, cache: Path) -> int:
    """Count the different texts that the cache has no numbers for; load, compute and write nothing."""
    unique = in_order(texts)
    return len(unique) - sum(len(places) for places, _ in stored(unique, feature.identity, cache))


def in_order(texts: Iterable[str]) -> list[str]:
    """Return the different texts, longest first."""
    return sorted(sorted(set(texts)), key=len, reverse=True)  # those of one length stay in their order


def empty(shape: tuple[int, ...], dtype: np.dtype, scratch: Path | None) -> np.ndarray:
    """Return an array to fill; an array of two dimensions is a memory map of an unnamed file in ``scratch``."""
    if len(shape) == 1:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=scratch) as file:
        if hasattr(os, "posix_fallocate"):  # here a full disk is an error; later it would kill the process (SIGBUS)
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * dtype.itemsize)
        return np.memmap(file, dtype, "w+", shape=shape)


def _computed(
    texts: Sequence[str], feature: Feature, cache: Path, engine: Engine
) -> Iterator[tuple[np.ndarray, Arrays]]:
    """Yield places among different texts and their numbers: first those that are kept, then those computed."""
    known = np.zeros(len(texts), bool)
    with tqdm(total=len(texts), desc=feature.label, unit="text", file=sys.stderr, delay=1) as bar:
        for places, arrays in stored(texts, feature.identity, cache):
            known[places] = True
            bar.update(len(places))
            yield places, arrays
        places_of = _shards(known)
        shards = [[texts[place] for place in places] for places in places_of]
        blocks, pace = Blocks(cache, feature.identity), _Pace(shards)
        if shards:
            blocks.remove_stale()
        for number, arrays in engine.map(feature, enumerate(shards)):
            blocks.write(shards[number], arrays)
            pace.step(shards[number])
            bar.update(len(shards[number]))
            yield places_of[number], arrays


def _shards(known: np.ndarray) -> list[np.ndarray]:
    """Return the places of the unknown texts, those of each ``SHARD`` texts apart.

    So a run that goes on computes the same shards as one that was never stopped, and gets the same bytes.
    """
    unknown = [start + np.flatnonzero(~known[start : start + SHARD]) for start in range(0, len(known), SHARD)]
    return [places for places in unknown if len(places)]


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
