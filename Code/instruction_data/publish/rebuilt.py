"""Comparing a published split with a rebuilt one: how far the contents of their records agree.

The kind of difference tells its cause: an input that one side lacks, an output that a join by text gave to the wrong
record, another selection. The published file may be a JSON array, JSON lines, or (the study's) indented objects.
"""

from collections import Counter, deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import formats
from instruction_data.files.entries import Entry, Problem
from instruction_data.files.places import require_file
from instruction_data.pools.records import Record
from instruction_data.publish import manifests
from instruction_data.publish.split import read_split

EXAMPLES = 3  # of each kind of difference
SHOWN = 100  # characters of a text


@dataclass(frozen=True)
class Overlap:
    """Two lists of records as multisets: every record of either side is counted in exactly one place.

    Attributes:
        shared: positions of equal records, as pairs (in the published list, in the rebuilt list).
        other_input: pairs of equal instruction and output.
        other_output: pairs of equal instruction and input.
        only_published, only_rebuilt: positions of the rest.
    """

    shared: Sequence[tuple[int, int]]
    other_input: Sequence[tuple[int, int]]
    other_output: Sequence[tuple[int, int]]
    only_published: Sequence[int]
    only_rebuilt: Sequence[int]


def compare(published: Sequence[Record], rebuilt: Sequence[Record]) -> Overlap:
    """Pair the records of two lists: first equal ones, then those that differ only in input, then only in output.

    A record that stands k times in one list and m times in the other makes min(k, m) pairs. Positions that could pair
    in several ways pair in the order of the lists.
    """
    left, right = list(range(len(published))), list(range(len(rebuilt)))
    found = []
    for key in (_whole, _without_input, _without_output):
        pairs = _pairs(
            [(place, key(published[place])) for place in left], [(place, key(rebuilt[place])) for place in right]
        )
        taken = {one for one, _ in pairs}, {other for _, other in pairs}
        left = [place for place in left if place not in taken[0]]
        right = [place for place in right if place not in taken[1]]
        found.append(pairs)
    return Overlap(*found, left, right)


def _whole(record: Record) -> Hashable:
    return record.instruction, record.input, record.output


def _without_input(record: Record) -> Hashable:
    return record.instruction, record.output


def _without_output(record: Record) -> Hashable:
    return record.instruction, record.input


def _pairs(left: Sequence[tuple[int, Hashable]], right: Sequence[tuple[int, Hashable]]) -> list[tuple[int, int]]:
    """Pair the places whose keys are equal: each place at most once, and first with first."""
    free: dict[Hashable, deque[int]] = {}
    for place, key in right:
        free.setdefault(key, deque()).append(place)
    return [(place, free[key].popleft()) for place, key in left if free.get(key)]


def read_published(path: Path) -> list[Record]:
    """Read the records of a published split; read a missing or null ``input`` as empty.

    Raises:
        InputError: the file is missing, a Git LFS pointer or damaged, or an entry is not a record.
    """
    require_file(path, "expected a published split")
    if formats.pointer_of(path):
        raise InputError(f"{path}:1: found a Git LFS pointer; expected the published split itself: git lfs pull")
    return [_record(path, entry) for entry in formats.entries(path, concatenated=True)]


def _record(path: Path, entry: Entry) -> Record:
    value = entry.value
    if isinstance(value, Problem):
        raise InputError(f"{path}:{entry.line}: found {value.found}; expected {value.expected}")
    texts = {name: value.get(name) for name in ("instruction", "input", "output")}
    texts["input"] = "" if texts["input"] is None else texts["input"]
    for name, text in texts.items():
        if not isinstance(text, str):
            found = f"{quoted(text)} in {name!r}" if name in value else f"no field {name!r}"
            raise InputError(
                f"{path}:{entry.line}: found {found}; expected text: a split in Alpaca form has instruction and output"
            )
    return Record(**texts)


def read_rebuilt(root: Path, name: str) -> tuple[str, list[Record]]:
    """Return the file (below the root) and the records of a split under a study root.

    Raises:
        InputError: there is no such split, or its file differs from its manifest.
    """
    splits = manifests.all_splits(root)
    if name not in splits:
        raise InputError(
            f"{root}: found no split {quoted(name)}; `python -m instruction_data.publish show` lists those there are"
        )
    return splits[name]["file"], list(read_split(root, name, splits[name]))


def print_comparison(path: Path, name: str, root: Path) -> None:
    """Print how the published split ``path`` and the split ``name`` under ``root`` overlap, with examples."""
    file, rebuilt = read_rebuilt(root, name)
    published = read_published(path)
    overlap = compare(published, rebuilt)
    print(f"published  {printable(str(path))}: {len(published):,} records{_repeated(published)}")
    print(f"rebuilt    {name}, {file}: {len(rebuilt):,} records{_repeated(rebuilt)}\n")
    _print_counts(overlap, len(published), len(rebuilt))
    if published == rebuilt:
        print("\nThe same records in the same order.")
    elif not (overlap.only_published or overlap.only_rebuilt or overlap.other_input or overlap.other_output):
        print("\nThe same records in another order.")
    if overlap.other_input:
        lacking = sum(not published[place].input for place, _ in overlap.other_input)
        print(
            f"\nOnly the input differs in {len(overlap.other_input):,} records; {lacking:,} of these have none in the "
            "published\nsplit (the study's general records lost theirs; --drop-input makes such splits)."
        )
    _print_examples(overlap, published, rebuilt)


def _repeated(records: Sequence[Record]) -> str:
    repeated = len(records) - len(Counter(map(_whole, records)))
    return f" ({repeated:,} repeat an earlier one)" if repeated else ""


def _print_counts(overlap: Overlap, published: int, rebuilt: int) -> None:
    def share(count: int, total: int) -> str:
        return f"{count / total:.1%}" if total else "-"

    print(f"{'':<24} {'records':>9}  {'of published':>12}  {'of rebuilt':>12}")
    both = {"shared": overlap.shared, "input differs": overlap.other_input, "changed output": overlap.other_output}
    for label, pairs in both.items():
        count = len(pairs)
        print(f"{label:<24} {count:>9,}  {share(count, published):>12}  {share(count, rebuilt):>12}")
    there, here = len(overlap.only_published), len(overlap.only_rebuilt)
    print(f"{'only in the published':<24} {there:>9,}  {share(there, published):>12}")
    print(f"{'only in the rebuilt':<24} {here:>9,}  {'':>12}  {share(here, rebuilt):>12}")


def _print_examples(overlap: Overlap, published: Sequence[Record], rebuilt: Sequence[Record]) -> None:
    for label, pairs, part in (
        ("input differs", overlap.other_input, "input"),
        ("changed output", overlap.other_output, "output"),
    ):
        for one, other in pairs[:EXAMPLES]:
            print(f"\n{label}: record {one + 1:,} of the published, {other + 1:,} of the rebuilt")
            there, here = from_difference(getattr(published[one], part), getattr(rebuilt[other], part))
            _print_texts({"instruction": published[one].instruction, "published": there, "rebuilt": here})
    for label, places, records in (
        ("only in the published", overlap.only_published, published),
        ("only in the rebuilt", overlap.only_rebuilt, rebuilt),
    ):
        for place in places[:EXAMPLES]:
            print(f"\n{label}: record {place + 1:,}")
            _print_texts({"instruction": records[place].instruction, "output": records[place].output})


def from_difference(one: str, other: str) -> tuple[str, str]:
    """Cut both texts so that they start a little before their first difference, unless it is shown anyway."""
    differing = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    same = next(differing, min(len(one), len(other)))
    if same < SHOWN // 2:
        return one, other
    start = same - SHOWN // 4
    return f"…{one[start:]}", f"…{other[start:]}"


def _print_texts(texts: Mapping[str, str]) -> None:
    for label, text in texts.items():
        short = text if len(text) <= SHOWN else text[:SHOWN] + "…"
        print(f"  {label + ':':<13}{printable(short)}")
