"""The page: which property makes models better, and what else differs? Figures, tables and plain sentences in one file.

Reads the results of the other scripts under a study root (manifests, scores, categories, the splits themselves,
Profiles/, Results/comparison.json, vectors in the cache) and computes only the places of a map's points. For a missing
result the page names the command that makes it. Writes:

    report.html      the page; needs no network, and only its own script can run in it
    figures/         every figure as SVG, PNG and PDF, for papers; page.json: their SHA-256 and the page's

    python Code/report/report.py --demo
    python Code/report/report.py --root DIR --output FILE

Maps and the browser of records show seeded samples, and say so.
"""

import argparse
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.page import findings, hints, html
from instruction_data.page.report import Report
from instruction_data.page.sections import (
    answer,
    benchmarks,
    explorer,
    in_short,
    origin,
    overlap,
    pools,
    question,
    records,
    scale,
)

PAGE = "report.html"
TITLE = "What differs between the training sets"


def compose(report: Report) -> tuple[dict, dict]:
    """Return the content of the page, and the data that its script shows."""
    known = report.findings
    report.folder.mkdir(exist_ok=True)
    explorers, mapped = explorer.explorers_of(report)
    samples = records.sample(report)
    sections = [answer.section(report), *scale.sections(report), in_short.section(report)]
    sections += [pools.section(report, explorers)]
    sections += [question.section(report, name) for name in sorted({*hints.SCRIPTS, *known.questions})]
    sections += [benchmarks.section(report), overlap.section(report), records.section(samples), origin.section(report)]
    shown = {"title": TITLE, "lead": in_short.lead(known), "banner": in_short.banner(known.embedded_models)}
    shown["footer"] = f"Made by Code/report/report.py, seed {report.seed}. Figures for papers lie in figures/."
    return shown | {"sections": sections}, {"seed": report.seed, "pools": mapped, "splits": samples}


def sign(report: Report, output: Path) -> None:
    """Write down how the figures and the page of a root were written, so that `publish verify` sees what was touched.

    Args:
        output: the page, which counts only if it is the root's own.
    """
    own = report.root / PAGE
    page = {PAGE: file_sha256(own)} if output.resolve() == own.resolve() else {}
    plain = [path for path in report.files if not names.fault(path.name)]  # a user's column may be called anything
    beside = {path.name: path.read_bytes() for path in plain}
    documents.write_derived(report.folder / "page.json", {"seed": report.seed, "page": page}, beside)


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    result.add_argument("--output", type=cli.path, metavar="FILE", help="the page (default: ROOT/report.html)")
    result.add_argument("--seed", type=cli.seed, default=cli.SEED, help="of samples and maps (default: %(default)s)")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    cache = root / ".cache"
    report = Report(findings.read(root, cache if cache.is_dir() else None), root, options.seed)
    shown, data = compose(report)
    output = options.output or root / PAGE
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, html.render(shown, data))
    sign(report, output)
    print(f"{output}: {output.stat().st_size / 1e6:,.1f} MB; figures in {report.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
