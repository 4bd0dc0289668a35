"""Millions of records: RQ1's splits of three pools, and RQ2's from ready vectors, from n to 8n; memory and time."""

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
from growth import STEPS, linearity
from measure import Result, in_child, load_script

from instruction_data.pools.table import known_pools
from instruction_data.publish import manifests

ROWS = 1_250_000  # read by the first step, so that the last one reads ten million
DIMENSIONS = 16
BYTES = 120  # of memory a record, at most
POOLS = ("oss", "math", "general")


def write_pools(root: Path, names: tuple[str, ...], n: int) -> None:
    for name in names:
        pool = known_pools(root)[name]
        path = pool.file(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        before, between, after = (b"[", b",\n", b"]") if path.suffix == ".json" else (b"", b"\n", b"\n")
        with open(path, "wb") as file:
            for row in range(n):
                record = {pool.instruction: f"What is {row} in {name}?", pool.output: f"It is {row * row}."}
                file.write((between if row else before) + orjson.dumps(record))
            file.write(after)


def domains(root: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert load_script("RQ1/domain_composition.py").main(["--root", str(root), "--pool", "oss"]) == 0


def diversity(root: Path) -> None:
    words = ["--root", str(root), "--pool", "oss", "--generation", "2024-09", "--embeddings", str(root / "x.npy")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert load_script("RQ2/semantic_diversity.py").main(words) == 0


def steps(name: str, function, pools: tuple[str, ...]) -> Iterator[Result]:
    times, peaks, read = [], [], []
    for step in STEPS:
        n = ROWS * step // len(pools)
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_pools(root, pools, n)
            vectors = np.lib.format.open_memmap(root / "x.npy", "w+", np.float32, (n, DIMENSIONS))
            vectors[:] = np.random.default_rng(0).random((n, DIMENSIONS), np.float32)
            vectors.flush()
            took, peak, _ = in_child(function, root)
            [(_, manifest)] = manifests.every(root)
            read.append(sum(pool["records"] for pool in manifest["pools"].values()))
            assert read[-1] == n * len(pools)
            times.append(took)
            peaks.append(peak)
    told = "  ".join(
        f"{count:,}: {took:.0f} s, {mb:,.0f} MB" for count, took, mb in zip(read, times, peaks, strict=True)
    )
    each = (peaks[-1] - peaks[0]) * 2**20 / (read[-1] - read[0])
    yield Result(f"{name}: bytes of memory a record", each, BYTES, told, at_most=True)
    yield Result(f"{name}: % from linear", linearity(times), 15, at_most=True)


def run() -> Iterator[Result]:
    yield from steps("RQ1, splits of three pools", domains, POOLS)
    yield from steps("RQ2, splits from ready vectors", diversity, POOLS[:1])
