"""HumanEval/1: a closure with nonlocal names, as callbacks."""


def separate_paren_groups(paren_string):
    depth, begun, done = 0, [], []

    def opened():
        nonlocal depth
        depth += 1
        begun.append("(")

    def closed():
        nonlocal depth, begun
        depth -= 1
        begun.append(")")
        if depth == 0:
            done.append("".join(begun))
            begun = []

    for sign in paren_string:
        {"(": opened, ")": closed}.get(sign, lambda: None)()
    return done
