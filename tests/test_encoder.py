"""Encoders: the embedded one and a language model as one, against other ways to the same vectors."""

import pytest
import torch

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.encoder import Encoder, _loaded_encoder

TEXTS = [
    "Write a Python function that returns the n-th Fibonacci number.",
    "x",
    "Implement a lock-free hash map in C++ and prove that it is linearizable. " * 3,
    "Größe 🐍 of a set",
    "Sort a list.",
]


def test_the_embedded_encoder_gives_what_sentence_transformers_gives():
    from sentence_transformers import SentenceTransformer

    source = models.find("minilm")
    found = Encoder(source, "Represent the programming task:", device="cpu").feature.compute(TEXTS)
    own = SentenceTransformer(source.location, device="cpu").encode(
        [f"Represent the programming task:{t}" for t in TEXTS]
    )
    assert found["vectors"] == pytest.approx(own, abs=1e-6)
    long = Encoder(source, device="cpu").feature.compute(["word " * 400, "word"])
    assert long["cut"].tolist() == [True, False]


def test_a_language_model_as_encoder_loads_silently_and_is_the_mean_of_its_last_hidden_states(smollm2, capfd):
    _loaded_encoder.cache_clear()
    found = Encoder(models.find("smollm2"), device="cpu").feature.compute(TEXTS)["vectors"]
    assert "".join(capfd.readouterr()) == ""
    for row, text in enumerate(TEXTS):
        ids = smollm2._tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            hidden = smollm2._network.model.base_model(input_ids=ids).last_hidden_state[0]
        assert found[row] == pytest.approx(hidden.mean(0).numpy(), abs=1e-3)


def test_an_instructor_model_leaves_its_prompt_out_of_the_mean(tmp_path):
    import shutil

    folder = shutil.copytree(models.find("minilm").location, tmp_path / "models--hkunlp--instructor-base" / "1a2b3c")
    encoder = Encoder(models.find(str(folder)), "Represent the programming task:", device="cpu")
    encoder.feature.compute(["sort a list"])
    loaded = _loaded_encoder(encoder.source, "cpu", "float32")
    assert loaded[1].include_prompt is False
    assert _loaded_encoder(models.find("minilm"), "cpu", "float32")[1].include_prompt is True


def test_a_device_that_is_not_there_is_named():
    for device in ("cuda", "nonsense", "meta"):
        if device == "cuda" and torch.cuda.is_available():
            continue
        with pytest.raises(InputError, match=f"--device {device}: found none that works here"):
            Encoder(models.find("minilm"), device=device).feature.compute(["a"])
