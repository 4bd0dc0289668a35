"""Samples: distances to the nearest neighbour and diversity by hand."""

import numpy as np
import pytest

from instruction_data.measures import samples


def test_nearest_distances_and_diversity_by_hand(monkeypatch):
    monkeypatch.setattr(samples, "BLOCK", 2)
    vectors = np.array([[1, 0], [2, 0], [0, 3], [1, 1], [0, 0]], dtype=np.float32)
    half = 1 - np.sqrt(0.5)
    figures, distances = samples.diversity(vectors)
    assert distances == pytest.approx([0, 0, half, half], abs=1e-6)
    assert figures["sample"] == 4  # that without direction is left out
    cosines = [1, 0, np.sqrt(0.5), 0, np.sqrt(0.5), np.sqrt(0.5)]
    assert figures["mean_pairwise_similarity"] == pytest.approx(np.mean(cosines), abs=1e-6)
