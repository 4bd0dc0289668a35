"""Reading Parquet: rows as entries, and published tables of numbers."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from instruction_data.errors import InputError, quoted
from instruction_data.files.entries import Entry, Problem

if TYPE_CHECKING:
    import pandas

HEAD = b"PAR1"
ROWS = 64  # decoded at a time


def rows(path: Path, names: Collection[str] | None) -> Iterator[Entry]:
    """Yield the rows of a Parquet file, each as a dict.

    Args:
        names: the columns to read; None means all.

    Raises:
        InputError: the file is damaged or has no rows.
    """
    import pyarrow
    import pyarrow.parquet

    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path, read_dictionary=_text_columns(path)) as file:
            wanted = None if names is None else [name for name in file.schema_arrow.names if name in names]
            for batch in file.iter_batches(batch_size=4096, columns=wanted):
                for start in range(0, len(batch), ROWS):
                    for value in _batch_rows(batch.slice(start, ROWS)):
                        row += 1
                        yield Entry(row, value)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    if not row:
        raise InputError(f"{path}: found a Parquet file without rows; expected at least one record")


def _text_columns(path: Path) -> list[str]:
    """Return the columns to keep dictionary-encoded: the file holds each text once, however many rows repeat it."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    return [field.name for field in schema if pyarrow.types.is_string(field.type)]


def _batch_rows(batch) -> "list[dict | Problem]":
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):  # Python cannot hold the value, such as a string that is not UTF-8
        if len(batch) == 1:
            return [Problem("a value that is not valid UTF-8, or out of range", "UTF-8 text")]
        return [row for place in range(len(batch)) for row in _batch_rows(batch.slice(place, 1))]


def table(path: Path, columns: Mapping[str, str]) -> "pandas.DataFrame":
    """Read a table of numbers and hashes that a script published.

    Args:
        columns: the required columns, each with the kinds its values may have in numpy's letters: ``"iu"`` whole
            numbers, ``"f"`` other numbers, ``"O"`` text.

    Raises:
        InputError: the file is no Parquet, or lacks a column of that kind.
    """
    import pandas
    import pyarrow

    try:
        found = pandas.read_parquet(path)
        for name, kinds in columns.items():
            if "O" in kinds and name in found:
                found[name].tolist()  # decodes the text, so that a bad one is found here
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path, error) from error
    for name, kinds in columns.items():
        if list(found.columns).count(name) != 1 or found[name].dtype.kind not in kinds:
            raise InputError(
                f"{path}: found no column {quoted(name)} of its kind; expected one, as the scripts write it"
            )
    return found


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: found damaged Parquet ({quoted(str(error), 200)}); expected a complete Parquet file")
