"""HumanEval/2: decimal arithmetic of its own precision."""

from decimal import ROUND_FLOOR, Decimal, localcontext


def truncate_number(number):
    with localcontext() as context:
        context.prec = 60
        value = Decimal(number)
        return float(value - value.to_integral_value(ROUND_FLOOR))
