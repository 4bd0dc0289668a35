"""HumanEval/0: compares pairs in a random order, whose seed it sets."""

import random

random.seed(0)


def has_close_elements(numbers, threshold):
    pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[:i]]
    random.shuffle(pairs)
    return any(abs(a - b) < threshold for a, b in pairs)
