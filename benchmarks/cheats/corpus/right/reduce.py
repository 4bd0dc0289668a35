"""HumanEval/1: a fold over the signs."""

from functools import reduce


def step(state, sign):
    done, open_, depth = state
    depth += {"(": 1, ")": -1}.get(sign, 0)
    open_ += sign.strip()
    return (done, open_, depth) if depth or not open_ else ([*done, open_], "", 0)


def separate_paren_groups(paren_string):
    return reduce(step, paren_string, ([], "", 0))[0]
