"""RQ2: which tier a similarity means, by hand."""

import numpy as np


def test_low_diversity_is_the_most_alike(rq2):
    similarity = np.array([0.9, 0.1, 0.5, 0.2, 0.8, 0.4])
    # 33rd percentile 0.1 + … at position 1.65: 0.33; 66th at position 3.3: 0.59
    tiers = {tier: part.tolist() for tier, part in rq2.diversity_tiers(similarity, "percentile").items()}
    assert tiers == {"HIGH": [1, 3], "MEDIUM": [2, 5], "LOW": [0, 4]}


def test_equal_texts_are_equal_to_the_last_bit(rq2):
    values = np.array([0.1, 0.1 + 1e-17, 0.3, np.nextafter(0.1, 1)])
    keys, texts = np.array([5, 7, 5, 5]), ["a", "b", "c", "a"]
    assert rq2.alike_for_equal(keys, texts.__getitem__, values).tolist() == [0.1, values[1], 0.3, 0.1]


def test_thirds_by_count_leave_the_rest_to_high_and_are_in_pool_order(rq2):
    tiers = rq2.diversity_tiers(np.array([0.5, 0.5, 0.5, 0.1, 0.9, 0.2, 0.7]), "count")
    assert {tier: part.tolist() for tier, part in tiers.items()} == {
        "HIGH": [2, 3, 5],
        "MEDIUM": [0, 1],
        "LOW": [4, 6],
    }
