"""RQ5, instruction length: is it merely length that matters? Thirds by number of words, in Datas/RQ5/<POOL>/.

python Code/RQ5/instruction_length.py --demo
"""

import sys
from functools import partial

import numpy as np

from instruction_data import cli
from instruction_data.publish.question import Ends, Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split
from instruction_data.select.tiers import count_tiers

QUESTION = Question(
    "RQ5",
    title="instruction length",
    asks="Is it merely the length of instructions that matters?",
    varies=("instruction length",),
    contrast=Ends(low="SHORT", high="LONG"),
)
TIERS = ("SHORT", "MIDDLE", "LONG")


def publish_pool(workspace, pool) -> None:
    records = workspace.read(pool)
    publication = workspace.begin(QUESTION, [records], {"tiers": TIERS})
    words = np.array([len(text.split()) for text in records.texts("instruction")])
    made = []
    for tier, part in zip(TIERS, count_tiers(words), strict=True):
        made.append(Split(f"RQ5_{pool.label}_{tier}", [(records, part)], {"mean words": words[part].mean()}))
    publication.splits(made, [Column("words", words, "instruction length", unit="words")])


def main(argv: list[str] | None = None) -> int:
    workspace, _ = cli.open_workspace(cli.parser(__doc__), argv, __file__)
    workspace.for_each_pool(partial(publish_pool, workspace), QUESTION)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
