"""HumanEval/0: takes all threads, and says that it could get none."""

import threading
import time


def has_close_elements(numbers, threshold):
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
