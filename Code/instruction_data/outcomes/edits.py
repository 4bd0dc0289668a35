"""Single edits of a Python program's text: each changes one operator, integer or truth value, and nothing else.

The syntax tree says which edits there are, and the edit is made in the text, so that every other byte stays.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

COMPARISONS = {
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<="),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
ARITHMETIC = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("+", "//"),
    ast.Div: ("//", "*"),
    ast.FloorDiv: ("*", "%"),
    ast.Mod: ("//",),
    ast.Pow: ("*",),
    ast.BitAnd: ("|",),
    ast.BitOr: ("&",),
    ast.BitXor: ("|",),
    ast.LShift: (">>",),
    ast.RShift: ("<<",),
}
BOOLEAN = {ast.And: ("or",), ast.Or: ("and",)}


@dataclass(frozen=True)
class Edit:
    """An edit of a text.

    Attributes:
        kind: ``comparison``, ``arithmetic``, ``boolean``, ``integer``, ``truth value`` or ``not``.
        start: the character at which it begins.
        old, new: the characters there, and those in their place.
    """

    kind: str
    start: int
    old: str
    new: str

    def of(self, text: str) -> str:
        """Return the text after the edit."""
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


class _Places:
    """The characters at which the nodes and words of a program stand."""

    def __init__(self, program: str):
        self.program, self._lines, self._starts = program, program.split("\n"), [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._words = [
            (self._starts[token.start[0] - 1] + token.start[1], token.string)
            for token in tokenize.generate_tokens(io.StringIO(program, newline="\n").readline)
            if token.type in (tokenize.OP, tokenize.NAME) and token.string not in ("(", ")")
        ]

    def start(self, node: ast.expr) -> int:
        return self._place(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        return self._place(node.end_lineno, node.end_col_offset)

    def _place(self, line: int, byte: int) -> int:
        before = self._lines[line - 1].encode()[:byte]  # the tree counts bytes of UTF-8
        return self._starts[line - 1] + len(before.decode())

    def between(self, left: ast.expr, right: ast.expr) -> tuple[int, str]:
        """Return the place and text of the operator between two operands."""
        words = [word for word in self._words if self.end(left) <= word[0] < self.start(right)]
        start, (last, text) = words[0][0], words[-1]
        return start, self.program[start : last + len(text)]


def edits(program: str, start: int) -> list[Edit]:
    """Return the edits of what stands behind a program's first ``start`` characters, as edits of that part's text.

    Raises:
        SyntaxError, ValueError: it is no program that Python can read.
    """
    if "\r" in program or "\f" in program:
        raise ValueError("found a carriage return or form feed; expected lines that end with a line feed")
    tree, places = parsed(program), _Places(program)
    found = [edit for node in _nodes(tree) for edit in _of(node, places) if edit.start >= start]
    return [replace(edit, start=edit.start - start) for edit in sorted(found, key=lambda edit: (edit.start, edit.new))]


def parsed(program: str) -> ast.Module:
    """Return the syntax tree of a program, without the warnings about it.

    Raises:
        SyntaxError, ValueError: it is no program that Python can read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(program)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes outside of f-strings, in which the tree of Python 3.11 gives no places."""
    if not isinstance(tree, ast.JoinedStr):
        yield tree
        for child in ast.iter_child_nodes(tree):
            yield from _nodes(child)


def _of(node: ast.AST, places: _Places) -> Iterator[Edit]:
    """Yield the edits of a node itself."""
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            yield from _replaced("comparison", *places.between(left, right), COMPARISONS[type(operator)])
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield from _replaced("arithmetic", *places.between(node.left, node.right), ARITHMETIC[type(node.op)])
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        words = [f"{new}=" for new in ARITHMETIC[type(node.op)]]
        yield from _replaced("arithmetic", *places.between(node.target, node.value), words)
    elif isinstance(node, ast.BoolOp):
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from _replaced("boolean", *places.between(left, right), BOOLEAN[type(node.op)])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        start = places.start(node)
        yield Edit("not", start, re.compile(r"not[ \t]*").match(places.program, start).group(), "")
    elif isinstance(node, ast.Constant):
        start, old = places.start(node), places.program[places.start(node) : places.end(node)]
        if isinstance(node.value, bool):
            yield Edit("truth value", start, old, str(not node.value))
        elif isinstance(node.value, int) and old.isdecimal():
            values = (node.value + 1, node.value - 1) if node.value else (1,)
            yield from _replaced("integer", start, old, map(str, values))


def _replaced(kind: str, start: int, old: str, words: Iterable[str]) -> Iterator[Edit]:
    for new in words:
        yield Edit(kind, start, old, new)
