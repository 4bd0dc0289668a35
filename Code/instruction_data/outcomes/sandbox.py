"""The sandbox for model-written code: no network, a private file system and process space, and limits.

The walls are bubblewrap's (namespaces of the Linux kernel). The code sees the system's programs and the chosen files,
both read-only, one folder to write to, and a temporary folder that vanishes afterwards. Root's powers are dropped
first, so that limits on processes hold and nothing of root's can be signalled or read.
"""

import contextlib
import errno
import functools
import itertools
import os
import random
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from instruction_data.errors import InputError
from instruction_data.runs.environments import log_end

SYSTEM = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")
LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")
NOBODY = 65534
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)  # 16: netlink. Others, as vsock, ignore namespaces
ALL_FAMILIES = 46  # the kernel's number of families
NEW_USER = 0x10000000  # CLONE_NEWUSER
EVICTING = (20, 21)  # advice to put pages away: MADV_COLD, MADV_PAGEOUT
REFUSED = (  # calls of the kernel
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),  # has a socket of its own
    *("add_key", "request_key", "keyctl"),  # keyrings outlive their process
    *("fadvise64", "readahead", "mincore", "cachestat"),  # what is in the cache of files is a memory, too
    *("memfd_create", "memfd_secret", "userfaultfd"),  # memory that no limit counts
    *("unshare", "setns", "mount", "umount2", "pivot_root", "fsopen", "open_tree", "move_mount", "mount_setattr"),
    *("bpf", "perf_event_open", "process_vm_readv", "process_vm_writev", "ptrace"),
    *("inotify_init", "inotify_init1", "fanotify_init"),  # tells what others do with files that both may read
)
TELLING = (5, 36, 1024, 1026)  # fcntl's F_GETLK, F_OFD_GETLK, F_SETLEASE, F_NOTIFY tell it, too
WHOLE = 0xFFFFFFFF  # the bits of a whole number that the kernel reads where a register may hold more
NOT_THERE = ("clone3", "preadv2", "pwritev2")  # programs ask for the older ones instead
NOBODIES = range(65000, 65520)  # Debian's policy leaves these free; sandboxes take them in turn
OPEN_FILES = 256  # of one process
DROPPED_LAST = ("SETUID", "SETGID", "SETPCAP", "SYS_RESOURCE")  # with the last, nobody can lower choom's score again
SHARED_BYTES = 1 << 24  # of the memory that processes share
ENDED_SECONDS = 10  # that a killed process space may take to be gone


@dataclass(frozen=True)
class Limits:
    """The limits of a sandbox.

    Attributes:
        processes: at once, threads included.
        file_bytes: of one file.
        temporary_bytes: of each temporary folder, but for that of shared memory, which is small.
        user: the user who runs there, since the kernel counts processes by user.
        locks: whether ``flock`` works; by locks of files that both may read, sandboxes could signal each other.
    """

    processes: int = 256
    file_bytes: int = 256_000_000
    temporary_bytes: int = 1_000_000_000
    user: int = NOBODY
    locks: bool = True


_users = itertools.count(random.SystemRandom().randrange(len(NOBODIES)))


def user() -> int:
    """Return a user number that no sandbox of this process had for a long time, so that nobody shares its limits."""
    return NOBODIES[next(_users) % len(NOBODIES)]


class DiedError(InputError):
    """A sandboxed command failed; the code in it may have killed it."""


@dataclass(frozen=True)
class View:
    """The files and variables that the code in a sandbox sees.

    Attributes:
        readable: path outside -> path inside.
        writable: a folder, at the same path inside, or none.
        variables: the whole environment.
        folder: the folder to begin in.
        temporary: folders of the sandbox's own, which vanish afterwards.
        hidden: folders inside that are readable but for this.
    """

    readable: Mapping[Path, str]
    writable: Path | None
    variables: Mapping[str, str]
    folder: str
    temporary: Sequence[str] = ("/tmp", "/dev/shm")
    hidden: Sequence[str] = ()


def run(
    words: Sequence[str],
    view: View,
    seconds: float,
    log: Path,
    meanwhile: Callable[[], object] = lambda: None,
    pass_fds: Sequence[int] = (),
) -> None:
    """Run a command in a sandbox and append its output to a log.

    Args:
        seconds: the time after which the command is killed, with all that it has started.
        meanwhile: called when the command has started.
        pass_fds: open files that the command inherits.

    Raises:
        DiedError: the command ended with a status other than 0, by a signal, or by running out of time.
        InputError: this machine cannot make a sandbox.
    """
    with open(log, "ab") as file:
        streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "pass_fds": pass_fds}
        with start(words, view, **streams) as process:
            end = time.monotonic() + seconds
            meanwhile()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(end - time.monotonic(), 1))
    if process.returncode != 0:
        said = f"the sandboxed command ended with status {process.returncode}. The end of {log}:\n{log_end(log)}"
        raise DiedError(said)


@contextlib.contextmanager
def start(words: Sequence[str], view: View, limits: Limits = Limits(), **streams) -> Iterator[subprocess.Popen]:
    """Yield a command that runs in a sandbox. When the block ends, kill it with all that it has started.

    Args:
        streams: standard streams and ``pass_fds``, as ``subprocess.Popen`` takes them.

    Raises:
        InputError: this machine cannot make a sandbox.
    """
    told, tells = os.pipe()
    with open(told, "rb") as status, tempfile.TemporaryFile() as rules:
        rules.write(_refusals(limits.locks))
        rules.seek(0)
        walls = _walls(_variant(), view, limits, rules.fileno(), tells)
        streams["pass_fds"] = [*streams.get("pass_fds", ()), rules.fileno(), tells]
        try:
            process = subprocess.Popen([*walls, *_limits(_variant(), limits), *words], env={}, **streams)
        finally:
            os.close(tells)
        with process:
            try:
                yield process
            finally:
                _end(process, status)


def _end(process: subprocess.Popen, status: BinaryIO) -> None:
    """Kill a sandbox, and wait until everything in its process space is gone.

    Args:
        status: to which bubblewrap has said, first of all, the number of the first process in there.
    """
    with contextlib.ExitStack() as stack:
        first = orjson.loads(status.readline() or b"{}").get("child-pid")
        space = None
        with contextlib.suppress(ProcessLookupError):
            space = first and os.pidfd_open(first)
        if space:
            stack.callback(os.close, space)
        process.kill()  # bubblewrap; the first process in there dies with it, and with this one all others
        if space:
            select.select([space], [], [], ENDED_SECONDS)


def check() -> None:
    """Raise InputError if this machine cannot make a sandbox."""
    _variant()


@functools.cache
def _variant() -> str:
    """Return the way to make a sandbox here: ``drop`` (we are root, and give it up) or ``user`` (a user namespace).

    Raises:
        InputError: neither way works.
    """
    if shutil.which("bwrap") is None:
        raise InputError("found no bubblewrap; expected the program bwrap (Debian: apt install bubblewrap)")
    said = ""
    for variant in ("drop", "user") if os.geteuid() == 0 else ("user",):
        limits = Limits(user=user())
        command = [*_walls(variant, View({}, None, {}, "/tmp"), limits), *_limits(variant, limits), "/usr/bin/true"]
        probe = subprocess.run(command, capture_output=True, text=True)
        if probe.returncode == 0:
            return variant
        said = probe.stderr.strip()
    raise InputError(
        f"bubblewrap cannot make a sandbox here ({said}); expected user namespaces, or root outside of a container"
    )


@functools.cache
def _refusals(locks: bool) -> bytes:
    """Return a seccomp program that makes those kernel calls fail which the walls do not hold back.

    Args:
        locks: whether ``flock`` works.

    Raises:
        InputError: libseccomp is not here.
    """
    try:
        import pyseccomp
    except RuntimeError as error:
        raise InputError(f"found no libseccomp ({error}); expected it (Debian: apt install libseccomp2)") from error
    refused, not_there = pyseccomp.ERRNO(errno.EPERM), pyseccomp.ERRNO(errno.ENOSYS)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, not_there)  # the processor's second numbering of calls
    for call in (*REFUSED, *(() if locks else ("flock",))):
        rules.add_rule(refused, call)
    for command in TELLING:
        rules.add_rule(refused, "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, WHOLE, command))
    for call in NOT_THERE:
        rules.add_rule(not_there, call)
    rules.add_rule(refused, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, NEW_USER, NEW_USER))
    for advice in EVICTING:
        rules.add_rule(refused, "madvise", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, WHOLE, advice))
    no_family = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in {*range(ALL_FAMILIES)}.difference(FAMILIES):
        rules.add_rule(no_family, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    rules.add_rule(no_family, "socket", pyseccomp.Arg(0, pyseccomp.GE, ALL_FAMILIES))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _walls(variant: str, view: View, limits: Limits, rules: int | None = None, tells: int | None = None) -> list[str]:
    """Return the command of bubblewrap that shows a view and hides the rest.

    Args:
        rules: open file of the seccomp program.
        tells: open file to which bubblewrap says what it has started.
    """
    words = [
        "bwrap",
        *(["--seccomp", str(rules)] if rules is not None else []),
        *(["--json-status-fd", str(tells)] if tells is not None else []),
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    words += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL", "--clearenv"]
    if variant == "user":
        words += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    else:
        words += [word for cap in DROPPED_LAST for word in ("--cap-add", f"CAP_{cap}")]
    words += ["--perms", "0755", "--dir", "/etc"]
    for path in SYSTEM:
        words += ["--ro-bind-try", path, path]
    for path in map(Path, LINKS):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            words += ["--ro-bind", str(path), str(path)]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for path in view.temporary:
        size = min(limits.temporary_bytes, SHARED_BYTES) if path == "/dev/shm" else limits.temporary_bytes
        words += ["--perms", "1777", "--size", str(size), "--tmpfs", path]
    writable = [str(view.writable)] if view.writable else []
    inside = [*view.readable.values(), *writable]
    for folder in dict.fromkeys(str(parent) for path in inside for parent in reversed(Path(path).parents)):
        if not Path(folder).is_relative_to("/usr") and folder not in ("/", *view.temporary):
            words += ["--perms", "0111", "--dir", folder]  # may be passed through, not listed
    for outside, path in view.readable.items():
        words += ["--ro-bind", str(outside), path]
    for path in view.hidden:
        words += ["--perms", "0111", "--tmpfs", path, "--remount-ro", path]
    for path in writable:
        words += ["--bind", path, path]
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]  # the mounts below them stay as they are
    for name, value in view.variables.items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", view.folder, "--"]


def _limits(variant: str, limits: Limits) -> list[str]:
    """Return the command that sets limits, and that makes the kernel kill here first when memory runs out."""
    words = ["/usr/bin/choom", "--adjust", "1000", "--", "/usr/bin/prlimit", "--core=0"]
    words += [f"--nproc={limits.processes}", f"--fsize={limits.file_bytes}", f"--nofile={OPEN_FILES}", "--"]
    if variant == "drop":
        identity = [f"--reuid={limits.user}", f"--regid={limits.user}", "--clear-groups"]
        words += ["/usr/bin/setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]
    return words
