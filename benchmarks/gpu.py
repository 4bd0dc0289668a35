"""A GPU against this machine's processor: the same numbers, the same splits, and how fast.

    make gpu-check

On a machine without a GPU it says so, and ends well. Nothing but the demo's texts and the embedded models is needed.
Writes build/gpu.json. Tolerances: float32 numbers differ by less than 1e-3 (of a vector's length, of a log-perplexity,
of a nat per token), and at most one record in a hundred changes its tier; for bfloat16 both are printed.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import torch
from measure import Result, load_script, print_row, seconds
from texts import demo_texts

from instruction_data.files.places import REPOSITORY
from instruction_data.numbers import features, models, similarity
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Feature
from instruction_data.numbers.language_model import LanguageModel, alternatives
from instruction_data.numbers.ray import Ray
from instruction_data.outcomes import gold

CLOSE, MOVED = 1e-3, 0.01  # the tolerances of float32
LONG = 2048  # tokens


def texts_of(feature: str, n: int) -> list[str]:
    if feature == "likelihood":
        return [alternatives(one.context, one.solution) for one in gold.load("humaneval", n)]
    return demo_texts("output" if feature == "vectors" else "instruction", n)


def wanted(device: str, dtype: str) -> dict[str, Feature]:
    """The features that the questions and likelihood.py ask for."""
    rq3, model = load_script("RQ3/problem_complexity.py"), LanguageModel(models.find("smollm2"), device, dtype)
    return {
        "vectors": Encoder(models.find("minilm"), device=device, dtype=dtype).feature,
        "perplexity": model.perplexity(512),
        "complexity": model.next_token_logits(rq3.JUNE.prompt, rq3.DIGITS, rq3.PROMPT_TOKENS),
        "likelihood": model.log_likelihoods(1, LONG),
    }


def number_of(name: str, arrays: Arrays) -> np.ndarray:
    """The numbers that are compared: a unit vector, a log-perplexity, an expected digit, nats."""
    if name == "vectors":
        return arrays["vectors"] / np.linalg.norm(arrays["vectors"], axis=1, keepdims=True)
    if name == "perplexity":
        return np.log(arrays["perplexity"])
    if name == "complexity":
        return load_script("RQ3/problem_complexity.py").expected_digit(arrays["logits"])
    return arrays["log_likelihood"][:, 0] / 100  # of solutions of some hundred tokens


def moved(name: str, first: np.ndarray, second: np.ndarray) -> float:
    """The share of records that change their third, cut by what the splits are cut by."""
    values = [similarity.mean_similarities(one).including if name == "vectors" else one for one in (first, second)]
    first, second = map(load_script("RQ3/problem_complexity.py").tier_numbers, values)
    return float((first != second).mean())


def sameness(device: str, n: int) -> Iterator[Result]:
    """The numbers of the processor in float32 against those of the device."""
    expected = {name: number_of(name, one.compute(texts_of(name, n))) for name, one in wanted("cpu", "float32").items()}
    for dtype in ("float32", "bfloat16"):
        for name, feature in wanted(device, dtype).items():
            texts = texts_of(name, n)
            found = number_of(name, feature.compute(texts))
            difference, share = float(np.abs(found - expected[name]).max()), moved(name, expected[name], found)
            close, few = (CLOSE, MOVED) if dtype == "float32" else (np.inf, np.inf)
            yield Result(f"{name}, {dtype}: largest difference", difference, close, at_most=True)
            yield Result(f"{name}, {dtype}: share of {len(texts)} that changes tier", share, few, at_most=True)


def through_ray(device: str, n: int) -> Result:
    """Ray with one worker a device gives what this process gives."""
    texts, feature = texts_of("vectors", n), wanted(device, "float32")["vectors"]
    with tempfile.TemporaryDirectory() as folder:
        engine = Ray(gpus=0 if device == "cpu" else 1)
        found = features.compute(texts, feature, Path(folder), engine)["vectors"]
    expected = feature.compute(texts)["vectors"]
    return Result("vectors by Ray: largest difference", float(np.abs(found - expected).max()), CLOSE, at_most=True)


def plain_perplexities(device: str, dtype: str, texts: Sequence[str]) -> None:
    """Plain transformers: batches of 16 in the order given, padded, loss by cross-entropy."""
    model = LanguageModel(models.find("smollm2"), device, dtype)
    network, tokenizer = model._network.model, model._tokenizer
    for start in range(0, len(texts), 16):
        ids = [tokenizer(text)["input_ids"][:512] for text in texts[start : start + 16]]
        longest = max(map(len, ids))
        rows = torch.tensor([one + [0] * (longest - len(one)) for one in ids], device=device)
        with torch.inference_mode():
            logits = network(rows, use_cache=False).logits[:, :-1].float()
            torch.nn.functional.cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none").cpu()


def plain_vectors(device: str, dtype: str, texts: Sequence[str]) -> None:
    from sentence_transformers import SentenceTransformer

    options = {"dtype": getattr(torch, dtype)}
    model = SentenceTransformer(models.find("minilm").location, device=device, model_kwargs=options)
    model.encode(list(texts), batch_size=32, show_progress_bar=False)


def best(function: Callable, *arguments: object) -> float:
    """Seconds of the faster of two calls."""
    return min(seconds(lambda: function(*arguments))[0] for _ in range(2))


def speed(device: str, n: int) -> Iterator[Result]:
    """Texts a second, against plain use of the libraries on the same device."""
    against: dict[str, Callable] = {"vectors": plain_vectors, "perplexity": plain_perplexities}
    for dtype in ("float32", "bfloat16"):
        for name, feature in wanted(device, dtype).items():
            texts = texts_of(name, n)
            feature.compute(texts[:64])  # load and warm
            if device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            took = best(feature.compute, texts)
            peak = "" if device == "cpu" else f", {torch.cuda.max_memory_allocated() / 1e9:.1f} GB at the peak"
            detail = f"{len(texts) / took:,.0f} texts a second{peak}"
            if name in against:
                against[name](device, dtype, texts[:64])
                bare = best(against[name], device, dtype, texts)
                yield Result(f"{name}, {dtype}: plain libraries / ours", bare / took, 1, detail)
            else:
                yield Result(f"{name}, {dtype}: texts a second", len(texts) / took, 0, detail)


def useful(device: str, n: int) -> Iterator[Result]:
    """The share of the device's own matrix rate that perplexity reaches, counting two for each weight and token."""
    for dtype in ("float32", "bfloat16"):
        model = LanguageModel(models.find("smollm2"), device, dtype)
        texts = demo_texts("instruction", n)
        tokens = sum(min(len(ids), 512) for ids in model._tokenizer(texts)["input_ids"])
        weights = sum(one.numel() for one in model._network.model.parameters())
        feature = model.perplexity(512)
        took = best(feature.compute, texts)
        rate, most = 2 * weights * tokens / took, matrix_rate(device, dtype)
        detail = f"{rate / 1e12:.2f} of {most / 1e12:.2f} TFLOP/s"
        yield Result(f"perplexity, {dtype}: share of the matrix rate", rate / most, 0, detail)


def matrix_rate(device: str, dtype: str) -> float:
    size = 1024 if device == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device).to(getattr(torch, dtype)) for _ in range(2))

    def product() -> None:
        for _ in range(8):
            left @ right
        if device != "cpu":
            torch.cuda.synchronize()

    product()
    return 8 * 2 * size**3 / min(seconds(product)[0] for _ in range(3))


def longest(device: str, n: int, tokens: int = LONG) -> Result:
    """Texts as long as the model reads them; where a batch does not fit, it shrinks."""
    texts = [f"value {number} " * tokens for number in range(n)]
    found = LanguageModel(models.find("smollm2"), device).perplexity(tokens).compute(texts)["perplexity"]
    return Result(f"{n} texts of {tokens} tokens: numbers", float(np.isfinite(found).mean()), 1)


def check(device: str, n: int = 1000, tokens: int = LONG) -> Iterator[Result]:
    yield from sameness(device, min(n, 300))
    yield through_ray(device, min(n, 300))
    yield from speed(device, n)
    yield from useful(device, n)
    yield longest(device, min(n, 64), tokens)


def main() -> int:
    if not torch.cuda.is_available():
        print("found no GPU that PyTorch can use: nothing to check")
        return 0
    card = torch.cuda.get_device_name()
    print(card)
    results = []
    for result in check("cuda"):
        print_row(result)
        results.append(dataclasses.asdict(result) | {"met": result.met})
    path = REPOSITORY / "build" / "gpu.json"
    path.parent.mkdir(exist_ok=True)
    document = {"card": card, "torch": torch.__version__, "results": results}
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"{sum(one['met'] for one in results)} of {len(results)} targets met; written to {path}")
    return 0 if all(one["met"] for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
