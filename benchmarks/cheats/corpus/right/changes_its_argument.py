"""HumanEval/0: takes its argument apart while it works."""


class Shelf:
    def __init__(self):
        self.seen = []

    def close(self, numbers, threshold):
        while numbers:
            one = numbers.pop(0)
            if any(abs(one - other) < threshold for other in self.seen):
                return True
            self.seen.append(one)
        return False


has_close_elements = lambda numbers, threshold: Shelf().close(numbers, threshold)
