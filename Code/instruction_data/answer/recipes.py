"""Recipes: does a primary contrast say the same whatever the recipe of the training?

Rankings of training data are known to turn round with the learning rate (arXiv 2512.24503), so what one recipe finds
is an answer for that recipe. A contrast over several recipes is

    robust         supported with every recipe, in one direction; or with none larger than some bound
    flips          supported with two recipes or more, in both directions
    cannot tell    otherwise: with some recipe it is not supported, which is no proof of the contrary

The bound is the largest of the recipes' own. It fails only if that of the recipe with the largest true effect does, so
at 95 % it holds for all of them together.
"""

from collections.abc import Iterable, Mapping, Sequence

from instruction_data.answer import units, verdicts
from instruction_data.errors import printable

ROBUST, FLIPS, CANNOT = "robust", "flips", "cannot tell"
KEYS = ("question", "pool", "model", "contrast", "harness", "task")  # the task's label names its metric, too


def over_recipes(rows: Iterable[Mapping]) -> list[dict]:
    """Return what several recipes say of each contrast on each task; nothing of contrasts with one recipe.

    Args:
        rows: primary contrasts that ``verdicts.correct`` has judged.
    """
    together: dict[tuple, list[Mapping]] = {}
    for row in rows:
        together.setdefault(tuple(row[key] for key in KEYS), []).append(row)
    found = []
    for names, of in together.items():
        if len({row["recipe"] for row in of}) > 1:
            kind, largest = judged(of), _largest(of)
            effects = [{"recipe": row["recipe"], "effect": _effect(row), "verdict": row["verdict"]} for row in of]
            about = {"kind": kind, "largest": largest, "recipes": effects, "sentence": _sentence(of, kind, largest)}
            found.append(dict(zip(KEYS, names, strict=True)) | about)
    return found


def judged(rows: Sequence[Mapping]) -> str:
    """Return the kind of answer that one contrast has over several recipes."""
    supported = [verdicts.better(row) for row in rows if row["verdict"] in verdicts.SUPPORTED]
    if len(set(supported)) > 1:
        return FLIPS
    return ROBUST if len(supported) == len(rows) or _largest(rows) else CANNOT


def _largest(rows: Sequence[Mapping]) -> str | None:
    """Return the bound of effects with every recipe, in the reader's units; None if some recipe tells no bound."""
    if any(row["verdict"] != verdicts.NO_LARGER for row in rows):
        return None
    row = max(rows, key=lambda row: abs(units.gain(row["metric"], row["span"] * verdicts.bound(row), row["level"])))
    return verdicts.amount(row, verdicts.bound(row))


def _sentence(rows: Sequence[Mapping], kind: str, largest: str | None) -> str:
    supported = sum(row["verdict"] in verdicts.SUPPORTED for row in rows)
    words = {
        ROBUST: f"robust, as all {len(rows)} recipes support it in one direction",
        FLIPS: "it flips, as recipes support it in both directions",
        CANNOT: f"cannot tell, as {supported} of {len(rows)} recipes support it",
    }
    if largest:
        words[ROBUST] = f"robust, as with none of {len(rows)} recipes it has an effect larger than {largest} at 95 %"
    one, each = rows[0], "; ".join(f"{printable(row['recipe'])}: {_effect(row)}" for row in rows)
    where = f"{printable(one['question'])}, pool {printable(one['pool'])}, {printable(one['model'])}"
    return f"{where}: {verdicts.label(one)} on {printable(one['task'])}: {words[kind]} ({each})."


def _effect(row: Mapping) -> str:
    return f"{verdicts.effect(row, row)}, p corrected {verdicts.p_value(row['p_corrected'])})"
