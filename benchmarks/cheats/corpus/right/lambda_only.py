"""HumanEval/0: one lambda, with an assignment in it."""

has_close_elements = lambda numbers, threshold: [
    ordered := sorted(numbers),
    any(b - a < threshold for a, b in zip(ordered, ordered[1:])),
][1]
