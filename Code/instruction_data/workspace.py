"""A workspace: a study root and the settings of one run on it, as typed fields.

Scripts read pools, compute numbers and publish sets through their workspace, so each flag is honoured in one place and
for every script. The workspace owns the dry run. Reading says what it reads. Computing says what it would compute, and
ends the plan of that pool if it needs a model's numbers. Publishing says what it would write.
"""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from instruction_data.errors import InputError, printable
from instruction_data.numbers import features
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Engine, Feature, Local
from instruction_data.pools import reading
from instruction_data.pools.records import Records
from instruction_data.pools.table import NotHereError, Pool, borrowed_name, chosen_pool, known_pools
from instruction_data.publish import publication
from instruction_data.publish.publication import Place, Publication, Terms
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column

CODE_POOLS = ("oss", "evol")
FAILED_SHOWN = 20
SEED = 42  # the study's second generation used it; its first fixed no seed


class PlanEnded(Exception):
    """A dry run can plan no further for a pool: the next step needs its content, or numbers not computed yet.

    Attributes:
        records: the number of the pool's records.
    """

    def __init__(self, records: int):
        super().__init__(records)
        self.records = records


@dataclass(frozen=True)
class Workspace:
    """A study root and the settings of one run on it.

    Attributes:
        root: the study root.
        script: the script's path below the repository, for the command in manifests.
        demo: whether to use the demo's root or models.
        dry_run: say what would be read, computed and written, and write nothing.
        overwrite: replace the results of an earlier, different run.
        seed: with the split's name, it decides every draw.
        repeats: the number of draws of each split.
        pool_choices: values of ``--pool``; empty for the study's code pools.
        field_names: ``instruction``, ``input``, ``output`` -> the field's name in the file given by ``--pool``.
        limit: only the first N records of every pool.
        skip_bad: go on without unusable records.
        neutralise: put a space into control tokens of chat templates.
        skip_failed: leave out records for which a model gives no usable number.
        device, dtype: where a model runs, and the precision of its weights.
        engine: computes what the cache does not have.
        flags: the words of the given flags that affect the result, by flag.
    """

    root: Path
    script: str = ""
    demo: bool = False
    dry_run: bool = False
    overwrite: bool = False
    seed: int = SEED
    repeats: int = 1
    pool_choices: tuple[str, ...] = ()
    field_names: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    skip_bad: bool = False
    neutralise: bool = False
    skip_failed: bool = False
    device: str | None = None
    dtype: str = "float32"
    engine: Engine = field(default_factory=Local)
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def known_pools(self) -> dict[str, Pool]:
        return known_pools(self.root)

    @cached_property
    def code_pools(self) -> list[Pool]:
        """The code pools that this run works on."""
        choices = self.pool_choices or CODE_POOLS
        if self.field_names and not any("=" in choice for choice in choices):
            raise InputError("--fields: found no --pool NAME=PATH; expected one whose fields it names")
        return self.choose(choices, self.field_names)

    def choose(self, choices: Sequence[str], field_names: Mapping[str, str]) -> list[Pool]:
        """Return the pools that the values of --pool mean; refuse the same name twice."""
        chosen = {}
        for choice in choices:
            pool = chosen_pool(self.known_pools, choice, dict(field_names))
            if pool.name in chosen:
                raise InputError(f"pool {pool.name!r} is given twice; expected each once")
            chosen[pool.name] = pool
            note = borrowed_name(pool, self.root)
            if note:
                print(note, file=sys.stderr)
        return list(chosen.values())

    @property
    def cache(self) -> Path:
        """The folder of computed numbers, made on first use; a dry run makes none."""
        folder = self.root / ".cache"
        if not self.dry_run:
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def scratch(self) -> Path | None:
        """The folder for unnamed temporary files; None for the system's."""
        return None if self.dry_run else self.cache

    def read(self, pool: Pool, *, drop_input: bool = False) -> Records:
        """Read the records of a pool, as this run's flags demand.

        Raises:
            InputError: as ``reading.read`` does.
            PlanEnded: this is a dry run, and the pool is not here.
        """
        try:
            records = reading.read(
                pool,
                self.root,
                limit=self.limit,
                skip_bad=self.skip_bad,
                drop_input=drop_input,
                neutralise=self.neutralise,
                spool_folder=self.scratch,
            )
        except NotHereError as error:
            if not self.dry_run or pool.records is None:
                raise
            count = min(pool.records, self.limit or pool.records)
            print(
                f"would read   {printable(pool.path)}: {count:,} records by its data card; the content is NOT HERE yet"
            )
            print(f"             a run would end here: {error}")
            raise PlanEnded(count) from error
        if self.dry_run:
            size = pool.file(self.root).stat().st_size / 1e6
            print(f"would read   {printable(pool.path)}: {len(records):,} records, {size:,.1f} MB")
        return records

    def compute(self, texts: Sequence[str], feature: Feature, engine: Engine | None = None) -> Arrays:
        """Compute the feature of every text through the root's cache.

        Args:
            engine: computes what the cache does not have; by default this run's.

        Raises:
            PlanEnded: this is a dry run, and the cache lacks the numbers of some texts.
        """
        if self.dry_run:
            missing = features.missing(texts, feature, self.cache)
            print(f"would compute {feature.label} of {len(texts):,} texts, {missing:,} of them not in the cache yet")
            if missing:
                raise PlanEnded(len(texts))
        return features.compute(texts, feature, self.cache, engine or self.engine, scratch=self.scratch)

    def usable(self, records: Records, good: np.ndarray) -> np.ndarray:
        """Return the positions of the records with usable numbers from the model.

        Args:
            good: bool ``[n]``, whether a record's numbers are usable.

        Raises:
            InputError: some are not usable, and ``--skip-failed`` is not given.
        """
        failed = records.rows[~good]
        if len(failed):
            rows = ", ".join(map(str, failed[:FAILED_SHOWN])) + (" …" if len(failed) > FAILED_SHOWN else "")
            found = (
                f"pool {records.pool.name!r}: the model gave no usable number for {len(failed):,} records (rows {rows})"
            )
            if not self.skip_failed:
                raise InputError(f"{found}; expected one each. --skip-failed leaves them out of every tier")
            print(f"{found}: left out, marked by missing numbers in the scores", file=sys.stderr)
        return np.flatnonzero(good)

    def names(self, name: str) -> list[str]:
        """Return the names of the repeated draws of one split; the first is always the plain name."""
        return [name] + [f"{name}_R{number}" for number in range(2, self.repeats + 1)]

    def for_each_pool(
        self,
        publish: Callable[[Pool], None],
        question: Question,
        expects: Callable[[Pool, int], Mapping[str, int]] | None = None,
        computes: str = "",
        pools: Sequence[Pool] | None = None,
    ) -> None:
        """Publish one code pool after the other; a dry run plans all of them, each as far as possible.

        Args:
            publish: reads, computes and publishes one pool.
            question: the question of these splits.
            expects: pool, number of its records -> split name -> approximate number of records in that split.
            computes: the computation in words, for pools that are not here.
            pools: by default the code pools.
        """
        for pool in self.code_pools if pools is None else pools:
            try:
                publish(pool)
            except PlanEnded as end:
                if isinstance(end.__cause__, NotHereError) and computes:
                    print(f"would compute {computes}")
                folder = Place.of_splits(question.id, pool).folder
                for name, records in (expects(pool, end.records) if expects else {}).items():
                    print(f"would write  {folder}/{name}.json: about {records:,} records")
                print(f"would write  a table of numbers and the manifest, under {printable(str(self.root))}\n")

    def begin(
        self,
        question: Question,
        sources: Sequence[Records],
        settings: Mapping,
        *,
        draws: bool = False,
        models: Mapping[str, Mapping] | None = None,
        inputs: Sequence[Path] = (),
        place: Place | None = None,
        subject: Sequence[str] | None = None,
    ) -> Publication:
        """Begin a publication: describe what was read and asked for, and check that the set may be written.

        Args:
            sources: the pools read, the code pool first.
            settings: constants and flags that shape the result.
            draws: whether the seed shapes it, too.
            models: role -> identity of the model.
            inputs: the other published files that were read.
            place: by default ``Datas/<question>/<POOL>``.
            subject: the words of the command that name its object; by default the pool.

        Raises:
            InputError: there are results that were made otherwise, and ``--overwrite`` is not given.
        """
        terms = Terms(self.root, self.dry_run, self.overwrite)
        settings = {"limit": self.limit, **settings}
        command = self.command(self.pool_words(sources[0].pool) if subject is None else subject)
        seed = self.seed if draws else None
        return publication.begin(
            terms, question, sources, settings, command, seed=seed, models=models, inputs=inputs, place=place
        )

    def publish_numbers(
        self,
        name: str,
        records: Records,
        columns: Sequence[Column],
        settings: Mapping | None = None,
        *,
        models: Mapping[str, Mapping] | None = None,
        inputs: Sequence[Path] = (),
    ) -> None:
        """Publish numbers per record of a pool that belong to no question, in ``Datas/Numbers/<POOL>``.

        Args:
            name: the table's name, e.g. ``judge``.
            columns: each with one value per record.
            settings, models, inputs: as for ``begin``.
        """
        question = Question(publication.NUMBERS, title=f"numbers per record: {name}")
        place = Place.of_numbers(name, records.pool)
        begun = self.begin(question, [records], settings or {}, models=models, inputs=inputs, place=place)
        begun.numbers(columns)

    def pool_words(self, pool: Pool) -> list[str]:
        """Return the words of a command that name a pool."""
        return ["--pool", pool.name if pool == self.known_pools.get(pool.name) else f"{pool.name}={pool.path}"]

    def command(self, subject: Sequence[str]) -> str:
        """Return the command that makes the results again, with the subject and the given flags that affect them."""
        words = ["python", self.script, *subject]
        for flag, given in self.flags.items():
            if flag not in subject:
                one = len(given) == 1 and given[0].startswith("-")  # argparse would take the word for a flag
                words += [f"{flag}={given[0]}"] if one else [flag, *given]
        return shlex.join(_without_folder(word) for word in words)


def _without_folder(word: str) -> str:
    """Reduce PATH and NAME=PATH to the file's name, since manifests hold no absolute paths."""
    name, separator, path = word.rpartition("=")
    return f"{name}{separator}{Path(path).name}" if path.startswith("~/") or Path(path).is_absolute() else word
