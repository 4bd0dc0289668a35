"""Near duplicates: the groups are those of all pairs."""

import random

from tests.support.texts import words

from instruction_data.measures import duplicates


def test_near_duplicates_are_those_of_all_pairs():
    draw = random.Random(3)
    base = [words(60, number) + f" {number}" for number in range(30)]
    texts = list(base)
    for text in base[:15]:
        changed = text.split()
        changed[draw.randrange(len(changed))] = "other"
        texts.append(" ".join(changed).upper())
    texts += ["", " \n", "short", "short"]
    sets = [duplicates.shingles(text) for text in texts]
    pairs = {
        (one, other)
        for one in range(len(texts))
        for other in range(one)
        if duplicates.jaccard(sets[one], sets[other]) >= duplicates.THRESHOLD
    }
    groups = duplicates.groups(len(texts), texts.__getitem__)
    assert len(pairs) == 16
    assert {(one, other) for one in range(len(texts)) for other in range(one) if groups[one] == groups[other]} == pairs
