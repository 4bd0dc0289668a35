"""A GPU against this machine's processor: the same numbers, the same splits, and how fast.

    make gpu-check

On a machine without a GPU it says so, and ends well. Nothing but the demo's texts and the embedded models is needed.
Writes build/gpu.json. Tolerances: float32 numbers differ by less than 1e-3 (of a vector's length, of a log-perplexity,
of a nat per token), and at most one record in a hundred changes its tier; for bfloat16 both are printed.
"""

import dataclasses
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
import torch
from language_model import plain_losses, plain_perplexities
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

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

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


def plainly(name: str, device: str, dtype: str, texts: Sequence[str]) -> Arrays:
    """The numbers of a feature by plain use of the libraries, in batches in the order given."""
    if name == "vectors":
        return {name: plain_encoder(device, dtype).encode(list(texts), batch_size=32, show_progress_bar=False)}
    model = LanguageModel(models.find("smollm2"), device, dtype)
    if name == "perplexity":
        return {name: plain_perplexities(model, texts, 512)}
    if name == "complexity":
        return {"logits": plain_logits(model, texts)}
    pairs = [orjson.loads(text) for text in texts]
    known = [len(model._tokenizer(context.rstrip())["input_ids"]) for context, _ in pairs]
    whole = model._tokenizer([context + solution for context, solution in pairs])["input_ids"]
    sums = [-each[first - 1 :].sum() for each, first in zip(plain_losses(model, whole), known, strict=True)]
    return {"log_likelihood": np.array(sums)[:, None]}


@functools.cache
def plain_encoder(device: str, dtype: str) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    options = {"dtype": getattr(torch, dtype)}
    return SentenceTransformer(models.find("minilm").location, device=device, model_kwargs=options)


def plain_logits(model: LanguageModel, texts: Sequence[str]) -> np.ndarray:
    """The digits' logits behind each prompt, padded on the left, of which the head sees the last token alone."""
    rq3 = load_script("RQ3/problem_complexity.py")
    prompts = model._tokenizer([rq3.JUNE.prompt.format(instruction=text) for text in texts])["input_ids"]
    ids, device, found = model.candidate_ids(rq3.DIGITS), model._network.device, []
    for start in range(0, len(prompts), 16):
        some = prompts[start : start + 16]
        longest = max(map(len, some))
        rows = torch.tensor([[0] * (longest - len(tokens)) + tokens for tokens in some], device=device)
        mask = torch.tensor([[0] * (longest - len(tokens)) + [1] * len(tokens) for tokens in some], device=device)
        places = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode():
            answer = model._network.model(
                input_ids=rows, attention_mask=mask, position_ids=places, use_cache=False, logits_to_keep=1
            )
        found.append(answer.logits[:, -1, ids].float().cpu().numpy())
    return np.concatenate(found)


def best(function: Callable[[], Arrays]) -> tuple[float, Arrays]:
    """Seconds of the faster of two calls, and what it returned."""
    return min((seconds(function) for _ in range(2)), key=lambda one: one[0])


def speed(device: str, n: int) -> Iterator[Result]:
    """Texts a second, against plain use of the libraries on the same device, which must give the same numbers."""
    for dtype in ("float32", "bfloat16"):
        for name, feature in wanted(device, dtype).items():
            texts = texts_of(name, n)
            feature.compute(texts[:64])  # load and warm
            plainly(name, device, dtype, texts[:64])
            if device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            took, found = best(lambda f=feature, texts=texts: f.compute(texts))
            if device != "cpu":
                peak = torch.cuda.max_memory_allocated() / 1e9
                yield Result(f"{name}, {dtype}: GB at the peak", peak, np.inf, at_most=True)
            bare, plain = best(lambda of=(name, device, dtype, texts): plainly(*of))
            apart = float(np.abs(number_of(name, found) - number_of(name, plain)).max())
            close = CLOSE if dtype == "float32" else np.inf
            yield Result(f"{name}, {dtype}: difference from plain libraries", apart, close, at_most=True)
            detail = f"{len(texts) / took:,.0f} texts a second"
            yield Result(f"{name}, {dtype}: plain libraries / ours", bare / took, 1, detail)


def useful(device: str, n: int) -> Iterator[Result]:
    """The share of the device's own matrix rate that perplexity reaches, counting two for each weight and token."""
    for dtype in ("float32", "bfloat16"):
        model = LanguageModel(models.find("smollm2"), device, dtype)
        texts = demo_texts("instruction", n)
        tokens = sum(min(len(ids), 512) for ids in model._tokenizer(texts)["input_ids"])
        weights = sum(one.numel() for one in model._network.model.parameters())
        feature = model.perplexity(512)
        took, _ = best(lambda f=feature, texts=texts: f.compute(texts))
        rate, most = 2 * weights * tokens / took, matrix_rate(device, dtype)
        detail = f"{rate / 1e12:.2f} of {most / 1e12:.2f} TFLOP/s"
        yield Result(f"perplexity, {dtype}: share of the matrix rate", rate / most, 0, detail)


def matrix_rate(device: str, dtype: str) -> float:
    size = 256 if device == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device).to(getattr(torch, dtype)) for _ in range(2))

    def product() -> None:
        for _ in range(8):
            left @ right
        if device != "cpu":
            torch.cuda.synchronize()

    product()
    return 8 * 2 * size**3 / min(seconds(product)[0] for _ in range(3))


def longest(device: str, n: int, tokens: int = LONG) -> Iterator[Result]:
    """Texts as long as the model reads them; where a batch does not fit, it shrinks, which gives the same numbers."""
    texts = [f"value {number} " * tokens for number in range(n)]
    feature = LanguageModel(models.find("smollm2"), device).perplexity(tokens)
    found = feature.compute(texts)["perplexity"]
    yield Result(f"{n} texts of {tokens} tokens: numbers", float(np.isfinite(found).mean()), 1)
    if device == "cpu":
        return
    room = (reserved(feature, texts[:1]) + reserved(feature, texts)) // 2  # enough for one text, and not for a batch
    failed = torch.cuda.memory_stats()["num_ooms"]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.get_device_properties(0).total_memory)
    try:
        shrunk = feature.compute(texts)["perplexity"]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    failed = torch.cuda.memory_stats()["num_ooms"] - failed
    yield Result(f"the same with {room / 1e9:.1f} GB: batches that did not fit", failed, 1)
    difference = float(np.abs(np.log(shrunk) - np.log(found)).max())
    yield Result(f"the same with {room / 1e9:.1f} GB: largest difference", difference, CLOSE, at_most=True)


def reserved(feature: Feature, texts: list[str]) -> int:
    """The bytes of the GPU's memory that PyTorch holds at the peak of a computation."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    feature.compute(texts)
    return torch.cuda.max_memory_reserved()


def check(device: str, n: int = 1000, tokens: int = LONG) -> Iterator[Result]:
    yield from sameness(device, min(n, 300))
    yield through_ray(device, min(n, 300))
    yield from speed(device, n)
    yield from useful(device, n)
    yield from longest(device, min(n, 64), tokens)


def main() -> int:
    if not torch.cuda.is_available():
        print("found no GPU that PyTorch can use: nothing to check")
        return 0
    card = torch.cuda.get_device_name()
    print(card)
    results, path = [], REPOSITORY / "build" / "gpu.json"
    path.parent.mkdir(exist_ok=True)
    for result in check("cuda"):
        print_row(result)
        results.append(dataclasses.asdict(result) | {"met": result.met})
        document = {"card": card, "torch": torch.__version__, "results": results}
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"{sum(one['met'] for one in results)} of {len(results)} targets met; written to {path}")
    return 0 if all(one["met"] for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
