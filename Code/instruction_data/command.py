"""The command line that all scripts share: flags, study root, errors for readers."""

import argparse
import io
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from instruction_data import control_tokens, engines, features, pools
from instruction_data.errors import InputError, printable, quoted

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO_ROOT = REPOSITORY / "build" / "demo"
CODE_POOLS = ("oss", "evol")
FAILED_SHOWN = 20
SEED = 42  # the study's second generation; its first fixed none
RECORD_FIELDS = ("instruction", "input", "output")

# Flags that say where or how to run and cannot change a byte of the result.
_NOT_IN_COMMAND = {"help", "root", "pool", "dry_run", "overwrite", "device"} | {
    "engine",
    "ray_address",
    "worker_cpus",
    "worker_gpus",
}


def described(doc: str) -> argparse.ArgumentParser:
    """A parser without flags, described by a script's docstring."""
    description, _, epilogue = doc.partition("\n\n")
    return argparse.ArgumentParser(
        description=description, epilog=epilogue, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_root_flags(group: argparse._ActionsContainer, demo: str = "the demo's root (build/demo)") -> None:
    """The flags of a script that works on what is published already.

    Args:
        demo: what ``--demo`` is short for.
    """
    group.add_argument("--root", type=Path, help="study root (default: the repository)")
    group.add_argument("--demo", action="store_true", help=demo)


def chosen_root(options: argparse.Namespace) -> Path:
    """The study root that the flags name.

    Raises:
        InputError: there is none.
    """
    root = options.root or (DEMO_ROOT if options.demo else REPOSITORY)
    if not root.is_dir():
        raise InputError(f"--root {root}: found no such folder; expected a study root with a Datas folder")
    return root.resolve()


def parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the flags every script has.

    Args:
        doc: the script's docstring; its first paragraph becomes the description, the rest the epilogue.
    """
    result = described(doc)
    _add_reading_flags(result.add_argument_group("what is read"))
    draw = result.add_argument_group("what is drawn")
    draw.add_argument(
        "--seed",
        type=seed,
        default=SEED,
        help="every random draw comes from it and the split's name (default: %(default)s)",
    )
    draw.add_argument(
        "--repeats",
        type=positive,
        default=1,
        metavar="K",
        help="draw each split K times, as NAME, NAME_R2, NAME_R3 … (default: %(default)s)",
    )
    write = result.add_argument_group("what is written")
    write.add_argument("--dry-run", action="store_true", help="say what would be read, computed and written, and stop")
    write.add_argument("--overwrite", action="store_true", help="replace the results of an earlier, different run")
    return result


def _add_reading_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--root", type=Path, help="study root: holds Datas/ and receives the results (default: the repository)"
    )
    group.add_argument(
        "--demo",
        action="store_true",
        help="the demo's root (build/demo) and the small embedded models; needs no download",
    )
    group.add_argument(
        "--pool",
        action="append",
        metavar="NAME[=PATH]",
        help="code pool to work on: one of the table of pools, or a file of your own under a name you choose; "
        "repeatable (default: oss and evol)",
    )
    group.add_argument(
        "--fields",
        type=_field_names,
        default={},
        metavar="FIELD=NAME,…",
        help="what the pool given by --pool calls its fields, e.g. instruction=question,output=answer",
    )
    group.add_argument(
        "--skip-bad", action="store_true", help="go on without unusable records; they are reported and counted"
    )
    group.add_argument(
        control_tokens.FLAG,
        action="store_true",
        help="put a space into every control token of chat templates (<|im_start|> becomes < |im_start|>), which a "
        "trainer would not read as text",
    )
    group.add_argument(
        "--limit", type=positive, metavar="N", help="only the first N records of every pool, for a quick look"
    )


def add_model_flags(group: argparse._ArgumentGroup) -> None:
    """The flags of a script that runs a model."""
    group.add_argument("--device", help="cpu, cuda, cuda:1, mps … (default: the fastest there is)")
    group.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        default="float32",
        help="precision of the model's weights (default: %(default)s)",
    )
    group.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="where the model runs: in this process, or on a Ray cluster (default: %(default)s)",
    )
    group.add_argument("--ray-address", metavar="ADDRESS", help="of the cluster (default: one started on this machine)")
    group.add_argument(
        "--worker-cpus", type=float, default=1, metavar="N", help="processors of one Ray worker (default: %(default)s)"
    )
    group.add_argument(
        "--worker-gpus", type=float, default=0, metavar="N", help="GPUs of one Ray worker (default: %(default)s)"
    )
    group.add_argument(
        "--skip-failed", action="store_true", help="leave out records for which the model gives no finite number"
    )


def say_cut(cut: np.ndarray, what: str) -> None:
    """Say how many texts were longer than the model reads; nothing if none."""
    if cut.any():
        print(f"{int(cut.sum()):,} of {len(cut):,} {what} were cut to what the model reads (marked in the scores)")


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number of at least 1")
    return int(text)


def seed(text: str) -> int:
    """A whole number that a 64-bit manifest can hold, for argparse."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number from 0 to 2^63 - 1")
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """``i/k``, for argparse."""
    share, separator, shares = text.partition("/")
    if not separator or not (share.isdecimal() and shares.isdecimal()) or not 1 <= int(share) <= int(shares):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected I/K, 1 <= I <= K, e.g. 2/4")
    return int(share), int(shares)


def _field_names(text: str) -> dict[str, str]:
    names = {}
    for part in text.split(","):
        key, separator, name = part.partition("=")
        if key not in RECORD_FIELDS or not separator or not name:
            raise argparse.ArgumentTypeError(
                f"found {part!r}; expected FIELD=NAME, FIELD one of {', '.join(RECORD_FIELDS)}"
            )
        names[key] = name
    return names


@dataclass(frozen=True)
class Study:
    """A study root and what one run was asked to do with it."""

    root: Path
    options: argparse.Namespace
    script: str
    parser: argparse.ArgumentParser

    @cached_property
    def known_pools(self) -> dict[str, pools.Pool]:
        return pools.table(self.root)

    @property
    def code_pools(self) -> list[pools.Pool]:
        """The code pools this run works on."""
        choices = self.options.pool or list(CODE_POOLS)
        if self.options.fields and not any("=" in choice for choice in choices):
            raise InputError("--fields: found no --pool NAME=PATH; expected one whose fields it names")
        return self.choose(choices, self.options.fields)

    def choose(self, choices: list[str], field_names: dict[str, str]) -> list[pools.Pool]:
        """The pools that values of --pool mean; the same name twice is refused."""
        chosen = {}
        for choice in choices:
            pool = pools.select(self.known_pools, choice, field_names)
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

    def read(self, pool: pools.Pool, *, drop_input: bool = False) -> pools.Records:
        """The records of a pool, as the flags of this run ask for them."""
        return pools.read(
            pool,
            self.root,
            limit=self.options.limit,
            skip_bad=self.options.skip_bad,
            drop_input=drop_input,
            neutralise=self.options.neutralise_control_tokens,
            spool_folder=None if self.options.dry_run else self.cache,
        )

    def compute(self, texts: list[str], feature: features.Feature) -> features.Arrays:
        """The feature of every text, by the engine this run asks for and through the root's cache."""
        options = self.options
        if options.engine == "ray":
            engine = engines.Ray(options.ray_address, options.worker_cpus, options.worker_gpus)
        else:
            engine = engines.Local()
        return features.compute(texts, feature, self.cache, engine)

    def usable(self, records: pools.Records, good: np.ndarray) -> np.ndarray:
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

    def refuse_repeats(self, why: str) -> None:
        """For scripts that draw nothing."""
        if self.options.repeats > 1:
            raise InputError(f"--repeats {self.options.repeats}: {why}, so every repeat would be the same; expected 1")

    def plan(self, sources: list[pools.Pool], computed: str, folder: str, count: Callable[..., dict[str, int]]) -> None:
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

    def _size(self, pool: pools.Pool) -> tuple[int, str]:
        try:
            records = len(self.read(pool))
            return records, f", {pool.file(self.root).stat().st_size / 1e6:,.1f} MB"
        except pools.NotHereError:
            known = pool.records or 0
            return min(known, self.options.limit or known), " by its data card; the content is NOT HERE yet"

    def names(self, name: str) -> list[str]:
        """The names of the repeated draws of one split; the first is the plain name, however many there are."""
        return [name] + [f"{name}_R{number}" for number in range(2, self.options.repeats + 1)]

    def command(self, pool: pools.Pool) -> str:
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


def open_study(parser: argparse.ArgumentParser, argv: list[str] | None, script: str) -> Study:
    """Parse the flags and find the study root; the demo's is made if it is not there yet.

    Args:
        script: the script's ``__file__``.
    """
    for word in sys.argv[1:] if argv is None else argv:
        if not pools.is_unicode(word):
            raise InputError(f"{quoted(word)}: found a flag or name that is not UTF-8; manifests could not hold it")
    options = parser.parse_args(argv)
    if options.demo:
        from instruction_data import demo

        root = options.root or DEMO_ROOT
        if options.dry_run and not demo.complete(root):
            print(f"would first make the demo's pools under {root}; without them there is no more to say")
            raise SystemExit(0)
        demo.ensure(root)
    path = Path(script).resolve()
    name = path.relative_to(REPOSITORY).as_posix() if path.is_relative_to(REPOSITORY) else path.name
    return Study(chosen_root(options), options, name, parser)


def run(main: Callable[[], int]) -> int:
    """Run a script's main and turn its end into an exit status; the reader's errors come without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the terminal's encoding lacks stops no run
    try:
        return main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped. What was computed is kept: the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except OSError as error:
        found = InputError(f"error: {error.strerror or error}: {error.filename or ''}".rstrip(": "))
        print(found, file=sys.stderr)
        return 1
