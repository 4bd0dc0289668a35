"""Factorial design: which of several properties did it? Training sets in which all are varied at once, independently.

Draws 8 or 16 sets of one size. Every factor is high in one half of them and low in the other, and so in the half of
each half, as a two-level design of resolution IV or better says. The factors are numbers per record that other scripts
have published; here nothing is measured:

    diversity      1 − similarity to the pool                Code/RQ2/semantic_diversity.py
    complexity     complexity                                Code/RQ3/problem_complexity.py
    algorithmic    share of algorithmic records              Code/RQ4/task_category.py, type_coverage.py
    length         characters of the output                  Code/annotate/text_measures.py
    domain         0 or 40 % records of another pool         (with --sets 8 only if --factors names it)

Further ones come by --factor NAME=COLUMN (any published number, a judge's score, say) or NAME=COLUMN:WORD (the share
of records with that word, such as --factor python=language:Python). The levels of a factor differ by at least one
standard deviation of the pool, or what the pool allows; the means of sets that are meant to be alike by less than 0.1.
Sets share no record, or as few as that needs. A pool that cannot carry the design is refused. Writes, in
Datas/RQ5/<POOL>/:

    RQ5_<POOL>_SET<01|02|…>.json    with RQ5_<POOL>_scores.parquet and RQ5_<POOL>_manifest.json, which has the design

    python Code/derive/factorial_design.py --demo --pool oss
    python Code/derive/factorial_design.py --demo --pool oss --sets 16 --factors complexity length --factor judge=score
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.files.places import REPOSITORY
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import origins
from instruction_data.publish.origins import PoolColumn
from instruction_data.publish.question import Factors, Question
from instruction_data.publish.record_tables import KEYS, Column
from instruction_data.publish.split import Split
from instruction_data.select import draws, factorial
from instruction_data.select.factorial import Plan, Wanted
from instruction_data.workspace import Workspace

ID = "RQ5"
TITLE, ASKS = "all properties at once", "Which property does it, if all are varied independently of each other?"
DOMAIN = "domain"
DOMAIN_SHARES = (0.0, 0.4)  # of the other pool's records; they differ by one standard deviation of such a share
FOLLOWS = dict.fromkeys(
    ("category", "language", "compilable Python"), "it follows from the domain, which the sets were mixed by"
)
USED = 0.4  # of a pool in all sets together, by default
DEMO_SIZE = 75  # the most records in a set of the demo by default, so that a training takes two minutes
SETS = (8, 16)
ROMAN = {4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}
CATEGORIES = "Code/RQ4/task_category.py"
DIGITS = 9  # of the figures of a design


@dataclass(frozen=True)
class Factor:
    """A property of records that a design varies.

    Attributes:
        column: the published numbers.
        word: the word that counts as 1 and all others as 0, if the column holds words.
        question: whose one contrast asks for this property alone.
        scripts: these make the numbers.
        code_only: whether only code records have the number; a set's mean is then that of its code records.
        falls: whether the property is high where the number is low.
    """

    name: str
    column: str
    word: str = ""
    question: str | None = None
    scripts: tuple[str, ...] = ()
    code_only: bool = False
    falls: bool = False


USUAL = (
    Factor("diversity", "similarity", "", "RQ2", ("Code/RQ2/semantic_diversity.py",), code_only=True, falls=True),
    Factor("complexity", "complexity", "", "RQ3", ("Code/RQ3/problem_complexity.py",), code_only=True),
    Factor("algorithmic", "algorithmic", "", "RQ4", (CATEGORIES, "Code/RQ4/type_coverage.py"), code_only=True),
    Factor("length", "output_characters", scripts=("Code/annotate/text_measures.py",)),
    Factor(DOMAIN, "other_domain", question="RQ1"),
)


def chosen_factors(options: argparse.Namespace) -> list[Factor]:
    """Return the factors that the flags name, the domain last.

    Raises:
        InputError: two have one name, a further one has a name that means something else, or there is none.
    """
    usual = [one.name for one in USUAL if one.name != DOMAIN or options.sets > min(SETS)]
    names = usual if options.factors is None else options.factors
    found = [one for one in USUAL if one.name in names] + [
        Factor(*FURTHER.fullmatch(text).groups(default="")) for text in options.factor
    ]
    found.sort(key=lambda one: one.name == DOMAIN)
    if not found:
        raise InputError("--factors: found no factor; expected some: name them, or give your own with --factor")
    refuse_names([one.name for one in found], [text.partition("=")[0] for text in options.factor])
    return found


def refuse_names(names: Sequence[str], further: Sequence[str]) -> None:
    """Raise InputError if a further factor has a name that means something else, or two factors have one name."""
    for name in further:
        if name == DOMAIN:
            raise InputError(
                f"--factor {name}: found the name of the mix of two pools; expected another name: --factors {DOMAIN} "
                "varies the mix"
            )
        if name in KEYS or name.startswith(f"{ID}_"):
            raise InputError(
                f"--factor {name}: found the name of another column of the sets' table; expected none of "
                f"{', '.join(KEYS)}, and none that begins with {ID}_, as the sets' names do"
            )
    double = [name for name in names if names.count(name) > 1]
    if double:
        raise InputError(f"--factor {double[0]}: found two factors of that name; expected names that differ")


def levels_of(factors: Sequence[Factor], sets: int) -> np.ndarray:
    """Return the design, int ``[sets, factors]`` of −1 and 1.

    Raises:
        InputError: no design of resolution IV has so many factors in so few sets.
    """
    try:
        return factorial.design(len(factors), sets)
    except ValueError as error:
        names = ", ".join(one.name for one in factors)
        wider = f"--sets {max(SETS)}, or " if sets < max(SETS) and len(factors) <= max(SETS) // 2 else ""
        raise InputError(
            f"--sets {sets}: found {len(factors)} factors ({names}), which so few sets could vary at resolution III at "
            "best: no main effect could be told from the interaction of two other factors; expected resolution IV or "
            f"better: {wider}at most {sets // 2} factors (--factors names them)"
        ) from error


class Numbers:
    """The published numbers of one pool's records, of those factors that its records have."""

    def __init__(self, workspace: Workspace, records: Records, *, is_code: bool):
        self.records = records
        self._is_code = is_code
        self.used: dict[str, PoolColumn] = {}
        self._workspace = workspace
        self._published = origins.published_columns(workspace.root, records)

    def values(self, factor: Factor) -> np.ndarray:
        """Return the factor of every record; float64 ``[n]``, NaN where it is missing.

        Raises:
            InputError: there are no such numbers.
        """
        found = self._published.get(factor.column)
        if found is None:
            raise InputError(
                f"factor {factor.name}: found no published numbers {quoted(factor.column)} of all records of the pool "
                f"{self.records.pool.name!r}; expected them: {self._cure(factor)}"
            )
        self.used[factor.name] = found
        values = self._numbers_of(factor, found)
        if not np.isfinite(values).any():
            raise InputError(
                f"pool {self.records.pool.name!r}: found no usable number of {factor.name} in {factor.column}; "
                "expected some: leave it out (--factors)"
            )
        return values

    def _numbers_of(self, factor: Factor, found: PoolColumn) -> np.ndarray:
        """Return a published column as numbers; see ``values``."""
        values = found.column.values
        if found.column.kind == "word":
            words = sorted({word for word in values if word is not None})
            if not factor.word or (self._is_code and factor.word not in words):
                shown = ", ".join(map(quoted, words[:10]))
                raise InputError(
                    f"--factor {factor.name}: found the words {shown} in {factor.column}; expected one of them: "
                    f"--factor {factor.name}={factor.column}:WORD"
                )
            return np.array([np.nan if word is None else float(word == factor.word) for word in values])
        if factor.word:
            raise InputError(f"--factor {factor.name}: found numbers in {factor.column}; expected words, for a WORD")
        return 1 - values if factor.falls else np.asarray(values, dtype=np.float64)

    def _cure(self, factor: Factor) -> str:
        """Return the commands that make a factor's numbers, or the columns that there are."""
        workspace = self._workspace
        where = ["--demo"] if workspace.demo else []
        where += [] if workspace.root == REPOSITORY else ["--root", str(workspace.root)]
        words = " ".join([*where, *workspace.pool_words(self.records.pool)])
        made = " and ".join(f"python {script} {words}" for script in factor.scripts)
        return made or f"one of {', '.join(self._published) or 'none'}, or fewer factors"


@dataclass(frozen=True)
class Material:
    """The records that sets are drawn from, those of the code pool first.

    Attributes:
        factors: those whose level is a mean of published numbers: all but the domain.
        sources: the pools' records.
        positions: of each usable record in its pool.
        pools: the number of each usable record's pool.
        values: ``[n, F]``, the factors of each usable record; NaN where its pool lacks one.
        columns: of each pool, factor -> published column.
    """

    factors: Sequence[Factor]
    sources: Sequence[Records]
    positions: np.ndarray
    pools: np.ndarray
    values: np.ndarray
    columns: Sequence[Mapping[str, PoolColumn]]

    @property
    def code(self) -> np.ndarray:
        """The factors of the usable code records."""
        return self.values[self.pools == 0]

    def wanted(self, levels: np.ndarray, counts: np.ndarray) -> Wanted:
        """Return the request for sets with these levels and numbers of records."""
        scale = self.code.std(axis=0)
        scaled = (self.values - self.code.mean(axis=0)) / np.where(scale > 0, scale, 1)
        return Wanted(scaled, self.pools, counts, levels[:, : len(self.factors)])

    def split(self, name: str, chosen: np.ndarray, seed: int) -> Split:
        """Return a split of these records, with the mean of every factor as its figures."""
        parts = []
        for number, records in enumerate(self.sources):
            rows = self.positions[chosen[self.pools[chosen] == number]]
            parts.append((records, rows[draws.permutation(len(rows), seed, f"{name} {records.pool.name} order")]))
        figures = dict(zip((one.name for one in self.factors), np.nanmean(self.values[chosen], axis=0), strict=True))
        figures |= {DOMAIN: (self.pools[chosen] > 0).mean()} if len(self.sources) > 1 else {}
        return Split(name, [part for part in parts if len(part[1])], figures)


def material(workspace: Workspace, factors: Sequence[Factor], sources: Sequence[Records]) -> Material:
    """Gather the records that have all numbers; of equal records only the first, so that no set holds one twice.

    Raises:
        InputError: numbers are missing.
    """
    measured, seen = [one for one in factors if one.name != DOMAIN], set()
    positions, pools, values, columns = [], [], [], []
    for number, records in enumerate(sources):
        numbers = Numbers(workspace, records, is_code=not number)
        table = np.full((len(records), len(measured)), np.nan)
        there = [place for place, one in enumerate(measured) if not (number and one.code_only)]
        for place in there:
            table[:, place] = numbers.values(measured[place])
        first = np.array([sha256 not in seen and not seen.add(sha256) for sha256 in records.hashes])
        usable = np.flatnonzero(first & np.isfinite(table[:, there]).all(axis=1))
        without = {measured[place].name: int((~np.isfinite(table[:, place])).sum()) for place in there}
        said = [f"{count:,} lack {name}" for name, count in without.items() if count]
        said += [f"{int((~first).sum()):,} equal another"] if not first.all() else []
        if said:
            print(f"pool {records.pool.name!r}: {len(records) - len(usable):,} records left out: {', '.join(said)}")
        positions.append(usable)
        pools.append(np.full(len(usable), number))
        values.append(table[usable])
        columns.append(numbers.used)
    return Material(measured, sources, *map(np.concatenate, (positions, pools, values)), columns)


def counts_of(factors: Sequence[Factor], levels: np.ndarray, size: int) -> np.ndarray:
    """Return the records of each set from the code pool, and from the other one if the domain is a factor."""
    if factors[-1].name != DOMAIN:
        return np.full((len(levels), 1), size)
    other = np.array([round(size * share) for share in DOMAIN_SHARES])[(levels[:, -1] > 0).astype(int)]
    return np.column_stack([size - other, other])


def check(made: Material, counts: np.ndarray) -> None:
    """Raise InputError if the records are too few for one set, or a factor is the same in all of them."""
    enough = [int(count) for count in np.bincount(made.pools, minlength=counts.shape[1])]
    for records, there, most in zip(made.sources, enough, counts.max(axis=0), strict=True):
        if there < most:
            raise InputError(
                f"pool {records.pool.name!r}: found {there:,} records with all factors; expected at least {most:,} for "
                "one set: a smaller --size, other factors, or a larger pool"
            )
    for one, values in zip(made.factors, made.code.T, strict=True):
        if np.ptp(values) == 0:
            raise InputError(
                f"pool {made.sources[0].pool.name!r}: found that {one.name} is the same in all records with all "
                "factors; expected one that differs: leave it out (--factors)"
            )


def drawn(made: Material, wanted: Wanted, names: Sequence[str], seed: int) -> tuple[Plan, list[list[np.ndarray]]]:
    """Draw the sets once for each name of a draw.

    Raises:
        InputError: the records do not carry the design.
    """
    plan = factorial.plan(wanted, seed, names[0])
    if plan is None:
        raise InputError(refusal(made, wanted, factorial.inseparable(wanted, seed, names[0])))
    found = factorial.drawn(wanted, plan, seed, names)
    if found is None:
        size = wanted.counts.sum(axis=1).max()
        raise InputError(
            f"pool {made.sources[0].pool.name!r}: found no sets of {size:,} records whose means are alike within "
            f"{factorial.ALIKE} standard deviations, as so few records or such rare ones cannot be; expected some: a "
            "larger --size, a larger pool, or fewer factors (--factors)"
        )
    return found


def refusal(made: Material, wanted: Wanted, at_fault: Sequence[int]) -> str:
    """Say why a pool cannot carry a design."""
    names = [made.factors[one].name for one in at_fault]
    found = f"pool {made.sources[0].pool.name!r}: found that sets of {wanted.counts.sum(axis=1).max():,} records"
    least = f"at least {factorial.DIFFERENCES[-1]} standard deviations between the levels of each factor"
    if len(names) == 1:
        why = f"{names[0]} cannot be moved so far by itself"
        return f"{found} cannot be made, since {why}; expected {least}: leave it out (--factors), or a smaller --size"
    related = f"{factorial.correlation(wanted.values, *at_fault[:2]):+.2f}"
    why = f"{names[0]} and {names[1]} cannot be parted (their correlation is {related})"
    if len(names) > 2:
        why = f"{', '.join(names[:-1])} and {names[-1]} cannot be parted all at once, though fewer can (the most "
        why += f"correlated are {names[0]} and {names[1]}: {related})"
    return (
        f"{found} cannot be made, since {why}; expected {least}: leave one of them out (--factors), or a smaller --size"
    )


def entry(factor: Factor, splits: Sequence[Split], high: np.ndarray, made: Material) -> dict:
    """Return the description of a factor in the manifest, with the means of its levels and the balance achieved."""
    means = np.array([split.summary[factor.name] for split in splits])
    if factor.name == DOMAIN:
        scale, unit = float(np.sqrt(np.mean(DOMAIN_SHARES) * (1 - np.mean(DOMAIN_SHARES)))), "share"
    else:
        column = made.columns[0][factor.name].column
        scale = float(made.code[:, list(made.factors).index(factor)].std())
        unit = "share" if column.kind in ("flag", "word") else column.unit
    figures = {
        "scale": scale,
        "low": means[~high].mean(),
        "high": means[high].mean(),
        "difference": (means[high].mean() - means[~high].mean()) / scale,
        "within": max(np.ptp(means[part]) for part in (high, ~high)) / scale,
    }
    described = {"column": factor.column, "word": factor.word or None, "unit": unit, "question": factor.question}
    if factor.name == DOMAIN:
        described["other"] = made.sources[1].pool.name
    return described | {name: float(f"{value:.{DIGITS}g}") for name, value in figures.items()}


def overlap(sets: Sequence[np.ndarray]) -> float:
    """Return the largest share of a set's records that another set of the same draw has."""
    pairs = ((one, other) for place, one in enumerate(sets) for other in sets[:place])
    return max(len(np.intersect1d(one, other)) / len(one) for one, other in pairs)


def effect(numbers: Sequence[int], factors: Sequence[Factor]) -> str:
    """Return the name of a main effect or an interaction."""
    return ":".join(factors[number].name for number in numbers)


def design_of(factors: Sequence[Factor], levels: np.ndarray) -> dict:
    """Return what a design is by itself: its resolution, generators and aliases."""
    resolution = factorial.resolution(levels)
    generators: dict[int, tuple[int, ...]] = {}
    for word in sorted(factorial.words(levels), key=len):
        generators.setdefault(word[-1], word)
    return {
        "resolution": ROMAN[resolution] if resolution else "full",
        "generators": [f"{factors[last].name}={effect(word[:-1], factors)}" for last, word in generators.items()],
        "aliases": [[effect(one, factors) for one in group] for group in factorial.aliases(levels)],
    }


def set_size(workspace: Workspace, options: argparse.Namespace, n: int) -> int:
    """Return the records of each set drawn from ``n`` code records."""
    most = DEMO_SIZE if workspace.demo else n
    return options.size or max(1, min(most, int(USED * n) // options.sets))


def names_of(workspace: Workspace, pool: Pool, sets: int) -> list[list[str]]:
    """Return the names of the sets, a list for each draw."""
    endings = workspace.names("")
    return [[f"{ID}_{pool.label}_SET{number:02}{ending}" for number in range(1, sets + 1)] for ending in endings]


def publish_pool(
    workspace: Workspace, options: argparse.Namespace, factors: Sequence[Factor], other: Pool, pool: Pool
) -> None:
    """Draw and publish the sets of one code pool."""
    sources = [workspace.read(pool), *([workspace.read(other)] if factors[-1].name == DOMAIN else [])]
    made, levels = material(workspace, factors, sources), levels_of(factors, options.sets)
    size = set_size(workspace, options, len(made.code))
    counts = counts_of(factors, levels, size)
    check(made, counts)
    wanted = made.wanted(levels, counts)
    draw_names = [f"{ID}_{pool.label}{ending}" for ending in workspace.names("")]
    plan, chosen = drawn(made, wanted, draw_names, workspace.seed)
    splits = [
        made.split(name, rows, workspace.seed)
        for names, sets in zip(names_of(workspace, pool, options.sets), chosen, strict=True)
        for name, rows in zip(names, sets, strict=True)
    ]
    high = np.tile(levels > 0, (len(chosen), 1))
    design = {
        "factors": {one.name: entry(one, splits, high[:, place], made) for place, one in enumerate(factors)},
        **design_of(factors, levels),
        "asked": {"difference": plan.difference, "within": factorial.ALIKE, "uses": plan.uses},
        "disjoint": plan.uses == 1,
        "overlap": float(f"{max(map(overlap, chosen)):.{DIGITS}g}"),
    }
    columns = [one for of in made.columns for one in of.values()]
    publication = workspace.begin(
        question(factors, made, splits, high),
        sources,
        {"sets": options.sets, "size": size, "repeats": workspace.repeats, "design": design},
        draws=True,
        models={role: model for one in columns for role, model in one.models.items()},
        inputs=sorted({one.path for one in columns}),
    )
    publication.splits(splits, traced(made))
    say_scarce(made, levels, chosen[0])
    say_design(design)


def question(factors: Sequence[Factor], made: Material, splits: Sequence[Split], high: np.ndarray) -> Question:
    """Return the declaration of these sets: every factor is a primary contrast."""
    traits = [
        DOMAIN if one.name == DOMAIN else made.columns[0][one.name].column.declaration["trait"] for one in factors
    ]
    names = np.array([split.name for split in splits])
    return Question(
        ID,
        title=TITLE,
        asks=ASKS,
        varies=tuple(dict.fromkeys(traits)),
        follows=FOLLOWS if DOMAIN in traits else None,
        contrast=Factors({one.name: names[high[:, place]].tolist() for place, one in enumerate(factors)}),
    )


def traced(made: Material) -> list[Column]:
    """Return the factors of the code records as columns that trace the draw."""
    result = []
    for place, one in enumerate(made.factors):
        values = np.full(len(made.sources[0]), np.nan)
        values[made.positions[made.pools == 0]] = made.code[:, place]
        result.append(Column(one.name, values, f"factor: {one.name}", kind="note"))
    return result


def say_design(design: Mapping) -> None:
    """Print what a design can tell and what not, and the balance achieved."""
    generators = f": {', '.join(design['generators'])}" if design["generators"] else ""
    print(f"resolution {design['resolution']}{generators}")
    for group in design["aliases"]:
        print(f"not told apart: {' and '.join(group)}")
    for name, one in design["factors"].items():
        least = "" if one["difference"] >= factorial.ENOUGH else ", which is what the pool allows"
        print(
            f"{name}: {one['low']:.4g} or {one['high']:.4g} {one['unit']}".rstrip()
            + f", {one['difference']:.2f} standard deviations apart{least}; alike within {one['within']:.2f}"
        )
    shared = f"two sets share up to {design['overlap']:.0%} of their records"
    print("no two sets share a record\n" if design["disjoint"] else f"{shared}\n")


def say_scarce(made: Material, levels: np.ndarray, sets: Sequence[np.ndarray]) -> None:
    """Print which flags fewer records carry than the high sets hold in all, or lack than the low ones do.

    Args:
        levels: of the sets, -1 or 1 for each factor.
        sets: the records of each set, of one draw.
    """
    for place, one in enumerate(made.factors):
        known, values = np.unique(made.code[:, place]), made.values[:, place]
        for value, level, what in zip(known, (-1, 1), ("lack", "carry"), strict=True) if len(known) == 2 else ():
            of_level = [rows for rows, at in zip(sets, levels[:, place], strict=True) if at == level]
            there, held = (int((some == value).sum()) for some in (values, values[np.concatenate(of_level)]))
            if there < held:
                said = f"{one.name}: {len(of_level)} sets hold {held:,} records that {what} it"
                print(f"{said}, of which there {'is' if there == 1 else 'are'} only {there:,}")


FURTHER = re.compile(r"([A-Za-z][\w-]*)=([^:]+)(?::(.+))?")


def further(text: str) -> str:
    """Check NAME=COLUMN or NAME=COLUMN:WORD, for argparse."""
    if not FURTHER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected NAME=COLUMN or NAME=COLUMN:WORD")
    return text


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__, draws=True)
    group = result.add_argument_group("factorial design")
    group.add_argument("--sets", type=int, choices=SETS, default=SETS[0], help="how many (default: %(default)s)")
    group.add_argument(
        "--size",
        type=cli.positive,
        metavar="N",
        help=f"records in each set (default: {USED:.0%}% of the pool in all; with --demo {DEMO_SIZE} at most)",
    )
    group.add_argument(
        "--factors",
        nargs="*",
        choices=[one.name for one in USUAL],
        metavar="NAME",
        help=f"which of {', '.join(one.name for one in USUAL)}; without names none of them, for your own alone "
        f"(default: all; with --sets 8 all but {DOMAIN})",
    )
    group.add_argument(
        "--factor",
        type=further,
        action="append",
        default=[],
        metavar="NAME=COLUMN[:WORD]",
        help="a further factor: any published numbers per record, or the share of records with a word; repeatable",
    )
    group.add_argument(
        "--other", default="math", metavar="NAME[=PATH]", help=f"pool of the {DOMAIN} factor (default: %(default)s)"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    factors = chosen_factors(options)
    levels_of(factors, options.sets)
    (other,) = workspace.choose([options.other], {})
    workspace.for_each_pool(
        partial(publish_pool, workspace, options, factors, other),
        Question(ID),
        expects=lambda pool, n: {
            name: set_size(workspace, options, n) for names in names_of(workspace, pool, options.sets) for name in names
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
