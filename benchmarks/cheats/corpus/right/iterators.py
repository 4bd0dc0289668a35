"""HumanEval/0: nothing but itertools and operator."""

import operator as op
from itertools import combinations, starmap


def has_close_elements(numbers, threshold):
    return any(map(threshold.__gt__, map(abs, starmap(op.sub, combinations(numbers, 2)))))
