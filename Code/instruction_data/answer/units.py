"""Showing numbers and names: shares of problems solved in percent and points, other numbers in their own unit.

A *metric* here is a mapping, as in outcomes and comparisons: name, unit, kind, higher_is_better.
"""

import re
from collections.abc import Mapping

PASS_KIND = "pass"


def passes(metric: Mapping) -> bool:
    """Say whether the numbers are shares of problems solved."""
    return metric["kind"] == PASS_KIND


def shown(metric: Mapping, value: float) -> str:
    """Return a value for people, without its unit; a share is in percent."""
    return f"{100 * value:.1f}" if passes(metric) else f"{value:.4g}"


def signed(metric: Mapping, value: float) -> str:
    """Return a difference with its sign, without its unit; a difference of shares is in percentage points."""
    text = f"{100 * value:+.1f}" if passes(metric) else f"{value:+.3g}"
    return text.lstrip("+-") if float(text) == 0 else text


def of_difference(metric: Mapping) -> str:
    """Return the unit of a difference."""
    return "points" if passes(metric) else metric["unit"]


def name(metric: Mapping, k: str = "1") -> str:
    """Return the heading of a column of values."""
    if passes(metric):
        return f"pass@{k}"
    return metric["unit"] + ("" if metric["higher_is_better"] else ", lower is better")


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts ALG_5 before ALG_25."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]
