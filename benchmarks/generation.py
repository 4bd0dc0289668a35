"""Solutions to HumanEval's problems: many at a time, against transformers' own loop one at a time, greedy."""

import sys
from collections.abc import Iterator, Sequence

import torch
from measure import Result, load_script, seconds
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria

from instruction_data.numbers import models
from instruction_data.outcomes import gold

PROBLEMS, MAX_LENGTH = 32, 384
STOP_WORDS = ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\n```")  # the harness's for HumanEval, most of them


class Stopped(StoppingCriteria):
    """A stop word in what was written, as the harness looks for it; transformers' own looks into the prompt, too."""

    def __init__(self, tokenizer, begun: int):
        self.tokenizer, self.begun = tokenizer, begun

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **unused: object) -> torch.Tensor:
        text = self.tokenizer.decode(input_ids[0, self.begun :])
        return torch.tensor([any(word in text for word in STOP_WORDS)])


def one_at_a_time(model, tokenizer, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    found = []
    for ids in tqdm(prompts, file=sys.stderr):
        options = {"stopping_criteria": [Stopped(tokenizer, len(ids))], "max_length": MAX_LENGTH, "do_sample": False}
        found.append(model.generate(torch.tensor([ids]), pad_token_id=0, **options)[0, len(ids) :].tolist())
    return found


def many_at_a_time(model, tokenizer, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    continuous = load_script("evaluation/in_harness/continuous.py")
    assert continuous.serves(model)
    how = continuous.How(MAX_LENGTH, temperature=0.0, top_p=1.0, seed=0, stop_words=STOP_WORDS)
    found = {number: tokens for number, _, tokens in continuous.texts(model, tokenizer, prompts, 1, how)}
    return [found[number] for number in range(len(prompts))]


def gap(model, prompt: Sequence[int], first: Sequence[int], second: Sequence[int]) -> float:
    """The difference of the logits of the two tokens where two texts part, computed without either loop."""
    place = next(place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    with torch.inference_mode():
        logits = model(torch.tensor([[*prompt, *first[:place]]])).logits[0, -1]
    return float((logits[first[place]] - logits[second[place]]).abs())


def run() -> Iterator[Result]:
    source = models.find("smollm2")
    tokenizer = AutoTokenizer.from_pretrained(source.location, **source.arguments)
    model = AutoModelForCausalLM.from_pretrained(source.location, dtype=torch.float32, **source.arguments).eval()
    prompts = [tokenizer(one.context).input_ids for one in gold.load("humaneval", PROBLEMS)]
    theirs, expected = seconds(lambda: one_at_a_time(model, tokenizer, prompts))
    ours, found = seconds(lambda: many_at_a_time(model, tokenizer, prompts))
    parted = [row for row in zip(prompts, found, expected, strict=True) if row[1] != row[2]]
    gaps = [gap(model, *row) for row in parted]
    assert all(one < 1e-3 for one in gaps), gaps
    detail = f"{ours:.1f} s against {theirs:.1f} s; {len(parted)} of {PROBLEMS} texts part, at ties: {gaps}"
    yield Result("greedy solutions: times as fast as one at a time", theirs / ours, 2, detail)
    yield Result("greedy solutions: share of equal texts", 1 - len(parted) / PROBLEMS, 0.99)
