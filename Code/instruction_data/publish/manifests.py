"""Manifests: the only source from which later steps learn about the splits.

A manifest describes one set of published files: the files read, the settings, and every file with its SHA-256.
``publish`` writes manifests; every reader of splits reads them through this module.
"""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from instruction_data.errors import InputError, quoted
from instruction_data.files import documents, names
from instruction_data.files.places import matching
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import is_declaration

SUFFIX = "_manifest.json"
FORMAT = 2
PUBLISHED = ("Datas/RQ*/*", "Datas/Numbers/*", "Code/RQ4")  # folders of sets, below the study root
PART_OF = "part_of"  # the setting that names the split of which a set holds a share
MADE_FROM = {  # by setting
    "control": "a control",
    "decontaminated": "a split made from another split",
    PART_OF: "a part of another split",
}
UNCHECKED = ("format", "seed", "packages")  # parts of a manifest of any kind
SCRIPTS_OWN = {".py", ".pyc"}  # files that stand beside published ones in Code/RQ4


def read(path: Path, *, touched: bool = False) -> dict:
    """Read a manifest that ``publish`` wrote.

    Args:
        touched: read it, too, if it is not as it was written, as far as it has all parts.

    Raises:
        InputError: the file is not a manifest of this format.
    """
    manifest = documents.read_json(path, "expected a manifest as the scripts write it", touched=touched)
    manifest.pop(documents.CHECKSUM, None)  # which those of earlier versions lack
    if manifest.get("format") == 1:  # an earlier version's, which declared nothing
        manifest |= {"format": FORMAT, "about": Question("").about, "contrasts": []}
    if manifest.get("format") != FORMAT:
        found = quoted(manifest.get("format"))
        raise InputError(f"{path}: found format {found}; expected a manifest of format {FORMAT}")
    wrong = _wrong_part(manifest)
    if wrong:
        raise InputError(
            f"{path}: found parts missing or of the wrong kind ({wrong}); expected a manifest as the scripts write it"
        )
    return manifest


def _wrong_part(manifest: dict) -> str:
    """Name the part that is missing, unknown, of the wrong kind, or could lead out of the study root; empty if none."""
    parts = {
        "question": lambda part: not names.fault(part),
        "about": _is_about,
        "pool": lambda part: not names.fault(part),
        "command": _is_one_command,
        "pools": lambda part: all(map(_is_pool, part.values())),
        "inputs": lambda part: all(map(names.is_relative, part)) and all(isinstance(one, str) for one in part.values()),
        "settings": lambda part: isinstance(part, dict) and ("design" not in part or _is_design(part["design"])),
        "models": lambda part: all(isinstance(one, dict) for one in part.values()),
        "contrasts": lambda part: isinstance(part, list) and all(map(_is_contrast, part)),
        "splits": lambda part: all(_is_split(name, one) for name, one in part.items()),
        "files": lambda part: all(is_published(file) and _is_file(one) for file, one in part.items()),
    }
    for name, is_right in parts.items():
        try:
            if not is_right(manifest[name]):
                return name
        except (KeyError, TypeError, AttributeError):
            return name
    return next((f"unknown: {quoted(name)}" for name in manifest if name not in (*parts, *UNCHECKED)), "")


def _is_one_command(text: str) -> bool:
    """Say whether a shell would read the text as one command with its words, since people are told to copy it."""
    try:
        return shlex.join(shlex.split(text)) == text
    except ValueError:
        return False


def _is_pool(entry: dict) -> bool:
    counts = entry["records"], entry["skipped"]
    return names.is_relative(entry["path"]) and isinstance(entry["sha256"], str) and all(map(_is_count, counts))


def _is_split(name: str, entry: dict) -> bool:
    figures = entry["summary"].values()
    return (
        not names.fault(name)
        and is_published(entry["file"])
        and isinstance(entry["sha256"], str)
        and _is_count(entry["records"])
        and all(map(_is_count, entry["sources"].values()))
        and all(figure is None or type(figure) in (int, float) for figure in figures)
    )


def _is_about(entry: dict) -> bool:
    texts = [entry["title"], entry["asks"], *entry["varies"], *entry["follows"], *entry["follows"].values()]
    return isinstance(entry["varies"], list) and all(isinstance(text, str) for text in texts)


def _is_contrast(entry: dict) -> bool:
    doses = list(entry["doses"].values())
    known = entry["kind"] in ("ends", "trend") or (entry["kind"] == "factor" and set(doses) <= {0, 1})
    return isinstance(entry["label"], str) and known and all(type(dose) in (int, float) for dose in doses)


def _is_design(entry: dict) -> bool:
    figures = ("scale", "low", "high", "difference", "within")
    factors = entry["factors"].values()
    texts = [entry["resolution"], *entry["generators"], *(effect for group in entry["aliases"] for effect in group)]
    texts += [one["unit"] for one in factors]
    numbers = [entry["overlap"], *(one[figure] for one in factors for figure in figures)]
    return (
        len(factors) > 0
        and all(isinstance(text, str) for text in texts)
        and all(type(one) in (int, float) for one in numbers)
        and isinstance(entry["disjoint"], bool)
    )


def _is_file(entry: dict) -> bool:
    return isinstance(entry["sha256"], str) and all(map(is_declaration, entry.get("columns", {}).values()))


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def is_published(file: str) -> bool:
    """Say whether sets are published at a path: files there are read, and replaced together with their manifest."""
    path = PurePosixPath(file)
    known = any(len(path.parts) == len(PurePosixPath(one).parts) + 1 and path.match(f"{one}/*") for one in PUBLISHED)
    return known and not any(map(names.fault, path.parts)) and path.suffix not in SCRIPTS_OWN


def every(root: Path) -> Iterator[tuple[Path, dict]]:
    """Yield every manifest of a study root, in the order of the paths."""
    for path in manifest_files(root):
        yield path, read(path)


def readable(root: Path) -> dict[Path, dict]:
    """Return the manifests of a study root that have all their parts, touched or not: path -> manifest."""
    found = {}
    for path in manifest_files(root):
        with suppress(InputError):
            found[path] = read(path, touched=True)
    return found


def files(manifest: Mapping) -> dict[str, str]:
    """Return the files of a set: path below the study root -> SHA-256."""
    splits = {split["file"]: split["sha256"] for split in manifest["splits"].values()}
    return splits | {file: entry["sha256"] for file, entry in manifest["files"].items()}


def derived_as(manifest: Mapping) -> str:
    """Name the kind of a set that was made from another set's split; empty if a question made it from a pool."""
    return next((words for setting, words in MADE_FROM.items() if setting in manifest["settings"]), "")


def lacking(root: Path) -> InputError:
    """Return the error of a study root without splits."""
    return InputError(f"{root}: found no published split; run a script of Code/RQ1 … RQ4 first")


def all_splits(root: Path) -> dict[str, dict]:
    """Return every split of a study root as its manifest describes it, by name.

    Raises:
        InputError: two manifests have a split of the same name.
    """
    return together(dict(every(root)))


def together(described: Mapping[Path, Mapping]) -> dict[str, dict]:
    """Return every split of some manifests, by name.

    Args:
        described: manifest's path -> manifest.

    Raises:
        InputError: two manifests have a split of the same name.
    """
    found: dict[str, dict] = {}
    for path, manifest in described.items():
        for name, split in manifest["splits"].items():
            if name in found:
                raise InputError(f"{path}: found the split {name}; expected one of that name, {found[name]['file']}")
            found[name] = split
    return found


def manifest_files(root: Path) -> list[Path]:
    return [path for pattern in PUBLISHED for path in matching(root, f"{pattern}/*{SUFFIX}")]
