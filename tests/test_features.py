"""The cache of computed numbers: what a key holds, what a broken shard does, what an interrupted run keeps."""

import numpy as np
import pytest

from instruction_data.numbers import features
from instruction_data.numbers.features import Feature


class Counter:
    """A deterministic feature that counts the texts it was asked for and can be made to stop."""

    def __init__(self, identity=None, fail_at=None):
        self.asked: list[str] = []
        self.fail_at = fail_at
        self.feature = Feature("letters", identity or {"model": "letters"}, self.compute)

    def compute(self, texts):
        if self.fail_at is not None and len(self.asked) >= self.fail_at:
            raise KeyboardInterrupt
        self.asked += texts
        vectors = np.array([[len(text), text.count("a")] for text in texts], dtype=np.float32)
        return {"vectors": vectors, "cut": np.array([len(text) > 20 for text in texts])}


TEXTS = [f"{'a' * (i % 7)} {'b' * (i % 31)} {i % 150}" for i in [*range(200), *range(70)]]  # with repetitions


def test_order_is_kept_and_equal_texts_are_computed_once(tmp_path):
    counter = Counter()
    result = features.compute(TEXTS, counter.feature, tmp_path)
    expected = Counter().compute(TEXTS)
    assert np.array_equal(result["vectors"], expected["vectors"])
    assert np.array_equal(result["cut"], expected["cut"])
    assert result["vectors"].dtype == np.float32
    assert sorted(counter.asked) == sorted(set(TEXTS))
    assert len(set(TEXTS)) < len(TEXTS)


def test_a_second_run_computes_nothing(tmp_path):
    first = features.compute(TEXTS, Counter().feature, tmp_path)
    counter = Counter()
    second = features.compute(TEXTS, counter.feature, tmp_path)
    assert counter.asked == []
    assert np.array_equal(first["vectors"], second["vectors"])


def test_an_interrupted_run_goes_on_behind_its_last_shard(tmp_path):
    stopped = Counter(fail_at=128)
    with pytest.raises(KeyboardInterrupt):
        features.compute(TEXTS, stopped.feature, tmp_path)
    assert len(stopped.asked) == 128
    resumed = Counter()
    result = features.compute(TEXTS, resumed.feature, tmp_path)
    assert len(resumed.asked) == len(set(TEXTS)) - 128
    assert not set(resumed.asked) & set(stopped.asked)
    assert np.array_equal(result["vectors"], Counter().compute(TEXTS)["vectors"])


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:]])
def test_a_torn_shard_is_computed_again(damage, tmp_path):
    features.compute(TEXTS, Counter().feature, tmp_path)
    shard = sorted((tmp_path / "features").iterdir())[0]
    shard.write_bytes(damage(shard.read_bytes()))
    again = Counter()
    result = features.compute(TEXTS, again.feature, tmp_path)
    assert 0 < len(again.asked) <= features.SHARD
    assert np.array_equal(result["vectors"], Counter().compute(TEXTS)["vectors"])


def test_the_key_holds_the_identity_and_every_text_unambiguously():
    base = {"model": "m", "prompt": ""}
    keys = [
        features.shard_key(base, ["ab", "c"]),
        features.shard_key(base, ["a", "bc"]),
        features.shard_key(base, ["c", "ab"]),
        features.shard_key(base, ["ab", "c", ""]),
        features.shard_key({"model": "m", "prompt": "x"}, ["ab", "c"]),
        features.shard_key({"model": "n", "prompt": ""}, ["ab", "c"]),
        features.shard_key({"model": "m", "prompt": "", "dtype": "float16"}, ["ab", "c"]),
    ]
    assert len(set(keys)) == len(keys)
    assert features.shard_key({"prompt": "", "model": "m"}, ["ab", "c"]) == keys[0]


def test_no_temporary_file_is_left(tmp_path):
    features.compute(TEXTS, Counter().feature, tmp_path)
    assert {path.suffix for path in (tmp_path / "features").iterdir()} == {".safetensors"}
