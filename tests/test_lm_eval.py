"""Log-likelihoods of continuations are those of EleutherAI's lm-eval, the real package, on identical strings."""

import json
import subprocess

import numpy as np
import pytest
from tests.support import tiny_model
from tests.support.needs import needs_lm_eval

from instruction_data.numbers import features, models
from instruction_data.numbers.language_model import LanguageModel, alternatives
from instruction_data.numbers.network import loaded_tokenizer
from instruction_data.outcomes import edits, gold
from instruction_data.runs import environments

THEIRS = """
import json, sys
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
folder, pairs = sys.argv[1], json.load(sys.stdin)
model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=1, max_length=2048)
asked = [Instance("loglikelihood", {}, tuple(pair), number) for number, pair in enumerate(pairs)]
print(json.dumps([found for found, _ in model.loglikelihood(asked, disable_tqdm=True)]))
"""


def by_lm_eval(folder, pairs):
    environment = environments.find(None, "--harness", "harness")
    words = [environment.python, "-c", THEIRS, folder]
    variables = environment.variables() | {"HF_HUB_OFFLINE": "1"}
    said = subprocess.run(words, input=json.dumps(pairs), env=variables, capture_output=True, text=True, check=True)
    return json.loads(said.stdout.splitlines()[-1])


def largest_difference(source, folder, cache, problems):
    """Return the largest difference a token, over gold solutions and one edit of each that has edits."""
    texts, pairs = [], []
    for one in problems:
        some = edits.edits(one.context + one.solution, len(one.context))[:1]
        both = [one.solution, *(edit.of(one.solution) for edit in some)]
        texts.append(alternatives(one.context, *both))
        pairs += [[one.context, text] for text in both]
    found = features.compute(texts, LanguageModel(source).log_likelihoods(2, 2048), cache)["log_likelihood"]
    ours = found[~np.isnan(found)]
    tokenizer = loaded_tokenizer(source)
    tokens = [
        len(tokenizer(context + text)["input_ids"]) - len(tokenizer(context.rstrip())["input_ids"])
        for context, text in pairs
    ]
    theirs = by_lm_eval(folder, pairs)
    return max(abs(one - other) / count for one, other, count in zip(ours, theirs, tokens, strict=True))


@needs_lm_eval
def test_log_likelihoods_are_those_of_lm_eval(tmp_path):
    folder = tiny_model.write(tmp_path / "model")
    problems = [one for one in gold.load("humaneval", 10) if len(one.context) < 1500]
    assert largest_difference(models.find(str(folder)), folder, tmp_path, problems) == pytest.approx(0, abs=1e-4)
