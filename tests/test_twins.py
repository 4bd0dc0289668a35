"""Broken twins: which edits become twins, that these fail their tests, and that no program gets out of the sandbox."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.needs import needs_sandbox

from instruction_data.outcomes import gold, sandbox, trials, twins
from instruction_data.outcomes.bigcode_scoring import python_folders
from instruction_data.outcomes.edits import Edit
from instruction_data.outcomes.gold import Gold
from instruction_data.outcomes.sandbox import DiedError, View
from instruction_data.runs.environments import Environment

ADD = Gold("add", "def add(a, b):\n", "    return a + b", "assert add(1, 2) == 3\n")


def fails(tmp_path, program):
    """Run a program in a sandbox with our interpreter alone; return whether it fails."""
    own = Environment(Path(sys.executable))
    view = View({path: str(path) for path in python_folders(own)}, None, {}, "/tmp")
    try:
        sandbox.run([str(own.python), "-c", program], view, 30, tmp_path / "log")
    except DiedError:
        return True
    return False


@needs_sandbox
def test_every_twin_fails_its_tests_and_every_survivor_passes(tmp_path):
    problems = gold.load("humaneval", 4)
    found = twins.make(tmp_path, "humaneval", problems, 4)
    for one in problems:
        assert not fails(tmp_path, f"{one.context}{one.solution}\n{one.tests}")
        assert 1 <= len(found.of(one.id)) <= 4
        for edit, reason in found.problems[one.id].dropped.items():
            program = f"{one.context}{edit.of(one.solution)}\n{one.tests}"
            if reason in (None, twins.SURVIVES):
                assert fails(tmp_path, program) == (reason is None)
    assert twins.SURVIVES in found.problems["HumanEval/0"].dropped.values()
    assert twins.BEYOND in found.problems["HumanEval/1"].dropped.values()


@needs_sandbox
def test_every_edit_bears_the_reason_for_which_it_was_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(twins, "SECONDS", 1)
    problems = [
        ADD,
        replace(ADD, id="wrong", tests="assert add(1, 2) == 4"),
        replace(ADD, id="says", tests="raise ValueError('\\ud800\\x1b')"),
        replace(ADD, id="untested", tests=None),
        Gold("weak", "def f(x):\n", "    return not not x", "f(1)"),
        Gold("endless", "def f(n):\n", "    while n:\n        n -= 1", "f(2)"),
        Gold("returns", "def f():\r\n", "    return 1", "f()"),
    ]
    found = twins.make(tmp_path, "toy", problems, 4)
    assert found.of("add") == ["    return a - b"]
    assert found.problems["wrong"].fault.startswith("the gold solution does not pass the tests (failed")
    assert found.problems["says"].fault.endswith("(failed: \\ud800\\x1b)")
    assert found.problems["untested"].fault == twins.NO_TESTS
    assert list(found.problems["weak"].dropped.values()) == [twins.SURVIVES, twins.SAME]
    endless = found.problems["endless"].dropped
    assert [reason for edit, reason in endless.items() if edit.new in ("+=", "0")] == [twins.UNDECIDED] * 2
    assert "carriage return" in found.problems["returns"].fault
    assert found.summary().splitlines() == [
        "5 edits tried, 2 pass the tests (40.0%), 2 without a verdict; 1 twins for 1 of 7 problems",
        *[f"    1 without edits: {one.fault}" for one in found.problems.values() if one.fault],
    ]


@needs_sandbox
def test_twins_are_kept_and_do_not_depend_on_their_neighbours(tmp_path, monkeypatch):
    problems = gold.load("humaneval", 3)
    found = twins.make(tmp_path, "humaneval", problems, 2)
    alone = twins.make(tmp_path, "humaneval", problems[2:], 2)
    assert alone.problems == {"HumanEval/2": found.problems["HumanEval/2"]}
    monkeypatch.setattr(trials, "run", None)
    assert twins.find(tmp_path, "humaneval", problems, 2) == found
    assert twins.find(tmp_path, "humaneval", problems, 3) is None
    for path in (tmp_path / ".cache" / "twins").iterdir():
        path.write_bytes(path.read_bytes().replace(b'"new": "', b'"new": "1'))
    assert twins.find(tmp_path, "humaneval", problems, 2) is None


@needs_sandbox
@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/hostname')",
        "open('{outside}/written', 'w')",
        "open('/usr/lib/written', 'w')",
        "import socket; socket.create_connection(('1.1.1.1', 80), 2)",
        "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "import os; os.listdir(os.path.expanduser('~root'))",
        "import os; os.kill(os.getppid(), 0) if os.getppid() > 1 else 1 / 0",
    ],
)
def test_solutions_and_tests_reach_nothing_outside(tmp_path, code):
    code = code.format(outside=tmp_path)
    reached = f"try:\n    {code}\nexcept Exception:\n    pass\nelse:\n    raise SystemExit('reached')\n"
    problems = [replace(ADD, tests=ADD.tests + reached), replace(ADD, id="first", context=reached + ADD.context)]
    problems.append(replace(ADD, id="sees", tests="raise SystemExit('reached')"))
    found = twins.make(tmp_path, "hostile", problems, 4)
    assert [one.fault for one in found.problems.values()][:2] == [None, None]
    assert found.problems["sees"].fault == "the gold solution does not pass the tests (failed: reached)"
    assert not (tmp_path / "written").exists()


def test_edits_are_tried_by_kind_and_then_by_distance():
    every = [Edit("integer", place, "1", "2") for place in (0, 1, 50, 100)] + [Edit("not", 2, "not ", "")]
    chosen = twins._spread(every, [], 4)
    assert [(edit.kind, edit.start) for edit in chosen] == [
        ("integer", 0),
        ("not", 2),
        ("integer", 100),
        ("integer", 50),
    ]
    assert twins._spread(every[:2], every[3:], 4) == every[:2]
