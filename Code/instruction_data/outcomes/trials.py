"""Trying samples of model-written Python against their tests, each in sandboxes of its own.

A sample runs twice: apart, the sample in one sandbox, the tests in another, and only arguments and returned values
between them; and beside its tests in one process, by the harness's own code and time limit. There it may tamper with
its checks, and read them. It has passed if it passes both. All samples run apart before any of them runs beside tests,
so that nothing that one of them reads there can help another.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from instruction_data.errors import InputError
from instruction_data.outcomes import sandbox
from instruction_data.outcomes.sandbox import Limits, View

START_SECONDS = 60  # an interpreter's time to get ready for a sample
GRACE_SECONDS = 1  # the harness's own, beyond a sample's time
APART_TIMES = 3  # times the seconds allowed together, since values between processes take longer
SAID = 1000  # characters of a failure's message
STARVING = ("can't start new thread", "Resource temporarily unavailable", "Cannot allocate memory")
ALONE = 32  # so many are tried again one by one, more of them together
STARVED = 0.8  # share of its time; a sample that had less of a processor is tried again
VERDICT_BYTES = 1 << 16
TEMPORARY = "/temporary"  # there is no /tmp and no home: no sample has business there
PROCESSES, FILE_BYTES, TEMPORARY_BYTES = 64, 64_000_000, 256_000_000


@dataclass(frozen=True)
class Trial:
    """A sample and its tests.

    Attributes:
        tests: the code that the harness puts after the sample.
        prompt: the problem's; tests may use what it defines.
        seconds: the time for sample and tests together.
        apart: whether they must also pass apart.
    """

    solution: str
    tests: str
    prompt: str
    seconds: float
    apart: bool


@dataclass(frozen=True)
class Verdict:
    """The result of trying a sample.

    Attributes:
        passed: whether it passed every run that was required.
        together: whether it passed beside its tests.
        said: the failure's message; hostile.
    """

    passed: bool
    together: bool
    said: str


@dataclass(frozen=True)
class TrialSite:
    """The place where samples run.

    Attributes:
        python: interpreter of the harness's environment.
        script: in_harness/sample.py.
        execute: the harness's module that executes programs; None runs them without it.
        readable: the files that these need, as in ``sandbox.View``.
        variables: environment variables.
        memory: bytes of each process, beyond its memory at the start.
        sandboxed: False only if the caller turned it off.
        hidden: folders that samples must not see.
    """

    python: Path
    script: Path
    execute: Path | None
    readable: Mapping[Path, str]
    variables: Mapping[str, str]
    memory: int
    sandboxed: bool
    hidden: Sequence[str] = ()


Kind = Callable[[TrialSite, Trial], dict]  # a way of trying a sample: its answer


class _NotStartedError(Exception):
    """An interpreter ended before it was ready for the sample."""


def run(place: TrialSite, trials: Sequence[Trial]) -> list[Verdict]:
    """Try samples, as many at once as there are processors: all apart from their tests, then beside them.

    A sample that ends without a verdict, or had too little of a processor or of anything else, is tried again after all
    others, so that no sample fails because of its neighbours.

    Raises:
        InputError: no sample can be run here.
    """
    apart = _answers(place, trials, [one for one, trial in enumerate(trials) if trial.apart], _apart)
    lost = {one for one, answer in apart.items() if "passed" not in answer}
    beside = _answers(place, trials, [one for one in range(len(trials)) if one not in lost], _beside)
    return [_verdict(apart.get(one), beside.get(one)) for one in range(len(trials))]


def _answers(place: TrialSite, trials: Sequence[Trial], chosen: Sequence[int], kind: Kind) -> dict[int, dict]:
    """Run samples, and those without a sure answer again; return their answers by number."""
    what = "trying samples beside their tests" if kind is _beside else "trying samples apart from their tests"

    def one(number: int) -> dict:
        with contextlib.suppress(_NotStartedError):
            return kind(place, trials[number])
        return {}

    def together(numbers: Sequence[int], workers: int) -> dict[int, dict]:
        with ThreadPoolExecutor(workers) as pool:  # a sandbox ends with the thread that started it
            tried = tqdm(pool.map(one, numbers), what, len(numbers), unit="sample", file=sys.stderr, delay=10)
            return dict(zip(numbers, tried, strict=True))

    workers = min(os.cpu_count() or 1, len(chosen)) or 1
    found = together(chosen, workers)
    unsure = [number for number, answer in found.items() if not _sure(answer, trials[number].seconds)]
    found |= together(unsure, 1 if len(unsure) <= ALONE else workers)
    return found | {number: _explained(place, trials[number], kind) for number in unsure if not found[number]}


def _sure(answer: Mapping, seconds: float) -> bool:
    """Say whether an answer is final because a second try would not be fairer."""
    said = str(answer.get("result", answer.get("said", "")))
    late = said == "timed out" and answer.get("processor", 0) < STARVED * seconds
    starved = any(words in said for words in STARVING)
    return ("result" in answer or "passed" in answer) and not late and not starved


def _explained(place: TrialSite, trial: Trial, kind: Kind) -> dict:
    """Try a sample once more whose interpreter did not start; say why, if it is the sample's own doing.

    Raises:
        InputError: no interpreter starts.
    """
    try:
        return kind(place, trial)
    except _NotStartedError as error:
        try:
            _beside(place, Trial("", "", "", trial.seconds, apart=False))
        except _NotStartedError:
            raise InputError(f"{place.python}: no sample can be run: {error}") from error
        return {"said": f"with the packages that it imports {error}"}


def _verdict(apart: Mapping | None, beside: Mapping | None) -> Verdict:
    """Return the verdict of a sample's answers; those are None that it was not asked for."""
    if beside is not None and beside.get("result") != "passed":
        return Verdict(False, False, str(beside.get("result", beside.get("said")))[:SAID])
    passed = apart is None or apart.get("passed") is True
    said = "" if passed else f"apart from its tests: {str(apart.get('said'))[:SAID]}"
    return Verdict(passed, beside is not None, said)


def _beside(place: TrialSite, trial: Trial) -> dict:
    """Run a sample and its tests in one process; return their answer."""
    job = {"solution": trial.solution, "tests": trial.tests, "seconds": trial.seconds, "memory": place.memory}
    with _started(place, job, "together", str(place.execute or "-")) as lines:
        return lines.verdict(trial.seconds + GRACE_SECONDS)


def _apart(place: TrialSite, trial: Trial) -> dict:
    """Run the tests against a sample in another sandbox; return their answer."""
    job = {"solution": trial.solution, "memory": place.memory}
    check = {"tests": trial.tests, "prompt": trial.prompt, "memory": place.memory}
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(end) for end in socket.socketpair()]
        words = [("solution", str(place.execute or "-")), ("tests",)]
        both = [
            stack.enter_context(_started(place, what, *word, channel=end.fileno()))
            for what, word, end in zip((job, check), words, ends, strict=True)
        ]
        for end in ends:
            end.close()  # so that each side sees the other's end
        return both[1].verdict(APART_TIMES * trial.seconds + GRACE_SECONDS)


@contextlib.contextmanager
def _started(place: TrialSite, job: dict, *words: str, channel: int | None = None) -> Iterator["Lines"]:
    """Yield an interpreter that is ready for a sample, until the block ends.

    Raises:
        _NotStartedError: it does not become ready.
    """
    passed = () if channel is None else (channel,)
    command = [str(place.python), "-s", str(place.script), *words, *map(str, passed)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "pass_fds": passed}
    with sandboxed(place, command, streams) if place.sandboxed else _bare(place, command, streams) as process:
        lines = Lines(process.stdout.fileno())
        try:
            with process.stdin:
                process.stdin.write(json.dumps(job).encode())
            ready = lines.next(time.monotonic() + START_SECONDS)
        except (OSError, EOFError) as error:
            raise _NotStartedError(f"its interpreter does not start ({error or type(error).__name__})") from error
        if ready != b"ready":
            raise _NotStartedError(f"its interpreter said {ready!r}")
        yield lines


def sandboxed(
    place: TrialSite, command: Sequence[str], streams: dict, writes: bool = True
) -> contextlib.AbstractContextManager:
    """Return the context of a command that runs in a sandbox of its own, as a user of its own.

    Args:
        writes: whether there are folders in which it can write.
    """
    limits = Limits(PROCESSES, FILE_BYTES, TEMPORARY_BYTES, sandbox.user(), locks=False)
    variables = {**place.variables, "HOME": "/nonexistent", "TMPDIR": TEMPORARY}
    folders = (TEMPORARY, "/dev/shm")
    temporary, hidden = (folders, place.hidden) if writes else ((), (*place.hidden, *folders))
    view = View(place.readable, None, variables, TEMPORARY, temporary, hidden)
    return sandbox.start(command, view, limits, **streams)


@contextlib.contextmanager
def _bare(place: TrialSite, command: Sequence[str], streams: dict) -> Iterator[subprocess.Popen]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as private:
        variables = {**place.variables, "HOME": private, "TMPDIR": private}
        with subprocess.Popen(command, cwd=private, env=variables, start_new_session=True, **streams) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)


class Lines:
    """The few lines of a pipe to which hostile code may write."""

    def __init__(self, pipe: int):
        self._pipe, self._held = pipe, b""

    def next(self, until: float) -> bytes:
        """Return the next line; wait for it until ``until``, a time of ``time.monotonic``.

        Raises:
            TimeoutError, EOFError: no line comes, or it is too long.
        """
        while b"\n" not in self._held:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
                raise TimeoutError
            got = os.read(self._pipe, VERDICT_BYTES)
            if not got or len(self._held) > VERDICT_BYTES:
                raise EOFError
            self._held += got
        line, self._held = self._held.split(b"\n", 1)
        return line

    def verdict(self, seconds: float) -> dict:
        """Return the answer that comes within some seconds; without ``result`` and ``passed`` if it cannot be read."""
        try:
            found = json.loads(self.next(time.monotonic() + seconds))
            used = found.get("processor", 0)
            if not isinstance(used, (int, float)):
                raise TypeError
        except (TimeoutError, EOFError, ValueError, RecursionError, AttributeError, TypeError):
            return {"said": "no verdict in time"}
        return found
