"""Faults, really injected into every script: is anything lost, is anything half-written let in?

tiny study root -> each script undisturbed -> each script again, disturbed -> what is on disk -> the script once more

Processes are killed (SIGKILL from outside at random moments, by themselves before the n-th change of a name on disk, by
the kernel in the middle of a write), interrupted, run out of disk, meet read-only and forbidden folders, sources that
change while they are read, a clock set back, each other, and a pool replaced between two stages. After each fault every
published file must be whole and as its manifest says, whoever failed must have said so in words, and one undisturbed
run must end with the very bytes of a root that nothing happened to. Models are replaced by numbers made of the texts
alone; everything else is what users run. As a command (exit status 1 if anything was lost):

    python -m tests.stress.faults [--kills N] [--others N] [--seed N] [--script NAME …]
"""

import argparse
import ctypes
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from tests.support.scripts import load_script

from instruction_data import cli
from instruction_data.demo import demo_root, library_code
from instruction_data.demo.library_code import Candidate
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import REPOSITORY
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.language_model import LanguageModel
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.publish import manifests, verify

RECORDS, OTHERS = 24, 30
DEMO = "instruction_data.demo.__main__"
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}  # audit events that change names; and opening to write
DERIVED = ("Datas/dataset_info.json", "Datas/README.md")  # follow from all manifests, so their states lie in between
ALLOWED_AFTER_KILL = ("not listed", "unfinished")  # by verify: no manifest yet, no split
PAGE = 4096
REPAIR_LIMIT = 120  # seconds for any one run
OUTER = "INSTRUCTION_DATA_FAULTS"  # in the environment: mounts are private already


@dataclass(frozen=True)
class Script:
    """A script as the faults run it.

    Attributes:
        file: below Code/, or a module.
        flags: behind ``--root``.
    """

    name: str
    file: str
    flags: tuple[str, ...] = ()

    def main(self, root: Path) -> int:
        flags = ["--root", str(root), *(flag.replace("ROOT", str(root)) for flag in self.flags)]
        return MODULES[self.file].main(flags)


SCRIPTS = (
    Script(
        "demo", "instruction_data.demo.__main__", ("--records", str(RECORDS), "--others", str(OTHERS), "--overwrite")
    ),
    Script("RQ1", "RQ1/domain_composition.py", ("--demo",)),
    Script("RQ1 overwritten", "RQ1/domain_composition.py", ("--demo", "--seed", "7", "--repeats", "2", "--overwrite")),
    Script("RQ2", "RQ2/semantic_diversity.py", ("--demo",)),
    Script("RQ3", "RQ3/problem_complexity.py", ("--demo",)),
    Script("RQ4 category", "RQ4/task_category.py", ("--demo",)),
    Script("RQ4 coverage", "RQ4/type_coverage.py", ("--demo",)),
    Script("texts", "annotate/text_measures.py", ("--demo", "--tokenizer", "minilm")),
    Script("controls", "derive/control_splits.py", ("--demo", "--question", "RQ2")),
    Script("decontaminated", "derive/decontaminated_splits.py", ("--demo", "--split", "RQ2_OSS_DIVERSITY_LOW")),
    Script("contamination", "report/contamination.py", ("--demo",)),
    Script("profiles", "report/profile_splits.py", ("--demo", "--tokenizer", "minilm")),
    Script("train", "training/train.py", ("--prepare", "--split", "RQ2_OSS_DIVERSITY_LOW", "--model", "ROOT/../model")),
    Script("compare", "evaluation/compare.py"),
    Script("report", "report/report.py"),
)
MODULES: dict[str, object] = {}
HEAVY = {  # what scripts import when they need it: here once for all processes
    "": ("pandas", "pyarrow.parquet"),
    "texts": ("magika", "transformers.models.auto"),
    "controls": ("magika",),
    "decontaminated": ("ahocorasick",),
    "contamination": ("ahocorasick",),
    "profiles": ("datasketch", "pygments.lexers", "transformers.models.auto"),
    "compare": ("statsmodels.stats.multitest",),
    "report": ("jinja2", "matplotlib.pyplot", "matplotlib.backends.backend_pdf"),
}
ALONE = {"report": Script("", "RQ2/semantic_diversity.py", ("--demo", "--pool", "oss"))}  # begins on a root of its own


@dataclass
class Tally:
    """The faults of each kind, and what became of them."""

    injected: Counter = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    impossible: dict[str, str] = field(default_factory=dict)

    def take(self, kind: str, where: str, wrong: list[str]) -> None:
        self.injected[kind] += 1
        if wrong:
            self.lost.append(f"{kind}, {where}: {'; '.join(wrong[:3])}")
            print(f"LOST {self.lost[-1]}", flush=True)

    def table(self) -> str:
        rows = [f"{'fault':<28} {'injected':>8} {'survived':>8} {'lost':>6}"]
        for kind, count in self.injected.items():
            lost = sum(line.startswith(f"{kind}, ") for line in self.lost)
            rows.append(f"{kind:<28} {count:>8} {count - lost:>8} {lost:>6}")
        rows += [f"{kind:<28} not possible here: {why}" for kind, why in self.impossible.items()]
        count = self.injected.total()
        return "\n".join([*rows, f"{'all':<28} {count:>8} {count - len(self.lost):>8} {len(self.lost):>6}"])


# ---------------------------------------------------------------- running a script in a process of its own


def load(wanted: list[str]) -> None:
    """Import what scripts import, once, and put numbers of the texts in the place of models."""
    for script, names in HEAVY.items():
        for name in names if script in ("", *(wanted or HEAVY)) else ():
            importlib.import_module(name)
    candidates = some_candidates()
    library_code.candidates_for = lambda count, folder=None: candidates
    for script in SCRIPTS:
        own = script.file.endswith(".py")
        MODULES[script.file] = load_script(script.file) if own else importlib.import_module(script.file)
    Encoder.compute = lambda self, texts: {"vectors": numbers(texts, 8), "cut": np.zeros(len(texts), bool)}
    LanguageModel._perplexities = lambda self, texts, most, start: {
        "perplexity": 1 + numbers(texts, 1)[:, 0].astype(float),
        "cut": np.zeros(len(texts), bool),
    }
    LanguageModel._logits = lambda self, texts, template, candidates, most: {
        "logits": numbers(texts, len(candidates)),
        "cut": np.zeros(len(texts), bool),
    }


def some_candidates() -> list[Candidate]:
    """Return the candidates of every fifth module: enough for small pools, in a fifth of the time."""
    found = library_code.module_files(Path(sysconfig.get_paths()["stdlib"]))
    return library_code.mine([file for file in found if library_code.category_of(file[0])][::5])


def numbers(texts: list[str], width: int) -> np.ndarray:
    """Return float32 ``[k, width]`` from 0 to 1, made of the texts alone."""
    digests = [hashlib.shake_256(text.encode()).digest(4 * width) for text in texts]
    return (np.array([np.frombuffer(one, np.uint32) for one in digests]) / 2**32).astype(np.float32)


@dataclass(frozen=True)
class Running:
    """A script at work in a process of its own."""

    number: int
    said: Path

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit status, negative for a signal, and what it said."""
        _, status, _ = os.wait4(self.number, 0)
        return os.waitstatus_to_exitcode(status), self.said.read_text("utf-8", "replace")


def start(work: Callable[[], int], folder: Path, prepare: Callable[[], None] = lambda: None) -> Running:
    """Begin ``work`` in a forked process, as a script's main, after ``prepare`` there.

    Args:
        folder: of the file that takes what is said.
    """
    ready, is_ready = os.pipe()
    handle, said = tempfile.mkstemp(dir=folder, prefix="said.")
    number = os.fork()
    if number == 0:
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os._exit(_as_script(work, prepare, is_ready))
    os.close(is_ready)
    os.read(ready, 1)  # or the end of a process that is dead already
    os.close(ready)
    os.close(handle)
    return Running(number, Path(said))


def _as_script(work: Callable[[], int], prepare: Callable[[], None], is_ready: int) -> int:
    status = 70
    try:
        signal.alarm(REPAIR_LIMIT)
        prepare()

        def begun() -> int:
            os.write(is_ready, b"1")
            return work()

        status = cli.run(begun)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 2
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def before_change(root: Path, act: Callable[[int], None]) -> None:
    """Have ``act`` called in this process right before the n-th change of a name below ``root``."""
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in CHANGES or (event == "open" and _is_written(arguments)):
            path = arguments[0]
            if isinstance(path, str | os.PathLike) and root in Path(path).parents:
                count += 1
                act(count)

    sys.addaudithook(hook)


def _is_written(arguments: tuple) -> bool:
    return isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_change(root: Path, number: int) -> Callable[[], None]:
    return lambda: before_change(root, lambda count: die() if count == number else None)


def kill_in_write(size: int) -> Callable[[], None]:
    """Have the kernel end the process where a file would grow beyond ``size`` bytes; what fits has been written."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


# ---------------------------------------------------------------- study roots, undisturbed


@dataclass(frozen=True)
class Case:
    """A script with the root it begins on, the root it ends on, and how long its way is."""

    script: Script
    start: Path
    expected: Path
    seconds: float
    changes: int

    @property
    def largest(self) -> int:
        return max(map(len, tree(self.expected).values()))


def tree(root: Path) -> dict[str, bytes]:
    """Return every file of a root but for its cache."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".cache" not in path.relative_to(root).parts
    }


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    return target


def undisturbed(work: Path, wanted: list[str], tally: Tally) -> list[Case]:
    """Run the chain of all scripts once, with a copy of the root in front of and behind every one."""
    root, cases = work / "chain", []
    demo_root.build(root, records=RECORDS, others=OTHERS, seed=1)
    made_outcomes(root)
    possible = "train" in (wanted or ["train"]) and train_is_possible(work)
    if not possible and not wanted:
        tally.impossible["train"] = "`make trainer` builds its environment"
    for number, script in enumerate(SCRIPTS):
        if script.name == "train" and not possible:
            continue
        if script.name in ALONE:
            root = copy(work / "1_start", work / "alone")
            finished(ALONE[script.name], root, work)
        begins = copy(root, work / f"{number}_start")
        seconds, changes = finished(script, root, work)
        cases.append(Case(script, begins, copy(root, work / f"{number}_expected"), seconds, changes))
        print(f"{script.name:<18} {seconds:5.2f} s, {changes:>4} changes of names", flush=True)
        if wanted and set(wanted) <= {case.script.name for case in cases}:
            break
    return [case for case in cases if not wanted or case.script.name in wanted]


def finished(script: Script, root: Path, work: Path) -> tuple[float, int]:
    """Run a script to its end; return the seconds it took and how often it changed a name."""
    counted, began = work / "changes", time.monotonic()
    count = lambda: before_change(root, lambda number: counted.write_text(str(number)))  # noqa: E731
    status, said = start(lambda: script.main(root), work, count).end()
    if status != 0:
        raise SystemExit(f"{script.file}: ended with {status} though undisturbed:\n{said}")
    return time.monotonic() - began, int(counted.read_text())


def train_is_possible(work: Path) -> bool:
    if not (REPOSITORY / ".venv-trainer" / ".ready").is_file():
        return False
    # a model computes: not in this process, which forks
    code = "import pathlib, sys; from tests.support import tiny_model; tiny_model.write(pathlib.Path(sys.argv[1]))"
    words = [sys.executable, "-c", code, str(work / "model")]
    subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True)
    return True


def made_outcomes(root: Path) -> None:
    """Write outcomes of three conditions, two seeds each."""
    for condition, solved in (("LOW", 30), ("MEDIUM", 20), ("HIGH", 10)):
        for seed in (1, 2):
            problems = {f"HumanEval/{number}": [number < solved + seed] for number in range(40)}
            name = f"RQ2_OSS_DIVERSITY_{condition}"
            outcome = Outcome(
                run=f"{name}--m--seed{seed}",
                question="RQ2",
                pool="oss",
                split=name,
                condition=name,
                model="m",
                seed=seed,
                harness="bigcode",
                task="humaneval",
                settings={},
                reported={},
                problems=problems,
                versions={},
                files={},
            )
            outcomes.write(root, outcome)


# ---------------------------------------------------------------- what is on disk now


def torn(root: Path, *whole: Path) -> list[str]:
    """Say what is wrong right after a fault: every file must be as in one of the ``whole`` roots, or temporary."""
    known = [tree(one) for one in whole]
    wrong = []
    for name, content in tree(root).items():
        if name in DERIVED:
            wrong += [] if _is_derived(name, content) else [f"{name}: half-written"]
        elif not is_temporary(name) and all(content != one.get(name) for one in known):
            wrong.append(f"{name}: {len(content)} bytes, neither the old nor the new file")
    return wrong + [line for line in verify.verify(root) if not line.startswith(ALLOWED_AFTER_KILL)]


def _is_derived(name: str, content: bytes) -> bool:
    try:
        found = json.loads(content) if name.endswith(".json") else yaml.safe_load(content.decode().split("---\n")[1])
    except (ValueError, IndexError, yaml.YAMLError):
        return False
    return isinstance(found, dict)


def is_temporary(name: str) -> bool:
    last = Path(name).name
    return last.startswith(".") and last.endswith((".tmp", ".replaced"))


def unlike(root: Path, expected: Path) -> list[str]:
    """Say how a root differs from the one that nothing happened to."""
    found, wanted = tree(root), tree(expected)
    wrong = [f"{name}: left over" for name in found.keys() - wanted.keys()]
    wrong += [f"{name}: missing" for name in wanted.keys() - found.keys()]
    wrong += [f"{name}: other bytes" for name in found.keys() & wanted.keys() if found[name] != wanted[name]]
    return sorted(wrong) + verify.verify(root) + _unlike_shards(root, expected)


def _unlike_shards(root: Path, expected: Path) -> list[str]:
    wanted = {path.name: path.read_bytes() for path in expected.glob(".cache/features/*/*.safetensors")}
    found = {path.name: path.read_bytes() for path in root.glob(".cache/features/*/*.safetensors")}
    return [f"shard {name}: other" for name in wanted if found.get(name) != wanted[name]]


def unsaid(status: int, said: str) -> list[str]:
    """Say what is wrong with the end of a run that was not killed: it must succeed, or end with an error in words."""
    if "Traceback" in said or "Exception ignored" in said:
        return [f"a traceback: {said.strip().splitlines()[-1]}"]
    if status in (0, 130):
        return []
    if status == 1 and ("error: " in said or "FAILED: " in said):
        return []
    return [f"ended with {status} and said {said[-200:]!r}"]


def repaired(case: Case, root: Path, folder: Path) -> list[str]:
    """Run the script once more, undisturbed, and say what is wrong then."""
    status, said = start(lambda: case.script.main(root), folder).end()
    return [f"run again: ended with {status}: {said[-300:]}"] if status else unlike(root, case.expected)


# ---------------------------------------------------------------- faults


class Faults:
    """All kinds of faults, each a method that injects one and counts it."""

    def __init__(self, work: Path, cases: list[Case], seed: int, tally: Tally):
        self.work, self.cases, self.tally = work, cases, tally
        self.draw = random.Random(seed)

    @contextmanager
    def root(self, case: Case) -> Iterator[Path]:
        """Yield a copy of the root that a script begins on."""
        folder = Path(tempfile.mkdtemp(dir=self.work, prefix="root."))
        try:
            (folder / "model").symlink_to(self.work / "model")
            yield copy(case.start, folder / "root")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def kills(self, case: Case) -> int:
        """Kill up to four runs in a row, then repair; return how many were killed."""
        with self.root(case) as root:
            said, wrong = [], []
            for _ in range(self.draw.randint(1, 4)):
                how, prepare, delay = self._moment(case, root)
                running = start(lambda: case.script.main(root), root.parent, prepare)
                if delay is not None:
                    time.sleep(delay)
                    os.kill(running.number, signal.SIGKILL)
                status, text = running.end()
                if status >= 0:
                    wrong += unsaid(status, text)
                    break
                said.append(how)
                wrong += [f"after {how}: {line}" for line in torn(root, case.start, case.expected)]
            wrong += repaired(case, root, root.parent)
            for how in said or ["killed"] * bool(wrong):
                self.tally.take(how, case.script.name, wrong)
                wrong = []  # one loss, not one a kill
            return len(said)

    def _moment(self, case: Case, root: Path) -> tuple[str, Callable[[], None], float | None]:
        kind = self.draw.choice(("killed at any moment", "killed between changes", "killed in a write"))
        if kind == "killed at any moment":
            return kind, lambda: None, self.draw.uniform(0, case.seconds)
        if kind == "killed between changes":
            return kind, kill_at_change(root, self.draw.randint(1, case.changes)), None
        return kind, kill_in_write(self.draw.randint(1, case.largest)), None

    def interrupted(self, case: Case) -> None:
        """Press Ctrl-C at a random moment."""
        with self.root(case) as root:
            running = start(lambda: case.script.main(root), root.parent)
            time.sleep(self.draw.uniform(0, case.seconds))
            os.kill(running.number, signal.SIGINT)
            self._after("interrupted", case, root, running)

    def _after(self, kind: str, case: Case, root: Path, running: Running, mend: Callable = lambda: None) -> None:
        """Wait for a run that must not die, look at what it left, mend what was wrong and run it again."""
        status, said = running.end()
        mend()
        wrong = unsaid(status, said) + torn(root, case.start, case.expected)
        wrong += [f"{name}: left over" for name in tree(root) if is_temporary(name)]
        if status == 0:
            wrong += [f"ended well, but {line}" for line in unlike(root, case.expected)]
        self.tally.take(kind, case.script.name, wrong + repaired(case, root, root.parent))

    def file_too_large(self, case: Case) -> None:
        """Let a write fail half way, with the rest of the disk as it should be (a quota)."""
        size = self.draw.randint(1, case.largest)
        with self.root(case) as root:

            def limit() -> None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                sys.stdout = sys.stderr = open(os.dup(1), "w", buffering=1)  # noqa: SIM115 - the limit holds for it too

            self._after("a quota", case, root, start(lambda: case.script.main(root), root.parent, limit))

    @contextmanager
    def _disk(self, root: Path, pages: int, entries: int) -> Iterator[Path]:
        """Yield a copy of ``root`` on a file system that has room for so many more pages and entries."""
        disk = root.parent / "disk"
        disk.mkdir()
        used = [1 + -(-path.lstat().st_size // PAGE) * path.is_file() for path in root.rglob("*")]
        size = f"size={(sum(used) + 1) * 2 * PAGE + (1 << 20)},nr_inodes=100k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
        try:
            (disk / "model").symlink_to(self.work / "model")
            moved = copy(root, disk / "root")
            state = os.statvfs(disk)
            blocks, files = state.f_blocks - state.f_bfree + pages, state.f_files - state.f_ffree + entries
            remount(disk, f"size={blocks * state.f_frsize},nr_inodes={files}")
            yield moved
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)

    def disk_full(self, case: Case) -> None:
        added = sum(-(-len(content) // PAGE) for content in tree(case.expected).values()) // 2
        pages, entries = self.draw.randint(0, max(added, 2)), self.draw.choice((0, 1, 3, 10, 10_000))
        with self.root(case) as first, self._disk(first, pages, entries) as root:
            running = start(lambda: case.script.main(root), first.parent)
            self._after("a full disk", case, root, running, lambda: remount(root.parent, "size=64m,nr_inodes=100k"))

    def disk_read_only(self, case: Case) -> None:
        with self.root(case) as first, self._disk(first, 10_000, 10_000) as root:
            remount(root.parent, "ro")
            running = start(lambda: case.script.main(root), first.parent)
            self._after("a read-only disk", case, root, running, lambda: remount(root.parent, "rw"))

    def forbidden(self, case: Case) -> None:
        """Forbid writing a folder, or reading a folder or file."""
        with self.root(case) as root:
            folders = [path for path in sorted(root.rglob("*")) if path.is_dir()] + [root]
            kind = self.draw.choice(("a read-only folder", "a forbidden folder", "a forbidden file"))
            found = [root / name for name in tree(root)] if kind == "a forbidden file" else folders
            path = self.draw.choice(found)
            mode = path.stat().st_mode
            path.chmod(0o555 if kind == "a read-only folder" else 0)
            running = start(lambda: case.script.main(root), root.parent, drop_rights)
            where = f"{case.script.name} ({path.relative_to(root.parent)})"
            shown = Case(Script(where, case.script.file, case.script.flags), *case_rest(case))
            self._after(kind, shown, root, running, lambda: path.chmod(mode))

    def clock_set_back(self, case: Case) -> None:
        """Kill a run of tomorrow, then run today."""
        with self.root(case) as root:
            start(
                lambda: case.script.main(root),
                root.parent,
                kill_at_change(root, self.draw.randint(1, case.changes)),
            ).end()
            later = time.time() + self.draw.choice((3600.0, 86_400.0, 1e9))
            for path in [root, *root.rglob("*")]:
                os.utime(path, (later, later), follow_symlinks=False)
            back = self.draw.choice((0.0, 86_400.0, 1e9))

            def set_back() -> None:
                now = time.time
                time.time = lambda: now() - back

            self._after("a clock set back", case, root, start(lambda: case.script.main(root), root.parent, set_back))

    def together(self, case: Case, count: int) -> None:
        """Run the same script several times at once: all must end well."""
        with self.root(case) as root:
            began = time.time() + 0.2
            wait = lambda: time.sleep(max(0.0, began - time.time()))  # noqa: E731
            running = [start(lambda: wait() or case.script.main(root), root.parent) for _ in range(count)]
            ends = [one.end() for one in running]
            wrong = [f"ended with {status}: {said[-200:]}" for status, said in ends if status != 0]
            wrong += unlike(root, case.expected)
            self.tally.take(f"{count} at once", case.script.name, wrong + repaired(case, root, root.parent))

    def all_together(self, count: int) -> None:
        """Run different scripts at once on one root and kill some; then run the chain in its order."""
        chain = [case for case in self.cases if case.script.name not in ("demo", "RQ1 overwritten", "report")]
        chosen = self.draw.sample(chain, min(count, len(chain)))
        with self.root(chain[0]) as root:
            running = [start(lambda case=case: case.script.main(root), root.parent) for case in chosen]
            time.sleep(self.draw.uniform(0, 1))
            for one in running[: count // 4]:
                os.kill(one.number, signal.SIGKILL)
            ends = [one.end() for one in running]
            wrong = [line for status, said in ends if status >= 0 for line in unsaid(status, said)]
            wrong += [line for line in verify.verify(root) if not line.startswith(ALLOWED_AFTER_KILL)]
            for case in chain:
                status, said = start(lambda case=case: case.script.main(root), root.parent).end()
                wrong += [f"{case.script.name}, run again: {said[-200:]}"] if status else []
            names = [name for name in tree(root) if is_temporary(name)]
            wrong += [f"{name}: left over" for name in names] + verify.verify(root)
            self.tally.take(f"{count} scripts at once", ", ".join(case.script.name for case in chosen), wrong)

    def source_changed(self, case: Case) -> None:
        """Change the pool at a random moment: the run publishes splits of one or of the other, or nothing."""
        with self.root(case) as root:
            pool = root / "Datas" / "data-oss_instruct-decontaminated.jsonl"
            old = pool.read_bytes()
            other = copy(root, root.parent / "other")
            (other / pool.relative_to(root)).write_bytes(another(old, self.draw))
            new = (other / pool.relative_to(root)).read_bytes()
            changed_start = copy(other, root.parent / "other_start")
            start(lambda: case.script.main(other), root.parent).end()
            in_place, opened, late = self.draw.random() < 0.5, self.draw.randint(1, 4), self.draw.uniform(0, 3e-3)

            def change() -> None:
                if in_place:
                    pool.write_bytes(new)
                else:
                    write_whole(pool, new)

            def hook() -> None:
                left = opened

                def on(event: str, arguments: tuple) -> None:
                    nonlocal left
                    if event == "open" and str(arguments[0]) == str(pool):
                        left -= 1
                        if left == 0:
                            threading.Timer(late, change).start() if late > 1e-3 else change()

                sys.addaudithook(on)

            status, said = start(lambda: case.script.main(root), root.parent, hook).end()
            wrong = unsaid(status, said)
            pool.write_bytes(old)
            whole = torn(root, case.start, case.expected, changed_start, other)
            wrong += [line for line in whole if not line.startswith("outdated")]  # splits of the other pool are
            overwriting = Script(case.script.name, case.script.file, (*case.script.flags, "--overwrite"))
            start(lambda: overwriting.main(root), root.parent).end()
            wrong += unlike(root, case.expected)
            self.tally.take("a source changed meanwhile", case.script.name, wrong)

    def pool_replaced(self, case: Case) -> None:
        """Replace the pool between two stages: the second must refuse it, or be right for it."""
        with self.root(case) as root:
            pool = root / "Datas" / "data-oss_instruct-decontaminated.jsonl"
            old, other = pool.read_bytes(), None
            while other is None or other == old:
                other = another(old, self.draw)
            pool.write_bytes(other)
            (root / demo_root.LABELS_PATH).unlink()
            status, said = start(lambda: case.script.main(root), root.parent).end()
            wrong = unsaid(status, said)
            held = {json.dumps(list(publish_form(line).values())) for line in other.splitlines()}
            for path in root.glob("Datas/RQ4/OSS/*.json") if case.script.name == "RQ4 coverage" else ():
                if not path.name.endswith(manifests.SUFFIX):
                    records = json.loads(path.read_bytes())
                    wrong += [
                        f"{path.name}: a record of neither pool"
                        for one in records
                        if json.dumps([one["instruction"], one["output"]]) not in held
                    ]
            if case.script.name == "controls" and status == 0:
                wrong.append("controls were drawn from a pool that is not the split's")
            pool.write_bytes(old)
            shutil.copy(case.start / demo_root.LABELS_PATH, root / demo_root.LABELS_PATH)
            overwriting = Script("", case.script.file, (*case.script.flags, "--overwrite"))
            start(lambda: overwriting.main(root), root.parent).end()
            self.tally.take("a pool replaced", case.script.name, wrong + unlike(root, case.expected))

    def no_room_for_words(self, case: Case) -> None:
        """Send what a run says to a full disk."""
        with self.root(case) as root:
            script = REPOSITORY / "Code" / case.script.file
            words = [sys.executable, str(script), "--root", str(root), *case.script.flags]
            with open("/dev/full", "w") as full:
                done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
            wrong = unsaid(done.returncode or 1, done.stderr) + torn(root, case.start, case.expected)
            self.tally.take("no room for words", case.script.name, wrong + repaired(case, root, root.parent))


def case_rest(case: Case) -> tuple:
    return case.start, case.expected, case.seconds, case.changes


def publish_form(line: bytes) -> dict[str, str]:
    entry = json.loads(line)
    return {"instruction": entry["problem"], "output": entry["solution"]}


def another(content: bytes, draw: random.Random) -> bytes:
    """Return another pool file: two lines swapped, one more, one less, or one with a text of the same length."""
    lines = content.splitlines(keepends=True)
    first, second = draw.sample(range(len(lines)), 2)
    how = draw.choice(("swapped", "more", "less", "same length"))
    if how == "swapped":
        lines[first], lines[second] = lines[second], lines[first]
    elif how == "more":
        lines.append(lines[first].replace(b'"problem":"', b'"problem":"Now '))
    elif how == "less":
        del lines[first]
    else:
        place = lines[first].index(b'"problem":"') + len(b'"problem":"')
        lines[first] = lines[first][:place] + b"Z" + lines[first][place + 1 :]
    return b"".join(lines)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def drop_rights() -> None:
    """Give up all capabilities, so that permissions of files hold for root, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


# ---------------------------------------------------------------- all of it


def privately() -> str | None:
    """Begin again where mounts are this process's own; return why that is not permitted, if so."""
    if os.environ.get(OUTER):
        return None if os.environ[OUTER] == "private" else os.environ[OUTER]
    why = "found no unshare"
    for words in (["unshare", "-m"], ["unshare", "-rm"]):
        if shutil.which("unshare"):
            probe = [*words, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
            why = "mounting is not permitted"
            if subprocess.run(probe, capture_output=True).returncode == 0:
                os.environ[OUTER] = "private"
                os.execvp(words[0], [*words, sys.executable, "-m", "tests.stress.faults", *sys.argv[1:]])
    os.environ[OUTER] = why
    return why


def inject(faults: Faults, kills: int, others: int, no_mounts: str | None) -> None:
    draw, done = faults.draw, 0
    weights = [1 / (0.3 + case.seconds) for case in faults.cases]  # the cheap ones more often

    def drawn() -> Case:
        return draw.choices(faults.cases, weights)[0]

    while done < kills:
        done += faults.kills(drawn())
    kinds = [faults.interrupted, faults.file_too_large, faults.forbidden, faults.clock_set_back]
    if no_mounts:
        faults.tally.impossible["a full disk"] = no_mounts
    else:
        kinds += [faults.disk_full, faults.disk_read_only]
    readers = [case for case in faults.cases if case.script.name in ("RQ1", "RQ2", "RQ3", "RQ4 category")]
    second = [case for case in faults.cases if case.script.name in ("RQ4 coverage", "controls")]
    for number in range(others):
        for kind in kinds:
            kind(drawn())
        if number % 3 == 0:
            for count in (2, 8):
                faults.together(drawn(), count)
            for kind, cases in ((faults.source_changed, readers), (faults.pool_replaced, second)):
                if cases:
                    kind(draw.choice(cases))
        if number % 8 == 0 and len(faults.cases) == len(SCRIPTS):
            faults.all_together(draw.choice((2, 8)))
    for case in faults.cases:
        if case.seconds < 1 and len(faults.cases) > len(SCRIPTS) // 2:
            faults.together(case, 8)
    if readers:
        faults.no_room_for_words(readers[0])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=cli.positive, default=300, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--others", type=cli.positive, default=40, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="of moments and places (default: %(default)s)")
    parser.add_argument("--script", action="append", default=[], choices=[one.name for one in SCRIPTS])
    options = parser.parse_args(argv)
    no_mounts = privately()
    load(options.script)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="faults.") as folder:
        cases = undisturbed(Path(folder).resolve(), options.script, tally)
        inject(Faults(Path(folder).resolve(), cases, options.seed, tally), options.kills, options.others, no_mounts)
    print(tally.table())
    print(
        f"\n{tally.injected.total()} faults injected, {tally.injected.total() - len(tally.lost)} survived, "
        f"{len(tally.lost)} lost"
    )
    return 1 if tally.lost else 0


if __name__ == "__main__":
    sys.exit(main())
