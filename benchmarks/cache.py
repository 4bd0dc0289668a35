"""Computed numbers when pools grow: what is computed, how fast the rest is opened, what it takes on disk."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from measure import Result, in_child, seconds

from instruction_data.numbers import features
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature

POOL, FULL, WIDTH = 4_535, 262_039, 384  # texts of a small pool and of the study's largest, numbers of a vector


class Counting:
    """Vectors from the texts alone, which counts the texts that it computes."""

    def __init__(self) -> None:
        self.texts = 0
        self.feature = Feature("vectors", {"model": "benchmark"}, self.compute)

    def compute(self, texts: list[str]) -> Arrays:
        self.texts += len(texts)
        return {"vectors": np.stack([np.full(WIDTH, hash(text) % 65_521, np.float32) for text in texts])}


def computed(texts: Sequence[str], folder: Path) -> int:
    """Compute what is lacking, and count it; what is returned must be as if all had been computed."""
    counting = Counting()
    found = features.compute(texts, counting.feature, folder)["vectors"]
    assert np.array_equal(found[:, 0], Counting().compute(list(texts))["vectors"][:, 0])
    return counting.texts


def growth() -> Iterator[Result]:
    """Every step counts the texts that are computed beyond those that are new."""
    pool = [f"{'word ' * (number * 7 % 90)}{number}" for number in range(POOL)]
    steps = {
        "the first 100": (pool[:100], 100),
        "300 of them": (pool[:300], 200),
        "all": (pool, POOL - 300),
        "one more, the longest": ([*pool, "word " * 200], 1),
        "in another order": (pool[::-1], 0),
        "one less": (pool[1:], 0),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (texts, new) in steps.items():
            found = computed(texts, Path(folder))
            yield Result(f"texts computed too many: {name}", found - new, 0, f"{found:,} computed", at_most=True)


def opened(folder: Path) -> tuple[float, int]:
    """Open the numbers of a full pool; return the seconds, and how many texts had to be computed."""
    counting = Counting()
    texts = [f"{'word ' * (number * 7 % 90)}{number}" for number in range(FULL)]
    took, _ = seconds(lambda: features.compute(texts, counting.feature, folder, scratch=folder))
    return took, counting.texts


def run() -> Iterator[Result]:
    yield from growth()
    with tempfile.TemporaryDirectory() as folder:
        _, _, (first, count) = in_child(opened, Path(folder))
        assert count == FULL
        _, _, (again, count) = in_child(opened, Path(folder))
        assert count == 0
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))
    yield Result(f"opening {FULL:,} cached vectors: seconds", again, 3, f"to write them {first:.0f} s", at_most=True)
    yield Result("bytes on disk over bytes of the vectors", size / (FULL * WIDTH * 4), 1.2, "", at_most=True)
