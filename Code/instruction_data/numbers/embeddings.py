"""Ready-made vectors, one for each record of a pool: from .npy, or from a pickle as the study kept them.

A pickle is a program. The interpreter here knows only lists, numbers and arrays of numbers. It looks up no name of
another module, and it checks everything in the file before numpy gets it.
"""

import hashlib
import io
import os
import pickle
import pickletools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files.places import require_file

PICKLES = (".pkl", ".pickle")
BLOCK_BYTES = 1 << 24  # read at a time: enough for another thread to go on beside it
KINDS = {"f2", "f4", "f8"}
OPCODES = """
PROTO FRAME STOP MARK MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET NONE NEWTRUE NEWFALSE
INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 GLOBAL STACK_GLOBAL REDUCE BUILD
"""


@dataclass(frozen=True)
class Embeddings:
    """Vectors and where they came from.

    Attributes:
        vectors: float32 ``[n, d]``.
        identity: name and SHA-256 of their file.
    """

    vectors: np.ndarray
    identity: Mapping[str, str]


def read(path: Path, scratch: Path | None) -> Embeddings:
    """Read the vectors of a file.

    Args:
        scratch: folder for temporary files (None: the system's); left empty.

    Raises:
        InputError: the file is neither a matrix of floating-point numbers in .npy nor a pickle of one or of a list of
            vectors, it holds anything else, or it changes while it is read.
    """
    require_file(path, "expected a matrix of floating-point numbers, or a pickle of vectors")
    try:
        with open(path, "rb") as file:
            before = _state(file)
            if path.suffix.lower() in PICKLES:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                vectors = _from_pickle(file, path)
            else:
                vectors, sha256 = _from_npy(file, path, scratch)
            if _state(file) != before:
                raise InputError(f"{path}: found it changed while it was read; expected it to stay the same")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return Embeddings(vectors, {"model": f"vectors in {printable(path.name)}", "sha256": sha256})


def _state(file: io.BufferedReader) -> tuple[int, ...]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _from_npy(file: io.BufferedReader, path: Path, scratch: Path | None) -> tuple[np.ndarray, str]:
    """Return a copy of the vectors, and the SHA-256 of all bytes, each of which is read once."""
    expected = "expected .npy with a matrix of float16, float32 or float64, a row per record, or a pickle of it (.pkl)"
    try:
        version = np.lib.format.read_magic(file)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, by_columns, dtype = read_header(file)
    except OSError:
        raise
    except Exception as error:  # a header is Python text, so Python's tokenizer and parser may fail in any way
        raise InputError(f"{path}: found no header of .npy ({quoted(str(error))}); {expected}") from error
    if len(shape) != 2 or min(shape) < 1 or dtype.str[1:] not in KINDS or by_columns:
        raise InputError(f"{path}: found {_described(shape, dtype)}{', by columns' * by_columns}; {expected}")
    n, d = shape
    held = os.fstat(file.fileno()).st_size - file.tell()
    if held != n * d * dtype.itemsize:
        raise InputError(f"{path}: found {held:,} bytes of numbers; expected those of {_described(shape, dtype)}")
    header = file.tell()
    file.seek(0)
    digest = hashlib.sha256(file.read(header))
    buffer = memoryview(bytearray(max(1, BLOCK_BYTES // (d * dtype.itemsize)) * d * dtype.itemsize))
    with tempfile.TemporaryFile(dir=scratch) as copy:
        for start in range(0, held, len(buffer)):
            block = buffer[: held - start]
            if file.readinto(block) != len(block):
                raise InputError(f"{path}: found it shorter while it was read; expected it to stay the same")
            digest.update(block)
            with np.errstate(over="ignore"):  # the caller refuses numbers that are not finite, naming the record's row
                copy.write(np.frombuffer(block, dtype).astype(np.float32, copy=False).data)
        copy.flush()
        return np.memmap(copy, np.float32, "r+", shape=(n, d)), digest.hexdigest()


def _described(shape: tuple, dtype: np.dtype) -> str:
    return f"an array of shape {quoted(shape)} and type {quoted(dtype.str)}"


def _from_pickle(file: io.BufferedReader, path: Path) -> np.ndarray:
    expected = "expected a pickle of one numpy matrix of floating-point numbers, or of a list of vectors of one length"
    try:
        found = _Restricted(_Bounded(file)).load()
        made = found.array if isinstance(found, _Array) else np.stack([_vector(one) for one in _listed(found)])
        if made.ndim != 2 or not made.size:
            raise pickle.UnpicklingError(_described(made.shape, made.dtype))
        with np.errstate(over="ignore"):
            return made.astype(np.float32, order="C")
    except InputError:
        raise
    except Exception as error:  # a program made of hostile bytes may fail in any way
        said = f"opcode {error}, which is not read here" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}: found {quoted(said or type(error).__name__, 200)}; {expected}") from error


def _listed(found: object) -> list | tuple:
    if type(found) not in (list, tuple) or not found:
        raise pickle.UnpicklingError(f"{type(found).__name__} as a whole")
    return found


def _vector(found: object) -> np.ndarray:
    if isinstance(found, _Array):
        made = found.array
    elif type(found) in (list, tuple) and all(type(one) in (int, float) for one in found):
        made = np.array(found, np.float64)
    else:
        raise pickle.UnpicklingError(f"{type(found).__name__} as a vector")
    if made.ndim != 1:
        raise pickle.UnpicklingError(f"{_described(made.shape, made.dtype)} as a vector")
    return made


class _Bounded:
    """A file that refuses reads beyond its end, so that a length which a pickle claims costs no memory."""

    def __init__(self, file: io.BufferedReader):
        self._file, self._left = file, os.fstat(file.fileno()).st_size
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self._left:
            raise EOFError(f"a length of {size:,} bytes beyond the end of the file")
        return self._file.read(size)

    def readinto(self, buffer: bytearray) -> int:
        return self._file.readinto(buffer)


class _Plain:
    """A stand-in for a name of numpy's. It refuses any state, so that a pickle cannot change it."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError(f"a state for {type(self).__name__}")


class _Type(_Plain):
    """The stand-in for ``numpy.ndarray``, where it is only named."""

    __slots__ = ()


class _Dtype:
    """The stand-in for an instance of ``numpy.dtype``: the three floating-point types, in either byte order."""

    def __init__(self, name: str):
        if name not in KINDS:
            raise pickle.UnpicklingError(f"numbers of type {quoted(name)}")
        self.dtype = np.dtype(f"<{name}")

    def __setstate__(self, state: object) -> None:
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError("a type of numbers that is none")
        self.dtype = self.dtype.newbyteorder(state[1])


class _MakeDtype(_Plain):
    """The stand-in for ``numpy.dtype``."""

    __slots__ = ()

    def __call__(self, name: object, *_: object) -> _Dtype:
        return _Dtype(str(name))


class _Array:
    """The stand-in for an instance of ``numpy.ndarray``."""

    def __init__(self) -> None:
        self.array = np.empty(0, np.float32)

    def __setstate__(self, state: object) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise pickle.UnpicklingError("an array that is none")
        _, shape, dtype, by_columns, data = state
        self.array = _array(data, dtype, shape, "F" if by_columns else "C").array


class _MakeArray(_Plain):
    """The stand-in for ``numpy.core.multiarray._reconstruct``."""

    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array()


class _FromBuffer(_Plain):
    """The stand-in for ``numpy.core.numeric._frombuffer``."""

    __slots__ = ()

    def __call__(self, data: object, dtype: object, shape: object, order: object) -> _Array:
        return _array(data, dtype, shape, order)


class _Encode(_Plain):
    """The stand-in for ``_codecs.encode``, with which protocols 0 to 2 write bytes."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object) -> bytes:
        if type(text) is not str or encoding != "latin1":
            raise pickle.UnpicklingError(f"a text in {quoted(encoding)}")
        return text.encode("latin1")


def _array(data: object, dtype: object, shape: object, order: object) -> _Array:
    """Make the array that a pickle describes; refuse all but a vector or matrix of floating-point numbers."""
    whole = type(shape) is tuple and len(shape) in (1, 2) and all(type(one) is int and one > 0 for one in shape)
    if not whole or type(data) not in (bytes, bytearray) or not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise pickle.UnpicklingError(f"an array of shape {quoted(shape)} that is no vector or matrix of numbers")
    made = _Array()
    made.array = np.frombuffer(data, dtype.dtype).reshape(shape, order=order)
    return made


NAMES = {
    ("numpy", "ndarray"): _Type(),
    ("numpy", "dtype"): _MakeDtype(),
    ("_codecs", "encode"): _Encode(),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _MakeArray() for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer() for core in ("core", "_core")},
}


class _Restricted(pickle._Unpickler):  # written in Python: the one in C lets a file claim 64 GB for its memo
    """An unpickler that runs only the opcodes of lists, numbers, texts and arrays, and knows only ``NAMES``."""

    dispatch: ClassVar = {
        ord(known.code): pickle._Unpickler.dispatch[ord(known.code)]
        for known in pickletools.opcodes
        if known.name in OPCODES.split()
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"the name {module}.{name}, which is not looked up")
        return NAMES[module, name]
