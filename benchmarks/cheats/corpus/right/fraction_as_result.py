"""HumanEval/2: exact arithmetic; the result is a fraction."""

from fractions import Fraction


def truncate_number(number):
    exact = Fraction(number)
    return exact - exact.numerator // exact.denominator
