"""HumanEval/0: a pool of threads compares the pairs."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations


def has_close_elements(numbers, threshold):
    with ThreadPoolExecutor(2) as pool:
        return any(pool.map(lambda pair: abs(pair[0] - pair[1]) < threshold, combinations(numbers, 2)))
