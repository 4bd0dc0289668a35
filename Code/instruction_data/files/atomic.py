"""Writing files whole or not at all, and their SHA-256.

A file is written under a temporary name beside its place, brought to the disk and renamed.
"""

import hashlib
import io
import os
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from instruction_data.errors import InputError


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_stale(folder: Path, name: str = "*") -> None:
    """Remove the temporary files that a killed run left.

    The holder of a set's lock is its only writer. ``write_whole`` has no lock, and tries again where another process
    removed its file.
    """
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink(missing_ok=True)


class Digest(io.RawIOBase):
    """A file that keeps only the SHA-256 of what is written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return len(data)


@dataclass(frozen=True)
class Staged:
    """A file written under a temporary name."""

    path: Path
    sha256: str


def staged_file(stack: ExitStack, path: Path, write: Callable[[BinaryIO], object]) -> Staged:
    """Write a temporary file beside ``path``; it is removed when the stack ends."""
    return _settled(_written(stack, path, write))


def staged_files(stack: ExitStack, folder: Path, writers: Mapping[str, Callable]) -> dict[str, Staged]:
    """Write temporary files in a folder, by name; each is brought to the disk and hashed while the next is written."""
    with ThreadPoolExecutor(1) as beside:
        settling = {
            name: beside.submit(_settled, _written(stack, folder / name, write)) for name, write in writers.items()
        }
        return {name: staged.result() for name, staged in settling.items()}


def _written(stack: ExitStack, path: Path, write: Callable[[BinaryIO], object]) -> BinaryIO:
    """Write a temporary file and return it, still open."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")  # process numbers repeat between containers
    stack.callback(temporary.unlink, missing_ok=True)
    file = open(temporary, "wb")  # noqa: SIM115 - _settled closes it
    stack.callback(file.close)
    write(file)
    file.flush()
    return file


def _settled(file: BinaryIO) -> Staged:
    os.fsync(file.fileno())
    file.close()
    return Staged(Path(file.name), file_sha256(Path(file.name)))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; where several processes do so at once, the last one's content stays."""
    remove_stale(path.parent, path.name)
    if path.is_dir():
        raise InputError(f"{path}: found a folder; expected a file, or nothing, where one is to be written")
    while not (path.exists() and path.read_bytes() == content):
        # another process may remove this temporary file as a killed run's; each process does so only once, at its start
        with suppress(FileNotFoundError), ExitStack() as stack:
            staged_file(stack, path, lambda file: file.write(content)).path.replace(path)
            return
        if not path.parent.is_dir():
            raise InputError(f"{path.parent}: found no such folder; expected one to write {path.name} to")
