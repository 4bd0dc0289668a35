"""Planted effects: what is changed, and that nothing else is."""

import ast

import pytest

from instruction_data.outcomes import gold, plants

CODE = '''def f(x, y):
    """Add.

        Both.
    """
    if x > y and y != 0:
        text = (x,
                1 + 2)
        return [
            x + y
        ]  # done
    return """
    four
    """
'''
FENCED = f"```python\n{CODE}```"


def code_of(output):
    return output.removeprefix("```python\n").removesuffix("```")


def test_shuffled_outputs_are_the_same_and_none_is_in_its_place():
    outputs = [f"output {number}" for number in range(20)]
    found = plants.shuffled(outputs, 42)
    assert sorted(found) == sorted(outputs)
    assert not any(one == other for one, other in zip(found, outputs, strict=True))
    assert found == plants.shuffled(outputs, 42) != plants.shuffled(outputs, 43)


def test_prose_is_whole_words_of_the_same_length_and_no_code():
    outputs = ["x" * 100, "x" * 900, FENCED]
    found = plants.prose(outputs, 42)
    for text, output in zip(found, outputs, strict=True):
        assert len(output) - 40 < len(text) <= len(output)
        assert "```" not in text
    assert found == plants.prose(outputs, 42) != plants.prose(outputs, 43)


def test_another_style_means_the_same():
    restyled = code_of(plants.restyled(FENCED))
    assert ast.dump(ast.parse(restyled)) == ast.dump(ast.parse(CODE))
    assert "\n  if x > y and y != 0:\n    text = (x,\n                1 + 2)\n" in restyled
    assert '\n        Both.\n    """\n' in restyled


@pytest.mark.parametrize("output", ["no code at all, is it?", "```python\ndef f(:\n```", "```python\nx = (1\n```"])
def test_what_is_no_python_stays(output):
    assert plants.restyled(output) == output
    assert plants.broken(output) == output


def test_broken_code_has_an_edit_at_every_place_and_nothing_else():
    broken = code_of(plants.broken(FENCED))
    assert "if x <= y or y == 1:" in broken or "if x < y or y == 1:" in broken or "if x >= y or y == 1:" in broken
    assert "x - y" in broken
    ast.parse(broken)
    assert [len(line) - len(line.lstrip()) for line in broken.split("\n")] == [
        len(line) - len(line.lstrip()) for line in CODE.split("\n")
    ]


def test_solved_problems_hold_prompt_and_solution():
    problem = gold.load("humaneval", 1)[0]
    ((asked, output),) = plants.solved([problem])
    assert problem.context.rstrip() in asked
    assert problem.solution not in asked
    ast.parse(code_of(output))
    assert problem.context + problem.solution in output
