"""Candidates for code records: the public functions, classes and methods of the running Python's standard library.

All have a docstring. Files are parsed, never imported. A candidate's module gives it a weak label: one of the study's
ten categories.
"""

import ast
import functools
import hashlib
import inspect
import itertools
import os
import random
import re
import sysconfig
import textwrap
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from instruction_data.errors import InputError

OUTPUT_LENGTHS = range(60, 2501)  # characters
MIN_DOCSTRING = 41
MAX_DESCRIPTION = 120  # the most that a docstring adds to an instruction
MAX_ARGUMENTS = 60
SEED_LINES = 6  # of source text, in the `seed` field of the OSS form
LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "site-packages", "ensurepip", "__pycache__", "turtledemo"}

# The study's categories, in its order, and the modules whose code is taken to belong there. A module's longest dotted
# prefix in this table decides; a module without one has no label.
MODULES = {
    "Algorithmic & Data Structure": "_collections_abc asyncio.queues bisect collections copy difflib filecmp fnmatch "
    "functools graphlib heapq operator queue re reprlib shlex string textwrap weakref",
    "Mathematical & Computational": "_pydatetime _pydecimal _strptime calendar colorsys datetime decimal fractions "
    "numbers random zoneinfo",
    "Database & SQL": "copyreg dbm pickle shelve sqlite3",
    "System Design & Architecture": "_threading_local asyncio concurrent contextlib importlib logging multiprocessing "
    "pkgutil sched selectors socket socketserver subprocess threading",
    "Web Development": "cgi cgitb ftplib html http urllib webbrowser wsgiref xmlrpc",
    "Data Science & Machine Learning": "csv statistics",
    "Performance Optimization": "cProfile linecache profile pstats timeit trace tracemalloc",
    "User Interface & Application Design": "argparse cmd curses getopt optparse rlcompleter tkinter turtle",
    "Domain-Specific": "aifc bz2 chunk email gettext gzip imaplib imghdr locale lzma mailbox plistlib poplib quopri "
    "smtplib sndhdr sunau tarfile wave xdrlib xml zipfile",
    "Security & Cryptography": "asyncio.sslproto crypt getpass hashlib hmac netrc secrets ssl",
}
_LABELS = {module: category for category, modules in MODULES.items() for module in modules.split()}


@dataclass(frozen=True)
class Candidate:
    """A definition of the standard library that could become a record."""

    module: str
    name: str  # dotted, inside the module
    category: str | None
    what: str  # noun phrase with the signature
    description: str  # from the docstring
    context: str  # the module's subject; may be empty
    code: str  # without its docstring
    source: str  # the lines as they stand in the file
    node: ast.stmt

    def draw(self, choices: tuple[str, ...], purpose: str) -> str:
        """Draw one of ``choices``, always the same for this candidate and purpose."""
        digest = hashlib.sha256(f"{purpose}:{self.module}:{self.name}".encode()).digest()
        return choices[int.from_bytes(digest[:4], "big") % len(choices)]


def category_of(module: str) -> str | None:
    """Return the weak label of a module, by its longest dotted prefix in the table."""
    while module:
        if module in _LABELS:
            return _LABELS[module]
        module = module.rpartition(".")[0]
    return None


def module_files(folder: Path) -> list[tuple[str, Path]]:
    """Return every module of the standard library in ``folder`` with its file, sorted by name."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        for name in files:
            if name.endswith(".py"):
                path = Path(place, name)
                parts = path.relative_to(folder).with_suffix("").parts
                found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return sorted(found)


def mine(files: Iterable[tuple[str, Path]]) -> list[Candidate]:
    """Return the candidates in ``files``; keep only the first with the same code or the same description."""
    result, seen = [], set()
    for module, path in tqdm(list(files), desc="standard library", unit="file", delay=2, leave=False):
        for candidate in _candidates(module, path):
            keys = {candidate.code, candidate.what + candidate.description}
            if not keys & seen:
                result.append(candidate)
            seen |= keys
    return result


def _candidates(module: str, path: Path) -> Iterator[Candidate]:
    """Yield the candidates of one file; none if the file does not decode or parse."""
    try:
        with tokenize.open(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = file.read()
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines, context = text.split("\n"), _context(ast.get_docstring(tree) or "")
    for node, owner in _definitions(tree.body):
        code = _without_docstring(node, lines)
        description = _description(ast.get_docstring(node))
        if description and len(fenced(code)) in OUTPUT_LENGTHS:
            yield Candidate(
                module=module,
                name=f"{owner}.{node.name}".lstrip("."),
                category=category_of(module),
                what=_noun_phrase(node, owner),
                description=description,
                context=context,
                code=code,
                source="\n".join(lines[_first_line(node) - 1 : node.end_lineno]),
                node=node,
            )


def _definitions(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[ast.stmt, str]]:
    """Yield the public definitions that have a docstring and a body, each with its class."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _definitions(node.body + node.orelse, owner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
            if len(ast.get_docstring(node) or "") >= MIN_DOCSTRING and not _is_empty(node) and not _is_setter(node):
                yield node, owner
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node.body, f"{owner}.{node.name}".lstrip("."))


def _is_empty(node: ast.stmt) -> bool:
    """Say whether a definition does nothing, or only raises, apart from its docstring."""
    return all(isinstance(part, ast.Pass | ast.Raise | ast.Expr) and not _calls(part) for part in node.body[1:])


def _calls(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)


def _is_setter(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr in ("setter", "deleter") for part in node.decorator_list)


def _first_line(node: ast.stmt) -> int:
    return min([node.lineno, *(part.lineno for part in node.decorator_list)])


def _without_docstring(node: ast.stmt, lines: list[str]) -> str:
    """Return the definition's dedented lines without its docstring; empty if that cannot be cut out by lines."""
    docstring, following = node.body[0], node.body[1]
    alone = not lines[docstring.lineno - 1][: docstring.col_offset].strip()
    if not alone or getattr(following, "lineno", 0) <= docstring.end_lineno:
        return ""
    kept = lines[_first_line(node) - 1 : docstring.lineno - 1]
    rest = "\n".join(lines[docstring.end_lineno : node.end_lineno]).lstrip("\n")
    code = textwrap.dedent("\n".join([*kept, rest])).rstrip()
    return "" if code[:1].isspace() else code  # a string at column 0 prevents dedenting


def fenced(code: str) -> str:
    return f"```python\n{code}\n```"


def _noun_phrase(node: ast.stmt, owner: str) -> str:
    of_class = f" of the Python class `{owner}`" if owner else ""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"a Python class `{node.name}({bases})`" if bases else f"a Python class `{node.name}`"
    if any(isinstance(part, ast.Name) and part.id.endswith("property") for part in node.decorator_list):
        return f"the property `{node.name}`{of_class}"
    signature = f"`{node.name}({_arguments(node.args)})`"
    is_async = isinstance(node, ast.AsyncFunctionDef)
    if owner:
        return f"the {'asynchronous ' * is_async}method {signature}{of_class}"
    return f"{'an asynchronous' if is_async else 'a'} Python function {signature}"


def _arguments(arguments: ast.arguments) -> str:
    """Return the arguments as they stand in a signature; only the first ones of a long list."""
    text = ast.unparse(arguments)
    if len(text) <= MAX_ARGUMENTS:
        return text
    return f"{text[:MAX_ARGUMENTS].rpartition(', ')[0]}, ...".removeprefix(", ")


def _description(docstring: str) -> str:
    """Return the first paragraph of a docstring as prose, cut after a sentence or a word; empty if it is not prose."""
    text = _prose(docstring)
    text = re.sub(r"^[\w.]+\([^)]*\)\s*(->\s*[\w\[\], ]+?)?\s*(--|:|\.)?\s+", "", text)
    if not re.match(r"[A-Za-z`'\"]", text) or len(text.split()) < 4 or re.search(r">>>|^[\w, -]+ =", text):
        return ""
    return sentence(cut(text, MAX_DESCRIPTION))


def _prose(docstring: str) -> str:
    """Return the first paragraph on one line, without the markup of roles and literals."""
    paragraph = re.split(r"\n\s*\n|\n\s*>>>|\n\s*[-*] ", inspect.cleandoc(docstring).strip(), maxsplit=1)[0]
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", paragraph).replace("``", "`")
    return re.sub(r"\s+", " ", text).strip()


def cut(text: str, limit: int) -> str:
    """Return as many whole sentences as fit, or else as many words, leaving one character for a full stop."""
    if len(text) < limit:
        return text
    ends = [match.start() for match in re.finditer(r"(?<=[a-z0-9)`'\"][.!?])\s+(?=[A-Z`'\"])", text[:limit])]
    if ends:
        return text[: ends[-1]]
    return text[: limit - 2].rpartition(" ")[0].rstrip(" ,;:.(-") + " …"


def sentence(text: str) -> str:
    """Return ``text`` with a capital and a full stop, for use in an instruction."""
    text = text[0].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text
    return text if text[-1] in ".!?…" else text.rstrip(" ,;:-") + "."


def _context(docstring: str) -> str:
    """Return a module's own statement of its subject, if its first sentence is short and plain."""
    text = re.split(r"(?<=[a-z)])\.(?:\s|$)", _prose(docstring))[0]
    text = re.sub(r"^(Module )?[\w.]+\s+--?\s+", "", text).strip(" .")
    if not re.fullmatch(r"[A-Za-z][\w ,/'()&-]{12,60}", text) or " " not in text:
        return ""
    first = text.split()[0]
    is_plain = first == "A" or (first[1:].islower() and first not in ("Python", "Unix"))
    return text[0].lower() + text[1:] if is_plain else text


def choose(candidates: list[Candidate], counts: tuple[int, int], seed: int) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates for the two code pools, as many as ``counts`` says: OSS form, EVOL form.

    Labels take turns, so that all rare ones are in; within a label the two pools take turns, in proportion to their
    size. Candidates without a label are taken only after all others.

    Raises:
        InputError: there are fewer than both pools need.
    """
    total = sum(counts)
    if len(candidates) < total:
        raise InputError(
            f"found {len(candidates):,} usable definitions in this Python's standard library; "
            f"expected {total:,} ({counts[0]:,} and {counts[1]:,} for the two code pools): ask for fewer"
        )
    order = [*MODULES, None]
    *labelled, unlabelled = ([one for one in candidates if one.category == category] for category in order)
    for group in (*labelled, unlabelled):
        random.Random(seed).shuffle(group)
    turns = [one for turn in itertools.zip_longest(*labelled) for one in turn if one]
    chosen = sorted((turns + unlabelled)[:total], key=lambda one: order.index(one.category))
    of_evol = [(place + 1) * counts[1] // total > place * counts[1] // total for place in range(total)]
    halves = tuple([one for one, evol in zip(chosen, of_evol, strict=True) if evol is which] for which in (False, True))
    for name, half in zip(("oss", "evol"), halves, strict=True):
        random.Random(f"{seed} {name}").shuffle(half)
    return halves


def candidates_for(count: int, folder: Path | None = None) -> list[Candidate]:
    """Return at least ``count`` candidates, if that many exist; read modules without a label only if needed."""
    folder = folder or Path(sysconfig.get_paths()["stdlib"])
    found = [*_labelled(folder)]
    return found if len(found) >= count else mine(module_files(folder))


@functools.cache
def _labelled(folder: Path) -> tuple[Candidate, ...]:
    """Return the candidates of modules with a label, which one process reads once."""
    return tuple(mine(file for file in module_files(folder) if category_of(file[0])))
