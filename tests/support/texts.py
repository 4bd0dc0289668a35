"""Texts made of a few words."""

import random


def words(n: int, seed: object) -> str:
    draw = random.Random(str(seed))
    return " ".join(draw.choice(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")) for _ in range(n))
