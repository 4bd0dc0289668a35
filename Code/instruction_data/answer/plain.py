"""Verdicts for readers who know no statistics: a few words that answer, and a sentence behind them.

They say less than the sentences of ``verdicts``, and nothing else.
"""

from collections.abc import Mapping, Sequence

from instruction_data.answer import effects, units, verdicts
from instruction_data.answer.verdicts import better
from instruction_data.errors import printable

SCORES = {  # metric -> what it measures
    "pass@1": "how many problems the model solves",
    "gold_bpb": "how well the model foresees right solutions",
    "pairs": "how often the model prefers a right solution to a broken copy",
    "pairs_margin": "how clearly the model prefers right solutions to broken copies",
}

AGREE = {  # whether signs and sizes agree -> how that is said; signs that differ say enough
    (effects.SAME, effects.OTHER): "the same direction, but another size",
    (effects.SAME, effects.UNTOLD): "the same direction, and no difference in size that can be told from chance",
    (effects.UNTOLD, effects.OTHER): "another size",
    (effects.UNTOLD, effects.UNTOLD): "no difference that can be told from chance",
}
ALONE = " Looked at alone it might seem real, but among several comparisons one can look so by chance."
DRAWN = " Other records chosen by the same rule may give another result."
MORE = {"problems": "test problems", "draws": "draws of each set's records", "seeds": "training runs of each set"}


def score(metric: Mapping) -> str:
    """Return what a metric measures; of an unknown one its unit."""
    return SCORES.get(metric["name"], printable(f"{metric['name']}, {units.name(metric)}"))


def said(kind: str, rows: Sequence[Mapping], low: str, high: str) -> tuple[str, str]:
    """Return a verdict's first words, and the sentences that follow them.

    Args:
        rows: the contrasts of the headline.
        low, high: names for the two ends.
    """
    row = rows[0]
    traits = verdicts.traits_of(row)
    drawn = "" if all(map(verdicts.knows_draws, rows)) else DRAWN
    if kind == verdicts.DISAGREE:
        parts = [f"{_stand(one, low, high)} by {printable(one['metric']['name'])} ({_by(one)})" for one in rows]
        return "The scores disagree.", f"{'. '.join(parts)}.{drawn}"
    if kind == verdicts.NO_LARGER:
        found = f"If there is one, it is smaller than {_size(row, verdicts.bound(row))} (at 95 % confidence)."
        return "No difference found.", found + (ALONE if row["p"] < verdicts.LEVEL else "")
    if kind == verdicts.CANNOT:
        return "Cannot tell.", _why_not(row)
    lead, rest = _stand(row, low, high), f"The difference is {_by(row)}. "
    if kind == verdicts.UNMATCHED:
        rest += f"Whether {traits} explain it was not tested."
    elif kind == verdicts.BEYOND:
        beyond = row["kind"] != verdicts.FACTOR or row["held"]
        rest += f"Differences in {traits} do not explain it." if beyond else "No other property was held equal."
    else:
        lead += f", but perhaps only through {traits}"
        rest += f"Other records, alike in {traits}, may differ as much."
    return f"{lead}.", rest + drawn


def beside(row: Mapping) -> str:
    """Return what the question found that varies a factor's property alone, in a sentence."""
    alone = row["alone"]
    question = printable(alone["question"])
    if "missing" in alone:
        missing = alone["missing"]
        return f"{question}, which varies it alone: {missing}." if question else f"{missing[0].upper()}{missing[1:]}."
    word = "better" if better(row, alone["estimate"]) else "worse"
    found = f"{question}, which varies it alone, found {_size(row, alone['estimate'])} {word}"
    return f"{found}: {AGREE.get((alone['sign'], alone['size']), 'the other direction')}."


def _stand(row: Mapping, low: str, high: str) -> str:
    word = "better" if better(row) else "worse"
    if row["kind"] == "ends":
        return f"{high} makes {word} models than {low}"
    return f"The higher the {printable(row['contrast'])}, the {word}"


def _size(row: Mapping, value: float) -> str:
    """Return the size of an effect between the ends in its short unit, as the axis of the figure has it."""
    number = units.in_readers_unit(row["metric"], row["span"] * abs(value), row["level"])
    per = f" {verdicts.per(row)}" if row["kind"] == verdicts.FACTOR else ""
    return printable(f"{number} {units.step(row['metric'], row['level'])}{per}")


def _by(row: Mapping) -> str:
    return _size(row, row["estimate"])


def _why_not(row: Mapping) -> str:
    if row.get("self_test"):
        return (
            f"Model and recipe failed their self-test ({printable(row['self_test'])}), so their scores decide nothing."
        )
    if row["noise"]:
        return f"These scores say nothing: {row['noise']}."
    if row["intervals_over"] == "problems":
        return (
            "Each set was trained on once, and a second training could turn this around. Train with two seeds or more."
        )
    if row.get("aliases"):
        return (
            f"The sets that have outcomes do not tell it from {verdicts.interactions_of(row)}. Train the others, too."
        )
    would = verdicts.what_it_takes(row, MORE)
    return (
        f"A difference of {_size(row, row['interest']['effect'])} would matter, but chance moves these scores so much "
        f"that less than {_size(row, row['detectable'])} may go unseen. {would[0].upper()}{would[1:]}."
    )
