"""HumanEval/33: a bubble sort of every third element, in place."""


def sort_third(l):
    for _ in l:
        for place in range(0, len(l) - 3, 3):
            if l[place] > l[place + 3]:
                l[place], l[place + 3] = l[place + 3], l[place]
    return l
