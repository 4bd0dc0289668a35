"""Training: LLaMA-Factory makes each planned run; a manifest, written last, describes the result."""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from instruction_data.errors import InputError, quoted
from instruction_data.files import names
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.files.places import CODE
from instruction_data.pools import control_tokens
from instruction_data.publish.rebuilt import read_published
from instruction_data.runs import environments, runs
from instruction_data.runs.environments import Environment
from instruction_data.runs.plans import MERGED, TRAINED, Plan
from instruction_data.runs.recipes import read_yaml
from instruction_data.runs.runs import Run
from instruction_data.runs.work import Piece, work_through

INSPECT = CODE / "training" / "in_trainer" / "inspect_data.py"
PACKAGES = ("accelerate", "datasets", "llamafactory", "peft", "tokenizers", "torch", "transformers", "trl")


def train_all(
    root: Path, plans: Sequence[Plan], trainer: Environment, *, overwrite: bool, edited: bool, only_prepare: bool
) -> int:
    """Make every run. Report a failed one at once and again at the end, and go on with the others.

    Args:
        overwrite: train existing runs again.
        edited: use the ``train.yaml`` files as the user edited them.
        only_prepare: write the recipes and stop.

    Returns:
        The exit status.
    """

    def piece(plan: Plan) -> Piece:
        do = lambda: train_one(root, plan, trainer, overwrite=overwrite, edited=edited, only_prepare=only_prepare)  # noqa: E731
        return Piece(plan.name, plan.name, do)

    if not work_through(root, [piece(plan) for plan in plans], "runs"):
        return 1
    print(f"\n{len(plans)} runs under {root / runs.FOLDER}")
    return 0


def train_one(
    root: Path, plan: Plan, trainer: Environment, *, overwrite: bool, edited: bool, only_prepare: bool
) -> str:
    """Make one run, unless it is there already.

    Returns:
        The result in words.

    Raises:
        InputError: the run failed, or one of that name was made otherwise.
    """
    folder = root / plan.folder
    check_split(root, plan)
    prepare(root, plan, overwrite=overwrite, edited=edited)
    if finished(root, plan):
        return "there already"
    if only_prepare:
        return f"written: {plan.folder}/train.yaml"
    (folder / "train.log").unlink(missing_ok=True)
    found = inspect(root, {folder / "train.yaml": plan}, trainer)[0]
    for program, *words in plan.commands():
        environments.run([str(trainer.bin / program), *words], trainer, root, folder / "train.log")
    results = check_results(folder / TRAINED)
    runs.write(root, describe(root, plan, trainer, found, results))
    return f"trained: loss {results['train_loss']:.3f} after {results['global_step']:,} steps"


def check_split(root: Path, plan: Plan) -> None:
    """Raise InputError if the file is not the one that the manifest describes; the trainer would not notice."""
    path = root / plan.entry["file"]
    if not path.is_file() or file_sha256(path) != plan.entry["sha256"]:
        raise InputError(f"{path}: found missing or changed; expected what its manifest says: make it again")


def prepare(root: Path, plan: Plan, *, overwrite: bool, edited: bool) -> None:
    """Put the recipe in place, and remove the remains of an unfinished run.

    Raises:
        InputError: there is a different recipe, and neither flag decides about it.
    """
    folder = root / plan.folder
    for place in (folder, folder / TRAINED, folder / MERGED):
        names.below(root, place)
    path = folder / "train.yaml"
    if path.exists() and not overwrite and not edited:
        there, asked = read_yaml(path), yaml.safe_load(plan.train_yaml())
        other = sorted(key for key in there.keys() | asked.keys() if there.get(key) != asked.get(key))
        if other:
            found = ", ".join(f"{key} {quoted(there.get(key))} instead of {quoted(asked.get(key))}" for key in other)
            raise InputError(
                f"{path}: found {found}; expected what the flags say. --edited runs the file as it stands; "
                "--overwrite writes it anew and trains again"
            )
    if overwrite:
        (folder / runs.MANIFEST).unlink(missing_ok=True)
    if not (folder / runs.MANIFEST).exists():
        for left in (TRAINED, MERGED):
            shutil.rmtree(folder / left, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (edited and path.exists()):
        write_whole(path, plan.train_yaml().encode())
    if plan.lora:
        write_whole(folder / "export.yaml", plan.export_yaml().encode())


def finished(root: Path, plan: Plan) -> bool:
    """Say whether the run exists, is whole, and was made from the same inputs.

    Raises:
        InputError: it exists and was made from others.
    """
    path = root / plan.folder / runs.MANIFEST
    if not path.exists():
        return False
    run = runs.read(path)
    asked = {
        "split_sha256": plan.entry["sha256"],
        "model": plan.base.source.identity,
        "recipe": _recipes(root, plan),
    }
    other = [key for key, value in asked.items() if getattr(run, key) != value]
    if other:
        raise InputError(
            f"{path}: found a run with other {', '.join(other)}; expected the same, or none: --overwrite trains again"
        )
    runs.check_weights(root, run)
    return True


def _recipes(root: Path, plan: Plan) -> dict[str, dict]:
    told = ["train.yaml", "export.yaml"] if plan.lora else ["train.yaml"]
    return {name: read_yaml(root / plan.folder / name) for name in told}


def inspect(root: Path, told: Mapping[Path, Plan], trainer: Environment) -> list[dict]:
    """Return how LLaMA-Factory's own reader reads splits.

    Args:
        told: file with LLaMA-Factory's configuration -> the plan behind it.

    Raises:
        InputError: the reader fails, or does not read every record.
    """
    plans = list(told.values())
    log = runs.cache(root) / f"{plans[0].name}-data.log"
    answers = log.with_suffix(".jsonl")
    log.unlink(missing_ok=True)
    words = [str(trainer.python), str(INSPECT), str(answers), *map(str, told)]
    environments.run(words, trainer, root, log)
    found = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    for plan, one in zip(plans, found, strict=True):
        if one["examples"] != plan.entry["records"]:
            raise InputError(
                f"{plan.split}: LLaMA-Factory makes {one['examples']:,} examples of it; "
                f"expected {plan.entry['records']:,}, one a record"
            )
    return found


def check_results(trained: Path) -> dict[str, float]:
    """Return the trainer's figures.

    Raises:
        InputError: the figures say that nothing was trained, even if the exit status was 0.
    """
    try:
        results = json.loads((trained / "all_results.json").read_bytes())
        results["global_step"] = json.loads((trained / "trainer_state.json").read_bytes())["global_step"]
        loss = float(results["train_loss"])
        results["global_step"] = int(results["global_step"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{trained}: found no figures of a training ({error}); expected LLaMA-Factory's") from error
    if results["global_step"] < 1 or not math.isfinite(loss):
        raise InputError(f"{trained}: found loss {loss} after {results['global_step']} steps; expected a trained model")
    return {key: value for key, value in results.items() if isinstance(value, int | float)}


def describe(root: Path, plan: Plan, trainer: Environment, found: Mapping, results: Mapping) -> Run:
    """Return the manifest of a successful run."""
    folder = root / plan.folder / (MERGED if plan.lora else TRAINED)
    weights = {path.name: file_sha256(path) for path in sorted(folder.glob("*.safetensors"))}
    if not weights:
        raise InputError(f"{folder}: found no weights; expected *.safetensors")
    return Run(
        name=plan.name,
        question=plan.manifest["question"],
        pool=plan.manifest["pool"],
        split=plan.split,
        condition=plan.condition,
        split_sha256=plan.entry["sha256"],
        records=plan.entry["records"],
        examples=found["examples"],
        cut=found["cut"],
        model=plan.base.source.identity,
        seed=plan.seed,
        recipe=_recipes(root, plan),
        prompt=found["prompt"],
        results=results,
        versions=environments.versions(trainer, PACKAGES),
        folder=folder.relative_to(root).as_posix(),
        sha256=weights,
    )


def check_data(root: Path, plans: Sequence[Plan], trainer: Environment) -> None:
    """Let LLaMA-Factory read every split once, and print how it reads them."""
    told = {runs.cache(root) / f"{plan.name}-data.yaml": plan for plan in plans}
    for path, plan in told.items():
        write_whole(path, plan.train_yaml().encode())
    found = inspect(root, told, trainer)
    print(f"{'split':<32} {'records':>9} {'examples':>9} {'cut':>9} {'control':>9}")
    for plan, one in zip(plans, found, strict=True):
        print(
            f"{plan.split:<32} {plan.entry['records']:>9,} {one['examples']:>9,} {one['cut']:>9,} "
            f"{holding_control_tokens(root / plan.entry['file']):>9,}"
        )
    print("cut: longer than the recipe's cutoff_len; such an example loses its end, and so where it ends")
    print(f"control: with text such as <|im_start|>. {control_tokens.MEANING} {control_tokens.FLAG} of the")
    print("question's script breaks it up")


def holding_control_tokens(path: Path) -> int:
    """Count the records of a split that hold control tokens of chat templates."""
    records = read_published(path)
    texts = ("\0".join((record.instruction, record.input, record.output)) for record in records)
    return sum(bool(control_tokens.found(text.encode("utf-8", "surrogatepass"))) for text in texts)
