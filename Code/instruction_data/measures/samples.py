"""Seeded samples of splits, and the diversity of their records by their vectors."""

import numpy as np

from instruction_data.numbers import similarity
from instruction_data.publish.inventory import Inventory
from instruction_data.select import draws

DECIMALS = 9  # of figures from matrix products, whose last bits depend on the machine's load: same run, same bytes
BLOCK = 1024  # rows of a block of similarities


def sample_sizes(inventory: Inventory, asked: int) -> dict[str, int]:
    """Return question -> size of its diversity samples: one size for all its splits, at most the smallest split's."""
    known, sizes = inventory.known, {}
    for _, one, members in inventory.splits():
        sizes[one.question] = min(sizes.get(one.question, asked), int(known[members].sum()))
    return sizes


def draw_sample(inventory: Inventory, members: np.ndarray, size: int, seed: int, name: str) -> np.ndarray:
    """Draw the numbers of ``size`` of the records whose text is at hand (all of them, if there are fewer)."""
    there = members[inventory.known[members]]
    return there[np.sort(draws.draw(len(there), min(size, len(there)), seed, f"{name} profile"))]


def diversity(vectors: np.ndarray) -> tuple[dict, np.ndarray]:
    """Measure how unlike each other the vectors of a sample are.

    Args:
        vectors: float ``[k, d]``, k ≥ 2; vectors without direction are left out.

    Returns:
        Sample size, mean cosine similarity of two different records, Vendi score and mean distance to the nearest
        neighbour; and those distances (1 - cosine), float64 ``[k]``.
    """
    vectors = vectors[similarity.has_direction(vectors)].astype(np.float64)
    distances = nearest_distances(vectors).round(DECIMALS)
    figures = {
        "sample": len(vectors),
        "mean_pairwise_similarity": round(float(similarity.mean_similarities(vectors).excluding.mean()), DECIMALS),
        "vendi_score": round(similarity.vendi_score(vectors), DECIMALS),
        "mean_nearest_neighbour_distance": round(float(distances.mean()), DECIMALS),
    }
    return figures, distances


def nearest_distances(vectors: np.ndarray) -> np.ndarray:
    """Return 1 - cosine to the most similar other vector, in blocks; float64 ``[k]``, at least 0."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    result = np.empty(len(unit))
    for start in range(0, len(unit), BLOCK):
        block = unit[start : start + BLOCK] @ unit.T
        block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
        result[start : start + BLOCK] = np.maximum(1 - block.max(axis=1), 0)
    return result
