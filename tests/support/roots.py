"""Study roots for tests: a demo's pools without what others made of them, and what stands under a root."""

import hashlib
import importlib.util
import os
import re
import shutil
from pathlib import Path
from types import ModuleType

from instruction_data.demo.demo_root import LABELS_PATH
from instruction_data.files.places import REPOSITORY
from instruction_data.pools.table import STUDY_POOLS

EXAMPLES = {"instruction_length.py": "README.md", "judge.py": "docs/pools.md"}  # script -> the page that shows it


def copy_pools(demo: Path, root: Path) -> Path:
    """Copy a demo's pools and labels, and nothing else."""
    for name in [*(pool.path for pool in STUDY_POOLS), LABELS_PATH]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(demo / name, root / name)
    return root


def example(name: str) -> str:
    """Return the script that a page of the documentation shows."""
    page = (REPOSITORY / EXAMPLES[name]).read_text("utf-8")
    (found,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return found


def place_example(name: str, root: Path, folder: str) -> ModuleType:
    """Put an example script into a folder of a study root, and load it from there."""
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example(name))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def state(root: Path) -> dict[str, tuple]:
    """Return path -> what a write would change: of a file its content and times, of a folder its time."""
    found = {}
    for folder, names, files in os.walk(root):
        for path in [Path(folder, name) for name in (*names, *files)] + [Path(folder)]:
            entry = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[path.relative_to(root).as_posix()] = (entry.st_mode, entry.st_mtime_ns, content)
    return found
