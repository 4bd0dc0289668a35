"""Grouping texts into batches of a fixed number of tokens, or of fewer where a device has not the memory for that."""

import itertools
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from instruction_data.errors import InputError

CPU_BATCH_TOKENS = 512  # padded tokens in one forward pass: few enough for a processor's caches,
DEVICE_BATCH_TOKENS = 16_384  # and enough to keep a GPU busy


def in_batches(lengths: Sequence[int], device: str, compute: Callable[[list[int]], object]) -> None:
    """Call a function with the positions of every batch; texts of similar length share one.

    A batch is of as many padded tokens as suit the device. A processor computes several at a time (``side_by_side``).
    Where the memory of another device does not suffice for one, all further batches have half of its tokens.

    Args:
        lengths: tokens of each text.

    Raises:
        InputError: the device's memory does not suffice for one text.
    """
    budget = CPU_BATCH_TOKENS if device == "cpu" else DEVICE_BATCH_TOKENS
    batches = _cut(sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)), lengths, budget)
    if device == "cpu":
        side_by_side(compute, device, batches)
        return
    while batches:
        batch = batches.popleft()
        if fits(lambda batch=batch: compute(batch)):
            continue
        longest = lengths[batch[0]]
        if len(batch) == 1:
            raise too_long(longest, device)
        batches = _cut([*batch, *itertools.chain(*batches)], lengths, len(batch) * longest // 2)


def _cut(left: Sequence[int], lengths: Sequence[int], budget: int) -> deque[list[int]]:
    """Return positions, the longest texts first, in batches of no more padded tokens than the budget."""
    batches: deque[list[int]] = deque()
    start = 0
    while start < len(left):
        batches.append([*left[start : start + max(1, budget // max(lengths[left[start]], 1))]])
        start += len(batches[-1])
    return batches


def side_by_side(compute: Callable[[Any], object], device: str, jobs: Collection) -> None:
    """Call a function with each job: on a processor with as many at a time as PyTorch would use threads for one.

    All processors on one batch after the other take longer: in operations that are small, or do one thing for each head
    of an attention, they wait for each other. Fewer jobs than processors share these.
    """
    import torch

    if device != "cpu":
        for job in jobs:
            compute(job)
        return
    threads = torch.get_num_threads()
    at_once = max(1, min(threads, len(jobs)))
    try:
        with ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(threads // at_once,)) as pool:
            for _ in pool.map(compute, jobs):
                pass
    finally:
        torch.set_num_threads(threads)


def fits(compute: Callable[[], object]) -> bool:
    """Call a function; return whether the device's memory sufficed."""
    import torch

    try:
        compute()
        return True
    except torch.OutOfMemoryError:
        pass  # only behind this are the tensors free that the error held
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return False


def too_long(tokens: int, device: str) -> InputError:
    return InputError(
        f"found too little memory on {device} for one text of {tokens:,} tokens; expected more: --dtype bfloat16 needs "
        "half as much"
    )
