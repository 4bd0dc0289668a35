"""A judge's scores as numbers per record: a CSV with the columns row (from 0, in the pool) and score.

python Code/judge.py --pool oss --scores judge.csv
"""

import csv
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.publish.record_tables import Column


def main(argv: list[str] | None = None) -> int:
    parser = cli.parser(__doc__)
    parser.add_argument("--scores", type=Path, required=True, metavar="CSV", help="with the columns row and score")
    workspace, options = cli.open_workspace(parser, argv, __file__)
    with open(options.scores, newline="", encoding="utf-8") as file:
        scores = {int(line["row"]): float(line["score"]) for line in csv.DictReader(file)}
    for pool in workspace.code_pools:
        records = workspace.read(pool)
        values = [scores.get(row, float("nan")) for row in records.rows.tolist()]
        workspace.publish_numbers("judge", records, [Column("judge", values, label="judge's score", unit="1 to 5")])
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
