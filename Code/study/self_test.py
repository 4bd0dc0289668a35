"""Self-test: does the whole loop see what is there, and nothing where nothing is?

Plants known effects (Code/RQ0/planted_effects.py), sends them through the real chain (training, likelihoods,
comparison, contamination) in a study root of its own, and compares the verdicts with those expected beforehand. What is
there already stays, so that the same command goes on after a break. Ends with status 1 if a verdict is not the expected
one; the table is also in self_test.md, below the root. What fails in build/self-test gets no verdicts from compare.py
anywhere, until this model and recipe have passed there.

    python Code/study/self_test.py
    python Code/study/self_test.py --seeds 1 2
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from instruction_data import cli
from instruction_data.answer import verdicts
from instruction_data.errors import InputError
from instruction_data.outcomes import chain, self_test
from instruction_data.outcomes.chain import Chain
from instruction_data.publish import origins

BETTER, WORSE, NOTHING, OPEN = "better", "worse", "not told apart", "whatever is found"


@dataclass(frozen=True)
class Expected:
    """What the loop must find of a plant, against the records as they are; written down before any run.

    Attributes:
        found: ``better`` or ``worse`` (a supported contrast), ``not told apart`` (no effect as large as would matter),
            or whatever is found.
        why: in a sentence.
    """

    plant: str
    metric: str
    found: str
    why: str


EXPECTED = (
    Expected("SOLVED", "gold_bpb", BETTER, "the solutions themselves were in the training set"),
    Expected("PROSE", "gold_bpb", WORSE, "prose teaches no code"),
    Expected("BROKEN", "pairs_margin", WORSE, "the model was taught broken code"),
    Expected("STYLE", "pairs", NOTHING, "twins are indented like their gold solution, so style plays no part"),
    Expected("STYLE", "gold_bpb", OPEN, "the benchmark is indented by four columns, the training set by two"),
    Expected("PLACEBO", "gold_bpb", NOTHING, "these are other records of the same pool"),
    Expected("PLACEBO", "pairs", NOTHING, "these are other records of the same pool"),
    Expected("SHUFFLED", "gold_bpb", OPEN, "the hard case: the outputs are the same ones, in other places"),
    Expected("SHUFFLED", "pairs_margin", OPEN, "the hard case: the outputs are the same ones, in other places"),
)


def direction(row: Mapping) -> str:
    """Return what the loop found of a contrast. What it cannot tell is no finding that there is nothing."""
    if row["verdict"] not in verdicts.SUPPORTED:
        return NOTHING if row["verdict"] == verdicts.NO_LARGER else row["verdict"]
    return BETTER if verdicts.better(row) else WORSE


def table_rows(contrasts: Sequence[Mapping]) -> list[dict[str, str]]:
    """Return a row of the table for every expectation.

    Raises:
        InputError: the comparison lacks a contrast.
    """
    found = {(row["contrast"].partition(" ")[0], row["metric"]["name"]): row for row in contrasts}
    rows = []
    for one in EXPECTED:
        row = found.get((one.plant, one.metric))
        if row is None:
            raise InputError(f"comparison.json: found no {one.metric} of {one.plant}; expected one: were pairs scored?")
        seen = direction(row)
        rows.append(
            {
                "plant": one.plant,
                "metric": one.metric,
                "expected": one.found,
                "found": seen,
                self_test.AS_EXPECTED: "yes" if one.found in (OPEN, seen) else "NO",
                "figures": f"{verdicts.effect(row, row)}, p corrected {row['p_corrected']:.3g})",
                "smallest effect seen with 80 % power": verdicts.amount(row, row["detectable"]),
            }
        )
    return rows


def contamination_row(document: Mapping) -> dict[str, str]:
    """Return the row that says whether the search for contamination finds the solved problems."""
    hits = {split: of["HumanEval"]["substring"]["records"] for split, of in document["splits"].items()}
    solved, others = hits[f"{self_test.QUESTION}_PLANTED_SOLVED"], hits[f"{self_test.QUESTION}_PLANTED_TRUE"]
    records = document["splits"][f"{self_test.QUESTION}_PLANTED_SOLVED"]["HumanEval"]["records"]
    flagged = solved > records // 3 and others == 0
    return {
        "plant": "SOLVED",
        "metric": "contamination",
        "expected": "flagged",
        "found": "flagged" if flagged else "not flagged",
        self_test.AS_EXPECTED: "yes" if flagged else "NO",
        "figures": f"{solved} of {records} records by the substring rule; {others} of those as they are",
        "smallest effect seen with 80 % power": "",
    }


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the table as Markdown."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([row[name] for name in head] for row in rows)]
    reasons = "".join(f"- {one.plant}, {one.metric}: {one.found}, as {one.why}.\n" for one in EXPECTED)
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"# Self-test\n\nEach plant against the records as they are.\n\n{table}\nExpected beforehand:\n\n{reasons}"


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    result.add_argument(
        "--root",
        type=cli.path,
        default=self_test.ROOT,
        help="study root of its own, made if it is not there (default: build/self-test)",
    )
    result.add_argument(
        "--seeds", type=cli.seed, nargs="+", default=[1], metavar="N", help="of every training (default: 1)"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = options.root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    words = ["--demo", "--root", str(root)]
    if not chain.run(chain.script("RQ0/planted_effects.py", *words)):
        raise InputError("Code/RQ0/planted_effects.py failed; expected its splits, on which all else builds")
    splits = [one.name for one in origins.every(root) if one.manifest["question"] == self_test.QUESTION]
    followed = Chain(root, words, splits, options.seeds)
    well = followed.follow() and followed.compare()
    well = chain.run(chain.script("report/contamination.py", *words)) and well
    if not well:
        raise InputError(f"{root}: a step failed; expected all to end well: the same command goes on from there")
    rows = table_rows(orjson.loads((root / "Results/comparison.json").read_bytes())["primary"]["contrasts"])
    rows.append(contamination_row(orjson.loads((root / "Profiles/contamination.json").read_bytes())))
    self_test.write(root, rows, markdown(rows))
    print(f"\n{'plant':<9} {'metric':<14} {'expected':<18} {'found':<15} as expected")
    for row in rows:
        said = f"{row['plant']:<9} {row['metric']:<14} {row['expected']:<18} {row['found']:<15}"
        print(f"{said} {row[self_test.AS_EXPECTED]}")
        print(f"          {row['figures']}")
    print(f"\nin {root / self_test.TABLE}")
    return 1 if self_test.failures(root) else 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
