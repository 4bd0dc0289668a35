"""HumanEval/2: a recursion of 5,000 calls, which needs a stack of its own size."""

import sys

sys.setrecursionlimit(20_000)


def down(number, calls):
    return number % 1 if calls == 0 else down(number, calls - 1)


def truncate_number(number):
    return down(number, 5_000)
