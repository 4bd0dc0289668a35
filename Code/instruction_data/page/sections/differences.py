"""The other differences between the training sets of a question: a figure, sentences and tables."""

from collections.abc import Iterator, Mapping

from instruction_data.page import figures, findings
from instruction_data.page.figures import Drawing
from instruction_data.page.findings import short
from instruction_data.page.html import Bullets, Figure, Table, Text
from instruction_data.page.report import Report
from instruction_data.publish.inventory import Set

BALANCED = 14  # measures in a figure of differences
DESIGNED = 4  # of these, the most that the splits were made by
WARNINGS = 5


def balance_figure(report: Report, one: Set) -> Iterator[Figure]:
    document = report.findings.documents.get("confounds")
    found = document["sets"].get(one.name) if document else None
    rows = findings.extremes(found) if found else []
    meant = [row for row in rows if row["by_design"]][:DESIGNED]
    rows = meant + [row for row in rows if not row["by_design"]][: BALANCED - len(meant)]
    if not rows:
        return
    bound = document["thresholds"]["standardised_difference"]
    a, b = (short(name, one) for name in found["extremes"])
    figure = figures.balance(
        {row["label"]: row["difference"] for row in rows},
        [row.get("standard_error") or 0.0 for row in rows],
        [row["by_design"] for row in rows],
        bound,
    )
    says = (
        f"{a} minus {b}, in standard deviations, with 95 % intervals; grey: within ±{bound}. A confound is what lies "
        "outside and was not meant to."
    )
    table = [[row["label"], row["mean_a"], row["mean_b"], row["difference"], row["by_design"]] for row in rows]
    header = ("measure", f"mean {a}", f"mean {b}", "difference", "meant")
    yield report.drawn(Drawing(f"{one.name}_balance", "What else differs.", says, figure, header, table))


def confound_blocks(report: Report, one: Set) -> list[object]:
    document = report.findings.documents.get("confounds")
    if not document or one.name not in document["sets"]:
        return [report.missing("confounds", "What the training sets differ in besides is")]
    found = document["sets"][one.name]
    blocks: list[object] = []
    if found["warnings"]:
        more = len(found["warnings"]) - WARNINGS
        rest = [f"{more} more in the table below."] if more > 0 else []
        blocks += [Text("Not meant, and large:"), Bullets([*found["warnings"][:WARNINGS], *rest])]
    else:
        blocks.append(Text("Nothing that was not meant differs by much."))
    differences = [
        [
            row["label"],
            short(row["a"], one),
            short(row["b"], one),
            row["mean_a"],
            row["mean_b"],
            row["difference"],
            mark(row),
        ]
        for row in findings.extremes(found)
    ]
    header = ("measure", "a", "b", "mean a", "mean b", "difference (sd)", "kind")
    if found["extremes"]:
        blocks.append(Table("All differences between the two ends", header, differences, folded=True))
    related = [
        [f"{report.label(row['property'])} with {row['label']}", row["n"], row["rho"], mark(row)]
        for row in sorted(found["correlations"], key=lambda row: -abs(row["rho"] or 0))
    ]
    header = ("property with measure", "records", "Spearman's rho", "kind")
    blocks.append(Table("Rank correlations of what the splits were made by", header, related, folded=True))
    return blocks


def mark(row: Mapping) -> str:
    if row["by_design"]:
        return "meant"
    return "large" if row["large"] else ""
