"""A tar file of which the list at its head lays down every byte: the same files give the same bytes.

The first member, ``bundle.json``, gives the name, size and SHA-256 of all others in their order. Headers hold nothing
else: no time, no owner, fixed rights. So reading is comparing with what the list says, byte by byte. A stranger's tar
file is never interpreted: no link, device or path of another form can be in one that compares equal.
"""

import hashlib
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import orjson

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import require_file

FORMAT = 1
LIST = "bundle.json"
LIST_BYTES = 64 << 20  # at most: some 300,000 files
LONGEST = 1000  # bytes of a name at most; systems hold 4096 of a whole path
CHUNK = 1 << 20  # bytes read at a time
SHA256 = re.compile("[0-9a-f]{64}")
SIZE = re.compile(rb"0[0-7]{10}\0")  # as a header gives it


def listed(files: Mapping[str, Path | bytes], about: Mapping[str, object]) -> bytes:
    """Return the list of an archive: what it is about, then name, size and SHA-256 of every file.

    Args:
        files: name -> the file's path or content.
        about: further parts of the list, by name.
    """
    entries = {}
    for name in sorted(files):
        content = files[name]
        if isinstance(content, bytes):
            size, sha256 = len(content), hashlib.sha256(content).hexdigest()
        else:
            size, sha256 = content.stat().st_size, file_sha256(content)
        entries[name] = {"bytes": size, "sha256": sha256}
    return documents.signed({"format": FORMAT, **about, "files": entries})


def write(file: BinaryIO, head: bytes, files: Mapping[str, Path | bytes]) -> None:
    """Write an archive: its list, then the listed files.

    Raises:
        InputError: a file has changed since it was listed.
    """
    written = _write_member(file, LIST, len(head), [head])
    for name, entry in orjson.loads(head)["files"].items():
        content, found = files[name], hashlib.sha256()
        if isinstance(content, bytes):
            written += _write_member(file, name, entry["bytes"], [content], found)
        else:
            with open(content, "rb") as source:
                parts = iter(lambda source=source: source.read(CHUNK), b"")
                written += _write_member(file, name, entry["bytes"], parts, found)
        if found.hexdigest() != entry["sha256"]:
            raise InputError(f"{content}: found it changed while the bundle was written; expected a root at rest")
    file.write(_end(written))


def _write_member(file: BinaryIO, name: str, size: int, parts, digest=None) -> int:
    head = _header(name, size)
    file.write(head)
    for part in parts:
        file.write(part)
        if digest:
            digest.update(part)
    file.write(_padding(size))
    return len(head) + size + len(_padding(size))


def _header(name: str, size: int) -> bytes:
    """Return the header of a member: of a plain file of everybody's, at the start of time."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _end(written: int) -> bytes:
    """Return the end of an archive of so many bytes: two empty blocks, and more up to a whole record."""
    end = 2 * tarfile.BLOCKSIZE
    return bytes(end + -(written + end) % tarfile.RECORDSIZE)


@dataclass
class Opened:
    """An archive as it was read.

    Attributes:
        head: its list.
        faults: what differs from what the list lays down, one a line.
        sha256: of the whole file.
    """

    head: dict = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    sha256: str = ""


def unpack(path: Path, folder: Path) -> Opened:
    """Compare an archive with its own list, to the last byte, and write its files below a folder.

    The files are written as they are found, damaged ones, too; nothing is written under names that could lead out of
    the folder. Whatever is wrong is told, not only what comes first.

    Raises:
        InputError: the file begins with no list, or with one that is not as it was written.
    """
    size = _size(path, folder)
    with open(path, "rb") as file:
        reader = _Reader(file)
        opened = Opened(_read_list(path, reader))
        written = reader.done
        for name, entry in opened.head["files"].items():
            opened.faults += _unpack_member(reader, name, entry, folder)
            written += len(_header(name, entry["bytes"])) + entry["bytes"] + len(_padding(entry["bytes"]))
        end = _end(written)
        if reader.read(len(end)) != end:
            opened.faults.append("differs     the end of the bundle: expected zeros behind its last file")
        if reader.done < size:
            opened.faults.append(f"not listed  {size - reader.done:,} bytes behind the end of the bundle")
        while reader.read(CHUNK):  # hashed, too
            pass
    opened.sha256 = reader.whole.hexdigest()
    return opened


def _size(path: Path, folder: Path) -> int:
    """Return the size of an archive in bytes, for which there must be room where it is unpacked."""
    require_file(path, "expected a bundle, as `publish bundle` writes it")
    size, free = path.stat().st_size, shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{path}: found {size:,} bytes, and {free:,} free ones in {folder}; expected room to unpack it: "
            "TMPDIR names another place"
        )
    return size


class _Reader:
    """A file that is read from its start to its end, and hashed on the way."""

    def __init__(self, file: BinaryIO):
        self._file, self.whole, self.done = file, hashlib.sha256(), 0

    def read(self, size: int) -> bytes:
        found = self._file.read(size)
        self.whole.update(found)
        self.done += len(found)
        return found


def _read_list(path: Path, reader: _Reader) -> dict:
    """Read the list at the head of an archive.

    Raises:
        InputError: there is none, or it is not as it was written.
    """
    expected = "expected a bundle, as `publish bundle` writes it"
    head = reader.read(tarfile.BLOCKSIZE)
    size = head[124:136]
    size = int(size[:-1], 8) if SIZE.fullmatch(size) else 0
    if not 0 < size <= LIST_BYTES or head != _header(LIST, size):
        raise InputError(f"{path}: found a damaged header of {LIST}, or no bundle; {expected}")
    text = reader.read(size)
    try:
        found = orjson.loads(text)
        same = isinstance(found, dict) and documents.signed(found) == text
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:  # malformed; nested too deep
        raise InputError(f"{path}: {LIST}: found malformed JSON ({error}); {expected}") from error
    padding = _padding(size)
    if not same or reader.read(len(padding)) != padding:
        raise InputError(f"{path}: {LIST}: found other content than was written; {expected}")
    if found.get("format") != FORMAT or not isinstance(found.get("files"), dict):
        raise InputError(f"{path}: {LIST}: found format {quoted(found.get('format'))}; expected {FORMAT}, with files")
    wrong = next((name for name, entry in found["files"].items() if not _is_entry(name, entry)), None)
    if wrong is not None:
        raise InputError(f"{path}: {LIST}: found the file {quoted(wrong)}; {expected}: a name below it, bytes, sha256")
    names.different(found["files"], f"{path}: {LIST}")
    folders = {parent.as_posix() for name in found["files"] for parent in PurePosixPath(name).parents}
    both = sorted(folders & found["files"].keys())
    if both:
        raise InputError(f"{path}: {LIST}: found {both[0]} as a file and as a folder; expected one of them")
    return found


def _is_entry(name: str, entry: object) -> bool:
    if not isinstance(entry, dict) or not is_below(name) or type(entry.get("bytes")) is not int:
        return False
    sha256 = entry.get("sha256")
    return 0 <= entry["bytes"] < 1 << 50 and isinstance(sha256, str) and bool(SHA256.fullmatch(sha256))


def is_below(name: str) -> bool:
    """Say whether a name is that of a file below a folder, in words that every system can hold.

    A metric's outcome has an ``@`` in its name.
    """
    parts = name.split("/")
    return len(name) <= LONGEST and not any(names.fault(part.replace("@", "+")) for part in parts)


def _unpack_member(reader: _Reader, name: str, entry: Mapping, folder: Path) -> list[str]:
    """Compare one member with its entry, and write its content below a folder."""
    expected, wrong, left = _header(name, entry["bytes"]), [], entry["bytes"]
    found = reader.read(len(expected))
    if not found:
        return [f"missing     {name}: the bundle ends before it"]
    if found != expected:
        place = next(place for place, byte in enumerate(expected) if found[place : place + 1] != bytes([byte]))
        wrong.append(f"differs     the header of {name}: found another byte {place} than its name and size give")
    path, digest = folder / name, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        while left and (part := reader.read(min(left, CHUNK))):
            file.write(part)
            digest.update(part)
            left -= len(part)
    if left:
        wrong.append(f"differs     {name}: the bundle ends {left:,} bytes before its end")
    elif digest.hexdigest() != entry["sha256"]:
        wrong.append(f"differs     {name}: found {digest.hexdigest()}; expected {entry['sha256']}")
    padding = _padding(entry["bytes"])
    if not left and reader.read(len(padding)) != padding:
        wrong.append(f"differs     the bytes behind {name}: expected zeros up to the next header")
    return [printable(line) for line in wrong]
