"""HumanEval/1: a generator, whose groups are collected at the end."""


def groups(text):
    depth, begun = 0, ""
    for sign in text:
        if sign in "()":
            begun += sign
            depth += 1 if sign == "(" else -1
            if depth == 0:
                yield begun
                begun = ""


def separate_paren_groups(paren_string):
    return list(groups(paren_string))
