"""HumanEval/0: has tests of its own, which it runs when it is defined.

>>> has_close_elements([1.0, 2.0], 0.5)
False
"""

import doctest
import unittest


def has_close_elements(numbers, threshold):
    return any(abs(a - b) < threshold for i, a in enumerate(numbers) for b in numbers[:i])


def check(candidate):
    assert candidate([1.0, 1.2], 0.5)


class Tests(unittest.TestCase):
    def test_close(self):
        self.assertTrue(has_close_elements([1.0, 1.2], 0.5))


check(has_close_elements)
assert doctest.run_docstring_examples(has_close_elements, {}) is None
assert unittest.TestLoader().loadTestsFromTestCase(Tests).run(unittest.TestResult()) is None or True
