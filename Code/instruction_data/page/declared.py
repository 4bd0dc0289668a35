"""What questions and measures say of themselves in the manifests: titles, labels, scales.

Nothing else of the page knows a question or a measure by its name. Manifests that declare nothing are the study's own;
what is true of those stands here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from instruction_data.publish.inventory import Set


@dataclass(frozen=True)
class About:
    """What a question is called, and what it asks."""

    title: str
    asks: str


STUDY = {
    "RQ1": About("domain composition", "Code records give way to mathematical or general ones."),
    "RQ2": About("semantic diversity", "Tiers by how alike each record is to the rest of its pool."),
    "RQ3": About("problem complexity", "Tiers by a model's complexity score and its perplexity."),
    "RQ4": About("type coverage", "Shares of algorithmic against practical tasks."),
}
LABELS = {"score": "complexity score", "perplexity": "perplexity"}
LOGARITHMIC = ("perplexity",)
PLANE, PLANE_NAME = ("perplexity", "score"), "complexity"  # two measures that together place a record
LENGTHS = {"instruction_tokens": "Instruction length", "output_tokens": "Output length"}  # drawn for every question


def about(question: str, sets: Iterable[Set]) -> About | None:
    """Return what a question says of itself, None if it says nothing."""
    for one in sets:
        said = one.manifest.get("about")
        if one.question == question and said:
            return About(said["title"], said["asks"])
    return STUDY.get(question)


def title(question: str, sets: Iterable[Set]) -> str:
    found = about(question, sets)
    return f"{question}, {found.title}" if found else question


def columns(one: Set) -> dict[str, Mapping]:
    """Return what the manifest of a set declares of the columns of its tables, by name."""
    files = one.manifest.get("files", {}).values()
    return {column["name"]: column for file in files for column in file.get("columns", ())}


def label(column: str, sets: Iterable[Set], profiles: Mapping) -> str:
    """Return what a column is called: by a manifest, by the profiles, or by itself."""
    declared = next((columns(one)[column] for one in sets if column in columns(one)), None)
    declared = declared or profiles.get("measures", {}).get(column, {})
    return declared.get("label", column.replace("_", " "))


def logarithmic(column: str, one: Set) -> bool:
    """Say whether a column is drawn on a logarithmic axis."""
    declared = columns(one).get(column)
    return declared["scale"] == "log" if declared else column in LOGARITHMIC


def axis_label(column: str, one: Set) -> str:
    """Return what stands at the axis of a column."""
    declared = columns(one).get(column)
    return declared["label"] if declared else LABELS.get(column, column.replace("_", " "))


def plane(one: Set) -> tuple[str, str] | None:
    """Return the two measures of a set that together place a record, to the right and upwards; None if it has not two.

    A set that declares its columns has them where it measured two numbers or more; a logarithmic one goes to the right.
    """
    declared = columns(one)
    numbers = [name for name in one.properties if declared.get(name, {}).get("kind") == "number"]
    if len(numbers) >= 2:
        right, up = sorted(numbers[:2], key=lambda name: not logarithmic(name, one))
        return right, up
    return PLANE if not declared and set(PLANE) <= one.properties.keys() else None


def plane_name(one: Set) -> str:
    """Return what the placing of records by two measures is called."""
    return PLANE_NAME if plane(one) == PLANE else f"the measures of {one.question}"


def as_share(difference: Mapping) -> bool:
    """Say whether the means of a difference are shares, which people read in percent."""
    return difference["kind"] == "flag" if "kind" in difference else "share" in difference["label"]
