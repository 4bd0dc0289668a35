"""Samples from a model that is loaded here; runs in the BigCode harness's environment."""

from collections.abc import Sequence

import continuous
import torch
from accelerate.utils import set_seed
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

AT_ONCE = 10  # samples of a problem, where those of several are not made together


class Finished(StoppingCriteria):
    """The criterion that every generation of the batch has reached one of the task's stop words."""

    def __init__(self, start: int, stop_words: Sequence[str], tokenizer):
        self.start, self.stop_words, self.tokenizer = start, stop_words, tokenizer

    def __call__(self, ids, scores, **_):
        texts = self.tokenizer.batch_decode(ids[:, self.start :])
        return all(any(word in text for word in self.stop_words) for text in texts)


def samples(tokenizer, stop_words: Sequence[str], prompts: list[list[int]], settings: dict) -> list[list[str]]:
    """Return the samples of every problem.

    Args:
        prompts: the tokens of each.
        settings: ``model``, ``adapter``, ``weights_arguments``, ``device``, ``dtype``, ``n_samples``, ``max_length``,
            ``temperature``, ``top_p``, ``seed``.
    """
    set_seed(settings["seed"])
    model = load_model(settings)
    make = together if continuous.serves(model) else apart
    return make(model, tokenizer, stop_words, prompts, settings)


def load_model(settings: dict):
    device = settings["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    options = {"dtype": getattr(torch, settings["dtype"])} | settings["weights_arguments"]
    model = AutoModelForCausalLM.from_pretrained(settings["model"], **options).to(device)
    if settings["adapter"]:
        model = PeftModel.from_pretrained(model, settings["adapter"]).merge_and_unload()
    return model.eval()


def together(model, tokenizer, stop_words: Sequence[str], prompts: list[list[int]], settings: dict) -> list[list[str]]:
    """Return the samples of every problem, made many at a time."""
    chosen = {name: settings[name] for name in ("max_length", "temperature", "top_p", "seed")}
    how = continuous.How(**chosen, stop_words=stop_words)
    made = [[""] * settings["n_samples"] for _ in prompts]
    found = continuous.texts(model, tokenizer, prompts, settings["n_samples"], how)
    for number, sample, new in tqdm(found, total=len(prompts) * settings["n_samples"]):
        made[number][sample] = tokenizer.decode(new, clean_up_tokenization_spaces=False)
    return made


@torch.inference_mode()
def apart(model, tokenizer, stop_words: Sequence[str], prompts: list[list[int]], settings: dict) -> list[list[str]]:
    """Return the samples of every problem, made one problem at a time by transformers' own loop."""
    options = {"max_length": settings["max_length"], "pad_token_id": tokenizer.pad_token_id}
    options["do_sample"] = settings["temperature"] > 0
    if options["do_sample"]:
        options |= {"temperature": settings["temperature"], "top_p": settings["top_p"], "top_k": 0}
    made = []
    for prompt in tqdm(prompts):
        ids, texts = torch.tensor([prompt], device=model.device), []
        options["stopping_criteria"] = StoppingCriteriaList([Finished(len(prompt), stop_words, tokenizer)])
        while len(texts) < settings["n_samples"]:
            count = min(AT_ONCE, settings["n_samples"] - len(texts))
            fits = len(prompt) < settings["max_length"]
            found = model.generate(ids, num_return_sequences=count, **options) if fits else ids.repeat(count, 1)
            texts += tokenizer.batch_decode(found[:, len(prompt) :], clean_up_tokenization_spaces=False)
        made.append(texts)
    return made
