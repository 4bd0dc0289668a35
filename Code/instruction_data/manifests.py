"""Manifests: the one thing that everything behind the splits learns of them from.

A manifest describes one set of published files: what was read, what was asked for, and every file with its SHA-256.
``publish`` writes them; whoever reads splits reads them through here.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from instruction_data.errors import InputError, quoted

SUFFIX = "_manifest.json"
FORMAT = 1
PUBLISHED = ("Datas/RQ*/*", "Code/RQ4")  # folders of sets, below the study root
SCRIPTS_OWN = {".py", ".pyc"}  # beside published files in Code/RQ4


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> dict:
    """A manifest as ``publish`` writes it.

    Raises:
        InputError: the file is not a manifest of this format.
    """
    try:
        manifest = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path}: found malformed JSON ({error}); expected a manifest") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise InputError(f"{path}: found format {quoted(found)}; expected a manifest of format {FORMAT}")
    return manifest


def every(root: Path) -> Iterator[tuple[Path, dict]]:
    """Every manifest of a study root, in the order of their paths."""
    for pattern in PUBLISHED:
        for path in sorted(root.glob(f"{pattern}/*{SUFFIX}")):
            yield path, read(path)


def files(manifest: Mapping) -> dict[str, str]:
    """The files of a set, below the study root -> SHA-256."""
    splits = {split["file"]: split["sha256"] for split in manifest["splits"].values()}
    return splits | {file: entry["sha256"] for file, entry in manifest["files"].items()}


def all_splits(root: Path) -> dict[str, dict]:
    """Every split of a study root as its manifest describes it, by name."""
    return {name: split for _, manifest in every(root) for name, split in manifest["splits"].items()}


def verify(root: Path) -> list[str]:
    """Compare every published file with its manifest.

    Returns:
        What is wrong, a line each: files that differ, are missing, or that no manifest lists; broken manifests.
    """
    wrong, known = [], set()
    for pattern in PUBLISHED:
        for path in sorted(root.glob(f"{pattern}/*{SUFFIX}")):
            known.add(path)
            try:
                listed = files(read(path))
            except (InputError, KeyError, TypeError, AttributeError) as error:
                wrong.append(f"broken      {path.relative_to(root)}: {error}")
                continue
            for file, sha256 in listed.items():
                known.add(root / file)
                wrong += _verify_file(root, file, sha256)
    for pattern in PUBLISHED:
        for path in sorted(root.glob(f"{pattern}/*")):
            if path not in known and path.is_file() and path.suffix not in SCRIPTS_OWN:
                wrong.append(f"not listed  {path.relative_to(root)}")
    return wrong


def _verify_file(root: Path, file: str, sha256: str) -> list[str]:
    if not (root / file).is_file():
        return [f"missing     {file}"]
    found = file_sha256(root / file)
    return [] if found == sha256 else [f"differs     {file}: found {found}; expected {sha256}"]
