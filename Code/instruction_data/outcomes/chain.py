"""The chain from splits to an answer: the project's own scripts, one after another, on one list of runs.

Every script leaves alone what is finished, so that a chain that was broken off goes on from there.
"""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.files.places import CODE, matching
from instruction_data.outcomes import gold, outcomes, sandbox
from instruction_data.publish import manifests
from instruction_data.runs import recipes, runs
from instruction_data.runs.runs import Run
from instruction_data.runs.work import in_words

TASKS = ("humaneval",)
MOST_TOGETHER = 4  # trainings at a time, of which each has a copy of the model in memory


@dataclass(frozen=True)
class Chain:
    """What a chain trains and scores.

    Attributes:
        root: the study root.
        root_words: the flags of every script that name the root.
        splits: to train on.
        seeds: of every split's training.
        recipe: of the training; by default that of train.py.
        models: base models, as ``train.py --model`` takes them; by default its own.
        tasks: to score on, as ``likelihood.py --task`` takes them.
    """

    root: Path
    root_words: Sequence[str]
    splits: Sequence[str]
    seeds: Sequence[int]
    recipe: str | None = None
    models: Sequence[str] = ()
    tasks: Sequence[str] = TASKS

    def train(self, splits: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """Return the command that trains on splits."""
        words = [word for split in splits for word in ("--split", split)]
        words += ["--seeds", *map(str, seeds), *(["--recipe", self.recipe] if self.recipe else [])]
        words += [word for model in self.models for word in ("--model", model)]
        return script("training/train.py", *self.root_words, *words)

    @property
    def demo(self) -> bool:
        """Whether this is the demo, which has a default recipe of its own."""
        return "--demo" in self.root_words

    @cached_property
    def together(self) -> int:
        """How many trainings, or scorings, run at a time: small ones do not fill several cores, and a GPU takes one."""
        recipe = recipes.read_recipe(self.recipe or recipes.default(demo=self.demo))
        return min(os.cpu_count() or 1, MOST_TOGETHER) if recipe.options.get("use_cpu") else 1

    def score(self, names: Sequence[str]) -> list[str]:
        """Return the command that scores runs; twins are executed where this machine can make a sandbox."""
        allowed = [] if self._unsafe else ["--allow-code-execution"]
        words = [word for task in self.tasks for word in ("--task", task)]
        words += [word for name in names for word in ("--run", name)]
        return script("evaluation/likelihood.py", *self.root_words, *words, *allowed)

    @cached_property
    def _unsafe(self) -> str | None:
        """Why this machine can make no sandbox; None if it can."""
        try:
            sandbox.check()
        except InputError as error:
            return str(error)
        return None

    def runs(self, finished: Iterable[Run] | None = None) -> dict[str, Run]:
        """Return the finished runs of this chain by name.

        Args:
            finished: those of the study root, if they are read already.
        """
        label = recipes.label(self.recipe, demo=self.demo)
        found = [run for run in (runs.every(self.root) if finished is None else finished) if run.recipe_name == label]
        return {run.name: run for run in found if run.split in self.splits and run.seed in self.seeds}

    @cached_property
    def _named_tasks(self) -> list[str]:
        """The tasks, of which one may have stood for several; to name those reads all their files."""
        return [name for task in self.tasks for name in gold.named(task)]

    def scored(self) -> set[str]:
        """Return the names of this chain's runs that have an outcome on every task."""
        return self.scored_here().intersection(self.runs())

    def scored_here(self) -> set[str]:
        """Return the names of all runs of the root that have an outcome on every task, also of untrained models."""
        folder = self.root / outcomes.FOLDER / "likelihood"
        places = [matching(folder / task, "*@gold_bpb.json") for task in self._named_tasks]
        return set.intersection(*({place.name.rpartition("@")[0] for place in of} for of in places))

    def pieces(self) -> list[str]:
        """Return the split of every run of this chain, finished or not."""
        return [split for split in self.splits for _ in self.seeds for _ in self.models or (None,)]

    def follow(self, update: Callable[[str], None] | None = None) -> bool:
        """Train and score; return whether all went well.

        The first run goes through the whole chain before the others begin, so that a chain that cannot end well ends
        early, and the time that the others take is known.

        Args:
            update: of ``progress``, if this chain is one of several.
        """
        if self._unsafe:
            print(f"bits per byte alone: to compare solutions with broken twins needs a sandbox: {self._unsafe}")
        update = update or progress([self])
        well = self._follow(self.splits[:1], self.seeds[:1], update)
        if not well and not self.scored():
            return False
        return self._follow(self.splits, self.seeds, update) and well

    def compare(self) -> bool:
        """Compare all outcomes of the study root; return whether all went well."""
        return run(script("evaluation/compare.py", *self.root_words))

    def _follow(self, splits: Sequence[str], seeds: Sequence[int], update: Callable[[str], None]) -> bool:
        trained = run(self.train(splits, seeds), update, min(self.together, len(splits) * len(seeds)))
        names = [one.name for one in self.runs().values() if one.split in splits and one.seed in seeds]
        return bool(names) and run(self.score(names), update, min(self.together, len(names))) and trained


def script(name: str, *words: str) -> list[str]:
    """Return the command of one of the project's scripts."""
    return [sys.executable, str(CODE / name), *words]


def said(command: Sequence[str]) -> str:
    """Return a command as people would type it."""
    return shlex.join(["python", f"Code/{Path(command[1]).relative_to(CODE).as_posix()}", *command[2:]])


def run(command: Sequence[str], update: Callable[[str], None] | None = None, together: int = 1) -> bool:
    """Run a script and show what it says; return whether it went well.

    Args:
        update: called with each of its lines; prints it.
        together: processes that do the work of the script; they share its list, and the processor cores.
    """
    print(f"\n$ {said(command)}", flush=True)
    if update is None:
        return subprocess.run(command).returncode == 0
    variables = {"OMP_NUM_THREADS": str((os.cpu_count() or 1) // together)} if together > 1 else {}
    variables |= os.environ
    output, into = os.pipe()
    with contextlib.ExitStack() as stack:
        started = (subprocess.Popen(command, stdout=into, env=variables) for _ in range(together))
        processes = [stack.enter_context(process) for process in started]
        os.close(into)
        with open(output, errors="replace") as lines:
            for line in lines:
                update(line.rstrip("\n"))
    return all(process.returncode == 0 for process in processes)


@dataclass
class _Clock:
    """The time that work of one kind takes, per record or run.

    Attributes:
        done: weight -> of the work that was done while this process watched.
    """

    seconds: float = 0.0
    done: float = 0.0
    seen: set[str] = field(default_factory=set)

    def watch(self, found: Mapping[str, float], seconds: float) -> bool:
        """Take the time since the last call for the work that is new; return whether there is any."""
        new = found.keys() - self.seen
        self.seen |= new
        if new:
            self.seconds += seconds
            self.done += sum(found[name] for name in new)
        return bool(new)

    def left(self, weight: float) -> float | None:
        return 0.0 if weight <= 0 else weight * self.seconds / self.done if self.done else None


def progress(chains: Sequence[Chain]) -> Callable[[str], None]:
    """Return a function that prints a line, and how much of all the chains is done and how long the rest will take.

    Args:
        chains: of one study root, with the same tasks.
    """
    published = manifests.every(chains[0].root)
    records = {name: one["records"] for _, manifest in published for name, one in manifest["splits"].items()}
    pieces = [split for chain in chains for split in chain.pieces()]
    weight = sum(records[split] for split in pieces)
    training, scoring = _Clock(), _Clock()

    def there() -> tuple[dict[str, Run], set[str]]:
        """Return the finished runs of all chains, and the names of all that are scored."""
        finished = list(runs.every(chains[0].root))
        trained = {name: one for chain in chains for name, one in chain.runs(finished).items()}
        return trained, chains[0].scored_here()

    trained, scored = there()
    training.seen |= trained.keys()
    scoring.seen |= scored
    began = time.monotonic()

    def update(line: str) -> None:
        nonlocal began
        print(line, flush=True)
        (trained, scored), now = there(), time.monotonic()
        new = training.watch({name: one.records for name, one in trained.items()}, now - began)
        new = scoring.watch(dict.fromkeys(scored, 1.0), now - began) or new  # that of untrained models takes as long
        if not new:
            return
        began, mine = now, scored.intersection(trained)
        left = {
            "training": training.left(weight - sum(one.records for one in trained.values())),
            "scoring": scoring.left(len(pieces) - len(mine)),
        }
        known = {of: seconds for of, seconds in left.items() if seconds is not None}
        of = f" of {next(iter(known))}" if len(known) == 1 else ""  # of the other, nothing was done while this watched
        rest = f", about {in_words(sum(known.values()))}{of} left" if known else ""
        print(f"    = {len(trained) + len(mine)} of {2 * len(pieces)} trainings and scorings{rest}", flush=True)

    return update
