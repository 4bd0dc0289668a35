"""CSV that spreadsheets read as it is meant: text stays text, and a cell stays a cell."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\n")  # first characters by which a spreadsheet takes text for a formula


def cell(value: object) -> object:
    """Return a value as a cell: no formula, thanks to an apostrophe in front, and no end of its row."""
    if isinstance(value, str):
        value = value.replace("\r", "\\r")  # csv would write it without quotes, and it would end the row
        return f"'{value}" if value.startswith(FORMULA) else value
    return "" if value is None else value


def csv_bytes(rows: Iterable[Mapping], columns: Sequence[str] = ()) -> bytes:
    """Return rows as CSV (RFC 4180 but for the line ends).

    Args:
        columns: the columns; by default all keys, in the order in which they first come.
    """
    rows = list(rows)
    columns = columns or list(dict.fromkeys(key for row in rows for key in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue().encode()
