"""Near-duplicate texts by MinHash: groups of texts whose sets of word shingles have a high Jaccard similarity.

Signatures come from datasketch, and so does the cut into bands (locality-sensitive hashing). Texts that share a band
are compared by the Jaccard similarity of their shingles itself, so a band's chance agreement groups nothing. Each
bucket is a chain and a star rather than all its pairs: time and memory stay linear where thousands of texts are alike.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

THRESHOLD = 0.7  # Jaccard similarity: StarCoder's near-deduplication, like the shingles (Li et al. 2023, section 4)
SHINGLE_WORDS = 5
PERMUTATIONS = 128
MISS_WEIGHT = 0.95  # of pairs missed against pairs compared in vain, in choosing the bands: what is alike is found
SEED = 1

_WORD = re.compile(r"\w+")


def settings() -> dict[str, object]:
    """What identifies the measure, for a report."""
    import importlib.metadata

    version = importlib.metadata.version("datasketch")
    numbers = {"threshold": THRESHOLD, "shingle_words": SHINGLE_WORDS, "permutations": PERMUTATIONS, "seed": SEED}
    return {"package": "datasketch", "version": version} | numbers


def shingles(text: str) -> set[str]:
    """Every run of five words of a text, in lower case; a shorter text is one shingle, an empty one has none."""
    words = _WORD.findall(text.lower())
    if len(words) <= SHINGLE_WORDS:
        return {" ".join(words)} if words else set()
    return {" ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1)}


def groups(n: int, text: Callable[[int], str]) -> np.ndarray:
    """The group of each of ``n`` texts.

    Args:
        text: position -> text; asked for again when two texts are compared, so that memory holds none of them.

    Returns:
        int64 ``[n]``, the first position of each text's group. Groups are transitive: a text is with its likes' likes.
        Texts without a word are alone.
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
    """Size of the intersection over that of the union; of two empty sets 0."""
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
    """Pairs of positions that share a band: each with the one before it and with the first of its bucket."""
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
    """The root of a position in the forest of groups; paths are halved on the way."""
    while first[position] != position:
        first[position] = first[first[position]]
        position = first[position]
    return int(position)
