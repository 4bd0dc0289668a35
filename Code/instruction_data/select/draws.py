"""Seeded draws, and the number of records on each side of a mixture: arrays in, row positions out."""

import hashlib

import numpy as np


def permutation(n: int, seed: int, name: str) -> np.ndarray:
    """Return all positions ``0 … n-1`` in a random order that depends on ``seed`` and ``name`` alone.

    Positions are sorted by 64-bit keys straight from PCG64, whose stream numpy guarantees; the drawing methods of its
    generators have no such guarantee. So the order is the same with every version.
    """
    return np.argsort(_keys(n, seed, name), kind="stable")


def _keys(n: int, seed: int, name: str) -> np.ndarray:
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return np.random.PCG64(int.from_bytes(digest, "big")).random_raw(n)


def uniform(n: int, seed: int, name: str) -> np.ndarray:
    """Return ``n`` random numbers between 0 and 1, both left out, that depend on ``seed`` and ``name`` alone."""
    return ((_keys(n, seed, name) >> np.uint64(11)) + 0.5) / 2.0**53


def draw(n: int, k: int, seed: int, name: str) -> np.ndarray:
    """Draw ``k`` of the positions ``0 … n-1`` without replacement, in drawn order.

    Raises:
        ValueError: fewer than ``k`` positions exist, or ``k`` is negative.
    """
    if not 0 <= k <= n:
        raise ValueError(f"cannot draw {k:,} of {n:,} without replacement")
    return permutation(n, seed, name)[:k].copy()  # a view would keep all n


def mixture_counts(n: int, code: int, other: int) -> tuple[int, int]:
    """Return the records on each side of a ``code:other`` mixture of ``n``: ⌊n·code/total⌋ and ⌊n·other/total⌋."""
    return n * code // (code + other), n * other // (code + other)


def share_counts(total: int, percent: int) -> tuple[int, int]:
    """Return ``percent`` per cent of ``total``, rounded down, and the remainder."""
    first = total * percent // 100
    return first, total - first
