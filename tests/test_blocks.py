"""Listing and pruning computed numbers."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tests.support import study

from instruction_data.numbers.blocks import Blocks


@pytest.fixture
def root(tmp_path):
    """A study root with numbers that a manifest names, numbers that none does, and what earlier versions left."""
    root = study.build(tmp_path)
    Blocks(root / ".cache", {"model": "another", "kind": "perplexity"}).write(["a", "b"], {"perplexity": np.ones(2)})
    (root / ".cache/features" / f"{'0' * 64}.safetensors").write_bytes(b"old")
    return root


def said(root, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "instruction_data.numbers", *words, "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True)


def kept(root) -> dict[str, list[str]]:
    """What is listed: model -> the other words of its line."""
    lines = said(root, "list").stdout.splitlines()[1:]
    return {words[0]: words[1:] for words in (line.split() for line in lines) if words[1] != "files"}


def test_the_list_says_what_is_there(root):
    result = said(root, "list")
    assert kept(root) == {
        "another": ["perplexity", "2", "0.0", "no"],
        "all-MiniLM-L6-v2": ["sentence", "vector", str(study.RECORDS), "0.0", "yes"],
    }
    assert "1 files or folders of earlier versions" in result.stdout


def test_what_no_manifest_names_is_removed_and_the_rest_stays(root):
    result = said(root, "prune", "--unnamed")
    assert result.returncode == 0
    assert result.stdout.count("removed ") == 2
    assert list(kept(root)) == ["all-MiniLM-L6-v2"]
    assert not (root / ".cache/features" / f"{'0' * 64}.safetensors").exists()


def test_what_a_model_computed_is_removed(root):
    assert said(root, "prune", "--model", "another").returncode == 0
    assert list(kept(root)) == ["all-MiniLM-L6-v2"]
    again = said(root, "prune", "--model", "another")
    assert again.returncode == 1
    assert "expected one of these: 'all-MiniLM-L6-v2'" in again.stderr


def test_a_folder_with_another_identity_is_a_leftover(root):
    (folder,) = {
        path.parent for path in (root / ".cache/features").glob("*/identity.json") if b"another" in path.read_bytes()
    }
    for damage in (b"{", json.dumps({"model": "third"}).encode()):
        (folder / "identity.json").write_bytes(damage)
        assert list(kept(root)) == ["all-MiniLM-L6-v2"]
    assert "2 files or folders" in said(root, "list").stdout
    assert said(root, "prune", "--unnamed").returncode == 0
    assert not folder.exists()
