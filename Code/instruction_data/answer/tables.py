"""The tables of a comparison: rows for CSV, and the page in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence

from instruction_data.answer import decisions, units, verdicts
from instruction_data.answer.sentences import Sound, p_value, sound_pairs
from instruction_data.errors import printable

CONTRAST_KEYS = ("question", "pool", "model", "recipe", "contrast", "harness", "task")
PAIRS_SHOWN = 20  # of a group, in the Markdown
KEY_COLUMNS = ("question", "pool", "model", "recipe", "harness", "task")
METRIC_COLUMNS = ("metric", "unit", "higher_is_better")
RATE_COLUMNS = (
    *KEY_COLUMNS,
    *("condition", "k", "estimate", "low", "high", "deviation", "replicates", "replicates_are", "runs"),
    *("problems", "samples", "intervals_over", "noise"),
    *METRIC_COLUMNS,
)
DIFFERENCE_COLUMNS = (
    *KEY_COLUMNS,
    *("condition", "against", "difference", "low", "high", "p", "p_corrected", "supported", "test"),
    *("standard_error", "degrees_of_freedom", "detectable", "problems_needed", "runs_needed"),
    *("these_runs_low", "these_runs_high", "problems", "samples", "intervals_over", "noise"),
    *METRIC_COLUMNS,
)
TRANSFER_COLUMNS = (
    *KEY_COLUMNS,
    *("condition", "gain", "low", "high", "untrained", "runs", "problems", "intervals_over", "noise"),
    *METRIC_COLUMNS,
)
EFFECT_COLUMNS = (
    *KEY_COLUMNS,
    *("factor", "kind", "low_sets", "high_sets", "property_unit", "per", "effect", "low", "high", "p", "p_corrected"),
    *("standard_error", "degrees_of_freedom", "detectable", "intervals_over", "sets", "runs", "verdict"),
    *("alone_question", "alone_contrast", "alone_runs", "alone_effect", "alone_low", "alone_high", "alone_missing"),
    *("alone_minus_designed", "alone_minus_designed_low", "alone_minus_designed_high", "sign", "size"),
    *METRIC_COLUMNS,
)
NOTES = (
    "Rates in percent, differences in percentage points, each with its 95 % interval. sd: standard deviation of the "
    "runs' pass rates. Everything here is derived from the outcomes under this folder, which `comparison.json` lists."
)
OTHER_NOTES = (
    "Each number with its 95 % interval: shares of problems solved (pass@k) in percent and their differences in "
    "percentage points, every other number in the unit that is named. sd: standard deviation of the runs' numbers. "
    "Everything here is derived from the outcomes under this folder, which `comparison.json` lists."
)
ANSWER_NOTES = (
    "Each contrast was declared with its question, before anything was trained; p is corrected for all of them. "
    "effect: between the lowest and the highest dose. sees: the smallest effect that is found four times in five, "
    "between the same doses. floor: random controls, which differ by chance alone; sd between their runs, and how "
    "often two of them look different at 5 %. buy next: what lowers the standard error most for its time, if doubled."
)
FACTOR_HEADER = ("factor", "designed", "p corrected", "alone", "sign", "size", "alone minus designed")
INTERACTION_HEADER = ("interaction", "size", "p corrected")
DESIGN_NOTES = (
    "Designed: each factor's effect with all others held equal, by least squares over all sets. Alone: the contrast of "
    "the question that varies this property and nothing else on purpose; if no draw of its sets was repeated, they are "
    "taken to vary as the designed ones do. Both have 95 % intervals; p is corrected with all primary contrasts. Sign: "
    "same or other, where both intervals leave out zero. Size: other, where that of alone minus designed leaves "
    "out zero. Interactions are exploratory: by how much the effect of one factor, from low to high, grows where the "
    "other is high."
)
TRANSFER_NOTES = (
    "Gain over the untrained model, in percent of its mean; positive is better. Each has its own 95 % interval, not "
    "corrected for their number."
)


def rate_rows(document: Mapping) -> list[dict]:
    """Return a row for each condition, task and (for the kind ``pass``) k."""
    rows = []
    for keys, task in _tasks(document):
        for one in task["conditions"]:
            for k, rate in one.get("pass_at", {None: one}).items():
                row = {**keys, **task, **one, **rate, "k": k and int(k), "runs": len(one["runs"])}
                rows.append(row | ({"metric": f"pass@{k}"} if k else {}))
    return rows


def difference_rows(document: Mapping) -> list[dict]:
    """Return a row for each pair of conditions and task."""
    rows = []
    for keys, task in _tasks(document):
        for pair in task["differences"]:
            these = {f"these_runs_{end}": value for end, value in pair["these_runs"].items()}
            rows.append({**keys, **task, **pair, **these})
    return rows


def transfer_rows(document: Mapping) -> list[dict]:
    """Return a row for each condition and task that the untrained model was scored on, too."""
    return [{**keys, **task, **one} for keys, task in _tasks(document) for one in task["transfer"]]


def effect_rows(document: Mapping) -> list[dict]:
    """Return a row for each factor and task of a design, and one for each interaction (those aliased together)."""
    rows = []
    for design, factors in designs(document["primary"]):
        about = design | {"metric": design["metric"]["name"]} | {k: design["metric"][k] for k in METRIC_COLUMNS[1:]}
        for row in factors:
            own = {
                "factor": row["contrast"],
                "kind": "main effect",
                "effect": row["estimate"],
                "per": verdicts.per(row),
            }
            own |= {"low_sets": row["property"]["low"], "high_sets": row["property"]["high"]}
            own |= {"property_unit": row["property"]["unit"]}
            rows.append({**about, **row, **own, **_alone_cells(row["alone"]), "metric": about["metric"]})
        for row in design["interactions"]:
            own = {"factor": " = ".join(row["terms"]), "kind": "interaction", "effect": row["estimate"]}
            rows.append({**about, **row, **own, "per": "from low to high"})
    return rows


def _alone_cells(alone: Mapping) -> dict:
    apart = alone.get("difference", {})
    cells = {f"alone_{name}": alone.get(name) for name in ("question", "contrast", "runs", "low", "high", "missing")}
    cells |= {"alone_effect": alone.get("estimate"), "sign": alone.get("sign"), "size": alone.get("size")}
    named = {"": "estimate", "_low": "low", "_high": "high"}
    return cells | {f"alone_minus_designed{end}": apart.get(key) for end, key in named.items()}


def designs(primary: Mapping) -> Iterable[tuple[Mapping, list[Mapping]]]:
    """Yield every design on one task in one metric, with the rows of its factors."""
    keys = (*KEY_COLUMNS, "metric")
    for design in primary.get("designs", ()):
        about = [design[key] for key in keys]
        factors = [row for row in primary["contrasts"] if row["kind"] == verdicts.FACTOR]
        yield design, [row for row in factors if [row[key] for key in keys] == about]


def _tasks(document: Mapping) -> Iterable[tuple[dict, dict]]:
    """Yield every task with its metric, named by its label, after its question, pool, model and harness."""
    for question in document["questions"]:
        for group in question["groups"]:
            for task in group["tasks"]:
                metric = {name: task["metric"][name] for name in ("unit", "higher_is_better")}
                yield {**question, **group}, {**task, **metric, "metric": task["metric"]["name"], "task": task["label"]}


def markdown(document: Mapping) -> str:
    """Return the page for people."""
    groups = [group for question in document["questions"] for group in question["groups"]]
    only_pass = all(units.passes(task["metric"]) for group in groups for task in group["tasks"])
    parts = ["# Comparison of the training sets", *_answer(document["primary"]), *_scale(document)]
    parts.append(NOTES if only_pass else OTHER_NOTES)
    for question in document["questions"]:
        parts.append(f"## {_escaped(question['question'])}")
        for group in question["groups"]:
            parts += [f"### {_escaped(heading(group))}"]
            parts.append("\n".join(f"- {_escaped(sentence)}" for sentence in group["sentences"]))
            parts.append(_table(*_rate_table(group)))
            parts += _difference_table(sound_pairs(group))
            parts += _transfer_table(group)
            parts.append("\n".join(_settings_line(task) for task in group["tasks"]))
    return "\n\n".join(parts) + "\n"


def _answer(primary: Mapping) -> list[str]:
    """Return the verdicts, and a table of the contrasts behind them; nothing where none was declared and scored."""
    if not primary["contrasts"]:
        return []
    header = ["contrast", "task", "effect", "p corrected", "against matched", "sees", "floor", "buy next"]
    rows = [[_escaped(cell) for cell in _contrast_cells(row)] for row in primary["contrasts"]]
    return [
        "## The answer",
        "\n".join(f"- {_escaped(one['sentence'])}" for one in [*primary["verdicts"], *primary["over_recipes"]]),
        _table(header, rows),
        ANSWER_NOTES,
        *_designs(primary),
        "Everything below is exploratory: differences that nobody declared beforehand.",
    ]


def _designs(primary: Mapping) -> list[str]:
    """Return a table of the factors, and one of the interactions, for each design, task and metric."""
    parts = []
    for design, factors in designs(primary):
        parts.append(f"### {_escaped(verdicts.where(factors[0]))}: {_escaped(design['task'])}")
        parts.append(_table(FACTOR_HEADER, [[_escaped(cell) for cell in factor_cells(row)] for row in factors]))
        parts.append(_escaped(_about(design)))
        if design["interactions"]:
            cells = interaction_cells(design, factors[0]["level"])
            parts.append(_table(INTERACTION_HEADER, [[_escaped(cell) for cell in row] for row in cells]))
    return [*parts, DESIGN_NOTES] if parts else []


def _about(design: Mapping) -> str:
    """Say what was fitted, and what these sets cannot tell."""
    said = [f"The model has {design['fitted']}; {design['degrees_of_freedom']} degrees of freedom between draws."]
    if design["without_outcome"]:
        said.append(f"Without outcome: {', '.join(design['without_outcome'])}.")
    if design["not_told"]:
        said.append(f"These sets do not tell the effect of {', '.join(design['not_told'])}.")
    if design["aliases"]:
        said.append(f"Aliases, not told apart: {'; '.join(' = '.join(of) for of in design['aliases'])}.")
    return " ".join(said)


def interaction_cells(design: Mapping, level: float) -> list[list[str]]:
    """Return a row for every interaction, with all its names.

    Args:
        level: the mean of the numbers.
    """
    about = {"metric": design["metric"], "level": level, "span": 1.0}
    return [
        [" = ".join(row["terms"]), f"{verdicts.effect(about, row)})", p_value(row["p_corrected"])]
        for row in design["interactions"]
    ]


def factor_cells(row: Mapping) -> list[str]:
    """Return a factor's row: its effect, and that of the same property varied alone."""
    alone = row["alone"]
    own = [row["contrast"], f"{verdicts.effect(row, row)}) {verdicts.per(row)}", p_value(row["p_corrected"])]
    if "missing" in alone:
        return [*own, f"{alone['question']} {alone['missing']}".strip(), "–", "–", "–"]
    found = f"{alone['question']}, {alone['contrast']}: {verdicts.effect(row, alone)})"
    return [*own, found, alone["sign"], alone["size"], f"{verdicts.effect(row, alone['difference'])})"]


def _contrast_cells(row: Mapping) -> list[str]:
    floor, matched = row["floor"], row["matched"]
    said, beside = "no random controls", "no matched controls"
    if row["kind"] == verdicts.FACTOR:
        beside = verdicts.held_equal(row)
    if floor:
        ratio = floor["signal_to_noise"]
        said = f"sd {units.amount(row['metric'], floor['deviation'], row['level'])}"
        said += f", signal/noise {ratio:.2g}" if ratio is not None else ""
        if floor["pairs"]:
            alarms = [floor[name] for name in ("false_alarms", "false_alarms_over_problems_alone")]
            said += ", false alarms {:.0%} (over problems alone {:.0%}) of {}".format(*alarms, floor["pairs"])
    recipe = f" ({row['recipe']})" if row["recipe"] else ""
    return [
        f"{row['question']}, {row['pool']}, {row['model']}{recipe}: {row['contrast']}",
        row["task"],
        verdicts.effect(row, row) + ")",
        p_value(row["p_corrected"]),
        verdicts.effect(row, matched) + ")" if matched else beside,
        verdicts.amount(row, row["detectable"]),
        said,
        row["chance"]["next"],
    ]


def _scale(document: Mapping) -> list[str]:
    """Return the contrasts by the size of the training sets, and the decision accuracies; nothing if there are none."""
    header, rows = size_table(document)
    said = [f"- {_escaped(decision(one))}" for one in document["scale"]["decisions"]]
    sizes = ["## Sizes of the training sets", _table(header, [[_escaped(cell) for cell in row] for row in rows])]
    return [*(sizes if rows else []), *(["## Do other settings decide alike?", "\n".join(said)] if said else [])]


def size_table(document: Mapping) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the contrasts that were found at several sizes: a row each, a column for every size."""
    sizes = {one["percent"]: one["contrasts"] for one in document["scale"]["sizes"]}
    sizes[decisions.WHOLE] = document["primary"]["contrasts"]
    keyed = {at: {tuple(row[key] for key in CONTRAST_KEYS): row for row in rows} for at, rows in sizes.items()}
    names = dict.fromkeys(key for at, rows in keyed.items() if at != decisions.WHOLE for key in rows)
    rows = [[", ".join(filter(None, name)), *(_size_cell(of.get(name)) for of in keyed.values())] for name in names]
    return ["contrast", *(f"{at} %" for at in keyed)], rows


def _size_cell(row: Mapping | None) -> str:
    return f"{verdicts.effect(row, row)}): {row['verdict']}" if row else "no outcome"


def decision(one: Mapping) -> str:
    """Return a decision accuracy as a sentence."""
    unit = " % of each set" if one["over"] == "percent" else ""
    first, second = (f"{printable(str(name))}{unit}" for name in one["settings"])
    where = ", ".join(filter(None, [*decided_with(one), one["task"]]))
    if not one["all"]:
        return f"{printable(where)}: no primary contrast has a sign in both {first} and {second}."
    said = f"{printable(where)}: {first} and {second} order {share(one['all'])} of the primary contrasts alike"
    supporting, none = (second, "supports none") if one["dearer"] else ("either of them", "supports one")
    if one["supported"]:
        return f"{said}; of those that {supporting} supports, {share(one['supported'])}."
    return f"{said}; {supporting if one['dearer'] else 'neither of them'} {none}."


def decided_with(one: Mapping) -> list[str]:
    """Return the model and the recipe of a decision accuracy, of both settings alike."""
    return [one[name] for name in ("model", "recipe") if one["over"] != name]


def share(found: Mapping) -> str:
    """Return how many contrasts two settings order alike, with its interval."""
    low, high = (f"{100 * found[end]:.0f}" for end in ("low", "high"))
    return f"{found['alike']} of {found['contrasts']} ({100 * found['share']:.0f} %, 95 % interval {low} to {high})"


def heading(group: Mapping) -> str:
    recipe = f" ({printable(group['recipe'])})" if group["recipe"] else ""
    return f"pool {printable(group['pool'])}, model {printable(group['model'])}{recipe}, {printable(group['harness'])}"


def _rate_table(group: Mapping) -> tuple[list[str], list[list[str]]]:
    """Return header and rows: a row for each condition, a column for each task and k."""
    names = sorted({one["condition"] for task in group["tasks"] for one in task["conditions"]}, key=units.natural)
    header, rows = ["condition"], [[_escaped(name)] for name in names]
    for task in group["tasks"]:
        conditions, metric = {one["condition"]: one for one in task["conditions"]}, task["metric"]
        size = f"{task['problems']} problem{'s' * (task['problems'] > 1)}"
        for k in task["conditions"][0].get("pass_at", ["1"]):
            header.append(_escaped(f"{task['label']}, {units.name(metric, k)} ({size})"))
            for name, row in zip(names, rows, strict=True):
                row.append(_rate_cell(conditions[name], k, metric) if name in conditions else "no outcome")
    return header, rows


def _rate_cell(condition: Mapping, k: str, metric: Mapping) -> str:
    rate = condition.get("pass_at", {k: condition})[k]
    mean, low, high = (units.shown(metric, rate[key]) for key in ("estimate", "low", "high"))
    if rate["deviation"] is None:
        return f"{mean} ({low} to {high}), one run"
    deviation = units.shown(metric, rate["deviation"])
    return f"{mean} ({low} to {high}), {condition['replicates']} {condition['replicates_are']}, sd {deviation}"


def _difference_table(pairs: Sound) -> list[str]:
    """Return the lines of a table of at most ``PAIRS_SHOWN`` pairs, the smallest p first."""
    if not pairs:
        return []
    only_pass = all(units.passes(task["metric"]) for task, _ in pairs)
    ordered = sorted(pairs, key=lambda one: (one[1]["p"], -abs(one[1]["difference"])))
    rows = [
        [
            _escaped(f"{pair['condition']} minus {pair['against']}"),
            _escaped(task["label"]),
            _escaped(_difference_cell(task["metric"], pair, only_pass)),
            p_value(pair["p"]),
            p_value(pair["p_corrected"]),
            "supported" if pair["supported"] else "not supported",
        ]
        for task, pair in ordered[:PAIRS_SHOWN]
    ]
    header = ["difference", "task", "points" if only_pass else "size", "p", "p corrected", ""]
    shown = [_table(header, rows)]
    if len(pairs) > PAIRS_SHOWN:
        shown.append(f"These are the {PAIRS_SHOWN} smallest p values of {len(pairs)}; `differences.csv` has all.")
    return shown


def _transfer_table(group: Mapping) -> list[str]:
    """Return the lines of a table of gains: a row for each condition, a column for each task."""
    tasks = [task for task in group["tasks"] if task["transfer"]]
    if not tasks:
        return []
    names = sorted({one["condition"] for task in tasks for one in task["transfer"]}, key=units.natural)
    cells = [{one["condition"]: _gain_cell(one) for one in task["transfer"]} for task in tasks]
    header = ["gain", *(_escaped(f"{task['label']} ({task['problems']} problems)") for task in tasks)]
    return [
        TRANSFER_NOTES,
        _table(header, [[_escaped(name), *(of.get(name, "no outcome") for of in cells)] for name in names]),
    ]


def _gain_cell(row: Mapping) -> str:
    gain, low, high = (f"{100 * row[end]:+.2f}" for end in ("gain", "low", "high"))
    return f"{gain} % ({low} to {high})"


def _difference_cell(metric: Mapping, pair: Mapping, only_pass: bool) -> str:
    difference, low, high = (units.signed(metric, pair[key]) for key in ("difference", "low", "high"))
    unit = "" if only_pass else f" {units.of_difference(metric)}"
    return f"{difference}{unit} ({low} to {high})"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _settings_line(task: Mapping) -> str:
    settings = ", ".join(f"{name} = {value}" for name, value in sorted(task["settings"].items()))
    return f"- Settings of {_escaped(task['label'])}: {_escaped(settings) or 'none recorded'}"


def _escaped(text: str) -> str:
    """Return text on one line, escaped so that it means nothing to Markdown or HTML."""
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*\[\]|#~])", r"\\\1", plain)
