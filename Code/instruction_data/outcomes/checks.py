"""Checks: HumanEval's and MBPP's tests in one form, so that a function of any name can be tried on them."""

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from instruction_data.measures import mbpp
from instruction_data.outcomes import gold


@dataclass(frozen=True)
class Check:
    """The tests of a problem.

    Attributes:
        arguments: the number that the tests pass to a candidate, always by position.
        tests: a program that defines ``check(candidate)``, which raises an error if the candidate is wrong.
        solution: the problem's own, a program that defines ``entry``.
    """

    id: str
    arguments: int
    tests: str
    solution: str
    entry: str


def humaneval() -> list[Check]:
    """Return HumanEval's checks, behind prompt and solution, of which some tests use what these define.

    Raises:
        InputError: the package with its data is not installed.
    """
    made = []
    for row in gold.humaneval_rows():
        solution = row["prompt"] + row["canonical_solution"]
        tests = f"{solution}\n{row['test']}"
        calls = _calls(row["test"], {"candidate"})
        made.append(Check(row["task_id"], len(calls[0].args), tests, solution, row["entry_point"]))
    return made


def mbpp_checks() -> list[Check]:
    """Return MBPP's checks: ``test_list`` and ``challenge_test_list``, behind its solution and setup code.

    Setup code uses classes of the solution (367).

    Raises:
        InputError: the package with its data is not installed, or not the known one.
    """
    made = []
    for row in mbpp.problems(mbpp.required("mbpp")):
        defined = {node.name for node in _parsed(row["code"]).body if isinstance(node, ast.FunctionDef)}
        asserts = "\n".join([*row["test_list"], *row["challenge_test_list"]])
        call = _calls(asserts, defined)[0]
        body = "".join(f"    {ast.unparse(node)}\n" for node in _parsed(asserts).body)
        tests = f"{row['code']}\n{row['test_setup_code']}\ndef check({call.func.id}):\n{body}"
        made.append(Check(str(row["task_id"]), len(call.args), tests, row["code"], call.func.id))
    return made


def _parsed(program: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what some solutions spell in ways that Python will not allow for ever
        return ast.parse(program)


def _calls(program: str, names: set[str]) -> list[ast.Call]:
    calls = (node for node in ast.walk(_parsed(program)) if isinstance(node, ast.Call))
    return [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in names]


CHECKED: Mapping[str, Callable[[], Sequence[Check]]] = {"HumanEval": humaneval, "MBPP": mbpp_checks}
