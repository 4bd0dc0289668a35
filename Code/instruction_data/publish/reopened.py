"""Published splits opened again, to make other splits of their records."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from instruction_data.files import parquet
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish.inventory import Set
from instruction_data.publish.split import read_split


def sources(root: Path, name: str, one: Set, scratch: Path) -> list[Records]:
    """Return the records of a split's file by the pool that they came from; their rows are their places in the file.

    Args:
        name: of the split.
        one: its set.

    Returns:
        One ``Records`` a pool, the set's own pool first.
    """
    split = one.manifest["splits"][name]
    made: dict[str, Records] = {}
    whole = read_split(root, name, split, scratch)
    for place, source in enumerate(_pools(root, one, name)):
        if source not in made:
            made[source] = Records(Pool(name=source, path=split["file"]), split["sha256"], scratch)
        made[source].append(place, whole[place])
    return sorted(made.values(), key=lambda records: records.pool.name != one.pool)


def _pools(root: Path, one: Set, name: str) -> list[str]:
    """Return the pool that each record of a split came from, in the order of its file."""
    path = root / next(file for file in one.manifest["files"] if file.endswith("_scores.parquet"))
    table = parquet.table(path, {"pool": "O", name: "iu"})[["pool", name]]
    return table.dropna().sort_values(name)["pool"].tolist()


def in_file_order(of: Sequence[Records]) -> list[tuple[Records, int]]:
    """Return every record of a split as (records of its pool, position), in the order of the split's file."""
    places = [(records, place) for records in of for place in range(len(records))]
    return sorted(places, key=lambda pair: int(pair[0].rows[pair[1]]))


def joined(places: Sequence[tuple[Records, int]]) -> list[tuple[Records, np.ndarray]]:
    """Return records as the parts of a split: neighbours from one pool are one part."""
    made: list[tuple[Records, list[int]]] = []
    for records, place in places:
        if made and made[-1][0] is records:
            made[-1][1].append(place)
        else:
            made.append((records, [place]))
    return [(records, np.array(some, dtype=np.int64)) for records, some in made]
