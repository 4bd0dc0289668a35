"""Generations of a model for a task of the BigCode harness, in the harness's form; runs in its environment.

    python generate.py SETTINGS.json

This script is for the harness's package, whose own generation does not run. It uses the harness's prompts, stop words,
truncation and post-processing. Many texts are made at a time; a model whose texts cannot be, or that has settings of
its own for them, makes those of one problem at a time, as the checkout does.
"""

import json
import sys
from pathlib import Path

import loading
import served
from transformers import AutoTokenizer


def load_tokenizer(settings: dict):
    place = settings["adapter"] or settings["model"]
    options = {"truncation_side": "left", "padding_side": "right"} | settings["arguments"]
    tokenizer = AutoTokenizer.from_pretrained(place, **options)
    tokenizer.eos_token = tokenizer.eos_token or tokenizer.bos_token
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def prompt_ids(tokenizer, prompts: list[str], at_most: int) -> list[list[int]]:
    return [tokenizer(text, truncation=True, max_length=at_most).input_ids for text in prompts]


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
    problems = [task.get_prompt(task.get_dataset()[number]) for number in range(settings["problems"])]
    prompts = [settings["prefix"] + problem for problem in problems]
    tokens = prompt_ids(tokenizer, prompts, settings["max_length"])
    if settings["server"]:
        texts = asked(tokenizer, task.stop_words, prompts, tokens, settings)
    else:
        import local  # and so peft, accelerate and models, which take seconds; a server needs none of them

        texts = local.samples(tokenizer, task.stop_words, tokens, settings)
    made = [
        [task.postprocess_generation(problem + text, number) for text in found]
        for number, (problem, found) in enumerate(zip(problems, texts, strict=True))
    ]
    Path(settings["generations"]).write_text(json.dumps(made), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
