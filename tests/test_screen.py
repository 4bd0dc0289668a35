"""The screen of functions: what one program does reaches neither the screen nor the next program, and ends in time."""

import importlib
import os
import time

import pytest
from tests.support.needs import needs_sandbox
from tests.support.scripts import CODE

from instruction_data.numbers.features import Feature
from instruction_data.outcomes import solvers
from instruction_data.outcomes.checks import Check
from instruction_data.outcomes.solvers import Problems

ADD = Check("add", 2, "def check(f):\n    assert f(1, 2) == 3\n", "def add(a, b):\n    return a + b\n", "add")
RIGHT = "__candidate__ = lambda a, b: a + b\n"
SIGNALS = """import ctypes, fcntl, os, socket, struct
{owns}
def __candidate__(a, b):
    reads, writes = socket.socketpair()
    try:
        owns(reads.fileno(), os.getppid())
    except OSError:
        return a + b
    fcntl.fcntl(reads, fcntl.F_SETFL, os.O_ASYNC)
    writes.send(b"x")
"""
OWNERS = (  # ways to have a signal sent to the screen
    "def owns(file, whom): fcntl.fcntl(file, 8, whom)",
    "def owns(file, whom): fcntl.fcntl(file, 15, struct.pack('ii', 1, whom))",
    "def owns(file, whom): fcntl.ioctl(file, 0x8901, struct.pack('i', whom))",
    "def owns(file, whom): fcntl.ioctl(file, 0x8902, struct.pack('i', whom))",
    """def owns(file, whom):
    if ctypes.CDLL(None).syscall({fcntl}, file, ctypes.c_uint64(1 << 32 | 8), whom):  # the kernel reads 32 bits
        raise OSError""",
)
LEAVES = """import os
def __candidate__(a, b):
    for place in ("/temporary", "/dev/shm", "/tmp"):
        for call in (lambda p: os.symlink("x", p), os.mkdir, os.mknod, lambda p: os.open(p, os.O_CREAT)):
            try:
                call(f"{place}/left")
                return 0
            except OSError:
                pass
    return a + b
"""


def screened(programs, problems=(ADD,)):
    """What the screen says: of each program the pairs that it passes, and its fault."""
    screens = solvers.Screens(Problems(["made"] * len(problems), problems))
    ((_, arrays),) = screens.map(Feature("screening", {}, screens.compute), [(0, programs)])
    return arrays["passed"][:, 0].tolist(), [list(solvers.FAULTS)[fault] for fault in arrays["fault"].tolist()]


@needs_sandbox
def test_a_program_signals_nothing_and_leaves_nothing(monkeypatch):
    import pyseccomp

    number, started, start = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "fcntl"), [], solvers._Screen._start
    monkeypatch.setattr(solvers._Screen, "_start", lambda screen: (started.append(1), start(screen)))
    programs = [SIGNALS.format(owns=owns.replace("{fcntl}", str(number))) for owns in OWNERS]
    passed, faults = screened([*programs, LEAVES, RIGHT])
    assert passed == [0b11000000] * 7
    assert (faults, len(started)) == ([""] * 7, 1)


@needs_sandbox
def test_late_pairs_have_more_time_and_an_import_takes_none():
    once = Check("once", 2, "def check(f):\n    assert f(0.01, 0.01) == 0.02\n", "", "")
    twice = Check("twice", 2, "def check(f):\n    f(0, 0)\n    assert f(0.1, 0.1) == 0.2\n", "", "")
    slow = "import time\ndef __candidate__(a, b):\n    end = time.process_time() + a + b\n"
    slow += "    while time.process_time() < end: pass\n    return a + b\n"
    imports = "def __candidate__(a, b):\n    import asyncio\n    return a + b\n"
    assert screened([slow, imports], (once, twice)) == ([0b11110000] * 2, ["", ""])


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.syspath_prepend(CODE / "evaluation/in_harness")
    return importlib.import_module("screen")


@pytest.mark.parametrize(("most", "seconds"), [(60, 0.5), (0.5, 60)], ids=["clock", "sleep"])
def test_a_child_that_says_something_all_the_time_is_not_waited_for(screen, most, seconds):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        while True:
            os.write(writes, b"\n")
            time.sleep(0.05)
    began = time.monotonic()
    try:
        assert screen.listen(reads, child, most, began + seconds) == []
        assert time.monotonic() - began < 10
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_program_that_takes_too_long_is_not_asked_again():
    screens, asked = solvers.Screens(Problems(["made"], [ADD])), []

    class Asked:
        stdin = property(lambda self: self)

        def write(self, line):
            asked.append(line)

    screen = solvers._Screen(None, b"")
    screen._process, screen._lines = Asked(), Asked()
    screen._lines.next = lambda until: (_ for _ in ()).throw(TimeoutError)
    screens._idle.put(screen)
    arrays = screens.compute([RIGHT])
    assert (len(asked), arrays["fault"].tolist()) == (1, [list(solvers.FAULTS).index("late")])
