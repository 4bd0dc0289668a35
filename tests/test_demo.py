"""The demo's pools: the same for everybody with the same Python, readable, labelled, right."""

import ast
import datetime
import hashlib
import math
import operator
import os
import random
import re
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import orjson
import pytest

from instruction_data.demo import __main__, code_instructions, demo_root, general_tasks, library_code, math_tasks, tasks
from instruction_data.errors import InputError
from instruction_data.files import formats
from instruction_data.pools import reading
from instruction_data.pools.table import STUDY_POOLS, chosen_pool

RECORDS, OTHERS = 60, 72
TABLE = {pool.name: pool for pool in STUDY_POOLS}
CATEGORIES = [
    "Algorithmic & Data Structure",
    "Mathematical & Computational",
    "Database & SQL",
    "System Design & Architecture",
    "Web Development",
    "Data Science & Machine Learning",
    "Performance Optimization",
    "User Interface & Application Design",
    "Domain-Specific",
    "Security & Cryptography",
]


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Two study roots, built at the same time by two processes that hash strings differently."""
    folders = [tmp_path_factory.mktemp(f"hash{seed}") for seed in (1, 2)]
    command = [sys.executable, "-m", "instruction_data.demo", "--records", str(RECORDS), "--others", str(OTHERS)]
    runs = [
        subprocess.Popen([*command, "--root", folder], env=os.environ | {"PYTHONHASHSEED": str(seed)}, stdout=-1)
        for seed, folder in enumerate(folders, start=1)
    ]
    outputs = [run.communicate(timeout=120)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    for folder, output in zip(folders, outputs, strict=True):
        assert f"{folder / TABLE['oss'].path}: {RECORDS} records" in output
    return folders


@pytest.fixture(scope="module")
def root(roots):
    return roots[0]


@pytest.fixture(scope="module")
def candidates():
    return library_code.candidates_for(2 * demo_root.RECORDS)


@pytest.fixture
def mined(candidates, monkeypatch):
    """Do not read the standard library again."""
    monkeypatch.setattr(library_code, "candidates_for", lambda count: list(candidates))


def state(root):
    """Every file below a study root's Datas with its content and the time it was written."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (root / "Datas").iterdir()}


def test_the_same_bytes_in_every_process(roots):
    first, second = ({name: content for name, (content, _) in state(root).items()} for root in roots)
    assert first == second
    assert set(first) == {Path(pool.path).name for pool in STUDY_POOLS} | {"demo_labels.json"}


def test_the_order_of_the_file_system_does_not_matter(monkeypatch, tmp_path):
    walk = os.walk

    def backwards(top):
        for place, folders, files in walk(top):
            folders.sort(reverse=True)
            yield place, folders, files[::-1]

    for name in ("b.py", "a/__init__.py", "a/c.py", "test/x.py", "config-3/y.py", "a/data.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = library_code.module_files(tmp_path)
    assert [module for module, _ in found] == ["a", "a.c", "b"]
    monkeypatch.setattr(os, "walk", backwards)
    assert library_code.module_files(tmp_path) == found


def test_another_seed_gives_other_pools(mined):
    first, second = demo_root.contents(20, 20, seed=1), demo_root.contents(20, 20, seed=2)
    assert all(first[name] != second[name] for name in first)


@pytest.mark.parametrize("name", TABLE)
def test_pools_are_read_without_a_bad_record(root, name):
    records = reading.read(TABLE[name], root)
    assert len(records) == (RECORDS if TABLE[name].domain == "code" else OTHERS)
    assert not records.skipped


def test_forms(root):
    first = {name: next(iter(formats.entries(pool.file(root)))).value for name, pool in TABLE.items()}
    assert {name: set(value) for name, value in first.items()} == {
        "oss": {"lang", "index", "seed", "problem", "solution"},
        "evol": {"instruction", "response"},
        "math": {"source", "instruction", "output"},
        "general": {"instruction", "input", "output"},
    }
    assert TABLE["math"].file(root).read_bytes()[:1] == b"["


def test_code_pools_have_every_category_and_share_nothing(root):
    oss, evol = (reading.read(TABLE[name], root) for name in ("oss", "evol"))
    assert set(demo_root.weak_labels(root, oss)) == set(demo_root.weak_labels(root, evol)) == set(CATEGORIES)
    assert not set(oss.texts("output")) & set(evol.texts("output"))
    assert not set(oss.texts("instruction")) & set(evol.texts("instruction"))
    for records in (oss, evol):
        assert len(set(records.texts("instruction"))) == len(set(records.texts("output"))) == RECORDS


def test_every_category_without_the_modules_some_distributions_leave_out(candidates):
    kept = [one for one in candidates if not one.module.startswith(("tkinter", "turtle"))]
    for half in library_code.choose(kept, (demo_root.RECORDS,) * 2, demo_root.SEED):
        assert len(half) == demo_root.RECORDS
        assert {one.category for one in half} == set(CATEGORIES)


def test_rare_categories_are_all_in_and_divided_evenly(candidates):
    oss, evol = library_code.choose(candidates, (demo_root.RECORDS,) * 2, demo_root.SEED)
    available = sum(one.category == "Database & SQL" for one in candidates)
    counts = [sum(one.category == "Database & SQL" for one in half) for half in (oss, evol)]
    assert sum(counts) == available
    assert abs(counts[0] - counts[1]) <= 1


def test_one_code_pool_can_be_larger_and_each_category_is_divided_in_proportion(candidates):
    oss, evol = library_code.choose(candidates, (600, 200), demo_root.SEED)
    assert (len(oss), len(evol)) == (600, 200)
    for category in CATEGORIES:
        sizes = [sum(one.category == category for one in half) for half in (oss, evol)]
        assert abs(sizes[0] - 3 * sizes[1]) <= 4
    assert not {id(one) for one in oss} & {id(one) for one in evol}


def test_categories_are_the_studys():
    assert list(library_code.MODULES) == CATEGORIES


@pytest.mark.parametrize(
    ("module", "category"),
    [
        ("sqlite3.dump", "Database & SQL"),
        ("asyncio.tasks", "System Design & Architecture"),
        ("asyncio.sslproto", "Security & Cryptography"),
        ("asyncio.queues", "Algorithmic & Data Structure"),
        ("xml.sax.handler", "Domain-Specific"),
        ("xmlrpc.client", "Web Development"),
        ("typing", None),
    ],
)
def test_longest_prefix(module, category):
    assert library_code.category_of(module) == category


def test_instructions_are_short_prose(candidates):
    texts = [code_instructions.instruction(one, evolved=evolved) for one in candidates for evolved in (False, True)]
    assert max(map(len, texts)) <= 260
    assert sum(map(len, texts)) / len(texts) < 200
    assert not [text for text in texts if "\n" in text or not len(text) > 25 or text[-1] not in ".!?…)"]


def test_evolved_instructions_ask_for_more(candidates):
    more = [code_instructions.instruction(one, evolved=True).rpartition(". ")[2] for one in candidates]
    assert len({re.sub(r"`.*`|\d+", "", text) for text in more}) > 8


def test_solutions_are_code_without_their_docstring(candidates):
    for one in candidates:
        body = ast.parse(one.code).body
        assert len(body) == 1, one.name
        assert body[0].name == one.name.rpartition(".")[2]
        assert ast.get_docstring(body[0]) is None
        assert 60 <= len(one.code) + len("```python\n\n```") <= 2500


def test_mining_a_file(tmp_path):
    (tmp_path / "bisect.py").write_text(
        '"""Bisection algorithms."""\n\n'
        "@cache\ndef find(a, x):\n"
        '    """Return the place of x in the sorted list a.\n\n    Not this."""\n'
        "    if x not in a:\n        raise ValueError(x)\n    return a.index(x)  # the first\n\n"
        'def _hidden():\n    """Return what nobody outside this file may ever see."""\n    return find([1, 2], 1)\n\n'
        'def empty():\n    """Return nothing at all, because it is not implemented."""\n    raise NotImplementedError\n'
    )
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "latin.py").write_bytes(b'"""\xe9"""\n')
    (one,) = library_code.mine(library_code.module_files(tmp_path))
    assert (one.module, one.name, one.category) == ("bisect", "find", "Algorithmic & Data Structure")
    assert one.what == "a Python function `find(a, x)`"
    assert one.description == "Return the place of x in the sorted list a."
    assert one.context == "bisection algorithms"
    assert one.code == (
        "@cache\ndef find(a, x):\n    if x not in a:\n        raise ValueError(x)\n    return a.index(x)  # the first"
    )
    assert "Raise `ValueError` where the input calls for it." in code_instructions.demands(one)
    assert "Do not use any if statement." not in code_instructions.demands(one)


def test_labels_join_by_row(root):
    whole, part = reading.read(TABLE["oss"], root), reading.read(TABLE["oss"], root, limit=7)
    labels = demo_root.weak_labels(root, whole)
    table = orjson.loads((root / demo_root.LABELS_PATH).read_bytes())
    assert labels == [label["category"] for label in table["oss"]]
    assert all(library_code.category_of(label["module"]) == label["category"] for label in table["oss"])
    assert demo_root.weak_labels(root, part) == labels[:7]


def test_labels_of_another_file_are_refused(root, tmp_path):
    (tmp_path / "Datas").mkdir()
    lines = TABLE["evol"].file(root).read_bytes().splitlines(keepends=True)
    TABLE["evol"].file(tmp_path).write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    records = reading.read(TABLE["evol"], tmp_path)
    assert demo_root.weak_labels(tmp_path, records) is None
    (tmp_path / demo_root.LABELS_PATH).write_bytes((root / demo_root.LABELS_PATH).read_bytes())
    with pytest.raises(InputError, match=r"row 0 of pool 'evol': found '[0-9a-f]{13}…; expected '[0-9a-f]{13}…"):
        demo_root.weak_labels(tmp_path, records)


def test_pools_without_labels(root):
    assert demo_root.weak_labels(root, reading.read(TABLE["math"], root)) is None
    own = chosen_pool(TABLE, f"evol={TABLE['oss'].file(root)}", {"instruction": "problem", "output": "solution"})
    assert demo_root.weak_labels(root, reading.read(own, root)) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"oss": [{"row": 0}]}'])
def test_damaged_labels_are_named(root, tmp_path, content):
    records = reading.read(TABLE["oss"], root)
    (tmp_path / "Datas").mkdir()
    (tmp_path / demo_root.LABELS_PATH).write_bytes(content)
    with pytest.raises(InputError, match="found no table of labels"):
        demo_root.weak_labels(tmp_path, records)


def test_the_same_arguments_twice_change_nothing(mined, tmp_path, capsys):
    flags = ["--root", str(tmp_path), "--records", "12", "--others", "12"]
    assert __main__.main(flags) == 0
    before = state(tmp_path)
    assert __main__.main(flags) == 0
    assert state(tmp_path) == before
    assert capsys.readouterr().out.count("12 records") == 8


def test_other_pools_are_replaced_only_on_request(mined, tmp_path):
    demo_root.build(tmp_path, records=10, others=10)
    mine = TABLE["math"].file(tmp_path)
    mine.write_text("[]")
    with pytest.raises(InputError, match=r"found Datas/MathInstruct.json with other content.*--overwrite"):
        __main__.main(["--root", str(tmp_path), "--records", "10", "--others", "10"])
    assert mine.read_text() == "[]"
    __main__.main(["--root", str(tmp_path), "--records", "10", "--others", "10", "--overwrite"])
    assert len(reading.read(TABLE["math"], tmp_path)) == 10
    assert not list(tmp_path.rglob("*.tmp"))


def test_labels_never_stand_beside_other_pools(mined, tmp_path, monkeypatch):
    demo_root.build(tmp_path, records=10, others=10)

    def stopped(path, content):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_root, "write_whole", stopped)
    with pytest.raises(KeyboardInterrupt):
        demo_root.build(tmp_path, records=11, others=10)
    assert not (tmp_path / demo_root.LABELS_PATH).exists()


def test_more_records_than_there_are(mined, candidates):
    with pytest.raises(InputError, match=f"found {len(candidates):,} usable definitions.*expected 40,000"):
        demo_root.contents(20_000, 10)


def test_unlabelled_definitions_only_fill_up(candidates):
    few = [one for one in candidates if one.module in ("bisect", "heapq", "shelve")]
    extra = library_code.mine(
        file for file in library_code.module_files(Path(ast.__file__).parent) if file[0] in ("ast", "typing")
    )
    labelled = library_code.choose(few + extra, (len(few) // 2,) * 2, 1)
    assert all(one.category for half in labelled for one in half)
    filled = library_code.choose(few + extra, (len(few) // 2 + 3,) * 2, 1)
    assert sum(one.category is None for half in filled for one in half) == 2 * (len(few) // 2 + 3) - len(few)


def test_ensure_builds_once(mined, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_root.contents, "__defaults__", (15, 15, 42, None))
    threads = [threading.Thread(target=demo_root.ensure, args=[tmp_path / "new"]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = state(tmp_path / "new")
    assert len(before) == 5
    monkeypatch.setattr(demo_root, "contents", lambda: pytest.fail("built again"))
    demo_root.ensure(tmp_path / "new")
    assert state(tmp_path / "new") == before


def test_ensure_never_replaces_a_pool(mined, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_root.contents, "__defaults__", (15, 15, 42, None))
    own = TABLE["oss"].file(tmp_path)
    own.parent.mkdir()
    own.write_text('{"problem": "p", "solution": "s"}\n')
    with pytest.raises(InputError, match="with other content"):
        demo_root.ensure(tmp_path)
    assert [path.name for path in own.parent.iterdir()] == [own.name]


def test_ensure_goes_on_where_it_was_stopped(mined, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_root.contents, "__defaults__", (15, 15, 42, None))
    demo_root.ensure(tmp_path)
    before = {name: content for name, (content, _) in state(tmp_path).items()}
    (tmp_path / demo_root.LABELS_PATH).unlink()
    TABLE["general"].file(tmp_path).unlink()
    demo_root.ensure(tmp_path)
    assert {name: content for name, (content, _) in state(tmp_path).items()} == before


# --- larger pools of tasks

DEFAULT = {  # SHA-256 of the demo's pools of tasks, which published splits name
    "math": "932808083f1bee87ea293709e9eb9281b9b6b87c0d07cef5e3fee4e5b8fea925",
    "general": "8568a8653a4034e733b67ed63f61649a70932c72480de42c79aae888e2416dfe",
}


@pytest.mark.parametrize("name", DEFAULT)
def test_the_default_pools_of_tasks_keep_their_bytes(mined, tmp_path, name):
    files = demo_root.contents(records=10)
    assert hashlib.sha256(files[TABLE[name].path]).hexdigest() == DEFAULT[name]


@pytest.mark.parametrize("name", DEFAULT)
def test_a_grown_pool_begins_with_the_demos(mined, tmp_path, name):
    demo_root.build(tmp_path, records=10)
    small = reading.read(TABLE[name], tmp_path)
    larger, largest = (demo_root.grown(tmp_path, TABLE[name], records) for records in (1020, 12_000))  # 3:7 of 40,000
    assert (larger.name, larger.domain) == (name, TABLE[name].domain)
    assert (larger.path, largest.path) == (f"Datas/demo/{name}_2000.jsonl", f"Datas/demo/{name}_12000.jsonl")
    grown = reading.read(largest, tmp_path)
    hashes = list(grown.hashes)
    assert (len(set(hashes)), len(grown.skipped)) == (12_000, 0)
    assert list(small.hashes) == hashes[:1000]
    assert list(reading.read(larger, tmp_path).hashes) == hashes[:2000]


def test_a_grown_pool_is_made_once(tmp_path, monkeypatch):
    def grow():
        rows.append(demo_root.grown(tmp_path, TABLE["math"], 1500))

    rows, counted = [], []
    made = demo_root.TASKS["math"]
    monkeypatch.setitem(demo_root.TASKS, "math", lambda *given, **more: counted.append(given) or made(*given, **more))
    threads = [threading.Thread(target=grow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert demo_root.grown(tmp_path, TABLE["math"], 1001) == rows[0] == rows[1] == rows[2]
    assert len(counted) == 1
    assert [path.name for path in (tmp_path / "Datas/demo").iterdir()] == ["math_2000.jsonl"]


def test_a_grown_pool_has_an_end(tmp_path):
    with pytest.raises(InputError, match=r"found at most 150,000 .* expected 150,001\. .*--other general=PATH"):
        demo_root.grown(tmp_path, TABLE["general"], tasks.MOST + 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kinds", [math_tasks.MATH_KINDS, general_tasks.GENERAL_KINDS])
def test_half_of_the_kinds_have_new_tasks_up_to_the_end(kinds):
    made = tasks.different(kinds, tasks.MOST, random.Random("42 kinds"), block=1000)
    assert len({kind for kind, _ in made[-1000:]}) >= len(kinds) / 2
    assert len({task[:-1] for _, task in made}) == tasks.MOST


def test_only_the_demos_own_tasks_grow(root):
    own = chosen_pool(TABLE, f"math={TABLE['general'].file(root)}", {})
    found = [demo_root.can_grow(pool) for pool in (*STUDY_POOLS, own)]
    assert found == [pool.name in DEFAULT for pool in STUDY_POOLS] + [False]


# --- the tasks of the other domains


@pytest.fixture(scope="module")
def math_rows():
    return math_tasks.math_tasks(3000, 7)


@pytest.fixture(scope="module")
def general_rows():
    return general_tasks.general_tasks(3000, 7)


def of_kind(tasks, kind):
    """Question, final answer and the question's whole numbers of every task of one kind."""
    found = [task for task in tasks if task["source"] == f"demo/{kind}"]
    assert len(found) > 100
    for task in found:
        answer = re.search(r"The answer is (.*)\.$", task["output"]).group(1)
        yield task["instruction"], answer, [int(text) for text in re.findall(r"-?\d+", task["instruction"])]


def test_tasks_are_many_kinds_and_all_different(math_rows, general_rows):
    assert len({task["instruction"] for task in math_rows}) == 3000
    assert len({task["source"] for task in math_rows}) == len(math_tasks.MATH_KINDS) >= 12
    assert len({(task["instruction"], task["input"]) for task in general_rows}) == 3000
    assert len(general_tasks.GENERAL_KINDS) >= 12
    assert sum(bool(task["input"]) for task in general_rows) == 1500
    assert all(task["output"].strip() for task in math_rows + general_rows)


def test_tasks_have_no_gaps(math_rows, general_rows):
    """An empty word in a table of words would leave a gap in a sentence."""
    for task in math_rows + general_rows:
        for text in (task["instruction"], task.get("input", ""), task["output"]):
            assert not re.search(r"  | ,|,,|^[:,.]|\b1 (days|weeks|hours)", text, re.MULTILINE), task


def test_more_tasks_than_there_are(monkeypatch):
    monkeypatch.setattr(general_tasks, "GENERAL_KINDS", (lambda draw: (str(draw.randrange(5)), "", "x"),))
    with pytest.raises(InputError, match="found 5 different tasks; expected 6"):
        general_tasks.general_tasks(6, 1)


def test_every_equation_in_a_solution_holds(math_rows):
    """Each 'expression = value' made of numbers alone, whatever kind of task it stands in."""
    checked = 0
    for task in math_rows:
        plain = task["output"].replace("×", "*").replace("^", "**").replace("²", "**2").replace("$", "")
        for chain in re.findall(r"(?<![\w!])[-\d(][\d. */+()-]*(?: = [-\d][\d./* +-]*)+(?![\w(])", plain):
            if chain.count("(") == chain.count(")"):
                assert len({_value(part) for part in chain.split(" = ")}) == 1, task
                checked += 1
    assert checked > 3000


def _value(expression):
    return _computed(ast.parse(expression.strip(" ."), mode="eval").body)


def _computed(node):
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp):
        return -_computed(node.operand)
    names = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.Pow: "pow"}
    return getattr(operator, names[type(node.op)])(_computed(node.left), _computed(node.right))


def test_linear_equations(math_rows):
    for question, answer, _ in of_kind(math_rows, "linear_equation"):
        a, sign, b, c = re.search(r"(\d+)x ([+-]) (\d+) = (-?\d+)", question).groups()
        assert int(a) * int(answer) + int(sign + b) == int(c)


def test_quadratic_equations(math_rows):
    for question, answer, _ in of_kind(math_rows, "quadratic"):
        linear = re.search(r"([+-]) (\d+)x", question)
        constant = re.search(r"([+-]) (\d+) = 0", question)
        roots = [int(text) for text in re.findall(r"-?\d+", answer)]
        assert len(set(roots)) == 2
        for x in roots:
            assert x * x + (int("".join(linear.groups())) * x if linear else 0) + int("".join(constant.groups())) == 0


def test_common_multiples(math_rows):
    for _, answer, (a, b) in of_kind(math_rows, "common_multiple"):
        assert int(answer) == next(value for value in range(a, a * b + 1, a) if value % b == 0)


def test_remainders(math_rows):
    for _, answer, (base, exponent, modulus) in of_kind(math_rows, "power_remainder"):
        assert int(answer) == base**exponent % modulus


def test_committees(math_rows):
    for _, answer, (seats, people) in of_kind(math_rows, "committee"):
        rows = [1]
        for _ in range(people):
            rows = [a + b for a, b in zip([0, *rows], [*rows, 0], strict=True)]
        assert int(answer) == rows[seats]


def test_marbles(math_rows):
    for question, answer, counts in of_kind(math_rows, "marbles"):
        colour = re.search(r"it is (\w+)", question).group(1)
        wanted = int(re.search(rf"(\d+) {colour}", question).group(1))
        assert Fraction(answer) == Fraction(wanted, sum(counts))


def test_sequences(math_rows):
    for _, answer, (place, first, second, _, _) in of_kind(math_rows, "arithmetic_sequence"):
        assert int(answer) == range(first, 10**6, second - first)[place - 1]


def test_right_triangles(math_rows):
    for _, answer, (a, b) in of_kind(math_rows, "right_triangle"):
        assert int(answer) == math.hypot(a, b)


def test_discounts_and_shopping_count_cents(math_rows):
    for question, answer, _ in of_kind(math_rows, "discount"):
        price, percent = (re.search(form, question).group(1) for form in (r"\$(\d+)", r"(\d+)%"))
        assert Fraction(answer[1:]) == Fraction(price) * (100 - int(percent)) / 100
    for question, answer, _ in of_kind(math_rows, "shopping"):
        n, m = re.search(r"buys (\d+)", question).group(1), re.search(r"and (\d+)", question).group(1)
        p, q, paid = (Fraction(text) for text in re.findall(r"\$(\d+(?:\.\d\d)?)", question))
        assert Fraction(answer[1:]) == paid - int(n) * p - int(m) * q >= 0


def test_missing_scores(math_rows):
    for _, answer, (*scores, number, mean) in of_kind(math_rows, "missing_score"):
        assert Fraction(sum(scores) + int(answer), number + 1) == mean


def test_dates_and_weekdays(general_rows):
    for task in general_rows:
        if "in the form YYYY-MM-DD" in task["instruction"]:
            text = task["instruction"].removeprefix("Write the date ").removesuffix(" in the form YYYY-MM-DD.")
            assert datetime.datetime.strptime(text, "%d %B %Y").date().isoformat() == task["output"]
        if task["instruction"].startswith("Today is"):
            today, days = re.match(r"Today is (\w+)\. .* (\d+) days", task["instruction"]).groups()
            monday = datetime.date(2024, 1, 1)
            then = monday + datetime.timedelta(days=general_tasks.DAYS.index(today) + int(days))
            assert then.strftime("%A") in task["output"]


def test_extracted_and_sorted_answers_come_from_the_input(general_rows):
    for task in general_rows:
        if task["instruction"].startswith("Extract"):
            assert task["output"] in task["input"]
        if "alphabetical order" in task["instruction"]:
            assert task["output"].split(", ") == sorted(task["input"].split(", "))
