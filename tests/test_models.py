"""Finding models: what identifies one, and what is no model."""

import pytest
from tests.support import tiny_model

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.language_model import LanguageModel


def test_a_folder_is_known_by_its_content(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    first = models.find(str(tmp_path)).identity
    (tmp_path / "weights.safetensors").write_bytes(b"1")
    assert models.find(str(tmp_path)).identity != first


def test_a_damaged_embedded_model_is_refused(monkeypatch):
    monkeypatch.setattr(models, "file_sha256", lambda path: "0" * 64)
    with pytest.raises(InputError, match="found SHA-256 0000"):
        models.find("minilm")


@pytest.mark.parametrize(
    ("name", "found"), [("./nowhere", "found no such folder"), ("{empty}", "found no config.json")]
)
def test_what_is_no_model(name, found, tmp_path):
    with pytest.raises(InputError, match=found):
        models.find(name.format(empty=tmp_path))


def test_without_the_hub_the_error_names_the_ways_on(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError) as caught:
        models.find("hkunlp/instructor-base")
    for way in ("cannot be reached", "--model FOLDER", "minilm", "--demo"):
        assert way in str(caught.value)


@pytest.mark.parametrize("kind", ["language model", "encoder"])
def test_weights_of_a_folder_are_no_pickle(tmp_path, kind):
    torch = pytest.importorskip("torch")
    folder = tiny_model.write(tmp_path / "model")
    weights = folder / "model.safetensors"
    import safetensors.torch

    torch.save(safetensors.torch.load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    source = models.find(str(folder))
    model = LanguageModel(source).perplexity(8) if kind == "language model" else Encoder(source).feature
    with pytest.raises(InputError, match=r"model: cannot be loaded .*safetensors"):
        model.compute(["def add"])


def test_an_adapter_is_no_pickle(tmp_path):
    base = models.Source("base", str(tmp_path))
    (tmp_path / "adapter_model.bin").write_bytes(b"x")
    with pytest.raises(InputError, match=r"found no adapter_model\.safetensors"):
        models.adapted(base, tmp_path)


@pytest.mark.parametrize(("slower", "noted"), [(90.0, True), (1.4, False)])
def test_a_processor_without_instructions_for_the_numbers_is_named(tmp_path, monkeypatch, capsys, slower, noted):
    monkeypatch.setattr(models, "slowness", lambda dtype: slower if dtype == "bfloat16" else pytest.fail(dtype))
    source = models.find(str(tiny_model.write(tmp_path)))
    for dtype in ("float32", "bfloat16"):
        LanguageModel(source, "cpu", dtype).perplexity(16).compute(["0123"])
    assert ("bfloat16: this processor takes 90.0 times as long" in capsys.readouterr().err) is noted
