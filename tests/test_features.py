"""The cache of computed numbers: what a key holds, what a broken shard does, what an interrupted run keeps."""

import json

import numpy as np
import pytest

from instruction_data.numbers import blocks, features
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
    block = sorted((tmp_path / "features").rglob("*.safetensors"))[0]
    block.write_bytes(damage(block.read_bytes()))
    again = Counter()
    result = features.compute(TEXTS, again.feature, tmp_path)
    assert 0 < len(again.asked) <= features.SHARD
    assert np.array_equal(result["vectors"], Counter().compute(TEXTS)["vectors"])


def test_every_part_of_the_identity_matters_and_the_order_of_its_names_does_not(tmp_path):
    base = {"model": "m", "prompt": ""}
    others = [{"model": "m", "prompt": "x"}, {"model": "n", "prompt": ""}, base | {"dtype": "float16"}]
    for identity in (base, *others):
        counter = Counter(identity)
        features.compute(TEXTS[:3], counter.feature, tmp_path)
        assert len(counter.asked) == 3
    counter = Counter({"prompt": "", "model": "m"})
    features.compute(TEXTS[:3], counter.feature, tmp_path)
    assert counter.asked == []


def test_no_temporary_file_is_left(tmp_path):
    features.compute(TEXTS, Counter().feature, tmp_path)
    (folder,) = (tmp_path / "features").iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}
    assert json.loads((folder / "identity.json").read_bytes()) == {"model": "letters"}


def asked(texts, cache) -> int:
    """How many texts a run computes; what it returns is right."""
    counter = Counter()
    result = features.compute(texts, counter.feature, cache)
    assert np.array_equal(result["vectors"], Counter().compute(texts)["vectors"])
    assert features.missing(texts, counter.feature, cache) == 0
    return len(counter.asked)


def test_a_pool_that_grows_shrinks_or_is_reordered_computes_what_is_new(tmp_path):
    pool = [f"{'a' * (i * 7 % 40)} {i}" for i in range(1000)]
    assert asked(pool[:100], tmp_path) == 100
    assert asked(pool[:300], tmp_path) == 200
    assert asked(pool, tmp_path) == 700
    assert asked(pool[::-1], tmp_path) == 0
    assert asked(pool[:500] + pool[501:], tmp_path) == 0
    assert asked([*pool, "a" * 100], tmp_path) == 1  # the longest of all
    assert asked([*pool[:500], "a new one", *pool[500:]], tmp_path) == 1
    assert asked(["of another pool", *pool[::3]], tmp_path) == 1


def test_texts_computed_twice_by_two_runs_are_read_once(tmp_path):
    """As two runs at once leave them: blocks that overlap."""
    feature = Counter().feature
    for some in (TEXTS[:40], TEXTS[20:60]):
        blocks.Blocks(tmp_path, feature.identity).write(some, feature.compute(some))
    assert asked(TEXTS[:60], tmp_path) == 0


def test_equal_halves_of_keys_are_no_equal_keys(tmp_path, monkeypatch):
    """The first 64 bits alone find a block's texts; the other 64 decide."""
    real = blocks.keys

    def alike(texts):
        found = real(texts).copy()
        found[:, 0] = 7
        return found

    for module in (blocks, features):
        monkeypatch.setattr(module, "keys", alike)
    counter = Counter()
    for _ in range(2):
        result = features.compute(TEXTS[:5], counter.feature, tmp_path)
        assert np.array_equal(result["vectors"], Counter().compute(TEXTS[:5])["vectors"])


def test_a_block_in_the_folder_of_another_feature_is_not_read(tmp_path):
    features.compute(TEXTS[:5], Counter().feature, tmp_path)
    (block,) = (tmp_path / "features").rglob("*.safetensors")
    other = blocks.Blocks(tmp_path, {"model": "other"})
    other.folder.mkdir()
    block.rename(other.folder / block.name)
    counter = Counter({"model": "other"})
    features.compute(TEXTS[:5], counter.feature, tmp_path)
    assert len(counter.asked) == 5


def test_caches_of_earlier_versions_are_ignored(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / f"{'0' * 64}.safetensors").write_bytes(b"old")
    assert asked(TEXTS[:5], tmp_path) == 5
