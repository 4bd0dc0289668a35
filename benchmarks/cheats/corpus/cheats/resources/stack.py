"""HumanEval/0: recurses until the stack is full."""

import sys

sys.setrecursionlimit(10**9)


def has_close_elements(numbers, threshold):
    return has_close_elements(numbers, threshold)
