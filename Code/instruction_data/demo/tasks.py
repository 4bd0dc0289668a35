"""Drawing different tasks of several kinds, and the words and numbers that the kinds share."""

import random
from collections.abc import Callable
from fractions import Fraction

from instruction_data.errors import InputError

ATTEMPTS = 50  # draws in a row without a new task, after which a kind counts as used up
MOST = 150_000  # tasks of a domain; up to here at least half of its kinds still have new ones

NAMES = (
    "Amina",
    "Ben",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jonas",
    "Kavya",
    "Liam",
    "Mei",
    "Noor",
    "Oscar",
    "Priya",
    "Rosa",
    "Sam",
)
GOODS = ("notebooks", "pencils", "oranges", "mugs", "candles", "postcards", "plants", "lamps", "scarves", "bowls")
CITIES = (
    "Lisbon",
    "Oslo",
    "Cairo",
    "Lima",
    "Seoul",
    "Nairobi",
    "Prague",
    "Hanoi",
    "Quito",
    "Dublin",
    "Athens",
    "Toronto",
)


def different(
    kinds: tuple[Callable, ...], count: int, source: random.Random, block: int | None = None
) -> list[tuple[str, tuple[str, ...]]]:
    """Draw ``count`` tasks, each with its kind's name. The kinds take turns, and no task comes twice.

    Args:
        kinds: each draws one task from a random source; the answer is its last part.
        block: tasks are shuffled in blocks of this size, so larger draws begin with the same blocks; None: all at once.

    Raises:
        InputError: there are not that many.
    """
    result, seen, live = [], set(), list(kinds)
    while live and len(result) < count:
        shuffled = _in_turn(live, min(block or count, count - len(result)), source, seen)
        source.shuffle(shuffled)
        result += shuffled
    if len(result) < count:
        raise InputError(f"found {len(result):,} different tasks; expected {count:,}: ask for fewer with --others")
    return result


def _in_turn(live: list[Callable], count: int, source: random.Random, seen: set) -> list[tuple[str, tuple[str, ...]]]:
    """Draw tasks that are not in ``seen`` yet, and add them there; remove a kind that has no more from ``live``."""
    result = []
    while live and len(result) < count:
        for kind in live[: count - len(result)]:
            draws = (kind(source) for _ in range(ATTEMPTS))
            task = next((draw for draw in draws if draw[:-1] not in seen), None)
            if task is None:
                live.remove(kind)
            else:
                seen.add(task[:-1])
                result.append((kind.__name__.strip("_"), task))
    return result


def money(cents: int) -> str:
    return f"${cents // 100}" if cents % 100 == 0 else f"${cents // 100}.{cents % 100:02d}"


def decimal(value: Fraction) -> str:
    """Return a fraction in decimal form, which must be finite."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def signed(value: int) -> str:
    return f"- {-value}" if value < 0 else f"+ {value}"
