"""Evaluation: how many problems does each trained model solve, by the BigCode Evaluation Harness?

Every finished run of Code/training generates solutions to a task's problems and is scored on them. Writes, below the
study root:

    Results/bigcode/<TASK>/<RUN>/generations.json    the model's solutions, in the harness's form
    Results/bigcode/<TASK>/<RUN>.json                the problems that each sample solved (pass@1); written last

Model-written code is executed only with --allow-code-execution. It runs in sandboxes without a network, with limits on
time, memory and processes; each Python sample has a sandbox of its own. Without the flag the models only generate.
This file speaks to the harness. As for every harness, outcomes/scoring.py of instruction_data chooses runs, shares them
out and writes outcomes.

    python Code/evaluation/bigcode.py --demo --limit 20
    python Code/evaluation/bigcode.py --demo --limit 20 --allow-code-execution
    python Code/evaluation/bigcode.py --task humaneval --task mbpp --task multiple-java --allow-code-execution
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256
from instruction_data.outcomes import (
    bigcode_generation,
    bigcode_harness,
    bigcode_scoring,
    outcomes,
    sandbox,
    scoring,
)
from instruction_data.outcomes.bigcode_generation import Settings
from instruction_data.outcomes.outcomes import PASS, Outcome
from instruction_data.runs.runs import Run

TASKS = ("humaneval", "mbpp")  # the default; MultiPL-E's tasks are multiple-java, multiple-js, multiple-cpp …
N_SAMPLES, TEMPERATURE, TOP_P, MAX_LENGTH = 50, 0.2, 0.95, 512  # the BigCode leaderboard's


class BigCode(scoring.Adapter):
    """The harness as the flags name it, and its tasks."""

    harness = bigcode_harness.NAME
    metrics = (PASS,)

    def __init__(self, root: Path, options: argparse.Namespace):
        self.root, self.options, self.made = root, options, read_settings(options)
        self.tasks = options.task or (TASKS[:1] if options.demo else TASKS)

    def settings(self, run: Run, task: str) -> Mapping[str, object]:
        return self.made.listed(run, "checkout" if self.options.checkout else "own")

    def prepare(self) -> None:
        """Find harness and tasks, and check that this machine can execute the tasks' own solutions."""
        options = self.options
        if options.allow_code_execution and not options.unsandboxed:
            sandbox.check()
        self.found = bigcode_harness.find(options.harness, options.checkout)
        self.loaded = {
            name: bigcode_harness.load_task(self.root, name, self.found, options.data, options.limit)
            for name in self.tasks
        }
        if options.allow_code_execution:
            for name, task in self.loaded.items():
                self.loaded[name] = bigcode_scoring.check_machine(
                    self.root, task, self.found, sandboxed=not options.unsandboxed
                )

    def score(self, run: Run, task: str) -> list[Outcome]:
        """Generate solutions and, if allowed, execute them."""
        problems = self.loaded[task]
        generations = bigcode_generation.generate(self.root, run, problems, self.made, self.found)
        if not self.options.allow_code_execution:
            return []
        log = generations.with_name("scoring.log")
        log.unlink(missing_ok=True)
        samples = bigcode_harness.read_json(generations, list)
        found = bigcode_scoring.score_apart(problems, samples, self.found, log, sandboxed=not self.options.unsandboxed)
        if found.killers:
            print(f"    {found.killers} samples killed the harness, and have failed")
        if found.reached:
            print(f"    {len(found.reached)} samples passed beside their tests alone, and have failed: {log}")
        figures = dict(found.figures) or {
            "pass@1": sum(sum(one) / len(one) for one in found.passed) / len(found.passed)
        }
        return [
            outcomes.of_run(
                self.root,
                run,
                harness=self.harness,
                task=task,
                metric=PASS,
                settings=self.settings(run, task),
                reported=figures,
                problems={one["id"]: passed for one, passed in zip(problems.problems, found.passed, strict=True)},
                versions=bigcode_harness.versions(self.found),
                files={generations.relative_to(self.root).as_posix(): file_sha256(generations)},
            )
        ]

    def leftovers(self, run: Run, task: str) -> Iterable[Path]:
        return bigcode_generation.left_by(self.root, task, run)


def read_settings(options: argparse.Namespace) -> Settings:
    greedy = options.n_samples == 1
    return Settings(
        prompt=options.prompt,
        n_samples=options.n_samples,
        temperature=0.0 if greedy else options.temperature,
        top_p=options.top_p,
        max_length=options.max_length,
        dtype=options.dtype or ("float32" if options.demo else "bfloat16"),
        limit=options.limit,
        device=options.device,
        server=options.server,
    )


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is evaluated")
    cli.add_root_flags(what, "the demo's root (build/demo); HumanEval alone, one greedy sample, float32")
    what.add_argument(
        "--task", action="append", metavar="TASK", help=f"of the harness; repeatable (default: {', '.join(TASKS)})"
    )
    what.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N problems of every task")
    what.add_argument("--data", type=cli.path, metavar="DIR", help="data sets under their hub names, not the hub's")
    make = result.add_argument_group("how solutions are generated")
    make.add_argument(
        "--prompt",
        choices=("template", "bare"),
        default="template",
        help="problems behind the template of the training, or as they are (default: %(default)s)",
    )
    make.add_argument(
        "--n-samples", type=cli.positive, metavar="N", help=f"per problem; one is greedy (default: {N_SAMPLES})"
    )
    make.add_argument(
        "--temperature", type=float, default=TEMPERATURE, help="of several samples (default: %(default)s)"
    )
    make.add_argument("--top-p", type=float, default=TOP_P, help="of several samples (default: %(default)s)")
    make.add_argument(
        "--max-length", type=cli.positive, default=MAX_LENGTH, help="tokens, prompt included (default: %(default)s)"
    )
    make.add_argument("--device", help="of our own generation: cpu, cuda, cuda:1 … (default: a GPU if there is one)")
    make.add_argument(
        "--server",
        metavar="URL",
        help="let a server generate (OpenAI's completions; the models bear the names of the runs)",
    )
    make.add_argument("--dtype", choices=bigcode_generation.PRECISIONS, help="(default: bfloat16)")
    how = result.add_argument_group("how")
    how.add_argument(
        "--allow-code-execution", action="store_true", help="execute what the models wrote, in a sandbox, and score it"
    )
    how.add_argument(
        "--unsandboxed", action="store_true", help="execute it without a sandbox: on a machine to throw away"
    )
    how.add_argument(
        "--harness", type=cli.path, metavar="ENV", help="environment of the harness (default: `make harness`'s)"
    )
    how.add_argument("--checkout", type=cli.path, metavar="DIR", help="of the harness's repository, to be used instead")
    cli.add_scoring_flags(result.add_argument_group("which runs"))
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    options.n_samples = options.n_samples or (1 if options.demo else N_SAMPLES)
    if options.server and options.checkout:
        raise InputError("--server: found --checkout, too; expected one of them, since either generates")
    if options.unsandboxed and not options.allow_code_execution:
        raise InputError("--unsandboxed: found no --allow-code-execution; expected both, or neither")
    root = cli.chosen_root(options)
    status = scoring.score_all(root, options, BigCode(root, options))
    if options.dry_run:
        print("and execute what the models write" if options.allow_code_execution else "and only generate")
    elif status == 0 and not options.allow_code_execution:
        print(
            f"Nothing was executed. What the models wrote lies under {root / outcomes.FOLDER / BigCode.harness}: "
            "look at it, then add --allow-code-execution to run and score it"
        )
    return status


if __name__ == "__main__":
    sys.exit(cli.run(main))
