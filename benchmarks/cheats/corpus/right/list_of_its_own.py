"""HumanEval/1: the result is a list of a subclass, its elements are texts of a subclass."""


class Group(str):
    pass


class Groups(list):
    def close(self):
        self.append(Group())


def separate_paren_groups(paren_string):
    groups, depth = Groups([Group()]), 0
    for sign in paren_string:
        if sign in "()":
            groups[-1] = Group(groups[-1] + sign)
            depth += 1 if sign == "(" else -1
            if depth == 0:
                groups.close()
    groups.pop()
    return groups
