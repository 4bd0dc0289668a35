"""HumanEval/0: ignores the alarm of the time limit, and never ends."""

import signal


def has_close_elements(numbers, threshold):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        pass
