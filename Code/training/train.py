"""Training: from splits to fine-tuned models, by LLaMA-Factory.

For every split, base model and seed one folder, Runs/<SPLIT>--<MODEL>--seed<N>/, below the study root:

    train.yaml      what LLaMA-Factory is told: the recipe below the lines that name model, split and seed
    train.log       what it said
    trained/        what it left: adapter or model, loss curve, figures
    model/          where LoRA was used: the merged model
    run.json        what was trained on what, with hashes; written last: without it the run is not finished

A finished run is left alone, an unfinished one begins anew, a failed one is reported and the others go on. Several
machines, or several GPUs, take one list: --shard, or the same command on a shared folder.

    python Code/training/train.py --demo --split RQ2_OSS_DIVERSITY_LOW --split RQ2_OSS_DIVERSITY_HIGH --seeds 1 2
    python Code/training/train.py --question RQ2 --model codellama/CodeLlama-7b-Python-hf --recipe lora --seeds 1 2 3
    python Code/training/train.py --question RQ2 --dry-run
"""

import argparse
import json
import math
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from instruction_data import cli
from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import names
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.numbers import models, trainable
from instruction_data.numbers.models import Source
from instruction_data.pools import control_tokens
from instruction_data.publish import manifests, rebuilt
from instruction_data.publish.registry import register
from instruction_data.runs import environments, runs
from instruction_data.runs.environments import Environment
from instruction_data.runs.runs import Run

HERE = Path(__file__).resolve().parent
RECIPES = HERE / "recipes"
MODEL = "codellama/CodeLlama-7b-Python-hf"  # the base model of Magicoder and WaveCoder
DEMO_MODEL = "smollm2"
SEEDS = (42,)
OURS = {"model_name_or_path", "model_revision", "dataset_dir", "dataset", "output_dir", "overwrite_output_dir"}
OURS |= {"seed", "data_seed", "do_train", "resume_from_checkpoint"}
NEEDED = ("stage", "finetuning_type", "template")
PACKAGES = ("accelerate", "datasets", "llamafactory", "peft", "tokenizers", "torch", "transformers", "trl")
TRAINED, MERGED = "trained", "model"
RECIPE_BYTES = 1 << 16  # at most
DEEPEST = 20  # of lists and mappings in a recipe: PyYAML takes minutes over thousands
NOT_YAML = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,
)  # as PyYAML refuses text


@dataclass(frozen=True)
class Recipe:
    """What a training is told beside model, split and seed: YAML as its author wrote it, comments and all."""

    name: str
    text: str

    @property
    def options(self) -> dict:
        return yaml.safe_load(self.text)


@dataclass(frozen=True)
class Base:
    """A base model.

    Attributes:
        location: what LLaMA-Factory is told: a hub id, or a folder (relative to the study root if it lies there).
    """

    source: Source
    location: str


@dataclass(frozen=True)
class Plan:
    """One run that is to be made.

    Attributes:
        manifest: of the set that the split belongs to.
    """

    split: str
    condition: str
    manifest: Mapping
    base: Base
    seed: int
    recipe: Recipe

    @property
    def name(self) -> str:
        return runs.name(self.split, self.base.source.name, self.seed)

    @property
    def folder(self) -> str:
        return f"{runs.FOLDER}/{self.name}"

    @property
    def lora(self) -> bool:
        return self.recipe.options["finetuning_type"] == "lora"

    @property
    def entry(self) -> Mapping:
        """What the manifest says of the split."""
        return self.manifest["splits"][self.split]

    def train_yaml(self) -> str:
        """The whole of what LLaMA-Factory is told: readable, editable, complete."""
        told = {
            "model_name_or_path": self.base.location,
            **_revision(self.base),
            "dataset_dir": "Datas",
            "dataset": self.split,
            "output_dir": f"{self.folder}/{TRAINED}",
            "overwrite_output_dir": True,  # else a finished run is "resumed" into training nothing
            "do_train": True,
            "seed": self.seed,
            "data_seed": self.seed,
        }
        head = f"# {self.name}. From the study root: llamafactory-cli train {self.folder}/train.yaml\n"
        return f"{head}{_yaml(told)}\n# recipe {printable(self.recipe.name)}\n{self.recipe.text}"

    def export_yaml(self) -> str:
        """What merges a LoRA adapter into its base model."""
        told = {
            "model_name_or_path": self.base.location,
            **_revision(self.base),
            "adapter_name_or_path": f"{self.folder}/{TRAINED}",
            "template": self.recipe.options["template"],
            "export_dir": f"{self.folder}/{MERGED}",
            "export_size": 5,
            "export_device": "cpu",
            "export_legacy_format": False,
        }
        return f"# From the study root: llamafactory-cli export {self.folder}/export.yaml\n{_yaml(told)}"

    def commands(self) -> list[list[str]]:
        """What is run, one after another, in the study root."""
        steps = [["llamafactory-cli", "train", f"{self.folder}/train.yaml"]]
        return steps + ([["llamafactory-cli", "export", f"{self.folder}/export.yaml"]] if self.lora else [])


def _revision(base: Base) -> dict[str, str]:
    return {"model_revision": base.source.revision} if base.source.revision else {}


def _yaml(document: Mapping) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=10_000)


def read_recipe(name: str) -> Recipe:
    """A recipe of ours by name, or a YAML file of the reader's own.

    Raises:
        InputError: it is neither, or says what is not a recipe's to say.
    """
    path = RECIPES / f"{name}.yaml" if (RECIPES / f"{name}.yaml").is_file() else Path(name)
    known = ", ".join(sorted(one.stem for one in RECIPES.glob("*.yaml")))
    if not path.is_file():
        raise InputError(f"--recipe {name}: found no such file; expected one of {known}, or a YAML file")
    options = _read_yaml(path, "expected options of LLaMA-Factory, NAME: VALUE")
    recipe = Recipe(path.name, path.read_text("utf-8-sig").rstrip() + "\n")
    if set(options) & OURS - {"do_train"}:
        raise InputError(f"{path}: found {', '.join(sorted(set(options) & OURS))}; a recipe leaves these to train.py")
    for name in NEEDED:
        if not isinstance(options.get(name), str):
            raise InputError(f"{path}: found {quoted(options.get(name))} as {name}; expected a value for LLaMA-Factory")
    text = "".join(line for line in recipe.text.splitlines(keepends=True) if not line.startswith("do_train:"))
    _check_continues(path, text, options)
    return Recipe(recipe.name, text)


def _check_continues(path: Path, text: str, options: Mapping) -> None:
    """Raise InputError where a recipe would say something else below our own lines than it says alone."""
    try:
        together = yaml.safe_load(f"do_train: 1\n{text}")
    except NOT_YAML:
        together = None
    if together != {"do_train": 1} | {name: value for name, value in options.items() if name != "do_train"}:
        raise InputError(
            f"{path}: found a document that cannot go on below other lines; expected plain lines NAME: VALUE, "
            "without --- and without braces around them"
        )


def find_base(root: Path, name: str, *, make: bool) -> Base:
    """A base model as LLaMA-Factory can load it.

    Args:
        make: whether the embedded model is to be written to a folder, if it is not there yet.
    """
    source = models.find(name)
    if source.embedded:
        folder = root / ".cache" / "models" / name
        if make:
            trainable.write_folder(source, folder)
        return Base(source, folder.relative_to(root).as_posix())
    if source.gguf:
        raise InputError(f"--model {name}: found GGUF weights; expected a folder that LLaMA-Factory can train")
    return Base(source, source.location)


def make_plans(root: Path, options: argparse.Namespace) -> list[Plan]:
    """Every run that the flags ask for, in a fixed order."""
    recipe = read_recipe(options.recipe or ("demo" if options.demo else "full"))
    chosen = options.model or [DEMO_MODEL if options.demo else MODEL]
    bases = [find_base(root, name, make=not options.dry_run) for name in chosen]
    sets = chosen_sets(root, options.question, options.split)
    splits = manifests.all_splits(root)
    plans = [
        Plan(split, runs.condition(split, splits), manifest, base, seed, recipe)
        for split, manifest in sets.items()
        for base in bases
        for seed in options.seeds
    ]
    if len({plan.name.casefold() for plan in plans}) < len(plans):
        raise InputError(
            f"--model {' '.join(chosen)}, --seeds {options.seeds}: found two runs of one name; expected none"
        )
    share, shares = options.shard
    return plans[share - 1 :: shares]


def chosen_sets(root: Path, questions: Sequence[str], splits: Sequence[str]) -> dict[str, dict]:
    """Split -> manifest of its set, for the splits asked for; all of them where none is.

    Raises:
        InputError: there is none of that name.
    """
    published = {name: manifest for _, manifest in manifests.every(root) for name in manifest["splits"]}
    if not published:
        raise InputError(f"{root}: found no published split; run a script of Code/RQ1 … RQ4 first")
    for name in splits:
        if name not in published:
            raise InputError(
                f"--split {name}: found no such split; `python -m instruction_data.publish show` lists them"
            )
    known = {manifest["question"] for manifest in rebuilt.values()}
    for question in questions:
        if question not in known:
            raise InputError(f"--question {question}: found no split of it; expected one of {', '.join(sorted(known))}")
    wanted = set(splits) | {name for name, manifest in rebuilt.items() if manifest["question"] in questions}
    return {name: manifest for name, manifest in rebuilt.items() if name in wanted or not (splits or questions)}


def make_run(root: Path, plan: Plan, trainer: Environment, options: argparse.Namespace) -> str:
    """Make one run, unless it is there already or in work elsewhere.

    Returns:
        What became of it, in words.

    Raises:
        InputError: it failed, or there is one made otherwise.
    """
    folder = root / plan.folder
    with runs.held(root, plan.name) as ours:
        if not ours:
            return "in work by another process: left to it"
        check_split(root, plan)
        prepare(root, plan, overwrite=options.overwrite, edited=options.edited)
        if finished(root, plan):
            return "there already"
        if options.prepare:
            return f"written: {plan.folder}/train.yaml"
        (folder / "train.log").unlink(missing_ok=True)
        found = inspect(root, {folder / "train.yaml": plan}, trainer)[0]
        for step in plan.commands():
            environments.run(_in(trainer, step), trainer, root, folder / "train.log")
        results = check_results(folder / TRAINED)
        runs.write(root, describe(root, plan, trainer, found, results))
        return f"trained: loss {results['train_loss']:.3f} after {results['global_step']:,} steps"


def _in(trainer: Environment, words: Sequence[str]) -> list[str]:
    return [str(trainer.bin / words[0]), *words[1:]]


def check_split(root: Path, plan: Plan) -> None:
    """Raise InputError where the file is not the one that the manifest describes; the trainer would not notice."""
    path = root / plan.entry["file"]
    if not path.is_file() or file_sha256(path) != plan.entry["sha256"]:
        raise InputError(f"{path}: found missing or changed; expected what its manifest says: make it again")


def prepare(root: Path, plan: Plan, *, overwrite: bool, edited: bool) -> None:
    """Put the recipe in place; remove what an unfinished run left.

    Raises:
        InputError: there is a different recipe, and neither flag says what to do with it.
    """
    folder = root / plan.folder
    for place in (folder, folder / TRAINED, folder / MERGED):
        names.below(root, place)
    path = folder / "train.yaml"
    if path.exists() and not overwrite and not edited:
        there, asked = _read_yaml(path), yaml.safe_load(plan.train_yaml())
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


def _read_yaml(path: Path, expected: str = "expected options; --overwrite writes them anew") -> dict:
    """Options of LLaMA-Factory, of values that a manifest can hold.

    Raises:
        InputError: the file holds none, or aliases, by which a few lines can stand for more than memory holds.
    """
    if path.stat().st_size > RECIPE_BYTES:
        raise InputError(f"{path}: found {path.stat().st_size:,} bytes, more than {RECIPE_BYTES:,}; {expected}")
    try:
        text = path.read_text("utf-8-sig")
        wrong = _not_plain(text)
        options = {} if wrong else yaml.safe_load(text)
    except NOT_YAML as error:
        raise InputError(f"{path}: found malformed YAML ({error}); {expected}") from error
    if wrong:
        raise InputError(f"{path}:{wrong}; {expected}, written out")
    if not isinstance(options, dict):
        raise InputError(f"{path}: found {quoted(options)}; {expected}")
    try:
        plain = orjson.loads(orjson.dumps(options)) == options
    except (TypeError, ValueError):  # orjson.JSONEncodeError is a TypeError
        plain = False
    if not plain:
        raise InputError(f"{path}: found dates, infinite numbers or names that are no text; {expected}")
    return options


def _not_plain(text: str) -> str:
    """The line of an alias or of lists within lists without end, and what was found there; empty if there is none."""
    depth = 0
    for token in yaml.scan(text):
        kind = type(token).__name__
        depth += kind.endswith(("SequenceStartToken", "MappingStartToken")) - kind.endswith("EndToken")
        if isinstance(token, yaml.AliasToken) or depth > DEEPEST:
            found = f"the alias *{token.value}" if depth <= DEEPEST else f"more than {DEEPEST} values in one another"
            return f"{token.start_mark.line + 1}: found {found}"
    return ""


def finished(root: Path, plan: Plan) -> bool:
    """Whether the run is there, whole, and made of the same things.

    Raises:
        InputError: it is there and was made of others.
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
    return {name: _read_yaml(root / plan.folder / name) for name in told}


def inspect(root: Path, told: Mapping[Path, Plan], trainer: Environment) -> list[dict]:
    """What LLaMA-Factory makes of splits, by its own reader.

    Args:
        told: file with all that LLaMA-Factory is told -> the plan behind it.

    Raises:
        InputError: it fails, or does not read every record.
    """
    plans = list(told.values())
    log = runs.cache(root) / f"{plans[0].name}-data.log"
    answers = log.with_suffix(".jsonl")
    log.unlink(missing_ok=True)
    words = [str(trainer.python), str(HERE / "in_trainer" / "inspect_data.py"), str(answers), *map(str, told)]
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
    """The trainer's figures.

    Raises:
        InputError: they say that nothing was trained, whatever the exit status was.
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
    """The manifest of a run that has ended well."""
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
    """Let LLaMA-Factory read every split once, and print what it makes of them."""
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
    """How many records of a split hold control tokens of chat templates."""
    records = rebuilt.read_published(path)
    texts = ("\0".join((record.instruction, record.input, record.output)) for record in records)
    return sum(bool(control_tokens.found(text.encode("utf-8", "surrogatepass"))) for text in texts)


def make_all(root: Path, plans: Sequence[Plan], trainer: Environment, options: argparse.Namespace) -> int:
    """Make every run; a failed one is reported at once and again at the end, and the others go on."""
    failed = []
    for number, plan in enumerate(plans, 1):
        print(f"[{number}/{len(plans)}] {plan.name}", flush=True)
        try:
            print(f"    {make_run(root, plan, trainer, options)}", flush=True)
        except InputError as error:
            failed.append(plan.name)
            print(f"    FAILED: {error}", flush=True)
    if failed:
        print(f"\n{len(failed)} of {len(plans)} runs failed: {', '.join(failed)}. The same command tries them again")
        return 1
    print(f"\n{len(plans)} runs under {root / runs.FOLDER}")
    return 0


def print_commands(root: Path, plans: Sequence[Plan]) -> None:
    """What would be run, ready to be copied."""
    print(shell_words(["cd", str(root)]))
    for plan in plans:
        state = (
            "there already" if (root / plan.folder / runs.MANIFEST).exists() else f"{plan.entry['records']:,} records"
        )
        print(f"# {plan.name}: {state}")
        print("\n".join(map(shell_words, plan.commands())))


def shell_words(words: Sequence[str]) -> str:
    """Words for a shell, on one line and free of what a terminal would obey on the way there."""

    def quote(word: str) -> str:
        if word.isprintable():
            return shlex.quote(word)
        known = word.encode("utf-8", "surrogateescape")  # as the file system has it
        return "$'" + "".join(f"\\x{byte:02x}" for byte in known) + "'"

    return " ".join(map(quote, words))


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is trained on what")
    cli.add_root_flags(what, "the demo's root (build/demo), the embedded SmolLM2-135M and the demo recipe")
    what.add_argument("--split", action="append", default=[], metavar="NAME", help="repeatable (default: every split)")
    what.add_argument("--question", action="append", default=[], metavar="RQ", help="all its splits; repeatable")
    what.add_argument(
        "--model", action="append", metavar="MODEL", help=f"base model: hub id or folder; repeatable (default: {MODEL})"
    )
    what.add_argument("--seeds", type=cli.seed, nargs="+", default=list(SEEDS), metavar="N", help="(default: 42)")
    what.add_argument(
        "--recipe",
        metavar="NAME",
        help="full, lora, demo, or a YAML file of your own (default: full; with --demo demo)",
    )
    how = result.add_argument_group("how")
    how.add_argument(
        "--trainer", type=Path, metavar="ENV", help="environment with LLaMA-Factory (default: `make trainer`'s)"
    )
    how.add_argument(
        "--shard", type=cli.shard, default=(1, 1), metavar="I/K", help="only every K-th run, from the I-th on"
    )
    how.add_argument("--dry-run", action="store_true", help="print the commands and stop")
    how.add_argument("--prepare", action="store_true", help="write the recipes and stop, for you to read or edit")
    how.add_argument("--edited", action="store_true", help="run the train.yaml files as they stand")
    how.add_argument("--check", action="store_true", help="let LLaMA-Factory read and count every split, and stop")
    how.add_argument("--overwrite", action="store_true", help="train again what is there")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    plans = make_plans(root, options)
    if options.dry_run:
        print_commands(root, plans)
        return 0
    trainer = environments.find(options.trainer, "--trainer", "trainer", "llamafactory-cli")
    register(root)
    if options.check:
        check_data(root, [plan for plan in plans if plan.seed == options.seeds[0]], trainer)
        return 0
    return make_all(root, plans, trainer, options)


if __name__ == "__main__":
    sys.exit(cli.run(main))
