"""Records in two dimensions, from vectors in the cache."""

import numpy as np
import pytest

from instruction_data.numbers import features
from instruction_data.numbers.features import Feature
from instruction_data.page import maps


def test_vectors_come_from_the_cache_or_not_at_all(tmp_path):
    texts = [f"{'x' * (i % 7)} {i}" for i in range(3 * features.SHARD)]
    feature = Feature("", {"a": 1}, lambda some: {"vectors": np.array([[len(t), t.count("x")] for t in some])})
    whole = features.compute(texts, feature, tmp_path)["vectors"]
    found = maps.cached_vectors([texts[150], texts[3], texts[150]], {"a": 1}, tmp_path)
    assert found.tolist() == whole[[150, 3, 150]].tolist()
    assert maps.cached_vectors([texts[0], "another"], {"a": 1}, tmp_path) is None
    assert maps.cached_vectors(texts[:1], {"a": 2}, tmp_path) is None


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_a_map_of_any_size_fits_and_is_the_same_again(n):
    vectors = np.random.default_rng(0).normal(size=(n, 6)) + 0.1
    places = maps.project(vectors, 42)
    assert places.shape == (n, 2)
    assert 0 <= places.min() <= places.max() <= 1
    assert np.array_equal(places, maps.project(vectors, 42))


def test_groups_stay_together():
    draw = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3), 30, axis=0) + 0.05 * draw.normal(size=(90, 3))
    places = maps.project(vectors, 42).reshape(3, 30, 2)
    centres = places.mean(axis=1)
    apart = np.linalg.norm(places - centres[:, None], axis=2).max(axis=1)
    assert all(np.linalg.norm(centres[i] - centres[i - 1]) > apart[i] for i in range(3))
