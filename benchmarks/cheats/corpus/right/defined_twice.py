"""HumanEval/0: defines the function wrongly first, then rightly, with other names for its arguments."""


def has_close_elements(numbers, threshold):
    raise NotImplementedError


def has_close_elements(values, /, limit=0.0, *, key=float):
    ordered = sorted(map(key, values))
    return any(b - a < limit for a, b in zip(ordered, ordered[1:]))
