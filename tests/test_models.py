"""Finding models: what identifies one, and what is no model."""

import pytest

from instruction_data.errors import InputError
from instruction_data.numbers import models


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
