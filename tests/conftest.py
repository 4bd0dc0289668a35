"""Study roots in temporary folders, and scripts as modules."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from instruction_data import command, demo, models

CODE = command.REPOSITORY / "Code"
SCRIPTS = (
    "RQ1/domain_composition.py",
    "RQ2/semantic_diversity.py",
    "RQ3/problem_complexity.py",
    "RQ4/task_category.py",
    "RQ4/type_coverage.py",
)
TOOLS = tuple(  # what works on splits that are there
    path.relative_to(CODE).as_posix()
    for path in sorted(CODE.glob("*/*.py"))
    if path.parent.name != "instruction_data" and not path.parent.name.startswith("RQ")
)


def load_script(name: str) -> ModuleType:
    """A script of Code/ as a module, without running it."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, CODE / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(name: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    """A script as its users run it."""
    words = [sys.executable, str(CODE / name), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, **options)


@pytest.fixture
def rq1() -> ModuleType:
    return load_script(SCRIPTS[0])


@pytest.fixture
def rq2() -> ModuleType:
    return load_script(SCRIPTS[1])


@pytest.fixture
def rq3() -> ModuleType:
    return load_script(SCRIPTS[2])


@pytest.fixture
def rq4_category() -> ModuleType:
    return load_script(SCRIPTS[3])


@pytest.fixture
def rq4_coverage() -> ModuleType:
    return load_script(SCRIPTS[4])


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory) -> Path:
    """The demo's pools, 40 code records each; the cache under it is shared by all tests that use it."""
    root = tmp_path_factory.mktemp("demo")
    demo.build(root, records=40, others=60)
    return root


@pytest.fixture(scope="session")
def smollm2() -> models.LanguageModel:
    return models.LanguageModel(models.find("smollm2"), device="cpu")


@pytest.fixture
def write_pool(tmp_path) -> Callable[..., Path]:
    """Write JSON lines under the temporary study root: ``write_pool(records)`` or ``write_pool(b"raw bytes")``."""

    def write(content: bytes | list[dict], name: str = "Datas/mine.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = b"".join(json.dumps(record).encode() + b"\n" for record in content)
        path.write_bytes(content)
        return path

    return write


def numbered(n: int, word: str = "task") -> list[dict]:
    """``n`` distinct records."""
    return [{"instruction": f"{word} {i}", "input": "", "output": f"answer {i} of {word}"} for i in range(n)]
