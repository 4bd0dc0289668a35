"""Telling the programming language of a record's code, and whether Python code compiles. Nothing is ever executed.

The code of a record is the largest fenced block of its output, or the whole output where there is none. A block's
label decides, in any spelling that Pygments knows. Without a label, ``magika`` decides: a small network by Google in a
pip package, which answers "text" rather than guess (for about one in ten short unlabelled snippets).
"""

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from instruction_data.errors import InputError
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature

NONE, UNKNOWN, PYTHON = "none", "unknown", "Python"
LABEL, DETECTOR, NO_CODE = "label", "detector", "none"
LONGEST_COMPILED = 1_000_000  # characters; no record of the study's pools has a tenth of that

# Both patterns take time in proportion to any text: quantifiers that could share a run are possessive.
_FENCE = re.compile(r"^[ ]{0,3}`{3,}+[ \t]*+([^\s`{]*+)[^\n`]*+\n(.*?)(?:^[ ]{0,3}```|\Z)", re.DOTALL | re.MULTILINE)
_SIGN = re.compile(  # signs of code that call for a closer look; none alone decides that a text is code
    r"""[;{}][ \t]*+$ | </ | \w\( | => | -> | := | :: | == | != | && | \|\| | \$\w | `
    | ^[ \t]*+(?:
        \#include | \#! | // | /\* | <[a-zA-Z!?/]
        | [A-Za-z_][\w.\[\]'"]*+[ \t]*+[-+*/]?=[ \t]*+\S
        | (?:def|class|for|while|if|else|try|return|end|elif|func|fn|public|const|let|var)\b[^\n:({;=]*+[:({;=]
        | (?:import|from|require|using|package|echo|git|sudo|pip|npm|docker|ls|cd|curl)\b
        | (?i:select|insert|update|delete|create|alter|drop|with)\b
    )
    | (?i:\bselect\b[^.]{0,200}\bfrom\b)""",
    re.MULTILINE | re.VERBOSE,
)
_NOT_CODE = {"Text only", "Text output", "Markdown"}  # Pygments' names for labels that announce no code
_SPELLINGS = {
    "c++14": "cpp",
    "c++17": "cpp",
    "node": "javascript",
    "nodejs": "javascript",
    "py2": "python",
    "python2": "python",
}


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a text: the label of each ("" for none), and its content."""
    return _FENCE.findall(text) if "```" in text else []


def code_of(output: str) -> tuple[str, str | None]:
    """Return the code of an output and its fence's label ("" for a bare fence, None without a fence)."""
    found = blocks(output)
    if not found:
        return output, None
    label, code = max(found, key=lambda block: len(block[1]))
    return code, label


@cache
def canonical(label: str) -> str | None:
    """Return the common name of a language in any spelling ("py", "python3" -> "Python"); None if unknown."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    label = label.strip().lower().strip(":.,")
    try:
        name = find_lexer_class_by_name(_SPELLINGS.get(label, label)).name
    except ClassNotFound:
        return None
    return NONE if name in _NOT_CODE else name


def languages(
    outputs: Iterable[str], compute: Callable[[Sequence[str], Feature], Arrays]
) -> tuple[list[str], list[str]]:
    """Tell the language of every output's code, and the source of that knowledge.

    Args:
        compute: a function that asks the detector through a cache.

    Returns:
        Names ("none": prose, "unknown": code whose language could not be told), and ``label``, ``detector`` or
        ``none``.

    Raises:
        InputError: the detector is needed and not installed.
    """
    found: list[str] = []
    sources: list[str] = []
    asked: list[tuple[int, str]] = []
    for place, output in enumerate(outputs):
        code, label = code_of(output)
        language = canonical(label) if label else None
        if language is None and (label is not None or _SIGN.search(code)) and code.strip():
            asked.append((place, code))
        found.append(language or NONE)
        sources.append(LABEL if language else NO_CODE)
    for (place, _), language in zip(asked, _detected([code for _, code in asked], compute), strict=True):
        found[place] = language
        sources[place] = NO_CODE if language == NONE else DETECTOR
    return found, sources


def detector() -> dict[str, str]:
    """Return the identity of the detector: package, version, model."""
    magika = _magika()
    return {"package": "magika", "version": magika.get_module_version(), "model": magika.get_model_name()}


def _detected(texts: list[str], compute: Callable[[Sequence[str], Feature], Arrays]) -> list[str]:
    if not texts:
        return []
    names = _detectable()
    feature = Feature("languages", {"kind": "language", **detector(), "names": names}, _codes)
    return [names[code] for code in compute(texts, feature)["language"]]


def _codes(texts: list[str]) -> Arrays:
    places = {name: place for place, name in enumerate(_detectable())}
    return {"language": np.array([places[_detect(text)] for text in texts], dtype=np.int16)}


def _detect(text: str) -> str:
    found = _magika().identify_bytes(text.encode()).output
    if found.group == "code":
        return canonical(found.label) or found.label
    return NONE if found.group in ("text", "document") or found.label == "empty" else UNKNOWN


@cache
def _detectable() -> list[str]:
    """Return every possible answer of the detector, in a fixed order."""
    labels = [str(label) for label in _magika().get_output_content_types()]
    return sorted({canonical(label) or label for label in labels} | {*labels, NONE, UNKNOWN})


@cache
def _magika():
    try:
        from magika import Magika
    except ImportError as error:
        raise InputError("the package magika (languages of code) is not installed: pip install magika") from error
    return Magika()


def compiles(code: str) -> bool:
    """Say whether Python would compile the code, without running it. Nesting too deep for the compiler counts as no."""
    if len(code) > LONGEST_COMPILED:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<record>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return False
    return True
