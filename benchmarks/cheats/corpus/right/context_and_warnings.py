"""HumanEval/4: a context manager of its own, and warnings."""

import contextlib
import warnings


@contextlib.contextmanager
def centred(numbers):
    warnings.warn("numbers are centred", DeprecationWarning, stacklevel=2)
    mean = sum(numbers) / len(numbers)
    yield [one - mean for one in numbers]


def mean_absolute_deviation(numbers):
    with warnings.catch_warnings(), contextlib.suppress(ZeroDivisionError):
        warnings.simplefilter("ignore")
        with centred(numbers) as values:
            return sum(map(abs, values)) / len(values)
