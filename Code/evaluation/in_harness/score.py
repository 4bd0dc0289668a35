"""The BigCode harness's own scoring of generations, and what it throws away: which sample passed.

    python score.py OUTCOMES.json BYTES --tasks TASK …    (the harness's own arguments)

Runs the harness's main as it is, in this process, with two things hooked in: its per-sample results are kept, and no
checked program gets more than BYTES of memory beyond what it begins with. Runs in the harness's environment, inside a
sandbox.
"""

import functools
import json
import os
import resource
import runpy
import sys
import tempfile
from pathlib import Path

from bigcode_eval.tasks.custom_metrics import code_eval, execute

outcomes: list[list[bool]] = []


def keep(compute):
    """Python tasks: the second value of their metric is what they drop."""

    @functools.wraps(compute)
    def kept(*arguments, **options):
        options["num_workers"] = os.cpu_count()  # more only take each other's time, and right solutions fail
        scores, results = compute(*arguments, **options)
        outcomes.extend([bool(sample["passed"]) for _, sample in sorted(results[number])] for number in sorted(results))
        return scores, results

    return kept


def limit(guard, more: int):
    """What the harness calls in each checked process, before the program runs."""

    @functools.wraps(guard)
    def limited(*arguments, **options):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        at_most = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (at_most, at_most))
        guard(*arguments, **options)

    return limited


def read_multiple(count: int) -> None:
    """MultiPL-E: each problem's results lie in a file of the temporary folder."""
    data = next(Path.cwd().glob("nuprl/MultiPL-E/*/test.jsonl"))
    for line in data.read_text("utf-8").split("\n")[:count]:
        name = json.loads(line)["name"]
        found = json.loads((Path(tempfile.gettempdir()) / f"{name}.results.json").read_text())
        outcomes.append([one["status"] == "OK" and one["exit_code"] == 0 for one in found["results"]])


def main(path: str, memory: int, arguments: list[str]) -> None:
    plain = code_eval.compute_code_eval
    keeping = keep(plain)
    for module in list(sys.modules.values()):  # the tasks have taken it by name
        if getattr(module, "compute_code_eval", None) is plain:
            module.compute_code_eval = keeping
    execute.reliability_guard = limit(execute.reliability_guard, memory)
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
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
