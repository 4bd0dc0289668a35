"""Evaluation: how likely does each trained model find the right solutions?

Likelihoods move long before a model solves its first problem. Every finished run of Code/training, and the untrained
model that it began with, reads a task's problems. Writes, below the study root:

    Results/likelihood/<TASK>/<RUN>@gold_bpb.json        bits per byte of each problem's gold solution; lower is better
    Results/likelihood/<TASK>/<RUN>@pairs.json           share of its broken twins that the model finds less likely
    Results/likelihood/<TASK>/<RUN>@pairs_margin.json    how much less likely, in bits; the mean over its twins

A broken twin is the gold solution with one edit, and fails the problem's tests. To find twins, edited solutions are
executed, once a task, in sandboxes, and only with --allow-code-execution; without it there is gold_bpb alone.

The untrained model stands beside the runs of its question and pool, as the condition <QUESTION>_<POOL>_UNTRAINED with
seed 0. What was computed is kept, so that the same command goes on from there.

    python Code/evaluation/likelihood.py --demo
    python Code/evaluation/likelihood.py --demo --allow-code-execution
    python Code/evaluation/likelihood.py --demo --task mbpp --task mt-mbpp --limit 50
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
from instruction_data.outcomes import bigcode_generation, gold, outcomes, scoring, twins
from instruction_data.outcomes.gold import Gold
from instruction_data.outcomes.outcomes import Metric, Outcome
from instruction_data.outcomes.twins import Twins
from instruction_data.runs import runs, sources
from instruction_data.runs.runs import Run
from instruction_data.runs.work import Piece, work_through

BITS = Metric("gold_bpb", "bits per byte", "likelihood", higher_is_better=False)
PAIRS = Metric("pairs", "share of twins", "probability", higher_is_better=True)
MARGIN = Metric("pairs_margin", "bits", "margin", higher_is_better=True)
MAX_LENGTH = 2048
TWINS, MOST_TWINS = 4, 16  # of a problem: by default, and at most
PACKAGES = ("torch", "transformers")


class Likelihood(scoring.Adapter):
    """Gold solutions and their broken twins, and what models think of them."""

    harness = "likelihood"

    def __init__(self, root: Path, options: argparse.Namespace):
        self.root, self.options, self.engine = root, options, cli.chosen_engine(options)
        self.tasks = list(dict.fromkeys(name for task in options.task or ["humaneval"] for name in gold.named(task)))
        self.twins: dict[str, Twins] = {}

    def recall(self) -> dict[str, Sequence[Gold]]:
        """Find the twins that were made before; return the problems of the tasks whose twins are to be made yet."""
        lacking = {}
        for task in self.tasks if self.options.allow_code_execution and self.options.twins else ():
            problems = gold.load(task, self.options.limit)
            if any(one.tests is not None for one in problems):
                found = twins.find(self.root, task, problems, self.options.twins)
                if found is None:
                    lacking[task] = problems
                else:
                    self.twins[task] = found
        return lacking

    def prepare(self) -> None:
        """Make the twins of every task that has tests, and say how many edits the tests let pass."""
        for task, problems in self.recall().items():
            self.twins[task] = twins.make(self.root, task, problems, self.options.twins)
        for task, found in self.twins.items():
            print(f"{task}: {found.summary()}\n")

    def settings(self, run: Run, task: str) -> Mapping[str, object]:
        names = ("prompt", "limit", "max_length", "dtype")
        return {name: getattr(self.options, name) for name in names} | {
            "prefix": self.prefix(run),
            "recipe": run.recipe_sha256,
        }

    def asked(self, run: Run, task: str) -> Mapping[Metric, Mapping[str, object]]:
        """Return the settings of every metric; only those of pairs depend on the twins."""
        settings = self.settings(run, task)
        found = self.twins.get(task)
        if found is None or not any(map(found.of, found.problems)):
            return {BITS: settings}
        of_pairs = settings | {"twins": self.options.twins, "twins_sha256": found.sha256}
        return {BITS: settings, PAIRS: of_pairs, MARGIN: of_pairs}

    def prefix(self, run: Run) -> str:
        """Return what stands before every problem: the template that the model was trained with, or nothing."""
        before, after = run.prompt["before"], run.prompt["after"]
        return before + bigcode_generation.INSTRUCTION + after if self.options.prompt == "template" else ""

    def score(self, run: Run, task: str) -> list[Outcome]:
        """Read gold solutions and twins with the model that was trained."""
        return [
            outcomes.of_run(self.root, run, **one) for one in self.found(run, task, sources.trained(self.root, run))
        ]

    def score_untrained(self, run: Run, task: str) -> str:
        """Read them with the model that a run began with, and write the outcomes of its question and pool."""
        label = outcomes.untrained(run.question, run.pool)
        known = {"run": untrained_name(run), "question": run.question, "pool": run.pool, "model": run.model["model"]}
        known |= {"split": label, "condition": label, "seed": 0, "reported": {}, "files": {}}
        found = [Outcome(**known, **one) for one in self.found(run, task, sources.untrained(self.root, run))]
        for outcome in found:
            outcomes.write(self.root, outcome)
        return scoring.said(found)

    def found(self, run: Run, task: str, source: Source) -> list[dict[str, object]]:
        """Return what the outcome in each metric says beside the run, of a model in the place of the run's."""
        problems, asked = gold.load(task, self.options.limit), self.asked(run, task)
        alike = {one.id: self.twins[task].of(one.id) if PAIRS in asked else [] for one in problems}
        numbers = scores(problems, alike, self.nats(source, self.prefix(run), problems, alike))
        return [
            {
                "harness": self.harness,
                "task": task,
                "metric": metric,
                "settings": settings,
                "problems": {name: [value] for name, value in numbers[metric].items()},
                "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            }
            for metric, settings in asked.items()
        ]

    def nats(
        self, source: Source, prefix: str, problems: Sequence[Gold], alike: Mapping[str, Sequence[str]]
    ) -> np.ndarray:
        """Return the log-likelihoods of each gold solution and then its twins, in nats; NaN where there are no more.

        They share the context, which is computed once for all of them.

        Args:
            alike: the twins of each problem.
        """
        model = LanguageModel(source, self.options.device, self.options.dtype)
        texts = [alternatives(prefix + one.context, one.solution, *alike[one.id]) for one in problems]
        feature = model.log_likelihoods(1 + max(map(len, alike.values())), self.options.max_length)
        return features.compute(texts, feature, self.root / ".cache", self.engine)["log_likelihood"]


def scores(
    problems: Sequence[Gold], alike: Mapping[str, Sequence[str]], nats: np.ndarray
) -> dict[Metric, dict[str, float]]:
    """Return the number of each problem in every metric; in those of pairs, only of problems that have twins.

    Args:
        alike: the twins of each problem.
        nats: of ``Likelihood.nats``.

    Raises:
        InputError: a text has no likelihood.
    """
    found: dict[Metric, dict[str, float]] = {BITS: {}, PAIRS: {}, MARGIN: {}}
    for one, row in zip(problems, nats, strict=True):
        bits = -row[: 1 + len(alike[one.id])] / math.log(2)
        if not np.isfinite(bits).all():
            raise InputError(
                f"{one.id}: found no finite likelihood of its solution; expected one: is --max-length too short?"
            )
        found[BITS][one.id] = float(bits[0] / len(one.solution.encode()))
        if len(bits) > 1:
            found[PAIRS][one.id] = float(np.mean(bits[1:] > bits[0]))
            found[MARGIN][one.id] = float(np.mean(bits[1:] - bits[0]))
    return found


def untrained_name(run: Run) -> str:
    """Return the name under which the base model of a run stands beside the runs of its question and pool."""
    return runs.name(outcomes.untrained(run.question, run.pool), run.model["model"], 0, run.recipe_name)


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is evaluated")
    cli.add_root_flags(what)
    what.add_argument(
        "--task",
        action="append",
        metavar="TASK",
        help=f"{', '.join(gold.TASKS)}, {gold.TRANSLATIONS}-<language>, or {gold.TRANSLATIONS} for all of these; "
        "repeatable (default: humaneval)",
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
    what.add_argument(
        "--twins",
        type=int,
        choices=range(MOST_TWINS + 1),
        default=TWINS,
        metavar="N",
        help="broken twins of a gold solution at most; 0 for none (default: %(default)s)",
    )
    how = result.add_argument_group("how")
    how.add_argument(
        "--allow-code-execution", action="store_true", help="execute edited solutions, in a sandbox, to find twins"
    )
    cli.add_engine_flags(how)
    cli.add_scoring_flags(result.add_argument_group("which runs"))
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    adapter = Likelihood(root, options)
    lacking = adapter.recall() if options.dry_run else ()
    status = scoring.score_all(root, options, adapter)
    bases = {untrained_name(run): run for run in scoring.chosen_runs(root, options)}
    work = [(task, name, run) for task in adapter.tasks for name, run in bases.items()]
    if options.dry_run:
        print("".join(f"would score {name} on {task}\n" for task, name, _ in work), end="")
        print("".join(f"and execute edited solutions of {task} to find twins\n" for task in lacking), end="")
        return status

    def piece(task: str, name: str, run: Run) -> Piece:
        do = lambda: adapter.score_untrained(run, task)  # noqa: E731
        return Piece(f"{task}: {name}", f"{name}-{adapter.harness}-{task}", do)

    done = work_through(root, [piece(*one) for one in work], "evaluations of untrained models")
    if options.twins and not options.allow_code_execution:
        print("Nothing was executed: pairs of gold solutions and broken twins need --allow-code-execution")
    return status if done else 1


if __name__ == "__main__":
    sys.exit(cli.run(main))
