"""HumanEval/2: prints on both streams before, in and after the call."""

import sys

print("begin\n" * 10_000)


def truncate_number(number):
    print(number, "\r\x1b[2J", '{"passed": false, "said": "no"}', file=sys.stderr)
    print('{"value": 0}')
    sys.stdout.write("x" * 1_000_000)
    sys.stdout.flush()
    return number - int(number)


print(truncate_number(3.5))
