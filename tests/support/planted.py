"""Solutions of benchmark problems planted in records, in many shapes; functions that solve none; and hostile ones.

All were written by hand for these tests, from what the problems ask, under other names than the benchmarks'.
"""


def fenced(code: str, label: str = "python") -> str:
    return f"Here it is.\n\n```{label}\n{code}```\n\nIt does what was asked for.\n"


# problem -> outputs of records, of which each holds a solution
SOLUTIONS = {
    "HumanEval/0": [
        fenced("""def any_near(values, gap):
    ordered = sorted(values)
    return any(b - a < gap for a, b in zip(ordered, ordered[1:]))
"""),
        # arguments in another order, and annotations whose import is missing
        fenced("""def near_pair(gap: float, values: List[float]) -> bool:
    for i, x in enumerate(values):
        for y in values[i + 1:]:
            if abs(x - y) < gap:
                return True
    return False
"""),
    ],
    "HumanEval/2": [fenced("fraction_of = lambda x: x % 1\n"), fenced("def frac(x):\n    return x - int(x)\n", "")],
    "HumanEval/3": [
        fenced("""from itertools import accumulate

def overdrawn(steps):
    return any(total < 0 for total in accumulate(steps))
"""),
        # an account with a method that needs no state
        fenced("""class Account:
    def __init__(self, start=0):
        self.start = start

    def goes_under(self, steps):
        total = self.start
        for step in steps:
            total += step
            if total < 0:
                return True
        return False
"""),
    ],
    "HumanEval/4": [
        fenced("""def average(xs):
    return sum(xs) / len(xs)

def spread(xs):
    centre = average(xs)
    return average([abs(x - centre) for x in xs])

if __name__ == "__main__":
    print(spread(eval(input())))
"""),
        fenced(
            "import numpy as np\n\ndef mad(xs):\n    a = np.array(xs)\n    return np.abs(a - a.mean()).mean()\n", "py"
        ),
    ],
    "HumanEval/5": [
        fenced("""def weave(item, row):
    out = []
    for one in row:
        out += [one, item]
    return out[:-1]
"""),
        # what a call leaves behind is not there at the next
        fenced("""class Weaver:
    def __init__(self):
        self.out = []

    def weave(self, row, item):
        for one in row:
            self.out += [one, item]
        return self.out[:-1]
"""),
    ],
    "HumanEval/8": [
        # whole text is code, without a fence
        """import math

def both(xs):
    return sum(xs), math.prod(xs)
""",
        fenced("def both(xs):\n    s, p = 0, 1\n    for x in xs:\n        s += x; p *= x\n    return [s, p][0], p\n"),
    ],
    "HumanEval/9": [
        # prose around code without a fence
        """You can keep the largest value seen so far:

def records_so_far(xs):
    out = []
    for x in xs:
        out.append(x if not out or x > out[-1] else out[-1])
    return out

This takes linear time.""",
    ],
    "HumanEval/12": [
        fenced("def widest(words):\n    if not words:\n        return None\n    return max(words, key=len)\n"),
    ],
    "HumanEval/13": [
        fenced("def common_measure(a, b):\n    while b:\n        a, b = b, a % b\n    return a\n"),
        fenced("def recursive(a, b):\n    return a if b == 0 else recursive(b, a % b)\n"),
        fenced("def slow(m, n):\n    return max(d for d in range(1, min(m, n) + 1) if m % d == 0 and n % d == 0)\n"),
    ],
    "HumanEval/14": [fenced("def heads(s):\n    return [s[:n + 1] for n in range(len(s))]\n")],
    "HumanEval/25": [
        fenced("""def primes_of(n):
    found, d = [], 2
    while n > 1:
        if n % d:
            d += 1
        else:
            found.append(d)
            n //= d
    return found
"""),
    ],
    "HumanEval/26": [
        fenced(
            "def singles(xs):\n    counts = Counter(xs)\n    return [x for x in xs if counts[x] == 1]\n"
        ),  # no import
    ],
    "HumanEval/27": [fenced("class Text:\n    @staticmethod\n    def invert(s):\n        return s.swapcase()\n")],
    "HumanEval/29": [
        fenced("def beginning(start, words):\n    return [w for w in words if w[:len(start)] == start]\n"),
    ],
    "HumanEval/31": [
        fenced("""class Solution:
    def check(self, n: int) -> bool:
        if n < 2:
            return False
        return all(n % d for d in range(2, int(n ** 0.5) + 1))
"""),
        fenced("""SMALL = (2, 3, 5, 7)

def helper(n, d):
    return d * d > n or (n % d != 0 and helper(n, d + 1))

def has_two_divisors(n):
    return n in SMALL or (n > 1 and helper(n, 2))
"""),
    ],
    "HumanEval/34": [fenced("def distinct(xs):\n    out = list(set(xs))\n    out.sort()\n    return out\n")],
    "HumanEval/40": [
        fenced("""import itertools

def zero_triple(xs):
    return any(sum(t) == 0 for t in itertools.combinations(xs, 3))
"""),
    ],
    "HumanEval/44": [
        fenced("""def in_base(b, n):
    digits = ''
    while n:
        n, d = divmod(n, b)
        digits = str(d) + digits
    return digits
"""),
    ],
    "HumanEval/46": [
        fenced("""from functools import lru_cache

@lru_cache(maxsize=None)
def four(n):
    return (0, 0, 2, 0)[n] if n < 4 else sum(four(n - k) for k in range(1, 5))
"""),
    ],
    "HumanEval/47": [
        # code that breaks off behind the function
        fenced("""import statistics

def middle(xs):
    return statistics.median(xs)

def report(xs):
    print('the middle is',
"""),
    ],
    "HumanEval/48": [fenced("def mirrored(s):\n    return list(s) == list(reversed(s))\n")],
    "HumanEval/51": [fenced("import re\n\nstrip = lambda t: re.sub('[aeiou]', '', t, flags=re.I)\n")],
    "HumanEval/55": [
        fenced("def f(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n"),
        fenced("""memo = {}
memo[0] = 0
memo[1] = 1

def g(n):
    if n not in memo:
        memo[n] = g(n - 1) + g(n - 2)
    return memo[n]
"""),
    ],
    "HumanEval/58": [
        fenced("def shared(a, b):\n    return sorted(set(a).intersection(b))\n"),
        fenced(
            "def shared(xs, ys):\n    out = []\n    for x in xs:\n        if x in ys and x not in out:\n"
            "            out.append(x)\n    return sorted(out)\n"
        ),
    ],
    "HumanEval/61": [
        # the helper stands in a block of its own
        "First a helper:\n\n```python\ndef step(c):\n    return 1 if c == '(' else -1\n```\n\nand then\n\n```python\n"
        "def balanced(s):\n    depth = 0\n    for c in s:\n        depth += step(c)\n        if depth < 0:\n"
        "            return False\n    return depth == 0\n```\n",
    ],
    "HumanEval/62": [
        fenced("def slope(cs):\n    return [i * cs[i] for i in range(1, len(cs))]\n"),
        fenced("""import asyncio

async def slope(cs):
    await asyncio.sleep(0)
    return [i * c for i, c in enumerate(cs)][1:]
"""),
    ],
    "HumanEval/66": [
        fenced("""def capitals(s, total=0):
    for c in s:
        total += ord(c) if c.isupper() else 0
    return total
"""),
    ],
    "HumanEval/38": [  # its tests use what its prompt defines
        fenced("""def unroll(s):
    out = []
    for i in range(0, len(s), 3):
        g = s[i:i + 3]
        out.append(g[2] + g[:2] if len(g) == 3 else g)
    return ''.join(out)
"""),
    ],
    "HumanEval/32": [  # its tests look for any root, with many random polynomials
        fenced("""def value(cs, x):
    return sum(c * x ** i for i, c in enumerate(cs))

def root(cs):
    low, high = -1.0, 1.0
    while value(cs, low) * value(cs, high) > 0:
        low, high = low * 2, high * 2
    for _ in range(200):
        mid = (low + high) / 2
        if value(cs, low) * value(cs, mid) <= 0:
            high = mid
        else:
            low = mid
    return mid
"""),
    ],
    "HumanEval/106": [
        fenced("""def alternating(n):
    out, total, product = [], 0, 1
    for i in range(1, n + 1):
        total += i
        product *= i
        out.append(product if i % 2 == 0 else total)
    return out
"""),
    ],
}
MBPP_SOLUTIONS = {
    "11": [
        fenced("""def without_ends(c, s):
    i, j = s.find(c), s.rfind(c)
    if i < 0:
        return s
    if i == j:
        return s[:i] + s[i + 1:]
    return s[:i] + s[i + 1:j] + s[j + 1:]
"""),
    ],
    "12": [
        fenced("def by_total(rows):\n    rows = list(rows)\n    rows.sort(key=lambda r: sum(r))\n    return rows\n")
    ],
    "17": [fenced("def around(side):\n    return side * 4\n")],
    "20": [
        fenced("def w(n):\n    k = 1\n    while k * 2 ** k - 1 < n:\n        k += 1\n    return k * 2 ** k - 1 == n\n")
    ],
    "62": [
        fenced(
            "def least(xs):\n    best = xs[0]\n    for x in xs:\n        if x < best:\n            best = x\n"
            "    return best\n"
        )
    ],
    "90": [fenced("class S:\n    def run(self, ws):\n        return max(map(len, ws))\n")],
    "105": [fenced("def trues(xs):\n    return len([x for x in xs if x])\n")],
}
# An instruction with a signature, and an output that goes on with its body.
COMPLETION = (
    "HumanEval/60",
    "Complete this:\n\ndef total_up_to(n):\n    ''' The sum of 1 to n. '''",
    "    return n * (n + 1) // 2\n",
)
# What else these solve, each looked at: problems that ask for the same, or whose few tests do not tell them apart.
ALSO = {
    "HumanEval/12": {"418"},  # the longest, of strings and of lists
    "HumanEval/13": {"498"},  # the same
    "HumanEval/34": {"54", "71", "141", "152"},  # sorting; no test has an element twice
    "HumanEval/48": {"115", "201"},  # no test has equal ends and anything else between them
    "HumanEval/55": {"211"},  # tests ask for 1, 2 and 3 alone, where the answers are Fibonacci's
    "HumanEval/58": {"249"},  # the same
    "HumanEval/66": {"269"},  # tests ask for one capital letter
    "11": {"377"},  # no test has the character more than twice
    "62": {"45", "443", "457"},  # the least of numbers divides the others, is the negative one, is the shortest list
    "105": {"242", "HumanEval/23"},  # characters are true
}
# Honest functions that pass tests, by their names.
WEAKLY_TESTED = {
    "echo": {"257"},  # to swap two numbers is to return the arguments in another order
    "first": {"45", "436", "457"},  # the first is what each asks for in its tests; those of 436 compare only one number
}

HONEST = [
    fenced("def shout(s):\n    return s.upper() + '!'\n"),
    fenced("def always(x):\n    return True\n"),
    fenced("def nothing(a, b):\n    pass\n"),
    fenced("def echo(*things):\n    return things\n"),
    fenced("def first(xs):\n    return xs[0]\n"),
    fenced("def is_prime(n):\n    return all(n % d for d in range(2, n))  # wrong: 1 is none\n"),
    fenced("def has_close(xs, t):\n    return any(abs(a - b) < t for a, b in zip(xs, xs[1:]))  # neighbours only\n"),
    fenced("def mean_deviation(xs):\n    m = sum(xs) / len(xs)\n    return sum(x - m for x in xs) / len(xs)\n"),
    fenced("def fib(n):\n    return 1 if n < 2 else fib(n - 1) + fib(n - 2)\n"),  # begins with 1, 1; and is slow
    fenced("import torch\n\ndef train(model, data):\n    return torch.stack([model(x) for x in data])\n"),
    fenced("public int add(int a, int b) { return a + b; }\n", "java"),
    fenced("def broken(x:\n    return x\n"),
    "There is no code here, but the word def stands here.",
]

# What each tries, none of which may count as solving, nor stop the run.
HOSTILE = [
    fenced("""def endless(x):
    while True:
        try:
            x = x
        except BaseException:
            pass
"""),
    fenced("while True:\n    LIMIT = 1\n\ndef loads_forever(x):\n    return LIMIT\n"),
    fenced("def hog(x):\n    return [bytearray(10 ** 7) for _ in range(10 ** 6)]\n"),
    fenced("def big(x):\n    return 10 ** 10 ** 9\n"),
    fenced("import os\n\ndef leaves(x):\n    os._exit(0)\n"),
    fenced("""import os, signal

def kills(x):
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(-1, signal.SIGKILL)
"""),
    fenced("import os, signal\n\ndef stops(x):\n    os.kill(os.getppid(), signal.SIGSTOP)\n"),
    fenced("LIMIT = undefined(3)\n\ndef needs(x):\n    return LIMIT\n"),
    fenced("import threading\n\ndef waits(x):\n    threading.Event().wait()\n"),
    fenced("""class Same:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __lt__(self, other):
        return True
    def __sub__(self, other):
        return 0
    def __iter__(self):
        return iter(())

def agrees(x):
    return Same()
"""),
    fenced("""import os

def forges(x):
    for number in range(3, 20):
        try:
            for pair in range(2000):
                os.write(number, b'["passed", %d]\\n' % pair)
            os.write(number, b'["end"]\\n{"result": "passed"}\\n{"passed": true}\\n')
        except OSError:
            pass
    os._exit(0)
"""),
    fenced("""import sys

def reads_frames(x):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if callable(value) and getattr(value, '__name__', '') not in ('reads_frames', 'check'):
                try:
                    return value(x)
                except Exception:
                    pass
        frame = frame.f_back
"""),
    fenced("""import glob, gzip

def looks_up(x):
    return [gzip.open(p).read() for p in glob.glob('/**/HumanEval.jsonl.gz', recursive=True)]
"""),
]
