"""Names and paths from files and flags that may become part of a path below a study root, on every system.

A name is refused where it comes in if it would leave the folder it is meant for, if some file system cannot hold it, or
if a shell, YAML or LLaMA-Factory's comma-separated list would read it otherwise.
"""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from instruction_data.errors import InputError, quoted

PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
LONGEST = 200  # bytes; file systems hold 255, and temporary names, seeds and endings need some of them
RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}  # on Windows


def reserved(name: str) -> bool:
    """Return whether Windows takes a file of that name, whatever its ending, for a device."""
    return name.split(".")[0].lower() in RESERVED


def fault(name: object) -> str:
    """Say what a name needs to be one part of a path; empty if it can be."""
    if not isinstance(name, str) or not PART.fullmatch(name) or name.endswith("."):
        return "letters, digits, '.', '_', '+' or '-', a letter or digit first and no dot last"
    if len(name) > LONGEST:
        return f"at most {LONGEST} characters"
    return "a name that is no device on Windows" if reserved(name) else ""


def checked(name: str, what: str) -> str:
    """Return ``name``, if it can be one part of a path.

    Args:
        what: the place where it stands, for the error.

    Raises:
        InputError: it cannot.
    """
    expected = fault(name)
    if expected:
        raise InputError(f"{what}: found the name {quoted(name)}; expected {expected}")
    return name


def different(found: Iterable[str], what: str) -> None:
    """Raise InputError where two names differ only in case: some file systems would keep one file for both."""
    seen: dict[str, str] = {}
    for name in found:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise InputError(f"{what}: found {quoted(other)} and {quoted(name)}; expected more than case to differ")


def is_relative(file: object) -> bool:
    """Return whether ``file`` is a path that stays below the folder it starts from (symbolic links aside)."""
    path = PurePosixPath(file) if isinstance(file, str) else PurePosixPath()
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def below(root: Path, path: Path) -> Path:
    """Return ``path``, if it lies below ``root`` when all symbolic links are followed.

    Raises:
        InputError: it does not, so that files written there would end up elsewhere.
    """
    try:
        real = path.resolve()
        inside = real.is_relative_to(root.resolve())
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
    except (OSError, RuntimeError) as error:  # links in a circle, which resolve() follows in silence since Python 3.13
        raise InputError(
            f"{path}: found a path that leads nowhere ({error}); expected a folder below {root}"
        ) from error
    if not inside:
        raise InputError(
            f"{path}: found a link out of the study root, to {real}; expected a folder below {root}: nothing is "
            "written elsewhere. A study root may itself be a link"
        )
    return path
