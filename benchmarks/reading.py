"""Reading JSON: our readers, an entry at a time, against others that cannot name a bad record by its line.

JSON lines: jsonlines with orjson inside against pyarrow's reader, a block at a time on all processors. JSON arrays:
ijson with orjson against Python's decoder, the whole file at once.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from full_size import write_pool

from instruction_data.files import formats
from instruction_data.pools.table import STUDY_POOLS, Pool
from measure import Result, in_turn

OSS, MATH = (next(pool for pool in STUDY_POOLS if pool.name == name) for name in ("oss", "math"))


def by_us(pool: Pool, path: Path) -> int:
    """Read as pools are read; return the characters of all texts."""
    texts = 0
    for entry in formats.entries(path):
        texts += len(entry.value[pool.instruction]) + len(entry.value[pool.output])
    return texts


def by_pyarrow(pool: Pool, path: Path) -> int:
    """Do the same through Arrow's JSON reader; each text becomes a Python string too."""
    import pyarrow.json

    texts = 0
    with pyarrow.json.open_json(path) as reader:
        for batch in reader:
            for name in (pool.instruction, pool.output):
                texts += sum(map(len, batch.column(name).to_pylist()))
    return texts


def by_python(pool: Pool, path: Path) -> int:
    """Do the same with Python's decoder, which holds the whole array in memory."""
    return sum(len(one[pool.instruction]) + len(one[pool.output]) for one in json.loads(path.read_bytes()))


def run() -> Iterator[Result]:
    yield compared("reading JSON lines: pyarrow / jsonlines, orjson", OSS, by_pyarrow, 0.5)
    yield compared("reading a JSON array: json, whole / ijson, orjson", MATH, by_python, 0.2)


def compared(name: str, pool: Pool, other: Callable[[Pool, Path], int], target: float) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = (Path(folder) / "pool").with_suffix(Path(pool.path).suffix)
        write_pool(pool, path)
        ours, theirs, found, expected = in_turn(lambda: by_us(pool, path), lambda: other(pool, path))
        assert found == expected > 0
        detail = f"{theirs:.2f} s against {ours:.2f} s for {path.stat().st_size / 1e6:,.0f} MB"
    return Result(name, theirs / ours, target, detail)
