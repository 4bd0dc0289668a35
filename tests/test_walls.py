"""The walls between the parts: who imports whom, and that importing does nothing."""

import ast
import graphlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import importing
from tests.support.scripts import CODE

PACKAGE = "instruction_data"
FOLDERS = (  # from top to bottom: each imports those above it
    *("errors", "files", "pools", "numbers", "select", "publish", "measures"),
    *("demo", "runs", "outcomes", "answer", "page", "bundle", "workspace", "cli"),
)
PURE = {  # of ours they import errors alone
    "select": {"numpy", "scipy", "pydoe", "threadpoolctl"},
    "answer": {"numpy", "scipy", "statsmodels"},
}


def modules(code: Path) -> dict[str, Path]:
    """Return the package's modules by dotted name, and the scripts by their path below ``code``."""
    found = {path.relative_to(code): path for path in sorted([*code.glob(f"{PACKAGE}/**/*.py"), *code.glob("*/*.py")])}
    dotted = {path: ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in found}
    return {dotted[path] if path.parts[0] == PACKAGE else path.as_posix(): found[path] for path in found}


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield what a file imports anywhere in it: the package's modules, and the first name of everything else."""
    for node in ast.walk(ast.parse(path.read_text())):
        found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: found a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in known else node.module for name in names]
        yield from (name if name.startswith(PACKAGE) else name.split(".")[0] for name in found)


def violations(code: Path) -> list[str]:
    """Return the imports that break a rule, in words, and a circle if there is one."""
    known = modules(code)
    graph = {name: set(imports(path, known)) for name, path in known.items()}
    scripts = {part for name in known if "/" in name for part in (Path(name).stem, Path(name).parts[0])}
    scripts |= {name for name in known if name.endswith("__main__")}
    folder = {name: name.split(".")[1] for name in known if name.startswith(f"{PACKAGE}.") and name not in scripts}
    wrong = []
    for name, others in graph.items():
        own, place = f"{PACKAGE}.{folder.get(name)}", FOLDERS.index(folder[name]) if name in folder else len(FOLDERS)
        pure = PURE.get(folder.get(name), others) | {PACKAGE, f"{PACKAGE}.errors"} | sys.stdlib_module_names
        for other in sorted(others):
            if other in scripts:
                wrong.append(f"{name} imports the script {other}")
            elif other in folder and FOLDERS.index(folder[other]) > place:
                wrong.append(f"{name} imports upward: {other}")
            elif other not in pure and not other.startswith(own):
                wrong.append(f"{name} imports {other}")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        wrong.append(f"a circle: {' <- '.join(error.args[1])}")
    return wrong


def test_nothing_runs_upward_nor_in_a_circle():
    assert violations(CODE) == []


def test_what_breaks_a_rule_is_found(tmp_path):
    for name, text in {
        "RQ1/mix.py": "import numpy\nfrom instruction_data import cli\n",
        "RQ2/other.py": "def late():\n    import mix\n",
        "instruction_data/__init__.py": "",
        "instruction_data/cli.py": "def late():\n    from RQ1 import mix\n",
        "instruction_data/files/bytes.py": "from instruction_data.pools import table\n",
        "instruction_data/pools/table.py": "if TYPE_CHECKING:\n    import instruction_data.pools.hub\n",
        "instruction_data/pools/hub.py": "def late():\n    from instruction_data.pools.table import Pool\n",
        "instruction_data/pools/__main__.py": "from instruction_data import cli\n",
        "instruction_data/select/rows.py": "import numpy, pandas\nfrom instruction_data.files import bytes\n",
        "instruction_data/page/html.py": "import instruction_data.pools.__main__\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    *found, circle = violations(tmp_path)
    assert found == [
        "RQ2/other.py imports the script mix",
        "instruction_data.cli imports the script RQ1",
        "instruction_data.files.bytes imports upward: instruction_data.pools.table",
        "instruction_data.page.html imports the script instruction_data.pools.__main__",
        "instruction_data.select.rows imports instruction_data.files.bytes",
        "instruction_data.select.rows imports pandas",
    ]
    assert circle.startswith("a circle: ")
    assert {"instruction_data.pools.table", "instruction_data.pools.hub"} == set(circle[10:].split(" <- "))


def imported(folder: Path, code: Path, names: list[str]) -> dict[str, list[str]]:
    """Import modules and scripts in one process that works in ``folder``; what each did beside, by name."""
    done = subprocess.run(
        [sys.executable, importing.__file__, *names],
        env=os.environ | {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_importing_does_nothing(tmp_path):
    names = [str(path) if name.endswith(".py") else name for name, path in modules(CODE).items()]
    found = imported(tmp_path, CODE, names)
    assert list(found) == names
    assert {name: did for name, did in found.items() if did} == {}
    assert list(tmp_path.iterdir()) == []


def test_what_an_import_does_is_found(tmp_path):
    for name, text in {
        "writes": "open('left', 'w').close()",
        "makes": "import os\nos.mkdir('folder')",
        "prints": "print('hello')",
        "warns": "import sys\nprint('oh', file=sys.stderr)",
        "heavy": "import scipy.stats",
        "heavier": "try:\n    import heavy\nexcept ImportError:\n    pass",
        "broken": "raise NameError('x')",
        "leaves": "import sys\nsys.exit()",
        "good": "import json, numpy",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    names = [path.stem for path in tmp_path.glob("*.py")]
    found = imported(tmp_path, tmp_path, [*names, str(tmp_path / "prints.py")])
    assert {name: did[0] for name, did in found.items() if did} == {
        "writes": "changes the file left",
        "makes": "changes the file folder",
        "prints": "prints 'hello\\n'",
        "warns": "prints 'oh\\n'",
        "heavy": "imports scipy",
        "heavier": "imports scipy",
        "broken": "ends in NameError('x')",
        "leaves": "ends in SystemExit()",
        str(tmp_path / "prints.py"): "prints 'hello\\n'",
    }


def test_no_script_is_named_like_a_module():
    """Python looks for modules in a script's own folder first."""
    assert not {Path(name).stem for name in modules(CODE) if "/" in name} & sys.stdlib_module_names
