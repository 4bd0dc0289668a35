"""Maps: the records of a pool in two dimensions, from sentence vectors in the cache.

Nothing here loads a model: if the cache lacks a needed vector, there is no map.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from instruction_data.numbers import features

COMPONENTS = 50  # kept for t-SNE, as its authors do: less noise, more speed
PERPLEXITY = 30
FEWEST = 12  # records; for fewer, two principal components serve better
METHOD = "t-SNE (perplexity 30) of the first 50 principal components of the unit vectors, by scikit-learn"


def cached_vectors(texts: Sequence[str], identity: Mapping, cache: Path) -> np.ndarray | None:
    """Return vectors of texts from the cache.

    Args:
        identity: of the feature.
        cache: folder of the computed numbers.

    Returns:
        float32 ``[len(texts), d]``; None if one is not in the cache.
    """
    unique = features.in_order(texts)
    found = {
        unique[place]: row
        for places, arrays in features.stored(unique, identity, cache)
        for place, row in zip(places, arrays["vectors"], strict=True)
    }
    return np.stack([found[text] for text in texts]) if len(found) == len(unique) else None


def project(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Return two coordinates for every vector, each from 0 to 1, so that near vectors lie near each other.

    It runs on one processor: with more, the order of sums changes, and with it the map.

    Args:
        vectors: float ``[n, d]``, finite and not zero, n ≥ 1.

    Returns:
        float64 ``[n, 2]``.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    n = len(unit)
    with threadpool_limits(1):
        if n < 3:
            return np.linspace(0.25, 0.75, n)[:, None] * np.ones(2)
        size = 2 if n < FEWEST else min(COMPONENTS, n, unit.shape[1])
        reduced = PCA(min(size, *unit.shape), svd_solver="full").fit_transform(unit.astype(np.float64))
        if n >= FEWEST:
            perplexity = min(PERPLEXITY, (n - 1) / 3)
            reduced = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    return _to_unit_square(reduced.astype(np.float64))


def _to_unit_square(places: np.ndarray) -> np.ndarray:
    """Move and scale places to 0 … 1; the scale is the same in both directions."""
    size = np.ptp(places, axis=0).max() or 1.0
    return 0.5 + (places - (places.min(axis=0) + places.max(axis=0)) / 2) / size
