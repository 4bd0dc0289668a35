"""Grouping texts into batches of a fixed number of tokens."""

CPU_BATCH_TOKENS = 512  # padded tokens in one forward pass: few enough for a processor's caches,
DEVICE_BATCH_TOKENS = 16_384  # and enough to keep a GPU busy


def batches(lengths: list[int], device: str) -> list[list[int]]:
    """Group positions so that texts of similar length share a batch, of as many padded tokens as suit the device."""
    budget = CPU_BATCH_TOKENS if device == "cpu" else DEVICE_BATCH_TOKENS
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
