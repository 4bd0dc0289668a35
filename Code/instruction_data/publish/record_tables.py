"""Tables of numbers per record, as they are published beside splits and on their own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

import jsonlines
import numpy as np
import orjson

from instruction_data.files import csv_cells
from instruction_data.pools.records import Records
from instruction_data.publish.split import Split

if TYPE_CHECKING:
    import pandas


def write_table(file: BinaryIO, name: str, frame: "pandas.DataFrame") -> None:
    """Write a table as Parquet, JSON lines or CSV, as the ending of its name says."""
    if name.endswith(".parquet"):
        frame.to_parquet(file, index=False)
    elif name.endswith(".jsonl"):
        jsonlines.Writer(file, dumps=orjson.dumps).write_all(frame.to_dict("records"))
    else:
        frame = frame.map(csv_cells.cell).rename(columns=csv_cells.cell)
        frame.to_csv(file, index=False, lineterminator="\n")


def scores(sources: Sequence[Records], splits: Sequence[Split], numbers: Mapping[str, Sequence]) -> "pandas.DataFrame":
    """The table that traces every split: a row per record, the numbers that led to its tier, its place in each split.

    Args:
        sources: the pools read, the code pool first.
        numbers: column -> one value per record of the first pool.

    Returns:
        pool, row (from 0, among all entries of the pool file), record_sha256, the numbers, and per
        split its name as a column: the record's position in that split, missing where it is not in it.
    """
    import pandas

    starts = np.cumsum([0, *map(len, sources)])
    columns = {
        "pool": [name for one in sources for name in [one.pool.name] * len(one)],
        "row": np.concatenate([one.rows for one in sources]),
        "record_sha256": [sha256 for one in sources for sha256 in one.hashes],
    }
    for name, values in numbers.items():
        padding = [None] * int(starts[-1] - starts[1])
        columns[name] = pandas.Series([*values, *padding]) if padding else values
    for split in splits:
        places = np.full(starts[-1], -1, dtype=np.int64)
        positions = [starts[sources.index(records)] + chosen for records, chosen in split.parts]
        places[np.concatenate(positions)] = np.arange(len(split))
        columns[split.name] = pandas.array(np.where(places < 0, 0, places), dtype="Int64")
        columns[split.name][places < 0] = pandas.NA
    return pandas.DataFrame(columns)


def spread(values: np.ndarray, positions: np.ndarray, n: int) -> np.ndarray:
    """float64 ``[n]``: ``values`` at ``positions``, NaN elsewhere."""
    result = np.full(n, np.nan)
    result[positions] = values
    return result


def labels(tiers: Mapping[str, np.ndarray], n: int) -> list[str | None]:
    """The tier of every one of ``n`` records, None of those in no tier."""
    result: list[str | None] = [None] * n
    for tier, positions in tiers.items():
        for position in positions:
            result[position] = tier
    return result
