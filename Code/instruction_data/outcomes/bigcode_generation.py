"""Generations: a trained model's solutions to the problems of a task of the BigCode harness."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.files import names
from instruction_data.files.atomic import write_whole
from instruction_data.outcomes import bigcode_harness, outcomes
from instruction_data.outcomes.bigcode_harness import Harness, Task, read_json
from instruction_data.runs import environments, sources
from instruction_data.runs.runs import Run

KEPT = "samples.jsonl"  # of a server, until all are there
SEED = 0  # the harness's own default
AT_ONCE = 10  # samples of a problem that the harness's own generation makes at a time
PRECISIONS = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}  # as the harness calls them
INSTRUCTION = "Complete the following code."  # the training's template is put around it


@dataclass(frozen=True)
class Settings:
    """The choices of a generation that affect its numbers."""

    prompt: str
    n_samples: int
    temperature: float
    top_p: float
    max_length: int
    dtype: str
    limit: int | None
    device: str | None = None
    server: str | None = None
    seed: int = SEED

    def listed(self, run: Run, generator: str) -> dict[str, object]:
        """Return the settings in the form of outcomes."""
        listed = {name: value for name, value in vars(self).items() if name not in ("device", "server")}
        generator, listed["dtype"] = ("server", None) if self.server else (generator, self.dtype)
        return listed | {"prefix": self.prefix(run), "generator": generator, "recipe": run.recipe_sha256}

    def prefix(self, run: Run) -> str:
        """Return the text in front of every problem: the template that the model was trained with, or nothing."""
        return run.prompt["before"] + INSTRUCTION + run.prompt["after"] if self.prompt == "template" else ""


def folder_of(root: Path, task: str, run: Run) -> Path:
    """Return the folder of a run's generations and their logs."""
    return outcomes.path(root, bigcode_harness.NAME, task, run.name).with_suffix("")


def left_by(root: Path, task: str, run: Run) -> list[Path]:
    """Return the files that mark a run as generated."""
    return [folder_of(root, task, run) / name for name in ("generations.json", "settings.json", KEPT)]


def generate(root: Path, run: Run, task: Task, settings: Settings, harness: Harness) -> Path:
    """Return the file of a run's generations; make them if they are not there yet.

    Beside it ``settings.json`` says how they were made.

    Raises:
        InputError: there are generations with other settings, or the model fails.
    """
    folder = folder_of(root, task.name, run)
    names.below(root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    asked = settings.listed(run, harness.generator) | {"model": dict(run.sha256)}
    path, note, kept = left_by(root, task.name, run)
    if path.exists() and note.exists():
        found = read_json(note, dict)
        if found != asked:
            other = sorted(key for key in asked.keys() | found.keys() if asked.get(key) != found.get(key))
            raise InputError(f"{path}: found generations with other {', '.join(other)}; --overwrite makes them anew")
        check_generations(path, task, settings)
        return path
    log = folder / "generation.log"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary:
        made = _generate(root, run, task, settings, harness, Path(temporary), log, kept, asked)
        check_generations(made, task, settings)
        write_whole(note, json.dumps(asked, indent=2).encode() + b"\n")
        write_whole(path, made.read_bytes())
    kept.unlink(missing_ok=True)
    return path


def _generate(
    root,
    run: Run,
    task: Task,
    settings: Settings,
    harness: Harness,
    folder: Path,
    log: Path,
    kept: Path,
    asked: Mapping[str, object],
) -> Path:
    """Let our script or the harness's own generate; return its file, which lies in a temporary folder.

    Args:
        kept: the file to which a server's samples are added as they come.
        asked: how they are made.
    """
    source, prefix, count = sources.trained(root, run), settings.prefix(run), len(task.problems)
    if harness.checkout is None:
        made = folder / "generations.json"
        document = vars(settings) | {"task": task.name, "prefix": prefix, "problems": count}
        document |= {"run": run.name, "kept": str(kept.resolve()), "asked": json.dumps(asked, sort_keys=True)}
        document |= {"model": source.location, "arguments": source.arguments, "adapter": source.adapter}
        document["weights_arguments"] = source.weights_arguments
        (folder / "settings.json").write_text(json.dumps(document | {"generations": str(made)}))
        environments.run(harness.script("generate.py", folder / "settings.json"), harness.environment, task.folder, log)
        return made
    main = [str(harness.environment.python), f"{harness.checkout}/main.py"]
    words = [*main, "--model", source.location]
    words += ["--revision", source.revision] if source.revision else []
    words += ["--peft_model", source.adapter] if source.adapter else []
    words += ["--tasks", task.name, "--limit", str(count)]
    words += ["--generation_only", "--save_generations", "--save_generations_path", f"{folder}/generations.json"]
    words += ["--max_length_generation", str(settings.max_length), "--precision", PRECISIONS[settings.dtype]]
    words += ["--n_samples", str(settings.n_samples), "--batch_size", str(min(AT_ONCE, settings.n_samples))]
    words += ["--do_sample", str(settings.temperature > 0), "--seed", str(settings.seed)]
    words += ["--temperature", str(settings.temperature or 1.0), "--top_p", str(settings.top_p), "--prefix", prefix]
    environments.run(words, harness.environment, task.folder, log)
    return folder / f"generations_{task.name}.json"


def check_generations(path: Path, task: Task, settings: Settings) -> None:
    """Raise InputError unless the file lists ``n_samples`` texts per problem; the harness would cut silently."""
    made = read_json(path, list)
    whole = len(made) == len(task.problems) and all(isinstance(one, list) for one in made)
    whole = whole and all(len(one) == settings.n_samples for one in made)
    if not whole or not all(isinstance(text, str) for one in made for text in one):
        raise InputError(
            f"{task.name}: found generations of another shape; "
            f"expected {settings.n_samples} texts for each of {len(task.problems)} problems"
        )
