"""Outcomes: which problem each sample of a model solved, one file per run, harness and task.

Below a study root: ``Results/<harness>/<task>/<run>.json``. Whatever scores models writes this form (``write``), and
whatever compares them reads it (``every``), so that a harness is one script more and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError, quoted
from instruction_data.files import documents, names
from instruction_data.files.places import matching

FOLDER = "Results"


@dataclass(frozen=True)
class Outcome:
    """What one trained model did on one task.

    Attributes:
        run: name of the training run.
        question, pool, split: of the training set; ``condition`` is the split without its repeat (NAME_R2 -> NAME).
        model: the base model.
        seed: of the training.
        harness, task: what scored it, on what.
        settings: whatever of the generation and scoring shapes the numbers; only equal settings are compared.
        reported: the harness's own figures, by name.
        problems: problem -> whether each of its samples passed; every problem has the same number of samples.
        versions: package -> version, of whatever generated and scored.
        files: other files of this result below the study root -> SHA-256.
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
    problems: Mapping[str, Sequence[bool]]
    versions: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def samples(self) -> int:
        """Samples per problem."""
        return len(next(iter(self.problems.values())))


def path(root: Path, harness: str, task: str, run: str) -> Path:
    """Where an outcome lies.

    Raises:
        InputError: one of the names is none that a path can have.
    """
    for what, name in {"harness": harness, "task": task, "run": run}.items():
        names.checked(name, what)
    return root / FOLDER / harness / task / f"{run}.json"


def write(root: Path, outcome: Outcome) -> Path:
    """Write an outcome, whole or not at all."""
    documents.check(outcome, outcome.run)
    _check(outcome, outcome.run)
    place = path(root, outcome.harness, outcome.task, outcome.run)
    names.below(root, place.parent)
    place.parent.mkdir(parents=True, exist_ok=True)
    documents.write(place, outcome)
    return place


def every(root: Path) -> Iterator[tuple[Path, Outcome]]:
    """Every outcome under a study root, in the order of their paths.

    Raises:
        InputError: a file there is not of this form.
    """
    for place in matching(root / FOLDER, "*/*/*.json"):
        yield place, read(place)


def read(place: Path) -> Outcome:
    """One outcome.

    Raises:
        InputError: the file is not of the form that ``write`` gives it.
    """
    outcome = documents.read(place, Outcome, "an outcome", "evaluation")
    _check(outcome, str(place))
    return outcome


def _check(outcome: Outcome, where: str) -> None:
    for name in ("run", "harness", "task"):  # the parts of its path
        names.checked(getattr(outcome, name), f"{where}: {name}")
    for file, sha256 in outcome.files.items():
        if not names.is_relative(file) or not isinstance(sha256, str):
            raise InputError(f"{where}: found the file {quoted(file)}; expected one below the study root, its SHA-256")
    for name, value in outcome.reported.items():
        if type(value) not in (int, float):
            raise InputError(f"{where}: found {quoted(value)} as {quoted(name)}; expected a number")
    counts = set()
    for problem, passed in outcome.problems.items():
        if not isinstance(passed, list | tuple) or not all(isinstance(one, bool) for one in passed):
            raise InputError(f"{where}: found {quoted(passed)} for problem {quoted(problem)}; expected true or false")
        counts.add(len(passed))
    if len(counts) != 1 or 0 in counts:
        raise InputError(f"{where}: found {sorted(counts)} samples a problem; expected one number of at least 1")
