"""The encoder: texts to vectors."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.numbers.batches import in_batches
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature
from instruction_data.numbers.models import Source, chosen_device, load, noted, quiet
from instruction_data.numbers.plain import plain

if TYPE_CHECKING:
    import torch

ENCODER_TOKENS = 512  # the study's truncation of texts to embed


@dataclass(frozen=True)
class Encoder:
    """A model from texts to vectors: a sentence-transformers one, or the token mean of a model's last hidden states.

    The model's folder or repository tells which of the two it is, as for sentence-transformers.

    Attributes:
        prompt: put in front of every text; INSTRUCTOR models leave it out of the mean.
    """

    source: Source
    prompt: str = ""
    device: str | None = None
    dtype: str = "float32"

    @property
    def feature(self) -> Feature:
        """``vectors``: float32 ``[k, d]``, of whatever length the model gives; ``cut``: bool ``[k]``, whether the text
        was longer than the model reads."""
        identity = self.source.identity | {
            "kind": "sentence vector",
            "prompt": self.prompt,
            "prompt_in_mean": not self.source.is_instructor,
            "at_most_tokens": ENCODER_TOKENS,  # or the model's own limit, if lower
            "dtype": self.dtype,
        }
        return Feature(f"vectors ({self.source.name})", identity, self.compute)

    def compute(self, texts: list[str]) -> Arrays:
        import torch

        model = _loaded_encoder(self.source, chosen_device(self.device), self.dtype)
        tokens = model.tokenizer([self.prompt + text for text in texts], truncation=False, verbose=False)["input_ids"]
        lengths = [len(ids) for ids in tokens]
        vectors: list[np.ndarray | None] = [None] * len(texts)

        def encode(batch: list[int]) -> None:
            features = model.preprocess([texts[index] for index in batch], prompt=self.prompt)
            features = {name: _moved(value, model.device) for name, value in features.items()}
            with torch.inference_mode():
                found = model(features)["sentence_embedding"].float().cpu().numpy()
            for index, vector in zip(batch, found, strict=True):
                vectors[index] = vector

        in_batches([min(length, model.max_seq_length) for length in lengths], model.device.type, encode)
        return {"vectors": np.stack(vectors), "cut": np.array([length > model.max_seq_length for length in lengths])}


def _moved(value: object, device: "torch.device") -> object:
    return value.to(device) if hasattr(value, "to") else value


@functools.cache
def _loaded_encoder(source: Source, device: str, dtype: str):
    import torch

    quiet()
    source = plain(source)
    model = load(source, lambda: _sentence_transformer(source, device, {"dtype": getattr(torch, dtype)}))
    if source.is_instructor:
        model.set_pooling_include_prompt(False)
    model.max_seq_length = min(model.max_seq_length or ENCODER_TOKENS, ENCODER_TOKENS)
    if model.tokenizer.pad_token is None:
        model.tokenizer.pad_token = model.tokenizer.eos_token
    return noted(model, source, device, dtype)


def _sentence_transformer(source: Source, device: str, options: dict):
    """Load the model: with its own modules if it is a sentence-transformers one, else with the mean of its tokens."""
    import sentence_transformers
    from sentence_transformers.sentence_transformer import modules

    if _has_modules(source):
        return sentence_transformers.SentenceTransformer(
            source.location,
            revision=source.revision,
            device=device,
            model_kwargs=options | ({} if source.revision else source.weights_arguments),
        )
    transformer = modules.Transformer(
        source.location,
        model_kwargs=options | source.weights_arguments,
        processor_kwargs=source.arguments,
        config_kwargs=source.arguments,
        # By default sentence-transformers fills a model's chat template, if it has one; here text stays as it is.
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",
    )
    pooling = modules.Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return sentence_transformers.SentenceTransformer(modules=[transformer, pooling], device=device)


def _has_modules(source: Source) -> bool:
    if not source.revision:
        return (Path(source.location) / "modules.json").is_file()
    import huggingface_hub

    try:
        huggingface_hub.hf_hub_download(source.location, "modules.json", revision=source.revision)
    except huggingface_hub.errors.EntryNotFoundError:
        return False
    return True
