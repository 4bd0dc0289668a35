"""Encoding: the embedded encoder on the demo's outputs, and what a second run costs."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from measure import Result, in_turn, seconds
from texts import demo_texts

from instruction_data.numbers import features, models
from instruction_data.numbers.encoder import Encoder


@cache
def encoder():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(models.find("minilm").location, device="cpu")


def ours(texts: list[str]) -> np.ndarray:
    """The whole way, cache and all, from an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        found = features.compute(texts, Encoder(models.find("minilm"), device="cpu").feature, Path(folder))
        return np.array(found["vectors"])


def whole(texts: list[str]) -> np.ndarray:
    return encoder().encode(texts, batch_size=32, show_progress_bar=False)


def a_call_per_32(texts: list[str]) -> np.ndarray:
    """The study's way: unsorted, one call for every 32."""
    parts = [encoder().encode(texts[start : start + 32], show_progress_bar=False) for start in range(0, len(texts), 32)]
    return np.concatenate(parts)


def against(name: str, theirs, texts: list[str], target: float, rounds: int) -> Result:
    took, bare, found, expected = in_turn(lambda: ours(texts), lambda: theirs(texts), rounds)
    difference = float(np.abs(found - expected).max())
    assert difference <= 1e-5, difference
    detail = f"{bare:.1f} s against {took:.1f} s for {len(texts):,} texts; difference {difference:.1e}"
    return Result(f"encoding: {name} / ours", bare / took, target, detail)


def second_run(texts: list[str]) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        feature = Encoder(models.find("minilm"), device="cpu").feature
        first, before = seconds(lambda: features.compute(texts, feature, Path(folder)))
        second, after = seconds(lambda: features.compute(texts, feature, Path(folder)))
        assert np.array_equal(before["vectors"], after["vectors"])
    detail = f"{first:.1f} s, then {second:.3f} s"
    return Result("a second run with nothing changed: the first / the second", first / second, 50, detail)


def run() -> Iterator[Result]:
    texts = demo_texts("output", 2000)
    ours(texts[:64]), whole(texts[:64])  # load both
    yield against("encode(batch_size=32) over all", whole, texts, 1.0, rounds=2)
    yield against("a call per 32, unsorted", a_call_per_32, texts[:640], 1.5, rounds=2)
    yield second_run(texts[:640])
