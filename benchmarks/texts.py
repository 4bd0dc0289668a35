"""The demo's texts, made once for all benchmarks."""

import tempfile
from functools import cache
from pathlib import Path

from instruction_data.demo import demo_root
from instruction_data.pools import reading
from instruction_data.pools.records import Record
from instruction_data.pools.table import known_pools


@cache
def _records() -> list[Record]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        demo_root.build(root, records=1000, others=10)
        return [record for name in ("oss", "evol") for record in reading.read(known_pools(root)[name], root)]


def demo_texts(part: str, n: int) -> list[str]:
    """The first ``n`` (of 2,000) instructions or outputs, in pool order."""
    return [getattr(record, part) for record in _records()[:n]]
