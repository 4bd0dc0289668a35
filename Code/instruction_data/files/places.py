"""The places of the repository and of the demo's root, and the files below a folder that match a pattern."""

from fnmatch import fnmatchcase
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
CODE = REPOSITORY / "Code"
DEMO_ROOT = REPOSITORY / "build" / "demo"


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
