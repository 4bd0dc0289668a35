"""The corpus of cheats and of right samples, through our scoring; some of it through the harness's own."""

from collections import Counter

import pytest
from tests.support.needs import needs_harness, needs_sandbox

from instruction_data.files.places import REPOSITORY
from instruction_data.outcomes import trials

BESIDE = {"comparison/equal_to_everything", "verdict/lists_of_the_frames", "builtins/true_is_false"}


@pytest.fixture
def corpus(monkeypatch):
    """The modules of the corpus, and its samples."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks" / "cheats")
    import others
    import samples

    return others, samples, samples.read()


@needs_harness
@needs_sandbox
def test_every_cheat_fails_and_every_right_sample_passes(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "APART_TIMES", 1)  # the time that those take which never end
    _, samples, every = corpus
    counts = Counter(one.is_right for one in every)
    assert counts[False] >= 60 and counts[True] >= 30
    found = samples.ours(tmp_path, every, tmp_path / "log")
    log = (tmp_path / "log").read_text()
    passed = {one.name for one, [right] in zip(every, found.passed, strict=True) if right}
    assert passed == {one.name for one in every if one.is_right}, log
    assert {every[number].name for number, _ in found.reached} > BESIDE, log  # that only the trial apart fails


@needs_harness
@needs_sandbox
@pytest.mark.parametrize(
    ("name", "expected"),
    [("comparison/equal_to_everything", "passed"), ("verdict/forged_lines", "failed"), ("generator", "passed")],
)
def test_the_harness_itself_is_asked_out_of_a_samples_reach(corpus, name, expected):
    others, _, every = corpus
    [sample] = [one for one in every if one.name == name]
    assert others.judged(others.find("bigcode"), sample)[0] == expected
