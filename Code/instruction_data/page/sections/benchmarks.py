"""The section on benchmark problems: how much of them the training sets hold, and the records that overlap most."""

from collections.abc import Mapping, Sequence

from instruction_data.page import findings
from instruction_data.page.html import Bullets, Section, Table
from instruction_data.page.report import Report
from instruction_data.publish.inventory import Set

OFFENDERS = 15
SOLVED = 20  # problems of each benchmark
RULES = {"substring": "Records hit", "tli": "TLI", "tli_record": "TLI, whole record", "execution": "Records solving"}


def contamination_blocks(report: Report, sets: Sequence[Set]) -> list[object]:
    document = report.findings.documents.get("contamination")
    if not document:
        return [report.missing("contamination", "Benchmark problems inside are")]
    rows = [
        [name, benchmark, found["substring"]["records"], *tli_cells(found), *solving_cells(document, found)]
        for one in sets
        for name in one.members
        for benchmark, found in document["splits"].get(name, {}).items()
    ]
    header = ["training set", "benchmark", "records hit", "TLI", "TLI, whole record", "problems above the threshold"]
    header += ["records solving a problem"] if "executed" in document else []
    return [Table("Benchmark problems inside the training sets", header, rows)] if rows else []


def tli_cells(found: Mapping) -> list[object]:
    return [*(f"{found[kind]['mean']:.2%}" for kind in ("tli", "tli_record")), found["tli"]["problems"]]


def solving_cells(document: Mapping, found: Mapping) -> list[object]:
    """Return a cell if anything was executed; a benchmark without tests has no figure."""
    return [found.get("execution", {}).get("records", "–")] if "executed" in document else []


def solved_blocks(document: Mapping) -> list[object]:
    """Return what was executed, and of each benchmark the problems that most independent programs solve."""
    executed = document.get("executed")
    if not executed:
        return []
    said = [f"{executed['functions']:,} different functions of the records were tried on the benchmarks' tests."]
    said += [f"{count:,} × {reason}." for reason, count in executed["skipped"].items()]
    blocks: list[object] = [Bullets(said)]
    for benchmark, solved in document["solved"].items():
        rows = [
            [one["problem"], one["records"], one["independent"], *(one["examples"][0][key] for key in EXAMPLE)]
            for one in solved[:SOLVED]
        ]
        header = ("problem", "records", "independent programs", "a function", "its record")
        caption = f"{benchmark}: {len(solved)} problems that records solve"
        blocks += [Table(caption, header, rows, cards=True)] if rows else []
    return blocks


EXAMPLE = ("function", "text")


def section(report: Report) -> Section:
    document = report.findings.documents.get("contamination")
    if not document:
        return Section("offenders", "Benchmark problems", [report.missing("contamination", "They are")])
    blocks: list[object] = [Bullets([f"{RULES.get(name, name)}: {rule}." for name, rule in document["rules"].items()])]
    for benchmark in document["benchmarks"]:
        rows = [
            [row["problem"], row["rule"], f"{row['tli']:.1%}", row["matched"] or "–", row["text"], len(row["splits"])]
            for row in findings.worst(document, benchmark, OFFENDERS)
        ]
        header = ("problem", "found by", "TLI", "matched", "record", "in pools and training sets")
        caption = f"{benchmark}: the records that overlap most"
        blocks.append(Table(caption, header, rows, cards=True))
    blocks += solved_blocks(document)
    return Section("offenders", "Benchmark problems", blocks)
