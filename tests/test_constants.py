"""The five scripts hold the study's constants."""

from instruction_data.numbers import encoder


def test_the_studys_constants_to_the_letter(rq1, rq2, rq3, rq4_category, rq4_coverage):
    assert rq1.RATIOS == ((97, 3), (9, 1), (7, 3))
    assert rq1.OTHERS == ("math", "general")
    assert rq2.PERCENTILES == (33, 66)
    assert rq2.PROMPTS == {"output": "", "instruction": "Represent the programming task:"}
    assert rq2.MODELS == {"output": "meta-llama/Llama-2-7b-hf", "instruction": "hkunlp/instructor-base"}
    assert encoder.ENCODER_TOKENS == 512
    assert rq3.JUNE.prompt == (
        "You are a helpful assistant. Please identify the complexity score of the following programming problem."
        "\n##Problem: {instruction}\n##Complexity: "
    )
    assert (rq3.PROMPT_TOKENS, rq3.JUNE.perplexity_tokens) == (512, 256)
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
