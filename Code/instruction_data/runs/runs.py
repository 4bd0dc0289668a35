"""Training runs: one per split, base model and seed, each described by a manifest that is written last.

Below a study root, ``Runs/<run>/`` holds the recipe (``train.yaml``), the log, the trained model and ``run.json``, the
manifest. The training writes them; the scripts that score or compare models read them through this module.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import matching
from instruction_data.publish.question import REPEAT

FOLDER = "Runs"
MANIFEST = "run.json"
DIFFERENT = ("model_name_or_path", "model_revision", "dataset", "output_dir", "seed", "data_seed")  # between runs


@dataclass(frozen=True)
class Run:
    """A finished training run, as its manifest describes it.

    Attributes:
        name: the name of its folder.
        question, pool, split: of the training set; ``condition`` is the split without its repeat (NAME_R2 -> NAME).
        split_sha256: of the training set's file.
        records: in the training set; ``examples`` is how many the trainer made of them, ``cut`` how many it shortened.
        model: base model -> identity, as in the manifests of splits.
        seed: of the training.
        recipe: the trainer's configuration, file by file.
        recipe_name: as in the run's name; empty for the recipe that a training has by default.
        prompt: the trainer's template around an instruction: ``before``, ``after``.
        results: the trainer's own figures.
        versions: package -> version, of the trainer.
        folder: the folder of the trained model, below the study root.
        sha256: of the model's weights, by file name.
    """

    name: str
    question: str
    pool: str
    split: str
    condition: str
    split_sha256: str
    records: int
    examples: int
    cut: int
    model: Mapping[str, str]
    seed: int
    recipe: Mapping[str, Mapping[str, object]]
    prompt: Mapping[str, str]
    results: Mapping[str, float]
    versions: Mapping[str, str]
    folder: str
    sha256: Mapping[str, str]
    recipe_name: str = ""

    @property
    def manifest(self) -> str:
        """The manifest's file, below the study root."""
        return f"{FOLDER}/{self.name}/{MANIFEST}"

    @property
    def recipe_sha256(self) -> str:
        """The hash of the trainer's configuration, without the options that differ between compared runs."""
        told = {key: value for key, value in self.recipe["train.yaml"].items() if key not in DIFFERENT}
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def name(split: str, model: str, seed: int, recipe: str = "") -> str:
    """Return the name of a run: a valid folder name on every system, which no shell or YAML misreads.

    Args:
        recipe: its name; empty for the recipe that a training has by default.
    """
    parts = [_label(Path(model).name, "model"), *([_label(recipe, "recipe")] if recipe else [])]
    return names.checked("--".join([split, *parts, f"seed{seed}"]), "run")


def _label(text: str, otherwise: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or otherwise


def condition(split: str, splits: Mapping[str, object]) -> str:
    """Return the split of which ``split`` is a repeated draw, or ``split`` itself if it is no repeat."""
    plain = REPEAT.sub("", split)
    return plain if plain in splits else split


def cache(root: Path) -> Path:
    """Return the folder of locks and of files that are only inspected; make it on first use."""
    folder = root / ".cache" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def held(root: Path, what: str) -> Iterator[bool]:
    """Hold a piece of work, so that only one of several processes on a study root does it.

    Yields:
        Whether this process holds it; False if another does.
    """
    try:
        with filelock.FileLock(cache(root) / f"{what}.lock", timeout=0):
            yield True
    except filelock.Timeout:
        yield False


def write(root: Path, run: Run) -> None:
    """Write a run's manifest into its folder, whole or not at all."""
    folder = names.below(root, root / FOLDER / names.checked(run.name, "run"))
    documents.write(folder / MANIFEST, run)


def every(root: Path) -> Iterator[Run]:
    """Yield every finished run of a study root, by name."""
    for path in matching(root / FOLDER, f"*/{MANIFEST}"):
        yield read(path)


def read(path: Path) -> Run:
    """Read a run's manifest.

    Raises:
        InputError: the file is no manifest, or the folder bears another run's name.
    """
    run = documents.read(path, Run, "a manifest", "training")
    wrong = _wrong_part(run)
    if wrong:
        raise InputError(f"{path}: found a wrong {wrong}; expected a manifest as the training writes it")
    if run.name != path.parent.name:
        raise InputError(f"{path}: found the run {quoted(run.name)}; expected {path.parent.name}")
    return run


def _wrong_part(run: Run) -> str:
    """Name the part that lacks something or could lead out of the study root; empty if all are sound."""
    if any(map(names.fault, (run.name, run.question, run.pool, run.split, run.condition))):
        return "name"
    if not names.is_relative(run.folder) or any(map(names.fault, run.sha256)):
        return "folder or file of weights"
    if not all(isinstance(text, str) for text in (run.model.get("model"), *run.sha256.values())):
        return "model"
    if not all(isinstance(run.prompt.get(part), str) for part in ("before", "after")):
        return "prompt"
    return "" if isinstance(run.recipe.get("train.yaml"), dict) else "recipe"


def check_weights(root: Path, run: Run) -> None:
    """Raise InputError if the model is not the one that was trained."""
    for file, sha256 in run.sha256.items():
        path = root / run.folder / file
        if not path.is_file():
            raise InputError(f"{path}: missing; expected the weights of {run.name}: train it again with --overwrite")
        if file_sha256(path) != sha256:
            raise InputError(f"{path}: found other weights than {run.name} ended with; train it again with --overwrite")
