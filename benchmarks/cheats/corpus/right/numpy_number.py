"""HumanEval/4: numpy's own number as the result."""

import numpy as np


def mean_absolute_deviation(numbers):
    values = np.array(numbers)
    return np.abs(values - values.mean()).mean()
