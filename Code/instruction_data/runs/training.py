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
from instruction_data.numbers.models import ADAPTER
from instruction_data.pools import control_tokens
from instruction_data.publish.rebuilt import read_published
from instruction_data.publish.split import checked
from instruction_data.runs import runs
from instruction_data.runs.plans import MERGED, TRAINED, Plan
from instruction_data.runs.recipes import read_yaml
from instruction_data.runs.runs import Run
from instruction_data.runs.trainer import Trainer
from instruction_data.runs.work import Piece, work_through

UNFINISHED = ".model"  # the folder of a merged copy in the making


def train_all(
    root: Path, plans: Sequence[Plan], trainer: Trainer, *, overwrite: bool, edited: bool, merge: bool, prepare: bool
) -> int:
    """Make every run. Report a failed one at once and again at the end, and go on with the others.

    Args:
        overwrite: train existing runs again.
        edited: use the ``train.yaml`` files as the user edited them.
        merge: merge each adapter into a copy of its base model, too.
        prepare: write the recipes and stop.

    Returns:
        The exit status.
    """

    def make(plan: Plan) -> str:
        checked(root, plan.entry["file"], plan.entry["sha256"])  # the trainer would not notice
        put_in_place(root, plan, overwrite=overwrite, edited=edited, merge=merge)
        if finished(root, plan):
            said = "there already"
        elif prepare:
            return f"written: {plan.folder}/train.yaml"
        else:
            said = train_one(root, plan, trainer)
        return said + (merge_one(root, plan, trainer) if merge and not prepare else "")

    def piece(plan: Plan) -> Piece:
        done = not (overwrite or merge) and (root / plan.folder / runs.MANIFEST).exists()
        return Piece(plan.name, plan.name, lambda: make(plan), 0 if done else plan.entry["records"])

    if not work_through(root, [piece(plan) for plan in plans], "runs"):
        return 1
    print(f"\n{len(plans)} runs under {root / runs.FOLDER}")
    return 0


def train_one(root: Path, plan: Plan, trainer: Trainer) -> str:
    """Make one run, and return the result in words.

    Raises:
        InputError: the run failed.
    """
    folder = root / plan.folder
    log = folder / "train.log"
    log.unlink(missing_ok=True)
    found = inspect(root, plan, folder / "train.yaml", trainer)
    trainer.run(plan.training(), log, on_cpu=on_cpu(folder))
    results = check_results(folder / TRAINED)
    runs.write(root, describe(root, plan, trainer, found, results))
    return f"trained: loss {results['train_loss']:.3f} after {results['global_step']:,} steps"


def merge_one(root: Path, plan: Plan, trainer: Trainer) -> str:
    """Merge the adapter of a finished run into a copy of its base model, whole or not at all, unless it is there.

    Returns:
        What was done, in words that follow the result of the training.

    Raises:
        InputError: it failed.
    """
    folder = root / plan.folder
    if (folder / MERGED).exists():
        return ", merged copy there already"
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    words = [*plan.merging(), f"export_dir={plan.folder}/{UNFINISHED}"]
    trainer.run(words, folder / "merge.log", on_cpu=on_cpu(folder))
    (folder / UNFINISHED).rename(folder / MERGED)
    return ", merged"


def on_cpu(folder: Path) -> bool:
    """Say whether the recipe of a run's folder trains on the CPU, whatever the machine has."""
    return read_yaml(folder / "train.yaml").get("use_cpu") is True


def put_in_place(root: Path, plan: Plan, *, overwrite: bool, edited: bool, merge: bool) -> None:
    """Put the recipe in place, and remove the remains of an unfinished run.

    Raises:
        InputError: there is a different recipe, and neither flag decides about it.
    """
    folder = root / plan.folder
    for place in (folder, folder / TRAINED, folder / MERGED, folder / UNFINISHED):
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
        for left in (TRAINED, MERGED, UNFINISHED):
            shutil.rmtree(folder / left, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (edited and path.exists()):
        write_whole(path, plan.train_yaml().encode())
    if merge:
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
    pairs = {
        "split_sha256": (run.split_sha256, plan.entry["sha256"]),
        "model": (run.model, plan.base.source.identity),
        "recipe": (run.recipe["train.yaml"], read_yaml(root / plan.folder / "train.yaml")),
    }
    other = [name for name, (found, asked) in pairs.items() if found != asked]
    if other:
        raise InputError(
            f"{path}: found a run with other {', '.join(other)}; expected the same, or none: --overwrite trains again"
        )
    runs.check_weights(root, run)
    return True


def inspect(root: Path, plan: Plan, config: Path, trainer: Trainer) -> dict:
    """Return how LLaMA-Factory's own reader reads the split of a plan.

    Args:
        config: file with LLaMA-Factory's configuration.

    Raises:
        InputError: the reader fails, or does not read every record.
    """
    log = runs.cache(root) / f"{plan.name}-data.log"
    log.unlink(missing_ok=True)
    found = trainer.inspect(config, log)
    if found["examples"] != plan.entry["records"]:
        raise InputError(
            f"{plan.split}: LLaMA-Factory makes {found['examples']:,} examples of it; "
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


def describe(root: Path, plan: Plan, trainer: Trainer, found: Mapping, results: Mapping) -> Run:
    """Return the manifest of a successful run."""
    folder = root / plan.folder / TRAINED
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise InputError(f"{folder}: found no weights; expected *.safetensors")
    kept = [*weights, *folder.glob(ADAPTER)]  # the adapter's configuration says how its weights count
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
        recipe={"train.yaml": read_yaml(root / plan.folder / "train.yaml")},
        prompt=found["prompt"],
        results=results,
        versions=trainer.versions(),
        folder=folder.relative_to(root).as_posix(),
        sha256={path.name: file_sha256(path) for path in kept},
        recipe_name=plan.recipe_name,
    )


def check_data(root: Path, plans: Sequence[Plan], trainer: Trainer) -> None:
    """Let LLaMA-Factory read every split once, and print how it reads them."""
    found = []
    for plan in plans:
        config = runs.cache(root) / f"{plan.name}-data.yaml"
        write_whole(config, plan.train_yaml().encode())
        found.append(inspect(root, plan, config, trainer))
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
