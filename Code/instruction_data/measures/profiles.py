"""Profiles: what the records of a pool or a split are like, as distributions and shares that can be laid side by side.

Everything is measured once per distinct record of a study root (``measure``) and looked up for every split
(``profile``). Histograms of one measure share their bins over the whole root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruction_data.measures import confounds, duplicates, languages, leakage
from instruction_data.measures.confounds import Measure
from instruction_data.measures.leakage import Benchmark, Findings, Hits, Overlaps
from instruction_data.numbers import similarity
from instruction_data.publish.inventory import Inventory, Set
from instruction_data.select import draws

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # per cent, linear interpolation
BINS = 40
BATCH = 1000  # texts tokenised at a time
DECIMALS = 9  # of what comes from matrix products, whose last bits depend on the machine's load: same run, same bytes
BLOCK = 1024  # rows of a block of similarities
SHOWN_LANGUAGES = 8  # as measures of their own among confounds
LENGTHS = ("instruction_characters", "output_characters", "instruction_tokens", "output_tokens")
LABELS = {  # measure -> what it is, its unit, the scale of its bins
    "instruction_characters": ("instruction length", "characters", "log"),
    "output_characters": ("output length", "characters", "log"),
    "instruction_tokens": ("instruction length", "tokens", "log"),
    "output_tokens": ("output length", "tokens", "log"),
    "similarity": ("mean similarity to the pool", "cosine", "linear"),
    "complexity": ("complexity", "", "linear"),
    "score": ("complexity score", "1 to 6", "linear"),
    "perplexity": ("perplexity of the instruction", "", "log"),
    "category_similarity": ("similarity to the category", "cosine", "linear"),
    "category_margin": ("margin over the next category", "cosine", "linear"),
    "nearest_neighbour_distance": ("distance to the nearest neighbour in the sample", "1 - cosine", "linear"),
    "tli": ("greatest overlap with a benchmark's problem (TLI)", "share of n-grams", "linear"),
}
SCORED = ("similarity", "complexity", "score", "perplexity")  # columns of scores tables that are profiled


@dataclass(frozen=True)
class Measured:
    """Numbers of every distinct record of an inventory, by record number.

    Attributes:
        columns: measure -> float64 ``[n]``, NaN where there is none.
        languages, language_from: of each record's code; "" where its text is not at hand.
        compiles: float64 ``[n]``, 1 or 0 for Python code, NaN for all else.
        category: of each record, "" where it has none.
        group: int64 ``[n]``, near-duplicate group; -1 where the text is not at hand.
        alike: float64 ``[n]``, whether the record's pool has another that is (nearly) the same.
        has_input: float64 ``[n]``.
        findings: one per benchmark, over all records.
    """

    columns: Mapping[str, np.ndarray]
    languages: np.ndarray
    language_from: np.ndarray
    compiles: np.ndarray
    category: np.ndarray
    group: np.ndarray
    alike: np.ndarray
    has_input: np.ndarray
    findings: Sequence[Findings]


class _Known(Sequence):
    """The records of an inventory whose texts are at hand."""

    def __init__(self, inventory: Inventory, numbers: np.ndarray):
        self._inventory, self._numbers = inventory, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: int):
        return self._inventory.record(self._numbers[place])


def measure(inventory: Inventory, tokenizer, benchmarks: Sequence[Benchmark], cache_folder: Path) -> Measured:
    """Measure every record whose text is at hand.

    Args:
        tokenizer: a tokenizer of transformers.
        cache_folder: of the detector's answers.
    """
    n, known = len(inventory), np.flatnonzero(inventory.known)
    at_hand = _Known(inventory, known)
    columns = {name: _spread(values, known, n) for name, values in _lengths(at_hand, tokenizer).items()}
    columns |= _scored(inventory)
    category, columns["category_similarity"], columns["category_margin"] = _categories(inventory)
    found, source = languages.languages((record.output for record in at_hand), cache_folder)
    compiles = _compilable(at_hand, found)
    findings = [_over_all(leakage.look_for(benchmark, at_hand), known, n) for benchmark in benchmarks]
    if findings:
        worst = np.max([one.leakage[0] for one in findings], axis=0)
        columns["tli"] = np.where(inventory.known, worst, np.nan)
    group = _groups(inventory, known)
    return Measured(
        columns={name: values for name, values in columns.items() if np.isfinite(values).any()},
        languages=_words(found, known, n),
        language_from=_words(source, known, n),
        compiles=_spread(compiles, known, n),
        category=category,
        group=group,
        alike=_alike(inventory, group),
        has_input=_spread([float(bool(record.input)) for record in at_hand], known, n),
        findings=findings,
    )


def _spread(values: Sequence[float], known: np.ndarray, n: int) -> np.ndarray:
    result = np.full(n, np.nan)
    result[known] = values
    return result


def _words(values: list[str], known: np.ndarray, n: int) -> np.ndarray:
    result = np.full(n, "", dtype=object)
    result[known] = values
    return result


def _lengths(records: Sequence, tokenizer) -> dict[str, np.ndarray]:
    """Characters and tokens (without special ones) of instructions and outputs."""
    columns = {name: np.zeros(len(records)) for name in LENGTHS}
    for start in range(0, len(records), BATCH):
        some = [records[place] for place in range(start, min(start + BATCH, len(records)))]
        for part in ("instruction", "output"):
            texts = [getattr(record, part) for record in some]
            place = slice(start, start + len(some))
            columns[f"{part}_characters"][place] = [len(text) for text in texts]
            tokens = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
            columns[f"{part}_tokens"][place] = [len(ids) for ids in tokens]
    return columns


def _scored(inventory: Inventory) -> dict[str, np.ndarray]:
    """The columns of scores tables that are profiled; of several sets with a record, the first that has a number."""
    columns: dict[str, np.ndarray] = {}
    for one in inventory.sets:
        for name in SCORED:
            if name in one.properties:
                there = columns.get(name, np.full(len(inventory), np.nan))
                columns[name] = np.where(np.isnan(there), one.properties[name], there)
    return columns


def _categories(inventory: Inventory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The most similar category, its similarity, and its margin over the second; "" and NaN where there is none."""
    n, names = len(inventory), list(inventory.categories)
    category, best, margin = np.full(n, "", dtype=object), np.full(n, np.nan), np.full(n, np.nan)
    if len(names) > 1:
        table = np.stack(list(inventory.categories.values()), axis=1)
        there = np.flatnonzero(np.isfinite(table).all(axis=1))
        ordered = np.sort(table[there], axis=1)
        category[there] = np.array(names, dtype=object)[table[there].argmax(axis=1)]
        best[there], margin[there] = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    return category, best, margin


def _compilable(records: Sequence, found: list[str]) -> list[float]:
    result = []
    for record, language in zip(records, found, strict=True):
        python = language == languages.PYTHON
        result.append(float(languages.compiles(languages.code_of(record.output)[0])) if python else np.nan)
    return result


def _over_all(findings: Findings, known: np.ndarray, n: int) -> Findings:
    """The same findings, by record number instead of the place among the known ones."""

    def moved(overlaps: Overlaps) -> Overlaps:
        return Overlaps(known[overlaps.records], overlaps.problems, overlaps.shares, overlaps.measured)

    hits = findings.hits
    hits = Hits(known[hits.records], hits.problems, hits.strings, hits.kinds)
    return Findings(findings.benchmark, n, hits, moved(findings.tli), moved(findings.tli_record))


def _groups(inventory: Inventory, known: np.ndarray) -> np.ndarray:
    """Near-duplicate groups within each pool (and among what belongs to none)."""
    result = np.full(len(inventory), -1, dtype=np.int64)
    left = np.zeros(len(inventory), dtype=bool)
    left[known] = True
    for numbers in [*inventory.pools.values(), known]:
        mine = np.unique(numbers[left[numbers]])
        left[mine] = False
        records = _Known(inventory, mine)
        result[mine] = mine[duplicates.groups(len(mine), lambda place, records=records: _text(records[place]))]
    return result


def _text(record) -> str:
    return f"{record.instruction}\n{record.input}\n{record.output}"


def _alike(inventory: Inventory, group: np.ndarray) -> np.ndarray:
    """Whether a record's group has several rows in its pool: another record, or the same one twice."""
    rows = np.zeros(len(inventory), dtype=np.int64)
    for numbers in inventory.pools.values():
        np.add.at(rows, group[numbers][group[numbers] >= 0], 1)
    return np.where(group >= 0, rows[group] > 1, np.nan)


def profile(members: np.ndarray, measured: Measured, edges: Mapping[str, np.ndarray]) -> dict:
    """The profile of the records of these numbers, but for what needs vectors."""
    there = members[measured.group[members] >= 0]
    distinct = len(np.unique(there))
    python = measured.compiles[there]
    python = python[np.isfinite(python)]
    counts = [len(there) - distinct, distinct - len(np.unique(measured.group[there]))]
    return {
        "records": len(members),
        "distinct_records": len(np.unique(members)),
        "unread": len(members) - len(there),
        "share_with_input": share(measured.has_input[there]),
        "distributions": {
            name: distribution(values[members], edges[name])
            for name, values in measured.columns.items()
            if np.isfinite(values[members]).any()
        },
        "languages": tally(measured.languages[there]),
        "language_from": tally(measured.language_from[there]),
        "categories": tally(measured.category[members]),
        "diversity": None,
        "duplicates": {
            **dict(zip(("exact", "near"), counts, strict=True)),
            **{
                f"{name}_share": count / max(len(there), 1)
                for name, count in zip(("exact", "near"), counts, strict=True)
            },
        },
        "python": {"records": len(python), "compilable": int(python.sum()), "share": share(python)},
        "contamination": {one.benchmark.name: leakage_figures(one, there) for one in measured.findings},
    }


def leakage_figures(findings: Findings, members: np.ndarray) -> dict:
    """The few figures of a benchmark that a profile shows; contamination.json has all."""
    found = findings.summary(members)
    hits = {key: found["substring"][key] for key in ("records", "share")}
    return {**hits, "tli": found["tli"]["mean"], "tli_record": found["tli_record"]["mean"]}


def share(flags: np.ndarray) -> float | None:
    """The mean of zeros and ones; None of none."""
    return float(flags.mean()) if len(flags) else None


def tally(words: np.ndarray) -> dict[str, int]:
    """How often each word but "" stands there, the commonest first, equals by name."""
    names, counts = np.unique(words[words != ""].astype(str), return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[place]): int(counts[place]) for place in order}


def bin_edges(values: np.ndarray, scale: str) -> np.ndarray:
    """``BINS + 1`` edges over the finite values, even on a linear or a logarithmic scale (of 1 + value)."""
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    if scale == "log" and low > -1:
        inner = np.expm1(np.linspace(np.log1p(low), np.log1p(high), BINS + 1))
    else:
        inner = np.linspace(low, high, BINS + 1)
    inner[0], inner[-1] = low, high
    return inner


def distribution(values: np.ndarray, edges: np.ndarray) -> dict:
    """Mean, sample standard deviation, quantiles and counts per bin of the finite values, at least one."""
    values = values[np.isfinite(values)]
    quantiles = np.percentile(values, QUANTILES)
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "standard_deviation": float(values.std(ddof=1)) if len(values) > 1 else None,
        "quantiles": {str(name): float(value) for name, value in zip(QUANTILES, quantiles, strict=True)},
        "counts": np.histogram(values, edges)[0].tolist(),
    }


def sample_sizes(inventory: Inventory, asked: int) -> dict[str, int]:
    """Question -> records of each diversity sample: the same for all its splits, so no more than the smallest has."""
    known, sizes = inventory.known, {}
    for _, one, members in inventory.splits():
        sizes[one.question] = min(sizes.get(one.question, asked), int(known[members].sum()))
    return sizes


def draw_sample(inventory: Inventory, members: np.ndarray, size: int, seed: int, name: str) -> np.ndarray:
    """The numbers of ``size`` of the records whose text is at hand (of all, if there are fewer)."""
    there = members[inventory.known[members]]
    return there[np.sort(draws.draw(len(there), min(size, len(there)), seed, f"{name} profile"))]


def diversity(vectors: np.ndarray) -> tuple[dict, np.ndarray]:
    """How unlike each other the vectors of a sample are.

    Args:
        vectors: float ``[k, d]``, k ≥ 2; those without direction are left out.

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
    """1 - cosine to the most similar other vector, in blocks; float64 ``[k]``, at least 0."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    result = np.empty(len(unit))
    for start in range(0, len(unit), BLOCK):
        block = unit[start : start + BLOCK] @ unit.T
        block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
        result[start : start + BLOCK] = np.maximum(1 - block.max(axis=1), 0)
    return result


def jaccard_matrix(members: Sequence[np.ndarray]) -> np.ndarray:
    """Jaccard similarity of every two sets of record numbers; float64 ``[s, s]``."""
    sets = [np.unique(one) for one in members]
    result = np.eye(len(sets))
    for row, one in enumerate(sets):
        for column in range(row):
            shared = len(np.intersect1d(one, sets[column], assume_unique=True))
            result[row, column] = result[column, row] = shared / (len(one) + len(sets[column]) - shared)
    return result


def shared_measures(measured: Measured) -> dict[str, Measure]:
    """Everything about a record that splits can be compared in."""
    made = {}
    for name, values in measured.columns.items():
        label, unit, _ = LABELS[name]
        made[name] = Measure(f"{label} ({unit})" if unit else label, values)
    made["share_with_input"] = Measure("share of records with an input", measured.has_input, True)
    made["share_alike"] = Measure("share with a (near) duplicate in the pool", measured.alike, True)
    made["compiles"] = Measure("compilable share of Python code", measured.compiles, True)
    made |= _indicators("language", measured.languages, SHOWN_LANGUAGES)
    made |= _indicators("category", measured.category, None)
    for one in measured.findings:
        values = np.where(measured.group >= 0, one.hit, np.nan)
        name = one.benchmark.name
        made[f"contaminated: {name}"] = Measure(f"share contaminated by {name} (substring rule)", values, True)
    return made


def _indicators(kind: str, words: np.ndarray, most: int | None) -> dict[str, Measure]:
    """One measure of zeros and ones for each of the commonest words."""
    there = words != ""
    made = {}
    for word in list(tally(words))[:most]:
        label = "of prose without code" if (kind, word) == ("language", languages.NONE) else f"of {kind} {word}"
        made[f"{kind}: {word}"] = Measure(f"share {label}", np.where(there, words == word, np.nan), True)
    return made


def by_design(one: Set, measures: Mapping[str, Measure]) -> dict[str, str]:
    """What a set's splits are meant to differ in -> why: what they were cut or drawn by, and what follows from it."""
    reasons = {name: "the splits were made by it" for name in one.columns if name in measures}
    if "category" in one.columns:
        reasons |= {name: "the splits were made by the category" for name in measures if name.startswith("category")}
    if {"score", "perplexity"} & set(one.columns):
        reasons |= {name: "part of the complexity" for name in SCORED[1:] if name in measures}
    if len({pool for split in one.manifest["splits"].values() for pool in split["sources"]}) > 1:
        reasons["other_domain"] = "the splits were mixed by domain"
        follows = [name for name in measures if name.startswith(("language: ", "category")) or name == "compiles"]
        reasons |= dict.fromkeys(follows, "it follows from the domain, which the splits were mixed by")
    return reasons


def compare(inventory: Inventory, one: Set, measures: Mapping[str, Measure]) -> dict:
    """The entry of one set in confounds.json."""
    numbers = np.unique(np.concatenate(list(one.members.values())))
    measures = dict(measures)
    own = inventory.pools.get(one.pool)
    if own is not None and len(np.setdiff1d(numbers, own)):
        other = np.ones(len(inventory))
        other[own] = 0
        measures["other_domain"] = Measure("share of other domains", other, True)
    reasons = by_design(one, measures)
    extreme = confounds.extremes({name: split["summary"] for name, split in one.manifest["splits"].items()})
    found = list(confounds.differences(one.members, measures, extreme, reasons))
    properties = dict(one.properties)
    if "other_domain" in measures:
        properties["other_domain"] = measures["other_domain"].values
    related = list(confounds.correlations(numbers, properties, measures, reasons))
    return {
        "question": one.question,
        "pool": one.pool,
        "splits": list(one.members),
        "by_design": reasons,
        "extremes": extreme,
        **confounds.document(found, related),
        "warnings": confounds.warnings(found, related, extreme),
    }
