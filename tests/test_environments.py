"""The environments that make builds: nothing is installed whose hash is not the lock's."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from instruction_data.files.places import REPOSITORY

WRONG = "annotated-doc==0.0.7 --hash=sha256:" + "0" * 64 + "\n"
BY_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "PYTHON")  # what `make test` hands on
PLAIN = {name: value for name, value in os.environ.items() if name not in BY_MAKE}
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
    result = subprocess.run(command, capture_output=True, text=True, env=PLAIN)
    assert result.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr
    assert not (tmp_path / environment / ".ready").exists()
    assert list((tmp_path / environment).rglob("site-packages/torch")) == []


def python_of(place: Path, minor: int) -> Path:
    """Write a Python that takes itself for another version; it runs nothing but what ``-c`` says."""
    words = "import sys; sys.version_info = (3, int(sys.argv[1]), 0); exec(sys.argv[3])"
    place.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(words)} {minor} "$@"\n')
    place.chmod(0o755)
    return place


@pytest.mark.parametrize("minor", [10, 14])
@pytest.mark.parametrize("named", [True, False])
def test_a_python_too_old_or_too_new_gets_one_sentence(tmp_path: Path, minor: int, named: bool):
    (tmp_path / "Makefile").write_text((REPOSITORY / "Makefile").read_text())
    for name in ("requirements.lock", "requirements-demo.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / "bin").mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        python_of(tmp_path / "bin" / name, minor)
    command = ["make", "-C", tmp_path, "demo", *(["PYTHON=python3.12"] if named else [])]
    variables = PLAIN | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert done.returncode != 0
    where = " in PYTHON=python3.12" if named else ""
    said = f"found no Python from 3.11 to 3.13{where}: install one with its venv module, or name yours:"
    assert done.stderr.startswith(f"{said} make PYTHON=python3.12\nmake: *** ")
    assert not (tmp_path / ".venv").exists()


def test_of_several_pythons_the_newest_supported_one_is_taken(tmp_path: Path):
    for name, minor in (("python3", 14), ("python3.13", 13), ("python3.12", 12), ("python3.11", 11)):
        python_of(tmp_path / name, minor)
    (tmp_path / "Makefile").write_text((REPOSITORY / "Makefile").read_text() + "\nsay:\n\t@echo $(PYTHON)\n")
    variables = PLAIN | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def chosen() -> str:
        return subprocess.run(
            ["make", "-C", tmp_path, "-s", "say"], capture_output=True, text=True, env=variables
        ).stdout

    assert chosen() == "python3.13\n"
    python_of(tmp_path / "python3.13", 14)
    assert chosen() == "python3.12\n"
    python_of(tmp_path / "python3", 11)
    assert chosen() == "python3\n"
