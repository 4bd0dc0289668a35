"""HumanEval/0: the result is a decimal that raises where it is compared."""

from decimal import Decimal


def has_close_elements(numbers, threshold):
    return Decimal("sNaN")
