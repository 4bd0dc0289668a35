"""The check of a GPU, with the processor in its place: every line of it runs, and finds no difference."""

import gc
import math
import subprocess
import sys

import pytest
from tests.support import tiny_model
from tests.support.needs import needs_torch
from tests.support.scripts import CODE

from instruction_data.numbers import models

BENCHMARKS = CODE.parent / "benchmarks"


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """The check, with a tiny language model and short texts: in bfloat16, some processors would take minutes."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # somebody's cluster, which is not ours to join
    import gpu

    gc.freeze()  # every time that is measured begins with a collection: not of all that PyTorch is
    find, tiny = models.find, str(tiny_model.write(tmp_path))
    monkeypatch.setattr(gpu, "demo_texts", lambda field, n: [f"the {field} of record {row}" for row in range(n)])
    monkeypatch.setattr(models, "find", lambda name: find(tiny if name == "smollm2" else name))
    return gpu


def test_the_processor_against_itself_is_the_same(gpu):
    found = {result.name: result for result in gpu.check("cpu", n=4, tokens=64)}
    same = {name: one for name, one in found.items() if "float32: largest" in name or "float32: share of 4" in name}
    assert len(same) == 8
    assert all(one.ratio == 0 for one in same.values())
    assert found["vectors by Ray: largest difference"].met
    assert 0 < found["vectors, bfloat16: largest difference"].ratio < 0.1
    assert found["4 texts of 64 tokens: numbers"].met
    assert all(math.isfinite(one.ratio) for one in found.values())
    plain = [one for name, one in found.items() if name.endswith("float32: difference from plain libraries")]
    assert len(plain) == 4
    assert all(one.met for one in plain)


@needs_torch
def test_without_a_gpu_it_says_so_and_ends_well():
    words = [sys.executable, str(BENCHMARKS / "gpu.py")]
    done = subprocess.run(
        words, capture_output=True, text=True, env={"CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin:/bin"}
    )
    assert (done.returncode, done.stdout) == (0, "found no GPU that PyTorch can use: nothing to check\n")
