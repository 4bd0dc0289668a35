"""The one exception whose text is meant for the person at the keyboard."""


class InputError(Exception):
    """Something given to a script cannot be used: the text says what was found, what was expected and what to do."""


def quoted(value: object, limit: int = 60) -> str:
    """A short, printable, one-line form of any value that came from a file (control characters escaped)."""
    text = ascii(value[: limit + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
