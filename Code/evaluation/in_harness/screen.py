"""Screening programs in a sandbox: which of them may pass the tests of which problems? A screen, not a verdict.

    python screen.py

The first line on standard input is a JSON document with problems, pairs and limits; each further line is a program,
and is answered with a line on standard output: the pairs that it passed, and what kept it from being tried. A pair is a
problem and an order of its arguments. Tests end at their first wrong answer, which for nearly all pairs is the first.

Each program runs in a child of this process, which cannot write files, start processes or signal any. Time is processor
time, but for a deadline by the clock. Pairs are tried in rounds: the first gives each of them very little time, each
further one more to those few that were late in the round before, those with most answers first. A child that does not
end is killed, and another goes on behind the pair at which it hung.
"""

import ctypes
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
from sample import READY, import_packages, limit, processor

CANDIDATE = "__candidate__"
DUMPABLE, SECCOMP, NO_NEW_PRIVILEGES = 4, 22, 38  # what prctl sets
FILTER = 2  # SECCOMP_MODE_FILTER
SAID_BYTES = 1 << 20  # that a child may say
POLL_SECONDS = 0.25
REFUSED = (  # calls of the kernel by which a child could reach others, or leave something to the next
    *("kill", "tkill", "tgkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("prlimit64", "setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setattr", "ioprio_set"),
    *("shmget", "msgget", "semget", "mq_open"),
)
OWNING = {  # commands that let an open file send signals to whomever they name
    "fcntl": (8, 10, 15),  # F_SETOWN, F_SETSIG, F_SETOWN_EX
    "ioctl": (0x8901, 0x8902),  # FIOSETOWN, SIOCSPGRP
}
WHOLE = 0xFFFFFFFF  # the bits of a command that the kernel reads where a register may hold more
CLOCK = 10  # times its processor time is what a child may take by the clock


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


class Rules(ctypes.Structure):
    """A seccomp program, as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refusals() -> Rules:
    """Return the rules under which a child runs; to make them takes longer than most programs."""
    rules, refused = pyseccomp.SyscallFilter(pyseccomp.ALLOW), pyseccomp.ERRNO(errno.EPERM)
    for call in REFUSED:
        rules.add_rule(refused, call)
    for call, commands in OWNING.items():
        for command in commands:
            rules.add_rule(refused, call, pyseccomp.Arg(1, pyseccomp.MASKED_EQ, WHOLE, command))
    reads, writes = os.pipe()
    with open(reads, "rb") as made:
        with open(writes, "wb") as file:
            rules.export_bpf(file)
        instructions = made.read()
    return Rules(len(instructions) // 8, instructions)


def confine(seconds: float, memory: int, rules: Rules, out: int) -> int:
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
    control = ctypes.CDLL(None, use_errno=True).prctl
    if control(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or control(SECCOMP, FILTER, ctypes.byref(rules), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no rules")
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


def try_pairs(program: str, job: dict, checks: list, numbers: list[int], limits: dict, at: mmap.mmap, say) -> None:
    """Load a program, and try it on pairs; say which it passed, and for which it had not the time."""

    def load():
        names = {"__name__": "record"}
        exec(compile(program, "record", "exec"), names)  # noqa: S102 what this is for
        return names[CANDIDATE], inspect.signature(names[CANDIDATE])

    import_packages(program, ())  # first, since that may take longer than a pair may, and must not end half-way
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
            within(limits["seconds"], lambda problem=problem, calls=calls: checks[problem](calls))
            say(["passed", number])
        except LateError:
            hung += not calls.answers
            say(["late", number, calls.answers])
        except BaseException as error:
            if isinstance(error, MemoryError):
                say(["memory"])
        if hung >= limits["hung"]:
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
        self._rules = refusals()

    def screened(self, program: str) -> dict:
        """Return the pairs that a program passes, why others got no answer, and the seconds of processor time."""
        before = processor(resource.RUSAGE_SELF) + processor(resource.RUSAGE_CHILDREN)
        left, every, whole = dict.fromkeys(self._numbers, 0), [], True
        for limits in self._job["rounds"]:
            again = [number for number, answers in left.items() if answers >= limits["answers"]]
            chosen = sorted(again, key=lambda number: -left[number])[: limits["pairs"]]
            if not chosen:
                break
            said: list = []
            whole = self._in_children(program, chosen, limits, said) and whole
            for number in chosen:
                del left[number]
            left |= {one[1]: one[2] for one in said if one[0] == "late"}
            every += said
        faults = [one[1] for one in every if one[0] == "fault"]
        unsure = not whole or left
        fault = faults[0] if faults else "late" if unsure else "memory" if ["memory"] in every else ""
        used = processor(resource.RUSAGE_SELF) + processor(resource.RUSAGE_CHILDREN) - before
        return {"passed": sorted({one[1] for one in every if one[0] == "passed"}), "fault": fault, "processor": used}

    def _in_children(self, program: str, numbers: list[int], limits: dict, said: list) -> bool:
        """Try pairs in a child, and behind the pair that ends it in another; return whether all were tried."""
        until = time.monotonic() + CLOCK * limits["child_seconds"]
        for _ in range(self._job["children"]):
            at = mmap.mmap(-1, 8)
            if self._in_child(program, numbers, limits, until, at, said):
                return True
            numbers = numbers[int.from_bytes(at[:8], "big") + 1 :]
        return False

    def _in_child(self, program: str, numbers: list[int], limits: dict, until: float, at, said: list) -> bool:
        """Try pairs in a child; return whether it came to its end."""
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                out = confine(limits["child_seconds"], self._job["memory"], self._rules, writes)
                with open(out, "wb", buffering=0) as file:

                    def say(what: list) -> None:
                        file.write(json.dumps(what).encode() + b"\n")

                    try_pairs(program, self._job, self._checks, numbers, limits, at, say)
            finally:
                os._exit(0)
        os.close(writes)
        try:
            heard = listen(reads, child, self._job["asleep_seconds"], until)
        finally:
            os.close(reads)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        said += heard
        return bool(heard) and heard[-1][0] in ("end", "fault")


def listen(pipe: int, child: int, most: float, until: float) -> list[list]:
    """Return the lines that a child says until it ends, or sleeps for some seconds, as on a lock or a socket.

    It may be hostile, so what is no line of ours is left out.

    Args:
        most: the seconds that it may sleep, whatever it says meanwhile.
        until: the time of ``time.monotonic`` at which it ends in any case.
    """
    held, woken, used = b"", time.monotonic(), -1
    while len(held) < SAID_BYTES and time.monotonic() < min(until, woken + most):
        if select.select([pipe], [], [], POLL_SECONDS)[0]:
            got = os.read(pipe, SAID_BYTES)
            if not got:
                break
            held += got
        state, now = asleep(child)
        if not state or now != used:
            woken, used = time.monotonic(), now
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
