"""The one exception whose text is meant for the person at the keyboard, and how messages quote data."""

import reprlib

_SHORT = reprlib.Repr()  # of containers from files: neither deep nor long
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring = 3, 4, 4, 40


class InputError(Exception):
    """Something given to a script cannot be used: the text says what was found, what was expected and what to do.

    Names and data in the text are printed as they are; only what a terminal would obey is escaped.
    """

    def __str__(self) -> str:
        return "\n".join(printable(line) for line in super().__str__().split("\n"))


def printable(text: str) -> str:
    """Return text that a terminal shows and does not obey: control characters are escaped."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def quoted(value: object, limit: int = 60) -> str:
    """Return a short, printable, one-line form of any value that came from a file (control characters escaped)."""
    try:
        if isinstance(value, str | bytes):
            text = ascii(value[: limit + 1])
        else:
            text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode()
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        text = f"a {type(value).__name__} too large to be shown"
    return text if len(text) <= limit else text[: limit - 1] + "…"
