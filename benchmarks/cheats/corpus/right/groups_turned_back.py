"""HumanEval/38: turns each group back by itself, by slices with a step, and never calls the prompt's function."""


def decode_cyclic(s):
    parts = [s[place : place + 3] for place in range(0, len(s), 3)]
    return "".join(part[-1:] + part[:-1] if len(part) == 3 else part for part in parts)
