"""The sandbox: what code in it reaches, leaves and takes."""

import contextlib
import errno
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.needs import needs_sandbox

from instruction_data.outcomes import sandbox
from instruction_data.outcomes.sandbox import DiedError, Limits, View


def inside(tmp_path, code, seconds=20):
    """Run Perl in a sandbox: whether it ended well, what it said, and what it left in the folder it may write to."""
    folder = tmp_path / "given"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    log = tmp_path / "log"
    log.unlink(missing_ok=True)
    view = View({}, folder, {"PATH": "/usr/bin", "SECRET": ""}, "/tmp")
    try:
        sandbox.run(["/usr/bin/perl", "-e", code], view, seconds, log)
        well = True
    except DiedError:
        well = False
    return well, log.read_text(), {path.name: path.read_text() for path in folder.iterdir()}


@needs_sandbox
def test_what_is_written_to_the_folder_stays_and_nothing_else_does(tmp_path):
    code = f'open(F, ">", "{tmp_path}/given/kept") or die; print F "x"; close F; open(G, ">", "/tmp/lost") or die;'
    well, said, left = inside(tmp_path, code)
    assert (well, said, left) == (True, "", {"kept": "x"})
    assert not Path("/tmp/lost").exists()


@needs_sandbox
@pytest.mark.parametrize(
    "code",
    [
        'open(F, "<", "/etc/hostname") or die "no\\n"; print <F>',
        f'opendir(D, "{Path.home()}") or die "no\\n"; print readdir(D)',
        'open(F, ">", "/usr/bin/mine") or die "no\\n"',
        'use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => "1.1.1.1:80", Timeout => 2) or die "no\\n"',
        'kill(0, getppid()) && getppid() > 1 or die "no\\n"',
    ],
    ids=["host", "home", "system", "network", "parent"],
)
def test_code_in_a_sandbox_reaches_nothing_outside(tmp_path, code):
    well, said, _ = inside(tmp_path, code)
    assert not well
    assert said.endswith("no\n")


@needs_sandbox
def test_processes_files_and_time_are_limited(tmp_path):
    forks = (
        "my $n = 0; while (defined(my $p = fork())) { if (!$p) { sleep 30; exit } $n++; last if $n > 5000 } print $n"
    )
    _, said, _ = inside(tmp_path, forks)
    assert 0 < int(said) <= Limits().processes
    _, _, left = inside(tmp_path, f'open(F, ">", "{tmp_path}/given/big"); print F "x" x 1e6 for 1..400')
    assert len(left["big"]) <= Limits().file_bytes
    began = time.monotonic()
    well, _, _ = inside(tmp_path, "if (!fork()) { sleep 60 } sleep 60", seconds=1)
    assert not well
    assert time.monotonic() - began < 30


@needs_sandbox
@pytest.mark.parametrize("call", [*sandbox.REFUSED, *sandbox.NOT_THERE])
def test_calls_that_remember_or_escape_are_refused(tmp_path, call):
    import pyseccomp

    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call)
    well, said, _ = inside(tmp_path, f'syscall({number}, 0, 0, 0, 0, 0) == -1 or die "done\\n"; print $! + 0')
    assert well
    assert int(said) in (errno.EPERM, errno.ENOSYS)


@needs_sandbox
def test_a_user_namespace_is_refused_however_it_is_asked_for(tmp_path):
    import pyseccomp

    clone = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "clone")
    flags = sandbox.NEW_USER | signal.SIGCHLD
    code = f'my $p = syscall({clone}, {flags}, 0, 0, 0, 0); $p == -1 or die "in\\n"; print $! + 0'
    assert inside(tmp_path, code)[:2] == (True, str(errno.EPERM))


BYTE = 'pack("s s x4 q q l x4", {}, 0, 40, 1, 0)'  # struct flock: a lock of byte 40, for reading (0) or writing (1)
LOCKS = {  # how one sandbox could tell another something by a file that both may read: what it does, how to ask
    "whole file": ("flock(F, 2)", 'flock(F, 6) ? "free" : $! + 0'),
    "byte": (
        f"my $l = {BYTE.format(0)}; fcntl(F, 6, $l)",
        f'do {{ my $l = {BYTE.format(1)}; fcntl(F, 5, $l) ? "lock " . unpack("s", $l) : $! + 0 }}',
    ),
}


@contextlib.contextmanager
def said_first(code):
    """Yield what Perl says first in a sandbox as samples have it; it stays there until the block ends."""
    limits = Limits(user=sandbox.user(), locks=False)
    view = View({}, None, {"PATH": "/usr/bin"}, "/tmp")
    words = ["/usr/bin/perl", "-e", f'open(F, "<", "/usr/bin/env"); $| = 1; {code}; print "\\n"; sleep 100']
    with sandbox.start(words, view, limits, stdout=subprocess.PIPE) as process:
        yield process.stdout.readline()


@needs_sandbox
@pytest.mark.parametrize("kind", LOCKS)
def test_a_lock_in_one_sandbox_tells_another_nothing(kind):
    locks, asks = LOCKS[kind]
    with said_first(f"print({asks})") as free:
        pass
    with said_first(locks), said_first(f"print({asks})") as held:
        pass
    assert held == free == f"{errno.EPERM}\n".encode()


@needs_sandbox
def test_a_command_in_a_register_with_more_bits_is_refused_too(tmp_path):
    """The kernel reads 32 bits of a command."""
    import pyseccomp

    number, command = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "fcntl"), (1 << 32) + sandbox.TELLING[0]
    asks = f'open(F, "<", "/usr/bin/env"); my $l = {BYTE.format(1)}; print syscall({number}, fileno(F), {command}, $l)'
    assert inside(tmp_path, f'{asks} . ", " . ($! + 0)')[:2] == (True, f"-1, {errno.EPERM}")


@needs_sandbox
def test_shared_memory_is_small(tmp_path):
    fill = 'open(F, ">", "/dev/shm/x") or die; $n += syswrite(F, "x" x 1e6) || last for 1..100; print $n'
    _, said, _ = inside(tmp_path, fill)
    assert 0 < int(said) <= sandbox.SHARED_BYTES


def may_fix_scores() -> bool:
    """Whether we are root with CAP_SYS_RESOURCE, which containers often lack."""
    said = Path("/proc/self/status").read_text()
    return sandbox._variant() == "drop" and bool(int(said.split("CapBnd:")[1].split()[0], 16) >> 24 & 1)


@needs_sandbox
def test_what_runs_there_is_the_first_to_be_killed_when_memory_ends(tmp_path):
    lower = 'open(F, ">", "/proc/self/oom_score_adj") and print F "0"; close F;'
    show = 'open(G, "/proc/self/oom_score_adj"); print <G>'
    assert inside(tmp_path, show)[1] == "1000\n"
    assert not may_fix_scores() or inside(tmp_path, lower + show)[1] == "1000\n"


@needs_sandbox
def test_nobody_of_a_sandbox_is_left_when_it_has_ended(tmp_path):
    users = [sandbox.user(), sandbox.user()]
    assert users[0] != users[1]
    limits = Limits(user=users[0])
    view = View({}, None, {"PATH": "/usr/bin"}, "/tmp")
    code = "fork() for 1..5; print qq(x\\n); $| = 1; sleep 100"
    with sandbox.start(["/usr/bin/perl", "-e", f"$| = 1; {code}"], view, limits, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        if sandbox._variant() == "drop":
            assert users[0] in owners()
    assert users[0] not in owners()


def owners() -> set[int]:
    """The users of all processes."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.add(place.stat().st_uid)
    return found
