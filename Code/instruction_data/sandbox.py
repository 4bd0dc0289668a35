"""Where model-written code runs: no network, a private file system and process space, and limits.

The walls are bubblewrap's (namespaces of the Linux kernel): the code sees the system's programs and the files that it
is shown, both read-only, one folder to write to, and a temporary folder that is gone afterwards. Root's powers are put
down first, so that limits on processes hold and nothing of root's can be signalled or read.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.environments import log_end
from instruction_data.errors import InputError

SYSTEM = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")
LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")
PRIVATE = ("/tmp", "/dev/shm")
NOBODY = 65534
PROCESSES = 256  # at once, in all
FILE_BYTES = 256_000_000  # of one file
TEMPORARY_BYTES = 1_000_000_000  # of the whole temporary folder


class DiedError(InputError):
    """A sandboxed command that did not end well: what ran there may have killed it."""


@dataclass(frozen=True)
class View:
    """What the code in a sandbox sees.

    Attributes:
        readable: path outside -> path inside.
        writable: a folder, at the same path inside.
        variables: the environment, whole.
        folder: to begin in.
    """

    readable: Mapping[Path, str]
    writable: Path
    variables: Mapping[str, str]
    folder: str


def run(words: Sequence[str], view: View, seconds: float, log: Path) -> None:
    """Run a command in a sandbox, its output appended to a log.

    Args:
        seconds: after which it is killed, with all that it has started.

    Raises:
        DiedError: it ended with another status than 0, by a signal, or by its time.
        InputError: this machine cannot make a sandbox.
    """
    command = [*_walls(_variant(), view), *_limits(_variant()), *words]
    with open(log, "ab") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={})
        try:
            status = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            status = _kill(process)
        except BaseException:
            _kill(process)
            raise
    if status != 0:
        raise DiedError(f"the sandboxed command ended with status {status}. The end of {log}:\n{log_end(log)}")


def _kill(process: subprocess.Popen) -> int:
    """Kill bubblewrap; its process space, and whatever lives there, goes with it."""
    process.kill()
    return process.wait()


def check() -> None:
    """Raise InputError where this machine cannot make a sandbox."""
    _variant()


@functools.cache
def _variant() -> str:
    """How the sandbox is made here: ``drop`` (we are root, and stop being it) or ``user`` (in a user namespace).

    Raises:
        InputError: neither works.
    """
    if shutil.which("bwrap") is None:
        raise InputError("found no bubblewrap; expected the program bwrap (Debian: apt install bubblewrap)")
    said = ""
    for variant in ("drop", "user") if os.geteuid() == 0 else ("user",):
        view = View({}, Path("/"), {}, "/tmp")
        command = [*_walls(variant, view, bare=True), *_limits(variant), "/usr/bin/true"]
        probe = subprocess.run(command, capture_output=True, text=True)
        if probe.returncode == 0:
            return variant
        said = probe.stderr.strip()
    raise InputError(
        f"bubblewrap cannot make a sandbox here ({said}); expected user namespaces, or root outside of a container"
    )


def _walls(variant: str, view: View, *, bare: bool = False) -> list[str]:
    words = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
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
    for path in PRIVATE:
        words += ["--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", path]
    inside = [*view.readable.values(), *([] if bare else [str(view.writable)])]
    for folder in dict.fromkeys(str(parent) for path in inside for parent in reversed(Path(path).parents)):
        if not Path(folder).is_relative_to("/usr") and folder not in ("/", *PRIVATE):
            words += ["--perms", "0755", "--dir", folder]
    for outside, path in view.readable.items():
        words += ["--ro-bind", str(outside), path]
    if not bare:
        words += ["--bind", str(view.writable), str(view.writable)]
    for name, value in view.variables.items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", view.folder, "--"]


def _limits(variant: str) -> list[str]:
    limits = [f"--nproc={PROCESSES}", f"--fsize={FILE_BYTES}", "--core=0"]
    words = ["/usr/bin/prlimit", *limits, "--"]
    if variant == "drop":
        identity = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        words += ["/usr/bin/setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]
    return words
