"""Vectors of samples of splits: the choice of encoder, the vectors (from the cache if there), and their diversity."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instruction_data.errors import InputError
from instruction_data.measures import profiles, samples
from instruction_data.numbers import models
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Feature
from instruction_data.publish.inventory import Inventory
from instruction_data.publish.record_tables import Column

Compute = Callable[[Sequence[str], Feature, bool], Arrays | None]
TEXT = "output"  # the text that a named encoder embeds if no manifest names one
DISTANCE = Column(
    "nearest_neighbour_distance", (), "distance to the nearest neighbour in the sample", "1 - cosine", trait="diversity"
)


@dataclass(frozen=True)
class Vectors:
    """The way from a code pool's records to vectors: the text and the encoder."""

    text: str
    feature: Feature


def vectors_of_pools(found: Inventory, model: str | None, device: str | None) -> dict[str, Vectors]:
    """Return code pool -> the encoder of that name, or else the encoder that made the pool's similarities."""
    chosen = {}
    for one in found.sets:
        identity = one.manifest["models"].get("encoder")
        text = one.manifest["settings"].get("text", TEXT)
        if model:
            chosen.setdefault(one.pool, Vectors(TEXT, Encoder(models.find(model), "", device).feature))
        elif identity:
            chosen.setdefault(one.pool, Vectors(text, recalled(identity, device)))
    return chosen


def recalled(identity: Mapping, device: str | None) -> Feature:
    """Return the encoder that a manifest describes; only vectors missing from the cache need the model itself."""

    def compute(texts: list[str]) -> Arrays:
        titles = {model.title: name for name, model in models.EMBEDDED.items()}
        source = models.find(titles.get(identity["model"], identity["model"]))
        encoder = Encoder(source, identity["prompt"], device, identity["dtype"])
        if encoder.feature.identity != identity:
            raise InputError(
                f"model {source.name}: found another than the manifest's; --model names one to use instead"
            )
        return encoder.compute(texts)

    return Feature(f"vectors ({identity['model']})", identity, compute)


def add_diversity(document: dict, found: Inventory, chosen: Mapping[str, Vectors], compute: Compute) -> None:
    """Fill in the figures that need vectors, on samples of equal size of all a question's splits and of code pools.

    Args:
        document: the profiles; holds the seed and the sizes of the samples.
        compute: texts, feature, whether to use the cache alone -> arrays; None if the cache lacks some.
    """
    sizes, seed = document["sample"]["questions"], document["seed"]
    drawn = {}
    for name, one, members in found.splits():
        if one.pool in chosen:
            size = sizes[one.question]
            drawn["splits", name] = one.pool, samples.draw_sample(found, members, size, seed, name)
    for pool in chosen:
        if pool in found.pools:
            asked = document["sample"]["asked"]
            drawn["pools", pool] = pool, samples.draw_sample(found, found.pools[pool], asked, seed, pool)
    distances = {}
    for pool, vectors in chosen.items():
        mine = {place: sample for place, (owner, sample) in drawn.items() if owner == pool and len(sample) > 1}
        for (part, name), rows in sample_vectors(found, pool, vectors, mine, compute):
            document[part][name]["diversity"], distances[part, name] = samples.diversity(rows)
    add_distances(document, distances)


def sample_vectors(
    found: Inventory, pool: str, vectors: Vectors, drawn: Mapping, compute: Compute
) -> Iterable[tuple[tuple[str, str], np.ndarray]]:
    """Yield a place in the document and its sample's vectors; use the whole pool's if the cache has them all."""
    wanted = np.unique(np.concatenate(list(drawn.values()))) if drawn else np.zeros(0, dtype=np.int64)
    of_pool = np.unique(found.pools.get(pool, wanted[:0]))
    of_pool = of_pool[found.known[of_pool]]
    where = {}

    def take(numbers: np.ndarray, *, cached: bool = False) -> bool:
        made = compute(texts_of(found, numbers, vectors.text), vectors.feature, cached) if len(numbers) else None
        if made is not None:
            where.update({int(number): (made["vectors"], row) for row, number in enumerate(numbers)})
        return made is not None

    mine = np.intersect1d(wanted, of_pool)
    if len(mine) and not take(of_pool, cached=True):
        take(mine)
    take(np.setdiff1d(wanted, of_pool))
    for place, sample in drawn.items():
        yield place, np.stack([where[int(number)][0][where[int(number)][1]] for number in sample])


def texts_of(found: Inventory, numbers: np.ndarray, text: str) -> list[str]:
    return [getattr(record, text) for record in found.records(numbers)]


def add_distances(document: dict, distances: Mapping[tuple[str, str], np.ndarray]) -> None:
    """Add the distances to the nearest neighbour, as distributions with common bins."""
    if distances:
        edges = profiles.bin_edges(np.concatenate(list(distances.values())), DISTANCE.scale)
        document["measures"][DISTANCE.name] = {**DISTANCE.declaration, "edges": edges.tolist()}
        for (part, split), values in distances.items():
            document[part][split]["distributions"][DISTANCE.name] = profiles.distribution(values, edges)
