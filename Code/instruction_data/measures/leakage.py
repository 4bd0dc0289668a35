"""Measuring how much of a benchmark is in records: the substring rule of StarCoder and Magicoder, and XCoder's TLI.

*Substring rule* (bigcode-project/bigcode-dataset, ``decontamination/find_substrings.py`` and ``benchmark_data.py``; for
several fields ise-uiuc/magicoder, ``src/magicoder/decontamination``): a record is contaminated if its fields, joined
by an empty line, hold the docstring or the solution of a problem, white space at the ends and case aside. Four one-line
solutions of HumanEval are too common to count. (The fourth is ``return ''.join(strings)``. In the original's list
Python's joining of strings drops its quotes, so there it counts. Here it is exempt, as the original's comment says.)

*TLI*, Test Leakage Indicator (Wang et al. 2024, "How Do Your Code LLMs Perform? …", arXiv 2409.03810; banksy23/XCoder,
``compute_TLI.py``): with G(x) the set of 4- and 5-grams of a text's white-space tokens, the overlap of record r with
problem t is |G(r) ∩ G(t)| / |G(t)|; the indicator is the mean over problems of their greatest overlap with any record.
XCoder compares instruction with prompt, each padded with n - 1 ``<start>`` and ``<end>`` (``tli``). A second form
compares whole records with prompt and solution, not padded, so it also sees solutions in outputs (``tli_record``).
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from instruction_data.measures.benchmarks import Benchmark
from instruction_data.pools.records import Record

SIZES = (4, 5)  # of n-grams: XCoder's
THRESHOLD = 0.05  # XCoder's script drops a record with this overlap or more
RULES = {
    "substring": "the record's fields, joined by an empty line, hold a problem's docstring or solution, case aside "
    "(StarCoder, bigcode-dataset/decontamination; Magicoder); four one-line solutions are exempt",
    "tli": "mean over problems of the greatest share of their 4- and 5-grams of white-space tokens that one "
    "instruction has, padded (XCoder, arXiv 2409.03810, compute_TLI.py)",
    "tli_record": "the same of whole records (instruction, input, output) against prompt and solution, not padded",
    "execution": "a Python function of the record passes a problem's tests, whatever it is called; trivial problems "
    "have many honest solutions, so see how many independent programs solve each",
}
BATCH = 500  # records whose tokens are in memory at a time


@dataclass(frozen=True)
class Hits:
    """The strings of a benchmark that stand in records.

    Attributes:
        records, problems: int64 ``[h]``, ascending by record.
        strings: the strings found, in lower case.
        kinds: ``docstring`` or ``solution``.
    """

    records: np.ndarray
    problems: np.ndarray
    strings: list[str]
    kinds: list[str]


def substring_hits(records: Iterable[Record], benchmark: Benchmark) -> Hits:
    """Find every string of the benchmark in every record, by the substring rule (module docstring)."""
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for string in benchmark.strings:
        automaton.add_word(string, string)
    found: list[tuple[int, str]] = []
    if len(automaton):
        automaton.make_automaton()
        for number, record in enumerate(records):
            content = "\n\n".join((record.instruction, record.input, record.output)).lower()
            found += ((number, string) for string in sorted({string for _, string in automaton.iter(content)}))
    problems = [benchmark.strings[string] for _, string in found]
    numbers = np.array([number for number, _ in found], dtype=np.int64)
    return Hits(
        numbers,
        np.array([problem for problem, _ in problems], dtype=np.int64),
        [string for _, string in found],
        [kind for _, kind in problems],
    )


@dataclass(frozen=True)
class Overlaps:
    """The n-gram overlaps of records with problems, zeros left out.

    Attributes:
        records, problems: int64 ``[m]``, ascending by record, then problem.
        shares: float64 ``[m]``, |G(r) ∩ G(t)| / |G(t)|.
        measured: bool ``[problems]``, whether a problem is long enough to have an n-gram.
    """

    records: np.ndarray
    problems: np.ndarray
    shares: np.ndarray
    measured: np.ndarray

    def best(self, members: np.ndarray) -> np.ndarray:
        """Return the greatest overlap of each problem with the chosen records; float64 ``[problems]``.

        Args:
            members: bool by record, the chosen ones.
        """
        result = np.zeros(len(self.measured))
        chosen = members[self.records]
        np.maximum.at(result, self.problems[chosen], self.shares[chosen])
        return result

    def of_records(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the greatest overlap of each of ``n`` records, and the problem behind it (-1 where there is none)."""
        shares, problems = np.zeros(n), np.full(n, -1)
        order = np.lexsort((-self.problems, self.shares))  # the last writer wins: the greatest, then the first problem
        shares[self.records[order]] = self.shares[order]
        problems[self.records[order]] = self.problems[order]
        return shares, problems

    def indicator(self, members: np.ndarray, threshold: float = THRESHOLD) -> tuple[float, float, int]:
        """Return, for chosen records, TLI, the greatest overlap, and how many problems reach the threshold."""
        best = self.best(members)[self.measured]
        if not len(best):
            return 0.0, 0.0, 0
        return float(best.mean()), float(best.max()), int((best >= threshold).sum())


class _Keys:
    """Sorted numbers that are looked up: a table answers nearly always, and the search only where two share a slot."""

    BITS = 20

    def __init__(self, keys: np.ndarray):
        self._keys = keys
        self._table = np.full(1 << self.BITS, -1, dtype=np.int32)  # by slot, the number of a key that falls there
        self._table[self._slots(keys)] = np.arange(len(keys), dtype=np.int32)

    def __len__(self) -> int:
        return len(self._keys)

    def _slots(self, keys: np.ndarray) -> np.ndarray:
        # Fibonacci hashing
        return (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - self.BITS)

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these are there, by their positions, and their numbers here."""
        numbers = self._table[self._slots(keys)]
        likely = np.flatnonzero(numbers >= 0)
        numbers, keys = numbers[likely], keys[likely]
        other = np.flatnonzero(self._keys[numbers] != keys)
        numbers[other] = np.minimum(np.searchsorted(self._keys, keys[other]), len(self) - 1)
        there = self._keys[numbers] == keys
        return likely[there], numbers[there].astype(np.int64)


@dataclass(frozen=True)
class _Laid:
    """The tokens of several texts in one array, each text padded as the longest n-grams ask for, and followed by a 0.

    Attributes:
        tokens: int64, the number of each token; 0 is any that the index does not know.
        owners: int64, the text of each token.
        first: int64 by text, where it begins.
        lengths: int64 by text, with its padding.
        padded: whether there is any.
    """

    tokens: np.ndarray
    owners: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    padded: bool

    def known(self, size: int) -> np.ndarray:
        """Say for each place whether the index knows all of as many tokens from there on."""
        known = self.tokens > 0
        result = known.copy()
        for step in range(1, size):
            result[:-step] &= known[step:]
            result[-step:] = False
        return result

    def starts(self, size: int) -> np.ndarray:
        """Say for each place whether an n-gram of that size begins there; it has size - 1 tokens of padding."""
        spare = max(SIZES) - size if self.padded else 0
        begin, end = self.first + spare, self.first + self.lengths - spare - size + 1
        some = end > begin
        change = np.zeros(len(self.tokens) + 1, dtype=np.int64)
        np.add.at(change, begin[some], 1)
        np.add.at(change, end[some], -1)
        return np.cumsum(change[:-1]) > 0


class GramIndex:
    """An inverted index of the n-grams of some texts: n-gram -> the texts that hold it.

    n-grams are found token by token, in a trie: the number of a prefix and that of the next token make the key of the
    longer prefix. Nearly all n-grams of a record leave the trie at their second token. Keys are compared in the end, so
    no two n-grams can be taken for one.
    """

    def __init__(self, texts: Sequence[str], padded: bool):
        self._pad = max(SIZES) - 1 if padded else 0
        split = [text.split() for text in texts]
        tokens = dict.fromkeys(("<start>", "<end>")) | dict.fromkeys(itertools.chain.from_iterable(split))
        self._tokens = {token: number for number, token in enumerate(tokens, start=1)}  # 0: any other token
        self.sizes = np.zeros(len(texts), dtype=np.int64)
        self._levels: list[_Keys] = []
        self._members: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by size: of each n-gram the texts that hold it
        laid = self._laid_out(split)
        for size, level, grams, owners in self._walk(laid, self._grown):
            pairs = np.unique(np.stack([grams, owners]), axis=1)
            self._members[size] = np.searchsorted(pairs[0], np.arange(len(level) + 1)), pairs[1]
            np.add.at(self.sizes, pairs[1], 1)

    def _laid_out(self, texts: Sequence[Sequence[str]]) -> _Laid:
        pad, flat = self._pad, list(itertools.chain.from_iterable(texts))
        counts = np.fromiter(map(len, texts), np.int64, len(texts))
        lengths = counts + 2 * pad
        first = np.cumsum(lengths + 1) - lengths - 1
        tokens = np.zeros(int((lengths + 1).sum()), dtype=np.int64)
        places = np.arange(len(flat)) + np.repeat(first + pad - (np.cumsum(counts) - counts), counts)
        tokens[places] = np.fromiter(map(self._tokens.get, flat, itertools.repeat(0)), np.int64, len(flat))
        for step in range(pad):
            tokens[first + step] = self._tokens["<start>"]
            tokens[first + pad + counts + step] = self._tokens["<end>"]
        return _Laid(tokens, np.repeat(np.arange(len(texts)), lengths + 1), first, lengths, bool(pad))

    def _grown(self, depth: int, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add a level to the trie; of these keys all are there."""
        level, numbers = np.unique(keys, return_inverse=True)
        self._levels.append(_Keys(level))
        return np.arange(len(keys)), numbers

    def _found(self, depth: int, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._levels[depth - 2].find(keys)

    def _walk(
        self, laid: _Laid, step: Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]
    ) -> Iterator[tuple[int, _Keys, np.ndarray, np.ndarray]]:
        """Yield for every size its level of the trie, and of all n-grams in it: their numbers there, and their texts.

        Args:
            step: depth and keys -> the positions of those that are in the trie, and their numbers at that depth.
        """
        whole = {size: laid.starts(size) for size in SIZES}
        alive = np.flatnonzero(np.logical_or.reduce([*whole.values()]) & laid.known(min(SIZES)))
        current = laid.tokens[alive]
        for depth in range(2, max(SIZES) + 1):
            if depth > min(SIZES):
                long = np.logical_or.reduce([whole[size] for size in SIZES if size >= depth])[alive]
                alive, current = alive[long], current[long]
            some, current = step(depth, current * (len(self._tokens) + 1) + laid.tokens[alive + depth - 1])
            alive = alive[some]
            if depth in SIZES:
                mine = whole[depth][alive]
                yield depth, self._levels[depth - 2], current[mine], laid.owners[alive[mine]]

    def overlaps(self, texts: Iterable[str]) -> Overlaps:
        """Return the overlap of every text with every text of the index."""
        found = [np.zeros((3, 0))]
        for start, batch in _batches(texts):
            found.append(self._shared([text.split() for text in batch], start))
        records, problems, counts = np.concatenate(found, axis=1)
        records, problems = records.astype(np.int64), problems.astype(np.int64)
        return Overlaps(records, problems, counts / np.maximum(self.sizes, 1)[problems], self.sizes > 0)

    def _shared(self, texts: Sequence[Sequence[str]], first: int) -> np.ndarray:
        """Count the n-grams that each pair of texts shares, if any: rows of text, indexed text, count; ``[3, m]``."""
        pairs = []
        for size, level, found, holders in self._walk(self._laid_out(texts), self._found):
            held = np.sort(holders * max(len(level), 1) + found)
            held = held[np.diff(held, prepend=-1) > 0]  # each n-gram of a text once
            owners, grams = np.divmod(held, max(len(level), 1))
            starts, members = self._members[size]
            counts = starts[grams + 1] - starts[grams]
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            problems = members[np.repeat(starts[grams], counts) + offsets]
            pairs.append(np.repeat(owners, counts) * len(self.sizes) + problems)
        keys, counts = np.unique(np.concatenate(pairs), return_counts=True)
        return np.stack([first + keys // max(len(self.sizes), 1), keys % max(len(self.sizes), 1), counts])


def _batches(texts: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    batch: list[str] = []
    start = 0
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            yield start, batch
            start, batch = start + BATCH, []
    if batch:
        yield start, batch


def instruction_index(benchmark: Benchmark) -> GramIndex:
    """Index the padded prompts, for XCoder's comparison."""
    return GramIndex(benchmark.prompts, padded=True)


def record_index(benchmark: Benchmark) -> GramIndex:
    """Index prompts with their solutions, not padded."""
    pairs = zip(benchmark.prompts, benchmark.solutions, strict=True)
    return GramIndex([f"{prompt} {solution}" for prompt, solution in pairs], padded=False)


def whole_text(record: Record) -> str:
    """Return the text of a record that ``tli_record`` compares."""
    return f"{record.instruction} {record.input} {record.output}"


@dataclass(frozen=True)
class Solved:
    """The problems of a benchmark that functions of records solve, as running them shows.

    Attributes:
        records, problems: int64 ``[h]``, ascending by record, then problem.
        functions: the name of each function; hostile.
        programs: int64 ``[h]``, a number for each different program; renamed copies have the same.
    """

    records: np.ndarray
    problems: np.ndarray
    functions: list[str]
    programs: np.ndarray


@dataclass(frozen=True)
class Findings:
    """The traces of one benchmark in ``n`` records.

    Attributes:
        solved: None if nothing was executed.
    """

    benchmark: Benchmark
    n: int
    hits: Hits
    tli: Overlaps
    tli_record: Overlaps
    solved: Solved | None = None

    @cached_property
    def hit(self) -> np.ndarray:
        """Whether each record holds a string of the benchmark; bool ``[n]``."""
        result = np.zeros(self.n, dtype=bool)
        result[self.hits.records] = True
        return result

    @cached_property
    def leakage(self) -> tuple[np.ndarray, np.ndarray]:
        """The greatest overlap of each record (``tli``), and the problem behind it."""
        return self.tli.of_records(self.n)

    def summary(self, numbers: np.ndarray) -> dict:
        """Return the figures of the records of these numbers; repeated numbers count repeatedly."""
        members = np.zeros(self.n, dtype=bool)
        members[numbers] = True
        hit = int(self.hit[numbers].sum())
        problems = len(np.unique(self.hits.problems[members[self.hits.records]]))
        result: dict = {
            "records": len(numbers),
            "substring": {"records": hit, "share": hit / max(len(numbers), 1), "problems": problems},
        }
        least = max(THRESHOLD, self.benchmark.least_overlap)
        for name in ("tli", "tli_record"):
            figures = getattr(self, name).indicator(members, least)
            result[name] = dict(zip(("mean", "max", "problems"), figures, strict=True))
        if self.solved:
            solving = int(np.isin(numbers, self.solved.records).sum())
            problems = len(np.unique(self.solved.problems[members[self.solved.records]]))
            result["execution"] = {"records": solving, "share": solving / max(len(numbers), 1), "problems": problems}
        return result


def look_for(benchmark: Benchmark, records: Sequence[Record]) -> Findings:
    """Look for a benchmark in records, which are read three times."""
    return Findings(
        benchmark,
        len(records),
        substring_hits(records, benchmark),
        instruction_index(benchmark).overlaps(record.instruction for record in records),
        record_index(benchmark).overlaps(whole_text(record) for record in records),
    )
