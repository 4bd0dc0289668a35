"""Edits of programs: which there are, and that each changes one place of the text and nothing else."""

import io
import tokenize

import pytest

from instruction_data.outcomes import edits, gold

PROGRAM = '''"""é: 1 < 2, not True"""
def f(a, *b, é=1, **c):
    x = (a  +  1) * (  # 7 and 8
        é // 0x10)
    x -= f"{a + 1}" != "1 + 1"
    while not(a not  in b) and -x < 10_0 <= 3 or True is not False:
        return b[0:-2]
'''


def test_the_edits_of_a_program_by_hand():
    start = PROGRAM.index("    x = ")
    behind = PROGRAM[start:]
    found = [(edit.kind, edit.old, edit.new) for edit in edits.edits(PROGRAM, start)]
    assert found == [
        ("arithmetic", "+", "-"),
        *[("integer", "1", "0"), ("integer", "1", "2")],
        *[("arithmetic", "*", "+"), ("arithmetic", "*", "//")],
        *[("arithmetic", "//", "%"), ("arithmetic", "//", "*")],
        ("arithmetic", "-=", "+="),
        ("comparison", "!=", "=="),
        ("not", "not", ""),
        ("comparison", "not  in", "in"),
        ("boolean", "and", "or"),
        *[("comparison", "<", "<="), ("comparison", "<", ">")],
        *[("comparison", "<=", "<"), ("comparison", "<=", ">=")],
        *[("integer", "3", "2"), ("integer", "3", "4")],
        ("boolean", "or", "and"),
        ("truth value", "True", "False"),
        ("comparison", "is not", "is"),
        ("truth value", "False", "True"),
        ("integer", "0", "1"),
        *[("integer", "2", "1"), ("integer", "2", "3")],
    ]
    for edit in edits.edits(PROGRAM, start):
        assert behind[edit.start :].startswith(edit.old)
    [dropped] = [edit for edit in edits.edits(PROGRAM, start) if edit.kind == "not"]
    assert "while (a not  in b) and" in dropped.of(behind)


def words_of(program):
    return [token.string for token in tokenize.generate_tokens(io.StringIO(program).readline)]


def shared(first, second):
    """Count the items that two lists begin with."""
    return next(
        (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def test_each_edit_of_humaneval_changes_one_operator_or_constant_behind_the_context():
    count = 0
    for one in gold.load("humaneval", None):
        before = words_of(one.context + one.solution)
        for edit in edits.edits(one.context + one.solution, len(one.context)):
            text = edit.of(one.solution)
            assert text[: edit.start] == one.solution[: edit.start]
            after = words_of(one.context + text)
            same = shared(before, after)
            rest = shared(before[same:][::-1], after[same:][::-1])
            changed = before[same : len(before) - rest], after[same : len(after) - rest]
            assert changed[0] != changed[1]
            assert max(map(len, changed)) == 1  # a word for a word, or "not" that came or went
            count += 1
    assert count == 1862


def test_what_python_cannot_read_has_no_edits():
    for text in ("1 <", "x = 1\r\n"):
        with pytest.raises((SyntaxError, ValueError)):
            edits.edits(text, 0)
