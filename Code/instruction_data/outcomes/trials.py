"""Trying samples of model-written Python against their tests, each in sandboxes of its own.

A sample runs twice. First it runs together with its tests in one process, by the harness's own code and time limit. A
sample that passes there may be right, or may have tampered with its checks. So it runs again, apart: the sample in one
sandbox, the tests in another, and only arguments and returned values between them. It has passed if it passes both.
"""

import contextlib
import json
import os
import queue
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
        execute: the harness's module that executes programs; None runs them without it, beside their tests only.
        readable: the files that these need, as in ``sandbox.View``.
        variables: environment variables.
        memory: bytes of each process, beyond its memory at the start.
        sandboxed: False only if the caller turned it off.
    """

    python: Path
    script: Path
    execute: Path | None
    readable: Mapping[Path, str]
    variables: Mapping[str, str]
    memory: int
    sandboxed: bool


class _NotStartedError(Exception):
    """An interpreter ended before it was ready for the sample."""


def run(place: TrialSite, trials: Sequence[Trial]) -> list[Verdict]:
    """Try samples, as many at once as there are processors.

    A sample that ends without a verdict, or had too little of a processor, is tried again after all others, so that
    no sample fails because of its neighbours.

    Raises:
        InputError: no sample can be run here.
    """
    workers = min(os.cpu_count() or 1, len(trials)) or 1
    free = queue.SimpleQueue()
    for number in range(workers):
        free.put((sandbox.user(2 * number), sandbox.user(2 * number + 1)))

    def one(trial: Trial) -> tuple[Verdict, bool]:
        users = free.get()
        try:
            return _try(place, trial, users)
        except _NotStartedError as error:
            return Verdict(False, False, str(error)), False
        finally:
            free.put(users)

    with ThreadPoolExecutor(workers) as pool:  # a sandbox ends with the thread that started it
        tried = pool.map(one, trials)
        found = list(tqdm(tried, "trying samples", len(trials), unit="sample", file=sys.stderr, delay=10))
    users = free.get()
    return [
        verdict if sure else _again(place, trial, users) for trial, (verdict, sure) in zip(trials, found, strict=True)
    ]


def _again(place: TrialSite, trial: Trial, users: tuple[int, int]) -> Verdict:
    try:
        return _try(place, trial, users)[0]
    except _NotStartedError as error:
        try:
            _try(place, Trial("", "", "", trial.seconds, apart=False), users)
        except _NotStartedError:
            raise InputError(f"{place.python}: no sample can be run: {error}") from error
        return Verdict(False, False, f"with the packages that it imports {error}")


def _try(place: TrialSite, trial: Trial, users: tuple[int, int]) -> tuple[Verdict, bool]:
    """Try a sample; return the verdict, and whether it is final because a second try would not be fairer."""
    job = {"solution": trial.solution, "tests": trial.tests, "seconds": trial.seconds, "memory": place.memory}
    with _started(place, users[0], job, "together", str(place.execute or "-")) as lines:
        found = lines.verdict(trial.seconds + GRACE_SECONDS)
    if found.get("result") != "passed":
        late = found.get("result") == "timed out" and found.get("processor", 0) < STARVED * trial.seconds
        return Verdict(False, False, str(found.get("result", found.get("said")))), "result" in found and not late
    if not trial.apart:
        return Verdict(True, True, ""), True
    found = _apart(place, trial, users)
    passed = found.get("passed") is True
    return Verdict(passed, True, "" if passed else f"apart from its tests: {found.get('said')}"), passed


def _apart(place: TrialSite, trial: Trial, users: tuple[int, int]) -> dict:
    """Run the tests against a sample in another sandbox; return their answer."""
    job = {"solution": trial.solution, "memory": place.memory}
    check = {"tests": trial.tests, "prompt": trial.prompt, "memory": place.memory}
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(end) for end in socket.socketpair()]
        words = [("solution", str(place.execute)), ("tests",)]
        both = [
            stack.enter_context(_started(place, user, what, *word, channel=end.fileno()))
            for user, what, word, end in zip(users, (job, check), words, ends, strict=True)
        ]
        for end in ends:
            end.close()  # so that each side sees the other's end
        return both[1].verdict(APART_TIMES * trial.seconds + GRACE_SECONDS)


@contextlib.contextmanager
def _started(place: TrialSite, user: int, job: dict, *words: str, channel: int | None = None) -> Iterator["_Lines"]:
    """Yield an interpreter that is ready for a sample, until the block ends.

    Raises:
        _NotStartedError: it does not become ready.
    """
    passed = () if channel is None else (channel,)
    command = [str(place.python), "-s", str(place.script), *words, *map(str, passed)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "pass_fds": passed}
    with _sandboxed(place, command, user, streams) if place.sandboxed else _bare(place, command, streams) as process:
        lines = _Lines(process.stdout.fileno())
        try:
            with process.stdin:
                process.stdin.write(json.dumps(job).encode())
            ready = lines.next(time.monotonic() + START_SECONDS)
        except (OSError, EOFError) as error:
            raise _NotStartedError(f"its interpreter does not start ({error or type(error).__name__})") from error
        if ready != b"ready":
            raise _NotStartedError(f"its interpreter said {ready!r}")
        yield lines


def _sandboxed(place: TrialSite, command: Sequence[str], user: int, streams: dict):
    limits = Limits(PROCESSES, FILE_BYTES, TEMPORARY_BYTES, user)
    variables = {**place.variables, "HOME": "/nonexistent", "TMPDIR": TEMPORARY}
    view = View(place.readable, None, variables, TEMPORARY, (TEMPORARY, "/dev/shm"))
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


class _Lines:
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
