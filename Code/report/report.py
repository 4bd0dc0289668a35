"""The page: what differs between the training sets, in figures, tables and plain sentences, in one file.

Reads what the other scripts left under a study root (manifests, scores, categories, the splits themselves, Profiles/,
Results/comparison.json, vectors in the cache) and computes nothing but where the points of a map lie. What is not there
is named with the command that makes it. Writes:

    report.html      the page; needs no network, and nothing in it can run but its own script
    figures/         every figure as SVG, PNG and PDF, for papers

    python Code/report/report.py --demo
    python Code/report/report.py --root DIR --output FILE

Maps and the browser of records show seeded samples, and say so.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import DEMO_ROOT, REPOSITORY
from instruction_data.measures import profiles
from instruction_data.page import figures, findings, html, maps
from instruction_data.page.figures import Drawing
from instruction_data.page.findings import Findings, short
from instruction_data.page.html import Browser, Bullets, Explorer, Figure, Grid, Notice, Section, Table, Text, number
from instruction_data.publish.inventory import Set
from instruction_data.select import draws

QUESTIONS = {  # what each asks, and the script that makes its splits
    "RQ1": ("domain composition", "Code records give way to mathematical or general ones.", "domain_composition"),
    "RQ2": ("semantic diversity", "Tiers by how alike each record is to the rest of its pool.", "semantic_diversity"),
    "RQ3": ("problem complexity", "Tiers by a model's complexity score and its perplexity.", "problem_complexity"),
    "RQ4": ("type coverage", "Shares of algorithmic against practical tasks.", "type_coverage"),
}
TEMPLATES = Path(__file__).resolve().parent / "templates"
MAPPED = 3_000  # records of a pool on its map
SCATTERED = 1_000  # records in a drawing, where each is a part of the page
MAP_TEXT = 400  # characters of a record's texts there
BROWSED = 10  # records of a split in the browser
BROWSED_TEXT = 1_500  # characters of each of their fields
BALANCED = 14  # measures in a figure of differences
DESIGNED = 4  # of them those that the splits were made by
WARNINGS = 5
OFFENDERS = 15
OVERLAPPED = 60  # splits in one figure
RULES = {"substring": "Records hit", "tli": "TLI", "tli_record": "TLI, whole record"}
TITLE = "What differs between the training sets"


@dataclass(frozen=True)
class Report:
    """One run: what is known, what to draw with, where figures go."""

    findings: Findings
    root: Path
    seed: int

    @property
    def folder(self) -> Path:
        return self.root / "figures"

    def drawn(self, drawing: Drawing, *, wide: bool = False) -> Figure:
        """A figure as a part of the page, its files written."""
        svg = figures.inline(drawing.save(self.folder), drawing.name)
        numbers = Table(f"The numbers of: {drawing.title}", drawing.header, drawing.rows)
        return Figure(drawing.name, drawing.title, drawing.says, svg, numbers, wide)

    def hint(self, script: str) -> str:
        """A command for this root, without its path."""
        flags = {REPOSITORY: "", DEMO_ROOT: " --demo"}
        return f"{script}{flags.get(self.root, ' --root DIR')}"

    def missing(self, name: str, what: str) -> Notice:
        """Says which command makes a document that is not there."""
        return Notice(f"{what} not measured yet. This makes them:", self.hint(findings.DOCUMENTS[name][1]))

    def label(self, column: str) -> str:
        """What a column of the scores is called."""
        measures = self.findings.documents.get("profiles", {}).get("measures", {})
        return measures.get(column, {}).get("label", column.replace("_", " "))

    def draw(self, n: int, most: int, name: str) -> np.ndarray:
        """Positions of a seeded sample, ascending."""
        return np.sort(draws.draw(n, min(n, most), self.seed, name))


# In short


def in_short(report: Report) -> Section:
    """A row per question and pool: made to differ in, differs in besides, holds of benchmarks, results."""
    known = report.findings
    rows = []
    for question in known.questions:
        for pool in known.pools_of(question):
            one = known.main_set(question, pool)
            if one:
                rows.append([f"{title(question)} · {pool}", *short_answers(known, one)])
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
            blocks.append(Notice(text, report.hint(findings.DOCUMENTS[name][1])))
    if "comparison" not in known.documents:
        blocks.append(report.missing("comparison", "Results are"))
    return Section("short", "In short", blocks)


def short_answers(known: Findings, one: Set) -> list[str]:
    documents = known.documents
    besides, held, results = "not measured yet", "not looked for yet", "no results yet"
    if one.name in documents.get("confounds", {}).get("sets", {}):
        bound = documents["confounds"]["thresholds"]["standardised_difference"]
        besides = findings.also_differs(one, documents["confounds"]["sets"][one.name], bound)
    if "contamination" in documents:
        held = findings.benchmarks_in(one, documents["contamination"])
    if "comparison" in documents:
        results = findings.verdict(findings.groups_of(documents["comparison"], one.question, one.pool), one)
    return [findings.made_to_differ(one), besides, held, results]


def title(question: str) -> str:
    return f"{question}, {QUESTIONS[question][0]}" if question in QUESTIONS else question


# The pools


def pools_section(report: Report, explorers: Mapping[str, Explorer | Notice]) -> Section:
    known = report.findings
    blocks: list[object] = []
    if "profiles" in known.documents:
        profiles = known.documents["profiles"]["pools"]
        blocks.append(profile_table("Pools", {name: profiles[name] for name in known.found.pools if name in profiles}))
    parts = []
    for pool, explorer in explorers.items():
        drawn = category_figure(report, pool)
        parts.append(Section(f"pool-{pool}", f"Pool {pool}", [explorer, Grid(drawn)]))
    return Section("pools", "The pools", blocks, parts)


def category_figure(report: Report, pool: str) -> list[Figure]:
    """How many records each category has, and how clearly."""
    names, of = report.findings.categories
    numbers = np.unique(report.findings.found.pools.get(pool, np.zeros(0, dtype=np.int64)))
    numbers = numbers[of[numbers] >= 0]
    if not len(numbers):
        return []
    counts = {name: int((of[numbers] == place).sum()) for place, name in enumerate(names)}
    counts = dict(sorted(counts.items(), key=lambda item: -item[1]))
    margin = report.findings.margins
    rows = []
    for name, count in counts.items():
        mine = numbers[of[numbers] == names.index(name)]
        rows.append([name, count, count / len(numbers), float(np.median(margin[mine])) if count else None])
    says = (
        f"The category whose description is nearest to each of {len(numbers):,} distinct records. Its lead over the "
        f"next is {number(float(np.median(margin[numbers])))} in the median (cosine): the smaller, the more arbitrary."
    )
    drawing = Drawing(
        f"{pool}_categories",
        f"Task categories of {pool}.",
        says,
        figures.bars(counts, "records"),
        ("category", "records", "share", "median lead over the next"),
        rows,
    )
    return [report.drawn(drawing)]


def profile_table(caption: str, profiles: Mapping[str, Mapping], **options: bool) -> Table:
    """A row per pool or split: what it is like."""
    header = ("name", "records", "tokens in, median", "tokens out, median", "commonest language")
    header += ("Python that compiles", "exact copies", "near copies", "mean pairwise similarity", "Vendi score")
    return Table(caption, header, [profile_row(name, one) for name, one in profiles.items()], **options)


def profile_row(name: str, one: Mapping) -> list[object]:
    spread, diversity = one["distributions"], one["diversity"] or {}
    medians = [spread.get(f"{part}_tokens", {}).get("quantiles", {}).get("50") for part in ("instruction", "output")]
    there = one["records"] - one["unread"]
    language = next(iter(one["languages"].items()), None)
    share = one["python"]["share"]
    return [
        name,
        one["records"],
        *medians,
        f"{language[0]} {language[1] / there:.0%}" if language and there else "–",
        "–" if share is None else f"{share:.1%}",
        *(one["duplicates"][kind] for kind in ("exact", "near")),
        diversity.get("mean_pairwise_similarity"),
        diversity.get("vendi_score"),
    ]


# One question


def question_section(report: Report, question: str) -> Section:
    pools = report.findings.pools_of(question)
    folder, blocks = question, []
    if question in QUESTIONS:
        _, sentence, script = QUESTIONS[question]
        blocks.append(Text(sentence))
        if not pools:
            text = "No training set of this question is here. This makes them:"
            blocks.append(Notice(text, report.hint(f"python Code/{folder}/{script}.py")))
    parts = [question_of_pool(report, question, pool) for pool in pools]
    return Section(question.lower(), title(question), blocks, parts)


def question_of_pool(report: Report, question: str, pool: str) -> Section:
    sets = report.findings.sets_of(question, pool)
    blocks: list[object] = [splits_table(report, sets)]
    main = report.findings.main_set(question, pool)
    if main:
        drawn = [*property_figures(report, main), *mixture_figure(report, main)]
        drawn += [*category_shares(report, main), *length_figures(report, main), *balance_figure(report, main)]
        blocks.append(Grid(drawn))
        blocks += confound_blocks(report, main)
    blocks += contamination_blocks(report, sets)
    blocks += result_blocks(report, question, pool)
    return Section(f"{question}-{pool}".lower(), f"{question} · {pool}", blocks)


def splits_table(report: Report, sets: Sequence[Set]) -> Table:
    """The training sets of a question and pool, controls and other sets made from them behind."""
    profiles = report.findings.documents.get("profiles", {}).get("splits", {})
    names = [name for one in sets for name in one.members]
    if all(name in profiles for name in names):
        return profile_table("Training sets", {name: profiles[name] for name in names})
    rows = []
    for one in sets:
        for name, split in one.manifest["splits"].items():
            summary = ", ".join(f"{figure} {number(value)}" for figure, value in split["summary"].items())
            rows.append([name, split["records"], summary])
    return Table("Training sets", ("name", "records", "what tells it apart"), rows)


def property_figures(report: Report, one: Set) -> Iterator[Figure]:
    """What tiers were cut by, and its parts."""
    if not findings.disjoint(one):
        return
    by_cuts = sorted(one.properties.items(), key=lambda item: not findings.cuts(one, item[1]))  # what was cut, first
    for column, values in by_cuts:
        groups = {short(name, one): values[part] for name, part in one.members.items()}
        groups = {name: part[np.isfinite(part)] for name, part in groups.items()}
        if not all(len(part) for part in groups.values()):
            continue
        log = column == "perplexity" and min(part.min() for part in groups.values()) > 0
        at = findings.cuts(one, values)
        says = f"Records by {report.label(column)}, stacked; " + (
            f"the tiers are cut at {' and '.join(map(number, at))} (dashed)." if at else "the tiers were not cut by it."
        )
        rows = [[name, len(part), *np.quantile(part, (0, 0.5, 1)).tolist()] for name, part in groups.items()]
        drawing = Drawing(
            figures.named(one.name, column),
            f"{report.label(column).capitalize()}.",
            says,
            figures.histogram(groups, at, report.label(column), log=log),
            ("training set", "records", "lowest", "median", "highest"),
            rows,
        )
        yield report.drawn(drawing)
    yield from complexity_scatter(report, one)


def complexity_scatter(report: Report, one: Set) -> Iterator[Figure]:
    if not {"score", "perplexity"} <= one.properties.keys():
        return
    of = membership(one, len(report.findings.found))
    score, perplexity = one.properties["score"], one.properties["perplexity"]
    there = np.flatnonzero(np.isfinite(score) & np.isfinite(perplexity) & (perplexity > 0))
    chosen = there[report.draw(len(there), SCATTERED, f"scatter {one.name}")]
    names = [short(name, one) for name in one.members]
    figure = figures.points(
        perplexity[chosen], score[chosen], names, of[chosen], ("perplexity", "complexity score"), log=True
    )
    rows = [
        [name, *(float(np.nanmedian(values[part])) for values in (score, perplexity))]
        for name, part in zip(names, one.members.values(), strict=True)
    ]
    shown = sampled(len(chosen), len(there), report.seed)
    says = f"Each point is a record ({shown}). The map of the pool, placed by complexity, shows which."
    header = ("training set", "median score", "median perplexity")
    yield report.drawn(Drawing(f"{one.name}_scatter", "Score against perplexity.", says, figure, header, rows))


def sampled(shown: int, of: int, seed: int) -> str:
    return f"all {of:,}" if shown == of else f"{shown:,} of {of:,}, drawn with seed {seed}"


def membership(one: Set, n: int) -> np.ndarray:
    """int64 ``[n]``: which of a set's splits every record is in, −1 for none."""
    of = np.full(n, -1, dtype=np.int64)
    for place, part in enumerate(one.members.values()):
        of[part] = place
    return of


def mixture_figure(report: Report, one: Set) -> Iterator[Figure]:
    groups = {short(name, one): split["sources"] for name, split in one.manifest["splits"].items()}
    sources = list(dict.fromkeys(source for group in groups.values() for source in group))
    if len(sources) < 2:
        return
    rows = [[name, *(group.get(source, 0) for source in sources)] for name, group in groups.items()]
    figure = figures.composition(groups, "records")
    says = "Where the records of each training set come from."
    header = ("training set", *sources)
    yield report.drawn(Drawing(f"{one.name}_mixture", "Composition.", says, figure, header, rows))


def category_shares(report: Report, one: Set) -> Iterator[Figure]:
    names, of = report.findings.categories
    groups, rows = {}, []
    for name, members in one.members.items():
        known = of[members][of[members] >= 0]
        if len(known):
            share = np.bincount(known, minlength=len(names)) / len(known)
            groups[short(name, one)] = dict(zip(names, share.tolist(), strict=True))
    if not groups:
        return
    rows = [[category, *(f"{group[category]:.1%}" for group in groups.values())] for category in names]
    figure = figures.shares(groups, "% of the records that have a category")
    says = "The share of each category in every training set; a long grey line is a large difference."
    header = ("category", *groups)
    yield report.drawn(Drawing(f"{one.name}_categories", "Task categories.", says, figure, header, rows))


def length_figures(report: Report, one: Set) -> Iterator[Figure]:
    profiles = report.findings.documents.get("profiles", {}).get("splits", {})
    for measure, what in (("instruction_tokens", "Instruction length"), ("output_tokens", "Output length")):
        groups = {
            short(name, one): profiles[name]["distributions"][measure]["quantiles"]
            for name in one.members
            if measure in profiles.get(name, {}).get("distributions", {})
        }
        if not groups:
            continue
        header = ("training set", *(f"{percent} %" for percent in ("5", "25", "50", "75", "95")))
        rows = [[name, *(at[percent] for percent in ("5", "25", "50", "75", "95"))] for name, at in groups.items()]
        says = "Thick: the middle half of the records; thin: nine tenths; dot: the median."
        figure = figures.spans(groups, "tokens", log=all(at["5"] > 0 for at in groups.values()))
        yield report.drawn(Drawing(f"{one.name}_{measure}", f"{what}.", says, figure, header, rows))


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


def contamination_blocks(report: Report, sets: Sequence[Set]) -> list[object]:
    document = report.findings.documents.get("contamination")
    if not document:
        return [report.missing("contamination", "Benchmark problems inside are")]
    rows = [
        [name, benchmark, found["substring"]["records"], *tli_cells(found)]
        for one in sets
        for name in one.members
        for benchmark, found in document["splits"].get(name, {}).items()
    ]
    header = ("training set", "benchmark", "records hit", "TLI", "TLI, whole record", "problems above the threshold")
    return [Table("Benchmark problems inside the training sets", header, rows)] if rows else []


def tli_cells(found: Mapping) -> list[object]:
    return [*(f"{found[kind]['mean']:.2%}" for kind in ("tli", "tli_record")), found["tli"]["problems"]]


# Results


def result_blocks(report: Report, question: str, pool: str) -> list[object]:
    document = report.findings.documents.get("comparison")
    if not document:
        return [report.missing("comparison", "Results of models trained on these are")]
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
    rates = {shown: one["pass_at"]["1"] for shown, one in zip(names, conditions, strict=True)}
    values = {condition: (rate["estimate"], rate["low"], rate["high"]) for condition, rate in rates.items()}
    says = f"Share of {task['problems']} problems solved (pass@1), with 95 % intervals over {task['intervals_over']}."
    if task["noise"]:
        says += f" Read nothing into it: {task['noise']}."
    rows = [
        [shown, one["replicates"], *(f"{100 * value:.1f}" for value in values[shown])]
        for shown, one in zip(names, conditions, strict=True)
    ]
    header = ("training set", "replicates", "pass@1 (%)", "low", "high")
    drawing = Drawing(name, f"{task['label']}.", says, figures.intervals(values, "pass@1 (%)"), header, rows)
    return report.drawn(drawing)


def differences_table(task: Mapping) -> Table:
    rows = [
        [
            f"{pair['condition']} minus {pair['against']}",
            *(f"{100 * pair[key]:+.1f}" for key in ("difference", "low", "high")),
            *(f"{pair[key]:.2g}" for key in ("p", "p_corrected")),
            "supported" if pair["supported"] else "not supported",
        ]
        for pair in sorted(task["differences"], key=lambda pair: pair["p"])
    ]
    header = ("difference", "points", "low", "high", "p", "p corrected", "verdict")
    return Table(f"Differences on {task['label']}", header, rows, folded=True)


# What concerns all splits


def offenders_section(report: Report) -> Section:
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
    return Section("offenders", "Benchmark problems", blocks)


def overlap_section(report: Report) -> Section:
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


def origin_section(report: Report) -> Section:
    """Where each number came from."""
    known = report.findings
    rows, packages = [], []
    for name, manifest in findings.provenance(known):
        pools = "\n".join(f"{pool} {entry['sha256'][:12]}" for pool, entry in manifest["pools"].items())
        used = "\n".join(f"{role}: {identified(model)}" for role, model in manifest["models"].items()) or "none"
        rows.append([name, manifest["command"], manifest["seed"], pools, used])
        packages.append([name, ", ".join(f"{key} {value}" for key, value in manifest["packages"].items())])
    header = ("set", "command", "seed", "pools (SHA-256)", "models")
    manifest_rows = [[file, sha256] for file, sha256 in known.found.sources.items()]
    derived = [
        [findings.DOCUMENTS[name][0], report.hint(findings.DOCUMENTS[name][1]), settings_of(name, content)]
        for name, content in known.documents.items()
    ]
    places = {REPOSITORY: "", DEMO_ROOT: " build/demo"}
    blocks: list[object] = [
        Notice(
            "Every file behind this page is listed with its SHA-256 in a manifest. The same inputs give the same page, "
            "byte by byte. This hashes all files again and compares:",
            f"python -m instruction_data.publish verify{places.get(report.root, ' DIR')}",
        ),
        Table("Training sets", header, rows, cards=True),
        Table("Derived from them", ("file", "command", "settings"), derived, cards=True),
        Table("Manifests", ("file", "SHA-256"), manifest_rows, folded=True),
        Table("Versions", ("set", "packages"), packages, folded=True),
    ]
    notes = known.documents.get("profiles", {}).get("notes") or known.found.notes
    if notes:
        blocks.append(Bullets(notes))
    return Section("origin", "Where each number came from", blocks)


def identified(model: Mapping) -> str:
    return f"{model['model']} {(model.get('revision') or model.get('sha256') or '')[:12]}"


def settings_of(name: str, content: Mapping) -> str:
    """What shaped a derived document, in a line each."""
    said = []
    if name == "profiles":
        near = content["near_duplicates"]
        said.append(f"seed {content['seed']}, samples of at most {content['sample']['asked']} records")
        said.append(f"tokens of {identified(content['tokenizer'])}")
        said.append(f"near copies: {near['package']} {near['version']}, threshold {near['threshold']}")
        said.append(f"languages: {content['detector']['package']} {content['detector']['version']}")
    elif name == "confounds":
        said.append(content["thresholds"]["sources"])
    elif name == "contamination":
        said += [
            f"{bench}: {one['problems']} problems, {one['sha256'][:12]}" for bench, one in content["benchmarks"].items()
        ]
    else:
        said.append(f"seed {content['seed']}, {content['correction']}, {len(content['inputs'])} outcomes")
    return "\n".join(said)


# The maps


def explored_pools(known: Findings) -> list[str]:
    """The pools that training sets were made of."""
    return [name for name in known.found.pools if name in {one.pool for one in known.found.sets}]


def explorer_of(report: Report, pool: str) -> tuple[Explorer | Notice, dict | None]:
    """The map of a pool as a part of the page, and the data it shows."""
    known = report.findings
    everything = np.unique(known.found.pools[pool][known.found.known[known.found.pools[pool]]])
    chosen = everything[report.draw(len(everything), MAPPED, f"map {pool}")]
    views = [*meaning_view(report, pool, chosen), *complexity_view(report, pool, chosen)] if len(chosen) else []
    if not views:
        text = f"There is no map of {pool}: neither its vectors nor its complexity are here. This makes vectors:"
        return Notice(text, report.hint("python Code/RQ2/semantic_diversity.py")), None
    colours = groupings(known, pool, chosen)
    places = {int(found): place for place, found in reversed(list(enumerate(known.found.pools[pool])))}
    records = [map_record(report, pool, int(one), places[int(one)]) for one in chosen]
    for name, grouping in ((one["name"], one) for one in colours):
        save_map(report, pool, views[0], name, grouping)
    says = f"Each point is a record: {sampled(len(chosen), len(everything), report.seed)}."
    data = {"name": pool, "records": records, "views": views, "colours": colours}
    return Explorer(pool, f"Map of the pool {pool}.", says), data


def meaning_view(report: Report, pool: str, chosen: np.ndarray) -> Iterator[dict]:
    vectors = vectors_of(report, pool, chosen)
    if vectors is None:
        return
    places = maps.project(vectors, report.seed)
    note = f"Records of like meaning lie near each other; how far apart groups lie says little. {maps.METHOD}."
    yield view("meaning", places, note, square=True)


def vectors_of(report: Report, pool: str, chosen: np.ndarray) -> np.ndarray | None:
    """The vectors of some records that RQ2's script left in the cache; None if they are not all there."""
    found = report.findings.found
    for one in found.sets:
        identity, text = one.manifest["models"].get("encoder"), one.manifest["settings"].get("text")
        if one.pool != pool or not identity or not text:
            continue
        everything = found.pools[pool][found.known[found.pools[pool]]]
        measured = [np.flatnonzero(np.isfinite(values)) for values in one.properties.values()]
        wanted = [getattr(record, text) for record in found.records(chosen)]
        for numbers in (everything, *measured[:1]):
            if found.known[numbers].all():
                texts = [getattr(record, text) for record in found.records(np.unique(numbers))]
                if set(wanted) <= set(texts):
                    vectors = maps.cached_vectors(texts, wanted, identity, report.root / ".cache")
                    if vectors is not None and np.isfinite(vectors).all() and np.linalg.norm(vectors, axis=1).all():
                        return vectors
    return None


def complexity_view(report: Report, pool: str, chosen: np.ndarray) -> Iterator[dict]:
    for one in report.findings.found.sets:
        if one.pool == pool and {"score", "perplexity"} <= one.properties.keys():
            with np.errstate(divide="ignore", invalid="ignore"):
                places = np.stack(
                    [np.log10(one.properties["perplexity"][chosen]), one.properties["score"][chosen]], axis=1
                )
            places[~np.isfinite(places).all(axis=1)] = np.nan
            if np.isnan(places).all():
                continue
            low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
            places = (places - low) / np.where(high > low, high - low, 1)
            spread = [number(float(value)) for value in (*10 ** np.array([low[0], high[0]]), low[1], high[1])]
            note = (
                f"To the right: perplexity, {spread[0]} to {spread[1]} on a logarithmic scale. Upwards: complexity "
                f"score, {spread[2]} to {spread[3]}."
            )
            yield view("complexity", places, note, labels=("perplexity", "complexity score"))
            return


def view(name: str, places: np.ndarray, note: str, *, square: bool = False, labels: tuple[str, str] = ("", "")) -> dict:
    """A way to place records: coordinates from 0 to 1, missing where there are none."""
    x, y = ([None if np.isnan(value) else round(float(value), 4) for value in places[:, axis]] for axis in (0, 1))
    return {"name": name, "x": x, "y": y, "note": note, "square": square, "xlabel": labels[0], "ylabel": labels[1]}


def groupings(known: Findings, pool: str, chosen: np.ndarray) -> list[dict]:
    """The ways to colour records: by the tiers of every set that has them, by category."""
    made = []
    for one in known.found.sets:
        if one.pool == pool and one is known.main_set(one.question, pool) and findings.disjoint(one):
            names = [short(name, one) for name in one.members]
            of = membership(one, len(known.found))[chosen]
            made.append({"name": f"tier in {one.question}", "groups": names, "of": of.tolist(), "ordered": True})
    names, of = known.categories
    if (of[chosen] >= 0).any():
        made.append({"name": "category", "groups": names, "of": of[chosen].tolist(), "ordered": False})
    return made or [{"name": "nothing", "groups": ["all"], "of": [0] * len(chosen), "ordered": True}]


def map_record(report: Report, pool: str, one: int, place: int) -> dict:
    found = report.findings.found
    record = found.record(one)
    numbers = {
        report.label(column): number(float(values[one]))
        for each in found.sets
        if each.pool == pool
        for column, values in each.properties.items()
        if np.isfinite(values[one])
    }
    return {
        "place": place,
        "sha256": found.hashes[one][:12],
        "instruction": html.shortened(record.instruction, MAP_TEXT),
        "output": html.shortened(record.output, MAP_TEXT),
        "numbers": numbers,
    }


def save_map(report: Report, pool: str, shown: Mapping, name: str, grouping: Mapping) -> None:
    """The map as files for papers; the page draws its own."""
    x, y = (np.array([np.nan if value is None else value for value in shown[axis]]) for axis in ("x", "y"))
    labels = (shown["xlabel"], shown["ylabel"])
    figure = figures.points(x, y, grouping["groups"], np.array(grouping["of"]), labels, picture=True)
    file = figures.named(pool, "map", name)
    Drawing(file, f"Map of {pool}", shown["note"], figure, (), ()).save(report.folder)


# The browser of records


def browsed(report: Report) -> dict[str, dict]:
    """A sample of the records of every split."""
    found = report.findings.found
    source = {int(one): name for name, numbers in reversed(found.pools.items()) for one in np.unique(numbers)}
    made = {}
    for name, _, members in found.splits():
        chosen = report.draw(len(members), BROWSED, f"records {name}")
        made[name] = {
            "total": len(members),
            "records": [browsed_record(report, int(members[place]), int(place), source) for place in chosen],
        }
    return made


def browsed_record(report: Report, one: int, place: int, source: Mapping[int, str]) -> dict:
    record = report.findings.found.record(one)
    texts = {part: html.shortened(getattr(record, part), BROWSED_TEXT) for part in ("instruction", "input", "output")}
    return (
        {"place": place, "source": source.get(one, "a pool that is not here")}
        | texts
        | {"sha256": report.findings.found.hashes[one][:12]}
    )


# The whole


def banner(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"Numbers on this page were made with models that come with the demo ({', '.join(names)}). They show how the "
        "method works; they do not reproduce the study."
    )


def compose(report: Report) -> tuple[dict, dict]:
    """What the page shows, and the data its script shows."""
    known = report.findings
    report.folder.mkdir(exist_ok=True)
    explorers, mapped = {}, {}
    for pool in explored_pools(known):
        explorers[pool], data = explorer_of(report, pool)
        if data:
            mapped[pool] = data
    records = browsed(report)
    sections = [in_short(report), pools_section(report, explorers)]
    sections += [question_section(report, question) for question in sorted({*QUESTIONS, *known.questions})]
    sections += [offenders_section(report), overlap_section(report)]
    sections.append(Section("records", "Records", [Browser(list(records))]))
    sections.append(origin_section(report))
    shown = {"title": TITLE, "lead": lead(known), "banner": banner(known.embedded_models), "sections": sections}
    shown["footer"] = f"Made by Code/report/report.py, seed {report.seed}. Figures for papers lie in figures/."
    return shown, {"seed": report.seed, "pools": mapped, "splits": records}


def lead(known: Findings) -> str:
    sets, pools = sum(len(one.members) for one in known.found.sets), explored_pools(known)
    return (
        f"{counted(sets, 'training set')} from {counted(len(pools), 'pool')} ({', '.join(pools)}), for "
        f"{counted(len(known.questions), 'research question')}. Each question varies one property of the data. Here is "
        "what else came to differ with it, and what models trained on the sets scored."
    )


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    result.add_argument("--output", type=Path, metavar="FILE", help="the page (default: report.html under the root)")
    result.add_argument("--seed", type=cli.seed, default=cli.SEED, help="of samples and maps (default: %(default)s)")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    cache = root / ".cache"
    report = Report(findings.read(root, cache if cache.is_dir() else None), root, options.seed)
    shown, data = compose(report)
    output = options.output or root / "report.html"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, html.render(TEMPLATES, shown, data))
    print(f"{output}: {output.stat().st_size / 1e6:,.1f} MB; figures in {report.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
