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
    return effect * level if relative(metric, level) else None


def amount(metric: Mapping, value: float, level: float) -> str:
    """Return the size of an effect without its sign, in the reader's unit: points, or percent of the mean."""
    if bounded(metric):
        return f"{in_readers_unit(metric, abs(value), level)} points of {metric['name']}"
    percent = "% of " if relative(metric, level) else ""
    return f"{in_readers_unit(metric, abs(value), level)} {percent}{metric['unit']}"


def step(metric: Mapping, level: float) -> str:
    """Return the short unit of an effect, for the marks of an axis."""
    if bounded(metric):
        return "points"
    return "%" if relative(metric, level) else metric["unit"]


def gain(metric: Mapping, value: float, level: float) -> float:
    """Return an effect as a number of the unit that ``step`` names; above zero where it is for the better."""
    scale = 100 if bounded(metric) else 100 / level if relative(metric, level) else 1
    return float(value * scale * (1 if metric["higher_is_better"] else -1))


def relative(metric: Mapping, level: float) -> bool:
    """Return whether effects are told in percent of the mean."""
    return metric["kind"] == "likelihood" and level > 0


def in_readers_unit(metric: Mapping, value: float, level: float) -> str:
    """Return an effect as a number of the unit that ``amount`` names."""
    if bounded(metric):
        return f"{100 * value:.1f}"
    if relative(metric, level):
        percent = 100 * value / level
        if abs(percent) < 1:
            return f"{percent:.2g}"
        return f"{percent:.1f}" if abs(percent) < 10 else f"{percent:.0f}"
    return f"{value:.3g}"


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
