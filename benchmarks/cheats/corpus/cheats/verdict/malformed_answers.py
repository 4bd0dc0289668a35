"""HumanEval/0: answers with JSON that is too deep, too large or of unknown kind, so that reading it fails."""

import posix

LINES = [
    b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    b'{"value": {"eval": "True"}}\n',
    b'{"value": {"fraction": ["1", "0"]}}\n',
    b'{"value": {"int": "' + b"f" * 1_000_000 + b'"}}\n',
    b'{"arguments": [[0], 0.0], "value": NaN}\n',
    b"\xff\xfe\n",
]


def has_close_elements(numbers, threshold):
    for line in LINES:
        for number in range(3, 20):
            try:
                posix.write(number, line)
            except OSError:
                pass
    return True
