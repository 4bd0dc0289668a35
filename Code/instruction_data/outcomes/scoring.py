"""The loop over runs for every harness: choose runs, share them out, hold each, skip finished ones, go on after errors.

A harness is one script of Code/evaluation. It supplies an ``Adapter``, which holds what only it knows:

    main: parse flags -> cli.chosen_root -> scoring.score_all(root, options, adapter)

The script declares its flags with ``cli.add_scoring_flags``.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from instruction_data.errors import InputError, printable
from instruction_data.files.atomic import file_sha256
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import PASSES, Metric, Outcome
from instruction_data.runs import runs
from instruction_data.runs.runs import Run
from instruction_data.runs.work import Piece, work_through


class Adapter(ABC):
    """The part of scoring that only a harness knows.

    Attributes:
        harness: its name, a folder below ``Results/``.
        tasks: the names of the tasks to score.
        metrics: the metrics of every run on every task, unless ``asked`` says otherwise; each gets an outcome.
    """

    harness: str
    tasks: Sequence[str]
    metrics: Sequence[Metric]

    @abstractmethod
    def settings(self, run: Run, task: str) -> Mapping[str, object]:
        """Return the settings that affect the numbers, in the form of outcomes, from the flags alone."""

    def asked(self, run: Run, task: str) -> Mapping[Metric, Mapping[str, object]]:
        """Return the settings of every metric that the run gets on the task; by default the same for all metrics."""
        return dict.fromkeys(self.metrics, self.settings(run, task))

    @abstractmethod
    def score(self, run: Run, task: str) -> Iterable[Outcome]:
        """Score a run on a task and return its outcomes, made by ``outcomes.of_run``; none if nothing was scored.

        Raises:
            InputError: it fails.
        """

    def prepare(self) -> None:  # noqa: B027 - many harnesses prepare nothing
        """Prepare what all runs need; called once, before the first run is scored, and never in a dry run."""

    def leftovers(self, run: Run, task: str) -> Iterable[Path]:
        """Return the harness's other files, which ``--overwrite`` removes together with the outcomes."""
        return ()


def score_all(root: Path, options: argparse.Namespace, adapter: Adapter) -> int:
    """Score every run that the flags ask for on every task, and write the outcomes.

    Args:
        options: the flags of ``cli.add_scoring_flags``.

    Returns:
        The exit status.
    """
    chosen = chosen_runs(root, options)
    work = [(task, run) for task in adapter.tasks for run in chosen]
    if options.dry_run:
        for task, run in work:
            print(f"would score {run.name} on {task}{_state(root, adapter, run, task, options)}")
        return 0
    adapter.prepare()

    def piece(task: str, run: Run) -> Piece:
        do = lambda: _score_one(root, adapter, run, task, options)  # noqa: E731
        done = not options.overwrite and outcomes.places(root, adapter.harness, task, run.name)
        return Piece(f"{task}: {run.name}", f"{run.name}-{adapter.harness}-{task}", do, 0 if done else 1)

    if not work_through(root, [piece(task, run) for task, run in work], "evaluations"):
        return 1
    places = [place for task, run in work for place in outcomes.places(root, adapter.harness, task, run.name)]
    if places:
        folder = root / outcomes.FOLDER / adapter.harness
        print(f"\n{len(places)} outcomes under {folder}: compare.py makes the answer of them")
    return 0


def chosen_runs(root: Path, options: argparse.Namespace) -> list[Run]:
    """Return this process's share of the finished runs that the flags name, or of all.

    Raises:
        InputError: there is no finished run, or none of a given name.
    """
    found = {run.name: run for run in runs.every(root)}
    if not found:
        raise InputError(f"{root / runs.FOLDER}: found no finished run; Code/training/train.py makes them")
    for name in options.run:
        if name not in found:
            raise InputError(f"--run {name}: found no finished run of that name; expected one of {', '.join(found)}")
    share, shares = options.shard
    chosen = dict.fromkeys(options.run) or found
    return [found[name] for name in chosen][share - 1 :: shares]


def _score_one(root: Path, adapter: Adapter, run: Run, task: str, options: argparse.Namespace) -> str:
    if options.overwrite:
        for path in (*outcomes.places(root, adapter.harness, task, run.name), *adapter.leftovers(run, task)):
            path.unlink(missing_ok=True)
    runs.check_weights(root, run)
    there = finished(root, adapter, run, task)
    if there:
        return f"there already: {said(there)}"
    found = list(adapter.score(run, task))
    for outcome in found:
        outcomes.write(root, outcome)
    return said(found) or "made ready, not scored"


def _state(root: Path, adapter: Adapter, run: Run, task: str, options: argparse.Namespace) -> str:
    """Say which results a run would find in its place."""
    if options.overwrite:
        return " anew" if outcomes.places(root, adapter.harness, task, run.name) else ""
    try:
        there = finished(root, adapter, run, task)
    except InputError as error:
        return f" and fail: {error}"
    return f": there already, {said(there)}" if there else ""


def finished(root: Path, adapter: Adapter, run: Run, task: str) -> list[Outcome]:
    """Return the outcomes that need not be made again: one in every metric, with equal settings and unchanged files.

    Outcomes in metrics that are not asked for are left alone.

    Raises:
        InputError: there are outcomes with other settings.
    """
    wanted = {
        metric.name: orjson.loads(orjson.dumps(settings)) for metric, settings in adapter.asked(run, task).items()
    }
    there, files = {}, {run.manifest: ""}
    for place in outcomes.places(root, adapter.harness, task, run.name):
        outcome = outcomes.read_in_place(root, place)
        if outcome.metric.name not in wanted:
            continue
        asked = wanted[outcome.metric.name]
        names = asked.keys() | outcome.settings.keys()
        other = sorted(name for name in names if asked.get(name) != outcome.settings.get(name))
        if other:
            raise InputError(f"{place}: found an outcome with other {', '.join(other)}; --overwrite makes it anew")
        there[outcome.metric.name] = outcome
        files |= outcome.files
    same = all((root / file).is_file() and file_sha256(root / file) == sha256 for file, sha256 in files.items())
    return list(there.values()) if same and wanted.keys() <= there.keys() else []


def said(found: Iterable[Outcome]) -> str:
    """Say the results of a harness, in the unit of each metric."""
    words = []
    for outcome in found:
        unit = "" if outcome.metric.kind == PASSES else f" {printable(outcome.metric.unit)}"
        words.append(f"{outcome.metric.name} {outcome.mean:.3f}{unit}")
    return ", ".join(words)
