"""HumanEval/0: looks at its own frame and signature, as logging and debugging code does."""

import inspect
import sys


def has_close_elements(numbers, threshold):
    name = sys._getframe().f_code.co_name
    names = list(inspect.signature(globals()[name]).parameters)
    values = list(map(sys._getframe().f_locals.get, names))
    ordered = sorted(values[0])
    return any(b - a < values[1] for a, b in zip(ordered, ordered[1:]))
