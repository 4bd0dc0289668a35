"""Screening programs in a sandbox: which of them may pass the tests of which problems? A screen, not a verdict.

    python screen.py

The first line on standard input is a JSON document with problems, pairs and limits; each further line is a program,
and is answered with a line on standard output: the pairs that it passed, and what kept it from being tried. A pair is a
problem and an order of its arguments. Tests end at their first wrong answer, which for nearly all pairs is the first.

Each program runs in a child of this process, which cannot write files, start processes or signal any. Time is processor
time. A pair that takes too long is tried again, with more time, if at least one answer was right before. A child that
does not end is killed, and another goes on behind the pair at which it hung.
"""

import errno
import gc
import inspect
import json
import mmap
import os
import random
import resource
import select
import signal
import sys
import time
from pathlib import Path

import pyseccomp
from sample import READY, limit, processor

CANDIDATE = "__candidate__"
DUMPABLE = 4  # PR_SET_DUMPABLE
SAID_BYTES = 1 << 20  # that a child may say
POLL_SECONDS = 0.25
REFUSED = (  # calls of the kernel by which a child could reach others, or leave something to the next
    *("kill", "tkill", "tgkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("prlimit64", "setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setattr", "ioprio_set"),
    *("shmget", "msgget", "semget", "mq_open"),
)


class LateError(BaseException):
    """A call has had its time."""


def late(*_) -> None:
    raise LateError


class Calls:
    """Calls a function with its arguments in another order, and counts the answers."""

    def __init__(self, function, order: list[int]):
        self._function, self._order, self.answers = function, order, 0

    def __call__(self, *arguments):
        answer = self._function(*(arguments[place] for place in self._order))
        self.answers += 1
        return answer


def ready(problem: dict):
    """Return the function of a problem that checks a candidate; it raises if the candidate is wrong."""
    names: dict = {}
    exec(problem["tests"], names)  # noqa: S102 what this is for
    return names["check"]


# a child


def confine(seconds: float, memory: int, out: int) -> int:
    """Take from this process what no function needs: open files, files to write, processes to start, signals, sleep.

    Returns:
        Where ``out`` is open now.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.dup2(out, 3)
    os.closerange(4, 256)
    limit(memory)
    for what, most in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0), (resource.RLIMIT_CPU, int(seconds))):
        resource.setrlimit(what, (most, most))
    time.sleep = lambda _: None
    signal.signal(signal.SIGPROF, late)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for call in REFUSED:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), call)
    rules.load()
    return 3


def within(seconds: float, call):
    """Call a function, which may take so many seconds of the processor.

    Raises:
        LateError: it took longer; it may have caught the first of these errors, so there are more.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def try_pairs(program: str, job: dict, checks: list, numbers: list[int], seconds: float, at: mmap.mmap, say) -> None:
    """Load a program, and try it on pairs; say which it passed, and for which it had not the time."""

    def load():
        names = {"__name__": "record"}
        exec(compile(program, "record", "exec"), names)  # noqa: S102 what this is for
        return names[CANDIDATE], inspect.signature(names[CANDIDATE])

    try:
        function, signature = within(job["load_seconds"], load)
    except BaseException as error:
        say(["fault", "late" if isinstance(error, LateError) else "load"])
        return
    fits = {arity for arity in range(1, 10) if takes(signature, arity)}
    random.seed(0)
    hung = 0
    for place, number in enumerate(numbers):
        at[:8] = place.to_bytes(8, "big")
        problem, order = job["pairs"][number]
        if len(order) not in fits:
            continue
        calls = Calls(function, order)
        try:
            within(seconds, lambda problem=problem, calls=calls: checks[problem](calls))
            say(["passed", number])
        except LateError:
            hung += not calls.answers
            say(["late", number, calls.answers])
        except BaseException as error:
            if isinstance(error, MemoryError):
                say(["memory"])
        if hung >= job["hung"]:
            say(["fault", "late"])
            return
    say(["end"])


def takes(signature: inspect.Signature, arity: int) -> bool:
    try:
        signature.bind(*range(arity))
    except TypeError:
        return False
    return True


# the process that starts them


class Screen:
    """The problems, ready to be tried."""

    def __init__(self, job: dict):
        self._job = job
        self._checks = [ready(problem) for problem in job["problems"]]
        self._numbers = range(len(job["pairs"]))

    def screened(self, program: str) -> dict:
        """Return the pairs that a program passes, why others got no answer, and the seconds of processor time."""
        job, said, before = self._job, [], processor(resource.RUSAGE_SELF) + processor(resource.RUSAGE_CHILDREN)
        whole = self._in_children(program, self._numbers, job["seconds"], job["child_seconds"], said)
        slow = [one for one in said if one[0] == "late" and one[2]]
        again = [one[1] for one in sorted(slow, key=lambda one: -one[2])]
        if again[: job["again"]]:
            later: list = []
            self._in_children(program, again[: job["again"]], job["longer_seconds"], job["longer_child_seconds"], later)
            said = [one for one in said if one not in slow] + later
            whole = whole and len(again) <= job["again"]
        passed = sorted({one[1] for one in said if one[0] == "passed"})
        faults = [one[1] for one in said if one[0] == "fault"]
        unsure = not whole or any(one[0] == "late" for one in said)
        fault = faults[0] if faults else "late" if unsure else "memory" if ["memory"] in said else ""
        used = processor(resource.RUSAGE_SELF) + processor(resource.RUSAGE_CHILDREN) - before
        return {"passed": passed, "fault": fault, "processor": used}

    def _in_children(self, program: str, numbers, seconds: float, most: float, said: list) -> bool:
        """Try pairs in a child, and behind the pair that ends it in another; return whether all were tried."""
        left = list(numbers)
        for _ in range(self._job["children"]):
            at = mmap.mmap(-1, 8)
            ended = self._in_child(program, left, seconds, most, at, said)
            if ended:
                return True
            left = left[int.from_bytes(at[:8], "big") + 1 :]
        return False

    def _in_child(self, program: str, numbers: list[int], seconds: float, most: float, at, said: list) -> bool:
        """Try pairs in a child; return whether it came to its end."""
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with open(confine(most, self._job["memory"], writes), "wb", buffering=0) as out:

                    def say(what: list) -> None:
                        out.write(json.dumps(what).encode() + b"\n")

                    try_pairs(program, self._job, self._checks, numbers, seconds, at, say)
            finally:
                os._exit(0)
        os.close(writes)
        try:
            heard = listen(reads, child, self._job["asleep_seconds"])
        finally:
            os.close(reads)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        said += heard
        return bool(heard) and heard[-1][0] in ("end", "fault")


def listen(pipe: int, child: int, most: float) -> list[list]:
    """Return the lines that a child says until it ends, or sleeps for some seconds, as on a lock or a socket.

    It may be hostile, so what is no line of ours is left out.
    """
    held, slept, used = b"", 0.0, -1
    while len(held) < SAID_BYTES and slept < most:
        if select.select([pipe], [], [], POLL_SECONDS)[0]:
            got = os.read(pipe, SAID_BYTES)
            if not got:
                break
            held, slept = held + got, 0.0
            continue
        state, now = asleep(child)
        slept = slept + POLL_SECONDS if state and now == used else 0.0
        used = now
    found = []
    for line in held.split(b"\n"):
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(one, list) and one and one[0] in FORMS and list(map(type, one)) == FORMS[one[0]]:
            found.append(one)
    return found


def asleep(process: int) -> tuple[bool, int]:
    """Return whether a process waits for something, and the time that it has had of the processor, in ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return fields[0] != "R", int(fields[11]) + int(fields[12])


FORMS = {"passed": [str, int], "late": [str, int, int], "fault": [str, str], "memory": [str], "end": [str]}


def main() -> None:
    import ctypes

    import numpy  # noqa: F401 before any child, since that takes longer than most programs

    ctypes.CDLL(None).prctl(DUMPABLE, 0, 0, 0, 0)  # so that children cannot open what this process has open
    sys.path.remove(str(Path(__file__).parent))
    lines = sys.stdin.buffer
    job = json.loads(lines.readline())
    screen = Screen(job)
    gc.collect()
    gc.freeze()  # so that children, which collect nothing of it, share its memory
    with open(os.dup(1), "wb", buffering=0) as out:
        os.set_inheritable(out.fileno(), False)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        out.write(READY)
        for line in lines:
            out.write(json.dumps(screen.screened(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
