"""The models of a run: the one that it trained, and the one that it began with."""

from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.models import ADAPTER, EMBEDDED, Source
from instruction_data.numbers.plain import plain
from instruction_data.runs.runs import Run


def trained(root: Path, run: Run) -> Source:
    """Return the model of a run: a folder of its own, or an adapter on the base model.

    Raises:
        InputError: its base model is not here, or no longer the one that the run began with.
    """
    folder = root / run.folder
    if not (folder / ADAPTER).is_file():
        return models.find(str(folder))
    return models.adapted(plain(untrained(root, run)), folder)


def untrained(root: Path, run: Run) -> Source:
    """Return the base model of a run.

    Raises:
        InputError: it is not here, or no longer the one that the run began with.
    """
    name = _embedded(run)
    if name:
        return models.find(name)
    location = str(run.recipe["train.yaml"].get("model_name_or_path"))
    if "revision" in run.model:
        return Source(run.model["model"], location, revision=run.model["revision"])
    source = models.find(str(root / location))
    if source.identity != run.model:
        raise InputError(f"{source.location}: found another model than {run.name} began with; expected {run.model}")
    return source


def _embedded(run: Run) -> str | None:
    """Return the name of the embedded model that a run began with."""
    known = {name: {"model": one.title, "sha256": one.sha256} for name, one in EMBEDDED.items()}
    return next((name for name, identity in known.items() if run.model == identity), None)
