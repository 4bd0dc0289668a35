"""The demo's texts, made once for all benchmarks."""

import tempfile
from functools import cache
from pathlib import Path

from instruction_data import demo, pools


@cache
def _records() -> list[pools.Record]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        demo.build(root, records=1000, others=10)
        return [record for name in ("oss", "evol") for record in pools.read(pools.table(root)[name], root)]


def demo_texts(part: str, n: int) -> list[str]:
    """The first ``n`` (of 2,000) instructions or outputs, in pool order."""
    return [getattr(record, part) for record in _records()[:n]]
