"""HumanEval/1: a match statement over the rest of the signs."""


def separate_paren_groups(paren_string):
    done, begun, depth, rest = [], "", 0, [*paren_string]
    while rest:
        match rest:
            case ["(", *rest]:
                begun, depth = begun + "(", depth + 1
            case [")", *rest] if depth == 1:
                done, begun, depth = [*done, begun + ")"], "", 0
            case [")", *rest]:
                begun, depth = begun + ")", depth - 1
            case [_, *rest]:
                pass
    return done
