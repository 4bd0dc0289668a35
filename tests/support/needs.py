"""Marks of tests that need what not every machine has.

An environment without PyTorch is one in which only another Python is tried: tools, sandboxes and browsers are left to
the one that has it.
"""

import importlib.util

import pytest

from instruction_data.errors import InputError
from instruction_data.measures import mbpp
from instruction_data.outcomes import sandbox
from instruction_data.runs import environments

WITHOUT_TORCH = importlib.util.find_spec("torch") is None


def works(check, *arguments):
    if WITHOUT_TORCH:
        return False
    try:
        check(*arguments)
    except InputError:
        return False
    return True


needs_torch = pytest.mark.skipif(WITHOUT_TORCH, reason="needs PyTorch")  # in another process, where none sees why
needs_harness = pytest.mark.skipif(
    not works(environments.find, None, "--harness", "harness"), reason="needs the harness: make harness"
)
needs_mbpp = pytest.mark.skipif(not mbpp.files(), reason="needs the package with MBPP: make mbpp")
needs_sandbox = pytest.mark.skipif(not works(sandbox.check), reason="needs bubblewrap and leave to use it")
needs_lm_eval = pytest.mark.skipif(
    not works(environments.find, None, "--harness", "harness")
    or "lm-eval" not in environments.versions(environments.find(None, "--harness", "harness"), ["lm-eval"]),
    reason="needs lm-eval in the harness's environment: make harness",
)
needs_trainer = pytest.mark.skipif(
    not works(environments.find, None, "--trainer", "trainer", "llamafactory-cli"),
    reason="needs LLaMA-Factory: make trainer",
)
