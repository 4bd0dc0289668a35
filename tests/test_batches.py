"""Batches: every position once, within the budget of tokens, and within the memory of a device."""

import threading

import pytest

from instruction_data.errors import InputError
from instruction_data.numbers.batches import CPU_BATCH_TOKENS, in_batches, side_by_side

LENGTHS = [1, 4000, 7, 7, 5000, 300, 300, 12, 0] * 20


def made(device: str, memory: float = float("inf")) -> list[list[int]]:
    """The batches that were computed, on a device whose memory holds that many padded tokens."""
    import torch

    found = []

    def compute(batch):
        if len(batch) * max(LENGTHS[index] for index in batch) > memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        found.append(batch)

    in_batches(LENGTHS, device, compute)
    assert sorted(index for batch in found for index in batch) == list(range(len(LENGTHS)))
    return found


def test_batches_hold_every_position_and_respect_the_budget():
    found = made("cpu")
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(LENGTHS[index] for index in batch) <= CPU_BATCH_TOKENS
    assert len(found) < len(LENGTHS)
    assert len(made("cuda")) < len(found)


def test_batches_shrink_where_the_memory_does_not_suffice():
    assert len(made("cuda")) < len(made("cuda", memory=6000)) < len(LENGTHS)


def test_one_text_that_does_not_fit_ends_the_run_with_its_length():
    with pytest.raises(InputError, match="too little memory on cuda for one text of 5,000 tokens"):
        made("cuda", memory=4999)


def test_jobs_side_by_side_have_a_processor_each_and_leave_the_number_of_threads():
    import torch

    threads, both = torch.get_num_threads(), threading.Barrier(2, timeout=60)
    torch.set_num_threads(2)
    seen = []

    def compute(job: int) -> None:
        both.wait()  # neither of two goes on before the other one has begun
        seen.append((job, torch.get_num_threads()))

    try:
        side_by_side(compute, "cpu", range(4))
        assert sorted(seen) == [(job, 1) for job in range(4)]
        side_by_side(lambda job: seen.append((job, torch.get_num_threads())), "cpu", [4])
        assert seen[4:] == [(4, 2)]  # it has both to itself
        with pytest.raises(InputError, match="no memory"):
            side_by_side(refuse, "cpu", range(4))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def refuse(job: int) -> None:
    raise InputError("no memory")
