"""The numbers of the language model, on the demo's texts and HumanEval's solutions, with the embedded model."""

import statistics
import time
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np
import orjson
import torch
from measure import Result, in_turn, load_script, seconds
from texts import demo_texts

from instruction_data.numbers import models
from instruction_data.numbers.batches import in_batches
from instruction_data.numbers.language_model import LanguageModel, _common_prefix, alternatives
from instruction_data.numbers.trees import pack
from instruction_data.outcomes import edits, gold

GENERATED = 4  # records for the study's way, at half a minute each
DIGITS = "123456"


@cache
def language_model() -> LanguageModel:
    return LanguageModel(models.find("smollm2"), device="cpu")


@cache
def script() -> ModuleType:
    return load_script("RQ3/problem_complexity.py")


def score_feature():
    rq3 = script()
    return language_model().next_token_logits(rq3.JUNE.prompt, rq3.DIGITS, rq3.PROMPT_TOKENS)


def generate_one(text: str) -> np.ndarray:
    """The study's way: generate(max_length=512) and read the first step's scores."""
    model, tokenizer = language_model()._network.model, language_model()._tokenizer
    prompt = tokenizer(script().JUNE.prompt.format(instruction=text), return_tensors="pt")
    with torch.no_grad():
        output = model.generate(
            **prompt, max_length=512, do_sample=False, output_scores=True, return_dict_in_generate=True
        )
    return output.scores[0][0, language_model().candidate_ids(DIGITS)].numpy()


def complexity_against_generate() -> Result:
    texts = demo_texts("instruction", 64)
    feature = score_feature()
    feature.compute(texts[:8])  # warm
    ours, found = min((seconds(lambda: feature.compute(texts)) for _ in range(3)), key=lambda pair: pair[0])
    theirs, expected = seconds(lambda: np.array([generate_one(text) for text in texts[:GENERATED]]))
    rq3 = script()
    scores = rq3.expected_digit(found["logits"][:GENERATED]), rq3.expected_digit(expected)
    difference = float(np.abs(scores[0] - scores[1]).max())
    assert difference <= 1e-4, difference
    per_record = ours / len(texts), theirs / GENERATED
    detail = f"{per_record[1]:.2f} s a record against {per_record[0]:.4f} s; difference {difference:.1e}"
    return Result("complexity score: generate(max_length=512) / ours", per_record[1] / per_record[0], 100, detail)


def plain_losses(model: LanguageModel, sequences: list[list[int]]) -> list[np.ndarray]:
    """Nats of all tokens but the first, the plain way: batches of 16 in the order given, padded, all logits at once.

    Returns:
        of each sequence ``[its tokens - 1]``.
    """
    network, device, found = model._network.model, model._network.device, []
    for start in range(0, len(sequences), 16):
        some = sequences[start : start + 16]
        longest = max(map(len, some))
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in some], device=device)
        mask = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens in some], device=device)
        with torch.inference_mode():
            logits = network(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
            each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        found += [row[: len(tokens) - 1] for row, tokens in zip(each.cpu().numpy(), some, strict=True)]
    return found


def plain_perplexities(model: LanguageModel, texts: list[str], max_tokens: int) -> np.ndarray:
    start, whole = model._start(), model._tokenizer(texts)["input_ids"]
    return np.array([np.exp(one.mean()) for one in plain_losses(model, [[start, *ids[:max_tokens]] for ids in whole])])


def matrix_rate() -> float:
    """FLOP/s of this machine's own matrix product, now; over some half a second, as other work comes and goes."""
    left, right = (torch.randn(2048, 2048) for _ in range(2))
    began = time.perf_counter()
    for _ in range(8):
        left @ right
    return 8 * 2 * 2048**3 / (time.perf_counter() - began)


def useful_share(name: str, feature, flops: float, texts: list[str], target: float = 0.7) -> Result:
    """Useful model FLOP/s over the machine's rate, measured before and after each round; the median round.

    The best round would be the one in which other work held up the product.
    """
    rounds = []
    for _ in range(5):
        before = matrix_rate()
        took, _ = seconds(lambda: feature.compute(texts))
        rate = (before + matrix_rate()) / 2
        rounds.append((flops / took / rate, flops / took / 1e9, rate / 1e9))
    share, ours, rate = statistics.median_high(rounds)
    detail = f"{ours:.0f} of {rate:.0f} GFLOP/s"
    return Result(f"{name}: useful FLOP/s / matrix product's", share, target, detail)


def weights() -> tuple[int, int]:
    """Parameters of the head, and of the rest that every token goes through (the embedding is the head's matrix)."""
    model = language_model()._network.model
    head = model.get_output_embeddings().weight.numel()
    return head, sum(parameter.numel() for parameter in model.parameters()) - head


def perplexity_flops(texts: list[str]) -> float:
    """Two for each weight and token: of each text, the head is needed once less often than the body."""
    head, body = weights()
    lengths = [min(len(language_model()._tokenizer(text)["input_ids"]), 256) for text in texts]
    return 2 * sum(body * (length + 1) + head * length for length in lengths)


def useful_shares() -> Iterator[Result]:
    head, body = weights()
    tokenizer = language_model()._tokenizer
    texts = sorted(demo_texts("instruction", 300), key=len)[-64:]
    prompts = [tokenizer(script().JUNE.prompt.format(instruction=text))["input_ids"] for text in texts]
    shared = _common_prefix(prompts)
    needed = shared + sum(len(tokens) - shared for tokens in prompts)
    yield useful_share("complexity score", score_feature(), 2 * (body * needed + head * len(texts)), texts)
    perplexity = language_model().perplexity(256)
    some = texts[::4]
    found, expected = perplexity.compute(some)["perplexity"], plain_perplexities(language_model(), some, 256)
    assert np.abs(np.log(found) - np.log(expected)).max() <= 1e-3
    yield useful_share("perplexity", perplexity, perplexity_flops(texts), texts, 0.85)


def bfloat16() -> Iterator[Result]:
    """Perplexities in bfloat16 and in float32, and how many records would be in another third."""
    slower = models.slowness("bfloat16")
    if slower > 1:
        print(
            f"perplexity in bfloat16: not on this processor, whose own product takes {slower:.1f} times as long in it"
        )
        return
    texts = sorted(demo_texts("instruction", 300), key=len)[-96:]
    took, found = {}, {}
    for dtype in ("float32", "bfloat16"):
        feature = LanguageModel(models.find("smollm2"), device="cpu", dtype=dtype).perplexity(256)
        feature.compute(texts[:8])  # loads the model
        took[dtype], arrays = min(
            (seconds(lambda f=feature: f.compute(texts)) for _ in range(2)), key=lambda one: one[0]
        )
        found[dtype] = arrays["perplexity"]
    first, second = map(script().tier_numbers, found.values())
    detail = f"{(first != second).mean():.1%} of {len(texts)} records in another third"
    yield Result("perplexity: float32 / bfloat16", took["float32"] / took["bfloat16"], 1.5, detail)


def twin_texts() -> list[str]:
    """Every tenth problem of HumanEval, with its solution and four edits of it (which are not executed)."""
    texts = []
    for one in gold.load("humaneval", None)[::10]:
        some = edits.edits(one.context + one.solution, len(one.context))[:4]
        texts.append(alternatives(one.context, one.solution, *(edit.of(one.solution) for edit in some)))
    return texts


def likelihoods_against_batches() -> Iterator[Result]:
    """Solutions and twins as trees, against padded batches in which each has its own copy of what they share."""
    model, texts = language_model(), twin_texts()
    feature = model.log_likelihoods(5, 2048)
    continued = [model._continued(*orjson.loads(text), max_tokens=2048) for text in texts]
    flat = [(tokens, known) for known, sequences, _ in continued for tokens in sequences]
    groups = [sequences for _, sequences, _ in continued]

    def batched() -> np.ndarray:
        found = np.empty(len(flat))

        def read(batch: list[int]) -> None:
            hidden = model._network.hidden([flat[place][0] for place in batch])
            for row, place in zip(hidden, batch, strict=True):
                tokens, known = flat[place]
                found[place] = -model._losses(row[known - 1 : len(tokens) - 1], tokens[known:]).sum()

        in_batches([len(tokens) for tokens, _ in flat], "cpu", read)
        return found

    took, bare, found, expected = in_turn(lambda: feature.compute(texts)["log_likelihood"], batched, rounds=2)
    difference = float(np.abs(found[~np.isnan(found)] - expected).max())
    assert difference <= 1e-3, difference
    detail = f"{bare:.1f} s against {took:.1f} s for {len(texts)} problems; difference {difference:.1e} nats"
    yield Result("solutions and twins: padded batches / ours", bare / took, 1.5, detail)
    head, body = weights()
    flops = 0
    for tree, places in pack(groups, "cpu"):
        wanted = {node for path, (row, _) in zip(tree.paths, places, strict=True) for node in path[continued[row][0] :]}
        flops += 2 * (body * len(tree.tokens) + head * len(wanted))
    yield useful_share("solutions and twins", feature, flops, texts)


def run() -> Iterator[Result]:
    yield complexity_against_generate()
    yield from useful_shares()
    yield from bfloat16()
    yield from likelihoods_against_batches()
