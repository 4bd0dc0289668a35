"""HumanEval/4: a thread computes, and a queue brings the result."""

import queue
import threading


def mean_absolute_deviation(numbers):
    results = queue.Queue()

    def work():
        mean = sum(numbers) / len(numbers)
        results.put(sum(abs(one - mean) for one in numbers) / len(numbers))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return results.get()
