"""Transfer: what training on a split gains or loses on every task, against the model that the training began with."""

from collections.abc import Mapping

from instruction_data.answer import chance, contrasts, units
from instruction_data.answer.chance import Trained
from instruction_data.answer.task import Condition


def gains(conditions: Mapping[str, Condition], untrained: str, metric: Mapping) -> list[dict]:
    """Return each condition's gain over the untrained model: a ratio of means, with its linearised interval.

    The untrained model is the same whatever is drawn or seeded, so draws and seeds are chance on the condition's side
    alone. The interval is that of the mean of ``ratio + (gain - ratio * base) / mean base`` over problems (Cochran
    1977, *Sampling Techniques*, chapter 6), so that a gain in proportion to each problem's base is no uncertainty.

    Args:
        conditions: of one task, each with at least two problems.
        untrained: the name of one of them.

    Returns:
        A row for each of the others, in their order: gain, low and high as shares of the untrained model's mean;
        positive is better. No row if the untrained model has no outcome, or the metric is not told in percent.
    """
    if untrained not in conditions:
        return []
    base = conditions[untrained].by_run(metric).mean(axis=0)
    level, sign = float(base.mean()), 1.0 if metric["higher_is_better"] else -1.0
    if not units.relative(metric, level):
        return []
    sides = {}
    for name, one in conditions.items():
        if name != untrained:
            shares = sign * (one.by_run(metric) - base) / level
            sides[name] = Trained(shares - shares.mean() * (base / level - 1), one.draws)
    of = chance.chance(list(sides.values()))
    rows = []
    for name, side in sides.items():
        found = contrasts.test([1.0], [side], of, bounded=False)
        about = {"condition": name, "untrained": level, "intervals_over": of.known, "runs": len(side.draws)}
        rows.append(about | {"gain": found.estimate, "low": found.low, "high": found.high})
    return rows
