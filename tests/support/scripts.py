"""Scripts of Code/ as modules and as processes, and records for tests."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from instruction_data.files.places import REPOSITORY

CODE = REPOSITORY / "Code"
SCRIPTS = (
    "RQ1/domain_composition.py",
    "RQ2/semantic_diversity.py",
    "RQ3/problem_complexity.py",
    "RQ4/task_category.py",
    "RQ4/type_coverage.py",
)
TOOLS = tuple(  # all others
    name
    for name in (path.relative_to(CODE).as_posix() for path in sorted(CODE.glob("*/*.py")))
    if not name.startswith("instruction_data/") and name not in SCRIPTS
)


def load_script(name: str) -> ModuleType:
    """Load a script of Code/ as a module, without running it."""
    return script_at(CODE / name)


def script_at(path: Path) -> ModuleType:
    """Load a script as a module, without running it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(name: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    """Run a script as its users do."""
    words = [sys.executable, str(CODE / name), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, **options)


def numbered(n: int, word: str = "task") -> list[dict]:
    """Return ``n`` distinct records."""
    return [{"instruction": f"{word} {i}", "input": "", "output": f"answer {i} of {word}"} for i in range(n)]
