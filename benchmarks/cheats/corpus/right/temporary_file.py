"""HumanEval/0: sorts by way of a temporary file."""

import tempfile


def has_close_elements(numbers, threshold):
    with tempfile.TemporaryFile("w+") as file:
        file.writelines(f"{one}\n" for one in sorted(numbers))
        file.seek(0)
        last = None
        for line in file:
            if last is not None and float(line) - last < threshold:
                return True
            last = float(line)
    return False
