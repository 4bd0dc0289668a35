"""Saying in plain words what the numbers of a comparison support and what not.

A *group* is the part of ``comparison.json`` about one question, pool, base model and harness: tasks, each with its
metric, conditions and differences.
"""

from collections.abc import Mapping, Sequence

from instruction_data.answer import two_way, units
from instruction_data.errors import printable

SIGNIFICANT = 1 - two_way.CONFIDENCE
SUPPORTED_SHOWN = 8  # sentences of a group
NOISE = "these numbers are noise and show only that the chain works"
ALONE = "One trained condition a task: there is nothing to compare."
GENERALISES = {
    "problems": "Intervals and p values are for other problems of the same kind and these very training runs: with one "
    "run a condition, nothing is known of what another seed would have given.",
    "problems and runs": "Intervals and p values are for other problems of the same kind and other training runs of "
    "the same kind, supposing that runs vary about as much in every condition. A set that was drawn once stands for "
    "its very records: what other draws would give is allowed for in the verdicts on primary contrasts alone.",
}
Sound = Sequence[tuple[Mapping, Mapping]]  # pairs of a task and a difference


def sentences(group: Mapping, family: int, failed: str = "") -> list[str]:
    """Say what the numbers of a group support and what not.

    Args:
        family: the number of comparisons for which the p values were corrected.
        failed: what the self-test found wrong with model and recipe; then they support nothing.
    """
    if failed:
        return [f"Model and recipe failed their self-test ({printable(failed)}), so no difference is judged."]
    said = []
    for task in group["tasks"]:
        said += warnings_of(task, group)
    sound = sound_pairs(group)
    if sound:
        said += verdicts(sound, family)
        over = {task["intervals_over"] for task, _ in sound}
        said += [GENERALISES[kind] for kind in sorted(over)]
    elif not any(task["differences"] for task in group["tasks"]):
        several = max(len(task["conditions"]) for task in group["tasks"]) > 2  # with the untrained model one is two
        said.append("The sets of a design are compared by their factors, not in pairs." if several else ALONE)
    return said


def sound_pairs(group: Mapping) -> Sound:
    """Return every difference, with its task, from tasks that are not mere noise."""
    return [(task, pair) for task in group["tasks"] if not task["noise"] for pair in task["differences"]]


def warnings_of(task: Mapping, group: Mapping) -> list[str]:
    """Say why a task cannot be read like the others."""
    said, label = [], printable(task["label"])
    if task["noise"]:
        said.append(f"{label}: {task['noise']}: {NOISE}.")
    alike = [one for one in group["tasks"] if (one["task"], one["metric"]) == (task["task"], task["metric"])]
    if len(alike) > 1:
        said.append(f"{label}: scored with settings of its own, so compared with itself alone.")
    names = {name for other in group["tasks"] for name in _conditions(other)}
    missing = sorted(names - _conditions(task), key=units.natural)
    if missing:
        said.append(f"{label}: no outcome of {', '.join(map(printable, missing))}.")
    if task["versions_differ"]:
        packages = ", ".join(map(printable, task["versions_differ"]))
        said.append(f"{label}: its runs were not all scored with the same version of {packages}.")
    return said


def _conditions(task: Mapping) -> set[str]:
    return {one["condition"] for one in task["conditions"]}


def verdicts(sound: Sound, family: int) -> list[str]:
    """Say what is supported, how much is not, and what such data can miss."""
    supported = sorted((one for one in sound if one[1]["supported"]), key=lambda one: one[1]["p_corrected"])
    rest = [one for one in sound if not one[1]["supported"]]
    said = [f"Supported: {finding(task, pair)}." for task, pair in supported[:SUPPORTED_SHOWN]]
    if len(supported) > SUPPORTED_SHOWN:
        said.append(f"Supported, too: {len(supported) - SUPPORTED_SHOWN} more, see differences.csv.")
    if rest:
        which = f"{len(rest)} of {len(sound)} differences" if supported else f"none of {len(sound)} differences"
        verb = "cannot be told from chance" if supported else "can be told from chance"
        plural = "s" * (family != 1)
        said.append(f"Not supported: {which} {verb} (corrected for the {family} comparison{plural} of this question).")
        for unit in dict.fromkeys(units.of_difference(task["metric"]) for task, _ in rest):
            said += missed([one for one in rest if units.of_difference(one[0]["metric"]) == unit], printable(unit))
    return said


def missed(rest: Sound, unit: str) -> list[str]:
    """Say how large a true difference these data can miss, for unsupported differences in one unit."""
    metric = rest[0][0]["metric"]
    seen = [units.signed(metric, value).lstrip("+") for value in sorted(pair["detectable"] for _, pair in rest)]
    span = f"{seen[0]} to {seen[-1]}" if len(seen) > 1 else seen[0]
    return [
        f"Even before correction, such data miss one true difference in five of {span} {unit}, and more of smaller "
        "ones.",
        f"The largest of them: {outlook(*max(rest, key=lambda one: abs(one[1]['difference'])))}",
    ]


def finding(task: Mapping, pair: Mapping) -> str:
    """Describe a difference with its interval and p; if lower numbers are better, say so."""
    metric = task["metric"]
    difference, low, high = (units.signed(metric, pair[key]) for key in ("difference", "low", "high"))
    better = "" if metric["higher_is_better"] else "lower is better; "
    return (
        f"{printable(pair['condition'])} minus {printable(pair['against'])} on {printable(task['label'])} is "
        f"{difference} {printable(units.of_difference(metric))} ({better}95 % interval {low} to {high}, "
        f"p corrected {p_value(pair['p_corrected'])})"
    )


def outlook(task: Mapping, pair: Mapping) -> str:
    """Describe a difference that may be chance, and say what it would take to tell."""
    text = f"{finding(task, pair)}."
    if pair["difference"] == 0:
        return text
    if pair["p"] < SIGNIFICANT:
        return f"{text} Only as the single comparison of a study would it count (p {p_value(pair['p'])})."
    ways = ways_to_see(task, pair)
    if not ways:
        return f"{text} Neither more problems alone nor more runs alone would show a difference of that size."
    return (
        f"{text} To see one of that size (power {two_way.POWER:.0%}, alpha {SIGNIFICANT:.0%}, before correction) "
        f"would take about {', or '.join(ways)}."
    )


def ways_to_see(task: Mapping, pair: Mapping) -> list[str]:
    """Say how many problems, or how many runs, would show a difference."""
    ways, alone = [], ""
    if pair["problems_needed"]:
        ways.append(f"{pair['problems_needed']:,} problems instead of {task['problems']:,}")
    elif pair["runs_needed"]:
        alone = " (more problems alone would not do)"
    if pair["runs_needed"]:
        runs = max(one["replicates"] for one in task["conditions"])
        ways.append(f"{pair['runs_needed']:,} runs a condition instead of {runs}{alone}")
    return ways


def p_value(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"
