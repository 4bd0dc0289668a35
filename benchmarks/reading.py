"""Reading JSON lines: orjson, a line at a time, against pyarrow's reader, a block at a time on all processors.

Much alike; a line at a time is what lets every bad record be named by its line.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from full_size import write_pool
from measure import Result, in_turn

from instruction_data.files import formats
from instruction_data.pools.table import STUDY_POOLS

POOL = next(pool for pool in STUDY_POOLS if pool.name == "oss")


def by_orjson(path: Path) -> int:
    """As pools are read: characters in all texts."""
    texts = 0
    for entry in formats.entries(path):
        texts += len(entry.value[POOL.instruction]) + len(entry.value[POOL.output])
    return texts


def by_pyarrow(path: Path) -> int:
    """The same through Arrow's JSON reader, each text made a Python string too."""
    import pyarrow.json

    texts = 0
    with pyarrow.json.open_json(path) as reader:
        for batch in reader:
            for name in (POOL.instruction, POOL.output):
                texts += sum(map(len, batch.column(name).to_pylist()))
    return texts


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.jsonl"
        write_pool(POOL, path)
        ours, theirs, found, expected = in_turn(lambda: by_orjson(path), lambda: by_pyarrow(path))
        assert found == expected > 0
        detail = f"{theirs:.2f} s against {ours:.2f} s for {path.stat().st_size / 1e6:,.0f} MB"
    yield Result("reading JSON lines: pyarrow / orjson", theirs / ours, 0.5, detail)
