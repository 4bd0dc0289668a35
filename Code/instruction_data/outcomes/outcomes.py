"""Outcomes: one trained model's results on each problem of a task, in one metric; one file each.

Below a study root an outcome lies in ``Results/<harness>/<task>/``. The file is ``<run>.json`` for pass@1, which is the
only metric most harnesses have, and ``<run>@<metric>.json`` for every other metric, so that several metrics of one run
stand side by side. Neither a run nor such a metric can have an ``@`` in its name.

Every script that scores models writes this form (``write``), and the comparison reads it (``every``). A new harness is
one new script and nothing else. Files from earlier versions name no metric: they hold pass@1.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError, quoted
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import matching
from instruction_data.runs.runs import Run

FOLDER = "Results"
PASSES = "pass"  # the kind of metric whose numbers say whether a sample solved its problem
LARGEST = 1e100  # largest number; its squares add up without overflow
REPORTED_TO = 1e-6  # a harness may round its figure
UNIT_LENGTH = 60  # characters of a unit at most


@dataclass(frozen=True)
class Metric:
    """The meaning of an outcome's numbers.

    Attributes:
        name: short, such as ``pass@1`` or ``gold_bpb``.
        unit: the unit of one number, in words, such as ``bits per byte``.
        kind: ``pass`` (0 or 1 a sample), ``probability`` (0 … 1), ``likelihood`` or any other name (finite numbers).
        higher_is_better: False if lower numbers are better.
    """

    name: str
    unit: str
    kind: str
    higher_is_better: bool


PASS = Metric("pass@1", "share of problems", PASSES, True)


@dataclass(frozen=True)
class Outcome:
    """The result of one trained model on one task.

    Attributes:
        run: name of the training run.
        question, pool, split: of the training set; ``condition`` is the split without its repeat (NAME_R2 -> NAME).
        model: the base model.
        seed: of the training.
        harness, task: the harness that scored it, and on which task.
        settings: those of generation and scoring that affect the numbers; only equal settings are compared.
        reported: the harness's own figures, by name.
        problems: problem -> a number per sample; every problem has the same number of samples.
        versions: package -> version, for generation and scoring.
        files: other files of this result below the study root -> SHA-256.
        metric: the meaning of the numbers.
    """

    run: str
    question: str
    pool: str
    split: str
    condition: str
    model: str
    seed: int
    harness: str
    task: str
    settings: Mapping[str, object]
    reported: Mapping[str, float]
    problems: Mapping[str, Sequence[float]]
    versions: Mapping[str, str]
    files: Mapping[str, str]
    metric: Metric = PASS

    def __post_init__(self):
        if isinstance(self.metric, Mapping):  # in the form of a file
            object.__setattr__(self, "metric", Metric(**self.metric))

    @property
    def recipe(self) -> str:
        """The hash of the training's recipe; empty if the harness does not say it."""
        return str(self.settings.get("recipe", ""))

    @property
    def samples(self) -> int:
        """The number of samples per problem."""
        return len(next(iter(self.problems.values())))

    @property
    def mean(self) -> float:
        """The mean over the problems of the mean over each problem's samples."""
        return sum(sum(numbers) / len(numbers) for numbers in self.problems.values()) / len(self.problems)


def untrained(question: str, pool: str) -> str:
    """Return the condition under which the model before training stands beside the runs of a question and pool."""
    return f"{question}_{pool.upper()}_UNTRAINED"


def of_run(root: Path, run: Run, *, files: Mapping[str, str] | None = None, **known: object) -> Outcome:
    """Return the outcome of a training run.

    Args:
        files: other files of this result; the run's manifest is added.
        known: the fields of ``Outcome`` that the run does not give; ``reported`` may be left out.
    """
    about = {name: getattr(run, name) for name in ("question", "pool", "split", "condition", "seed")}
    manifest = {run.manifest: file_sha256(root / run.manifest)}
    known = {"reported": {}} | known
    return Outcome(run=run.name, model=run.model["model"], files={**(files or {}), **manifest}, **about, **known)


def path(root: Path, harness: str, task: str, run: str, metric: str = PASS.name) -> Path:
    """Return the path of an outcome.

    Raises:
        InputError: one of the names cannot be a part of a path.
    """
    for what, name in {"harness": harness, "task": task, "run": run}.items():
        names.checked(name, what)
    ending = "" if metric == PASS.name else f"@{names.checked(metric, 'metric')}"
    return root / FOLDER / harness / task / f"{run}{ending}.json"


def write(root: Path, outcome: Outcome) -> Path:
    """Write an outcome, whole or not at all."""
    documents.check(outcome, outcome.run)
    _check(outcome, outcome.run)
    place = path(root, outcome.harness, outcome.task, outcome.run, outcome.metric.name)
    names.below(root, place.parent)
    place.parent.mkdir(parents=True, exist_ok=True)
    documents.write(place, outcome)
    return place


def every(root: Path) -> Iterator[tuple[Path, Outcome]]:
    """Yield every outcome under a study root, in the order of their paths.

    Raises:
        InputError: a file there is not of this form, or belongs elsewhere.
    """
    for place in matching(root / FOLDER, "*/*/*.json"):
        yield place, read_in_place(root, place)


def places(root: Path, harness: str, task: str, run: str) -> list[Path]:
    """Return the existing files of one run on one task of a harness, one for each metric."""
    first = path(root, harness, task, run)
    return [place for place in (first, *matching(first.parent, f"{run}@*.json")) if place.exists()]


def read_in_place(root: Path, place: Path) -> Outcome:
    """Read one outcome and check that it lies where it belongs.

    Raises:
        InputError: the file is not of this form, or belongs elsewhere.
    """
    outcome = read(place)
    expected = path(root, outcome.harness, outcome.task, outcome.run, outcome.metric.name)
    if place != expected:
        raise InputError(f"{place}: found the outcome that belongs to {expected}; expected each once: remove it")
    return outcome


def read(place: Path) -> Outcome:
    """Read one outcome.

    Raises:
        InputError: the file is not of the form that ``write`` gives it.
    """
    outcome = documents.read(place, Outcome, "an outcome", "evaluation")
    _check(outcome, str(place))
    return outcome


def _check(outcome: Outcome, where: str) -> None:
    for name in ("run", "harness", "task"):  # the parts of its path
        names.checked(getattr(outcome, name), f"{where}: {name}")
    _check_metric(outcome.metric, where)
    for file, sha256 in outcome.files.items():
        if not names.is_relative(file) or not isinstance(sha256, str):
            raise InputError(f"{where}: found the file {quoted(file)}; expected one below the study root, its SHA-256")
    for name, value in outcome.reported.items():
        if type(value) not in (int, float):
            raise InputError(f"{where}: found {quoted(value)} as {quoted(name)}; expected a number")
    fits, expected = FITTING.get(outcome.metric.kind, FITTING[""])
    counts = set()
    for problem, numbers in outcome.problems.items():
        if not isinstance(numbers, list | tuple) or not all(map(fits, numbers)):
            raise InputError(f"{where}: found {quoted(numbers)} for problem {quoted(problem)}; expected {expected}")
        counts.add(len(numbers))
    if len(counts) != 1 or 0 in counts:
        raise InputError(f"{where}: found {sorted(counts)} samples a problem; expected one number of at least 1")
    reported = outcome.reported.get(PASS.name, outcome.mean) if outcome.metric.name == PASS.name else outcome.mean
    if not math.isclose(reported, outcome.mean, abs_tol=REPORTED_TO):
        raise InputError(
            f"{where}: found {reported} as the reported {PASS.name}; expected {outcome.mean}, as its problems give"
        )


def _check_metric(metric: Metric, where: str) -> None:
    """Raise InputError if a metric could not be named, placed or read."""
    for part, value in {"name": metric.name, "kind": metric.kind}.items():
        fault = names.fault(value)
        if fault and not (part == "name" and value == PASS.name):
            raise InputError(f"{where}: found {quoted(value)} as the metric's {part}; expected {fault}")
    unit, better = metric.unit, metric.higher_is_better
    if not isinstance(unit, str) or not 0 < len(unit) <= UNIT_LENGTH or not unit.isprintable():
        raise InputError(f"{where}: found {quoted(unit)} as the metric's unit; expected a few words")
    if not isinstance(better, bool):
        raise InputError(f"{where}: found {quoted(better)} as higher_is_better; expected true or false")
    if (metric.name == PASS.name and metric.kind != PASSES) or (metric.kind == PASSES and not better):
        raise InputError(f"{where}: found {quoted(metric)}; expected pass@1 to be of kind pass, where higher is better")


def _is_number(value: object) -> bool:
    """Say whether a value is a number that a file can hold and whose square does not overflow."""
    return (type(value) is float and abs(value) <= LARGEST) or (type(value) is int and abs(value) < 2**63)


FITTING = {  # kind of metric -> whether a number fits it, and what is expected
    PASSES: (lambda one: isinstance(one, bool) or (_is_number(one) and one in (0, 1)), "true or false, or 0 or 1"),
    "probability": (lambda one: _is_number(one) and 0 <= one <= 1, "numbers from 0 to 1"),
    "": (_is_number, f"finite numbers up to {LARGEST:g}"),
}
