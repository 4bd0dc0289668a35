"""Texts to numbers, computed once: sharded, cached, resumable.

A feature is a function from texts to arrays with an identity that holds everything which changes its answer. Its
numbers are kept in shards of ``SHARD`` texts under the study root's cache; a run that was stopped goes on behind
the last complete shard, and a run with nothing new computes nothing, not even loads the model.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import safetensors.numpy
from tqdm import tqdm

SHARD = 64  # texts: at the slowest (a 7B model on a CPU) a few minutes of work
LONG_RUN = 600  # seconds from which a run is announced

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Feature:
    """Numbers a model gives per text.

    Attributes:
        label: for the progress bar.
        identity: everything that changes the answer, beside the text: model and revision, prompt, truncation, dtype.
        compute: ``k`` texts -> arrays whose first dimension is ``k``.
    """

    label: str
    identity: Mapping[str, object]
    compute: Callable[[list[str]], Arrays]


def compute(texts: Sequence[str], feature: Feature, cache: Path) -> Arrays:
    """The feature of every text.

    Equal texts are computed once; the longest come first, so that a lack of memory shows at once and the estimated
    time errs on the long side.

    Args:
        texts: ``n`` texts, n ≥ 1.
        cache: folder of the shards.

    Returns:
        The feature's arrays, first dimension ``n``, in the order of ``texts``.
    """
    positions: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        positions.setdefault(text, []).append(position)
    unique = sorted(positions, key=lambda text: (-len(text), text))
    result: Arrays = {}
    for shard, arrays in _shards(unique, feature, cache):
        rows = [position for text in shard for position in positions[text]]
        source = [index for index, text in enumerate(shard) for _ in positions[text]]
        for name, values in arrays.items():
            if name not in result:
                result[name] = np.empty((len(texts), *values.shape[1:]), dtype=values.dtype)
            result[name][rows] = values[source]
    return result


def _shards(texts: list[str], feature: Feature, cache: Path) -> Iterator[tuple[list[str], Arrays]]:
    """Cut texts into shards and yield each with its numbers, from the cache where they are there."""
    pace = _Pace(sum(map(len, texts)))
    with tqdm(total=len(texts), desc=feature.label, unit="text", file=sys.stderr, delay=1) as bar:
        for start in range(0, len(texts), SHARD):
            shard = texts[start : start + SHARD]
            path = cache / "features" / f"{shard_key(feature.identity, shard)}.safetensors"
            arrays = read_shard(path)
            if arrays is None:
                began = time.monotonic()
                arrays = feature.compute(shard)
                write_shard(path, arrays)
                pace.computed(sum(map(len, shard)), time.monotonic() - began)
            else:
                pace.found(sum(map(len, shard)))
            bar.update(len(shard))
            yield shard, arrays


class _Pace:
    """Says once, after the first computed shard, how long a long run will take."""

    def __init__(self, characters: int):
        self._left, self._announced = characters, False

    def found(self, characters: int) -> None:
        self._left -= characters

    def computed(self, characters: int, seconds: float) -> None:
        self._left -= characters
        expected = seconds * self._left / max(characters, 1)
        if expected > LONG_RUN and not self._announced:
            note = "Ctrl-C is safe: the same command goes on from there"
            tqdm.write(f"about {expected / 3600:.1f} h to go at this pace. {note}", file=sys.stderr)
        self._announced = True


def shard_key(identity: Mapping[str, object], texts: list[str]) -> str:
    """SHA-256 (hex) of a feature's identity and the texts, unambiguous for any text."""
    document = [identity, [hashlib.sha256(text.encode()).hexdigest() for text in texts]]
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def write_shard(path: Path, arrays: Arrays) -> None:
    """Write arrays with their SHA-256 in front, under a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = safetensors.numpy.save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_shard(path: Path) -> Arrays | None:
    """The arrays of a shard; None if it is not there or not whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, data = content[:32], content[32:]
    return safetensors.numpy.load(data) if hashlib.sha256(data).digest() == digest else None
