"""HumanEval/0: one lambda, with an assignment in it."""

has_close_elements = lambda numbers, threshold: any(
    b - a < threshold for a, b in zip((ordered := sorted(numbers)), ordered[1:])
)
