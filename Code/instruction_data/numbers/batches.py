"""Grouping texts into batches of a fixed number of tokens, or of fewer where a device has not the memory for that."""

from collections.abc import Callable, Sequence

from instruction_data.errors import InputError

CPU_BATCH_TOKENS = 512  # padded tokens in one forward pass: few enough for a processor's caches,
DEVICE_BATCH_TOKENS = 16_384  # and enough to keep a GPU busy


def in_batches(lengths: Sequence[int], device: str, compute: Callable[[list[int]], object]) -> None:
    """Call a function with the positions of every batch; texts of similar length share one.

    A batch is of as many padded tokens as suit the device. Where its memory does not suffice for one, all further
    batches have half of its tokens.

    Args:
        lengths: tokens of each text.

    Raises:
        InputError: the memory does not suffice for one text.
    """
    budget = CPU_BATCH_TOKENS if device == "cpu" else DEVICE_BATCH_TOKENS
    left = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    while left:
        longest = lengths[left[0]]
        batch = left[: max(1, budget // max(longest, 1))]
        if fits(lambda batch=batch: compute(batch)):
            left = left[len(batch) :]
        elif len(batch) > 1:
            budget = len(batch) * longest // 2
        else:
            raise too_long(longest, device)


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
