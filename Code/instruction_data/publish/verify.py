"""Comparing every published file with its manifest."""

from collections.abc import Mapping
from pathlib import Path

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.files.formats import pointer_of
from instruction_data.files.places import matching
from instruction_data.publish import registry
from instruction_data.publish.manifests import SCRIPTS_OWN, files, manifest_files, read, readable, together

BEARING_CHECKSUMS = ("Results/*.json", "Results/*/*/*.json", "Profiles/*.json", "Runs/*/run.json", "figures/page.json")
LEFT_BEHIND = (".tmp", ".replaced")  # endings of hidden files that only a killed run leaves


def verify(root: Path, absent: Mapping[str, str] | None = None) -> list[str]:
    """Compare every published file with its manifest, pools with those made of them, documents with their checksums.

    Args:
        absent: file below the root that need not be there -> its SHA-256.

    Returns:
        All faults, one a line: files that differ, are missing, that no manifest lists, or that a killed run left;
        broken manifests; sets that were made from files or pools which have changed since; runs, outcomes, comparison,
        profiles and figures that are not as they were written; registry or card that list other splits.

    Raises:
        InputError: ``root`` is not a study root.
    """
    if not (root / "Datas").is_dir():
        raise InputError(f"{root}: found no Datas folder; expected a study root")
    absent, described, known = absent or {}, readable(root), {*manifest_files(root)}
    wrong = [line for path in manifest_files(root) for line in _broken(root, path)]
    for path, manifest in described.items():
        for file, sha256 in files(manifest).items():
            known.add(root / file)
            wrong += _compare(root, file, sha256, "differs", absent)
        for file, sha256 in (manifest["inputs"] | _pools_here(root, manifest)).items():
            wrong += _compare(root, file, sha256, f"outdated    {path.relative_to(root)}: its", absent)
    for path in [place for pattern in BEARING_CHECKSUMS for place in matching(root, pattern)]:
        wrong += [f"differs     {path.parent.relative_to(root)}/{printable(fault)}" for fault in documents.faults(path)]
    unlisted = [path for path in _published_files(root) if path not in known]
    killed = {path.parent for path in unlisted if path.name.startswith(".") and path.suffix in LEFT_BEHIND}
    for path in unlisted:
        name = printable(str(path.relative_to(root)))
        unfinished = f"unfinished  {name}: left by a run that was killed; its script, run again, clears it up"
        wrong.append(unfinished if path.parent in killed else f"not listed  {name}")
    return wrong + _registry(root, described)


def _broken(root: Path, path: Path) -> list[str]:
    """Say what is wrong with a manifest itself."""
    try:
        read(path)
    except InputError as error:
        return [f"broken      {path.relative_to(root)}: {error}"]
    return [f"broken      {path.parent.relative_to(root)}/{printable(fault)}" for fault in documents.faults(path)]


def _registry(root: Path, described: Mapping[Path, Mapping]) -> list[str]:
    """Compare LLaMA-Factory's registry and the data set card with the manifests.

    Args:
        described: manifest's path -> manifest, as far as they can be read; if others cannot, their splits are not
            known, and the two are only read.
    """
    complete = len(described) == len(manifest_files(root))
    wrong = []
    try:
        splits = together(described)
    except InputError as error:
        wrong, splits, complete = [f"broken      {error}"], {}, False
    said = "found other splits than the manifests list; any script that publishes or trains, run again, lists these"
    for path, content_of in registry.derived(root).items():
        try:
            content = content_of(splits) if splits or path.exists() else None
        except InputError as error:
            wrong.append(f"broken      {path.relative_to(root)}: {error}")
            continue
        if complete and content is not None and (not path.is_file() or path.read_bytes() != content):
            wrong.append(f"unfinished  {path.relative_to(root)}: {said}")
    return wrong


def _pools_here(root: Path, manifest: Mapping) -> dict[str, str]:
    """Return the pools of a manifest as far as anything stands in their place: path below the root -> SHA-256."""
    pools = {pool["path"]: pool["sha256"] for pool in manifest["pools"].values()}
    there = {path for path in pools if (root / path).exists()}
    pointers = {path for path in there if (root / path).is_file() and pointer_of(root / path)}
    return {path: pools[path] for path in pools if path in there - pointers}


def _published_files(root: Path) -> list[Path]:
    """Return every file in the folders of published files, except our own scripts and the folders' cards."""
    folders = [*root.glob("Datas/RQ*"), root / "Datas" / "Numbers", root / "Code" / "RQ4"]
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return [path for path in found if path.is_file() and path.suffix not in SCRIPTS_OWN and path.name != "README.md"]


def _compare(root: Path, file: str, sha256: str, word: str, absent: Mapping[str, str]) -> list[str]:
    if not (root / file).is_file() and file not in absent:
        return [f"missing     {printable(file)}{': found a folder' if (root / file).is_dir() else ''}"]
    found = file_sha256(root / file) if (root / file).is_file() else absent[file]
    return [] if found == sha256 else [f"{word:<11} {printable(file)}: found {found}; expected {quoted(sha256, 70)}"]
