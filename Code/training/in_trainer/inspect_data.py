"""Showing how LLaMA-Factory reads data sets; runs in LLaMA-Factory's environment.

    python inspect_data.py ANSWERS.jsonl train.yaml …

Writes one JSON object for every configuration, in order: how many examples the trainer would see, how many of them it
would shorten, and the template's text around an instruction.
"""

import json
import sys

import yaml
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

INSTRUCTION = "INSTRUCTION"  # a stand-in, to find the template's text around an instruction
ANY_LENGTH = 1_000_000  # tokens: nothing is cut, so too long examples can be counted


def inspect(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        options = yaml.safe_load(file)
    cutoff = options.get("cutoff_len", 2048)
    model, data, training, _, _ = get_train_args(options | {"cutoff_len": ANY_LENGTH, "overwrite_cache": True})
    loaded = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data)
    examples = get_dataset(template, model, data, training, stage="sft", **loaded)["train_dataset"]
    before, after = around(template, loaded["tokenizer"])
    return {
        "examples": len(examples),
        "cut": sum(len(ids) > cutoff for ids in examples["input_ids"]),
        "prompt": {"before": before, "after": after},
    }


def around(template, tokenizer) -> tuple[str, str]:
    messages = [{"role": "user", "content": INSTRUCTION}, {"role": "assistant", "content": ""}]
    ids, _ = template.encode_oneturn(tokenizer, messages)
    before, _, after = tokenizer.decode(ids, skip_special_tokens=False).partition(INSTRUCTION)
    return before, after


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as answers:
        for argument in sys.argv[2:]:
            print(json.dumps(inspect(argument)), file=answers)
