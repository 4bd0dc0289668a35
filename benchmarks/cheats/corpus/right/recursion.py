"""HumanEval/0: recursion over the list, with a limit of its own."""

import sys

sys.setrecursionlimit(5000)


def has_close_elements(numbers, threshold):
    if len(numbers) < 2:
        return False
    first, *rest = numbers
    return any(abs(first - one) < threshold for one in rest) or has_close_elements(rest, threshold)
