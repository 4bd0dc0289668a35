"""Instructions for code records: a candidate's docstring and signature, worded as a task."""

import ast
import re

from instruction_data.demo.library_code import Candidate, cut, sentence

MAX_INSTRUCTION = 260  # characters
MAX_WITH_CONTEXT = 200  # a longer instruction leaves out its module

_PHRASES = (
    "Write {what}. {description}",
    "Implement {what}. {description}",
    "{description} Write {what} for this.",
    "I need {what}. What it should do: {description}",
    "Create {what} that fits this description: {description}",
    "Please write {what}. {description}",
    "The code has to do this: {description} Write it as {what}.",
    "Develop {what}, documented as follows: {description}",
)
_CONTEXTS = (" (Context: {}.)", " It is part of this module: {}.", " The module it belongs to: {}.")


def demands(candidate: Candidate) -> tuple[str, ...]:
    """Return further requirements that the code already meets; each can be checked."""
    node, lines = candidate.node, candidate.code.split("\n")
    parts = list(ast.walk(node))
    kinds = {type(part) for part in parts}
    raised = sorted({name for part in parts if isinstance(part, ast.Raise) for name in _raised(part)})
    rules = {
        f"Raise `{(raised or [''])[0]}` where the input calls for it.": bool(raised),
        "Deal with errors through try and except.": ast.Try in kinds,
        "Comment the steps that are not obvious.": any(re.match(r"\s*# \w", line) for line in lines),
        "Use a with statement where it fits.": bool(kinds & {ast.With, ast.AsyncWith}),
        "Import nothing inside it.": len(lines) > 10 and not kinds & {ast.Import, ast.ImportFrom},
        "Keep every line under 80 characters.": max(map(len, lines)) < 80,
        f"Keep it within {-(-len(lines) // 5) * 5} lines.": True,
        "Use nothing outside the standard library.": True,
    }
    if not isinstance(node, ast.ClassDef):
        rules |= _function_rules(node, parts, kinds)
    return tuple(rule for rule, met in rules.items() if met)


def _function_rules(node: ast.stmt, parts: list[ast.AST], kinds: set[type]) -> dict[str, bool]:
    calls = {getattr(part.func, "attr", getattr(part.func, "id", "")) for part in parts if isinstance(part, ast.Call)}
    loops = bool(kinds & {ast.For, ast.AsyncFor, ast.While, ast.comprehension})
    returns = sum(isinstance(part, ast.Return) for part in parts)
    return {
        "Produce the results lazily, as a generator.": bool(kinds & {ast.Yield, ast.YieldFrom}),
        "Do it without any loop.": not loops and len(node.body) > 2,
        "Do not use recursion.": loops and node.name not in calls,
        "Do not use any if statement.": not kinds & {ast.If, ast.IfExp},
        "Give it a single return statement.": returns == 1 and len(node.body) > 2,
        "Write its body as one single statement.": len(node.body) == 2 and not kinds & {ast.If, ast.Try} and not loops,
    }


def _raised(node: ast.Raise) -> list[str]:
    name = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return [name.id] if isinstance(name, ast.Name) and name.id.endswith(("Error", "Exception")) else []


def instruction(candidate: Candidate, *, evolved: bool = False) -> str:
    """Word the task in at most ``MAX_INSTRUCTION`` characters; an evolved one ends in one more requirement."""
    demand = " " + candidate.draw(demands(candidate), "demand") if evolved else ""
    phrase = candidate.draw(_PHRASES, "phrase")
    room = MAX_INSTRUCTION - len(demand) - len(phrase.format(what=candidate.what, description=""))
    description = sentence(cut(candidate.description, room))
    text = phrase.format(what=candidate.what, description=description)
    if candidate.context and candidate.context not in text:
        context = candidate.draw(_CONTEXTS, "context").format(candidate.context)
        text += context if len(text + context + demand) <= MAX_WITH_CONTEXT else ""
    return text + demand
