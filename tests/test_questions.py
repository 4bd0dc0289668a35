"""What each research question computes: formulas against values worked out another way, counts, order, draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from tests.support.scripts import numbered

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.pools import reading
from instruction_data.pools.table import Pool


def test_the_studys_constants_to_the_letter(rq1, rq2, rq3, rq4_category, rq4_coverage):
    assert rq1.RATIOS == ((97, 3), (9, 1), (7, 3))
    assert rq1.OTHERS == ("math", "general")
    assert rq2.PERCENTILES == (33, 66)
    assert rq2.PROMPTS == {"output": "", "instruction": "Represent the programming task:"}
    assert rq2.MODELS == {"output": "meta-llama/Llama-2-7b-hf", "instruction": "hkunlp/instructor-base"}
    assert rq2.models.ENCODER_TOKENS == 512
    assert rq3.PROMPT == (
        "You are a helpful assistant. Please identify the complexity score of the following programming problem."
        "\n##Problem: {instruction}\n##Complexity: "
    )
    assert (rq3.PROMPT_TOKENS, rq3.PERPLEXITY_TOKENS) == (512, 256)
    assert rq3.SCORER == "banksy235/XCoder-Complexity-Scorer"
    assert "".join(rq3.DIGITS) == "123456"
    assert rq4_category.CATEGORY_PROMPT == "Represent the topic for coding category:"
    assert rq4_category.INSTRUCTION_PROMPT == "Represent coding category of the programming task:"
    assert rq4_category.MODEL == "hkunlp/instructor-base"
    assert "; ".join(rq4_category.CATEGORIES) == (
        "Algorithmic & Data Structure; Mathematical & Computational; Database & SQL; System Design & Architecture; "
        "Web Development; Data Science & Machine Learning; Performance Optimization; "
        "User Interface & Application Design; Domain-Specific; Security & Cryptography"
    )
    assert rq4_category.CATEGORIES[:2] == rq4_coverage.ALGORITHMIC
    assert (rq4_coverage.SHARES, rq4_coverage.TOTAL) == ((0, 25, 50, 75, 100), 20_000)


class TestDomainComposition:
    @pytest.fixture
    def workspace(self, rq1, tmp_path, write_pool):
        write_pool(numbered(101, "code"))
        write_pool(numbered(50, "sum"), "Datas/sums.jsonl")
        write_pool(numbered(40, "talk"), "Datas/talk.jsonl")

        def make(*arguments):
            workspace = cli.open_workspace(rq1.parser(), ["--root", str(tmp_path), *arguments], rq1.__file__)
            code = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
            others = [reading.read(Pool(name, f"Datas/{name}.jsonl"), tmp_path) for name in ("sums", "talk")]
            made = rq1.domain_splits(workspace, code, others, [np.arange(len(other)) for other in others])
            return {split.name: split for split in made}

        return make

    def test_names_counts_and_order(self, workspace):
        splits = workspace()
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

    def test_both_domains_share_the_code_sample_of_their_ratio(self, workspace):
        splits = workspace()
        for ratio in ("97_3", "9_1", "7_3"):
            sums, talk = (splits[f"RQ1_MINE_{other}_{ratio}"].parts for other in ("SUMS", "TALK"))
            assert np.array_equal(sums[0][1], talk[0][1])
        assert not np.array_equal(splits["RQ1_MINE_SUMS_9_1"].parts[0][1][:70], splits["RQ1_MINE_SUMS_7_3"].parts[0][1])

    def test_a_split_is_the_same_whatever_is_made_beside_it(self, workspace):
        one, three = workspace(), workspace("--repeats", "3")
        assert len(three) == 1 + 3 * 6
        for name, split in one.items():
            for (_, drawn), (_, again) in zip(split.parts, three[name].parts, strict=True):
                assert np.array_equal(drawn, again)
        repeats = [three[f"RQ1_MINE_SUMS_7_3{suffix}"].parts for suffix in ("", "_R2", "_R3")]
        assert len({tuple(parts[0][1]) for parts in repeats}) == 3
        assert len({tuple(parts[1][1]) for parts in repeats}) == 3

    def test_another_seed_draws_otherwise(self, workspace):
        assert not np.array_equal(
            workspace()["RQ1_MINE_SUMS_7_3"].parts[0][1], workspace("--seed", "7")["RQ1_MINE_SUMS_7_3"].parts[0][1]
        )

    def test_a_domain_that_is_too_small_is_an_error_with_both_numbers(self, rq1, tmp_path, write_pool):
        write_pool(numbered(100))
        write_pool(numbered(5), "Datas/few.jsonl")
        code = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
        few = reading.read(Pool("few", "Datas/few.jsonl"), tmp_path)
        with pytest.raises(
            InputError, match=r"found 5 usable records in the pool 'few'; expected at least 10 for 9:1 of 100"
        ):
            rq1.mixture(code, few, np.arange(5), (9, 1), 42, ("a", "b"))

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
    def test_code_looks_like_code(self, rq1, text):
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
    def test_plain_english_does_not(self, rq1, text):
        assert not rq1.looks_like_code(text)


class TestSemanticDiversity:
    def test_low_diversity_is_the_most_alike(self, rq2):
        similarity = np.array([0.9, 0.1, 0.5, 0.2, 0.8, 0.4])
        # 33rd percentile 0.1 + … at position 1.65: 0.33; 66th at position 3.3: 0.59
        tiers = {tier: part.tolist() for tier, part in rq2.diversity_tiers(similarity, "percentile").items()}
        assert tiers == {"HIGH": [1, 3], "MEDIUM": [2, 5], "LOW": [0, 4]}

    def test_equal_texts_are_equal_to_the_last_bit(self, rq2):
        values = np.array([0.1, 0.1 + 1e-17, 0.3, np.nextafter(0.1, 1)])
        assert rq2.alike_for_equal(["a", "b", "c", "a"], values).tolist() == [0.1, values[1], 0.3, 0.1]

    def test_thirds_by_count_are_in_pool_order(self, rq2):
        tiers = rq2.diversity_tiers(np.array([0.5, 0.5, 0.5, 0.1, 0.9, 0.2, 0.7]), "count")
        assert {tier: part.tolist() for tier, part in tiers.items()} == {
            "HIGH": [3, 5],
            "MEDIUM": [0, 1],
            "LOW": [2, 4, 6],
        }


class TestProblemComplexity:
    def test_the_expected_digit_by_hand(self, rq3):
        logits = np.log(np.array([[1, 0.5, 0.25, 0.125, 0.0625, 0.0625], [1, 1, 1, 1, 1, 1]])) + 7
        # weights 16 8 4 2 1 1 of 32: (16 + 16 + 12 + 8 + 5 + 6) / 32
        assert rq3.expected_digit(logits.astype(np.float32)) == pytest.approx([63 / 32, 3.5], rel=1e-6)

    def test_the_expected_digit_survives_large_logits(self, rq3):
        assert rq3.expected_digit(np.array([[1e4, 0, 0, 0, 0, 1e4]], dtype=np.float32)) == pytest.approx([3.5])

    def test_complexity_is_the_sum_of_both_scaled(self, rq3):
        value = rq3.complexity({"score": np.array([1.0, 2.0, 5.0]), "perplexity": np.array([30.0, 10.0, 20.0])})
        assert value == pytest.approx([0 + 1, 0.25 + 0, 1 + 0.5])

    def test_weights_from_zero_and_the_average_give_the_same_order(self, rq3):
        """So the third generation's other weights and its average need no flag."""
        rng = np.random.default_rng(1)
        logits, perplexity = rng.normal(size=(200, 6)), rng.lognormal(3, 1, 200)
        june = rq3.complexity({"score": rq3.expected_digit(logits), "perplexity": perplexity})
        december = rq3.complexity({"score": rq3.expected_digit(logits) - 1, "perplexity": perplexity}) / 2
        assert np.array_equal(np.argsort(june), np.argsort(december))


class TestTaskCategory:
    def test_cosine_similarities_against_sklearn(self, rq4_category):
        rng = np.random.default_rng(0)
        rows, columns = rng.normal(size=(20, 7)).astype(np.float32), rng.normal(size=(10, 7)).astype(np.float32)
        found = rq4_category.cosine_similarities(rows, columns)
        assert found == pytest.approx(cosine_similarity(rows.astype(float), columns.astype(float)))

    def test_the_most_similar_category_wins_and_a_failure_has_none(self, rq4_category, tmp_path, write_pool):
        write_pool(numbered(3))
        records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
        similarities = np.full((3, 10), 0.1)
        similarities[0, 4] = 0.9
        similarities[1] = np.nan
        similarities[2, [2, 7]] = 0.5  # a tie goes to the first
        lines = rq4_category.category_lines(records, similarities)
        assert lines["assigned_category"] == ["Web Development", None, "Database & SQL"]
        assert lines["category_similarity"] == [0.9, None, 0.5]
        assert lines["row"] == [0, 1, 2]

    def test_confusion_counts_labels_by_category(self, rq4_category):
        web, security = "Web Development", "Security & Cryptography"
        table = rq4_category.confusion([web, web, None, security, web], [web, security, web, security, None])
        counts = table.set_index(table.columns[0])
        assert counts.loc[web, web] == counts.loc[web, security] == counts.loc[security, security] == 1
        assert counts.to_numpy().sum() == 3


class TestTypeCoverage:
    @given(st.integers(1, 80), st.integers(1, 80), st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True))
    def test_the_largest_total_is_feasible_and_the_largest(self, algorithmic, practical, shares):
        from tests.support.scripts import load_script

        rq4 = load_script("RQ4/type_coverage.py")
        total = rq4.largest_total(shares, algorithmic, practical)
        assert rq4.feasible(total, shares, algorithmic, practical)
        assert not any(
            rq4.feasible(more, shares, algorithmic, practical) for more in range(total + 1, algorithmic + practical + 1)
        )

    @given(st.integers(0, 100), st.integers(0, 1000))
    def test_a_share_is_drawn_from_both_groups_and_shuffled(self, share, seed):
        from tests.support.scripts import load_script

        rq4 = load_script("RQ4/type_coverage.py")
        groups = np.arange(0, 200, 2), np.arange(1, 200, 2)
        drawn = rq4.share_draw("RQ4_X_ALG", groups, 100, share, seed)
        assert len(drawn) == len(set(drawn)) == 100
        assert (drawn % 2 == 0).sum() == share
        if 10 <= share <= 90:  # the groups do not stand one behind the other
            assert len(set(drawn[:50] % 2)) == 2

    def test_more_than_there_is_names_the_most(self, rq4_coverage):
        pool = Pool("mine", "x")
        with pytest.raises(
            InputError, match=r"found 30 algorithmic and 50 practical .* 20,000 records at .*--total 30"
        ):
            rq4_coverage.chosen_total(20_000, (0, 25, 50, 75, 100), 30, 50, pool)
        assert rq4_coverage.chosen_total(None, (0, 25, 50, 75, 100), 30, 50, pool) == 30
        assert rq4_coverage.chosen_total(20_000, (0, 100), 20_000, 20_000, pool) == 20_000
        with pytest.raises(InputError, match="found 0 algorithmic"):
            rq4_coverage.chosen_total(None, (0, 100), 0, 50, pool)

    def test_categories_are_joined_by_row_and_checked_by_instruction(self, rq4_coverage, tmp_path, write_pool):
        twins = [{"instruction": "the same", "output": f"answer {i}"} for i in range(3)]
        write_pool(twins)
        records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
        lines = [
            {"row": row, "instruction": "the same", "assigned_category": f"c{row}", "category_similarity": row / 10}
            for row in (2, 0, 1)
        ]
        path = write_pool(lines, "categories.jsonl")
        assert rq4_coverage.read_categories(path, records)["category"] == ["c0", "c1", "c2"]
        write_pool(lines[:2], "categories.jsonl")
        with pytest.raises(InputError, match="found no line for row 1 of the pool"):
            rq4_coverage.read_categories(path, records)
        write_pool([lines[0] | {"instruction": "another"}, *lines[1:]], "categories.jsonl")
        with pytest.raises(InputError, match=r"categories.jsonl:1: found the instruction 'another'"):
            rq4_coverage.read_categories(path, records)
