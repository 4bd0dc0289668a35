"""Generations of a model for a task of the BigCode harness, in the harness's form; runs in its environment.

    python generate.py SETTINGS.json

This script is for the harness's package, whose own generation does not run. It uses the harness's prompts, stop words,
truncation and post-processing, one problem at a time, as the checkout does, so that greedy output is the same.
"""

import json
import sys
from pathlib import Path

import loading
import torch
from accelerate.utils import set_seed
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class Finished(StoppingCriteria):
    """The criterion that every generation of the batch has reached one of the task's stop words."""

    def __init__(self, start: int, stop_words: list[str], tokenizer):
        self.start, self.stop_words, self.tokenizer = start, stop_words, tokenizer

    def __call__(self, ids, scores, **_):
        texts = self.tokenizer.batch_decode(ids[:, self.start :])
        return all(any(word in text for word in self.stop_words) for text in texts)


def load(settings: dict):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    location, more, adapter = settings["model"], settings["arguments"], settings["adapter"]
    model = AutoModelForCausalLM.from_pretrained(location, dtype=DTYPES[settings["precision"]], **more).to(device)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(adapter or location, truncation_side="left", padding_side="right", **more)
    tokenizer.eos_token = tokenizer.eos_token or tokenizer.bos_token
    tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer


def prompt_ids(tokenizer, prompts: list[str], at_most: int) -> list[torch.Tensor]:
    return [tokenizer(text, truncation=True, max_length=at_most, return_tensors="pt").input_ids for text in prompts]


def generations(model, tokenizer, task, number: int, ids: torch.Tensor, settings: dict) -> list[str]:
    """Generate the samples of one problem, post-processed: prompt and completion, without the prefix."""
    options = {"max_length": settings["max_length"], "pad_token_id": tokenizer.pad_token_id}
    options["stopping_criteria"] = StoppingCriteriaList([Finished(ids.shape[1], task.stop_words, tokenizer)])
    options["do_sample"] = settings["temperature"] > 0
    if options["do_sample"]:
        options |= {"temperature": settings["temperature"], "top_p": settings["top_p"], "top_k": 0}
    prompt = task.get_prompt(task.get_dataset()[number])
    texts: list[str] = []
    while len(texts) < settings["n_samples"]:
        count = min(settings["batch_size"], settings["n_samples"] - len(texts))
        if ids.shape[1] >= settings["max_length"]:
            made = ids.repeat(count, 1)  # no further token fits
        else:
            made = model.generate(ids.to(model.device), num_return_sequences=count, **options)
        texts += tokenizer.batch_decode(made[:, ids.shape[1] :], clean_up_tokenization_spaces=False)
    return [task.postprocess_generation(prompt + text, number) for text in texts]


def main(path: str) -> None:
    settings = json.loads(Path(path).read_text("utf-8"))
    task = loading.task(settings["task"])
    model, tokenizer = load(settings)
    task.stop_words = [*task.stop_words, tokenizer.eos_token]
    set_seed(settings["seed"])
    count = settings["problems"]
    prompts = [settings["prefix"] + task.get_prompt(task.get_dataset()[number]) for number in range(count)]
    tokens = prompt_ids(tokenizer, prompts, settings["max_length"])
    with torch.inference_mode():
        made = [generations(model, tokenizer, task, *numbered, settings) for numbered in enumerate(tqdm(tokens))]
    Path(settings["generations"]).write_text(json.dumps(made), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
