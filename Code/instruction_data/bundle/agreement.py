"""What the documents of a study root say, compared with one another and with the files that they name.

``publish.verify`` knows bytes and manifests. This knows, beyond that, what outcomes, runs, comparison and profiles
mean. The check of a root, the check of a bundle and the writing of one ask for both.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import matching
from instruction_data.outcomes import outcomes
from instruction_data.publish import manifests, verify
from instruction_data.runs import runs
from instruction_data.runs.recipes import read_yaml
from instruction_data.runs.runs import Run

DERIVED = {  # -> the part that names files, with their SHA-256
    "Results/*.json": "inputs",
    "Profiles/*.json": "manifests",
    "figures/page.json": "page",
}

Document = TypeVar("Document")


def faults(root: Path, absent: Mapping[str, str] | None = None) -> list[str]:
    """Return all that ``verify`` finds under a study root, and where its documents do not agree, one a line.

    Args:
        absent: file below the root that need not be there -> its SHA-256.

    Raises:
        InputError: ``root`` is not a study root.
    """
    absent = absent or {}
    found = verify.verify(root, absent)
    return found + [printable(line) for of in (_outcomes, _runs, _derived) for line in of(root, absent)]


def _outcomes(root: Path, absent: Mapping[str, str]) -> Iterator[str]:
    """Say which outcomes their reader refuses, or were made with files that have changed since."""
    for place in matching(root / outcomes.FOLDER, "*/*/*.json"):
        outcome, wrong = _read(root, place, partial(outcomes.read_in_place, root))
        yield from wrong
        if outcome is not None:
            there = {file: sha256 for file, sha256 in outcome.files.items() if (root / file).is_file()}
            yield from _outdated(root, place, there, absent)


def _runs(root: Path, absent: Mapping[str, str]) -> Iterator[str]:
    """Say which runs their reader refuses, and which were trained on another split, or with other settings."""
    described = manifests.readable(root)
    sha256s = {name: one["sha256"] for manifest in described.values() for name, one in manifest["splits"].items()}
    complete = len(described) == len(manifests.manifest_files(root))
    for place in matching(root / runs.FOLDER, f"*/{runs.MANIFEST}"):
        run, wrong = _read(root, place, runs.read)
        yield from wrong
        if run is None:
            continue
        found = sha256s.get(run.split, "no such split in any manifest" if complete else run.split_sha256)
        if found != run.split_sha256:
            name = place.relative_to(root)
            yield f"outdated    {name}: its {run.split}: found {found}; expected {quoted(run.split_sha256, 70)}"
        yield from _other_settings(root, place.with_name("train.yaml"), run)


def _other_settings(root: Path, path: Path, run: Run) -> Iterator[str]:
    """Say which settings of a run's recipe are other ones than its manifest says."""
    if not path.is_file():  # the manifest holds the settings, too
        return
    there, wrong = _read(root, path, read_yaml)
    yield from wrong
    if there is not None:
        told = run.recipe["train.yaml"]
        other = sorted(name for name in there.keys() | told.keys() if there.get(name) != told.get(name))
        if other:
            yield f"differs     {path.relative_to(root)}: found other {', '.join(other)} than {runs.MANIFEST} says"


def _derived(root: Path, absent: Mapping[str, str]) -> Iterator[str]:
    """Say which comparisons, profiles and figures go with files that have changed since, or are gone."""
    for pattern, part in DERIVED.items():
        for place in matching(root, pattern):
            try:
                told = documents.read_json(place, "expected a derived file", touched=True).get(part, {})
            except InputError:  # named by verify
                continue
            if not isinstance(told, dict) or not all(map(names.is_relative, told)):
                yield f"broken      {place.relative_to(root)}: found {quoted(told)} as {part}; expected files"
            else:
                yield from _outdated(root, place, told, absent)


def _read(root: Path, place: Path, reader: Callable[[Path], Document]) -> tuple[Document | None, list[str]]:
    """Return what a file holds, or why its reader refuses it: nothing more where verify names it already."""
    try:
        return reader(place), []
    except InputError as error:
        wrong = [f"broken      {place.relative_to(root)}: {error}"]
    try:
        if place.suffix == ".json":
            documents.read_json(place, "expected a document")
    except InputError:
        wrong = []
    return None, wrong


def _outdated(root: Path, place: Path, told: Mapping[str, str], absent: Mapping[str, str]) -> Iterator[str]:
    """Say which files are other ones than a document was made with."""
    for file, sha256 in told.items():
        path = root / file
        found = file_sha256(path) if path.is_file() else absent.get(file, "no such file")
        if found != sha256:
            yield f"outdated    {place.relative_to(root)}: its {file}: found {found}; expected {quoted(sha256, 70)}"
