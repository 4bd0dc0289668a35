"""The command line that all scripts share: flags, their types, and the exit status."""

import argparse
import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from instruction_data.demo import demo_root
from instruction_data.errors import InputError, quoted
from instruction_data.files.places import DEMO_ROOT, REPOSITORY
from instruction_data.numbers.features import Engine, Local
from instruction_data.numbers.ray import Ray
from instruction_data.pools import control_tokens
from instruction_data.pools.records import is_unicode
from instruction_data.workspace import SEED, PlanEnded, Workspace

GENERATIONS = ("2025-06", "2025-12", "2024-09")  # of the study; the first is the default
RECORD_FIELDS = ("instruction", "input", "output")


def described(doc: str) -> argparse.ArgumentParser:
    """Return a parser without flags, described by a script's docstring."""
    description, _, epilogue = doc.partition("\n\n")
    return argparse.ArgumentParser(
        description=description, epilog=epilogue, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_root_flags(group: argparse._ActionsContainer, demo: str = "the demo's root (build/demo)") -> None:
    """Add the flags of a script that works on published files.

    Args:
        demo: the flags that ``--demo`` stands for.
    """
    group.add_argument("--root", type=path, help="study root (default: the repository)")
    group.add_argument("--demo", action="store_true", help=demo)


def chosen_root(options: argparse.Namespace) -> Path:
    """Return the study root that the flags name.

    Raises:
        InputError: there is no such folder.
    """
    root = options.root or (DEMO_ROOT if options.demo else REPOSITORY)
    if not root.is_dir():
        raise InputError(f"--root {root}: found no such folder; expected a study root with a Datas folder")
    return root.resolve()


def made_demo_root(options: argparse.Namespace) -> Path:
    """Return the root of the demo; make it if it is not there yet, and end a dry run, which cannot go on without."""
    root = options.root or DEMO_ROOT
    if vars(options).get("dry_run") and not demo_root.complete(root):
        print(f"would first make the demo's pools under {root}; without them there is no more to say")
        raise SystemExit(0)
    demo_root.ensure(root)
    return root.resolve()


def parser(doc: str, *, draws: bool = False) -> argparse.ArgumentParser:
    """Return a parser with the flags of every script of a question.

    Args:
        doc: the script's docstring; its first paragraph becomes the description, the rest the epilogue.
        draws: whether the script draws splits; only then may they be drawn repeatedly.
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
    if draws:
        draw.add_argument(
            "--repeats",
            type=positive,
            default=1,
            metavar="K",
            help="draw each split K times, as NAME, NAME_R2, NAME_R3 … (default: %(default)s)",
        )
    add_writing_flags(result.add_argument_group("what is written"))
    return result


def add_generation_flag(group: argparse._ActionsContainer) -> None:
    """Add the flag that sets every constant of one generation of the study at once."""
    group.add_argument(
        "--generation",
        choices=GENERATIONS,
        default=GENERATIONS[0],
        help="the study's definitions of that month; single flags go before them (default: %(default)s)",
    )


def add_writing_flags(group: argparse._ArgumentGroup) -> None:
    """Add the flags of a script that publishes."""
    group.add_argument("--dry-run", action="store_true", help="say what would be read, computed and written, and stop")
    group.add_argument("--overwrite", action="store_true", help="replace the results of an earlier, different run")


def _add_reading_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--root", type=path, help="study root: holds Datas/ and receives the results (default: the repository)"
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
    """Add the flags of a script that runs a model over records."""
    add_engine_flags(group)
    group.add_argument(
        "--skip-failed", action="store_true", help="leave out records for which the model gives no finite number"
    )


def add_engine_flags(group: argparse._ArgumentGroup) -> None:
    """Add the flags that say where and in what precision a model runs."""
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


def chosen_engine(options: argparse.Namespace) -> Engine:
    """Return the engine that the flags name; one in this process where the script has no such flags."""
    if getattr(options, "engine", "local") == "ray":
        return Ray(options.ray_address, options.worker_cpus, options.worker_gpus)
    return Local()


def say_cut(cut: np.ndarray, what: str) -> None:
    """Say how many texts were longer than the model reads; nothing if none."""
    if cut.any():
        print(f"{int(cut.sum()):,} of {len(cut):,} {what} were cut to what the model reads (marked in the scores)")


def positive(text: str) -> int:
    """Parse a whole number of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number of at least 1")
    return int(text)


def path(text: str) -> Path:
    """Parse the name of a file or folder, for argparse; an empty one would be the folder one happens to be in."""
    if not text.strip():
        raise argparse.ArgumentTypeError("found an empty name; expected that of a file or folder")
    return Path(text)


def seed(text: str) -> int:
    """Parse a whole number that a 64-bit manifest can hold, for argparse."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number from 0 to 2^63 - 1")
    return int(text)


def fraction(text: str) -> float:
    """Parse a number above 0, at most 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a number above 0, at most 1")
    return value


def shard(text: str) -> tuple[int, int]:
    """Parse ``i/k``, for argparse."""
    share, separator, shares = text.partition("/")
    if not separator or not (share.isdecimal() and shares.isdecimal()) or not 1 <= int(share) <= int(shares):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected I/K, 1 <= I <= K, e.g. 2/4")
    return int(share), int(shares)


def add_scoring_flags(group: argparse._ActionsContainer) -> None:
    """Add the flags of a script that scores training runs: which runs, their sharing out, and replacing results."""
    group.add_argument("--run", action="append", default=[], metavar="NAME", help="repeatable (default: every run)")
    group.add_argument(
        "--shard", type=shard, default=(1, 1), metavar="I/K", help="only every K-th run, from the I-th on"
    )
    group.add_argument("--overwrite", action="store_true", help="score again what is there")
    group.add_argument("--dry-run", action="store_true", help="say what would be scored, and stop")


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


def open_workspace(
    parser: argparse.ArgumentParser,
    argv: list[str] | None,
    script: str,
    generations: Mapping[str, Mapping[str, object]] | None = None,
) -> tuple[Workspace, argparse.Namespace]:
    """Parse the flags and open the workspace they ask for; make the demo's root if it is not there yet.

    Args:
        script: the script's ``__file__``.
        generations: generation of the study -> its defaults of the script's flags.

    Returns:
        The workspace, and all parsed flags, among them the script's own.
    """
    for word in sys.argv[1:] if argv is None else argv:
        if not is_unicode(word):
            raise InputError(f"{quoted(word)}: found a flag or name that is not UTF-8; manifests could not hold it")
    options = parser.parse_args(argv)
    if generations is not None:
        if options.generation not in generations:
            raise InputError(
                f"--generation {options.generation}: found that the study did not ask this question then; expected "
                f"{' or '.join(generations)}"
            )
        parser.set_defaults(**generations[options.generation])
        options = parser.parse_args(argv)
    given = vars(options)
    if options.demo:
        made_demo_root(options)
    file = Path(script).resolve()
    workspace = Workspace(
        root=chosen_root(options),
        script=file.relative_to(REPOSITORY).as_posix() if file.is_relative_to(REPOSITORY) else file.name,
        pool_choices=tuple(given.get("pool") or ()),
        field_names=given.get("fields", {}),
        neutralise=given.get("neutralise_control_tokens", False),
        engine=chosen_engine(options),
        flags=_given_flags(parser, options),
        **{name: given[name] for name in PLAIN_FIELDS if name in given},
    )
    return workspace, options


# Flags that become fields of the workspace under the same name.
PLAIN_FIELDS = (
    "demo",
    "dry_run",
    "overwrite",
    "seed",
    "repeats",
    "limit",
    "skip_bad",
    "skip_failed",
    "device",
    "dtype",
)

# Flags that say where or how to run, and cannot change a byte of the result.
SHAPELESS = ("root", "pool", "dry_run", "overwrite", "device", "engine", "ray_address", "worker_cpus", "worker_gpus")


def _given_flags(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, list[str]]:
    """Return, by flag, the words of every flag that differs from its default and affects the result."""
    found = {}
    repeatable = {action.dest for action in parser._actions if isinstance(action, argparse._AppendAction)}
    for name, value in vars(options).items():
        if name in SHAPELESS or value is None or value == parser.get_default(name):
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            found[f"--{flag}" if value else f"--no-{flag}"] = []
        elif name in repeatable:
            found[f"--{flag}"] = [word for item in value for word in (f"--{flag}", str(item))][1:]
        else:
            found[f"--{flag}"] = _flag_words(value)
    return found


def _flag_words(value: object) -> list[str]:
    if isinstance(value, dict):
        return [",".join(f"{key}={name}" for key, name in value.items())]
    return [str(item) for item in (value if isinstance(value, list | tuple) else [value])]


def run(main: Callable[[], int]) -> int:
    """Run a script's main and return its exit status; print errors meant for the reader without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # characters that the terminal lacks stop no run
    try:
        return main()
    except PlanEnded:
        print("             and whatever follows from it\n")
        return 0
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
