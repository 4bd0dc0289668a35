"""RQ3: the score, the ways of merging it with perplexity, and the tiers: by hand, by other tools, as users run it."""

import numpy as np
import pandas
import pytest

from instruction_data.demo import demo_root
from instruction_data.errors import InputError
from instruction_data.publish import manifests, verify


def test_the_expected_digit_by_hand(rq3):
    logits = np.log(np.array([[1, 0.5, 0.25, 0.125, 0.0625, 0.0625], [1, 1, 1, 1, 1, 1]])) + 7
    # weights 16 8 4 2 1 1 of 32: (16 + 16 + 12 + 8 + 5 + 6) / 32
    assert rq3.expected_digit(logits.astype(np.float32)) == pytest.approx([63 / 32, 3.5], rel=1e-6)


def test_the_expected_digit_survives_large_logits(rq3):
    assert rq3.expected_digit(np.array([[1e4, 0, 0, 0, 0, 1e4]], dtype=np.float32)) == pytest.approx([3.5])


def test_complexity_is_the_sum_of_both_scaled(rq3):
    value = rq3.complexity({"score": np.array([1.0, 2.0, 5.0]), "perplexity": np.array([30.0, 10.0, 20.0])})
    assert value == pytest.approx([0 + 1, 0.25 + 0, 1 + 0.5])


def test_weights_from_zero_and_the_average_give_the_same_order(rq3):
    """So these two of December's departures move no record; its prompt, model and cut of the thirds do."""
    rng = np.random.default_rng(1)
    logits, perplexity = rng.normal(size=(200, 6)), rng.lognormal(3, 1, 200)
    june = rq3.complexity({"score": rq3.expected_digit(logits), "perplexity": perplexity})
    parts = {"score": rq3.expected_digit(logits, rq3.DECEMBER.first_weight), "perplexity": perplexity}
    december = rq3.complexities(parts, rq3.DECEMBER)["minmax"]
    assert parts["score"] == pytest.approx(rq3.expected_digit(logits) - 1)
    assert december == pytest.approx(june / 2)
    assert np.array_equal(np.argsort(june), np.argsort(december))


def test_every_normalisation_by_hand(rq3):
    parts = {"score": np.array([1.0, 2.0, 5.0]), "perplexity": np.array([100.0, 1.0, 10.0])}
    assert rq3.complexity(parts) == pytest.approx([0 + 1, 0.25 + 0, 1 + 9 / 99])
    assert rq3.complexity(parts, "minmax") == pytest.approx(rq3.complexity(parts))
    assert rq3.complexity(parts, "rank") == pytest.approx([0 + 1, 0.5 + 0, 1 + 0.5])
    assert rq3.complexity(parts, "log") == pytest.approx([0 + 1, 0.25 + 0, 1 + 0.5])  # 1, 10, 100: log 0, ½, 1


def test_one_outlier_decides_min_max_alone(rq3):
    """With it the study's order is that of the score; ranks keep both measures' say."""
    score = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 2.0])
    perplexity = np.array([60.0, 50.0, 40.0, 30.0, 20.0, 1e6])
    parts = {"score": score, "perplexity": perplexity}
    assert np.argsort(rq3.complexity(parts)).tolist() == [0, 1, 2, 3, 4, 5]
    assert rq3.complexity(parts, "rank")[:5] == pytest.approx([0.8] * 5)  # the measures are opposed there
    tame = {"score": score, "perplexity": np.array([*perplexity[:5], 61.0])}
    assert rq3.complexity(parts, "rank") == pytest.approx(rq3.complexity(tame, "rank"))
    assert np.argsort(rq3.complexity(tame)).tolist() != [0, 1, 2, 3, 4, 5]


def test_who_changes_tier_by_hand(rq3):
    studys = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])  # tiers 0 0 1 1 2 2
    other = np.array([0.1, 0.9, 0.3, 0.4, 0.5, 0.2])  # tiers 0 2 1 1 2 0
    correlation, moved = rq3.against_study(other, studys)
    assert moved.tolist() == [False, True, False, False, False, True]
    assert correlation == pytest.approx(1 - 6 * (4**2 + 4**2) / (6 * 35))  # ranks 1 6 3 4 5 2 against 1 … 6


def test_a_single_measure_has_nothing_to_merge(rq3):
    assert list(rq3.complexities({"score": np.arange(3.0)}, rq3.JUNE)) == ["minmax"]
    for arguments in (["--measure", "score", "--normalise", "rank"], ["--measure", "perplexity", "--normalise", "log"]):
        with pytest.raises(InputError, match="a single number whose order no scaling changes; expected --measure sum"):
            rq3.main([*arguments, "--dry-run"])


def test_as_users_run_it(rq3, small_demo, tmp_path, capsys):
    """The default's set is refused to another normalisation; with --overwrite it is told apart, and refused back."""
    demo_root.build(tmp_path, records=40, others=60)
    (small_demo / ".cache").mkdir(exist_ok=True)
    (tmp_path / ".cache").symlink_to(small_demo / ".cache")  # the same records: the model reads them once for all tests
    arguments = ["--demo", "--root", str(tmp_path)]
    folder = tmp_path / "Datas/RQ3/OSS"
    assert rq3.main(arguments) == 0
    printed = capsys.readouterr().out
    studys = pandas.read_parquet(folder / "RQ3_OSS_scores.parquet")
    assert manifests.read(folder / "RQ3_OSS_manifest.json")["settings"] == {
        "limit": None,
        "generation": "2025-06",
        "measure": "sum",
        "normalise": "minmax",
    }
    assert "complexity_minmax" not in studys

    with pytest.raises(InputError, match="found results made with other settings"):
        rq3.main([*arguments, "--normalise", "rank"])
    assert rq3.main([*arguments, "--normalise", "rank", "--overwrite"]) == 0
    assert f"{'split':<32}" in capsys.readouterr().out
    manifest = manifests.read(folder / "RQ3_OSS_manifest.json")
    table = pandas.read_parquet(folder / "RQ3_OSS_scores.parquet")
    assert manifest["settings"]["normalise"] == "rank"
    assert "--normalise rank" in manifest["command"]
    assert verify.verify(tmp_path) == []

    ranks = [(table[name].rank() - 1) / 39 for name in ("score", "perplexity")]
    assert table["complexity"].to_numpy() == pytest.approx((ranks[0] + ranks[1]).to_numpy())
    assert table["complexity_minmax"].tolist() == studys["complexity"].tolist()
    moved = int((table["tier"] != studys["tier"]).sum())
    summaries = [split["summary"] for split in manifest["splits"].values()]
    assert sum(one["records from another min-max tier"] for one in summaries) == moved
    spearman = table["complexity"].corr(studys["complexity"], method="spearman")
    assert summaries[0]["Spearman correlation with min-max"] == pytest.approx(spearman)
    assert f"rank against the study's minmax: Spearman correlation {spearman:.3f}, {moved} of 40 records" in printed

    with pytest.raises(InputError, match="found results made with other settings"):
        rq3.main(arguments)
