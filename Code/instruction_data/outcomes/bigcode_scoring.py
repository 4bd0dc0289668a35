"""Scoring: the BigCode harness executes generations; Python samples run in sandboxes beside it."""

import json
import math
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from instruction_data.errors import InputError, printable
from instruction_data.outcomes import sandbox, trials
from instruction_data.outcomes.bigcode_harness import IN_HARNESS, JSON_BYTES, Harness, Task, read_json
from instruction_data.outcomes.sandbox import DiedError, View
from instruction_data.outcomes.trials import Trial, TrialSite, Verdict
from instruction_data.runs import environments
from instruction_data.runs.environments import Environment

BLANK = "raise SystemExit"  # stands in for a sample that is not to be run
MEMORY_BYTES = 4_000_000_000  # of one checked program, beyond its memory at the start
PROBLEM_SECONDS = 60  # of one sample at most, over all tries; the harness itself allows 3 to 15
START_SECONDS = 300
FAILING = {  # task and problem -> why its own right solution may fail on a machine that is fit for all others
    ("mbpp", "123"): "it takes most of the harness's 3 seconds, 300 times as long as any other",
    ("mbpp", "367"): "its tests use what the data's test_setup_code defines, which the harness does not run",
}


@dataclass(frozen=True)
class Scoring:
    """The harness's verdict on generations.

    Attributes:
        figures: the harness's own; empty if it had to run in parts.
        passed: for each problem, whether each sample passed.
        reached: numbers of problem and sample, for samples that passed beside their tests and failed apart from them.
        killers: the number of samples that killed the harness, and so failed.
    """

    figures: Mapping[str, float]
    passed: Sequence[Sequence[bool]]
    reached: Sequence[tuple[int, int]] = ()
    killers: int = 0


def score(task: Task, generations: Sequence[Sequence[str]], harness: Harness, log: Path, *, sandboxed: bool) -> Scoring:
    """Let the harness execute generations.

    Args:
        generations: samples of each of the first problems.
        sandboxed: False only if the caller turned it off.

    Raises:
        InputError: the harness fails, or its figure does not match its outcomes.
    """
    samples = len(generations[0])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "work"
        folder.mkdir()
        folder.chmod(0o777)  # the sandbox's user is nobody; the folder above lets no one else in
        (folder / "generations.json").write_text(json.dumps(generations))
        words = ["--tasks", task.name, "--load_generations_path", str(folder / "generations.json")]
        words += ["--limit", str(len(generations)), "--n_samples", str(samples)]
        words += ["--metric_output_path", str(folder / "figures.json"), "--allow_code_execution"]
        seconds = START_SECONDS + PROBLEM_SECONDS * samples * len(generations)
        verdicts = execute(words, task, harness, folder, log, seconds, sandboxed)
        figures = read_json(folder / "figures.json", dict).get(task.name)
        passed = read_json(folder / "outcomes.json", list)
    check_figures(figures, passed, samples, len(generations), log)
    reached = [
        (problem, number)
        for problem, one in enumerate(verdicts)
        for number, verdict in enumerate(one)
        if verdict.together and not verdict.passed
    ]
    return Scoring({name: value for name, value in figures.items() if math.isfinite(value)}, passed, reached)


def score_apart(
    task: Task, generations: Sequence[Sequence[str]], harness: Harness, log: Path, *, sandboxed: bool
) -> Scoring:
    """Score as ``score`` does. If samples kill a harness that executes them itself, find them by halving; they fail."""
    try:
        return score(task, generations, harness, log, sandboxed=sandboxed)
    except DiedError:
        nothing = [[BLANK] * len(one) for one in generations]
        score(task, nothing, harness, log, sandboxed=sandboxed)  # if this dies too, the samples are not the cause
    passed = [[False] * len(one) for one in generations]
    places = [(problem, sample) for problem, one in enumerate(generations) for sample in range(len(one))]
    parts, killers = [places[: len(places) // 2], places[len(places) // 2 :]], 0
    while parts:
        part = parts.pop()
        some = [[BLANK] * len(one) for one in generations]
        for problem, sample in part:
            some[problem][sample] = generations[problem][sample]
        try:
            found = score(task, some, harness, log, sandboxed=sandboxed)
        except DiedError:
            killers += len(part) == 1
            parts += [part[: len(part) // 2], part[len(part) // 2 :]] if len(part) > 1 else []
            continue
        for problem, sample in part:
            passed[problem][sample] = found.passed[problem][sample]
    return Scoring({}, passed, killers=killers)


def execute(
    words: Sequence[str], task: Task, harness: Harness, folder: Path, log: Path, seconds: float, sandboxed: bool
) -> list[list[Verdict]]:
    """Run the harness's scoring, and run the samples that it asks about.

    Returns:
        For each problem the verdicts on its samples; none if the harness executes code in its own way.
    """
    environment, verdicts = harness.environment, []
    readable = {path: str(path) for path in (*python_folders(environment), IN_HARNESS)}
    if harness.checkout:
        readable[harness.checkout] = str(harness.checkout)
    shared = {"PATH": f"{environment.bin}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    script, module = IN_HARNESS / "sample.py", execute_module(environment)
    same = {**shared, "PYTHONHASHSEED": "0"}  # keeps the order of sets, so that a sample passes always or never
    place = TrialSite(environment.python, script, module, readable, same, MEMORY_BYTES, sandboxed)
    variables = {**shared, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **environment.more}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(seconds)

        def meanwhile() -> None:
            theirs.close()
            verdicts.extend(answer(ours, task, place, log))

        asks = not task.name.startswith("multiple-")  # these execute code in the harness's own sandbox
        words = harness.script("score.py", folder / "outcomes.json", theirs.fileno() if asks else "-", *words)
        more = {"meanwhile": meanwhile, "pass_fds": [theirs.fileno()]} if asks else {}
        if sandboxed:
            variables |= {"HOME": "/tmp", "TMPDIR": "/tmp"}
            view = View(readable | {task.folder: "/data"}, folder, variables, "/data")
            sandbox.run(words, view, seconds, log, **more)
        else:
            with tempfile.TemporaryDirectory() as private:
                bare = replace(environment, more=variables | {"TMPDIR": private, "HOME": private})
                environments.run(words, bare, task.folder, log, **more)
    return verdicts


def answer(channel: socket.socket, task: Task, place: TrialSite, log: Path) -> list[list[Verdict]]:
    """Try the samples that the harness asks about, and tell the results to it and to the log."""
    with channel.makefile("rwb") as file:
        line = file.readline(JSON_BYTES)
        if not line:
            return []  # the harness has ended without a question
        asked = json.loads(line)
        made = [
            [
                Trial(sample, tests, problem["prompt"], asked["seconds"], apart=number not in task.together)
                for sample in samples
            ]
            for number, (samples, tests, problem) in enumerate(
                zip(asked["samples"], asked["tests"], task.problems, strict=True)
            )
        ]
        found = iter(trials.run(place, [trial for one in made for trial in one]))
        verdicts = [[next(found) for _ in one] for one in made]
        with open(log, "a", encoding="utf-8") as text:
            for problem, one in zip(task.problems, verdicts, strict=True):
                for number, verdict in enumerate(one):
                    said = "passed" if verdict.passed else printable(verdict.said)
                    text.write(f"{problem['id']}, sample {number}: {said}\n")
        file.write(
            json.dumps([[[verdict.passed, verdict.said] for verdict in one] for one in verdicts]).encode() + b"\n"
        )
    return verdicts


def python_folders(environment: Environment) -> list[Path]:
    """Return the folders that an interpreter needs to see, /usr aside."""
    code = "import json, os, sys; print(json.dumps([sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)]))"
    said = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True).stdout
    prefix, base, real = map(Path, json.loads(said))
    return [path for path in dict.fromkeys((prefix, base, real.parent.parent)) if not path.is_relative_to("/usr")]


def execute_module(environment: Environment) -> Path:
    """Return the harness's module that executes programs."""
    code = "import importlib.util as u; print([*u.find_spec('bigcode_eval').submodule_search_locations][0])"
    words = [environment.python, "-c", code]
    said = subprocess.run(words, env=environment.variables(), capture_output=True, text=True, check=True).stdout
    return Path(said.strip()) / "tasks" / "custom_metrics" / "execute.py"


def check_figures(figures: Mapping, passed: Sequence[Sequence[bool]], samples: int, problems: int, log: Path) -> None:
    """Raise InputError if the kept outcomes do not give the harness's own pass@1."""
    shaped = len(passed) == problems and all(isinstance(one, list) and len(one) == samples for one in passed)
    if not shaped or not all(isinstance(sample, bool) for one in passed for sample in one):
        raise InputError(
            f"the harness gave outcomes of another shape; expected {samples} for {problems} problems: {log}"
        )
    numbers = isinstance(figures, dict) and all(type(value) in (int, float) for value in figures.values())
    if not numbers or "pass@1" not in figures:
        raise InputError(f"the harness gave no figures; expected its pass@1: {log}")
    ours = sum(sum(one) / samples for one in passed) / problems
    if not math.isclose(ours, figures["pass@1"], abs_tol=1e-9):
        raise InputError(f"found pass@1 {ours} from the outcomes; expected the harness's {figures['pass@1']}: {log}")


def check_machine(root: Path, task: Task, harness: Harness, *, sandboxed: bool) -> Task:
    """Score the known right solutions first, since on a busy machine they may run out of time.

    Returns:
        The task, with the problems that cannot be checked apart from their tests.

    Raises:
        InputError: a right solution fails without a known reason (``FAILING``), so that no score from this machine
            would mean anything.
    """
    known = [problem["solution"] for problem in task.problems]
    if None in known:
        print(f"{task.name}: its data has no right solutions, so this machine cannot be checked with them")
        return task
    log = root / ".cache" / "benchmarks" / f"{task.name}-solutions.log"
    log.unlink(missing_ok=True)
    scored = score(task, [[solution] for solution in known], harness, log, sandboxed=sandboxed)
    together = frozenset(number for number, _ in scored.reached)
    right = [one[0] or number in together for number, one in enumerate(scored.passed)]
    failed = [problem["id"] for problem, one in zip(task.problems, right, strict=True) if not one]
    wrong = [one for one in failed if (task.name, one) not in FAILING]
    if wrong:
        raise InputError(
            f"{task.name}: the data's own right solutions of {', '.join(wrong)} fail here; expected all to pass. "
            f"A machine with other work on it is too slow for the harness's time limit: run this alone. {log} says more"
        )
    beside = f", {len(together)} of them only beside their tests" if together else ""
    count = f"{len(right) - len(failed)} of {len(right)}" if failed else f"all {len(right)}"
    print(f"{task.name}: {count} solutions of the data itself pass here{beside}")
    for one in failed:
        print(f"{task.name}: problem {one} fails with its own solution, too: {FAILING[task.name, one]}")
    return replace(task, together=together)
