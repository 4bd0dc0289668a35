"""The sandbox for model-written code: no network, a private file system and process space, and limits.

The walls are bubblewrap's (namespaces of the Linux kernel). The code sees the system's programs and the chosen files,
both read-only, one folder to write to, and a temporary folder that vanishes afterwards. Root's powers are dropped
first, so that limits on processes hold and nothing of root's can be signalled or read.
"""

import contextlib
import errno
import functools
import os
import platform
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.runs.environments import log_end

SYSTEM = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")
LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")
NOBODY = 65534
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)  # 16: netlink. Others, as vsock, ignore namespaces
CALLS = {  # of the kernel, by machine: its name for audits; socket; refused ones: io_uring, which has a socket of
    "x86_64": (0xC000003E, 41, (425, 426, 427, 248, 249, 250)),  # its own, and keyrings, which outlive their process
    "aarch64": (0xC00000B7, 198, (425, 426, 427, 217, 218, 219)),
}
NOBODIES = range(65000, 65520)  # Debian's policy leaves these free; simultaneous sandboxes use different ones


@dataclass(frozen=True)
class Limits:
    """The limits of a sandbox.

    Attributes:
        processes: at once, threads included.
        file_bytes: of one file.
        temporary_bytes: of each temporary folder.
        user: the user who runs there, since the kernel counts processes by user.
    """

    processes: int = 256
    file_bytes: int = 256_000_000
    temporary_bytes: int = 1_000_000_000
    user: int = NOBODY


def user(number: int) -> int:
    """Return a user number for one of the sandboxes that this process runs at the same time."""
    return NOBODIES[(os.getpid() * 16 + number) % len(NOBODIES)]


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
    """

    readable: Mapping[Path, str]
    writable: Path | None
    variables: Mapping[str, str]
    folder: str
    temporary: Sequence[str] = ("/tmp", "/dev/shm")


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
    with tempfile.TemporaryFile() as rules:
        rules.write(_refusals(platform.machine()))
        rules.seek(0)
        command = [*_walls(_variant(), view, limits, rules.fileno()), *_limits(_variant(), limits), *words]
        streams["pass_fds"] = [*streams.get("pass_fds", ()), rules.fileno()]
        process = subprocess.Popen(command, env={}, **streams)
    with process:
        try:
            yield process
        finally:
            process.kill()  # bubblewrap; its process space ends with it, and everything in there


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
        limits = Limits(user=user(0))
        command = [*_walls(variant, View({}, None, {}, "/tmp"), limits), *_limits(variant, limits), "/usr/bin/true"]
        probe = subprocess.run(command, capture_output=True, text=True)
        if probe.returncode == 0:
            return variant
        said = probe.stderr.strip()
    raise InputError(
        f"bubblewrap cannot make a sandbox here ({said}); expected user namespaces, or root outside of a container"
    )


def _refusals(machine: str) -> bytes:
    """Return a seccomp program that makes those kernel calls fail which the walls do not hold back.

    It is empty for machines whose call numbers are not known here.
    """
    if machine not in CALLS:
        return b""
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06  # BPF's: a word of the call's data; two jumps; return
    allow, refuse = 0x7FFF0000, 0x00050000  # the latter with an error number
    audit, of_socket, refused = CALLS[machine]
    steps = [(load, 0, 0, 4), (equal, 1, 0, audit), (end, 0, 0, refuse | errno.ENOSYS)]
    steps += [(load, 0, 0, 0), (at_least, 0, 1, 1 << 30), (end, 0, 0, refuse | errno.ENOSYS)]  # x86's second numbering
    for number in refused:
        steps += [(equal, 0, 1, number), (end, 0, 0, refuse | errno.EPERM)]
    steps += [(equal, 1, 0, of_socket), (end, 0, 0, allow), (load, 0, 0, 16)]
    for family in FAMILIES:
        steps += [(equal, 0, 1, family), (end, 0, 0, allow)]
    steps.append((end, 0, 0, refuse | errno.EAFNOSUPPORT))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _walls(variant: str, view: View, limits: Limits, rules: int | None = None) -> list[str]:
    """Return the command of bubblewrap that shows a view and hides the rest."""
    words = [
        "bwrap",
        *(["--seccomp", str(rules)] if rules is not None and platform.machine() in CALLS else []),
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
        words += [word for cap in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{cap}")]
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
        words += ["--perms", "1777", "--size", str(limits.temporary_bytes), "--tmpfs", path]
    writable = [str(view.writable)] if view.writable else []
    inside = [*view.readable.values(), *writable]
    for folder in dict.fromkeys(str(parent) for path in inside for parent in reversed(Path(path).parents)):
        if not Path(folder).is_relative_to("/usr") and folder not in ("/", *view.temporary):
            words += ["--perms", "0111", "--dir", folder]  # may be passed through, not listed
    for outside, path in view.readable.items():
        words += ["--ro-bind", str(outside), path]
    for path in writable:
        words += ["--bind", path, path]
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]  # the mounts below them stay as they are
    for name, value in view.variables.items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", view.folder, "--"]


def _limits(variant: str, limits: Limits) -> list[str]:
    """Return the command that sets limits, and that makes the kernel kill here first when memory runs out."""
    words = ["/usr/bin/choom", "--adjust", "1000", "--", "/usr/bin/prlimit", "--core=0"]
    words += [f"--nproc={limits.processes}", f"--fsize={limits.file_bytes}", "--"]
    if variant == "drop":
        identity = [f"--reuid={limits.user}", f"--regid={limits.user}", "--clear-groups"]
        words += ["/usr/bin/setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]
    return words
