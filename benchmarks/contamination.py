"""TLI of a full-size pool against 164 problems: by the index of n-grams, and by sets of tuples, record by record."""

import random
import time
from collections.abc import Iterator

import numpy as np
from measure import Result, in_child
from texts import demo_texts

from instruction_data.measures import leakage
from instruction_data.measures.leakage import GramIndex

RECORDS, PROBLEMS, WORDS = 75_197, 164, 250  # Magicoder-OSS-Instruct, HumanEval; words of a whole record
SAMPLE = 300  # records that the slow way does


def made_texts(n: int, words: int, seed: int) -> Iterator[str]:
    """Texts of the demo's words, Zipf-like in their frequency as real ones, joined from runs that repeat."""
    vocabulary = sorted({word for text in demo_texts("output", 500) for word in text.split()})
    runs = [text.split() for text in demo_texts("instruction", 500)]
    draw = random.Random(seed)
    for _ in range(n):
        tokens: list[str] = []
        while len(tokens) < words:
            tokens += draw.choice(runs) if draw.random() < 0.3 else [draw.choice(vocabulary) for _ in range(12)]
        yield " ".join(tokens[: draw.randrange(words // 2, words * 3 // 2)])


def problems() -> list[str]:
    return list(made_texts(PROBLEMS, 120, 1))


def by_index(n: int) -> tuple[np.ndarray, float]:
    """The greatest overlap of each problem; and the seconds without the making of the texts."""
    index = GramIndex(problems(), padded=True)
    texts = list(made_texts(n, WORDS, 2))
    began = time.perf_counter()
    best = index.overlaps(texts).best(np.ones(n, dtype=bool))
    return best, time.perf_counter() - began


def by_sets(n: int) -> tuple[np.ndarray, float]:
    """The same as XCoder's script does it."""

    def grams(text: str) -> set[tuple[str, ...]]:
        found = set()
        for size in leakage.SIZES:
            pad = size - 1
            tokens = ["<start>"] * pad + text.split() + ["<end>"] * pad
            found |= set(zip(*(tokens[start:] for start in range(size)), strict=False))
        return found

    theirs = [grams(text) for text in problems()]
    best = np.zeros(len(theirs))
    texts = list(made_texts(n, WORDS, 2))
    began = time.perf_counter()
    for text in texts:
        mine = grams(text)
        best = np.maximum(best, [len(mine & one) / len(one) for one in theirs])
    return best, time.perf_counter() - began


def run() -> Iterator[Result]:
    expected, slow = by_sets(SAMPLE)
    found, _ = by_index(SAMPLE)
    assert np.array_equal(found, expected)
    _, peak, (_, took) = in_child(by_index, RECORDS)
    name = f"TLI of {RECORDS:,} records × {PROBLEMS} problems"
    sets = slow / SAMPLE * RECORDS
    yield Result(f"{name}: seconds", took, 120, f"by sets about {sets:,.0f} s; equal on {SAMPLE} records", at_most=True)
    yield Result(f"{name}: by sets / by index", sets / took, 10)
    yield Result(f"{name}: MB above baseline, texts among them", peak, 2000, at_most=True)
