"""Broken twins: gold solutions with one edit, which fail their problem's tests.

A model that knows right from nearly right finds the gold solution likelier than its twins. Style plays no part, as all
but one operator, integer or truth value is the same. Whether an edit breaks a solution is found out by running it with
the tests, in a sandbox. The edits of a problem are tried in an order that spreads kinds and places, until it has enough
twins. Every edit is kept with the reason for which it was dropped, below a study root in ``.cache/twins/``.
"""

import hashlib
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from instruction_data.errors import InputError, printable
from instruction_data.files import documents
from instruction_data.measures import benchmarks
from instruction_data.outcomes import edits, sandbox, trials
from instruction_data.outcomes.bigcode_harness import IN_HARNESS
from instruction_data.outcomes.bigcode_scoring import python_folders
from instruction_data.outcomes.edits import Edit
from instruction_data.outcomes.gold import Gold
from instruction_data.outcomes.trials import Trial, TrialSite, Verdict
from instruction_data.runs.environments import Environment

RULES = 1  # of which edits there are and which are tried; counted up when either changes
SECONDS = 5  # of a solution and its tests
MEMORY_BYTES = 1_000_000_000  # beyond an interpreter's memory at the start

SURVIVES, MALFORMED, SAME = "passes the tests", "does not parse", "same text as another edit"
UNDECIDED = "no verdict in time"  # an endless loop is broken, but a busy machine is not
BEYOND = "beyond the most per problem"
NO_TESTS = "no tests"


@dataclass(frozen=True)
class Problem:
    """What became of a problem.

    Attributes:
        fault: the reason for which it has no edits; None if it may have some.
        dropped: each of its edits -> the reason for which it is no twin; None for a twin.
    """

    fault: str | None
    dropped: dict[Edit, str | None]


@dataclass(frozen=True)
class Twins:
    """The twins of a task.

    Attributes:
        problems: by identifier.
        solutions: the gold solutions, by identifier.
    """

    problems: Mapping[str, Problem]
    solutions: Mapping[str, str]

    def of(self, name: str) -> list[str]:
        """Return the texts of a problem's twins."""
        dropped = self.problems[name].dropped
        return [edit.of(self.solutions[name]) for edit, reason in dropped.items() if reason is None]

    @property
    def sha256(self) -> str:
        """The SHA-256 of all twins, in hex."""
        return _sha256([[name, *self.of(name)] for name in self.problems])

    def summary(self) -> str:
        """Say how many edits were tried and what became of them."""
        reasons = Counter(reason for one in self.problems.values() for reason in one.dropped.values())
        tried = sum(reasons[reason] for reason in (None, SURVIVES, UNDECIDED))
        having = sum(None in one.dropped.values() for one in self.problems.values())
        said = (
            f"{tried:,} edits tried, {reasons[SURVIVES]:,} pass the tests ({reasons[SURVIVES] / max(tried, 1):.1%}), "
            f"{reasons[UNDECIDED]:,} without a verdict; {reasons[None]:,} twins for {having:,} of "
            f"{len(self.problems):,} problems"
        )
        faults = Counter(one.fault for one in self.problems.values() if one.fault)
        return said + "".join(f"\n    {count:,} without edits: {fault}" for fault, count in faults.items())


def find(root: Path, task: str, problems: Sequence[Gold], most: int) -> Twins | None:
    """Return the twins of a task that were made before; None if there are none, or their file is damaged.

    Args:
        most: twins a problem, at most.
    """
    place = _place(root, task, problems, most)
    if not place.exists():
        return None
    try:
        content = documents.read_derived(place, "likelihood.py")
    except InputError:  # as with other cached files, it is made anew
        return None
    found = {
        name: Problem(one["fault"], {Edit(**edit): reason for edit, reason in one["edits"]})
        for name, one in content["problems"].items()
    }
    return Twins(found, _solutions(problems))


def make(root: Path, task: str, problems: Sequence[Gold], most: int) -> Twins:
    """Make the twins of a task, and keep them; this executes gold solutions and edited ones in sandboxes.

    Raises:
        InputError: this machine cannot make a sandbox, or run a program in it.
    """
    sandbox.check()
    found = Twins(_judged(problems, most, own_site()), _solutions(problems))
    content = _key(problems, most) | {
        "problems": {
            name: {"fault": one.fault, "edits": [[asdict(edit), reason] for edit, reason in one.dropped.items()]}
            for name, one in found.problems.items()
        }
    }
    place = _place(root, task, problems, most)
    documents.write_derived(place, content)
    return found


def _solutions(problems: Iterable[Gold]) -> dict[str, str]:
    return {one.id: one.solution for one in problems}


def _key(problems: Sequence[Gold], most: int) -> dict[str, object]:
    """Return everything that changes which edits are twins."""
    return {
        "rules": RULES,
        "python": platform.python_version(),
        "most": most,
        "problems_sha256": _sha256([asdict(one) for one in problems]),
    }


def _place(root: Path, task: str, problems: Sequence[Gold], most: int) -> Path:
    return root / ".cache" / "twins" / f"{task}-{_sha256(_key(problems, most))[:16]}.json"


def _sha256(content: object) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def own_site() -> TrialSite:
    """Return the place where solutions run: our own interpreter in a sandbox, without the benchmarks' data."""
    own = Environment(Path(os.path.normpath(sys.executable)))
    readable = {path: str(path) for path in (*python_folders(own), IN_HARNESS)}
    variables = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    script, hidden = IN_HARNESS / "sample.py", benchmarks.data_folders()
    return TrialSite(own.python, script, None, readable, variables, MEMORY_BYTES, sandboxed=True, hidden=hidden)


def _judged(problems: Sequence[Gold], most: int, site: TrialSite) -> dict[str, Problem]:
    """Try edits of all problems in rounds, as many of each problem as it still lacks twins."""
    found, left = {}, {}
    tested = [one for one in problems if one.tests is not None]
    verdicts = dict(zip((one.id for one in tested), _tried(site, [(one, one.solution) for one in tested]), strict=True))
    for one in problems:
        fault, candidates = _candidates(one, verdicts.get(one.id))
        found[one.id] = Problem(fault, candidates)
        left[one.id] = _shuffled(one.id, [edit for edit, reason in candidates.items() if reason == BEYOND])
    while True:
        batch = []
        for one in problems:
            dropped = found[one.id].dropped
            kept = [edit for edit, reason in dropped.items() if reason is None]
            batch += [(one, edit) for edit in _spread(left[one.id], kept, most - len(kept))]
        if not batch:
            return found
        verdicts = _tried(site, [(one, edit.of(one.solution)) for one, edit in batch])
        for (one, edit), verdict in zip(batch, verdicts, strict=True):
            left[one.id].remove(edit)
            found[one.id].dropped[edit] = SURVIVES if verdict.passed else None if _failed(verdict) else UNDECIDED


def _candidates(one: Gold, verdict: Verdict | None) -> tuple[str | None, dict[Edit, str]]:
    """Return why a problem has no edits, or its edits, each with why it is none to be tried, or not tried yet.

    Args:
        verdict: on its gold solution; None if it has no tests.
    """
    if verdict is None:
        return NO_TESTS, {}
    if not verdict.passed:
        return f"the gold solution does not pass the tests ({printable(verdict.said)})", {}
    try:
        every = edits.edits(one.context + one.solution, len(one.context))
    except (SyntaxError, ValueError) as error:
        return f"the gold solution cannot be edited ({printable(str(error))})", {}
    found, texts = {}, set()
    for edit in every:
        text = edit.of(one.solution)
        found[edit] = SAME if text in texts else BEYOND if _parses(one.context + text) else MALFORMED
        texts.add(text)
    return None, found


def _parses(program: str) -> bool:
    try:
        edits.parsed(program)
    except (SyntaxError, ValueError):
        return False
    return True


def _shuffled(name: str, every: Iterable[Edit]) -> list[Edit]:
    """Return edits in an order that a problem's name decides."""
    return sorted(every, key=lambda edit: _sha256([name, edit.start, edit.new]))


def _spread(left: Sequence[Edit], kept: Sequence[Edit], number: int) -> list[Edit]:
    """Choose edits of the kinds that were chosen least, and among them those farthest from the chosen ones."""
    chosen = list(kept)

    def rank(edit: Edit) -> tuple[int, int]:
        distances = [abs(edit.start - other.start) for other in chosen]
        return sum(other.kind == edit.kind for other in chosen), -min(distances, default=0)

    for _ in range(min(number, len(left))):
        chosen.append(min((edit for edit in left if edit not in chosen), key=rank))
    return chosen[len(kept) :]


def _tried(site: TrialSite, programs: Sequence[tuple[Gold, str]]) -> list[Verdict]:
    """Run solutions with the tests of their problems."""
    made = [Trial(one.context + text, one.tests, one.context, SECONDS, apart=False) for one, text in programs]
    return trials.run(site, made) if made else []


def _failed(verdict: Verdict) -> bool:
    """Return whether a program ended with an error, and not without a verdict."""
    return verdict.said.startswith("failed")
