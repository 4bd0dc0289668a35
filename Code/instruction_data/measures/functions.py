"""Finding the Python functions in a record, each with what it needs of the code around it. Nothing is executed.

Code is every fenced block of a record that is Python's or has no label, or a whole field if no such block has a
function. What does not parse as a whole is taken in pieces, from one line at the margin to the next. Of that code this
takes functions at the top, lambda expressions with a name, and methods of classes that need no arguments. Functions
inside of functions are left out. A function becomes a program: the imports, constants, classes and other functions that
it uses, itself, and an end that says which it is. Annotations and docstrings are left out, so that copies of a function
are one program, and so are decorators that are not there.
"""

import ast
import builtins
import itertools
import re
import symtable
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from instruction_data.measures import languages
from instruction_data.pools.records import Record, is_unicode

CANDIDATE = "__candidate__"  # the name that a program gives its function
LONGEST = 100_000  # characters of code that are parsed; longer blocks are skipped
MOST = 200  # functions of one record
MODULES = ("numpy", "pandas", "scipy", "sympy")  # that functions may use, beside Python's own
ASSUMED = {  # names that code uses without binding them -> the import, or the name of Python 2, that is meant
    **{name: f"import {name}" for name in ("bisect", "collections", "copy", "datetime", "functools", "heapq")},
    **{name: f"import {name}" for name in ("itertools", "json", "math", "operator", "random", "re", "string", "sys")},
    **{name: f"from collections import {name}" for name in ("Counter", "OrderedDict", "defaultdict", "deque")},
    "dataclass": "from dataclasses import dataclass",
    **{name: f"from functools import {name}" for name in ("cache", "cmp_to_key", "lru_cache", "reduce", "wraps")},
    **{name: f"from itertools import {name}" for name in ("accumulate", "combinations", "groupby", "permutations")},
    **{name: f"from math import {name}" for name in ("ceil", "floor", "gcd", "log", "pi", "sqrt")},
    **{name: f"from typing import {name}" for name in ("Any", "Dict", "List", "Optional", "Set", "Tuple", "Union")},
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    **{two: f"{two} = {three}" for two, three in {"xrange": "range", "unicode": "str", "long": "int"}.items()},
}
UNREAD, FOREIGN, UNFIT, TOO_LONG, TOO_MANY = (
    "code that does not parse",
    "a function that needs a module that is not there",
    "a function that takes another number of arguments",
    "code that is too long",
    "more functions than are taken of one record",
)
_THERE = sys.stdlib_module_names.union(MODULES)
_AT_THE_MARGIN = re.compile(r"(?:async[ ]+def|def|class|import|from)\b|@|[A-Za-z_]\w*[ ]*(?::[^=\n]+)?=(?!=)")
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINING = (*_FUNCTION, ast.ClassDef, ast.Import, ast.ImportFrom)
_PLAIN = (*_DEFINING, ast.Assign, ast.AnnAssign, ast.AugAssign)
_COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While)
_BUILTIN = frozenset(dir(builtins))
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


@dataclass(frozen=True)
class Function:
    """A function of a record.

    Attributes:
        name: as the record has it, with its class.
        program: Python that defines it as ``CANDIDATE``.
    """

    name: str
    program: str


@dataclass
class Found:
    """The functions of a record, each program once, and what was skipped: reason -> how often."""

    functions: list[Function] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def add(self, name: str, program: str | None) -> None:
        """Add a function, unless its program is None, which stands for one that needs other modules."""
        if program is None:
            self.skip(FOREIGN)
        elif not is_unicode(program):
            self.skip(UNREAD)
        elif all(program != one.program for one in self.functions):
            self.functions.append(Function(name, program))


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of some code.

    Attributes:
        node: without annotations and docstrings.
        text: its Python.
        binds, needs: the names that it binds there, and those that it needs from there.
        foreign: whether it imports a module that is neither Python's own nor among ``MODULES``.
        star: whether it imports all names of a module.
    """

    node: ast.stmt
    text: str
    binds: frozenset[str]
    needs: frozenset[str]
    foreign: bool
    star: bool


@dataclass(frozen=True)
class _Candidate:
    """A function of a statement.

    Attributes:
        name: as the record has it, with its class.
        entry: the expression that gives it; of a method an object of its own, since calls may change that.
        node: its definition.
        bound: how many of its arguments are bound.
    """

    name: str
    entry: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    bound: int

    @property
    def end(self) -> str:
        """The end of its program."""
        waits, made = isinstance(self.node, ast.AsyncFunctionDef), "()." in self.entry
        if not waits and not made:
            return f"{CANDIDATE} = {self.entry}\n"
        modules, body = ("asyncio, functools", _WAITING) if waits else ("functools", "    return {entry}(*given)\n")
        text = f"import {modules}\n@functools.wraps({{entry}})\ndef {CANDIDATE}(*given):\n{body}"
        return text.format(entry=self.entry)


# An asynchronous function that waits for nothing needs no event loop, which would take longer than most functions.
_WAITING = """    try:
        {entry}(*given).send(None)
    except StopIteration as ended:
        return ended.value
    except RuntimeError:
        pass
    return asyncio.run({entry}(*given))
"""


def functions_of(record: Record, arguments: Iterable[int]) -> Found:
    """Return the functions of a record that can be called with so many arguments; equal ones once.

    Args:
        arguments: the numbers of arguments that count, each at least 1.
    """
    found, wanted, tried = Found(), set(arguments), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = [_statements(tree) for tree in _trees(record, found)]
    blocks = _decorated(blocks)
    every = [statement for block in blocks for statement in block]
    for near, statement in [(block, statement) for block in blocks for statement in block]:
        for one in _candidates(statement.node):
            if not any(_takes(one.node.args, one.bound, number) for number in wanted):
                found.skip(UNFIT)
            elif tried == MOST:
                found.skip(TOO_MANY)
            else:
                tried += 1
                program = _program(statement, near, every)
                found.add(one.name, program and program + one.end)
    return found


# from text to statements


def _trees(record: Record, found: Found) -> Iterator[ast.Module]:
    """Yield the code of a record, parsed, if there is a function in it."""
    codes = []
    for code in _codes(record):
        if len(code) <= LONGEST:
            codes.append(code)
        elif _has_function(code):
            found.skip(TOO_LONG)
    if any(map(_has_function, codes)):
        for code in codes:
            yield from _parsed(code, found)


def _has_function(code: str) -> bool:
    return "def " in code or "lambda" in code


def _codes(record: Record) -> list[str]:
    """Return the code of a record; where an output goes on with an instruction's code, both together, too."""
    asked, given, answered = (_sources(text) for text in (record.instruction, record.input, record.output))
    fenced = languages.blocks(record.output)
    rest = fenced[0][1] if fenced else record.output
    if rest[:1] in (" ", "\t") and _has_function(record.instruction):
        answered.append(f"{asked[-1].rstrip()}\n{rest}" if asked else rest)
    return list(dict.fromkeys(_plain(code) for code in (*asked, *given, *answered)))


def _sources(text: str) -> list[str]:
    """Return the blocks of a text, or all of it, without the lines of fences, if there is a function elsewhere."""
    blocks = languages.blocks(text)
    ours = [code for label, code in blocks if languages.canonical(label) in _OURS]
    if any(map(_has_function, ours)):
        return ours
    for label, code in blocks:
        if code and languages.canonical(label) not in _OURS:
            text = text.replace(code, "\n")
    between = [textwrap.dedent(part) for part in _FENCES.split(text)]
    return ["".join(between)] if _has_function(text) or not blocks else ours


def _plain(code: str) -> str:
    """Return code at the margin, without the prompts of a dialogue with Python."""
    code = textwrap.dedent(code)
    return _PROMPT.sub("", code) if code.lstrip().startswith(">>>") else code


_OURS = (None, languages.PYTHON, languages.NONE, "Python console session")
_FENCES = re.compile(r"^[ \t]*(?:```|~~~).*\n?", re.MULTILINE)
_MARGIN = re.compile(r"^[ \t]+", re.MULTILINE)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)


def _parsed(code: str, found: Found) -> Iterator[ast.Module]:
    """Parse code as a whole, or else its pieces that parse, as one."""
    try:
        yield ast.parse(code)
        return
    except _UNREADABLE:
        pass
    body = []
    for piece in _pieces(code):
        try:
            body += _read(piece).body
        except _UNREADABLE:
            if "def " in piece:
                found.skip(UNREAD)
    if body:
        yield ast.Module(body, [])


def _read(piece: str) -> ast.Module:
    """Parse a piece; where tabs among spaces make its margins unclear, they are as wide as in Python 2."""
    try:
        return ast.parse(piece)
    except TabError:
        return ast.parse(_MARGIN.sub(lambda margin: margin[0].expandtabs(), piece))


def _pieces(code: str) -> Iterator[str]:
    """Yield the pieces of a text that may be Python: from a line at the margin over all that are indented below it."""
    piece: list[str] = []
    for line in code.split("\n"):
        inside = not line.strip() or line[0] in " \t)]}"
        if piece and not inside and not (piece[-1].startswith("@") and len(piece) < 9):
            yield "\n".join(piece)
            piece = []
        if piece or _AT_THE_MARGIN.match(line):
            piece.append(line)
    if piece:
        yield "\n".join(piece)


class _Bare(ast.NodeTransformer):
    """Takes annotations of arguments and docstrings away, neither of which changes what a function does."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


def _statements(tree: ast.Module) -> list[_Statement]:
    """Return the statements that define something, without those that run."""
    nodes = (node for node in tree.body if isinstance(node, _PLAIN + _COMPOUND) and not _is_main(node))
    return [made for node in nodes if (made := _statement(node))]


def _statement(node: ast.stmt) -> _Statement | None:
    """Return a statement; None if there is no Python for it."""
    if isinstance(node, ast.AnnAssign):
        if not node.value:
            return None
        node = ast.Assign([node.target], node.value)
    try:
        bare = ast.fix_missing_locations(_Bare().visit(node))
        text = ast.unparse(bare)
        table = symtable.symtable(text, "record", "exec")
    except _UNREADABLE:
        return None
    bound = frozenset(one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported())
    star = isinstance(bare, ast.ImportFrom) and bare.names[0].name == "*"
    return _Statement(bare, text, bound | _changed(bare), frozenset(_needed(table)), _foreign(bare), star)


def _decorated(blocks: Sequence[Sequence[_Statement]]) -> list[list[_Statement]]:
    """Return blocks without the decorators that nothing binds, or nothing but modules that are not there."""
    there = [one for block in blocks for one in block if not one.foreign]
    if any(one.star for one in there):  # there is no telling what it binds
        return [[*block] for block in blocks]
    known = _BUILTIN.union(ASSUMED, *(one.binds for one in there))
    return [[_without(one, known) for one in block] for block in blocks]


def _without(one: _Statement, known: frozenset[str]) -> _Statement:
    """Return a statement without those decorators of it, and of its methods, whose names are not known."""
    dropped, nodes = False, [one.node, *(one.node.body if isinstance(one.node, ast.ClassDef) else ())]
    inside = {node.name for node in nodes[1:] if isinstance(node, (*_FUNCTION, ast.ClassDef))}
    for node in nodes:
        every = getattr(node, "decorator_list", [])
        kept = [each for each in every if _root(each) in known | inside]
        if len(kept) < len(every):
            node.decorator_list, dropped = kept, True
    return (dropped and _statement(one.node)) or one


def _root(node: ast.expr) -> str | None:
    """Return the name with which an expression begins, as ``a`` in ``a.b(c)``."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in {one.id for one in ast.walk(node.test) if type(one) is ast.Name}


def _changed(node: ast.stmt) -> set[str]:
    """Return the names whose items or attributes an assignment changes."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    found = set()
    for target in targets:
        while isinstance(target, (ast.Subscript, ast.Attribute)):
            target = target.value
        found |= {target.id} if isinstance(target, ast.Name) else set()
    return found


def _needed(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that code looks up at the top, wherever in it."""
    for one in table.get_symbols():
        if one.is_referenced() and (table.get_type() == "module" or one.is_global()):
            yield one.get_name()
    for child in table.get_children():
        yield from _needed(child)


# from statements to programs


def _candidates(node: ast.stmt) -> Iterator[_Candidate]:
    """Yield the functions of a statement."""
    if isinstance(node, _FUNCTION):
        yield _Candidate(node.name, node.name, node, 0)
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield _Candidate(target.id, target.id, node.value, 0)
    elif isinstance(node, ast.ClassDef):
        methods = [one for one in node.body if isinstance(one, _FUNCTION)]
        plain = all(_takes(one.args, 1, 0) for one in methods if one.name == "__init__")
        for one in methods:
            kinds = {each.id for each in one.decorator_list if isinstance(each, ast.Name)}
            if one.name.startswith("__") or "property" in kinds:
                continue
            free = kinds & {"staticmethod", "classmethod"}
            if free or plain:
                entry = f"{node.name}{'' if free else '()'}.{one.name}"
                yield _Candidate(f"{node.name}.{one.name}", entry, one, int("staticmethod" not in kinds))


def _takes(signature: ast.arguments, bound: int, number: int) -> bool:
    """Say whether a function can be called with so many positional arguments, beside those that are bound."""
    positional = len(signature.posonlyargs) + len(signature.args)
    least = positional - len(signature.defaults)
    fits = least <= number + bound and (signature.vararg is not None or number + bound <= positional)
    return fits and None not in signature.kw_defaults


def _program(one: _Statement, block: Sequence[_Statement], every: Sequence[_Statement]) -> str | None:
    """Return the program of a function without its end; None if it needs modules that are not there."""
    chosen = {id(one): one}
    left, known = list(one.needs - one.binds), set(one.binds)
    while left:
        name = left.pop()
        if name in known:
            continue
        known.add(name)
        for statement in _binding(name, one, block) or _binding(name, one, every):
            if not statement.binds & one.binds:
                chosen[id(statement)] = statement
                left += statement.needs
    bound = {name for each in chosen.values() for name in each.binds}
    if {name for each in chosen.values() for name in each.needs} - bound - _BUILTIN:
        chosen |= {id(each): each for each in block if each.star and not each.foreign}
    ordered = [each for each in every if id(each) in chosen]
    assumed = sorted({ASSUMED[name] for each in ordered for name in each.needs - bound if name in ASSUMED})
    if any(each.foreign for each in ordered):
        return None
    return "\n".join([*assumed, *(each.text for each in ordered), ""])


def _binding(name: str, one: _Statement, some: Sequence[_Statement]) -> list[_Statement]:
    """Return those of some statements that bind a name for a function.

    A builtin's name counts behind the function only where it is defined or imported: what only runs there, as ``sum =
    total([1, 2])``, was never meant to change the function.
    """
    binding = [each for each in some if name in each.binds]
    if name not in _BUILTIN:
        return binding
    before = {id(each) for each in itertools.takewhile(lambda each: each is not one, some)}
    return [each for each in binding if isinstance(each.node, _DEFINING) or id(each) in before]


def _foreign(node: ast.stmt) -> bool:
    for one in ast.walk(node):
        names = [alias.name for alias in one.names] if isinstance(one, ast.Import) else []
        names += [one.module or ""] if isinstance(one, ast.ImportFrom) else []
        if any(name.split(".")[0] not in _THERE for name in names):
            return True
    return False


class _Numbered(ast.NodeTransformer):
    """Gives names that a program binds the number of their first appearance."""

    def __init__(self, bound: Iterable[str]):
        self._numbers: dict[str, str] = {}
        self._bound = set(bound)

    def _new(self, name: str) -> str:
        return self._numbers.setdefault(name, f"n{len(self._numbers)}") if name in self._bound else name

    def visit(self, node: ast.AST) -> ast.AST:
        for part in ("name", "id", "arg", "attr"):
            name = getattr(node, part, None)
            if isinstance(name, str) and not isinstance(node, (ast.alias, ast.keyword)):
                setattr(node, part, self._new(name))
        return self.generic_visit(node)


def shape(program: str) -> str:
    """Return a program with numbers in the place of the names that it binds: equal for renamed copies."""
    try:
        tree = ast.parse(program)
        bound = {one.name for one in ast.walk(tree) if isinstance(one, (*_FUNCTION, ast.ClassDef))}
        bound |= {one.arg for one in ast.walk(tree) if isinstance(one, ast.arg)}
        bound |= {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        return ast.unparse(_Numbered(bound).visit(tree))
    except _UNREADABLE:  # nested too deep
        return program
