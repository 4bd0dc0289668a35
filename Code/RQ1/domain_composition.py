"""RQ1, domain composition: what happens when part of the code records gives way to another domain?

Replaces code records of a pool by mathematical or general ones at 97:3, 9:1 and 7:3. The total stays at the code pool's
size; the unmixed pool is the baseline. Both code pools together give 14 splits, in Datas/RQ1/<POOL>/:

    RQ1_<POOL>_CODE_10_0.json                      the code pool as it is
    RQ1_<POOL>_<MATH|GENERAL>_<97_3|9_1|7_3>.json  code first, then the other domain

with RQ1_<POOL>_scores.parquet (each record's places) and RQ1_<POOL>_manifest.json.

    python Code/RQ1/domain_composition.py                          the study's pools
    python Code/RQ1/domain_composition.py --demo                   the demo's
    python Code/RQ1/domain_composition.py --generation 2025-12     shuffled, code drawn anew, no code elsewhere, thrice
"""

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.errors import InputError
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish.question import Question, Trend
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import PlanEnded, Workspace

DOSE = "share of other domain"
FOLLOWS = "it follows from the domain, which the splits were mixed by"
QUESTION = Question(
    "RQ1",
    title="domain composition",
    asks="What happens when part of the code records gives way to mathematical or general ones?",
    varies=("domain",),
    follows=dict.fromkeys(("language", "category", "compilable Python"), FOLLOWS),
    contrast=Trend(DOSE, by_source=True),
)
RATIOS = ((97, 3), (9, 1), (7, 3))  # code : other domain
OTHERS = ("math", "general")
GENERATIONS = {
    "2025-06": {"shuffle": False, "fresh_code": False, "drop_code": False, "repeats": 1},
    "2025-12": {"shuffle": True, "fresh_code": True, "drop_code": True, "repeats": 3},
}

# Code in other domains (dropped before mixing in December 2025): a fence, or a line that only code has.
CODE = re.compile(
    r"""
    ^[ \t]*```
    | ^[ \t]*(?:async[ ]+)?def[ ]\w+\(.*\).*:[ \t]*$ | ^[ \t]*class[ ]\w+(?:\(.*\))?:[ \t]*$        # Python
    | ^[ \t]*(?:import[ ][\w.]+(?:[ ]as[ ]\w+)?|from[ ][\w.]+[ ]import[ ][\w*].*)[ \t]*$
    | ^[ \t]*print\(.*\)[ \t]*$
    | ^[ \t]*\#include[ ]*[<"] | ^[ \t]*(?:public|private|protected)[ ].*[({;][ \t]*$              # C, Java
    | ^[ \t]*(?:int|void|double|float|char|bool)[ ]\w+\(.*\)[ ]*\{
    | ^[ \t]*(?:let|const|var)[ ]\w+[ ]*=.*;[ \t]*$ | ^[ \t]*function[ ]\w*\(.*\)[ ]*\{             # JavaScript
    | ^[ \t]*<(?:!DOCTYPE[ ]html|html|body|div|script)\b
    | ^[ \t]*(?:SELECT[ ].+[ ]FROM|INSERT[ ]INTO|CREATE[ ]TABLE)[ ].*;[ \t]*$
    """,
    re.MULTILINE | re.VERBOSE,
)


def looks_like_code(text: str) -> bool:
    """Say whether a text holds fenced code or a line of real syntax; a word that is also a keyword is not enough."""
    return CODE.search(text) is not None


def eligible(records: Records) -> np.ndarray:
    """Return the positions of the records without code in any of their texts."""
    keep = [not any(map(looks_like_code, (one.instruction, one.input, one.output))) for one in records]
    return np.flatnonzero(keep)


def ratio_name(ratio: tuple[int, int]) -> str:
    return f"{ratio[0]}_{ratio[1]}"


def mixture(
    code: Records,
    other: Records,
    candidates: np.ndarray,
    counts: tuple[int, int],
    seed: int,
    names: tuple[str, str],
    *,
    shuffle: bool = False,
) -> list[tuple[Records, np.ndarray]]:
    """Draw both sides of one mixture.

    Args:
        candidates: positions of ``other`` that may be drawn.
        counts: of code and of other records.
        names: with the seed, these decide the draws of the code side and of the other side. Domains with the same
            code name share the code sample of a ratio.
        shuffle: put the records of both sides into a random order.

    Returns:
        (records, positions) one after another.
    """
    code_rows = draws.draw(len(code), counts[0], seed, names[0])
    other_rows = candidates[draws.draw(len(candidates), counts[1], seed, names[1])]
    if not shuffle:
        return [(code, code_rows), (other, other_rows)]
    order = draws.permutation(sum(counts), seed, f"{names[1]} order")
    sides = order >= counts[0]
    rows = np.concatenate([code_rows, other_rows])[order]
    starts = np.flatnonzero(np.diff(sides, prepend=not sides[0])) if len(sides) else []
    return [((other if sides[part[0]] else code), rows[part]) for part in np.split(np.arange(len(rows)), starts)[1:]]


def too_few(code: Records, other: Records, candidates: np.ndarray, ratio: tuple[int, int]) -> str:
    """Say what a mixture lacks; empty if it can be made."""
    _, wanted = draws.mixture_counts(len(code), *ratio)
    if wanted <= len(candidates):
        return ""
    return (
        f"found {len(candidates):,} usable records in the pool {other.pool.name!r}; expected at least {wanted:,} for "
        f"{ratio[0]}:{ratio[1]} of {len(code):,}. A larger pool: --other {other.pool.name}=PATH. Only the mixtures "
        "that can be made: --skip-large-mixtures"
    )


def domain_splits(
    workspace: Workspace,
    options: argparse.Namespace,
    code: Records,
    others: Sequence[Records],
    candidates: Sequence[np.ndarray],
) -> list[Split]:
    """Make the baseline, then a mixture for every other domain, ratio and repeat.

    Raises:
        InputError: another domain has fewer records than a ratio asks for, and no flag says to go on without.
    """
    prefix = f"{QUESTION.id}_{code.pool.label}"
    made = [Split(f"{prefix}_CODE_10_0", [(code, np.arange(len(code)))], {DOSE: 0.0})]
    for other, usable in zip(others, candidates, strict=True):
        for ratio in RATIOS:
            code_names = workspace.names(f"{prefix}_CODE_{ratio_name(ratio)}")
            names = workspace.names(f"{prefix}_{other.pool.label}_{ratio_name(ratio)}")
            lacking = too_few(code, other, usable, ratio)
            if lacking and not options.skip_large_mixtures:
                raise InputError(f"{names[0]}: {lacking}")
            if lacking:
                print(f"{names[0]}: left out: {lacking.partition('. ')[0]}")
                continue
            counts = draws.mixture_counts(len(code), *ratio)
            for code_name, name in zip(code_names, names, strict=True):
                draw_names = (f"{name} code" if options.fresh_code else code_name, name)
                parts = mixture(code, other, usable, counts, workspace.seed, draw_names, shuffle=options.shuffle)
                made.append(Split(name, parts, {DOSE: counts[1] / max(1, sum(counts))}))
    return made


def planned(workspace: Workspace, others: Sequence[Pool], pool: Pool, n: int) -> dict[str, int]:
    """Return split name -> number of records, for a code pool of ``n``."""
    prefix = f"{QUESTION.id}_{pool.label}"
    mixed = {
        name: sum(draws.mixture_counts(n, *ratio))
        for other in others
        for ratio in RATIOS
        for name in workspace.names(f"{prefix}_{other.label}_{ratio_name(ratio)}")
    }
    return {f"{prefix}_CODE_10_0": n} | mixed


class Domains:
    """The other domains' pools, each read once; a pool of the demo grows to the need of the largest mixture."""

    def __init__(self, workspace: Workspace, *, drop_input: bool):
        self._workspace, self._drop_input = workspace, drop_input
        self._read: dict[str, Records] = {}

    def records(self, other: Pool, n: int) -> Records:
        """Return the records of another domain, for mixtures with a code pool of ``n``."""
        workspace, most = self._workspace, max(draws.mixture_counts(n, *ratio)[1] for ratio in RATIOS)
        grows = workspace.demo and demo_root.can_grow(other)
        if other.name not in self._read:
            self._read[other.name] = workspace.read(other, drop_input=self._drop_input)
        if grows and len(self._read[other.name]) < most:
            if workspace.dry_run:
                print(f"would make   {demo_root.grown_pool(other, most).path}: at least {most:,} records of the demo")
                raise PlanEnded(n)
            larger = demo_root.grown(workspace.root, other, most)
            return workspace.read(larger, drop_input=self._drop_input)
        return self._read[other.name]


def publish_pool(
    workspace: Workspace, options: argparse.Namespace, others: Sequence[Pool], read: Domains, pool: Pool
) -> None:
    """Make and publish the splits of one code pool."""
    code = workspace.read(pool)
    domains = [read.records(other, len(code)) for other in others]
    candidates = [eligible(other) if options.drop_code else np.arange(len(other)) for other in domains]
    dropped = {one.pool.name: len(one) - len(few) for one, few in zip(domains, candidates, strict=True)}
    settings = {
        "generation": options.generation,
        "ratios": RATIOS,
        "repeats": workspace.repeats,
        "shuffle": options.shuffle,
        "fresh_code": options.fresh_code,
        "drop_input": options.drop_input,
        "dropped_code_records": dropped if options.drop_code else None,
    }
    publication = workspace.begin(QUESTION, [code, *domains], settings, draws=True)
    publication.splits(domain_splits(workspace, options, code, domains, candidates))


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__, draws=True)
    group = result.add_argument_group("domain composition")
    cli.add_generation_flag(group)
    group.add_argument(
        "--other",
        action="append",
        metavar="NAME[=PATH]",
        help="pool of another domain to mix in; repeatable (default: math and general)",
    )
    group.add_argument(
        "--drop-input", action="store_true", help="leave the other domains' inputs out, as the study does"
    )
    for flag, text in (
        ("--drop-code", "leave out records of the other domains that hold code"),
        ("--shuffle", "put the records of every mixture into a random order"),
        ("--fresh-code", "draw the code records of every mixture anew; else all domains share those of a ratio"),
    ):
        group.add_argument(
            flag, action=argparse.BooleanOptionalAction, default=False, help=f"{text} (by default in 2025-12)"
        )
    group.add_argument(
        "--skip-large-mixtures",
        action="store_true",
        help="leave out, and name, the mixtures for which another domain has too few records",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__, GENERATIONS)
    others = workspace.choose(options.other or OTHERS, {})
    both = {pool.name for pool in workspace.code_pools} & {other.name for other in others}
    if both:
        raise InputError(
            f"pool {both.pop()!r}: found it as code and as another domain; expected one of them: name others by --other"
        )
    workspace.for_each_pool(
        partial(publish_pool, workspace, options, others, Domains(workspace, drop_input=options.drop_input)),
        QUESTION,
        expects=lambda pool, n: planned(workspace, others, pool, n),
    )
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
