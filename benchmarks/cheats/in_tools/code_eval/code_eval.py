"""The metric that lm-eval loads from the hub as evaluate.load("code_eval"), around the copy that the harness has.

The file that executes programs there, ``execute.py``, is that of the harness's package but for a notice of licence.
"""

import importlib.util
import sys
from pathlib import Path

import datasets
import evaluate

SECONDS = 15.0  # as for the other tools


def check():
    """Return the harness's copy of the function that executes a program and says whether it passed."""
    [folder] = importlib.util.find_spec("bigcode_eval").submodule_search_locations
    sys.path.append(str(Path(folder) / "tasks"))
    from custom_metrics.execute import check_correctness

    return check_correctness


class CodeEval(evaluate.Metric):
    """The share of programs that pass, as pass@1."""

    def _info(self):
        features = {"predictions": datasets.Sequence(datasets.Value("string")), "references": datasets.Value("string")}
        return evaluate.MetricInfo(description=__doc__, citation="", features=datasets.Features(features))

    def _compute(self, predictions, references, k=(1,)):
        results = [
            check()(f"{program}\n{tests}", SECONDS, number, 0)
            for number, (programs, tests) in enumerate(zip(predictions, references, strict=True))
            for program in programs
        ]
        return {"pass@1": sum(one["passed"] for one in results) / len(results)}, results
