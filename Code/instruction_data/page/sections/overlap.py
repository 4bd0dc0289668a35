"""The section on records that training sets share."""

from instruction_data.measures import profiles
from instruction_data.page import figures
from instruction_data.page.figures import Drawing
from instruction_data.page.html import Section
from instruction_data.page.report import Report

OVERLAPPED = 60  # the most splits in one figure


def section(report: Report) -> Section:
    members = {name: part for name, _, part in report.findings.found.splits()}
    names = list(members)[:OVERLAPPED]
    matrix = profiles.jaccard_matrix([members[name] for name in names])
    rows = [[name, *(f"{value:.2f}" for value in line)] for name, line in zip(names, matrix, strict=True)]
    says = "Records that two training sets share, of those that either has: the fuller the colour, the more."
    if len(members) > len(names):
        says += f" The first {len(names)} of {len(members)}."
    drawing = Drawing(
        "overlap", "Overlap of the training sets.", says, figures.overlap(names, matrix), ("training set", *names), rows
    )
    return Section("overlap", "Overlap", [report.drawn(drawing, wide=True)])
