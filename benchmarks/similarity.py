"""Mean cosine similarity: against the study's exhaustive search, and against a bare pass over the file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import Result, in_child, in_turn, seconds

from instruction_data.numbers import similarity


def vectors(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) + np.float32(0.05)


def exhaustive(n: int, d: int) -> np.ndarray:
    """The study's way: an inner-product search for all n neighbours, averaged."""
    import faiss

    unit = vectors(n, d)
    faiss.normalize_L2(unit)
    index = faiss.IndexFlatIP(d)
    index.add(unit)
    found, _ = index.search(unit, n)
    return found.mean(axis=1, dtype=np.float64)


def timed_exhaustive(n: int, d: int) -> tuple[float, np.ndarray]:
    """Without the making of the vectors."""
    took, found = seconds(lambda: exhaustive(n, d))
    made, _ = seconds(lambda: vectors(n, d))
    return took - made, found


def against_exhaustive(n: int, d: int, target: float) -> Result:
    _, their_peak, (theirs, expected) = in_child(timed_exhaustive, n, d)
    made = vectors(n, d)
    ours, found = min((seconds(lambda: similarity.mean_similarities(made)) for _ in range(5)), key=lambda pair: pair[0])
    difference = float(np.abs(found.including - expected).max())
    assert difference <= 1e-6, difference
    detail = f"{theirs:.2f} s, {their_peak:,.0f} MB against {ours:.4f} s; difference {difference:.1e}"
    return Result(f"similarity of {n:,} × {d:,}: exhaustive search / ours", theirs / ours, target, detail)


def write_file(path: Path, n: int, d: int) -> None:
    made = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
    for start in range(0, n, 10_000):
        made[start : start + 10_000] = vectors(min(10_000, n - start), d, start)
    made.flush()


def of_file(path: Path) -> float:
    return similarity.mean_similarities(np.load(path, mmap_mode="r")).overall


def bare_sum(path: Path) -> np.ndarray:
    """One plain numpy reduction over the same file, opened anew as ours is."""
    return np.load(path, mmap_mode="r").sum(axis=0)


def from_disk(n: int, d: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        write_file(path, n, d)
        ours, bare, _, total = in_turn(lambda: of_file(path), lambda: bare_sum(path), rounds=5)
        assert np.isfinite(total).all()
        detail = f"{ours:.2f} s against {bare:.2f} s for sum(axis=0)"
        name = f"similarity of {n:,} × {d:,} from disk"
        yield Result(f"{name}: time / one numpy reduction", ours / bare, 3, detail, at_most=True)
        _, peak, _ = in_child(of_file, path)
        yield Result(f"{name}: MB above baseline", peak, 300, at_most=True)


def run() -> Iterator[Result]:
    yield against_exhaustive(10_000, 384, 1000)
    yield against_exhaustive(10_000, 4096, 300)
    yield from from_disk(110_000, 4096)
