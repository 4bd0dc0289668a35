"""Profiles and confounds: what is each split like, and where do a question's splits differ that should not?

Reads the manifests of a study root and measures every distinct record once: lengths, language of the code, whether
Python compiles, near duplicates, contamination. Vectors of equal, seeded samples tell how unlike the records of each
split are. Then compares the splits of each set in every other measure. Writes, in Profiles/ of the root:

    profiles.json, profiles.csv      every pool and split; one row a split
    confounds.json, confounds.csv    standardised differences and rank correlations; one row each

Prints the table, and a sentence for every large difference that is not by design.

    python Code/report/profile_splits.py --demo
    python Code/report/profile_splits.py --root STUDY --benchmark mine=problems.jsonl
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import printable
from instruction_data.files import csv_cells, documents
from instruction_data.measures import benchmarks as benchmark_files
from instruction_data.measures import (
    confounds,
    duplicates,
    languages,
    profiles,
    sample_vectors,
    samples,
    set_differences,
)
from instruction_data.measures.profiles import Measured
from instruction_data.measures.texts import Tools, load_tokenizer
from instruction_data.numbers import features
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature
from instruction_data.publish import inventory
from instruction_data.publish.inventory import Inventory
from instruction_data.workspace import Workspace

FOLDER = "Profiles"
TOKEN_LENGTHS = ("instruction_tokens", "output_tokens")
THRESHOLDS = {
    "standardised_difference": confounds.LARGE_DIFFERENCE,
    "correlation": confounds.LARGE_CORRELATION,
    "sources": confounds.SOURCES,
}
SAMPLE = 500  # records of a split whose vectors are compared
TOKENIZER = "smollm2"
DEMO_MODEL = "minilm"


def profile_all(found: Inventory, measured: Measured, options: argparse.Namespace) -> dict:
    """Make profiles.json without the parts that need vectors."""
    edges = {name: profiles.bin_edges(column.values, column.scale) for name, column in measured.numbers.items()}
    made = {}
    for name, one, members in found.splits():
        split = one.manifest["splits"][name]
        head = {"question": one.question, "pool": one.pool, "set": one.name}
        made[name] = (
            head | {key: split[key] for key in ("file", "sources")} | profiles.profile(members, measured, edges)
        )
    sizes = samples.sample_sizes(found, options.sample)
    overlap = profiles.jaccard_matrix([members for *_, members in found.splits()])
    return {
        "manifests": found.sources,
        "seed": options.seed,
        "sample": {"asked": options.sample, "questions": sizes},
        "detector": languages.detector(),
        "near_duplicates": duplicates.settings(),
        "benchmarks": {one.benchmark.name: one.benchmark.describe() for one in measured.findings},
        "measures": {
            name: {**column.declaration, "edges": edges[name].tolist()} for name, column in measured.numbers.items()
        },
        "pools": {name: profiles.profile(numbers, measured, edges) for name, numbers in found.pools.items()},
        "splits": made,
        "overlap": {"splits": list(made), "jaccard": overlap.tolist()},
        "notes": list(found.notes),
    }


def row_of(name: str, split: Mapping) -> dict:
    """Return one split as a row of profiles.csv."""
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
    """Return every difference and correlation as a row of confounds.csv."""
    rows = []
    for name, found in sets.items():
        for kind in ("differences", "correlations"):
            rows += [{"set": name, "kind": kind.removesuffix("s"), **one} for one in found[kind]]
    return rows


def write(folder: Path, name: str, document: Mapping, rows: list[dict]) -> None:
    documents.write_derived(folder / f"{name}.json", document, {f"{name}.csv": csv_cells.csv_bytes(rows)})


def print_profiles(made: Mapping[str, Mapping]) -> None:
    heads = ("records", "instr.", "output", "Python", "compiles", "dupl.", "near", "hits", "TLI", "pairwise", "Vendi")
    print("Median tokens of instruction and output; shares; benchmark hits (substring rule) and TLI, all benchmarks:")
    print(f"{'':<32} " + " ".join(f"{head:>8}" for head in heads))
    for name, one in made.items():
        print(f"{printable(name):<32} " + " ".join(f"{cell:>8}" for cell in cells(one)))


def cells(one: Mapping) -> list[str]:
    """Return the cells of a profile in the printed table."""

    def shown(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    spread, there = one["distributions"], one["records"] - one["unread"]
    medians = [spread[name]["quantiles"]["50"] if name in spread else None for name in TOKEN_LENGTHS]
    python = one["languages"].get(languages.PYTHON, 0) / there if there else None
    hits = [found["records"] for found in one["contamination"].values()]
    tli = [found["tli"] for found in one["contamination"].values()]
    diversity = one["diversity"] or {}
    return [
        f"{one['records']:,}",
        *(shown(length, ",.0f") for length in medians),
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
    benchmark_files.add_flags(result)
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    benchmarks = benchmark_files.chosen(options.benchmark, options.benchmark_fields)
    found = inventory.read(workspace.root, workspace.scratch)
    tools = Tools(*load_tokenizer(options.tokenizer), workspace.compute)
    measured = profiles.measure(found, tools, benchmarks)
    document = profile_all(found, measured, options)
    encoded = any("encoder" in one.manifest["models"] for one in found.sets)
    model = options.model or (DEMO_MODEL if workspace.demo and not encoded else None)
    chosen = sample_vectors.vectors_of_pools(found, model, workspace.device)
    sample_vectors.add_diversity(document, found, chosen, partial(vectors, workspace))
    document["tokenizer"] = tools.tokenizer_identity
    document["encoders"] = {pool: {**one.feature.identity, "text": one.text} for pool, one in chosen.items()}
    document["notes"] += notes(found, measured, chosen, benchmarks)
    measures = set_differences.measures_of(measured)
    sets = {one.name: set_differences.compare(found, one, measures) for one in found.sets if len(one.members) > 1}
    folder = workspace.root / FOLDER
    write(folder, "profiles", document, [row_of(name, split) for name, split in document["splits"].items()])
    head = {"manifests": found.sources, "thresholds": THRESHOLDS}
    write(folder, "confounds", head | {"sets": sets}, confound_rows(sets))
    print_profiles(document["pools"] | document["splits"])
    print_warnings(sets)
    for note in document["notes"]:
        print(f"\nNote: {printable(note)}")
    print(f"\nin {folder}")
    return 0


def vectors(workspace: Workspace, texts: Sequence[str], feature: Feature, cached: bool) -> Arrays | None:
    """Compute vectors; with ``cached``, return None unless the cache has them all."""
    if cached and features.missing(texts, feature, workspace.cache):
        return None
    return workspace.compute(texts, feature)


def notes(
    found: Inventory, measured: Measured, chosen: Mapping[str, sample_vectors.Vectors], benchmarks: list
) -> list[str]:
    """Say what was not measured, and why."""
    made = []
    without = sorted({one.pool for one in found.sets} - set(chosen))
    if without:
        made.append(
            f"No manifest names an encoder for {', '.join(without)}, so similarity, Vendi score and distances are "
            "missing there: run Code/RQ2/semantic_diversity.py, or give --model."
        )
    if not benchmarks:
        made.append("No benchmark was at hand: expected the package of one, or --benchmark NAME=FILE.")
    if "category" not in measured.columns:
        made.append("The records have no categories: run Code/RQ4/task_category.py.")
    return made


if __name__ == "__main__":
    sys.exit(cli.run(main))
