"""An embedded language model as a plain folder, which loads in a second where GGUF takes half a minute."""

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import filelock

from instruction_data.errors import InputError
from instruction_data.files.places import REPOSITORY
from instruction_data.numbers.models import Source, load, quiet

EMBEDDED_END = "<|im_end|>"  # SmolLM2's token for both end of sequence and padding
KEPT = REPOSITORY / ".cache" / "models"


def plain(source: Source) -> Source:
    """Return the plain copy of an embedded GGUF model, which is written once; any other model as it is."""
    if not (source.embedded and source.gguf):
        return source
    folder = KEPT / source.sha256[:16]
    try:
        _written(source, folder, lambda unfinished: _convert(source, unfinished))
    except OSError:  # a checkout that is only read: the same numbers, later
        return source
    return replace(source, location=str(folder), gguf=None)


def write_folder(source: Source, folder: Path) -> None:
    """Write an embedded language model as a folder that any tool of the transformers family loads and trains.

    Write it whole or not at all; leave a folder alone that was made from the same weights.

    Raises:
        InputError: the model is not a language model.
    """
    if source.gguf is None:
        raise InputError(f"{source.name} is an encoder; expected a causal language model to train")
    _written(source, folder, lambda unfinished: _copy(source, unfinished))


def _written(source: Source, folder: Path, write: Callable[[Path], None]) -> None:
    mark = folder / "embedded.json"
    if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
            return
        unfinished = folder.with_name(f".{folder.name}.tmp")
        for left in (unfinished, folder):
            shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir()
        write(unfinished)
        (unfinished / mark.name).write_text(json.dumps(source.identity))
        unfinished.rename(folder)


def _copy(source: Source, folder: Path) -> None:
    kept = plain(source)
    if kept is source:
        _convert(source, folder)
    else:
        shutil.copytree(kept.location, folder, dirs_exist_ok=True)


def _convert(source: Source, folder: Path) -> None:
    """Save a plain copy: a model loaded from GGUF cannot be saved, since its configuration still says quantised."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet()
    options = source.arguments | {"dtype": torch.float32}
    loaded = load(source, lambda: AutoModelForCausalLM.from_pretrained(source.location, **options))
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    kept = AutoModelForCausalLM.from_config(config)
    kept.load_state_dict(loaded.state_dict())
    kept.save_pretrained(folder)
    tokenizer = load(source, lambda: AutoTokenizer.from_pretrained(source.location, **source.arguments))
    tokenizer.eos_token = tokenizer.pad_token = EMBEDDED_END  # some versions take the beginning for the end
    tokenizer.model_max_length = kept.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
