"""HumanEval/0: does nothing."""


def has_close_elements(numbers, threshold):
    pass
