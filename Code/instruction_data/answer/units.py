"""How numbers and names are shown: shares of problems solved in percent and points, other numbers in their own unit.

A *metric* here is what outcomes and comparisons say of it: name, unit, kind, higher_is_better.
"""

import re
from collections.abc import Mapping

PASS_KIND = "pass"


def passes(metric: Mapping) -> bool:
    """Return whether the numbers say what share of the problems was solved."""
    return metric["kind"] == PASS_KIND


def shown(metric: Mapping, value: float) -> str:
    """Return a value as people read it, without its unit: a share in percent."""
    return f"{100 * value:.1f}" if passes(metric) else f"{value:.4g}"


def signed(metric: Mapping, value: float) -> str:
    """Return a difference with its sign, without its unit: one of shares in percentage points."""
    text = f"{100 * value:+.1f}" if passes(metric) else f"{value:+.3g}"
    return text.lstrip("+-") if float(text) == 0 else text


def of_difference(metric: Mapping) -> str:
    """Return the unit of a difference."""
    return "points" if passes(metric) else metric["unit"]


def name(metric: Mapping, k: str = "1") -> str:
    """Return what a column of values is called."""
    if passes(metric):
        return f"pass@{k}"
    return metric["unit"] + ("" if metric["higher_is_better"] else ", lower is better")


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts ALG_5 before ALG_25."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]
