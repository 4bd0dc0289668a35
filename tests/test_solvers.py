"""Contamination by execution: planted solutions of every shape are found, honest and hostile functions are not."""

import csv
import inspect
import json

import pytest
from tests.support import planted
from tests.support.needs import needs_sandbox
from tests.support.scripts import load_script, run_script

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks, functions, leakage, mbpp
from instruction_data.measures.contamination import Contamination
from instruction_data.numbers import features
from instruction_data.numbers.features import Feature
from instruction_data.outcomes import solvers, trials
from instruction_data.outcomes.checks import Check
from instruction_data.outcomes.solvers import Problems
from instruction_data.pools.records import Record
from instruction_data.publish import verify

REPORT, CLEAN = "report/contamination.py", "derive/decontaminated_splits.py"
ANY = range(1, 7)


def programs(output, instruction="Do it.", arguments=ANY):
    return functions.functions_of(Record(instruction, "", output), arguments)


def names(output, **more):
    return [one.name for one in programs(output, **more).functions]


# which functions a record has


def test_a_program_has_what_its_function_needs_and_nothing_that_runs():
    code = (
        "import os, math\nfrom re import sub\n\nLIMIT = 3\nCACHE = {}\nCACHE[0] = LIMIT\nprint('hello')\n"
        "n = int(input())\n\n"
        "def helper(x: int) -> int:\n    '''Help.'''\n    return math.floor(x) + CACHE[0]\n\n"
        "def other(n):\n    return n\n\ndef wanted(n: float):\n    return helper(n)\n\nwanted(n)\n"
    )
    (one,) = [one for one in programs(planted.fenced(code)).functions if one.name == "wanted"]
    assert one.program == (
        "import os, math\nLIMIT = 3\nCACHE = {}\nCACHE[0] = LIMIT\n"
        "def helper(x):\n    return math.floor(x) + CACHE[0]\ndef wanted(n):\n    return helper(n)\n"
        "__candidate__ = wanted\n"
    )


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("def a(x):\n    return x\n", ["a"]),
        (
            "So:\n\n    x\n\ndef a(x):\n    return x\n\nand\n\n@wraps\ndef b(x):\n    y = [\n        x,\n    ]\n",
            ["a", "b"],
        ),
        ("```python\ndef a(x):\n    return x\n```\n```java\nint b(int x) { return x; }\n```", ["a"]),
        (
            "```\nclass A:\n  def m(self, x): pass\n  @staticmethod\n  def s(x): pass\n  def p(self): pass\n```",
            ["A.m", "A.s"],
        ),
        (
            "class A:\n  def __init__(self, x): pass\n  def m(self, x): pass\n  @classmethod\n  def c(cls, x): pass\n",
            ["A.c"],
        ),
        ("a = lambda x, y=1: x\nb = c = lambda: 0\n", ["a"]),
        ("def a(*x): pass\ndef b(): pass\ndef c(x, *, y): pass\ndef d(x, *, y=1): pass\n", ["a", "d"]),
        ("    def a(x):\n        return x\n", ["a"]),
        ("if __name__ == '__main__':\n    def a(x): pass\n", []),
        ("async def a(x): return x\nb: Callable = lambda x: x\n", ["a", "b"]),
        # code that no well-formed fence holds
        ("Code: ```python\ndef a(x):\n    return x\n```\nDone.", ["a"]),
        ("def a(x):\n    return x\n\nUse it:\n\n```python\nprint(a(1))\n```\n", ["a"]),
        ("1. Write it:\n\n    ```python\n    def a(x):\n        return x\n    ```\n", ["a"]),
        ("def a(x):\n    # see ```max```\n    return x\n", ["a"]),
        ("~~~\ndef a(x):\n    return x\n~~~\n", ["a"]),
        ("As here:\n```scala\ndef a(x: Int): Int = x\n```\n", []),
        (planted.fenced("def a(x):\n    return x\n", "py2"), ["a"]),
        (planted.fenced(">>> def a(x):\n...     return x\n...\n>>> a('b')\n'b'\n"), ["a"]),
        (planted.fenced(">>> def a(x): return x\n", "pycon"), ["a"]),
        ("def is undefined here", []),
    ],
)
def test_functions_of_records(output, expected):
    assert names(output) == expected


def test_functions_are_chosen_by_their_number_of_arguments():
    code = "def a(x): pass\ndef b(x, y): pass\ndef c(x, y=1, z=2): pass\n"
    assert names(code, arguments=[2]) == ["b", "c"]
    assert programs(code, arguments=[2]).skipped == {functions.UNFIT: 1}


def test_an_output_goes_on_with_the_code_of_its_instruction():
    _, instruction, output = planted.COMPLETION
    assert "return n * (n + 1) // 2" in programs(output, instruction).functions[-1].program


def test_a_fenced_output_goes_on_with_the_fenced_code_of_its_instruction():
    instruction = "Complete:\n" + planted.fenced("from typing import List\ndef a(x: List[int]):\n    'Sort.'\n")
    assert "return sorted(x)" in programs(planted.fenced("    return sorted(x)\n"), instruction).functions[-1].program


def defined(output):
    """The last function of an output, which these tests have written."""
    held = {}
    exec(programs(output).functions[-1].program, held)  # noqa: S102
    return held[functions.CANDIDATE]


def test_constants_and_imports_come_from_blocks_without_functions():
    code = "```python\nimport statistics\nMORE: dict = {1: 2}\n```\nThen\n```python\n{}```\n"
    function = "def a(x):\n    return statistics.median(x) + MORE[1]\n"
    assert defined(code.replace("{}", function))([1, 2, 3]) == 4
    assert programs(code.replace("{}", "a(1)\n")).functions == []


@pytest.mark.parametrize(
    "body", ["return x + 1", "await asyncio.sleep(0)\n    return x + 1", "await asyncio.sleep(1e-3)\n    return x + 1"]
)
def test_an_asynchronous_function_is_called_as_any_other(body):
    assert defined(f"import asyncio\nasync def a(x):\n    {body}\n")(1) == 2
    assert defined(f"import asyncio\nasync def b(x):\n    {body}\ndef a(x):\n    return asyncio.run(b(x))\n")(1) == 2


def test_each_call_of_a_method_has_an_object_of_its_own():
    code = "class A:\n  def __init__(self): self.all = []\n  def m(self, x):\n    self.all += x\n    return self.all\n"
    call = defined(planted.fenced(code))
    assert (call([1]), call([2]), str(inspect.signature(call))) == ([1], [2], "(x)")


def test_a_name_of_a_builtin_is_not_taken_from_what_runs_behind_the_function():
    code = "class max(str): pass\ndef a(x):\n    return str(sum(x)) + max('m')\n\nstr = input()\nsum, n = a([1])\n"
    assert defined(planted.fenced(code))([1, 2]) == "3m"
    assert defined(planted.fenced("id = 5\ndef a(x):\n    return id\n"))(1) == 5


def test_a_star_import_is_kept_where_a_name_is_missing():
    assert defined(planted.fenced("from math import *\ndef a(n):\n    return factorial(n)\n"))(4) == 24
    (one,) = programs(planted.fenced("from math import *\nfrom torch import *\ndef a(n):\n    return n\n")).functions
    assert one.program == "def a(n):\n    return n\n__candidate__ = a\n"


def test_code_for_python_2_is_read_where_names_and_tabs_are_all_that_differs():
    code = "def a(n):\n    found = 0L\n    for i in xrange(long(n)):\n\tfound += i\n    return unicode(found)\n"
    for before in ("", "Sure:\n\n", "print 'x'\n", "def b(n):\n    return 0L\n"):
        assert defined(before + code.replace("0L", "0"))(4) == "6"
    assert defined("def b(n):\n    return 0L\n" + code.replace("0L", "len('a\tb') - 3"))(4) == "6"
    assert programs(planted.fenced(code)).skipped == {functions.UNREAD: 1}
    assert defined(planted.fenced("xrange = [2]\ndef a(n):\n    return xrange\n"))(4) == [2]


def test_decorators_that_are_not_there_are_left_out():
    code = "from numba import njit\n@njit(cache=True)\n@timer\n@cache\ndef a(x):\n    return x\n"
    (one,) = programs(planted.fenced(code)).functions
    assert one.program == "from functools import cache\n@cache\ndef a(x):\n    return x\n__candidate__ = a\n"
    code = "class A:\n  @property\n  def b(self): return 3\n  @b.setter\n  def b(self, x): pass\n"
    code += "  @app.route\n  def a(self, x): return self.b\n"
    assert defined(planted.fenced(code))(1) == 3


def test_what_is_skipped_is_counted():
    assert programs(planted.fenced("def a(x: return\n")).skipped == {functions.UNREAD: 1}
    assert programs(planted.fenced("import torch\ndef a(x): return torch.ones(x)\n")).skipped == {functions.FOREIGN: 1}
    assert programs("def a(x): pass\n" + "#" * functions.LONGEST).skipped == {functions.TOO_LONG: 1}
    many = "".join(f"def f{number}(x): return {number}\n" for number in range(functions.MOST + 2))
    assert programs(many).skipped == {functions.TOO_MANY: 2}
    deep = "def a(x):\n    return " + "(" * 5000 + ")" * 5000
    assert programs(deep).skipped == {functions.UNREAD: 1}


def test_renamed_copies_have_one_shape():
    one, other, third = (
        programs(code).functions[0].program
        for code in (
            "def total(values):\n    '''Sum.'''\n    s = 0\n    for v in values:\n        s += v\n    return s\n",
            "def add_up(xs: list) -> int:\n    t = 0\n    for x in xs:\n        t += x\n    return t  # done\n",
            "def add_up(xs):\n    return sum(xs)\n",
        )
    )
    assert one != other
    assert functions.shape(one) == functions.shape(other) != functions.shape(third)


# which of them solve a problem


def held(outputs):
    """Return records at hand for functions: a list will do, since nothing asks for their hashes."""
    return [Record("Do it.", "", output) for output in outputs]


def search(tmp_path, benchmark_list, records):
    findings = [leakage.look_for(one, records) for one in benchmark_list]
    found = Contamination(None, records, findings)
    return solvers.execute(found, lambda texts, feature, engine: features.compute(texts, feature, tmp_path, engine))


@pytest.fixture
def short_limits(monkeypatch):
    """Less time for what never ends."""
    rounds = [one | {"child_seconds": one["child_seconds"] // 3, "hung": 5} for one in solvers.LIMITS["rounds"]]
    changed = {"load_seconds": 0.5, "rounds": rounds, "asleep_seconds": 0.5}
    monkeypatch.setattr(solvers, "LIMITS", solvers.LIMITS | changed)


@needs_sandbox
def test_planted_solutions_are_found_and_nothing_else(tmp_path, short_limits):
    """Each is found in the record and for the problem where it was planted; what else is found is looked at."""
    plants = [(problem, output) for problem, some in planted.SOLUTIONS.items() for output in some]
    wanted = [benchmarks.humaneval()]
    if mbpp.files():
        plants += [(problem, output) for problem, some in planted.MBPP_SOLUTIONS.items() for output in some]
        wanted.append(benchmarks.mbpp_benchmark())
    completion, instruction, output = planted.COMPLETION
    records = [*held(output for _, output in plants), Record(instruction, "", output)]
    plants.append((completion, output))
    records += held(planted.HONEST + planted.HOSTILE)
    found = search(tmp_path, wanted, records)
    solved, by_others = {number: set() for number in range(len(plants))}, {}
    for one in found.findings:
        for record, problem, name in zip(one.solved.records, one.solved.problems, one.solved.functions, strict=True):
            of = solved[record] if record < len(plants) else by_others.setdefault(name, set())
            of.add(one.benchmark.ids[problem])
    ids = {name for one in wanted for name in one.ids}
    assert len(plants) >= 40
    assert [problem for number, (problem, _) in enumerate(plants) if problem not in solved[number]] == []
    expected = [({problem} | planted.ALSO.get(problem, set())) & ids for problem, _ in plants]
    assert [*solved.values()] == expected
    assert by_others == {name: some & ids for name, some in planted.WEAKLY_TESTED.items() if some & ids}
    assert found.executed.skipped[functions.FOREIGN] == 1
    for fault in ("late", "load", "cheats"):
        assert found.executed.skipped[solvers.FAULTS[fault]] >= 1


ADD = Check("add", 2, "def check(f):\n    assert f(1, 2) == 3\n", "def add(a, b):\n    return a + b\n", "add")


@needs_sandbox
def test_a_screen_that_ends_is_started_anew(monkeypatch):
    """No function of the corpus can end its sandbox; here another process does."""
    screens = solvers.Screens(Problems(["made"], [ADD]))
    programs = [f"__candidate__ = lambda a, b: a + b + {number}\n" for number in (0, 1, 0)]
    whole, asked = solvers._Screen.ask, []

    def ask(screen, program):
        if len(asked) == 1:
            screen._process.kill()
        asked.append(program)
        return whole(screen, program)

    monkeypatch.setattr(solvers._Screen, "ask", ask)
    ((_, arrays),) = screens.map(Feature("screening", {}, screens.compute), [(0, programs)])
    assert asked == [programs[0], programs[1], programs[2], programs[1]]
    assert arrays["passed"][:, 0].tolist() == [0b11000000, 0, 0b11000000]
    assert arrays["fault"].tolist() == [0, 0, 0]


@pytest.fixture
def root(tmp_path, write_pool):
    """A root with a composition of a code pool, in which two solutions are planted, one of them twice."""
    write_pool([{"instruction": f"Print {n}.", "input": "", "output": f"print({n})"} for n in range(8)])
    records = [json.loads(line) for line in (tmp_path / "Datas/mine.jsonl").read_text().splitlines()]
    records[3]["output"] = planted.SOLUTIONS["HumanEval/13"][1]
    records[5]["output"] = planted.SOLUTIONS["HumanEval/13"][1].replace("recursive", "greatest")
    records[6]["output"] = planted.SOLUTIONS["HumanEval/9"][0]
    write_pool(records)
    write_pool([{"instruction": f"{n} + {n}?", "output": str(2 * n)} for n in range(20)], "Datas/other.jsonl")
    words = ("--pool", f"mine={tmp_path}/Datas/mine.jsonl", "--other", f"math={tmp_path}/Datas/other.jsonl")
    done = run_script("RQ1/domain_composition.py", "--root", tmp_path, *words)
    assert done.returncode == 0, done.stderr
    return tmp_path


@needs_sandbox
def test_solving_records_are_shown_and_removed_and_nothing_runs_twice(root, monkeypatch, capsys):
    split = "RQ1_MINE_CODE_10_0"
    words = ["--root", str(root), "--execute"]
    with pytest.raises(InputError, match="--execute: this executes code of the pools"):
        load_script(REPORT).main(words)
    assert not (root / "Profiles").exists()
    assert load_script(REPORT).main([*words, "--allow-code-execution"]) == 0
    said = capsys.readouterr().out
    assert "HumanEval: 2 problems solved" in said and "2 records, 1 independent programs" in said
    document = json.loads((root / "Profiles/contamination.json").read_bytes())
    assert document["splits"][split]["HumanEval"]["execution"] == {"records": 3, "share": 3 / 8, "problems": 2}
    first = document["solved"]["HumanEval"][0]
    assert [one["problem"] for one in document["solved"]["HumanEval"]] == ["HumanEval/13", "HumanEval/9"]
    assert (first["records"], first["independent"], first["examples"][0]["function"]) == (2, 1, "recursive")
    with open(root / "Profiles/contamination_solved.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["benchmark"] == "HumanEval"]
    assert [row["problem"] for row in rows] == ["HumanEval/13", "HumanEval/13", "HumanEval/9"]
    assert rows[0]["record_sha256"] == first["examples"][0]["record_sha256"] and rows[0]["substring"] == "False"

    monkeypatch.setattr(trials, "run", None)
    monkeypatch.setattr(solvers.Screens, "compute", None)
    words = ["--root", str(root), "--split", split, "--rules", "execution"]
    with pytest.raises(InputError, match="--rules execution: this executes code"):
        load_script(CLEAN).main(words)
    assert load_script(CLEAN).main([*words, "--allow-code-execution"]) == 0
    with open(root / f"Datas/RQ1/MINE/{split}_CLEAN_removed.csv") as file:
        assert [(row["position"], row["rule"]) for row in csv.DictReader(file)] == [
            ("3", "execution"),
            ("5", "execution"),
            ("6", "execution"),
        ]
    assert verify.verify(root) == []

    assert load_script(REPORT).main(["--root", str(root)]) == 0
    assert not (root / "Profiles/contamination_solved.csv").exists()
    assert "executed" not in json.loads((root / "Profiles/contamination.json").read_bytes())
    assert verify.verify(root) == []
