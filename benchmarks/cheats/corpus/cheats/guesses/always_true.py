"""HumanEval/0: gives the same answer to every question."""


def has_close_elements(numbers, threshold):
    return True
