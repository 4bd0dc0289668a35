"""What the training sets are like in short, a row for every question and pool; and the lines above all sections."""

from collections.abc import Sequence

from instruction_data.page import findings
from instruction_data.page.findings import Known
from instruction_data.page.html import Notice, Section, Table, Text
from instruction_data.page.report import Report
from instruction_data.page.sections.explorer import explored_pools
from instruction_data.publish.inventory import Set


def section(report: Report) -> Section:
    """Return a row per question and pool: the intended and other differences, benchmark problems, results."""
    known = report.findings
    rows = []
    for question in known.questions:
        for pool in known.pools_of(question):
            one = known.main_set(question, pool)
            if one:
                rows.append([f"{report.title(question)} · {pool}", *short_answers(known, one)])
    sentence = (
        "How far the two ends of each question lie apart in what was varied, and in what was not meant to vary (in "
        "standard deviations, sd); how much of a benchmark the sets hold (records that contain a problem's solution or "
        "docstring, and TLI, the share of its wording that they have); and which results are more than chance."
    )
    header = ("Question · pool", "Made to differ in", "Differs in besides", "Benchmark problems inside", "Results")
    blocks: list[object] = [Text(sentence), Table("Each question in one row", header, rows, cards=True)]
    for name, what in (("profiles", "Profiles and confounds are"), ("contamination", "Benchmark problems are")):
        if name not in known.documents:
            blocks.append(report.missing(name, what))
    for name in known.documents:
        if known.outdated(name):
            text = f"{findings.DOCUMENTS[name][0]} was made of other training sets than are here now. Make it again:"
            blocks.append(Notice(text, report.hints.document(name)))
    return Section("short", "In short", blocks)


def short_answers(known: Known, one: Set) -> list[str]:
    documents = known.documents
    besides, held, results = "not measured yet", "not looked for yet", "no results yet"
    if one.name in documents.get("confounds", {}).get("sets", {}):
        bound = documents["confounds"]["thresholds"]["standardised_difference"]
        besides = findings.also_differs(one, documents["confounds"]["sets"][one.name], bound)
    if "contamination" in documents:
        held = findings.benchmarks_in(one, documents["contamination"])
    if "comparison" in documents:
        results = findings.answer(documents["comparison"], one)
    return [findings.made_to_differ(one), besides, held, results]


def banner(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"Numbers on this page were made with models that come with the demo ({', '.join(names)}). They show how the "
        "method works; they do not reproduce the study."
    )


def lead(known: Known) -> str:
    sets, pools = sum(len(one.members) for one in known.found.sets), explored_pools(known)
    return (
        f"{counted(sets, 'training set')} from {counted(len(pools), 'pool')} ({', '.join(pools)}), for "
        f"{counted(len(known.questions), 'research question')}. Each question varies one property of the data. Here is "
        "what that did to models trained on the sets, and what else came to differ with it."
    )


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
