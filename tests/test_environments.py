"""The environments that make builds: nothing is installed whose hash is not the lock's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instruction_data.files.places import REPOSITORY

WRONG = "annotated-doc==0.0.7 --hash=sha256:" + "0" * 64 + "\n"
LOCKS = {
    ".venv": "requirements.lock",
    ".venv-trainer": "Code/training/requirements.lock",
    ".venv-harness": "Code/evaluation/requirements.lock",
    ".venv-cheats": "benchmarks/cheats/requirements.lock",
}


@pytest.mark.parametrize("environment", LOCKS)
def test_a_wrong_hash_stops_the_environment_before_pytorch(tmp_path: Path, environment: str):
    for name in ("Makefile", "pyproject.toml", "requirements-demo.txt", *LOCKS.values()):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text((REPOSITORY / name).read_text() if name in ("Makefile", "pyproject.toml") else WRONG)
    command = ["make", "-C", tmp_path, f"{environment}/.ready", f"PYTHON={sys.executable}"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MAKEFLAGS": ""})
    assert result.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr
    assert not (tmp_path / environment / ".ready").exists()
    assert list((tmp_path / environment).rglob("site-packages/torch")) == []
