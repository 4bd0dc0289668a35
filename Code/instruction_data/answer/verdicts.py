"""The verdict: one sentence a question, by rule, in the reader's units.

A *row* is a primary contrast of one task and metric, as ``contrasts.contrast`` returns it, with question, pool, model,
recipe, harness, seeds, task and metric. The rules follow each other; the first that fits decides:

    the loop failed its self-test, the task is    cannot tell
    noise, no seed was repeated, or a factor is
    not told from an interaction
    corrected p below 0.05                        supported: beyond what matched controls share, or going with it; a
                                                  design's factor beyond the other factors that were held equal
    the interval reaches beyond the smallest      cannot tell
    effect of interest, which such data miss
    otherwise                                     no effect larger than the interval's farther end
"""

from collections.abc import Iterable, Mapping, Sequence

from instruction_data.answer import effects, two_way, units
from instruction_data.answer.contrasts import COSTS, LEVEL
from instruction_data.answer.sentences import p_value
from instruction_data.errors import printable

CANNOT, NO_LARGER, BEYOND, GOES_WITH, UNMATCHED = "cannot tell", "no larger effect", "beyond", "goes with", "unmatched"
DISAGREE = "metrics disagree"
SUPPORTED = (BEYOND, GOES_WITH, UNMATCHED)
TRAITS = ("length", "language", "category")
FACTOR = "factor"  # the kind of a contrast that is one of a design's factors
SIGNS = {
    effects.SAME: "same sign",
    effects.OTHER: "other sign",
    effects.UNTOLD: "whether the sign is the same cannot be told",
}
SIZES = {effects.OTHER: "other size", effects.UNTOLD: "the sizes are not told apart"}


def correct(rows: Sequence[dict]) -> int:
    """Correct all primary contrasts together, then the matched ones of those that are supported; judge each.

    Returns:
        How many contrasts were corrected for: all but those of tasks that are noise, or of loops that failed.
    """
    family = [row for row in rows if not (row["noise"] or row.get("self_test"))]
    for row in rows:
        row["p_corrected"] = 1.0
    for row, p in zip(family, two_way.corrected([row["p"] for row in family]), strict=True):
        row["p_corrected"] = p
    matched = [row["matched"] for row in family if row["p_corrected"] < LEVEL and row["matched"]]
    for one, p in zip(matched, two_way.corrected([one["p"] for one in matched]), strict=True):
        one["p_corrected"] = p
    for row in rows:
        row["verdict"] = judged(row)
    return len(family)


def judged(row: Mapping) -> str:
    """Return the kind of verdict on a row."""
    if row.get("self_test") or row["noise"] or row["intervals_over"] == "problems" or row.get("aliases"):
        return CANNOT
    if row["p_corrected"] < LEVEL:
        matched = row["matched"]
        if row["kind"] == FACTOR:
            return BEYOND
        if not matched:
            return UNMATCHED
        alike = matched["estimate"] * row["estimate"] > 0
        return BEYOND if matched["p_corrected"] < LEVEL and alike else GOES_WITH
    interest = row["interest"]
    if interest and min(bound(row), row["detectable"]) > interest["effect"]:
        return CANNOT
    return NO_LARGER


def bound(row: Mapping) -> float:
    """Return the size of the largest effect that the interval holds."""
    return max(abs(row["low"]), abs(row["high"]))


def verdicts(rows: Iterable[Mapping]) -> list[dict]:
    """Return one verdict for each question, pool, model, recipe and contrast, over all harnesses, tasks and metrics.

    ``rows`` in a verdict are the places of its contrasts, those that its first words are about (``headline``) first.
    """
    together: dict[tuple, dict[int, Mapping]] = {}
    keys = ("question", "pool", "model", "recipe", "contrast")
    for place, row in enumerate(rows):
        together.setdefault(tuple(row[key] for key in keys), {})[place] = row
    found = []
    for names, of in together.items():
        headline, said = _verdict(list(of.values()))
        first = [place for place, row in of.items() if row in headline]
        places = {"rows": first + [place for place in of if place not in first], "headline": len(first)}
        found.append(dict(zip(keys, names, strict=True)) | said | places)
    return found


def _verdict(rows: Sequence[Mapping]) -> tuple[Sequence[Mapping], dict]:
    """Return the contrasts in the headline, and kind and sentence of what all metrics say of one contrast."""
    supported = [row for row in rows if row["verdict"] in SUPPORTED]
    telling = supported + [row for row in rows if row["verdict"] not in (*SUPPORTED, CANNOT) and row["p"] < LEVEL]
    if supported and len({better(row) for row in telling}) > 1:
        said = "; ".join(f"on {on(row)}, {finding(row)}" for row in telling)
        said = f"{where(rows[0])}: the metrics disagree, none is the headline: {said}."
        return telling, {"kind": DISAGREE, "sentence": said}
    order = (*SUPPORTED, NO_LARGER, CANNOT)
    if supported:
        first = min(supported, key=lambda row: (row["p_corrected"], order.index(row["verdict"])))
    else:
        first = min(rows, key=lambda row: (row["interest"] is None, order.index(row["verdict"])))
    rest = [f"on {printable(row['task'])}, {_short(row)}" for row in rows if row is not first]
    said = "; ".join([f"on {on(first)}, {finding(first)}", *rest])
    return [first], {"kind": first["verdict"], "sentence": f"{where(first)}: {said}."}


def where(row: Mapping) -> str:
    """Return what was trained on what."""
    recipe = f" ({printable(row['recipe'])})" if row["recipe"] else ""
    seeds, draws = len(row["seeds"]), max(one["draws"] for one in row["conditions"])
    drawn = f", {draws} draws" if draws > 1 else ""
    sets = f"{len(row['conditions'])} sets, " if row["kind"] == FACTOR else ""
    return (
        f"{printable(row['question'])}, pool {printable(row['pool'])}, {printable(row['model'])}{recipe}, {sets}"
        f"{seeds} seed{'s' * (seeds != 1)}{drawn}"
    )


def on(row: Mapping) -> str:
    return f"{row['problems']:,} problem{'s' * (row['problems'] != 1)} of {printable(row['task'])}"


def better(row: Mapping, estimate: float | None = None) -> bool:
    """Return whether a contrast, or another estimate in its metric, is in favour of the higher dose."""
    value = row["estimate"] if estimate is None else estimate
    return (value > 0) == row["metric"]["higher_is_better"]


def label(row: Mapping) -> str:
    """Return the contrast's name; a slope's with the doses of its ends, a factor's with the step of its effect."""
    if row["kind"] == "ends":
        return printable(row["contrast"])
    if row["kind"] == FACTOR:
        return f"{printable(row['contrast'])}, {per(row)},"
    doses = [one["dose"] for one in row["conditions"]]
    return f"the slope over {printable(row['contrast'])}, from {min(doses):g} to {max(doses):g},"


def per(row: Mapping) -> str:
    """Return the step in a factor that its effect is told for."""
    return "per standard deviation" if row["property"]["step"] else "from low to high"


def amount(row: Mapping, value: float) -> str:
    """Return the size of an effect between the lowest and the highest dose."""
    return printable(units.amount(row["metric"], row["span"] * value, row["level"]))


def effect(row: Mapping, found: Mapping) -> str:
    """Return an effect as better or worse, with its interval in that direction and in one unit."""
    sign = -1 if found["estimate"] < 0 else 1
    ends = sorted(sign * row["span"] * found[end] for end in ("low", "high"))
    direction = "better" if better(row, found["estimate"]) else "worse"
    interval = " to ".join(units.in_readers_unit(row["metric"], end, row["level"]) for end in ends)
    return f"{amount(row, found['estimate'])} {direction} (95 % interval {interval}"


def knows_draws(row: Mapping) -> bool:
    """Return whether the interval allows for other draws of the records; otherwise it is about these very ones."""
    return "draws" in row["intervals_over"]


def finding(row: Mapping) -> str:
    """Return what may be said of one row."""
    if row["verdict"] == CANNOT:
        by = "" if row.get("self_test") else " by this design"
        return f"{label(row)} cannot be told{by}: {_why_not(row)}"
    about = "" if knows_draws(row) else "; all of it for these very records, as no draw was repeated"
    return _found(row) + about + (f"; {beside(row)}" if row["kind"] == FACTOR else "")


def beside(row: Mapping) -> str:
    """Return what the question that varies a factor's property alone found, and whether the two agree."""
    alone = row["alone"]
    question = printable(alone["question"])
    if "missing" in alone:
        return f"varied alone{f' ({question})' if question else ''}: {alone['missing']}"
    found = f"varied alone ({question}, {printable(alone['contrast'])}): {effect(row, alone)})"
    return f"{found}: {SIGNS[alone['sign']]}, {SIZES[alone['size']]}"


def _found(row: Mapping) -> str:
    """Return what may be said of one row that tells something."""
    kind, traits = row["verdict"], traits_of(row)
    if kind == NO_LARGER:
        found = f"{label(row)} has no effect larger than {amount(row, bound(row))} at 95 %"
        alone = f" (as the only contrast of a study it would count: {effect(row, row)}, p {p_value(row['p'])}))"
        return found + (alone if row["p"] < LEVEL else "")
    shown = f"{effect(row, row)}, p corrected {p_value(row['p_corrected'])})"
    if row["kind"] == FACTOR:
        held = f" with {held_equal(row)}" if row["held"] else ""
        return f"{label(row)} is supported{held}: {shown}"
    if kind == UNMATCHED:
        return (
            f"{label(row)} is supported: {shown}; without scored matched controls, it is not told apart from {traits}"
        )
    against = f"against matched controls {effect(row, row['matched'])})"
    if kind == BEYOND:
        return f"{label(row)} is supported, beyond {traits}: {shown}, and {against}"
    them = "them" if " and " in traits else "it"
    return f"{label(row)} is supported, but it goes with {traits}, not told apart from {them}: {shown}, but {against}"


def _short(row: Mapping) -> str:
    kind = row["verdict"]
    if kind == CANNOT:
        return "nothing, as the self-test failed" if row.get("self_test") else "this design cannot tell"
    if kind == NO_LARGER:
        return f"no effect larger than {amount(row, bound(row))}"
    beyond = "supported with the same held equal" if row["kind"] == FACTOR else "supported beyond the same traits"
    words = {BEYOND: beyond, GOES_WITH: "supported, but it goes with the same traits"}
    return f"{words.get(kind, 'supported')}: {amount(row, row['estimate'])} {'better' if better(row) else 'worse'}"


def _why_not(row: Mapping) -> str:
    """Say why a design cannot tell, and what would."""
    if row.get("self_test"):
        found = printable(row["self_test"])
        return f"model and recipe failed their self-test ({found}); it would take some that pass"
    if row["noise"]:
        return f"{row['noise']}"
    if row["intervals_over"] == "problems":
        return "with one run a split, nothing is known of what another seed would give; it would take two seeds or more"
    if row.get("aliases"):
        return f"the sets that have outcomes do not tell it from {interactions_of(row)}; it would take the others, too"
    small = amount(row, row["interest"]["effect"])
    seen = f"it misses one effect in five of {amount(row, row['detectable'])}, and {small} would matter"
    return f"{seen}; {what_it_takes(row, dict(zip(COSTS, COSTS, strict=True)))}"


def what_it_takes(row: Mapping, words: Mapping[str, str]) -> str:
    """Return what would show the smallest effect of interest.

    Args:
        words: problems, draws and seeds -> what to call them.
    """
    ways = []
    for what, times in row["interest"]["times"].items():
        if times and times > 1:
            now = {"problems": row["problems"], "seeds": len(row["seeds"]), "draws": draws_of(row)}[what]
            name = "sets" if (row["kind"], what) == (FACTOR, "draws") else words[what]
            ways.append(f"{times * now:,} {name} instead of {now:,}")
    return f"it would take {', or '.join(ways)}" if ways else "neither more problems, draws nor seeds alone would do"


def draws_of(row: Mapping) -> int:
    """Return how many draws of each end there are; of a design, how many in all, since each counts for all factors."""
    counts = [one["draws"] for one in row["conditions"]]
    return sum(counts) if row["kind"] == FACTOR else min(counts)


def traits_of(row: Mapping) -> str:
    """Return what the matched controls of a contrast share with its splits; where there are none, what they would.

    A design holds its other factors equal, as far as its sets tell them.
    """
    held = row["held"] if row["kind"] == FACTOR else (row["matched"] or {}).get("matched_on")
    return _listed(held or TRAITS)


def interactions_of(row: Mapping) -> str:
    """Return the interactions that a factor's effect is not told from; there must be some."""
    names = row["aliases"]
    return f"the interaction{'s' * (len(names) > 1)} {_listed(names)}"


def held_equal(row: Mapping) -> str:
    """Return what was held equal while a factor varied; of one that is not told from interactions, say that."""
    if row.get("aliases"):
        return f"not told from {interactions_of(row)}"
    return f"{_listed(row['held'])} held equal" if row["held"] else "no other factor held equal"


def _listed(names: Sequence[str]) -> str:
    words = [printable(name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
