"""Showing numbers and names: shares of problems solved in percent and points, other numbers in their own unit.

A *metric* here is a mapping, as in outcomes and comparisons: name, unit, kind, higher_is_better.
"""

import re
from collections.abc import Mapping

PASS_KIND = "pass"
BOUNDED_KINDS = (PASS_KIND, "probability")  # their numbers lie between 0 and 1
INTEREST = {  # kind of metric -> the smallest effect that anyone would change a training set for
    PASS_KIND: 0.05,  # share of problems; the study's own single runs have a standard error of 3.6 points
    "probability": 0.02,
    "likelihood": 0.01,  # of the mean; training moved a model of 135M parameters by 3 % in all
}


def passes(metric: Mapping) -> bool:
    """Say whether the numbers are shares of problems solved."""
    return metric["kind"] == PASS_KIND


def bounded(metric: Mapping) -> bool:
    """Return whether all numbers lie between 0 and 1."""
    return metric["kind"] in BOUNDED_KINDS


def of_interest(metric: Mapping, level: float) -> float | None:
    """Return the smallest effect of interest; None where nothing is known of the metric.

    Args:
        level: the mean of the numbers.
    """
    effect = INTEREST.get(metric["kind"])
    if effect is None or bounded(metric):
        return effect
    return effect * level if level > 0 else None


def amount(metric: Mapping, value: float, level: float) -> str:
    """Return the size of an effect without its sign, in the reader's unit: points, or percent of the mean."""
    size = abs(value)
    if bounded(metric):
        return f"{100 * size:.1f} points of {metric['name']}"
    if metric["kind"] == "likelihood" and level > 0:
        return f"{100 * size / level:.2g} % of {metric['unit']}"
    return f"{size:.3g} {metric['unit']}"


def interval(metric: Mapping, low: float, high: float, level: float) -> str:
    """Return an interval, signed only below zero; its unit is that of ``amount``."""
    times, digits = (100, ".1f") if bounded(metric) else (1, ".3g")
    if metric["kind"] == "likelihood" and level > 0:
        times, digits = 100 / level, ".2g"
    return " to ".join(f"{times * end:{digits}}" for end in (low, high))


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
