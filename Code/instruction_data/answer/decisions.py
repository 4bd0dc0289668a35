"""Decision accuracy: how often does a cheap setting order two training sets as a dear one does?

DataDecide (arXiv 2504.11393) asks it of pretraining corpora and models of several sizes. Here the decisions are the
primary contrasts, and the settings differ in the size of the training sets, in the recipe, or in the model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from instruction_data.answer import two_way, verdicts

KEYS = ("question", "pool", "contrast", "model", "recipe", "percent", "harness", "task")
Pair = tuple[Mapping, Mapping]  # one contrast in both settings
OVER = ("percent", "recipe", "model")  # what settings may differ in; of percents the whole set is the dear one


def accuracies(rows: Sequence[Mapping]) -> list[dict]:
    """Return the decision accuracy of every two settings that differ in one thing.

    Args:
        rows: judged contrasts, each with ``percent``, the size of its training sets in per cent.

    Returns:
        For each thing, two settings and each task: ``over``, ``cheap``, ``dear``, ``harness``, ``task``, and of
        ``agreement`` all contrasts that both have, and those that the dear setting supports.
    """
    found = []
    for over in OVER:
        settings = list(dict.fromkeys(row[over] for row in rows))
        pairs = [(one, 100) for one in sorted(settings) if one != 100] if over == "percent" else _pairs(settings)
        for cheap, dear in pairs:
            for (harness, task), of in _both(rows, over, cheap, dear).items():
                about = {"over": over, "cheap": cheap, "dear": dear, "harness": harness, "task": task}
                sure = [pair for pair in of if pair[1]["verdict"] in verdicts.SUPPORTED]
                found.append(about | {"all": agreement(of), "supported": agreement(sure)})
    return found


def _pairs(settings: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, other) for place, other in enumerate(settings) for one in settings[:place]]


def _both(rows: Iterable[Mapping], over: str, cheap: object, dear: object) -> dict[tuple, list[Pair]]:
    """Return (harness, task) -> the contrasts that two settings have in common, all else being equal."""
    keyed: Callable[[Mapping], tuple] = lambda row: tuple(row[key] for key in KEYS if key != over)  # noqa: E731
    sides = {value: {keyed(row): row for row in rows if row[over] == value} for value in (cheap, dear)}
    found: dict[tuple, list[Pair]] = {}
    for key, row in sides[cheap].items():
        if key in sides[dear]:
            found.setdefault((row["harness"], row["task"]), []).append((row, sides[dear][key]))
    return found


def agreement(pairs: Sequence[Pair]) -> dict | None:
    """Return how many contrasts have one sign in both settings: a share with Wilson's 95 % interval; None of none."""
    from statsmodels.stats.proportion import proportion_confint

    if not pairs:
        return None
    alike = sum(verdicts.better(one) == verdicts.better(other) for one, other in pairs)
    low, high = proportion_confint(alike, len(pairs), alpha=1 - two_way.CONFIDENCE, method="wilson")
    return {
        "contrasts": len(pairs),
        "alike": alike,
        "share": alike / len(pairs),
        "low": float(low),
        "high": float(high),
    }
