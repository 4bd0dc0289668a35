"""The walls between the parts: who imports whom, read from the source."""

import ast
import subprocess
import sys

import pytest
from tests.support.scripts import CODE, SCRIPTS, TOOLS

PACKAGE = sorted((CODE / "instruction_data").glob("*.py"))
HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "pandas",
    "pyarrow",
    "datasets",
    "ray",
    "sklearn",
    "huggingface_hub",
    "statsmodels",
    "scipy",
    "jinja2",
    "matplotlib",
    "datasketch",
    "magika",
    "ahocorasick",
    "pygments",
}
ALL = (*SCRIPTS, *TOOLS)


def imports(path, *, top_level=False):
    """Dotted names a file imports; with ``top_level`` only those that importing the file imports."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.name)
def test_the_package_imports_no_script(path):
    stems = {name.split("/")[1].removesuffix(".py") for name in ALL}
    assert not {part for name in imports(path) for part in name.split(".")} & stems


@pytest.mark.parametrize("name", ALL)
def test_scripts_import_no_script(name):
    stems = {other.split("/")[1].removesuffix(".py") for other in ALL}
    assert not {part for imported in imports(CODE / name) for part in imported.split(".")} & stems


def test_splits_imports_numpy_alone():
    assert {name.split(".")[0] for name in imports(CODE / "instruction_data" / "splits.py")} == {"hashlib", "numpy"}


@pytest.mark.parametrize("path", [*PACKAGE, *(CODE / name for name in ALL)], ids=lambda path: path.name)
def test_heavy_packages_are_imported_where_they_are_used(path):
    assert not {name.split(".")[0] for name in imports(path, top_level=True)} & HEAVY


@pytest.mark.parametrize("path", [*PACKAGE, *(CODE / name for name in ALL)], ids=lambda path: path.name)
def test_importing_does_nothing(path, tmp_path):
    code = f"import runpy; runpy.run_path({str(path)!r}, run_name='imported')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_no_script_is_named_like_a_module(name):
    assert name.split("/")[1].removesuffix(".py") not in sys.stdlib_module_names
