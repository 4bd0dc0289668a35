"""Writing an embedded language model as a folder that other tools load and train."""

import copy
import json
import shutil
from pathlib import Path

import filelock

from instruction_data.errors import InputError
from instruction_data.numbers.models import Source
from instruction_data.numbers.network import loaded_network, loaded_tokenizer

EMBEDDED_END = "<|im_end|>"  # SmolLM2's token for both end of sequence and padding


def write_folder(source: Source, folder: Path) -> None:
    """Write an embedded language model as a folder that any tool of the transformers family loads and trains.

    Write it whole or not at all; leave a folder alone that was made from the same weights.

    Raises:
        InputError: the model is not a language model.
    """
    mark = folder / "embedded.json"
    if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
        return
    if source.gguf is None:
        raise InputError(f"{source.name} is an encoder; expected a causal language model to train")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
            return
        unfinished = folder.with_name(f".{folder.name}.tmp")
        for left in (unfinished, folder):
            shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir()
        _save_plain(source, unfinished)
        (unfinished / mark.name).write_text(json.dumps(source.identity))
        unfinished.rename(folder)


def _save_plain(source: Source, folder: Path) -> None:
    """Save a plain copy: a model loaded from GGUF cannot be saved, since its configuration still says quantised."""
    from transformers import AutoModelForCausalLM

    loaded = loaded_network(source, "cpu", "float32").model
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(folder)
    tokenizer = copy.deepcopy(loaded_tokenizer(source))
    tokenizer.eos_token = tokenizer.pad_token = EMBEDDED_END  # some versions take the beginning for the end
    tokenizer.model_max_length = plain.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
