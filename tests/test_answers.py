"""The page begins with the answer: planted outcomes through comparison and page, in a real browser."""

import shutil

import pytest
from tests.support import answers, chromium
from tests.support.scripts import load_script
from tests.test_contrasts import PASS, TWINS

from instruction_data.answer import verdicts
from instruction_data.files import documents
from instruction_data.page import figures, report
from instruction_data.page.answer_figure import Compared, Strip
from instruction_data.page.sections import answer

needs_chromium = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="no chromium is installed (apt-get install chromium)"
)
HOSTILE = "<script>document.title = 'owned'</script> " + "m" * 90


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Published splits and controls of all four questions, without outcomes."""
    return answers.build(tmp_path_factory.mktemp("answers") / "root", answers.QUESTIONS)


@pytest.fixture
def copied(splits, tmp_path, monkeypatch):
    """A copy, whose page is drawn without the files for papers, which take twice as long."""
    for module in (figures, report):
        monkeypatch.setattr(module, "FORMATS", ("svg",))
    return shutil.copytree(splits, tmp_path / "root")


@pytest.fixture(scope="module")
def answered(splits, tmp_path_factory):
    """One answer of every kind that needs no further root."""
    root = shutil.copytree(splits, tmp_path_factory.mktemp("answered") / "root")
    answers.plant(root, "RQ1", effect=-0.06)
    answers.plant(root, "RQ2", effect=-0.02)
    answers.plant(root, "RQ2", metric=PASS, harness="bigcode", shape=lambda numbers: (numbers > 9).astype(int))
    answers.plant(root, "RQ3", length=-0.03, model=HOSTILE)
    answers.plant(root, "RQ4", effect=0.02, harness="one")
    halved = {"metric": TWINS, "untrained": -0.02, "shape": lambda numbers: (numbers / 2).clip(0, 1)}
    answers.plant(root, "RQ4", effect=0.02, harness="other", **halved)
    answers.page_of(root)
    return root


def leads(text):
    return [part.split("</strong>")[0] for part in text.split('<p class="verdict"><strong>')[1:]]


def test_the_first_block_says_the_one_command_that_answers(splits, tmp_path):
    assert load_script("report/report.py").main(["--root", str(splits), "--output", str(tmp_path / "p.html")]) == 0
    main = (tmp_path / "p.html").read_text().split("<main")[1]
    first = main.split("<section")[1]
    assert "There is no answer yet" in first and "python Code/study/study.py --root DIR" in first
    assert "DIR stands for the study root" in first
    assert 'id="answer"' in first and 'id="short"' not in first
    assert not (splits / "figures/answer.svg").exists()


def test_questions_without_an_answer_are_named_with_the_command(copied):
    answers.plant(copied, "RQ2", effect=-0.02)
    text = answers.page_of(copied)
    assert "No answer yet: RQ1, domain composition · oss; RQ3, problem complexity · oss; RQ4" in text
    assert leads(text) == ["HIGH makes better models than LOW."]


@pytest.mark.parametrize(
    ("truth", "zero"),
    [
        ({"untrained": None}, "the mean of random sets, as no untrained model was scored"),
        ({"untrained": None, "kinds": ("",)}, "the middle between ○ and ●, as neither an untrained model nor random"),
    ],
)
def test_the_key_says_what_zero_is(copied, truth, zero):
    answers.plant(copied, "RQ2", effect=-0.02, **truth)
    key = answers.page_of(copied).split('<ul class="key">')[1].split("</ul>")[0]
    assert zero in key
    assert ("randomly picked records" in key) == ("stand-ins" in key) == ("kinds" not in truth)


def test_sizes_recipes_and_cheaper_settings_are_shown_beside_the_answer(copied):
    sized = load_script("derive/sized_splits.py")
    assert sized.main(["--root", str(copied), "--question", "RQ2", "RQ3", "--shares", "20"]) == 0
    part = {"recipe": "short", "ending": "_P20", "kinds": ("", "_RANDOM"), "untrained": None}
    for question, effect in (("RQ2", -0.02), ("RQ3", 0.02)):
        for recipe in ("short", "long"):
            answers.plant(copied, question, effect=effect, recipe=recipe)
        answers.plant(copied, question, effect=0.02, **part)
    text = answers.page_of(copied)
    over = text.split("<caption>Over recipes</caption>")[1].split("</table>")[0]
    assert over.count("robust") == 2 and "short" in over and "long" in over
    decided = text.split("<caption>Decision accuracy</caption>")[1].split("</table>")[0]
    assert "1 of 2 (50 %, 95 % interval 9 to 91)" in decided  # of parts
    assert "2 of 2 (100 %, 95 % interval 34 to 100)" in decided  # of recipes
    assert (copied / "figures/scale_humaneval_gold_bpb.svg").exists()
    assert text.index('id="answer"') < text.index('id="scale"') < text.index('id="short"')


def test_every_kind_of_answer_is_in_the_figure_for_papers(answered):
    drawn = (answered / "figures/answer.svg").read_text()
    for words in ("RQ2, semantic diversity ·", "The scores disagree.", "○ LOW", "● HIGH", "Right is better."):
        assert words in drawn
    assert (answered / "figures/answer.pdf").read_bytes().startswith(b"%PDF")
    assert "<script" not in drawn


def test_a_single_training_has_no_bar_that_would_look_certain(copied):
    answers.plant(copied, "RQ2", effect=-0.05, seeds=1, kinds=("",))
    text = answers.page_of(copied)
    assert leads(text) == ["Cannot tell."]
    drawn = text.split('<div class="strips">')[1].split("</svg>")[0]
    assert "var(--ordered-5)" in drawn and "var(--ordered-4)" not in drawn
    assert "95 % interval): if it reaches" not in text


def test_what_cannot_be_told_does_not_flatten_what_can():
    metric = {"name": "x", "unit": "u", "kind": "probability", "higher_is_better": True}
    row = {"metric": metric, "level": 1.0, "gains": {"over": "untrained"}}
    small, large = (
        Strip(Compared(size, 2 * size, (size, 3 * size)), None, None, "untrained", "points") for size in (1, 50)
    )
    told, cannot = row | {"verdict": verdicts.NO_LARGER}, row | {"verdict": verdicts.CANNOT}
    scale = ("x", "points", "untrained")
    assert answer.limits([[told], [cannot]], [[small], [large]]) == answer.limits([[told]], [[small]])
    assert answer.limits([[cannot]], [[large]])[scale][1] > 150
    assert answer.limits([[told], [told]], [[small], [large]])[scale][1] > 150


def test_right_is_better_whatever_the_score(answered):
    rows = documents.read_derived(answered / "Results/comparison.json", "")["primary"]["contrasts"]
    of = {(row["question"], row["metric"]["name"]): (row, answer.strip_of(row)) for row in rows}
    row, bits = of["RQ2", "gold_bpb"]
    assert bits.unit == "%" and 0 < bits.splits.low < bits.splits.bar[0] < bits.splits.high < bits.splits.bar[1]
    effect = -100 * row["estimate"] / row["level"]
    assert bits.splits.high - bits.splits.low == pytest.approx(effect, rel=1e-3)
    assert bits.band[0] < bits.matched.low < bits.band[1]
    _, worse = of["RQ4", "gold_bpb"]
    row, better = of["RQ4", "pairs"]
    assert worse.splits.high < worse.splits.low
    assert better.unit == "points" and better.splits.low < better.splits.high
    assert better.splits.bar[0] < better.splits.high < better.splits.bar[1]


@needs_chromium
class TestInChromium:
    def test_the_page_begins_with_a_row_for_every_question(self, browser, answered):
        browser.open(answered / "report.html")
        assert browser.complaints == []
        assert browser.run("document.querySelector('main > section').id") == "answer"
        found = browser.run("[...document.querySelectorAll('.answer .verdict strong')].map(one => one.textContent)")
        assert found == [
            "The higher the share of other domain (math), the better.",
            "The higher the share of other domain (general), the better.",
            "HIGH makes better models than LOW.",
            "HIGH makes better models than LOW, but perhaps only through length and language.",
            "The scores disagree.",
        ]
        kinds = documents.read_derived(answered / "Results/comparison.json", "")["primary"]["verdicts"]
        assert [one["kind"] for one in kinds] == [verdicts.BEYOND] * 3 + [verdicts.GOES_WITH, verdicts.DISAGREE]
        strips = "[...document.querySelectorAll('.answer')].map(one => one.querySelectorAll('.strips svg').length)"
        assert browser.run(strips) == [1, 1, 1, 1, 2]

    def test_names_do_nothing_and_the_key_says_what_zero_is(self, browser, answered):
        browser.open(answered / "report.html")
        assert browser.run("document.title") == "What differs between the training sets"
        assert browser.run("document.querySelectorAll('.answers b, .answers script, .answers i').length") == 0
        assert "the zero line: the untrained model" in browser.run("document.querySelector('.key').textContent")
        assert HOSTILE[:30] in browser.run("document.querySelectorAll('.answer')[3].textContent")

    def test_what_is_drawn_is_said(self, browser, answered):
        browser.open(answered / "report.html")
        said = browser.run("document.querySelectorAll('.answer')[2].querySelector('[role=img]').ariaLabel")
        assert said.startswith("LOW, over the untrained model: ")
        for words in (
            "HIGH, over the untrained model: ",
            "The same of their stand-ins: ",
            "Random sets, over the untr",
        ):
            assert f"; {words}" in said

    def test_exact_numbers_are_one_key_away(self, browser, answered):
        browser.open(answered / "report.html")
        browser.run("document.querySelectorAll('.answer details summary')[2].focus()")
        browser.press("Enter", "\r")
        assert browser.run("document.querySelectorAll('.answer details')[2].open") is True
        shown = browser.run("document.querySelectorAll('.answer details')[2].innerText")
        assert "95 % interval" in shown and "p, corrected for 6 contrasts" in shown
        assert "164 problems of humaneval, gold_bpb" in shown and "every pass@1 is 0%" not in shown.split("\n")[1]

    @pytest.mark.parametrize("dark", [False, True])
    def test_on_a_phone_everything_is_read_without_scrolling_sideways(self, browser, answered, dark):
        browser.open(answered / "report.html", 390, 844, dark=dark, phone=True)
        browser.run("document.querySelectorAll('.answer details').forEach(one => { one.open = true; })")
        assert browser.run("document.documentElement.scrollWidth") <= 390
        widths = browser.run(
            "[...document.querySelectorAll('.strips svg')].map(one => one.getBoundingClientRect().width)"
        )
        assert min(widths) > 300
        letters = (
            "Math.min(...[...document.querySelectorAll('.strips text')].map(one => one.getBoundingClientRect().height))"
        )
        assert browser.run(letters) >= 10
        first = browser.run("document.querySelector('.verdict').getBoundingClientRect().top")
        assert first < 844
        ink = browser.run("getComputedStyle(document.querySelector('.strips text')).fill")
        assert ink == ("rgb(232, 234, 237)" if dark else "rgb(31, 35, 41)")
        assert browser.complaints == []
