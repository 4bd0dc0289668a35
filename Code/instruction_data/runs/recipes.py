"""Recipes: the settings of a training beside model, split and seed, as YAML for LLaMA-Factory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from instruction_data.errors import InputError, quoted
from instruction_data.files.places import CODE, found_instead

RECIPES = CODE / "training" / "recipes"
OURS = {"model_name_or_path", "model_revision", "dataset_dir", "dataset", "output_dir", "overwrite_output_dir"}
OURS |= {"seed", "data_seed", "do_train", "resume_from_checkpoint"}
NEEDED = ("stage", "finetuning_type", "template")
RECIPE_BYTES = 1 << 16  # at most
DEEPEST = 20  # nesting of lists and mappings in a recipe: PyYAML needs minutes for thousands
NOT_YAML = (  # the errors with which PyYAML refuses text
    yaml.YAMLError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,
)


@dataclass(frozen=True)
class Recipe:
    """A recipe: YAML exactly as its author wrote it, comments included."""

    name: str
    text: str

    @property
    def options(self) -> dict:
        return yaml.safe_load(self.text)


def default(*, demo: bool) -> str:
    """Return the name of the recipe that a training has unless another one is asked for."""
    return "demo" if demo else "full"


def label(name: str | None, *, demo: bool) -> str:
    """Return how a run's name tells its recipe from others: by the file's name, or not at all if it is the default."""
    stem = Path(name or "").name.removesuffix(".yaml")
    return "" if stem == default(demo=demo) else stem


def read_recipe(name: str) -> Recipe:
    """Return one of our recipes by name, or a recipe from the user's own YAML file.

    Raises:
        InputError: the name is neither, or the recipe sets an option that belongs to train.py.
    """
    path = RECIPES / f"{name}.yaml" if (RECIPES / f"{name}.yaml").is_file() else Path(name)
    known = ", ".join(sorted(one.stem for one in RECIPES.glob("*.yaml")))
    if not path.is_file():
        raise InputError(f"--recipe {name}: found {found_instead(path)}; expected one of {known}, or a YAML file")
    options = read_yaml(path, "expected options of LLaMA-Factory, NAME: VALUE")
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
    """Raise InputError if a recipe would mean something else below our own lines than it means alone."""
    try:
        together = yaml.safe_load(f"do_train: 1\n{text}")
    except NOT_YAML:
        together = None
    if together != {"do_train": 1} | {name: value for name, value in options.items() if name != "do_train"}:
        raise InputError(
            f"{path}: found a document that cannot go on below other lines; expected plain lines NAME: VALUE, "
            "without --- and without braces around them"
        )


def read_yaml(path: Path, expected: str = "expected options; --overwrite writes them anew") -> dict:
    """Read options of LLaMA-Factory, whose values a manifest can hold.

    Raises:
        InputError: the file holds no options, or aliases, with which a few lines can expand beyond the memory.
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
    """Say on which line an alias or too deep nesting stands, and which of the two; empty if there is none."""
    depth = 0
    for token in yaml.scan(text):
        kind = type(token).__name__
        depth += kind.endswith(("SequenceStartToken", "MappingStartToken")) - kind.endswith("EndToken")
        if isinstance(token, yaml.AliasToken) or depth > DEEPEST:
            found = f"the alias *{token.value}" if depth <= DEEPEST else f"more than {DEEPEST} values in one another"
            return f"{token.start_mark.line + 1}: found {found}"
    return ""
