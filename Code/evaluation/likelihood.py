"""Evaluation: how likely does each trained model find the right solutions?

Likelihoods move long before a model solves its first problem. Every finished run of Code/training, and the untrained
model that it began with, reads a task's problems. Writes, below the study root:

    Results/likelihood/<TASK>/<RUN>@gold_bpb.json    bits per byte of each problem's gold solution; lower is better

The untrained model stands beside the runs of its question and pool, as the condition <QUESTION>_<POOL>_UNTRAINED with
seed 0. Nothing is executed. What was computed is kept, so that the same command goes on from there.

    python Code/evaluation/likelihood.py --demo
    python Code/evaluation/likelihood.py --device cuda --dtype bfloat16 --prompt bare
"""

import argparse
import importlib.metadata
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.numbers import features
from instruction_data.numbers.language_model import LanguageModel, alternatives
from instruction_data.numbers.models import Source
from instruction_data.outcomes import bigcode_generation, gold, outcomes, scoring
from instruction_data.outcomes.gold import Gold
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.runs import runs, sources
from instruction_data.runs.runs import Run
from instruction_data.runs.work import Piece, work_through

BITS = Metric("gold_bpb", "bits per byte", "likelihood", higher_is_better=False)
MAX_LENGTH = 2048
PACKAGES = ("torch", "transformers")


class Likelihood(scoring.Adapter):
    """Gold solutions, and what models think of them."""

    harness = "likelihood"
    metrics = (BITS,)

    def __init__(self, root: Path, options: argparse.Namespace):
        self.root, self.options, self.engine = root, options, cli.chosen_engine(options)
        self.tasks = list(dict.fromkeys(options.task or ["humaneval"]))

    def settings(self, run: Run, task: str) -> Mapping[str, object]:
        names = ("prompt", "limit", "max_length", "dtype")
        return {name: getattr(self.options, name) for name in names} | {
            "prefix": self.prefix(run),
            "recipe": run.recipe_sha256,
        }

    def prefix(self, run: Run) -> str:
        """Return what stands before every problem: the template that the model was trained with, or nothing."""
        before, after = run.prompt["before"], run.prompt["after"]
        return before + bigcode_generation.INSTRUCTION + after if self.options.prompt == "template" else ""

    def score(self, run: Run, task: str) -> list[Outcome]:
        """Read the gold solutions with the model that was trained."""
        return [outcomes.of_run(self.root, run, **self.found(run, task, sources.trained(self.root, run)))]

    def score_untrained(self, run: Run, task: str) -> str:
        """Read them with the model that a run began with, and write the outcome of its question and pool."""
        label = f"{run.question}_{run.pool.upper()}_UNTRAINED"
        outcome = Outcome(
            run=untrained_name(run),
            question=run.question,
            pool=run.pool,
            split=label,
            condition=label,
            model=run.model["model"],
            seed=0,
            reported={},
            files={},
            **self.found(run, task, sources.untrained(self.root, run)),
        )
        outcomes.write(self.root, outcome)
        return f"{BITS.name} {outcome.mean:.3f} {BITS.unit}"

    def found(self, run: Run, task: str, source: Source) -> dict[str, object]:
        """Return what an outcome says beside the run, of a model in the place of the run's."""
        problems = gold.load(task, self.options.limit)
        bits = bits_per_byte(problems, self.likelihoods(source, self.prefix(run), problems))
        return {
            "harness": self.harness,
            "task": task,
            "metric": BITS,
            "settings": self.settings(run, task),
            "problems": {one.id: [value] for one, value in zip(problems, bits, strict=True)},
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        }

    def likelihoods(self, source: Source, prefix: str, problems: Sequence[Gold]) -> np.ndarray:
        """Return the log-likelihood of each gold solution, in nats."""
        model = LanguageModel(source, self.options.device, self.options.dtype)
        texts = [alternatives(prefix + one.context, one.solution) for one in problems]
        feature = model.log_likelihoods(1, self.options.max_length)
        return features.compute(texts, feature, self.root / ".cache", self.engine)["log_likelihood"][:, 0]


def bits_per_byte(problems: Sequence[Gold], likelihoods: np.ndarray) -> list[float]:
    """Return the bits of each gold solution over its UTF-8 bytes.

    Raises:
        InputError: a solution has no likelihood.
    """
    found = []
    for one, likelihood in zip(problems, likelihoods, strict=True):
        if not math.isfinite(likelihood):
            raise InputError(
                f"{one.id}: found no finite likelihood of its solution; expected one: is --max-length too short?"
            )
        found.append(float(-likelihood / (len(one.solution.encode()) * math.log(2))))
    return found


def untrained_name(run: Run) -> str:
    """Return the name under which the base model of a run stands beside the runs of its question and pool."""
    return runs.name(f"{run.question}_{run.pool.upper()}_UNTRAINED", run.model["model"], 0)


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is evaluated")
    cli.add_root_flags(what)
    what.add_argument(
        "--task", action="append", metavar="TASK", help=f"{', '.join(gold.TASKS)}; repeatable (default: humaneval)"
    )
    what.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N problems of every task")
    what.add_argument(
        "--prompt",
        choices=("template", "bare"),
        default="template",
        help="problems behind the template of the training, or as they are (default: %(default)s)",
    )
    what.add_argument(
        "--max-length",
        type=cli.positive,
        default=MAX_LENGTH,
        help="tokens of context and solution; a longer context loses its beginning (default: %(default)s)",
    )
    cli.add_engine_flags(result.add_argument_group("how"))
    cli.add_scoring_flags(result.add_argument_group("which runs"))
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    adapter = Likelihood(root, options)
    status = scoring.score_all(root, options, adapter)
    bases = {untrained_name(run): run for run in scoring.chosen_runs(root, options)}
    work = [(task, name, run) for task in adapter.tasks for name, run in bases.items()]
    if options.dry_run:
        print("".join(f"would score {name} on {task}\n" for task, name, _ in work), end="")
        return status

    def piece(task: str, name: str, run: Run) -> Piece:
        do = lambda: adapter.score_untrained(run, task)  # noqa: E731
        return Piece(f"{task}: {name}", f"{name}-{adapter.harness}-{task}", do)

    done = work_through(root, [piece(*one) for one in work], "evaluations of untrained models")
    return status if done else 1


if __name__ == "__main__":
    sys.exit(cli.run(main))
