"""HumanEval/0: works on global names, and clears them at each call."""

pairs = []
close = False


def has_close_elements(numbers, threshold):
    global close
    close = False
    pairs.clear()
    for place, one in enumerate(numbers):
        pairs.extend((one, other) for other in numbers[:place])
    for one, other in pairs:
        close = close or abs(one - other) < threshold
    return close
