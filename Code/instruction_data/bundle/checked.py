"""Checking a bundle on another machine: every byte of it, and whether what it holds fits together."""

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from instruction_data.bundle import agreement, archive, contents
from instruction_data.bundle.archive import Opened
from instruction_data.errors import InputError, printable, quoted
from instruction_data.publish import manifests


def check(path: Path, folder: Path) -> Opened:
    """Unpack a bundle into an empty folder, and return it with all that is wrong with it.

    Its bytes are compared with its list first. If they are sound, its manifests, splits and documents are compared with
    one another as those of a study root are; what it tells by hash alone must be what its manifests say.

    Raises:
        InputError: the file is no bundle, or its list is damaged.
    """
    opened = archive.unpack(path, folder)
    if opened.faults:
        return opened
    by_hash = hashes(path, opened.head)
    opened.faults += [f"not known   {name}: no file that a bundle holds" for name in opened.head["files"] if _odd(name)]
    if (folder / "Datas").is_file():
        return opened
    (folder / "Datas").mkdir(exist_ok=True)
    opened.faults += agreement.faults(folder, by_hash)
    if not opened.faults:
        listed = {file for _, manifest in manifests.every(folder) for file in manifests.files(manifest)}
        unknown = sorted(name for name in by_hash.keys() - listed if not _with_texts(name, by_hash))
        opened.faults += [f"not known   {name}: told by hash, and in no manifest" for name in unknown]
    return opened


def hashes(path: Path, head: Mapping) -> dict[str, str]:
    """Return the files that a bundle tells by hash alone.

    Raises:
        InputError: the part of its list is of another form.
    """
    found = head.get("by_hash")
    sound = isinstance(found, dict) and all(
        archive.is_below(name) and isinstance(sha256, str) and archive.SHA256.fullmatch(sha256)
        for name, sha256 in found.items()
    )
    if not sound:
        raise InputError(f"{path}: {archive.LIST}: found {quoted(found)} as by_hash; expected names and SHA-256")
    return found


def _odd(name: str) -> bool:
    """Say whether a bundle has no place for a file: everything but manifests, what they name, and known places."""
    path = PurePosixPath(name)
    known = (contents.CITATION, contents.CROISSANT, *contents.PLAIN)
    plain = any(len(path.parts) == len(PurePosixPath(one).parts) and path.match(one) for one in known)
    beside = path.parent.as_posix() in contents.DERIVED_IN
    return not (plain or beside or manifests.is_published(name))


def _with_texts(name: str, by_hash: Collection[str]) -> bool:
    """Say whether a file quotes records, or lies beside one that does and is told by hash as well."""
    texts = [PurePosixPath(one) for one in contents.WITH_TEXTS if one in by_hash]
    beside = {path.parent for path in texts if path.parent.as_posix() in contents.DERIVED_IN}
    return name in contents.WITH_TEXTS or PurePosixPath(name).parent in beside


def said(path: Path, opened: Opened) -> str:
    """Say what a sound bundle holds."""
    head = opened.head
    by_hash = len(head["by_hash"])
    told = f", {by_hash} told by their hashes alone" if by_hash else ""
    return (
        f"{len(head['files'])} files in {printable(str(path))} are as its list says{told}\n"
        f"SHA-256 of the bundle: {opened.sha256}"
    )
