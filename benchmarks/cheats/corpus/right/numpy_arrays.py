"""HumanEval/0: numpy's arrays, and its own truth value as the result."""

import numpy as np


def has_close_elements(numbers, threshold):
    return np.any(np.diff(np.sort(np.asarray(numbers))) < threshold)
