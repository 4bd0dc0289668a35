"""The cheat matrix: which cheats pass which tool's scoring, and which right samples fail there.

    python benchmarks/cheats/run.py [NAME …]

Every sample of the corpus goes through our scoring, and through each other tool that ``make cheats`` could install, all
in sandboxes. Writes the tables of docs/cheats.md. With names of samples it only says what becomes of these. The status
is 0 if our scoring fails all cheats and passes all right samples.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import others
import samples
from others import FAILED, PASSED
from samples import Sample
from tqdm import tqdm

from instruction_data.errors import InputError
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import REPOSITORY
from instruction_data.outcomes import sandbox

OURS = "this project"
PAGE = REPOSITORY / "docs" / "cheats.md"
MARK = "<!-- What follows is written by `make cheats`. -->\n"
LOG = REPOSITORY / "build" / "cheats.log"
WORKERS = 2  # samples of other tools at once, so that their limit of 3 seconds is none of start-up

Verdicts = Mapping[str, str]  # of one tool: name of a sample -> its verdict


def by_us(chosen: Sequence[Sample]) -> Verdicts:
    """Return our verdicts; keep what the samples said in LOG."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        passed = samples.ours(Path(folder), chosen, LOG).passed
    return {one.name: PASSED if right else FAILED for one, [right] in zip(chosen, passed, strict=True)}


def by_another(tool: others.Tool, chosen: Sequence[Sample]) -> tuple[str, Verdicts]:
    """Return a tool's name with its version, and its verdicts."""
    with ThreadPoolExecutor(WORKERS) as pool:
        judged = pool.map(lambda one: others.judged(tool, one), chosen)
        found = list(tqdm(judged, tool.name, len(chosen), unit="sample", file=sys.stderr))
    version = next((version for _, version in found if version), "")
    return f"{tool.name} {version}", {one.name: verdict for one, (verdict, _) in zip(chosen, found, strict=True)}


def verdicts(chosen: Sequence[Sample]) -> dict[str, Verdicts]:
    """Return every tool's verdicts, ours first; say which tools are left out."""
    found = {OURS: by_us(chosen)}
    for name in others.TOOLS:
        try:
            tool = others.find(name)
        except InputError:
            print(f"{name} is left out: `make cheats` could not install it")
            continue
        name, found_there = by_another(tool, chosen)
        found[name] = found_there
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def counts(found: Mapping[str, Verdicts], chosen: Sequence[Sample]) -> str:
    """Return the table that counts what passed, by what is attacked."""
    groups: dict[str, list[Sample]] = {}
    for one in chosen:
        groups.setdefault("right samples" if one.is_right else one.attacks.replace("_", " "), []).append(one)
    cheats = [one for one in chosen if not one.is_right]
    rows = [
        [name, str(len(some)), *(str(sum(one[sample.name] == PASSED for sample in some)) for one in found.values())]
        for name, some in [("all cheats", cheats), *groups.items()]
        if some
    ]
    return table(["passed", "of", *found], rows)


def tables(found: Mapping[str, Verdicts], chosen: Sequence[Sample]) -> Iterator[str]:
    """Yield the parts of the page: the counts, then each sample."""
    yield counts(found, chosen)
    for title, some in (
        ("Cheats", [one for one in chosen if not one.is_right]),
        ("Right samples", [one for one in chosen if one.is_right]),
    ):
        rows = [[one.name, *(verdict[one.name].replace(FAILED, "") for verdict in found.values())] for one in some]
        yield f"## {title}\n\n{table(['', *found], rows)}"


def faults(ours: Verdicts, chosen: Sequence[Sample]) -> list[str]:
    """Return the names of samples that our scoring judges wrongly."""
    return [one.name for one in chosen if (ours[one.name] == PASSED) != one.is_right]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of samples, as exits/system_exit (default: all)")
    names = parser.parse_args().names
    sandbox.check()
    chosen = [one for one in samples.read() if not names or one.name in names]
    if missing := {*names}.difference(one.name for one in chosen):
        raise InputError(f"found no samples named {', '.join(sorted(missing))} under {samples.FOLDER}")
    found = verdicts(chosen)
    if names:
        print("".join(tables(found, chosen)))
    else:
        before = PAGE.read_text("utf-8").partition(MARK)[0]
        write_whole(PAGE, (before + MARK + "\n" + "\n".join(tables(found, chosen))).encode())
        print(counts(found, chosen), f"\nwritten to {PAGE.relative_to(REPOSITORY)}", sep="")
    wrong = faults(found[OURS], chosen)
    print(f"judged wrongly by {OURS}: {', '.join(wrong) or 'none'}")
    return int(bool(wrong))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"error: {error}")
