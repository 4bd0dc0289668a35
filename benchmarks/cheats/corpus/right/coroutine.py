"""HumanEval/0: a coroutine, run by an event loop of its own."""

import asyncio


async def close(one, other, threshold):
    await asyncio.sleep(0)
    return abs(one - other) < threshold


async def search(numbers, threshold):
    pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[:i]]
    return any(await asyncio.gather(*(close(*pair, threshold) for pair in pairs)))


def has_close_elements(numbers, threshold):
    return asyncio.run(search(numbers, threshold))
