"""A workspace: a study root and what one run was asked to do with it."""

import argparse
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from instruction_data.errors import InputError, printable
from instruction_data.numbers import features
from instruction_data.numbers.features import Arrays, Feature, Local
from instruction_data.numbers.ray import Ray
from instruction_data.pools import reading
from instruction_data.pools.records import Records
from instruction_data.pools.table import NotHereError, Pool, chosen_pool, known_pools
from instruction_data.publish.publication import begin

CODE_POOLS = ("oss", "evol")
FAILED_SHOWN = 20

# Flags that say where or how to run and cannot change a byte of the result.
_NOT_IN_COMMAND = {"help", "root", "pool", "dry_run", "overwrite", "device"} | {
    "engine",
    "ray_address",
    "worker_cpus",
    "worker_gpus",
}


@dataclass(frozen=True)
class Workspace:
    """A study root and what one run was asked to do with it."""

    root: Path
    options: argparse.Namespace
    script: str
    parser: argparse.ArgumentParser

    @cached_property
    def known_pools(self) -> dict[str, Pool]:
        return known_pools(self.root)

    @property
    def code_pools(self) -> list[Pool]:
        """The code pools this run works on."""
        choices = self.options.pool or list(CODE_POOLS)
        if self.options.fields and not any("=" in choice for choice in choices):
            raise InputError("--fields: found no --pool NAME=PATH; expected one whose fields it names")
        return self.choose(choices, self.options.fields)

    def choose(self, choices: list[str], field_names: dict[str, str]) -> list[Pool]:
        """The pools that values of --pool mean; the same name twice is refused."""
        chosen = {}
        for choice in choices:
            pool = chosen_pool(self.known_pools, choice, field_names)
            if pool.name in chosen:
                raise InputError(f"pool {pool.name!r} is given twice; expected each once")
            chosen[pool.name] = pool
        return list(chosen.values())

    @property
    def cache(self) -> Path:
        """Folder of computed numbers, made on first use."""
        folder = self.root / ".cache"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def read(self, pool: Pool, *, drop_input: bool = False) -> Records:
        """The records of a pool, as the flags of this run ask for them."""
        return reading.read(
            pool,
            self.root,
            limit=self.options.limit,
            skip_bad=self.options.skip_bad,
            drop_input=drop_input,
            neutralise=self.options.neutralise_control_tokens,
            spool_folder=None if self.options.dry_run else self.cache,
        )

    def compute(self, texts: list[str], feature: Feature) -> Arrays:
        """The feature of every text, by the engine this run asks for and through the root's cache."""
        options = self.options
        if options.engine == "ray":
            engine = Ray(options.ray_address, options.worker_cpus, options.worker_gpus)
        else:
            engine = Local()
        return features.compute(texts, feature, self.cache, engine)

    def usable(self, records: Records, good: np.ndarray) -> np.ndarray:
        """Positions of the records for which the model gave usable numbers.

        Args:
            good: bool ``[n]``, whether it did.

        Raises:
            InputError: there are others, and ``--skip-failed`` is not given.
        """
        failed = records.rows[~good]
        if len(failed):
            rows = ", ".join(map(str, failed[:FAILED_SHOWN])) + (" …" if len(failed) > FAILED_SHOWN else "")
            found = (
                f"pool {records.pool.name!r}: the model gave no usable number for {len(failed):,} records (rows {rows})"
            )
            if not self.options.skip_failed:
                raise InputError(f"{found}; expected one each. --skip-failed leaves them out of every tier")
            print(f"{found}: left out, marked by missing numbers in the scores", file=sys.stderr)
        return np.flatnonzero(good)

    def begin(self, question, sources, settings, **more):
        """Begin a publication of this workspace."""
        return begin(self, question, sources, settings, **more)

    def refuse_repeats(self, why: str) -> None:
        """For scripts that draw nothing."""
        if self.options.repeats > 1:
            raise InputError(f"--repeats {self.options.repeats}: {why}, so every repeat would be the same; expected 1")

    def plan(self, sources: list[Pool], computed: str, folder: str, count: Callable[..., dict[str, int]]) -> None:
        """Print what a run would read, compute and write (``--dry-run``).

        Args:
            sources: the pools it would read, the code pool first.
            computed: what it would compute, in words; empty for nothing.
            folder: where it would write, below the root.
            count: number of records of every source -> split name -> number of records.
        """
        sizes = []
        for pool in sources:
            size, state = self._size(pool)
            sizes.append(size)
            print(f"would read   {printable(pool.path)}: {size:,} records{state}")
        if computed:
            print(f"would compute {computed}")
        for name, records in count(*sizes).items():
            there = " (there already)" if (self.root / folder / f"{name}.json").exists() else ""
            print(f"would write  {folder}/{name}.json: about {records:,} records{there}")
        print(f"             and the scores and the manifest beside them, under {printable(str(self.root))}\n")

    def _size(self, pool: Pool) -> tuple[int, str]:
        try:
            records = len(self.read(pool))
            return records, f", {pool.file(self.root).stat().st_size / 1e6:,.1f} MB"
        except NotHereError:
            known = pool.records or 0
            return min(known, self.options.limit or known), " by its data card; the content is NOT HERE yet"

    def names(self, name: str) -> list[str]:
        """The names of the repeated draws of one split; the first is the plain name, however many there are."""
        return [name] + [f"{name}_R{number}" for number in range(2, self.options.repeats + 1)]

    def command(self, pool: Pool) -> str:
        """The command that makes the results of ``pool`` again: this run's flags that differ from the defaults."""
        words = ["python", self.script, "--pool"]
        words.append(pool.name if pool == self.known_pools.get(pool.name) else f"{pool.name}={pool.path}")
        for action in self.parser._actions:
            value = getattr(self.options, action.dest, None)
            if action.dest in _NOT_IN_COMMAND or value == action.default or value is None:
                continue
            given = [] if value is True else _flag_words(value)
            flag = action.option_strings[0]
            if len(given) == 1 and given[0].startswith("-"):
                words.append(f"{flag}={given[0]}")  # else it would be taken for a flag
            else:
                words += [flag, *given]
        return shlex.join(_without_folder(word) for word in words)


def _flag_words(value: object) -> list[str]:
    if isinstance(value, dict):
        return [",".join(f"{key}={name}" for key, name in value.items())]
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def _without_folder(word: str) -> str:
    """A manifest bears no absolute path: PATH and NAME=PATH keep the file's name alone."""
    name, separator, path = word.rpartition("=")
    return f"{name}{separator}{Path(path).name}" if path.startswith("~/") or Path(path).is_absolute() else word
