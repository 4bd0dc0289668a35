"""Growth: n, 2n, 4n, 8n of each measure; time in proportion, memory flat."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from language_model import language_model, score_feature
from measure import Result, in_child, seconds
from similarity import of_file, write_file
from texts import demo_texts

from instruction_data.numbers import features, models
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Feature

STEPS = (1, 2, 4, 8)
ROWS = 50_000  # of the smallest file of vectors: fewer take too short a time to be measured


def linearity(times: list[float]) -> float:
    """The largest departure of the time per item from its median over the steps, in per cent."""
    per_item = np.array(times) / STEPS
    return float(np.abs(per_item / np.median(per_item) - 1).max() * 100)


def growth(name: str, measure: Callable[[int], float]) -> Result:
    """Best of three rounds that go through all steps, so that no step has a slow minute to itself."""
    rounds = [[measure(step) for step in STEPS] for _ in range(3)]
    times = np.min(rounds, axis=0)
    detail = "  ".join(f"{step}n {took:.2f} s" for step, took in zip(STEPS, times, strict=True))
    return Result(f"growth of {name}: % from linear", linearity(list(times)), 15, detail, at_most=True)


def feature_growth(name: str, feature: Feature, part: str, n: int) -> Result:
    """Every step has n texts of the same kind times the step: the first n, each numbered anew."""

    def measure(step: int) -> float:
        texts = [f"{text} {copy}" for copy in range(step) for text in demo_texts(part, n)]
        with tempfile.TemporaryDirectory() as folder:
            return seconds(lambda: features.compute(texts, feature, Path(folder)))[0]

    measure(1)
    return growth(name, measure)


def similarity_growth() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {step: Path(folder) / f"{step}.npy" for step in STEPS}
        for step, path in paths.items():
            write_file(path, ROWS * step, 1024)
        yield growth("similarity", lambda step: seconds(lambda: of_file(paths[step]))[0])
        peaks = [in_child(of_file, paths[step])[1] for step in STEPS]
        detail = "  ".join(f"{step}n {peak:.0f} MB" for step, peak in zip(STEPS, peaks, strict=True))
        yield Result("growth of similarity: MB from n to 8n", peaks[-1] - peaks[0], 50, detail, at_most=True)


def run() -> Iterator[Result]:
    yield from similarity_growth()
    yield feature_growth("encoding", Encoder(models.find("minilm"), device="cpu").feature, "output", 64)
    yield feature_growth("complexity score", score_feature(), "instruction", 16)
    yield feature_growth("perplexity", language_model().perplexity(256), "instruction", 16)
