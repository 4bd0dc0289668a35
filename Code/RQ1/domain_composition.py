"""RQ1, domain composition: what happens when part of the code records gives way to another domain?

Code records of a pool are replaced by mathematical or general ones at 97:3, 9:1 and 7:3, the total held at the code
pool's size; the unmixed pool is the baseline. For both code pools that makes 14 splits, in Datas/RQ1/<POOL>/:

    RQ1_<POOL>_CODE_10_0.json                      the code pool as it is
    RQ1_<POOL>_<MATH|GENERAL>_<97_3|9_1|7_3>.json  code first, then the other domain

with RQ1_<POOL>_scores.parquet (which record stands where) and RQ1_<POOL>_manifest.json.

    python Code/RQ1/domain_composition.py            the study's pools
    python Code/RQ1/domain_composition.py --demo     the demo's
"""

import argparse
import re
import sys
from collections.abc import Sequence

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish.split import Split
from instruction_data.select import draws
from instruction_data.workspace import Workspace

QUESTION = "RQ1"
RATIOS = ((97, 3), (9, 1), (7, 3))  # code : other domain
OTHERS = ("math", "general")

# Code in other domains (second generation of the study: dropped before mixing): a fence, or a line that only code has.
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
    """Whether a text holds fenced code or a line of real syntax (not merely an English word that is a keyword too)."""
    return CODE.search(text) is not None


def eligible(records: Records) -> np.ndarray:
    """Positions of the records without code in any of their texts."""
    keep = [not any(map(looks_like_code, (one.instruction, one.input, one.output))) for one in records]
    return np.flatnonzero(keep)


def ratio_name(ratio: tuple[int, int]) -> str:
    return f"{ratio[0]}_{ratio[1]}"


def mixture(
    code: Records, other: Records, candidates: np.ndarray, ratio: tuple[int, int], seed: int, names: tuple[str, str]
) -> list[tuple[Records, np.ndarray]]:
    """Draw both sides of one mixture.

    Args:
        candidates: positions of ``other`` that may be drawn.
        names: what the two draws depend on beside the seed. That of the code side does not name the other domain, so
            all domains share the code sample of a ratio.

    Raises:
        InputError: the other domain has fewer records than the ratio asks for.
    """
    from_code, from_other = draws.mixture_counts(len(code), *ratio)
    if from_other > len(candidates):
        raise InputError(
            f"{names[1]}: found {len(candidates):,} usable records in the pool {other.pool.name!r}; expected at least "
            f"{from_other:,} for {ratio[0]}:{ratio[1]} of {len(code):,}. A larger pool: --other {other.pool.name}=PATH"
        )
    drawn = candidates[draws.draw(len(candidates), from_other, seed, names[1])]
    return [(code, draws.draw(len(code), from_code, seed, names[0])), (other, drawn)]


def domain_splits(
    workspace: Workspace, code: Records, others: Sequence[Records], candidates: Sequence[np.ndarray]
) -> list[Split]:
    """The baseline, then every mixture of every other domain, ratio and repeat."""
    prefix = f"{QUESTION}_{code.pool.label}"
    everything = [(code, np.arange(len(code)))]
    made = [Split(f"{prefix}_CODE_10_0", everything, {"share of other domain": 0.0})]
    for other, usable in zip(others, candidates, strict=True):
        for ratio in RATIOS:
            code_draws = workspace.names(f"{prefix}_CODE_{ratio_name(ratio)}")
            other_draws = workspace.names(f"{prefix}_{other.pool.label}_{ratio_name(ratio)}")
            for names in zip(code_draws, other_draws, strict=True):
                parts = mixture(code, other, usable, ratio, workspace.options.seed, names)
                share = len(parts[1][1]) / max(1, sum(len(drawn) for _, drawn in parts))
                made.append(Split(names[1], parts, {"share of other domain": share}))
    return made


def planned(workspace: Workspace, pool: Pool, others: Sequence[Pool], n: int) -> dict[str, int]:
    """Split name -> number of records, for a code pool of ``n``."""
    prefix = f"{QUESTION}_{pool.label}"
    mixed = {
        name: sum(draws.mixture_counts(n, *ratio))
        for other in others
        for ratio in RATIOS
        for name in workspace.names(f"{prefix}_{other.label}_{ratio_name(ratio)}")
    }
    return {f"{prefix}_CODE_10_0": n} | mixed


def publish_pool(workspace: Workspace, pool: Pool, others: Sequence[Records]) -> None:
    """Make and publish the splits of one code pool."""
    options = workspace.options
    code = workspace.read(pool)
    candidates = [eligible(other) if options.drop_code else np.arange(len(other)) for other in others]
    settings = {
        "ratios": RATIOS,
        "repeats": options.repeats,
        "drop_input": options.drop_input,
        "dropped_code_records": {
            one.pool.name: len(one) - len(few) for one, few in zip(others, candidates, strict=True)
        }
        if options.drop_code
        else None,
    }
    publication = workspace.begin(QUESTION, [code, *others], settings, draws=True)
    publication.splits(domain_splits(workspace, code, others, candidates))


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("domain composition")
    group.add_argument(
        "--other",
        action="append",
        metavar="NAME[=PATH]",
        help="pool of another domain to mix in; repeatable (default: math and general)",
    )
    group.add_argument(
        "--drop-input", action="store_true", help="leave the other domains' inputs out, as the study does"
    )
    group.add_argument(
        "--drop-code",
        action="store_true",
        help="leave out records of the other domains that hold code (second generation)",
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace = cli.open_workspace(parser(), argv, __file__)
    chosen = workspace.code_pools
    others = workspace.choose(workspace.options.other or OTHERS, {})
    both = {pool.name for pool in chosen} & {other.name for other in others}
    if both:
        raise InputError(
            f"pool {both.pop()!r}: found it as code and as another domain; expected one of them: name others by --other"
        )
    if workspace.options.dry_run:
        for pool in chosen:
            folder = f"Datas/{QUESTION}/{pool.label}"
            workspace.plan([pool, *others], "", folder, lambda n, *_, pool=pool: planned(workspace, pool, others, n))
        return 0
    domains = [workspace.read(other, drop_input=workspace.options.drop_input) for other in others]
    for pool in chosen:
        publish_pool(workspace, pool, domains)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
