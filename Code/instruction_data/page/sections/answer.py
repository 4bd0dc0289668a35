"""The first section: a row for every question and pool with its answer, or the command that finds one."""

from collections.abc import Iterator, Mapping, Sequence

from instruction_data.answer import plain, units, verdicts
from instruction_data.answer.sentences import p_value
from instruction_data.page import answer_figure, figures, findings, html, svg
from instruction_data.page.answer_figure import Compared, Row, Strip
from instruction_data.page.figures import Drawing
from instruction_data.page.html import Answered, Answers, Notice, Section, Table, Text, visible
from instruction_data.page.report import Report
from instruction_data.page.sections import effects

NAME = "answer"  # of the figure's files
INTRODUCTION = (
    "Each row compares two training sets of equal size that were made to differ in one property: what did a model gain "
    "from each? Right is better."
)
SLOPES = "; of shares, the ends of the straight line through all sets"
OVER = {
    "untrained": "the untrained model",
    "random": "the mean of random sets, as no untrained model was scored",
    "ends": "the middle between ○ and ●, as neither an untrained model nor random sets were scored",
}
OVER_RECIPES = (
    "Does an answer depend on how the models were trained? It is robust if every recipe supports it in one direction, "
    "or none has an effect larger than told. It flips if some support it in one direction and some in the other. "
    "Otherwise these trainings cannot tell."
)
KEY = {
    "ends": "the models that were trained on the two sets compared{slopes}",
    "zero": "the zero line: {over}",
    "bar": "where ● may lie, seen from ○ (95 % interval): if it reaches ○, chance alone can explain the difference",
    "band": "where most sets of randomly picked records lie (their mean ± 2 standard deviations)",
    "matched": "stand-ins for ○ and ●: other records with the same {traits}; if they differ as much, those may be the "
    "reason",
}


def section(report: Report) -> Section:
    """Return the answers; where a question has none yet, the command that finds them."""
    primary = report.findings.documents.get("comparison", {}).get("primary", {})
    found = primary.get("verdicts", ())
    compared = [one for one in found if primary["contrasts"][one["rows"][0]]["kind"] != verdicts.FACTOR]
    blocks: list[object] = [Text(INTRODUCTION), _answers(report, primary, compared)] if compared else []
    blocks += effects.blocks(report, primary)
    if primary.get("over_recipes"):
        blocks += [Text(OVER_RECIPES), _recipes_table(report, primary["over_recipes"])]
    missing = [
        (question, pool)
        for question in report.findings.questions
        for pool in report.findings.pools_of(question)
        if report.findings.main_set(question, pool)
        and (question, pool) not in {(one["question"], one["pool"]) for one in found}
    ]
    if missing:
        names = "; ".join(f"{report.title(question)} · {pool}" for question, pool in missing)
        text = f"No answer yet: {names}." if found else "There is no answer yet: no models are compared."
        text += " This one command trains models, scores them and answers. Stopped, it goes on where it was:"
        blocks.append(Notice(text, report.hints.study(missing if found else ())))
    if report.hints.explained:
        blocks.append(Text(report.hints.explained))
    return Section("answer", "The answer", blocks)


def _answers(report: Report, primary: Mapping, found: Sequence[Mapping]) -> Answers:
    """Return the figure of these verdicts as a part of the page; write its files for papers."""
    rows = primary["contrasts"]
    headlines = [[rows[place] for place in one["rows"][: one["headline"]]] for one in found]
    shown = [[strip_of(row) for row in of] for of in headlines]
    ends = limits(headlines, shown)
    made, papers = [], []
    for number, (one, headline, strips) in enumerate(zip(found, headlines, shown, strict=True), 1):
        low, high = end_names(report, headline[0])
        lead, rest = plain.said(one["kind"], headline, low, high)
        named = title(report, one, found)
        parts = []
        for place, (row, strip) in enumerate(zip(headline, strips, strict=True), 1):
            drawn = figures.encoded(answer_figure.strip(strip, ends[_scale(row)]), "svg", NAME)
            caption = f"Score: {plain.score(row['metric'])}; {verdicts.on(row)}"
            parts.append(html.Strip(caption, says(row, low, high), svg.inline(drawn, f"{NAME}-{number}-{place}")))
        asked = report.asks(one["question"])
        numbers = numbers_table([rows[place] for place in one["rows"]], low, high, primary["comparisons"])
        made.append(Answered(f"{NAME}-{number}", named, asked, low, high, lead, rest, parts, one["sentence"], numbers))
        scaled = [(strip, ends[_scale(row)]) for strip, row in zip(strips, headline, strict=True)]
        scores = "; below: ".join(verdicts.on(row) for row in headline)
        papers.append(Row(*map(visible, (named, low, high, scores, lead, rest)), scaled))
    key = _key([strip for of in shown for strip in of], [row for of in headlines for row in of])
    note = visible("Right is better. " + " ".join(f"{answer_figure.SIGNS[mark]} {key[mark]}." for mark in key))
    table = [[row.title, row.low, row.high, row.lead, row.rest, row.exact] for row in made]
    header = ("question and pool", "○", "●", "answer", "in words", "exactly")
    report.drawn(Drawing(NAME, "The answer.", INTRODUCTION, answer_figure.paper(papers, note), header, table))
    return Answers(NAME, key, made)


def _recipes_table(report: Report, found: Sequence[Mapping]) -> Table:
    """Return what several recipes say of each contrast, a row for every score."""
    recipes = list(dict.fromkeys(each["recipe"] for one in found for each in one["recipes"]))
    cells = []
    for one in found:
        effects = {each["recipe"]: each["effect"] for each in one["recipes"]}
        title = f"{report.title(one['question'])} · pool {one['pool']} · {one['model']} · {one['contrast']}"
        largest = one.get("largest")  # earlier versions did not say
        answer = f"{one['kind']}: none larger than {largest}" if largest else one["kind"]
        cells.append([title, one["task"], answer, *(effects.get(recipe, "–") for recipe in recipes)])
    return Table("Over recipes", ("contrast", "score", "answer", *recipes), cells)


def strip_of(row: Mapping) -> Strip:
    """Return what a contrast's strip shows."""
    metric, level, floor, found = row["metric"], row["level"], row["floor"], row["gains"]

    def gain(value: float) -> float:
        return units.gain(metric, value, level)

    def compared(ends: Mapping, contrast: Mapping) -> Compared:
        low = ends["low"]["estimate"]
        first, last = sorted(gain(low + row["span"] * contrast[end]) for end in ("low", "high"))
        bar = None if row["intervals_over"] == "problems" else (first, last)
        return Compared(gain(low), gain(ends["high"]["estimate"]), bar)

    matched, band = None, None
    if found["matched"]:
        matched = compared(found["matched"], row["matched"]["controls_alone"])
    if floor:
        low, high = sorted(gain(found["random"] + side * floor["deviation"]) for side in (-2, 2))
        band = (low, high)
    return Strip(compared(found["splits"], row), matched, band, found["over"], units.step(metric, level))


def limits(headlines: Sequence[Sequence[Mapping]], shown: Sequence[Sequence[Strip]]) -> dict:
    """Return the ends of the axis of every scale: strips of one score and zero line can be compared by eye.

    Where some strips tell something, those that cannot do not decide how far their axis goes.
    """
    scales: dict[tuple, list[Strip]] = {}
    told = {_scale(row) for of in headlines for row in of if row["verdict"] != verdicts.CANNOT}
    pairs = [pair for of, strips in zip(headlines, shown, strict=True) for pair in zip(of, strips, strict=True)]
    for row, strip in pairs:
        if row["verdict"] != verdicts.CANNOT or _scale(row) not in told:
            scales.setdefault(_scale(row), []).append(strip)
    return {scale: answer_figure.limits(strips) for scale, strips in scales.items()}


def _scale(row: Mapping) -> tuple:
    return row["metric"]["name"], units.step(row["metric"], row["level"]), row["gains"]["over"]


def _key(strips: Sequence[Strip], rows: Sequence[Mapping]) -> dict[str, str]:
    """Return what the marks mean that are there."""
    there = {
        "band": any(one.band for one in strips),
        "bar": any(one.bars for one in strips),
        "matched": any(one.matched for one in strips),
    }
    over = "; or ".join(text for one, text in OVER.items() if one in {strip.over for strip in strips})
    traits = "; or ".join(dict.fromkeys(verdicts.traits_of(row) for row in rows if row["matched"]))
    slopes = SLOPES if any(row["kind"] != "ends" for row in rows) else ""
    return {
        mark: text.format(over=over, traits=traits, slopes=slopes)
        for mark, text in KEY.items()
        if there.get(mark, True)
    }


def end_names(report: Report, row: Mapping) -> tuple[str, str]:
    """Return names for the lowest and the highest dose: of splits, or with what was varied of a slope."""
    doses = [one["dose"] for one in row["conditions"]]
    if row["kind"] != "ends":
        return f"{row['contrast']}: {min(doses):g}", f"{row['contrast']}: {max(doses):g}"
    main = report.findings.main_set(row["question"], row["pool"])
    names = {end: [one["condition"] for one in row["conditions"] if one["dose"] == end] for end in (0, 1)}
    short = [[findings.short(name, main) if main else name for name in names[end]] for end in (0, 1)]
    return ", ".join(short[0]), ", ".join(short[1])


def title(report: Report, one: Mapping, found: Sequence[Mapping]) -> str:
    """Return the title of a contrast: question and pool, and what tells it from others of these."""
    alike = [each for each in found if (each["question"], each["pool"]) == (one["question"], one["pool"])]
    more = [one[name] for name in ("contrast", "model", "recipe") if len({each[name] for each in alike}) > 1]
    return " · ".join([report.title(one["question"]), f"pool {one['pool']}", *more])


def says(row: Mapping, low: str, high: str) -> str:
    """Return what a strip shows, in words."""
    return "; ".join(f"{what}: {value}" for what, value in _told(row, low, high)) + "."


def _told(row: Mapping, low: str, high: str) -> Iterator[tuple[str, str]]:
    """Yield what the marks of a strip stand for, with their values."""
    found, over = row["gains"], OVER[row["gains"]["over"]].partition(",")[0]

    def against(estimates: Mapping) -> str:
        return f"{verdicts.effect(row | {'span': 1.0}, estimates)})"

    yield f"{low}, over {over}", against(found["splits"]["low"])
    yield f"{high}, over {over}", against(found["splits"]["high"])
    yield "From the first to the second", f"{verdicts.effect(row, row)})"
    if found["matched"]:
        yield "The same of their stand-ins", f"{verdicts.effect(row, row['matched']['controls_alone'])})"
    if row["floor"]:
        step, deviation = units.step(row["metric"], row["level"]), row["floor"]["deviation"]
        mean, spread = (units.gain(row["metric"], value, row["level"]) for value in (found["random"], deviation))
        yield f"Random sets, over {over}", f"{mean:.2g} ± {2 * abs(spread):.2g} {step}"


def numbers_table(rows: Sequence[Mapping], low: str, high: str, family: int) -> Table:
    """Return all numbers of one contrast, a column for every score."""
    columns = []
    for row in rows:
        column, matched = dict(_told(row, low, high)), row["matched"]
        column[f"p, corrected for {family} contrasts"] = p_value(row["p_corrected"])
        if matched:
            column["More than their stand-ins"] = f"{verdicts.effect(row, matched)}), p {p_value(matched['p'])}"
        column["Missed one time in five"] = verdicts.amount(row, row["detectable"])
        column["Intervals are over"] = row["intervals_over"]
        column["Verdict"] = row["verdict"]
        columns.append(column)
    names = list(dict.fromkeys(name for column in columns for name in column))
    cells = [[name, *(column.get(name, "–") for column in columns)] for name in names]
    return Table("All scores", ("number", *(verdicts.on(row) for row in rows)), cells)
