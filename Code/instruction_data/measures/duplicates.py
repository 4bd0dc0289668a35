"""Near-duplicate texts by MinHash: groups of texts whose sets of word shingles have a high Jaccard similarity.

Signatures and the cut into bands (locality-sensitive hashing) come from datasketch. Texts that share a band are then
compared by the exact Jaccard similarity of their shingles, so a chance agreement in a band groups nothing. Each bucket
yields a chain and a star, not all its pairs: time and memory stay linear where thousands of texts are alike.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

THRESHOLD = 0.7  # Jaccard similarity: StarCoder's near-deduplication, like the shingles (Li et al. 2023, section 4)
SHINGLE_WORDS = 5
PERMUTATIONS = 128
MISS_WEIGHT = 0.95  # in choosing the bands, of missed pairs against pairs compared in vain: few are missed
SEED = 1

_WORD = re.compile(r"\w+")


def settings() -> dict[str, object]:
    """Return the settings that identify the measure, for a report."""
    import importlib.metadata

    version = importlib.metadata.version("datasketch")
    numbers = {"threshold": THRESHOLD, "shingle_words": SHINGLE_WORDS, "permutations": PERMUTATIONS, "seed": SEED}
    return {"package": "datasketch", "version": version} | numbers


def shingles(text: str) -> set[str]:
    """Return every run of five words of a text, in lower case; a shorter text is one shingle, an empty one has none."""
    words = _WORD.findall(text.lower())
    if len(words) <= SHINGLE_WORDS:
        return {" ".join(words)} if words else set()
    return {" ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1)}


def groups(n: int, text: Callable[[int], str]) -> np.ndarray:
    """Return the group of each of ``n`` texts.

    Args:
        text: position -> text; called again when two texts are compared, so that memory holds no texts.

    Returns:
        int64 ``[n]``, the first position of each text's group. Groups are transitive: if A is like B and B like C, all
        three are one group. A text without a word is alone.
    """
    hashes = np.zeros((n, PERMUTATIONS), dtype=np.uint64)
    empty = np.zeros(n, dtype=bool)
    for position in range(n):
        found = shingles(text(position))
        empty[position] = not found
        hashes[position] = _signature(found)
    first = np.arange(n)
    for pair in _candidates(hashes, np.flatnonzero(~empty)):
        one, other = (_first(first, position) for position in pair)
        if one != other and jaccard(shingles(text(pair[0])), shingles(text(pair[1]))) >= THRESHOLD:
            first[max(one, other)] = min(one, other)
    return np.array([_first(first, position) for position in range(n)], dtype=np.int64)


def jaccard(one: set, other: set) -> float:
    """Return the size of the intersection over that of the union; 0 for two empty sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


def _signature(found: set[str]) -> np.ndarray:
    sketch = _empty_sketch().copy()
    sketch.update_batch([shingle.encode() for shingle in found])
    return sketch.hashvalues


@cache
def _empty_sketch():
    from datasketch import MinHash

    return MinHash(PERMUTATIONS, seed=SEED)


def _candidates(hashes: np.ndarray, among: np.ndarray) -> Sequence[tuple[int, int]]:
    """Return pairs of positions that share a band: each with the one before it and with the first of its bucket."""
    from datasketch import MinHashLSH

    index = MinHashLSH(THRESHOLD, PERMUTATIONS, weights=(1 - MISS_WEIGHT, MISS_WEIGHT))
    pairs: set[tuple[int, int]] = set()
    for band in range(index.b):
        part = np.ascontiguousarray(hashes[among, band * index.r : (band + 1) * index.r])
        _, bucket = np.unique(part, axis=0, return_inverse=True)
        order = np.argsort(bucket.ravel(), kind="stable")
        sorted_buckets = bucket.ravel()[order]
        starts = np.flatnonzero(np.r_[True, sorted_buckets[1:] != sorted_buckets[:-1]]) if len(order) else order
        head = np.repeat(starts, np.diff(np.r_[starts, len(order)]))
        later = np.flatnonzero(np.arange(len(order)) != head)
        pairs.update(zip(among[order[later - 1]].tolist(), among[order[later]].tolist(), strict=True))
        pairs.update(zip(among[order[head[later]]].tolist(), among[order[later]].tolist(), strict=True))
    return sorted(pairs)


def _first(first: np.ndarray, position: int) -> int:
    """Find the root of a position in the forest of groups; halve the paths on the way."""
    while first[position] != position:
        first[position] = first[first[position]]
        position = first[position]
    return int(position)
