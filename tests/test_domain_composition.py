"""RQ1: names, counts and order of mixtures, their draws, and what looks like code."""

import numpy as np
import pytest
from tests.support.scripts import numbered

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.pools import reading
from instruction_data.pools.table import Pool


@pytest.fixture
def made(rq1, tmp_path, write_pool):
    """The splits of a pool of 101 records, by name, given flags."""
    write_pool(numbered(101, "code"))
    write_pool(numbered(50, "sum"), "Datas/sums.jsonl")
    write_pool(numbered(40, "talk"), "Datas/talk.jsonl")

    def make(*arguments):
        workspace, options = cli.open_workspace(rq1.parser(), ["--root", str(tmp_path), *arguments], rq1.__file__)
        code = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
        others = [reading.read(Pool(name, f"Datas/{name}.jsonl"), tmp_path) for name in ("sums", "talk")]
        splits = rq1.domain_splits(workspace, options, code, others, [np.arange(len(other)) for other in others])
        return {split.name: split for split in splits}

    return make


def test_names_counts_and_order(made):
    splits = made()
    ratios = {"97_3": (97, 3), "9_1": (90, 10), "7_3": (70, 30)}  # of 101: ⌊97.97⌋ + ⌊3.03⌋, ⌊90.9⌋ + ⌊10.1⌋, …
    assert list(splits) == [
        "RQ1_MINE_CODE_10_0",
        *(f"RQ1_MINE_{other}_{ratio}" for other in ("SUMS", "TALK") for ratio in ratios),
    ]
    for name, split in list(splits.items())[1:]:
        (code, from_code), (other, from_other) = split.parts
        assert (len(from_code), len(from_other)) == ratios[name.split("_", 3)[3]]
        assert (code.pool.name, other.pool.name) == ("mine", name.split("_")[2].lower())
        assert len(set(from_code)) == len(from_code)
        assert len(set(from_other)) == len(from_other)
    assert splits["RQ1_MINE_CODE_10_0"].parts[0][1].tolist() == list(range(101))


def test_both_domains_share_the_code_sample_of_their_ratio(made):
    splits = made()
    for ratio in ("97_3", "9_1", "7_3"):
        sums, talk = (splits[f"RQ1_MINE_{other}_{ratio}"].parts for other in ("SUMS", "TALK"))
        assert np.array_equal(sums[0][1], talk[0][1])
    assert not np.array_equal(splits["RQ1_MINE_SUMS_9_1"].parts[0][1][:70], splits["RQ1_MINE_SUMS_7_3"].parts[0][1])


def test_a_split_is_the_same_whatever_is_made_beside_it(made):
    one, three = made(), made("--repeats", "3")
    assert len(three) == 1 + 3 * 6
    for name, split in one.items():
        for (_, drawn), (_, again) in zip(split.parts, three[name].parts, strict=True):
            assert np.array_equal(drawn, again)
    repeats = [three[f"RQ1_MINE_SUMS_7_3{suffix}"].parts for suffix in ("", "_R2", "_R3")]
    assert len({tuple(parts[0][1]) for parts in repeats}) == 3
    assert len({tuple(parts[1][1]) for parts in repeats}) == 3


def test_another_seed_draws_otherwise(made):
    assert not np.array_equal(
        made()["RQ1_MINE_SUMS_7_3"].parts[0][1], made("--seed", "7")["RQ1_MINE_SUMS_7_3"].parts[0][1]
    )


def test_a_domain_that_is_too_small_is_an_error_with_both_numbers(rq1, tmp_path, write_pool):
    write_pool(numbered(100))
    write_pool(numbered(5), "Datas/few.jsonl")
    code = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    few = reading.read(Pool("few", "Datas/few.jsonl"), tmp_path)
    workspace, options = cli.open_workspace(rq1.parser(), ["--root", str(tmp_path)], rq1.__file__)
    with pytest.raises(
        InputError, match=r"found 5 usable records in the pool 'few'; expected at least 10 for 9:1 of 100"
    ):
        rq1.domain_splits(workspace, options, code, [few], [np.arange(5)])


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```",
        "Use this:\n  def f(x):\n    return x",
        "import math\nprint(math.pi)",
        "from os import path",
        "print(3 + 4)",
        "#include <stdio.h>\nint main() {",
        "let total = 0;\n",
        "public static void main(String[] args) {",
        "SELECT name FROM users WHERE id = 3;",
        "<div class='x'>",
        "class Dog(Animal):",
    ],
)
def test_code_looks_like_code(rq1, text):
    assert rq1.looks_like_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "Take the letter from the box and let me know.",
        "let x be the number of apples; then 2x = 6.",
        "From Paris import taxes were lifted.",
        "import duties rose in 1990, exports fell",
        "Class: 3 pupils were absent.",
        "Select a book from the shelf.",
        "Print (in capital letters) your name.",
        "If a < b, then b > a; while both are positive, return to step 1.",
        "function of the liver: it cleans the blood",
        "The answer is $x = 3$.",
    ],
)
def test_plain_english_does_not(rq1, text):
    assert not rq1.looks_like_code(text)
