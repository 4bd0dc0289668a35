"""The declarations of questions and measures in the manifests: titles, labels, scales.

Nothing else of the page knows a question or a measure by its name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from instruction_data.publish.inventory import Set

CATEGORY, MARGIN = "category", "category_margin"  # the columns behind the figures of categories
LENGTHS = {"instruction_tokens": "Instruction length", "output_tokens": "Output length"}  # drawn for every question


@dataclass(frozen=True)
class About:
    """A question's title, and what it asks."""

    title: str
    asks: str


def about(question: str, sets: Iterable[Set]) -> About | None:
    """Return a question's declaration; None if there is none."""
    for one in sets:
        said = one.manifest["about"]
        if one.question == question and not one.derived and said["title"]:
            return About(said["title"], said["asks"])
    return None


def title(question: str, sets: Iterable[Set]) -> str:
    found = about(question, sets)
    return f"{question}, {found.title}" if found else question


def label(column: str, sets: Iterable[Set], profiles: Mapping) -> str:
    """Return a column's label: from a manifest, from the profiles, or else its own name."""
    for one in sets:
        if column in one.columns:
            return one.columns[column].declaration["label"]
    return profiles.get("measures", {}).get(column, {}).get("label", column.replace("_", " "))


def logarithmic(column: str, one: Set) -> bool:
    """Say whether a column is drawn on a logarithmic axis."""
    return one.columns[column].scale == "log"


def axis_label(column: str, one: Set) -> str:
    """Return the label of a column's axis."""
    return one.columns[column].declaration["label"]


def plane(one: Set) -> tuple[str, str] | None:
    """Return the two measures of a set that place a record, to the right and upwards; None if the set lacks two.

    They are the first two numbers that measure what the question varies; a logarithmic one goes to the right.
    """
    varied = one.manifest["about"]["varies"]
    numbers = [
        name
        for name, column in one.columns.items()
        if column.kind == "number" and column.declaration["trait"] in varied
    ]
    if one.derived or len(numbers) < 2:
        return None
    right, up = sorted(numbers[:2], key=lambda name: not logarithmic(name, one))
    return right, up


def plane_name(one: Set) -> str:
    """Return the name of the view that places records by two measures."""
    return one.manifest["about"]["varies"][0]


def as_share(difference: Mapping) -> bool:
    """Say whether the means of a difference are shares, which people read in percent."""
    return difference["share"]
