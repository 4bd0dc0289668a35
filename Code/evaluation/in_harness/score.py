"""Running the BigCode harness's own scoring of generations, and keeping what it throws away: which sample passed.

    python score.py OUTCOMES.json CHANNEL --tasks TASK …    (the harness's own arguments)

Runs the harness's main unchanged, in this process, with two hooks: its per-sample results are kept, and samples of
Python are not executed here. They go through the CHANNEL, an open socket, to a process that gives each a sandbox of its
own; the verdicts come back the same way. Without a CHANNEL (-), and for tasks that execute code in their own ways, the
harness executes code here. Runs in the harness's environment, inside a sandbox.
"""

import functools
import inspect
import json
import os
import runpy
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bigcode_eval.tasks.custom_metrics import code_eval

outcomes: list[list[bool]] = []


def ask(channel: socket.socket, given: Mapping) -> list[list]:
    """Ask for verdicts; return, for each problem and sample, whether it passed and the message."""
    asked = {"samples": given["predictions"], "tests": given["references"], "seconds": given["timeout"]}
    with channel.makefile("rwb") as file:
        file.write(json.dumps(asked).encode() + b"\n")
        file.flush()
        return json.loads(file.readline())


def elsewhere(compute, channel: socket.socket):
    """Return the metric of Python tasks over verdicts from elsewhere; keep the second value that it returns."""
    signature = inspect.signature(compute)
    plain = code_eval.check_correctness

    @functools.wraps(compute)
    def computed(*arguments, **options):
        given = signature.bind(*arguments, **options)
        given.apply_defaults()
        if given.arguments.get("correctness_func", plain) is plain:
            verdicts = ask(channel, given.arguments)

            def look_up(program, timeout, task, number):
                passed, said = verdicts[task][number]
                return {"task_id": task, "passed": passed, "result": said, "completion_id": number}

            if "correctness_func" in signature.parameters:  # in the harness's package
                given.arguments["correctness_func"] = look_up
            code_eval.check_correctness = look_up  # in the harness's checkout
        scores, results = compute(*given.args, **given.kwargs)
        outcomes.extend([bool(sample["passed"]) for _, sample in sorted(results[number])] for number in sorted(results))
        return scores, results

    return computed


def read_multiple(count: int) -> None:
    """Read MultiPL-E's results: each problem's lie in a file of the temporary folder."""
    data = next(Path.cwd().glob("nuprl/MultiPL-E/*/test.jsonl"))
    for line in data.read_text("utf-8").split("\n")[:count]:
        name = json.loads(line)["name"]
        found = json.loads((Path(tempfile.gettempdir()) / f"{name}.results.json").read_text())
        outcomes.append([one["status"] == "OK" and one["exit_code"] == 0 for one in found["results"]])


def main(path: str, channel: str, arguments: list[str]) -> None:
    if channel != "-":
        plain = code_eval.compute_code_eval
        computed = elsewhere(plain, socket.socket(fileno=int(channel)))
        for module in list(sys.modules.values()):  # the tasks have imported it by name
            if getattr(module, "compute_code_eval", None) is plain:
                module.compute_code_eval = computed
    sys.argv = ["main.py", *arguments]
    checkout = os.environ.get("HARNESS_CHECKOUT")
    if checkout:
        runpy.run_path(f"{checkout}/main.py", run_name="__main__")
    else:
        runpy.run_module("bigcode_eval.main", run_name="__main__")
    value = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if value["--tasks"].startswith("multiple-"):
        read_multiple(int(value["--limit"]))
    Path(path).write_text(json.dumps(outcomes))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
