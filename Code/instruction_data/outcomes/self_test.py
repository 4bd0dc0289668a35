"""What the self-test found, kept for the comparison: a loop that failed its self-test gives no verdicts.

A loop is a model and a recipe; the self-test of another one says nothing about it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from instruction_data.files import documents
from instruction_data.files.places import REPOSITORY
from instruction_data.outcomes import outcomes

QUESTION = "RQ0"  # of the plants, which every loop may judge
ROOT = REPOSITORY / "build" / "self-test"  # where `make self-test` works: only what it found there counts
RESULT, TABLE = "self_test.json", "self_test.md"
COMMAND = "make self-test"
AS_EXPECTED = "as expected"


def write(root: Path, rows: Sequence[Mapping[str, str]], table: str) -> None:
    """Write what was found for the loop whose outcomes are under a root, and the table beside it."""
    loops = {(one.model, one.recipe) for _, one in outcomes.every(root)}
    content = {"loops": [{"model": model, "recipe": recipe} for model, recipe in sorted(loops)], "rows": rows}
    documents.write_derived(root / RESULT, content, {TABLE: table.encode()})


def failures(root: Path) -> dict[tuple[str, str], str]:
    """Return model and recipe hash of every loop that failed its self-test -> what that found instead.

    Raises:
        InputError: the result is not as it was written.
    """
    if not (root / RESULT).exists():
        return {}
    found = documents.read_derived(root / RESULT, COMMAND)
    wrong = [row for row in found["rows"] if row[AS_EXPECTED] != "yes"]
    said = "; ".join(f"{row['plant']}, {row['metric']}: {row['found']} instead of {row['expected']}" for row in wrong)
    return {(one["model"], one["recipe"]): said for one in found["loops"]} if wrong else {}
