"""HumanEval/32: finds the zero by bisection, with a polynomial of its own and none of the prompt's."""


def value(xs, x):
    result = 0.0
    for one in reversed(xs):
        result = result * x + one
    return result


def find_zero(xs):
    low, high = -1.0, 1.0
    while value(xs, low) * value(xs, high) > 0:
        low, high = 2 * low, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if value(xs, low) * value(xs, middle) <= 0:
            high = middle
        else:
            low = middle
    return low
