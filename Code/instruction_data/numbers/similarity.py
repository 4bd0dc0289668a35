"""Cosine similarity within a set of vectors of any size: streamed in blocks, linear in the number of vectors.

Everything here follows from the unit vectors u of the set. Their mean gives every record's mean similarity, and their
second moments give the Vendi score. Vectors may be a memory-mapped array; memory then holds one block at a time.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK_BYTES = 1 << 20  # of vectors at a time: so few that each pass reads them from memory once
MAPPED_BEFORE = 1 << 21  # bytes before those that are read which Linux may map again along with them


@dataclass(frozen=True)
class MeanSimilarities:
    """Mean cosine similarities of ``n`` vectors.

    Attributes:
        including: float64 ``[n]``, of each vector to all, itself among them.
        excluding: float64 ``[n]``, of each vector to all others (a single vector: to itself).
        overall: the mean of ``including``.
    """

    including: np.ndarray
    excluding: np.ndarray
    overall: float


def mean_similarities(vectors: np.ndarray, rows: np.ndarray | None = None) -> MeanSimilarities:
    """Compute the mean cosine similarity of each vector to all of the set.

    The mean over j of ⟨uᵢ, uⱼ⟩ is ⟨uᵢ, mean u⟩: one pass for the mean (float64), one for the products.

    Args:
        vectors: float ``[N, d]``, of any length but zero.
        rows: int64 ``[n]``, ascending: the vectors that make up the set; by default all.

    Raises:
        ValueError: a vector is zero or not finite, so it has no direction.
    """
    n = len(vectors) if rows is None else len(rows)
    scales = np.empty(n)
    total = np.zeros(vectors.shape[1])
    for place, block in _blocks(vectors, rows):
        scales[place] = _inverse_lengths(block, place.start)
        total += scales[place].astype(block.dtype) @ block
    mean = (total / n).astype(vectors.dtype)
    including = np.empty(n)
    for place, block in _blocks(vectors, rows):
        including[place] = (block @ mean) * scales[place]
    excluding = (n * including - 1) / (n - 1) if n > 1 else including.copy()
    return MeanSimilarities(including, excluding, float(np.square(total / n).sum()))


def has_direction(vectors: np.ndarray) -> np.ndarray:
    """Say whether each vector is finite and not zero; bool ``[n]``."""
    result = np.empty(len(vectors), dtype=bool)
    for place, block in _blocks(vectors, None):
        squares = _squares(block)
        result[place] = np.isfinite(squares) & (squares > 0)
    return result


def vendi_score(vectors: np.ndarray, rows: np.ndarray | None = None) -> float:
    """Return the effective number of different vectors in a set: from 1 (all alike) to n (all orthogonal).

    It is exp of the Shannon entropy of the eigenvalues of K/n, where K is the n × n cosine similarities (Friedman and
    Dieng, "The Vendi Score", 2023). The d × d second moments of the unit vectors have the same ones, so n may be large.

    Args:
        vectors, rows: as for ``mean_similarities``.
    """
    n = len(vectors) if rows is None else len(rows)
    moments = np.zeros((vectors.shape[1], vectors.shape[1]))
    for place, block in _blocks(vectors, rows):
        unit = block * _inverse_lengths(block, place.start)[:, None]  # float64: the number of threads shows nowhere
        moments += unit.T @ unit
    eigenvalues = np.linalg.eigvalsh(moments / n)
    eigenvalues = eigenvalues[eigenvalues > 0]
    return float(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()))


def _inverse_lengths(block: np.ndarray, start: int) -> np.ndarray:
    squares = _squares(block)
    broken = np.flatnonzero(~np.isfinite(squares) | (squares == 0))
    if len(broken):
        raise ValueError(f"{len(broken):,} vectors have no direction, the first at position {start + broken[0]}")
    return 1 / np.sqrt(squares)


def _squares(block: np.ndarray) -> np.ndarray:
    return np.vecdot(block, block).astype(np.float64)


def _blocks(vectors: np.ndarray, rows: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield consecutive blocks of the set, each with its place there; give back the pages of a memory map after use."""
    n = len(vectors) if rows is None else len(rows)
    size = max(1, BLOCK_BYTES // (vectors.shape[1] * vectors.dtype.itemsize))
    for start in range(0, n, size):
        place = slice(start, min(start + size, n))
        some = np.arange(place.start, place.stop) if rows is None else rows[place]
        first, last = int(some[0]), int(some[-1])
        without_gaps = last - first + 1 == len(some)
        yield place, vectors[first : last + 1] if without_gaps else vectors[some]
        _let_go(vectors, first, last)


def _let_go(vectors: np.ndarray, first: int, last: int) -> None:
    """Give pages of a memory map back; later reads take them from the system's cache of the file."""
    if isinstance(vectors, np.memmap) and vectors.base is vectors._mmap and hasattr(mmap, "MADV_DONTNEED"):
        row = vectors.strides[0]
        start = max(vectors.offset + first * row - MAPPED_BEFORE, 0) // mmap.PAGESIZE * mmap.PAGESIZE
        vectors._mmap.madvise(mmap.MADV_DONTNEED, start, vectors.offset + (last + 1) * row - start)
