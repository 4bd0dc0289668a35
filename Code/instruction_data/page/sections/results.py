"""The results of models that were trained on the sets of a question and pool."""

from collections.abc import Mapping
from dataclasses import astuple

from instruction_data.page import estimates, figures, findings
from instruction_data.page.figures import Drawing
from instruction_data.page.findings import short
from instruction_data.page.html import Bullets, Figure, Grid, Notice, Table, Text
from instruction_data.page.report import Report
from instruction_data.publish.inventory import Set


def result_blocks(report: Report, question: str, pool: str) -> list[object]:
    document = report.findings.documents.get("comparison")
    if not document:
        text = "No model trained on these has been compared yet. The next step:"
        return [Notice(text, report.hints.results(question)[0])]
    blocks: list[object] = []
    for place, group in enumerate(findings.groups_of(document, question, pool)):
        blocks.append(Text(f"Results of {group['model']} trained on these, scored by {group['harness']}:"))
        blocks.append(Bullets(group["sentences"]))
        tasks = list(enumerate(group["tasks"]))
        names = [f"{question}_{pool.upper()}_results_{place + 1}_{number_ + 1}" for number_, _ in tasks]
        main = report.findings.main_set(question, pool)
        drawn = [result_figure(report, name, task, main) for name, (_, task) in zip(names, tasks, strict=True)]
        blocks.append(Grid(drawn))
        blocks += [differences_table(task) for task in group["tasks"] if task["differences"]]
    return blocks or [Text("No model trained on these has been scored yet.")]


def result_figure(report: Report, name: str, task: Mapping, main: Set | None) -> Figure:
    order = list(main.members) if main else []
    conditions = sorted(task["conditions"], key=lambda one: (*order, one["condition"]).index(one["condition"]))
    names = [short(one["condition"], main) if one["condition"] in order else one["condition"] for one in conditions]
    metric = estimates.metric_of(task)
    values = {shown: astuple(metric.of(one)) for shown, one in zip(names, conditions, strict=True)}
    says = f"{metric.says(task['problems'])}, with 95 % intervals over {task['intervals_over']}."
    if task["noise"]:
        says += f" Read nothing into it: {task['noise']}."
    rows = [
        [shown, one["replicates"], *map(metric.shown, values[shown])]
        for shown, one in zip(names, conditions, strict=True)
    ]
    header = ("training set", "replicates", metric.label, "low", "high")
    drawing = Drawing(name, f"{task['label']}.", says, figures.intervals(values, metric.label), header, rows)
    return report.drawn(drawing)


def differences_table(task: Mapping) -> Table:
    """Return a table of every two training sets of a task, the surest difference first."""
    metric = estimates.metric_of(task)
    rows = [
        [
            f"{pair['condition']} minus {pair['against']}",
            *map(metric.signed, astuple(metric.between(pair))),
            *(f"{pair[key]:.2g}" for key in ("p", "p_corrected")),
            "supported" if pair["supported"] else "not supported",
        ]
        for pair in sorted(task["differences"], key=lambda pair: pair["p"])
    ]
    header = ("difference", metric.step, "low", "high", "p", "p corrected", "verdict")
    return Table(f"Differences on {task['label']}", header, rows, folded=True)
