"""Generations of a model for a task of the BigCode harness, in the harness's form; runs in its environment.

    python generate.py SETTINGS.json

This script is for the harness's package, whose own generation does not run. It uses the harness's prompts, stop words,
truncation and post-processing. Many texts are made at a time; a model whose texts cannot be, or that has settings of
its own for them, makes those of one problem at a time, as the checkout does.
"""

import json
import sys
from pathlib import Path

import continuous
import loading
import served
import torch
from accelerate.utils import set_seed
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

AT_ONCE = 10  # samples of a problem, where those of several are not made together


class Finished(StoppingCriteria):
    """The criterion that every generation of the batch has reached one of the task's stop words."""

    def __init__(self, start: int, stop_words: list[str], tokenizer):
        self.start, self.stop_words, self.tokenizer = start, stop_words, tokenizer

    def __call__(self, ids, scores, **_):
        texts = self.tokenizer.batch_decode(ids[:, self.start :])
        return all(any(word in text for word in self.stop_words) for text in texts)


def load_tokenizer(settings: dict):
    place = settings["adapter"] or settings["model"]
    options = {"truncation_side": "left", "padding_side": "right"} | settings["arguments"]
    tokenizer = AutoTokenizer.from_pretrained(place, **options)
    tokenizer.eos_token = tokenizer.eos_token or tokenizer.bos_token
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(settings: dict):
    device = settings["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    options = {"dtype": getattr(torch, settings["dtype"])} | settings["weights_arguments"]
    model = AutoModelForCausalLM.from_pretrained(settings["model"], **options).to(device)
    if settings["adapter"]:
        model = PeftModel.from_pretrained(model, settings["adapter"]).merge_and_unload()
    return model.eval()


def prompt_ids(tokenizer, prompts: list[str], at_most: int) -> list[list[int]]:
    return [tokenizer(text, truncation=True, max_length=at_most).input_ids for text in prompts]


def together(model, tokenizer, stop_words: list[str], prompts: list[list[int]], settings: dict) -> list[list[str]]:
    """Return the samples of every problem, made many at a time."""
    chosen = {name: settings[name] for name in ("max_length", "temperature", "top_p", "seed")}
    how = continuous.How(**chosen, stop_words=stop_words)
    made = [[""] * settings["n_samples"] for _ in prompts]
    found = continuous.texts(model, tokenizer, prompts, settings["n_samples"], how)
    for number, sample, new in tqdm(found, total=len(prompts) * settings["n_samples"]):
        made[number][sample] = tokenizer.decode(new, clean_up_tokenization_spaces=False)
    return made


@torch.inference_mode()
def apart(model, tokenizer, stop_words: list[str], prompts: list[list[int]], settings: dict) -> list[list[str]]:
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


def asked(
    tokenizer, stop_words: list[str], prompts: list[str], tokens: list[list[int]], settings: dict
) -> list[list[str]]:
    """Return the samples of every problem, made by a server; a prompt that is too long loses its beginning."""
    cut = [
        text if len(tokenizer(text).input_ids) == len(ids) else tokenizer.decode(ids, skip_special_tokens=True)
        for text, ids in zip(prompts, tokens, strict=True)
    ]
    room = [settings["max_length"] - len(ids) for ids in tokens]
    return served.samples(settings["server"], settings["run"], cut, room, settings, stop_words)


def main(path: str) -> None:
    settings = json.loads(Path(path).read_text("utf-8"))
    task, tokenizer = loading.task(settings["task"]), load_tokenizer(settings)
    task.stop_words = [*task.stop_words, tokenizer.eos_token]
    set_seed(settings["seed"])
    problems = [task.get_prompt(task.get_dataset()[number]) for number in range(settings["problems"])]
    prompts = [settings["prefix"] + problem for problem in problems]
    tokens = prompt_ids(tokenizer, prompts, settings["max_length"])
    if settings["server"]:
        texts = asked(tokenizer, task.stop_words, prompts, tokens, settings)
    else:
        model = load_model(settings)
        make = together if continuous.serves(model) else apart
        texts = make(model, tokenizer, task.stop_words, tokens, settings)
    made = [
        [task.postprocess_generation(problem + text, number) for text in found]
        for number, (problem, found) in enumerate(zip(problems, texts, strict=True))
    ]
    Path(settings["generations"]).write_text(json.dumps(made), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
