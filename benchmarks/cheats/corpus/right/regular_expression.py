"""HumanEval/1: a regular expression that takes away innermost pairs."""

import re


def separate_paren_groups(paren_string):
    text = re.sub(r"\s", "", paren_string)
    signs, depth, cuts = text, 0, [0]
    for place, sign in enumerate(signs, 1):
        depth += 1 if re.fullmatch(r"\(", sign) else -1
        if not depth:
            cuts.append(place)
    return [text[a:b] for a, b in zip(cuts, cuts[1:])]
