"""Tools that live in environments of their own, since their pinned packages conflict with ours."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from instruction_data.errors import InputError, printable
from instruction_data.files.places import REPOSITORY

LOG_SHOWN = 20  # lines of a failed command's log


@dataclass(frozen=True)
class Environment:
    """A Python environment.

    Attributes:
        python: its interpreter.
        more: environment variables that a command in it gets in addition to ours.
    """

    python: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        return self.python.parent

    def variables(self) -> dict[str, str]:
        """Return a command's variables: the environment's programs come first; our own packages are out of sight."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        path = f"{self.bin}{os.pathsep}{kept.get('PATH', '')}"
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.bin.parent)} | self.more


def find(given: Path | None, flag: str, target: str, program: str | None = None) -> Environment:
    """Return a tool's environment: the given one, the one that ``make`` builds, or that of its program on the PATH.

    Args:
        given: value of the flag: an environment's folder, or its interpreter.
        target: of the Makefile; it builds ``.venv-<target>``.

    Raises:
        InputError: there is no such environment.
    """
    if given is not None:
        for python in (given / "bin" / "python", given):
            if python.is_file() and os.access(python, os.X_OK):
                return Environment(python.absolute())
        raise InputError(f"{flag} {given}: found no Python environment; expected its folder, or its interpreter")
    python = REPOSITORY / f".venv-{target}" / "bin" / "python"
    if (python.parent.parent / ".ready").is_file():
        return Environment(python)
    found = shutil.which(program) if program else None
    if found and (Path(found).parent / "python").is_file():
        return Environment(Path(found).parent / "python")
    raise InputError(f"found no {target}: `make {target}` builds its environment, {flag} names one that you have")


def versions(environment: Environment, packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of an environment's Python and of those of the packages that it has."""
    code = (
        "import importlib.metadata, json, platform, sys\n"
        "found = {'python': platform.python_version()}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = importlib.metadata.version(name)\n"
        "    except importlib.metadata.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    words = [environment.python, "-c", code, *packages]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def run(
    words: Sequence[str],
    environment: Environment,
    folder: Path,
    log: Path,
    meanwhile: Callable[[], object] = lambda: None,
    pass_fds: Sequence[int] = (),
) -> None:
    """Run a command and append its output to a log.

    Args:
        meanwhile: called when the command has started.
        pass_fds: open files that the command inherits.

    Raises:
        InputError: the command fails; the error shows the end of the log.
    """
    with open(log, "ab") as file:
        start = file.tell()
        streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "pass_fds": pass_fds}
        process = subprocess.Popen(words, cwd=folder, env=environment.variables(), **streams)
        try:
            meanwhile()
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if status != 0:
        raise InputError(f"{Path(words[0]).name} ended with status {status}. The end of {log}:\n{log_end(log, start)}")


def log_end(log: Path, start: int = 0) -> str:
    """Return the last lines of a log after a position, indented and with control characters escaped."""
    with open(log, "rb") as file:
        file.seek(max(start, log.stat().st_size - 20_000))
        text = file.read().decode("utf-8", "replace")
    lines = [line.rsplit("\r", 1)[-1] for line in text.rstrip().split("\n")]
    return "\n".join(f"    {printable(line)}" for line in lines[-LOG_SHOWN:])
