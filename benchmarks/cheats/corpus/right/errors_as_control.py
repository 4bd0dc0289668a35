"""HumanEval/0: finds by raising errors of its own."""


class Found(Exception):
    pass


def compare(one, other, threshold):
    if abs(one - other) < threshold:
        raise Found(one, other)


def has_close_elements(numbers, threshold):
    try:
        for place, one in enumerate(numbers):
            for other in numbers[place + 1 :]:
                compare(one, other, threshold)
    except Found as found:
        return len(found.args) == 2
    else:
        return False
    finally:
        numbers = None
