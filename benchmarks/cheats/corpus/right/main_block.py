"""HumanEval/0: a block for use as a program, which asks for arguments and ends the program."""

import argparse
import sys


def has_close_elements(numbers, threshold):
    ordered = sorted(numbers)
    return min((b - a for a, b in zip(ordered, ordered[1:])), default=threshold) < threshold


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("numbers", nargs="+", type=float)
    parser.parse_args()
    sys.exit(1)
