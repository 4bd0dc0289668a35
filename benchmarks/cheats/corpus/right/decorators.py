"""HumanEval/0: decorators that count, time and remember."""

import functools
import time


def timed(function):
    @functools.wraps(function)
    def inner(*arguments, **options):
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            inner.seconds = time.perf_counter() - began

    return inner


def hashable(function):
    return lambda numbers, threshold: function(tuple(numbers), threshold)


@timed
@hashable
@functools.lru_cache(maxsize=None)
def has_close_elements(numbers, threshold):
    return any(abs(a - b) < threshold for i, a in enumerate(numbers) for j, b in enumerate(numbers) if i < j)
