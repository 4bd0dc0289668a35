"""Contamination by execution: which records hold a function that solves a benchmark's problem, whatever it is called?

Every function that takes as many arguments as a problem passes goes through a screen (``in_harness/screen.py``): many
programs one after another in a sandbox, each tried on all problems, of which nearly all end at a first wrong answer.
What the screen says counts for nothing: a function solves a problem if it passes the tests as samples of models do,
apart from them and beside them, in sandboxes of its own (``trials``). Equal functions run once, and both answers are
kept below a study root in ``.cache/features/``, so that a stopped run goes on.
"""

import contextlib
import hashlib
import itertools
import os
import platform
import queue
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib import metadata

import numpy as np
import orjson
from tqdm import tqdm

from instruction_data.errors import InputError
from instruction_data.measures import functions
from instruction_data.measures.contamination import Contamination, Executed
from instruction_data.measures.functions import CANDIDATE, Function
from instruction_data.measures.leakage import Findings, Solved
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Engine, Feature, Shards
from instruction_data.outcomes import checks, sandbox, trials, twins
from instruction_data.outcomes.checks import Check
from instruction_data.outcomes.trials import Lines, Trial, TrialSite

RULES = 3  # of what is taken from records and how it is screened; counted up when either changes
REORDERED = 3  # functions with at most so many arguments are tried with these in every order
TRIAL_SECONDS = 15  # of a candidate and its tests; few come so far, and the screen has let through none that is slow
LIMITS = {  # of the screen; seconds are of the processor
    "load_seconds": 2.0,
    # A round tries the pairs again that were late in the one before: as many as it may, those with most answers first,
    # and only those with so many answers. A pair may take so many seconds, and all together so many where the processor
    # cannot be interrupted. After so many that hung, late without any answer, the round ends. Nearly all pairs end at a
    # first wrong answer, in 0.01 ms.
    "rounds": (
        {"pairs": 1 << 20, "answers": 0, "hung": 40, "seconds": 0.003, "child_seconds": 3.0},
        {"pairs": 40, "answers": 0, "hung": 6, "seconds": 0.04, "child_seconds": 3.0},
        {"pairs": 2, "answers": 1, "hung": 2, "seconds": 1.0, "child_seconds": 6.0},
    ),
    "children": 2,  # of one program and round: each goes on behind the pair at which the one before hung
    "asleep_seconds": 2.0,  # by the clock; a child that waits for something so long is killed, too
    "memory": 256_000_000,  # bytes of a child, beyond those of its parent
}
ANSWER_SECONDS = 600  # that one program may take by the clock, on a machine that has much else to do
FAULTS = {  # of the screen -> in words
    "": "",
    "load": "code that fails when it is defined",
    "late": "a function that ran out of time on some problem",
    "memory": "a function that ran out of memory on some problem",
    "ended": "a function that ended its sandbox",
    "cheats": "a function that seems to pass the tests of more problems than any honest one",
}
MOST_PROBLEMS = 20  # of one program: the benchmarks' own solutions solve up to 7, since problems are alike
FAILED, BESIDE, PASSED, UNDECIDED = range(4)  # verdicts: BESIDE has passed beside its tests alone
TOO_LATE = ("timed out", "no verdict in time")
VARIABLES = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Compute = Callable[[Sequence[str], Feature, Engine | None], Arrays]  # texts' numbers, through a cache


@dataclass(frozen=True)
class Candidate:
    """A function that the screen let through.

    Attributes:
        program: its number.
        problem: its number.
        order: the places of the problem's arguments in the function's.
    """

    program: int
    problem: int
    order: Sequence[int]


@dataclass(frozen=True)
class Problems:
    """The problems on which functions are tried.

    Attributes:
        names: the benchmark of each.
    """

    names: Sequence[str]
    checks: Sequence[Check]

    @cached_property
    def pairs(self) -> list[tuple[int, tuple[int, ...]]]:
        """Every problem with every order of its arguments that is tried."""
        return [(number, order) for number, one in enumerate(self.checks) for order in _orders(one.arguments)]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(orjson.dumps([asdict(one) for one in self.checks])).hexdigest()

    @property
    def identity(self) -> dict[str, object]:
        """Everything but a program that changes what becomes of it."""
        versions = {"python": platform.python_version(), "numpy": metadata.version("numpy")}
        return {"rules": RULES, "problems": self.sha256, **versions}


def _orders(arguments: int) -> list[tuple[int, ...]]:
    every = itertools.permutations(range(arguments))
    return list(every if arguments <= REORDERED else itertools.islice(every, 1))


def check_allowed(flag: str, *, allowed: bool) -> None:
    """Raise InputError unless the user allowed to execute code, and this machine can make a sandbox for it."""
    if not allowed:
        raise InputError(f"{flag}: this executes code of the pools, in sandboxes; expected --allow-code-execution, too")
    sandbox.check()


def execute(found: Contamination, compute: Compute) -> Contamination:
    """Return findings with those that come from running the records' functions.

    Args:
        compute: asks a feature of texts through a cache.

    Raises:
        InputError: this machine cannot make a sandbox, or no benchmark has tests.
    """
    problems = load({one.benchmark.name: one.benchmark.ids for one in found.findings})
    holders, skipped = collected(found.at_hand, {one.arguments for one in problems.checks})
    programs = sorted(holders)
    candidates, faults = screened(programs, problems, compute)
    solving, undecided = judged(programs, candidates, problems, compute)
    skipped.update(FAULTS[fault] for fault in faults if fault)
    skipped.update({"a function without a verdict in time": undecided} if undecided else {})
    findings = [
        replace(one, solved=_solved(one, solving, problems, programs, holders))
        if one.benchmark.name in problems.names
        else one
        for one in found.findings
    ]
    executed = Executed(len(programs), len(candidates), dict(sorted(skipped.items())))
    return replace(found, findings=findings, executed=executed)


def load(wanted: Mapping[str, Sequence[str]]) -> Problems:
    """Load the problems that have tests: those of the packages.

    Args:
        wanted: benchmark -> its problems' identifiers.

    Raises:
        InputError: none of them has.
    """
    found = [(name, one) for name, checked in checks.CHECKED.items() if name in wanted for one in checked()]
    chosen = [(name, one) for name, one in found if one.id in set(wanted[name])]
    if not chosen:
        raise InputError(f"--execute: found no tests for {', '.join(wanted)}; expected HumanEval or MBPP")
    names, made = zip(*chosen, strict=True)
    return Problems(names, made)


def collected(records: Sequence, arguments: set[int]) -> tuple[dict[str, list[tuple[int, Function]]], Counter]:
    """Return program -> the records that hold it, and why code was skipped."""
    holders: dict[str, list[tuple[int, Function]]] = {}
    skipped: Counter = Counter()
    for number, record in enumerate(tqdm(records, "looking for functions", unit="record", file=sys.stderr, delay=5)):
        found = functions.functions_of(record, arguments)
        skipped.update(found.skipped)
        for function in found.functions:
            holders.setdefault(function.program, []).append((number, function))
    return holders, skipped


def _solved(
    found: Findings,
    solving: Sequence[Candidate],
    problems: Problems,
    programs: Sequence[str],
    holders: Mapping[str, Sequence[tuple[int, Function]]],
) -> Solved:
    """Return the problems of a benchmark that records solve."""
    name, numbers = found.benchmark.name, {one: number for number, one in enumerate(found.benchmark.ids)}
    hits = sorted(
        (record, numbers[problems.checks[one.problem].id], function.name, functions.shape(programs[one.program]))
        for one in solving
        if problems.names[one.problem] == name
        for record, function in holders[programs[one.program]]
    )
    records, solved, names, shapes = zip(*hits, strict=True) if hits else ((),) * 4
    program = {shape: number for number, shape in enumerate(dict.fromkeys(shapes))}
    return Solved(
        np.array(records, dtype=np.int64),
        np.array(solved, dtype=np.int64),
        list(names),
        np.array([program[shape] for shape in shapes], dtype=np.int64),
    )


# the screen


def screened(programs: Sequence[str], problems: Problems, compute: Compute) -> tuple[list[Candidate], list[str]]:
    """Return the programs that may solve a problem, and for every program what kept it from being tried, or ""."""
    if not programs:
        return [], []
    screens = Screens(problems)
    identity = {"kind": "screened functions", "limits": LIMITS, **problems.identity}
    arrays = compute(programs, Feature("screening functions", identity, screens.compute), screens)
    passed = np.unpackbits(arrays["passed"], axis=1)[:, : len(problems.pairs)]
    faults = [list(FAULTS)[fault] for fault in arrays["fault"]]
    candidates: list[Candidate] = []
    for program in np.flatnonzero(passed.any(axis=1)).tolist():
        orders = dict(problems.pairs[pair] for pair in np.flatnonzero(passed[program])[::-1].tolist())
        if len(orders) > MOST_PROBLEMS:
            faults[program] = "cheats"
        else:
            candidates += [Candidate(program, problem, orders[problem]) for problem in sorted(orders)]
    return candidates, faults


class Screens:
    """An engine of as many screens as there are processors, each in a sandbox, which take programs in turn.

    Attributes:
        processor: the seconds of processor time that programs took.
    """

    def __init__(self, problems: Problems):
        self.processor = 0.0
        self._pairs, site = len(problems.pairs), twins.own_site()
        self._site = replace(site, variables={**site.variables, **VARIABLES})
        tests = [{"tests": one.tests} for one in problems.checks]
        self._job = orjson.dumps({"problems": tests, "pairs": problems.pairs, **LIMITS})
        self._idle: queue.SimpleQueue[_Screen] = queue.SimpleQueue()

    def map(self, feature: Feature, shards: Shards) -> Iterator[tuple[int, Arrays]]:
        workers = os.cpu_count() or 1
        with contextlib.ExitStack() as stack:
            for _ in range(workers):
                self._idle.put(stack.enter_context(contextlib.closing(_Screen(self._site, self._job))))
            with ThreadPoolExecutor(workers) as pool:  # a sandbox ends with the thread that started it
                yield from pool.map(lambda one: (one[0], feature.compute(one[1])), shards)

    def compute(self, programs: Sequence[str]) -> Arrays:
        """Screen programs; those whose sandbox ended are tried once more, behind all others."""
        screen = self._idle.get()
        try:
            answers = {program: screen.ask(program) for program in programs}
            answers |= {program: screen.ask(program) for program, answer in answers.items() if answer is None}
        finally:
            self._idle.put(screen)
        passed = np.zeros((len(programs), self._pairs), dtype=bool)
        faults = []
        for row, program in enumerate(programs):
            answer = answers[program] or {"passed": [], "fault": "ended"}
            passed[row, [pair for pair in answer["passed"] if pair < self._pairs]] = True
            faults.append([*FAULTS].index(answer["fault"]))
            self.processor += answer.get("processor", 0.0)
        return {"passed": np.packbits(passed, axis=1), "fault": np.array(faults, dtype=np.uint8)}


class _Screen:
    """A screen in a sandbox, which is started when it is first needed, and anew when a program has ended it."""

    def __init__(self, site: TrialSite, job: bytes):
        self._site, self._job = site, job
        self._started = contextlib.ExitStack()
        self._process: subprocess.Popen | None = None

    def close(self) -> None:
        self._process = None
        self._started.close()

    def ask(self, program: str) -> dict | None:
        """Return what the screen says of a program; None if the screen has ended.

        Raises:
            InputError: no screen starts here.
        """
        if self._process is None:
            self._start()
        try:
            self._process.stdin.write(orjson.dumps(program) + b"\n")
            return orjson.loads(self._lines.next(time.monotonic() + ANSWER_SECONDS))
        except TimeoutError:
            self.close()
            return {"passed": [], "fault": "late"}
        except (OSError, EOFError, ValueError):
            self.close()
            return None

    def _start(self) -> None:
        command = [str(self._site.python), "-s", str(self._site.script.with_name("screen.py"))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "bufsize": 0}
        self._process = self._started.enter_context(trials.sandboxed(self._site, command, pipes, writes=False))
        self._lines = Lines(self._process.stdout.fileno())
        try:
            self._process.stdin.write(self._job + b"\n")
            self._lines.next(time.monotonic() + trials.START_SECONDS)
        except (OSError, EOFError) as error:
            self.close()
            raise InputError(f"{self._site.python}: the screen of functions does not start in a sandbox") from error


# verdicts


def judged(
    programs: Sequence[str], candidates: Sequence[Candidate], problems: Problems, compute: Compute
) -> tuple[list[Candidate], int]:
    """Return the candidates that pass the tests as samples do, and how many got no verdict.

    One that passes beside the tests alone passes only if the problem's own solution does no better.
    """
    if not candidates:
        return [], 0
    texts = [_text(programs[one.program], one.problem, one.order) for one in candidates]
    verdicts = _verdicts(texts, problems, compute)
    beside = sorted({one.problem for one, verdict in zip(candidates, verdicts, strict=True) if verdict == BESIDE})
    own = [_text(_own(problems.checks[number]), number, ()) for number in beside]
    best = dict(zip(beside, _verdicts(own, problems, compute) if own else (), strict=True))
    passed = [
        one
        for one, verdict in zip(candidates, verdicts, strict=True)
        if verdict == PASSED or verdict == BESIDE == best[one.problem]
    ]
    return passed, verdicts.count(UNDECIDED)


def _own(check: Check) -> str:
    return f"{check.solution}\n{CANDIDATE} = {check.entry}\n"


def _text(program: str, problem: int, order: Sequence[int]) -> str:
    return orjson.dumps([program, problem, list(order)]).decode()


def _verdicts(texts: Sequence[str], problems: Problems, compute: Compute) -> list[int]:
    """Return the verdict on each program with a problem and an order of arguments."""
    site = twins.own_site()

    def tried(some: Sequence[str]) -> Arrays:
        verdicts = trials.run(site, [_trial(*orjson.loads(text), problems) for text in some])
        return {"verdict": np.array([_verdict(one) for one in verdicts], dtype=np.uint8)}

    identity = {"kind": "verdicts on functions", "seconds": TRIAL_SECONDS, **problems.identity}
    feature = Feature("trying functions that may solve a problem", identity, tried)
    return compute(texts, feature, None)["verdict"].tolist()


def _trial(program: str, problem: int, order: Sequence[int], problems: Problems) -> Trial:
    """Return the trial of a program: the tests have names of their own, and its function comes to them as a value."""
    arguments = [f"a{place}" for place in range(len(order))]
    given = ", ".join(arguments[place] for place in order)
    candidate = f"lambda {', '.join(arguments)}: {CANDIDATE}({given})" if list(order) != sorted(order) else CANDIDATE
    tests = f"_names = {{}}\nexec({problems.checks[problem].tests!r}, _names)\n_names['check']({candidate})\n"
    return Trial(program, tests, "", TRIAL_SECONDS, apart=True)


def _verdict(one: trials.Verdict) -> int:
    if one.passed:
        return PASSED
    return BESIDE if one.together else UNDECIDED if one.said in TOO_LATE else FAILED
