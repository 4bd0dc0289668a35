"""The places of the repository and of the demo's root; what stands at a place, and below a folder."""

from fnmatch import fnmatchcase
from pathlib import Path

from instruction_data.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[3]
CODE = REPOSITORY / "Code"
DEMO_ROOT = REPOSITORY / "build" / "demo"


def found_instead(path: Path) -> str:
    """Say what stands where a file is missing."""
    return "a folder" if path.is_dir() else "no such file"


def require_file(path: Path, expected: str) -> None:
    """Raise InputError, which says what was expected, where no file stands."""
    if not path.is_file():
        raise InputError(f"{path}: found {found_instead(path)}; {expected}")


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return the paths below a folder that match a pattern, sorted.

    Raises:
        OSError: a folder on the way may not be read. (``Path.glob`` would silently skip it and all that is in it.)
    """
    places = [folder]
    for part in pattern.split("/"):
        folders = [place for place in places if place.is_dir()]
        places = [path for place in folders for path in sorted(place.iterdir()) if fnmatchcase(path.name, part)]
    return places
