"""Findings: all knowledge about a study root's splits, gathered for people as sentences and rows of tables.

It comes from the manifests, the scores beside them, and the documents derived from both (profiles, confounds,
contamination, comparison). Each of these documents may be missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from instruction_data.files.documents import read_derived
from instruction_data.measures.contamination import RANKS
from instruction_data.numbers import models
from instruction_data.page import declared, estimates
from instruction_data.page.html import number
from instruction_data.publish import inventory
from instruction_data.publish.inventory import Inventory, Set

DOCUMENTS = {  # name -> file below the study root, and the command that makes it
    "profiles": ("Profiles/profiles.json", "python Code/report/profile_splits.py"),
    "confounds": ("Profiles/confounds.json", "python Code/report/profile_splits.py"),
    "contamination": ("Profiles/contamination.json", "python Code/report/contamination.py"),
    "comparison": ("Results/comparison.json", "python Code/evaluation/compare.py"),
}
DIFFERENCES_SAID = 2
MOSTLY = 0.98
EACH_PROBLEM = 3  # the most records shown of one problem


@dataclass(frozen=True)
class Known:
    """Everything that is known about a study root.

    Attributes:
        documents: name -> content, for those of ``DOCUMENTS`` that are there.
    """

    found: Inventory
    documents: Mapping[str, Mapping]

    @property
    def questions(self) -> list[str]:
        return sorted({one.question for one in self.found.sets})

    def pools_of(self, question: str) -> list[str]:
        return list(dict.fromkeys(one.pool for one in self.found.sets if one.question == question))

    def main_set(self, question: str, pool: str) -> Set | None:
        """Return the set that the question's script made from a pool; other sets (controls …) were made from it."""
        mine = [one for one in self.found.sets if (one.question, one.pool) == (question, pool)]
        return next((one for one in mine if not one.derived), None)

    def sets_of(self, question: str, pool: str) -> list[Set]:
        """Return all sets of a question and pool, the main one first."""
        mine = [one for one in self.found.sets if (one.question, one.pool) == (question, pool)]
        return sorted(mine, key=lambda one: one is not self.main_set(question, pool))

    @cached_property
    def categories(self) -> tuple[list[str], np.ndarray]:
        """The categories, and the category of every distinct record: int64 ``[n]``, −1 for none."""
        column = self.found.columns.get(declared.CATEGORY)
        if column is None:
            return [], np.full(len(self.found), -1)
        names = list(column.levels) or sorted({word for word in column.values if word is not None})
        places = {name: place for place, name in enumerate(names)}
        return names, np.array([places.get(word, -1) for word in column.values])

    @cached_property
    def margins(self) -> np.ndarray:
        """The lead of each record's category over the next: float64 ``[n]``, NaN if unknown."""
        column = self.found.columns.get(declared.MARGIN)
        return np.full(len(self.found), np.nan) if column is None else column.values

    @property
    def embedded_models(self) -> list[str]:
        """The small models in pip packages that gave any of the numbers."""
        used = {model["model"] for one in self.found.sets for model in one.manifest["models"].values()}
        return sorted(used & {model.title for model in models.EMBEDDED.values()})

    def outdated(self, name: str) -> bool:
        """Say whether a document was made from manifests that have changed since."""
        document = self.documents[name]
        return "manifests" in document and document["manifests"] != self.found.sources


def read(root: Path, spool_folder: Path | None = None) -> Known:
    """Gather everything that is known about a study root.

    Raises:
        InputError: there is no split, or a file is not as it should be.
    """
    found = inventory.read(root, spool_folder)
    there = {name: root / file for name, (file, _) in DOCUMENTS.items() if (root / file).is_file()}
    return Known(found, {name: read_derived(path, DOCUMENTS[name][1]) for name, path in there.items()})


def short(split: str, one: Set) -> str:
    """Return a split's name without the first words that all names of its set share; it never begins with a number."""
    names = [name.split("_") for name in {split, *one.members}]
    shared = next((place for place, words in enumerate(zip(*names, strict=False)) if len(set(words)) > 1), 0)
    while shared and any(words[shared][:1].isdecimal() for words in names):
        shared -= 1
    return "_".join(split.split("_")[shared:])


def disjoint(one: Set) -> bool:
    """Say whether a set's splits share no records, as tiers do; a few that a pool holds twice do not count."""
    parts = [np.unique(part) for part in one.members.values()]
    return len(parts) > 1 and len(np.unique(np.concatenate(parts))) >= MOSTLY * sum(map(len, parts))


def membership(one: Set, n: int) -> np.ndarray:
    """Return the number of each record's split within a set: int64 ``[n]``, −1 for none."""
    of = np.full(n, -1, dtype=np.int64)
    for place, part in enumerate(one.members.values()):
        of[part] = place
    return of


def cuts(one: Set, values: np.ndarray) -> list[float]:
    """Return the values at which a set's splits were cut; none if something else divides them.

    Args:
        values: float ``[n]``, one for every distinct record.
    """
    ranges = sorted((np.nanmin(values[part]), np.nanmax(values[part])) for part in one.members.values())
    found = []
    for (_, high), (low, _) in pairwise(ranges):
        if high > low:
            return []
        found.append((high + low) / 2)
    return found


def design(one: Set) -> Mapping | None:
    """Return the design of a set whose splits vary several factors at once; None for all others."""
    return one.manifest["settings"].get("design")


def made_to_differ(one: Set) -> str:
    """Say which figure tells the splits of a set apart, with its values at both ends; of a design, every factor."""
    made = design(one)
    if made:
        of = made["factors"].items()
        return "\n".join(f"{name}: {number(each['low'])} to {number(each['high'])}" for name, each in of)
    told = [(list(split["summary"].items()) or [None])[0] for split in one.manifest["splits"].values()]
    if None in told or len({figure for figure, _ in told}) != 1:
        return "–"
    values = {name: value for name, (_, value) in zip(one.manifest["splits"], told, strict=True)}
    low, high = min(values, key=values.get), max(values, key=values.get)
    ends = (f"{number(values[end])} ({short(end, one)})" for end in (low, high))
    return f"{told[0][0]}: {' to '.join(ends)}"


def extremes(confounds: Mapping) -> list[Mapping]:
    """Return the differences between the two splits of a set that lie farthest apart, the largest one first."""
    pair = confounds["extremes"]
    if not pair:
        return []
    rows = [one for one in confounds["differences"] if [one["a"], one["b"]] == list(pair)]
    return sorted((one for one in rows if one["difference"] is not None), key=lambda one: -abs(one["difference"]))


def also_differs(one: Set, confounds: Mapping, bound: float) -> str:
    """Say what else differs most: the largest unintended difference of each kind (length …)."""
    made = design(one)
    if made:
        within = max(each["within"] for each in made["factors"].values())
        return f"in every factor, sets that are to be alike by {within:.2f} sd at most"
    if not confounds["extremes"]:
        return "not compared: it has no two ends"
    a, b = (short(name, one) for name in confounds["extremes"])
    said: dict[str, str] = {}
    for row in extremes(confounds):
        kind = row["label"].partition(" (")[0]
        if row["large"] and not row["by_design"] and kind not in said:
            means = " against ".join(mean(row, end) for end in ("mean_a", "mean_b"))
            said[kind] = f"{row['label']}: {means} ({row['difference']:+.2f} sd)"
    if not said:
        return f"{a} and {b}: nothing by more than {bound} standard deviations"
    more = len(said) - DIFFERENCES_SAID
    lines = list(said.values())[:DIFFERENCES_SAID] + ([f"and {more} more"] if more > 0 else [])
    return f"{a} against {b}:\n" + "\n".join(lines)


def mean(row: Mapping, end: str) -> str:
    """Return the mean on one side of a difference; a share is in percent."""
    return f"{row[end]:.0%}" if declared.as_share(row) else f"{row[end]:,.3g}"


def benchmarks_in(one: Set, contamination: Mapping) -> str:
    """Say how much of each benchmark the splits of a set hold."""
    lines = []
    splits = [contamination["splits"][name] for name in one.members if name in contamination["splits"]]
    for benchmark in contamination["benchmarks"]:
        found = [split[benchmark] for split in splits if benchmark in split]
        if found:
            hits = [each["substring"]["records"] for each in found]
            means = [each["tli"]["mean"] for each in found]
            spread = f"{number(min(hits))} to {number(max(hits))}" if min(hits) < max(hits) else number(hits[0])
            solving = [each["execution"]["records"] for each in found if "execution" in each]
            solved = f", up to {max(solving):,} that solve a problem" if solving else ""
            lines.append(f"{benchmark}: {spread} records hit{solved}, TLI {min(means):.2%} to {max(means):.2%}")
    return "\n".join(lines) or "not looked for"


def groups_of(comparison: Mapping, question: str, pool: str) -> list[Mapping]:
    """Return the comparisons of one question and pool, one for each base model and harness."""
    return [
        group
        for each in comparison["questions"]
        for group in each["groups"]
        if (each["question"], group["pool"]) == (question, pool)
    ]


def answer(comparison: Mapping, one: Set) -> str:
    """Return the verdicts on a set's primary contrasts; where there is none, what can be told of all its differences.

    A comparison that was made before there were verdicts has none.
    """
    said = [
        each["sentence"]
        for each in comparison.get("primary", {}).get("verdicts", ())
        if (each["question"], each["pool"]) == (one.question, one.pool)
    ]
    return "\n".join(said) or verdict(groups_of(comparison, one.question, one.pool), one)


def verdict(groups: Sequence[Mapping], one: Set) -> str:
    """Say which differences in the results of a set are more than chance, in a line each."""
    pairs = [(task, pair) for group in groups for task in group["tasks"] for pair in task["differences"]]
    supported = sorted((each for each in pairs if each[1]["supported"]), key=lambda each: each[1]["p"])
    if not supported:
        return f"none of {len(pairs)} differences can be told from chance" if pairs else "no results yet"
    lines = []
    for task, pair in supported[:DIFFERENCES_SAID]:
        a, b = (
            short(pair[side], one) if pair[side] in one.members else pair[side] for side in ("condition", "against")
        )
        metric = estimates.metric_of(task)
        difference, low, high = map(metric.signed, astuple(metric.between(pair)))
        lines.append(f"{task['label']}: {a} minus {b} {difference} {metric.step} ({low} to {high})")
    more = len(supported) - len(lines)
    return "\n".join(lines + ([f"and {more} more"] if more else []))


def worst(contamination: Mapping, benchmark: str, most: int) -> list[Mapping]:
    """Return the records that overlap most with a benchmark, each once, with its splits and pools.

    At most ``EACH_PROBLEM`` of them belong to one problem.
    """
    seen: dict[tuple[str, str], dict] = {}
    for part in ("pools", "splits"):
        for name, found in contamination[part].items():
            for row in found.get(benchmark, {}).get("worst", ()):
                seen.setdefault((row["record_sha256"], row["problem"]), {**row, "splits": []})["splits"].append(name)
    order = sorted(seen.values(), key=_place)
    count: dict[str, int] = {}
    kept = []
    for row in order:
        count[row["problem"]] = count.get(row["problem"], 0) + 1
        kept += [row] if count[row["problem"]] <= EACH_PROBLEM else []
    return kept[:most]


def _place(row: Mapping) -> tuple[int, float, str]:
    return RANKS[row["rule"].partition(":")[0]], -row["tli"], row["record_sha256"]


def provenance(findings: Known) -> Iterator[tuple[str, Mapping]]:
    """Yield every set's name and manifest."""
    for one in findings.found.sets:
        yield one.name, one.manifest
