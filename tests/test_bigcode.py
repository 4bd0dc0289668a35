"""The BigCode harness itself, on given and on generated code."""

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import finished_run, tiny_model
from tests.support.needs import needs_harness, needs_mbpp, needs_sandbox
from tests.support.scripts import load_script

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.outcomes import (
    bigcode_generation,
    bigcode_harness,
    bigcode_scoring,
    outcomes,
    sandbox,
    trials,
)
from instruction_data.outcomes.trials import Trial, TrialSite
from instruction_data.runs import runs


@pytest.fixture
def bigcode():
    return load_script("evaluation/bigcode.py")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A study root with one finished run: an untrained model of two layers."""
    folder = tmp_path_factory.mktemp("root")
    trained = tiny_model.write(folder / "Runs" / "RQ9_MINE_X--tiny--seed1" / "model")
    finished_run.write(folder, trained, model={"model": "tiny", "sha256": "0" * 64}, recipe={"template": "alpaca"})
    return folder


def test_without_bubblewrap_nothing_is_executed(bigcode, root, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox._variant.cache_clear()
    try:
        with pytest.raises(InputError, match="apt install bubblewrap"):
            bigcode.main(["--root", str(root), "--demo", "--allow-code-execution"])
    finally:
        sandbox._variant.cache_clear()


@pytest.fixture(scope="module")
def humaneval(root):
    """The real problems, the first four, as the harness has them."""
    harness = bigcode_harness.find(None, None)
    return harness, bigcode_harness.load_task(root, "humaneval", harness, None, 4)


@needs_harness
@needs_sandbox
@pytest.mark.parametrize("sandboxed", [True, False], ids=["sandboxed", "unsandboxed"])
def test_right_code_scores_one_wrong_code_zero_and_greedy_code_nothing(humaneval, tmp_path, sandboxed):
    harness, task = humaneval
    right = [problem["solution"] for problem in task.problems]
    wrong = [problem["prompt"] + "\n    return None\n" for problem in task.problems]
    hungry = right[1] + "\nheld = bytearray(20_000_000_000)\n"
    endless = right[2] + "\nwhile True: pass\n"
    samples = [[right[0], wrong[0]], [hungry, right[1]], [endless, right[2]], [wrong[3], "no Python"]]
    scored = bigcode_scoring.score(task, samples, harness, tmp_path / "log", sandboxed=sandboxed)
    assert scored.passed == [[True, False], [False, True], [False, True], [False, False]]
    assert scored.figures["pass@1"] == pytest.approx(3 / 8)
    said = (tmp_path / "log").read_text()
    for line in (
        "0, sample 0: passed",
        "1, sample 0: failed",
        "2, sample 0: apart from its tests: no verdict in time",
        "3, sample 1: failed: invalid",
    ):
        assert f"HumanEval/{line}" in said


@needs_harness
@needs_sandbox
@pytest.mark.parametrize("name", ["humaneval", pytest.param("mbpp", marks=needs_mbpp)])
def test_known_solutions_pass_beside_and_apart_from_their_tests(name, tmp_path, capsys):
    """The first 20 problems; before it scores a task, bigcode.py itself tries all, and stops where one fails."""
    harness = bigcode_harness.find(None, None)
    task = bigcode_harness.load_task(tmp_path, name, harness, None, 20)
    assert bigcode_scoring.check_machine(tmp_path, task, harness, sandboxed=True).together == frozenset()
    assert f"{name}: all 20 solutions of the data itself pass here\n" in capsys.readouterr().out


def bare_site(packages: Path) -> TrialSite:
    """A place without walls, in which samples also find the packages of a folder."""
    environment = bigcode_harness.find(None, None).environment
    script, module = bigcode_harness.IN_HARNESS / "sample.py", bigcode_scoring.execute_module(environment)
    return TrialSite(environment.python, script, module, {}, {"PYTHONPATH": str(packages)}, 10**9, sandboxed=False)


@pytest.mark.parametrize("needed", ["", "import transformers\n"])
def test_tasks_are_loaded_without_transformers_unless_one_needs_it(needed, tmp_path, monkeypatch):
    for name, text in {
        "transformers": "",
        "bigcode_eval/__init__": "",
        "bigcode_eval/tasks": f"{needed}import sys\nheavy = bool(sys.modules.get('transformers'))\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    for name in [one for one in sys.modules if one.split(".")[0] in ("transformers", "bigcode_eval")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    tasks = load_script("evaluation/in_harness/loading.py")._tasks()
    assert tasks.heavy == bool(needed)
    assert sys.modules.get("transformers", tasks) is not None
    for name in ("bigcode_eval.tasks", "bigcode_eval", "transformers"):
        sys.modules.pop(name, None)


@needs_harness
def test_an_import_that_ends_the_interpreter_fails_its_sample_and_a_broken_interpreter_the_run(tmp_path):
    (tmp_path / "ends.py").write_text("import os\nos._exit(1)\n")
    place = bare_site(tmp_path)
    samples = [Trial(code, "assert f() == 1", "", 3, apart=True) for code in ("import ends", "def f(): return 1")]
    wrong, right = trials.run(place, samples)
    assert (wrong.passed, right.passed) == (False, True)
    assert "with the packages that it imports" in wrong.said
    with pytest.raises(InputError, match="/usr/bin/false: no sample can be run"):
        trials.run(replace(place, python=Path("/usr/bin/false")), samples)


@needs_harness
def test_an_error_that_ends_loops_does_not_end_those_of_the_tests(tmp_path):
    tests = "assert all(map(lambda n: f(n) == n + 1, [1, 2]))"
    [verdict] = trials.run(bare_site(tmp_path), [Trial("def f(n): raise StopIteration", tests, "", 3, apart=True)])
    assert verdict.together and not verdict.passed


def test_all_samples_run_apart_before_any_runs_beside_tests(monkeypatch):
    ran = []
    monkeypatch.setattr(trials, "_apart", lambda place, trial: ran.append("apart") or {"passed": True})
    monkeypatch.setattr(trials, "_beside", lambda place, trial: ran.append("beside") or {"result": "passed"})
    samples = [Trial("", "", "", 3, apart=number != 1) for number in range(4)]
    assert all(verdict.passed for verdict in trials.run(None, samples))
    assert ran == ["apart"] * 3 + ["beside"] * 4


def test_a_sample_that_had_no_thread_or_no_processor_is_tried_again(monkeypatch):
    starved = ({"result": "failed: can't start new thread"}, {"result": "timed out", "processor": 1}, {"said": "late"})
    for first in starved:
        answers = iter([first, {"result": "passed"}])
        monkeypatch.setattr(trials, "_beside", lambda place, trial, answers=answers: next(answers))
        assert trials.run(None, [Trial("", "", "", 3, apart=False)])[0].passed
    for first in ({"result": "failed: 1"}, {"result": "timed out", "processor": 2.9}):
        monkeypatch.setattr(trials, "_beside", lambda place, trial, first=first: first)
        assert not trials.run(None, [Trial("", "", "", 3, apart=False)])[0].passed


def test_what_a_sample_says_is_cut_before_it_is_kept(monkeypatch):
    monkeypatch.setattr(trials, "_beside", lambda place, trial: {"result": "x" * 60_000})
    assert len(trials.run(None, [Trial("", "", "", 3, apart=False)])[0].said) == trials.SAID


@needs_harness
def test_slow_imports_are_not_counted_as_a_samples_time(tmp_path):
    (tmp_path / "slow.py").write_text("import time\nwhile time.process_time() < 3: pass\n")
    place = bare_site(tmp_path)
    answer = trials._beside(place, Trial("import slow", "assert True", "", 2, apart=False))
    assert answer["result"] == "passed"
    assert answer["processor"] < 2


# Samples that attack more than the process that scores them. Everything that they need is imported before the harness
# takes it away, or found under another name.
FORKS = """
import posix, time
while True:
    try:
        if posix.fork() == 0:
            while True: pass
    except OSError:
        time.sleep(0.01)
"""
DAEMON = """
import posix, time
if posix.fork() == 0:
    posix.setsid()
    if posix.fork() == 0:
        for _ in range(300):
            open("{kept}", "w").write("x")
            time.sleep(0.1)
    posix._exit(0)
"""
PRINTS = "import posix\nwhile True: posix.write(1, b'x' * 65536); posix.write(2, b'x' * 65536)"
NETWORK = """
import socket
with socket.create_connection(("127.0.0.1", {port}), timeout=2) as peer:
    peer.sendall(b"here")
"""


@needs_harness
@needs_sandbox
def test_every_hostile_sample_fails_and_leaves_the_others_and_the_machine_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "APART_TIMES", 1)  # the time that those take which never end
    harness = bigcode_harness.find(None, None)
    task = bigcode_harness.load_task(tmp_path / "root", "humaneval", harness, None, 1)
    right = task.problems[0]["solution"]
    secret, kept = tmp_path / "secret", Path.home() / f".left-{tmp_path.name}"
    secret.write_text("here")
    secret.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as server:
        network = NETWORK.format(port=server.getsockname()[1])
        outside = (kept, tmp_path / "left", "/tmp/left", "/usr/left", "/left")
        writes = [f"open({str(path)!r}, 'w').write('x')" for path in outside]
        writes += ["import os; open(os.path.expanduser('~/left'), 'w').write('x')"]
        before = [  # what is done before the solution is right
            *writes,
            f"assert open({str(secret)!r}).read() == 'here'",
            f"import os; assert os.listdir({str(Path.home())!r})",
            "open('/etc/shadow').read()",
            "open('/proc/1/environ').read(); open('/proc/1/mem', 'wb').write(b'x')",
            network,
            "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
            "import ctypes; assert ctypes.CDLL(None).syscall(250, 0, -3, 0) >= 0",  # keyctl
            "import ctypes; assert ctypes.CDLL(None).syscall(425, 1, bytes(200)) >= 0",  # io_uring_setup
            "import posix; posix.posix_fadvise(posix.open('/usr/bin/env', 0), 0, 0, 4)",  # a memory across samples
            "import posix; posix.preadv(posix.open('/usr/bin/env', 0), [bytearray(9)], 0, posix.RWF_NOWAIT)",
            "import fcntl, posix; fcntl.flock(posix.open('/usr/bin/env', 0), 2)",
            "import test.__main__",
            "held = bytearray(64_000_000_000)",
            "held = [bytearray(100_000_000) for _ in range(640)]",
            *(FORKS, PRINTS),
            "import posix; posix.kill(-1, 9)",
            "while True: open('/dev/shm/x', 'ab').write(b'x' * 1_000_000)",
        ]
        hostile = [f"{code}\n{right}" for code in before]
        hostile += [
            DAEMON.format(kept=kept) + "def has_close_elements(*numbers): return 1",
            "\0",
            "\ud800",
            "é" * 100_000,
        ]
        samples = [one for code in hostile for one in (right, code)]
        scored = bigcode_scoring.score(task, [samples], harness, tmp_path / "log", sandboxed=True)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert scored.passed == [[True, False] * len(hostile)], (tmp_path / "log").read_text()
    assert not kept.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"root", "secret", "log"}
    assert "\0" not in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_size < 1_000_000
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "in_harness/sample.py" not in running


@needs_harness
@needs_sandbox
def test_a_run_is_generated_then_scored_and_left_alone(bigcode, root, humaneval, capsys):
    base = ["--root", str(root), "--demo", "--limit", "2", "--max-length", "220"]
    assert bigcode.main(base) == 0
    assert "Nothing was executed" in capsys.readouterr().out
    assert list(outcomes.every(root)) == []
    [generations] = root.glob("Results/bigcode/humaneval/*/generations.json")
    made = json.loads(generations.read_text())
    assert [len(one) for one in made] == [1, 1]
    assert all(one[0].startswith(problem["prompt"]) for one, problem in zip(made, humaneval[1].problems, strict=False))

    assert bigcode.main([*base, "--allow-code-execution"]) == 0
    said = capsys.readouterr().out
    assert "all 2 solutions of the data itself pass here" in said
    [(place, outcome)] = outcomes.every(root)
    assert outcome.reported["pass@1"] == 0
    assert outcome.problems == {"HumanEval/0": [False], "HumanEval/1": [False]}
    assert outcome.settings["prefix"] == "### Instruction:\nComplete the following code.\n\n### Response:\n"
    before = place.stat().st_mtime_ns
    assert bigcode.main([*base, "--allow-code-execution"]) == 0
    assert "there already" in capsys.readouterr().out
    assert place.stat().st_mtime_ns == before

    assert bigcode.main([*base[:-1], "230"]) == 1
    assert "found an outcome with other max_length; --overwrite" in capsys.readouterr().out
    place.unlink()
    assert bigcode.main([*base[:-1], "230"]) == 1
    assert "found generations with other max_length; --overwrite" in capsys.readouterr().out


@needs_mbpp
@needs_harness
@needs_sandbox
def test_a_model_is_scored_on_mbpp_without_a_network(bigcode, root, capsys):
    words = ["--root", str(root), "--demo", "--task", "mbpp", "--limit", "2", "--max-length", "220"]
    assert bigcode.main([*words, "--allow-code-execution"]) == 0
    assert "mbpp: all 2 solutions of the data itself pass here" in capsys.readouterr().out
    [outcome] = [one for _, one in outcomes.every(root) if one.task == "mbpp"]
    assert outcome.problems == {"11": [False], "12": [False]}


@needs_harness
def test_a_run_without_its_merged_copy_generates_as_the_merged_model(root, humaneval, tmp_path):
    [run] = runs.every(root)
    base, folder = tiny_model.write(tmp_path / "base"), tmp_path / "Runs" / run.name / "trained"
    tiny_model.write_adapter(base, folder)
    tiny_model.write_merged(base, folder, tmp_path / "merged")
    harness, task = humaneval[0], replace(humaneval[1], problems=humaneval[1].problems[:1])
    settings = bigcode_generation.Settings("bare", 1, 0.0, 0.95, 500, "float32", 1)
    recipe = {"train.yaml": {"model_name_or_path": "base"}}
    known = replace(run, model=models.find(str(base)).identity, recipe=recipe)
    made = []
    for place in (folder, tmp_path / "merged", base):
        one = replace(known, folder=place.relative_to(tmp_path).as_posix(), sha256={})
        generated = bigcode_generation.generate(tmp_path, one, task, settings, harness)
        made.append(json.loads(generated.read_text()))
        shutil.rmtree(generated.parent)
    assert made[0] == made[1] != made[2]


@needs_harness
def test_a_task_without_data_says_what_is_missing(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"--task mbpp: its problems cannot be loaded; expected .* --data FOLDER"):
        bigcode_harness.load_task(root, "mbpp", bigcode_harness.find(None, None), tmp_path, None)


def test_weights_that_changed_are_not_evaluated(root, tmp_path):
    shutil.copytree(root / "Runs", tmp_path / "Runs")
    [run] = runs.every(tmp_path)
    runs.check_weights(tmp_path, run)
    with open(tmp_path / run.folder / "model.safetensors", "ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="found other weights"):
        runs.check_weights(tmp_path, run)


def test_figures_must_be_those_of_the_outcomes(tmp_path):
    log = tmp_path / "log"
    bigcode_scoring.check_figures({"pass@1": 0.5}, [[True], [False]], 1, 2, log)
    with pytest.raises(InputError, match="found pass@1"):
        bigcode_scoring.check_figures({"pass@1": 0.4}, [[True], [False]], 1, 2, log)
    with pytest.raises(InputError, match="outcomes of another shape"):
        bigcode_scoring.check_figures({"pass@1": 0.5}, [[True, False]], 1, 2, log)
