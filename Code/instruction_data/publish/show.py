"""Printing the splits of a study root, or the first records of one."""

from collections.abc import Mapping
from pathlib import Path

from instruction_data.errors import InputError, printable, quoted
from instruction_data.publish import manifests
from instruction_data.publish.split import read_split

SHOWN_RECORDS = 3


def print_splits(root: Path) -> None:
    """Print every split of a study root with its size and the figures of its summary; then count them."""
    splits = manifests.all_splits(root)
    if not splits:
        raise manifests.lacking(root)
    print_table(splits)
    print(f"\n{len(splits)} splits under {printable(str(root / 'Datas'))}")


def print_table(splits: Mapping[str, Mapping]) -> None:
    print(f"{'split':<32} {'records':>9}  summary")
    for name, split in splits.items():
        known = {figure: value for figure, value in split["summary"].items() if value is not None}
        summary = ", ".join(f"{printable(figure)} {value:,.4g}" for figure, value in known.items())
        print(f"{name:<32} {split['records']:>9,}  {summary}")


def print_records(root: Path, name: str) -> None:
    """Print the first records of one split, with control characters escaped."""
    splits = manifests.all_splits(root)
    if name not in splits:
        raise InputError(f"{root}: found no split {quoted(name)}; `show` without a name lists them")
    split = splits[name]
    print(f"{name}: {split['records']:,} records, {split['file']}")
    records = read_split(root, name, split)
    for place in range(min(SHOWN_RECORDS, len(records))):
        print()
        for part, text in records[place]._asdict().items():
            print(f"{printable(part) + ':':<13}" + f"\n{'':<13}".join(printable(line) for line in text.split("\n")))
