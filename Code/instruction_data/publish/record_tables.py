"""Published numbers per record: a table with a row per record, whose manifest declares each column.

All knowledge about single records is published this way: the scores of a question, the categories, lengths and
languages, a user's own judge. The declaration tells readers what the numbers are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import jsonlines
import numpy as np
import orjson

from instruction_data.errors import InputError
from instruction_data.files import csv_cells
from instruction_data.pools.records import Records
from instruction_data.publish.split import Split

if TYPE_CHECKING:
    import pandas

SCALES = ("linear", "log")
KINDS = ("number", "flag", "word", "note")
ROWS = 1 << 16  # of a table of records, made and written at a time
KEYS = ("pool", "row", "record_sha256")  # the columns that say which record a row is about


@dataclass(frozen=True, eq=False)
class Column:
    """Numbers (or words) of one kind, one per record, and their description.

    Attributes:
        name: of the column.
        values: one per record, NaN or None where it is missing.
        label: in words, e.g. "instruction length".
        unit: e.g. "tokens"; empty for a number without one.
        scale: ``linear`` or ``log``, whichever draws it better.
        kind: ``number``; ``flag`` (0 or 1, shown as a share); ``word`` (one of a few, e.g. a language); ``note`` (kept
            to trace a number, and never compared).
        trait: the measured property, the same for several measures of one property; by default the label.
        made_by: its maker, in words: a role of the manifest's models, or a tool and its version.
        levels: the words in their order, if the kind is ``word`` and they are known.
    """

    name: str
    values: Sequence
    label: str = ""
    unit: str = ""
    scale: str = "linear"
    kind: str = "number"
    trait: str = ""
    made_by: str = ""
    levels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scale not in SCALES or self.kind not in KINDS:
            raise ValueError(f"column {self.name}: found {self.scale}, {self.kind}; expected of {SCALES}, {KINDS}")

    @property
    def declaration(self) -> dict:
        """The column's entry in the manifest."""
        label = self.label or self.name.replace("_", " ")
        return {
            "label": label,
            "unit": self.unit,
            "scale": self.scale,
            "kind": self.kind,
            "trait": self.trait or label,
            "made_by": self.made_by,
            **({"levels": list(self.levels)} if self.levels else {}),
        }


def declared(name: str, values: Sequence, declaration: Mapping) -> Column:
    """Return a column with these values and a manifest's declaration."""
    return Column(name, values, **{**declaration, "levels": tuple(declaration.get("levels", ()))})


def is_declaration(entry: object) -> bool:
    """Say whether a manifest's entry declares a column."""
    texts = ("label", "unit", "scale", "kind", "trait", "made_by")
    if not isinstance(entry, dict) or not {*texts} <= entry.keys() <= {*texts, "levels"}:
        return False
    levels = entry.get("levels", [])
    strings = [*(entry[name] for name in texts), *(levels if isinstance(levels, list) else [None])]
    return all(isinstance(text, str) for text in strings) and entry["scale"] in SCALES and entry["kind"] in KINDS


def category_file(pool: str) -> str:
    """Return the file of a pool's categories, below the study root, at the study's own place."""
    return f"Code/RQ4/{pool}_instruct_with_category.jsonl"


class RecordTable:
    """The table that traces every split: a row per record, its numbers, its place in each split.

    Its columns are pool, row (from 0, among all entries of the pool file), record_sha256, the given ones, and per split
    its name: the record's position in that split, missing where it is not in it. Rows are made when they are written.

    Args:
        sources: the pools read, the code pool first.
        columns: one value per record of the first pool.

    Raises:
        InputError: a column has a wrong number of values, or a name that is taken.
    """

    def __init__(self, sources: Sequence[Records], columns: Sequence[Column], splits: Sequence[Split] = ()):
        import pandas

        self._sources, self._splits = sources, splits
        self._starts = np.cumsum([0, *map(len, sources)])
        taken = {*KEYS, *(split.name for split in splits)}
        self._values = {}
        for column in columns:
            if column.name in taken:
                raise InputError(f"column {column.name}: found that name taken; expected another")
            taken.add(column.name)
            if len(column.values) != len(sources[0]):
                raise InputError(
                    f"column {column.name}: found {len(column.values):,} values; expected one for each of the "
                    f"{len(sources[0]):,} records of the pool {sources[0].pool.name!r}"
                )
            padding = [None] * (len(self) - len(sources[0]))
            self._values[column.name] = pandas.Series([*column.values, *padding] if padding else column.values)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def write(self, file: BinaryIO) -> None:
        """Write the table as Parquet, so many rows at a time that memory does not grow with them."""
        import pyarrow
        import pyarrow.parquet

        places = {split.name: self._places(split) for split in self._splits}
        schema = pyarrow.Schema.from_pandas(self._frame(0, ROWS, places), preserve_index=False)
        for name, values in self._values.items():
            place = schema.get_field_index(name)
            if values.dtype == object or pyarrow.types.is_null(schema.field(place).type):  # the first rows do not tell
                kind = pyarrow.array(values, from_pandas=True).type
                kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
                schema = schema.set(place, schema.field(place).with_type(kind))
        with pyarrow.parquet.ParquetWriter(file, schema) as writer:
            for start in range(0, len(self), ROWS):
                frame = self._frame(start, start + ROWS, places)
                writer.write_table(pyarrow.Table.from_pandas(frame, schema, preserve_index=False))

    def _places(self, split: Split) -> np.ndarray:
        """Return the position of every record in a split, -1 where it is not in it."""
        places, done = np.full(len(self), -1, dtype=np.min_scalar_type(-len(self) - 1)), 0
        for records, chosen in split.parts:
            places[self._starts[self._sources.index(records)] + chosen] = np.arange(done, done + len(chosen))
            done += len(chosen)
        return places

    def _frame(self, start: int, stop: int, places: Mapping[str, np.ndarray]) -> "pandas.DataFrame":
        import pandas

        parts = [
            (one, max(start - first, 0), min(stop - first, len(one)))
            for one, first in zip(self._sources, self._starts.tolist(), strict=False)
            if first < stop and start < first + len(one)
        ]
        table = {
            "pool": [name for one, first, last in parts for name in [one.pool.name] * (last - first)],
            "row": np.concatenate([one.rows[first:last] for one, first, last in parts]),
            "record_sha256": [sha256 for one, first, last in parts for sha256 in one.hashes.between(first, last)],
        }
        for name, values in self._values.items():
            some = values.iloc[start:stop].reset_index(drop=True)
            table[name] = some.astype(object) if isinstance(some.dtype, pandas.CategoricalDtype) else some
        for name, of in places.items():
            some = of[start:stop].astype(np.int64)
            table[name] = pandas.arrays.IntegerArray(np.maximum(some, 0), some < 0)
        return pandas.DataFrame(table)


def write_table(file: BinaryIO, name: str, frame: "pandas.DataFrame | RecordTable | np.ndarray") -> None:
    """Write a table in the format that its name's ending tells: .parquet, .jsonl, .csv, or .npy for an array."""
    if isinstance(frame, RecordTable):
        frame.write(file)
    elif name.endswith(".npy"):
        np.lib.format.write_array(file, frame, allow_pickle=False)
    elif name.endswith(".parquet"):
        frame.to_parquet(file, index=False)
    elif name.endswith(".jsonl"):
        jsonlines.Writer(file, dumps=orjson.dumps).write_all(frame.to_dict("records"))
    else:
        frame = frame.map(csv_cells.cell).rename(columns=csv_cells.cell)
        frame.to_csv(file, index=False, lineterminator="\n")


def spread(values: Sequence[float], positions: np.ndarray, n: int) -> np.ndarray:
    """Return float64 ``[n]``: ``values`` at ``positions``, NaN elsewhere; the first value for a position counts."""
    result = np.full(n, np.nan)
    result[positions[::-1]] = np.asarray(values, dtype=np.float64)[::-1]
    return result


def labels(tiers: Mapping[str, np.ndarray], n: int) -> "pandas.Categorical":
    """Return the tier of each of ``n`` records; missing for records in no tier."""
    import pandas

    codes = np.full(n, -1, dtype=np.int8)
    for code, positions in enumerate(tiers.values()):
        codes[positions] = code
    return pandas.Categorical.from_codes(codes, list(tiers))
