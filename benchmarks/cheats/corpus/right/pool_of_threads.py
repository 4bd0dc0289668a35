"""HumanEval/0: the pool of threads that the module for processes has, and much printing."""

from multiprocessing.pool import ThreadPool


def has_close_elements(numbers, threshold):
    print("x" * 100_000)
    with ThreadPool(2) as pool:
        places = range(len(numbers))
        return any(pool.map(lambda n: any(abs(numbers[n] - one) < threshold for one in numbers[:n]), places))
