"""Batches: every position once, within the budget of tokens."""

from instruction_data.numbers.batches import CPU_BATCH_TOKENS, batches


def test_batches_hold_every_position_and_respect_the_budget():
    lengths = [1, 4000, 7, 7, 5000, 300, 300, 12] * 20
    made = batches(lengths, "cpu")
    assert sorted(index for batch in made for index in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= CPU_BATCH_TOKENS
    assert len(made) < len(lengths)
    assert len(batches(lengths, "cuda")) < len(made)
