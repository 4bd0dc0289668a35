"""HumanEval/0: an object that can be called, with state that grows."""


class Seen:
    def __init__(self):
        self.calls = 0

    def __call__(self, numbers, threshold):
        self.calls += 1
        return any(abs(a - b) < threshold for i, a in enumerate(numbers) for b in numbers[i + 1 :])


has_close_elements = Seen()
