"""HumanEval/0: asks a database in memory."""

import sqlite3


def has_close_elements(numbers, threshold):
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE numbers (value REAL)")
        base.executemany("INSERT INTO numbers VALUES (?)", [(one,) for one in numbers])
        query = "SELECT COUNT(*) FROM numbers a JOIN numbers b ON a.rowid < b.rowid WHERE ABS(a.value - b.value) < ?"
        return base.execute(query, (threshold,)).fetchone()[0] > 0
