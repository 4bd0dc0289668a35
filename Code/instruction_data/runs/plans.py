"""Plans: the training runs that the flags ask for, and LLaMA-Factory's configuration for each."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from instruction_data.errors import InputError, printable
from instruction_data.numbers import models, plain
from instruction_data.numbers.models import Source
from instruction_data.publish import manifests
from instruction_data.publish.split import checked
from instruction_data.runs import runs
from instruction_data.runs.recipes import Recipe

TRAINED, MERGED = "trained", "model"


@dataclass(frozen=True)
class Base:
    """A base model.

    Attributes:
        location: for LLaMA-Factory: a hub id, or a folder (relative to the study root if it lies there).
    """

    source: Source
    location: str


@dataclass(frozen=True)
class Plan:
    """A planned run.

    Attributes:
        manifest: the manifest of the split's set.
        recipe_name: as in the run's name; empty for the default recipe.
    """

    split: str
    condition: str
    manifest: Mapping
    base: Base
    seed: int
    recipe: Recipe
    recipe_name: str = ""

    @property
    def name(self) -> str:
        return runs.name(self.split, self.base.source.name, self.seed, self.recipe_name)

    @property
    def folder(self) -> str:
        return f"{runs.FOLDER}/{self.name}"

    @property
    def entry(self) -> Mapping:
        """The split's entry in the manifest."""
        return self.manifest["splits"][self.split]

    def train_yaml(self) -> str:
        """Return LLaMA-Factory's whole configuration: readable, editable, complete."""
        told = {
            "model_name_or_path": self.base.location,
            **_revision(self.base),
            "dataset_dir": "Datas",
            "dataset": self.split,
            "output_dir": f"{self.folder}/{TRAINED}",
            "overwrite_output_dir": True,  # otherwise a finished run is "resumed" and trains nothing
            "do_train": True,
            "seed": self.seed,
            "data_seed": self.seed,
        }
        head = f"# {self.name}. From the study root: llamafactory-cli train {self.folder}/train.yaml\n"
        return f"{head}{_yaml(told)}\n# recipe {printable(self.recipe.name)}\n{self.recipe.text}"

    def export_yaml(self) -> str:
        """Return the configuration that merges a LoRA adapter into its base model."""
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

    def training(self) -> list[str]:
        """Return the arguments of ``llamafactory-cli`` that train, in the study root."""
        return ["train", f"{self.folder}/train.yaml"]

    def merging(self) -> list[str]:
        """Return the arguments of ``llamafactory-cli`` that merge the adapter, in the study root."""
        return ["export", f"{self.folder}/export.yaml"]


def _revision(base: Base) -> dict[str, str]:
    return {"model_revision": base.source.revision} if base.source.revision else {}


def _yaml(document: Mapping) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=10_000)


def find_base(root: Path, name: str, *, make: bool) -> Base:
    """Return a base model as LLaMA-Factory can load it.

    Args:
        make: write the embedded model to a folder, if it is not there yet.
    """
    source = models.find(name)
    if source.embedded:
        folder = root / ".cache" / "models" / name
        if make:
            plain.write_folder(source, folder)
        return Base(source, folder.relative_to(root).as_posix())
    if source.gguf:
        raise InputError(f"--model {name}: found GGUF weights; expected a folder that LLaMA-Factory can train")
    return Base(source, source.location)


def make_plans(
    root: Path,
    sets: Mapping[str, Mapping],
    bases: Sequence[Base],
    seeds: Sequence[int],
    recipe: Recipe,
    recipe_name: str = "",
) -> list[Plan]:
    """Return a plan for every split, base model and seed, in a fixed order.

    Args:
        sets: split -> manifest of its set, from ``chosen_sets``.
        recipe_name: of ``recipes.label``.

    Raises:
        InputError: two plans would have one name.
    """
    splits = manifests.all_splits(root)
    plans = [
        Plan(split, runs.condition(split, splits), manifest, base, seed, recipe, recipe_name)
        for split, manifest in sets.items()
        for base in bases
        for seed in seeds
    ]
    seen: dict[str, Plan] = {}
    for plan in plans:
        other = seen.setdefault(plan.name.casefold(), plan)
        if other is not plan:
            found = " and ".join(f"{one.base.source.name}, seed {one.seed}" for one in (other, plan))
            raise InputError(f"--model, --seeds: found {found}, two runs of the name {plan.name}; expected one")
    return plans


def chosen_sets(root: Path, questions: Sequence[str], splits: Sequence[str]) -> dict[str, dict]:
    """Return split -> manifest of its set, for the named splits and questions; for all splits if none is named.

    Raises:
        InputError: there is no split or question of that name.
    """
    published = {name: manifest for _, manifest in manifests.every(root) for name in manifest["splits"]}
    if not published:
        raise manifests.lacking(root)
    for name in splits:
        if name not in published:
            raise InputError(
                f"--split {name}: found no such split; `python -m instruction_data.publish show` lists them"
            )
    known = {manifest["question"] for manifest in published.values()}
    for question in questions:
        if question not in known:
            raise InputError(f"--question {question}: found no split of it; expected one of {', '.join(sorted(known))}")
    wanted = set(splits) | {name for name, manifest in published.items() if manifest["question"] in questions}
    return {name: manifest for name, manifest in published.items() if name in wanted or not (splits or questions)}


def print_commands(root: Path, plans: Sequence[Plan], *, overwrite: bool, merge: bool) -> None:
    """Print the commands that would be run, ready to be copied.

    Args:
        overwrite: whether existing runs would be made again.
        merge: whether adapters would be merged.

    Raises:
        InputError: a split is not as its manifest says, so that nothing can be trained on it.
    """
    for entry in {plan.split: plan.entry for plan in plans}.values():
        checked(root, entry["file"], entry["sha256"])
    print(shell_words(["cd", str(root)]))
    for plan in plans:
        there = (root / plan.folder / runs.MANIFEST).exists()
        records = f"{plan.entry['records']:,} records"
        state = (f"again, {records}" if overwrite else "there already") if there else records
        print(f"# {plan.name}: {state}")
        for words in (plan.training(), plan.merging())[: 1 + merge]:
            print(shell_words(["llamafactory-cli", *words]))


def shell_words(words: Sequence[str]) -> str:
    """Return words quoted for a shell, on one line and without control characters that a terminal would obey."""

    def quote(word: str) -> str:
        if word.isprintable():
            return shlex.quote(word)
        known = word.encode("utf-8", "surrogateescape")  # the file system's bytes
        return "$'" + "".join(f"\\x{byte:02x}" for byte in known) + "'"

    return " ".join(map(quote, words))
