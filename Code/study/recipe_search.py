"""Recipe search: which recipe shows a planted effect best, over the noise of seeds and random draws, for its minutes?

Trains the demo's recipe and those of Code/study/recipes on planted effects and random draws
(Code/RQ0/planted_effects.py) and never on the splits of a question, so that no recipe is chosen for the answer that it
gives. Every recipe has a study root of its own below build/recipes. What is there already stays, so that the same
command goes on after a break. The table is printed, and written to build/recipes/recipes.md.

    signal   prose instead of code, minus code: difference in bits per byte of HumanEval's solutions
    seeds    standard deviation between seeds of one set
    draws    standard deviation between random draws, seeds averaged
    ratio    signal over the root of the sum of both squares

    python Code/study/recipe_search.py
    python Code/study/recipe_search.py --recipe demo --recipe full-1e-5 --seeds 1 2 3 4 5
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import CODE, REPOSITORY, matching
from instruction_data.outcomes import chain, outcomes
from instruction_data.outcomes.chain import Chain
from instruction_data.runs import runs

RECIPES = {
    path.stem: path
    for path in [CODE / "training" / "recipes" / "demo.yaml", *matching(CODE / "study" / "recipes", "*.yaml")]
}
PREFIX = "RQ0_PLANTED_"
CODE_SET, DRAWN, PLANT = "TRUE", ("TRUE", "TRUE_R2", "PLACEBO", "PLACEBO_R2"), "PROSE"
METRIC = "gold_bpb"


def bits(root: Path) -> dict[str, list[float]]:
    """Return set -> bits per byte, one of each seed, in the order of the runs' names."""
    found: dict[str, list[float]] = {}
    for _, outcome in outcomes.every(root):
        if outcome.metric.name == METRIC and outcome.split.startswith(PREFIX):
            found.setdefault(outcome.split.removeprefix(PREFIX), []).append(outcome.mean)
    return found


def figures(found: Mapping[str, Sequence[float]], minutes: float) -> dict[str, float]:
    """Return signal and noise of a recipe.

    Args:
        found: set -> bits per byte of each seed; ``TRUE`` and ``PROSE`` are among them.
        minutes: of a training.
    """
    level = float(np.mean(found[CODE_SET]))
    repeated = [np.array(of) for of in found.values() if len(of) > 1]
    within = sum(float(((of - of.mean()) ** 2).sum()) for of in repeated)
    degrees = sum(len(of) - 1 for of in repeated)
    seeds = (within / degrees) ** 0.5 if degrees else float("nan")
    means = [float(np.mean(found[name])) for name in DRAWN if name in found]
    draws = float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")
    signal = float(np.mean(found[PLANT])) - level
    return {
        "signal": signal / level,
        "seeds": seeds / level,
        "draws": draws / level,
        "ratio": signal / (seeds**2 + draws**2) ** 0.5,
        "minutes": minutes,
    }


def row(name: str, root: Path) -> str:
    """Return a recipe's row of the table."""
    minutes = [run.results["train_runtime"] / 60 for run in runs.every(root)]
    found = figures(bits(root), float(np.mean(minutes)))
    shares = " | ".join(f"{found[key]:.2%}" for key in ("signal", "seeds", "draws"))
    return f"| {name} | {shares} | {found['ratio']:.1f} | {found['minutes']:.1f} | {len(minutes)} |"


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    result.add_argument(
        "--recipe", action="append", choices=RECIPES, help=f"repeatable (default: all: {', '.join(RECIPES)})"
    )
    sets = [*DRAWN[:3], PLANT]
    result.add_argument("--sets", nargs="+", default=sets, metavar="SET", help=f"(default: {' '.join(sets)})")
    result.add_argument("--seeds", type=cli.seed, nargs="+", default=[1, 2], metavar="N", help="(default: 1 2)")
    result.add_argument(
        "--folder", type=cli.path, default=REPOSITORY / "build" / "recipes", help="of the roots (build/recipes)"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    rows = ["| recipe | signal | seeds | draws | ratio | minutes | runs |", "|---|---|---|---|---|---|---|"]
    for name in options.recipe or RECIPES:
        root = options.folder.absolute() / name
        root.mkdir(parents=True, exist_ok=True)
        words = ["--demo", "--root", str(root)]
        splits = [PREFIX + one for one in options.sets]
        if not chain.run(chain.script("RQ0/planted_effects.py", *words)):
            raise InputError("Code/RQ0/planted_effects.py failed; expected its splits, on which all else builds")
        if not Chain(root, words, splits, options.seeds, recipe=str(RECIPES[name])).follow():
            raise InputError(f"{root}: a step failed; expected all to end well: the same command goes on from there")
        rows.append(row(name, root))
    table = "\n".join(rows) + "\n"
    write_whole(options.folder / "recipes.md", table.encode())
    print(f"\n{table}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
