"""Planted effects: records whose outputs are changed in a known way, to see whether an answer finds what is there.

All take and return outputs as the demo's code pools have them: Python in a Markdown fence.
"""

import functools
import io
import pydoc_data.topics
import re
import tokenize
from collections.abc import Sequence

from instruction_data.outcomes import edits
from instruction_data.outcomes.gold import Gold
from instruction_data.select import draws

INDENT = 4  # columns of a level in the standard library
SHORTER = 2  # columns of a level in another style
PARAGRAPH = 60  # characters that a paragraph of prose has at least


def shuffled(outputs: Sequence[str], seed: int) -> list[str]:
    """Return the outputs in a random order in which none stays in its place."""
    order = draws.permutation(len(outputs), seed, "shuffled").tolist()
    moved = dict(zip(order, order[1:] + order[:1], strict=True))
    return [outputs[moved[place]] for place in range(len(outputs))]


@functools.cache
def paragraphs() -> list[str]:
    """Return the paragraphs of prose in Python's language reference, which every Python brings along."""
    text = "\n\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    found = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part[:1].isupper())
    return list(dict.fromkeys(one for one in found if len(one) >= PARAGRAPH))


def prose(outputs: Sequence[str], seed: int) -> list[str]:
    """Return prose about Python instead of every output, whole words of about the same number of characters."""
    there = paragraphs()
    order, place, made = draws.permutation(len(there), seed, "prose").tolist(), 0, []
    for output in outputs:
        text = there[order[place % len(order)]]
        while len(text) < len(output):
            place += 1
            text += "\n\n" + there[order[place % len(order)]]
        place += 1
        made.append(text[: max(len(output), PARAGRAPH)].rpartition(" ")[0])
    return made


def restyled(output: str) -> str:
    """Return an output with two columns of indentation a level instead of four, which changes nothing that it does.

    Lines inside strings and brackets stay as they are, and so does an output that is no Python of its own.
    """
    head, code, tail = _unfenced(output)
    starts = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER):
                starts |= {token.start[0]}
    except (tokenize.TokenError, SyntaxError):
        return output
    inside = _inside(code)
    lines = code.splitlines(keepends=True)
    for number in sorted(starts - inside):
        line = lines[number - 1]
        width = len(line) - len(line.lstrip(" "))
        lines[number - 1] = " " * (width // INDENT * SHORTER + width % INDENT) + line[width:]
    return head + "".join(lines) + tail


def broken(output: str) -> str:
    """Return an output with one edit at every place where there is one, as broken twins have; else as it is."""
    head, code, tail = _unfenced(output)
    try:
        found = edits.edits(code, 0)
    except (SyntaxError, ValueError):
        return output
    end = len(code)
    for edit in sorted(found, key=lambda edit: (-edit.start, edit.new)):
        if edit.start + len(edit.old) <= end:
            code, end = edit.of(code), edit.start
    return head + code + tail


def solved(problems: Sequence[Gold]) -> list[tuple[str, str]]:
    """Return benchmark problems as instructions and outputs, as a model sees them that was trained on solutions."""
    asked = "Complete this function.\n```python\n{}\n```"
    return [(asked.format(one.context.rstrip()), f"```python\n{one.context}{one.solution}\n```") for one in problems]


def _inside(code: str) -> set[int]:
    """Return the numbers of the lines that begin inside a string or continue another line."""
    found, begun = set(), None
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.start[0] != token.end[0]:
            found |= set(range(token.start[0] + 1, token.end[0] + 1))
        if token.type == tokenize.NEWLINE:
            if begun is not None:
                found |= set(range(begun + 1, token.start[0] + 1))
            begun = None
        elif begun is None and token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT):
            begun = token.start[0]
    return found


def _unfenced(output: str) -> tuple[str, str, str]:
    """Return what stands before the code of a fenced output, the code, and what stands behind it."""
    fenced = re.fullmatch(r"(```\w*\n)(.*\n)(```\s*)", output, re.DOTALL)
    return fenced.groups() if fenced else ("", output, "")
