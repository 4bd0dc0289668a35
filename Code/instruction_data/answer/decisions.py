"""Decision accuracy: how often does a cheap setting order two training sets as a dear one does?

DataDecide (arXiv 2504.11393) asks it of pretraining corpora and models of several sizes. Here the decisions are the
primary contrasts, and the settings differ in the size of the training sets, in the recipe, or in the model.

A contrast counts once in every accuracy: all else is held, and each value of it has an accuracy of its own. Recipes and
models are compared on whole sets alone. Which of two models is the dearer one is known where both trained on the same
sets, from the operations that this took; of two recipes it is not asked.
"""

from collections.abc import Iterable, Mapping, Sequence

from instruction_data.answer import two_way, verdicts

CONTRAST = ("question", "pool", "contrast")
HELD = ("harness", "task")
OVER = ("percent", "recipe", "model")  # what settings may differ in
WHOLE = 100  # percent
Pair = tuple[Mapping, Mapping]  # one contrast in both settings
Costs = Mapping[tuple[str, str], Mapping[str, float]]  # recipe, model -> training set -> operations of a training on it


def accuracies(rows: Sequence[Mapping], costs: Costs | None = None) -> list[dict]:
    """Return the decision accuracy of every two settings that differ in one thing.

    Args:
        rows: judged contrasts, each with ``percent``, the size of its training sets in per cent.
        costs: of trainings on whole sets, as far as they are known.

    Returns:
        For each thing, two settings, each task, and what else is held: ``over``, ``settings``, ``dearer`` (the dear
        setting, the second one then; None if that is not known), the values of what is held, and of ``agreement`` all
        contrasts that both have, and those ``supported`` by the dear setting, or by either if none is dear.
    """
    found = []
    for over in OVER:
        others = [name for name in OVER if name != over]
        held: dict[tuple, list[Mapping]] = {}
        for row in rows:
            if over == "percent" or row["percent"] == WHOLE:
                held.setdefault(tuple(row[key] for key in (*HELD, *others)), []).append(row)
        for values, of in held.items():
            about = {"over": over} | dict(zip((*HELD, *others), values, strict=True))
            found += [about | one for one in _of_settings(of, over, costs or {})]
    return found


def _of_settings(rows: Sequence[Mapping], over: str, costs: Costs) -> Iterable[dict]:
    """Yield the decision accuracy of every two settings among rows that differ in nothing else."""
    sides: dict[object, dict[tuple, Mapping]] = {}
    for row in rows:
        sides.setdefault(row[over], {})[tuple(row[key] for key in CONTRAST)] = row
    for one, other in _pairs(list(sides), over):
        pairs = [(row, sides[other][key]) for key, row in sides[one].items() if key in sides[other]]
        if pairs:
            dearer = other if over == "percent" else _dearer(pairs, costs) if over == "model" else None
            if dearer == one:
                one, other, pairs = other, one, [pair[::-1] for pair in pairs]
            sure = [pair for pair in pairs if _is_supported(pair[1]) or (dearer is None and _is_supported(pair[0]))]
            told = {"settings": [one, other], "dearer": dearer}
            yield told | {"all": agreement(pairs), "supported": agreement(sure)}


def _pairs(settings: Sequence, over: str) -> list[tuple]:
    """Return every two settings; of sizes each part beside the whole."""
    if over == "percent":
        return [(one, WHOLE) for one in sorted(settings) if one != WHOLE and WHOLE in settings]
    return [(one, other) for place, other in enumerate(settings) for one in settings[:place]]


def _dearer(pairs: Sequence[Pair], costs: Costs) -> str | None:
    """Return the model that takes more operations for the same sets; None if that is not known."""
    one, other = (costs.get((row["recipe"], row["model"]), {}) for row in pairs[0])
    shared = one.keys() & other.keys()
    spent = [sum(of[name] for name in shared) for of in (one, other)]
    if spent[0] == spent[1]:
        return None
    return pairs[0][spent[1] > spent[0]]["model"]


def _is_supported(row: Mapping) -> bool:
    return row["verdict"] in verdicts.SUPPORTED


def agreement(pairs: Iterable[Pair]) -> dict | None:
    """Return how many contrasts have one sign in both settings: a share with Wilson's 95 % interval; None of none.

    A contrast of exactly 0, or of scores that are noise, has no sign, and is left out.
    """
    from statsmodels.stats.proportion import proportion_confint

    signed = [pair for pair in pairs if all(row["estimate"] and not row["noise"] for row in pair)]
    if not signed:
        return None
    alike = sum(verdicts.better(one) == verdicts.better(other) for one, other in signed)
    low, high = proportion_confint(alike, len(signed), alpha=1 - two_way.CONFIDENCE, method="wilson")
    return {
        "contrasts": len(signed),
        "alike": alike,
        "share": alike / len(signed),
        "low": float(low),
        "high": float(high),
    }
