"""Contamination: the parts of benchmarks in a study root's records, and the reasons to remove a record for them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from instruction_data.errors import printable
from instruction_data.measures import leakage
from instruction_data.measures.benchmarks import Benchmark
from instruction_data.measures.leakage import Findings
from instruction_data.measures.profiles import AtHand
from instruction_data.publish.inventory import Inventory

WORST = 10  # records listed of each split
SHOWN_TEXT = 200  # characters
EXAMPLES = 5  # records shown of each solved problem, of different programs
RANKS = {"substring": 0, "execution": 1, "tli": 2}  # of the reasons, the surest first
RULES = {  # by the name that a user gives
    "substring": ("substring",),
    "tli": ("tli",),
    "both": ("substring", "tli"),
    "execution": ("execution",),
    "all": ("substring", "tli", "execution"),
}


@dataclass(frozen=True)
class Reason:
    """Why a record is (or would be) removed."""

    benchmark: str
    rule: str  # "substring: docstring", "substring: solution", "execution" or "tli"
    problem: str
    overlap: float
    matched: str | None


@dataclass(frozen=True)
class Executed:
    """What was executed to find functions that solve problems.

    Attributes:
        functions: the different ones that were tried.
        candidates: pairs of a function and a problem that got a verdict.
        skipped: why code was not tried, or not to the end -> how often.
    """

    functions: int
    candidates: int
    skipped: Mapping[str, int]


@dataclass(frozen=True)
class Contamination:
    """The findings about a study root's records.

    Attributes:
        found: the records of the study root.
        at_hand: the records whose texts are at hand; findings number records by their place here.
        findings: one per benchmark.
        executed: None if nothing was executed.
    """

    found: Inventory
    at_hand: AtHand
    findings: Sequence[Findings]
    executed: Executed | None = None

    def places(self, members: np.ndarray) -> np.ndarray:
        """Return the places of record numbers among those at hand, the others left out."""
        numbers = self.at_hand.numbers
        there = np.full(int(max(members.max(initial=0), numbers.max(initial=0))) + 1, -1)
        there[numbers] = np.arange(len(numbers))
        return there[members][there[members] >= 0]

    def removals(self, rules: str, threshold: float) -> dict[int, Reason]:
        """Return place of a record -> the reason to remove it; the first benchmark's reason takes precedence."""
        found: dict[int, Reason] = {}
        for one in reversed(self.findings):
            found |= reasons(one, rules, max(threshold, one.benchmark.least_overlap))
        return found

    @property
    def benchmarks(self) -> dict[str, dict]:
        return {one.benchmark.name: one.benchmark.describe() for one in self.findings}

    def document(self) -> dict:
        """Return all findings in the form of contamination.json."""
        hashes = [self.found.hashes[number] for number in self.at_hand.numbers]
        rules = [rule for rule in leakage.RULES if self.executed or rule != "execution"]
        executed = {"executed": asdict(self.executed), "solved": self.solved(hashes)} if self.executed else {}
        return {
            "manifests": self.found.sources,
            "rules": {rule: leakage.RULES[rule] for rule in rules},
            "tli": {"sizes": leakage.SIZES, "threshold": leakage.THRESHOLD},
            "benchmarks": self.benchmarks,
            "pools": {name: self._figures(numbers, hashes) for name, numbers in self.found.pools.items()},
            "splits": {name: self._figures(members, hashes) for name, _, members in self.found.splits()},
            **executed,
        }

    def solved(self, hashes: Sequence[str]) -> dict[str, list[dict]]:
        """Return benchmark -> its solved problems, those first that most independent programs solve.

        Args:
            hashes: of the records at hand.
        """
        return {one.benchmark.name: solved_problems(one, self.at_hand, hashes) for one in self.findings if one.solved}

    def _figures(self, members: np.ndarray, hashes: Sequence[str]) -> dict:
        """Return benchmark -> the figures of a pool or split."""
        places = self.places(members)
        return {
            one.benchmark.name: one.summary(places) | {"worst": worst(one, places, self.at_hand, hashes)}
            for one in self.findings
        }


def look_for(benchmarks: Sequence[Benchmark], found: Inventory) -> Contamination:
    """Look for benchmarks in every distinct record whose text is at hand."""
    at_hand = AtHand(found, np.flatnonzero(found.known))
    return Contamination(found, at_hand, [leakage.look_for(benchmark, at_hand) for benchmark in benchmarks])


def solved_problems(found: Findings, records: Sequence, hashes: Sequence[str]) -> list[dict]:
    """Return the problems that records solve: how many do, by how many independent programs, and which these are."""
    made, solved = [], found.solved
    for problem in np.unique(solved.problems).tolist():
        hits = np.flatnonzero(solved.problems == problem).tolist()
        first = {int(solved.programs[hit]): hit for hit in reversed(hits)}
        made.append(
            {
                "problem": printable(found.benchmark.ids[problem]),
                "records": len(np.unique(solved.records[hits])),
                "independent": len(first),
                "examples": [
                    {
                        "record_sha256": hashes[solved.records[hit]],
                        "function": printable(solved.functions[hit][:SHOWN_TEXT]),
                        "text": printable(records[solved.records[hit]].instruction[:SHOWN_TEXT]),
                    }
                    for hit in sorted(first.values())[:EXAMPLES]
                ],
            }
        )
    return sorted(made, key=lambda one: (-one["independent"], one["problem"]))


def reasons(found: Findings, rules: str, threshold: float) -> dict[int, Reason]:
    """Return place of a record -> the reason to remove it: a substring, else a solved problem, else an overlap."""
    made: dict[int, Reason] = {}
    shares, problems = found.leakage
    ids = found.benchmark.ids
    if "substring" in RULES[rules]:
        for record, problem, string, kind in zip(
            found.hits.records, found.hits.problems, found.hits.strings, found.hits.kinds, strict=True
        ):
            share = float(shares[record])
            reason = Reason(found.benchmark.name, f"substring: {kind}", ids[problem], share, string)
            made.setdefault(int(record), reason)
    if "execution" in RULES[rules] and found.solved:
        for record, problem in zip(found.solved.records.tolist(), found.solved.problems.tolist(), strict=True):
            reason = Reason(found.benchmark.name, "execution", ids[problem], float(shares[record]), None)
            made.setdefault(record, reason)
    if "tli" in RULES[rules]:
        for record in np.flatnonzero((shares >= threshold) & (problems >= 0)).tolist():
            reason = Reason(found.benchmark.name, "tli", ids[problems[record]], float(shares[record]), None)
            made.setdefault(record, reason)
    return made


def worst(found: Findings, places: np.ndarray, records: Sequence, hashes: Sequence[str]) -> list[dict]:
    """Return the records that hold most of the benchmark: those with a substring, those that solve, then by overlap."""
    named = reasons(found, "all", 0.0)
    shares = found.leakage[0]
    first = {int(place): position for position, place in reversed(list(enumerate(places)))}
    there = [place for place in first if place in named and (shares[place] > 0 or named[place].rule != "tli")]
    there.sort(key=lambda place: (RANKS[named[place].rule.partition(":")[0]], -shares[place], first[place]))
    return [
        {
            "position": first[place],
            "record_sha256": hashes[place],
            "problem": printable(named[place].problem),
            "rule": named[place].rule,
            "tli": float(shares[place]),
            "matched": named[place].matched and printable(named[place].matched[:SHOWN_TEXT]),
            "text": printable(records[place].instruction[:SHOWN_TEXT]),
        }
        for place in there[:WORST]
    ]
