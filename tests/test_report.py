"""The page: what it says, that it looks and works as it should in a real browser, and that no record can touch it."""

import itertools
import json
import re
import shutil

import numpy as np
import orjson
import pytest
from tests.support import chromium
from tests.support.scripts import load_script, run_script
from tests.support.study import RECORDS, TIERS, add_documents, build

from instruction_data.bundle import agreement
from instruction_data.files.atomic import file_sha256
from instruction_data.page import findings, hints, html

SCRIPT = "report/report.py"
needs_chromium = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="no chromium is installed (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def report():
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def study_root(report, tmp_path_factory):
    """A study root with everything, and its page."""
    root = build(tmp_path_factory.mktemp("study") / "root")
    add_documents(root)
    assert report.main(["--root", str(root)]) == 0
    return root


def test_what_is_missing_is_named_with_its_command(report, tmp_path, capsys):
    root = build(tmp_path / "root", 6, complexity=False)
    assert report.main(["--root", str(root), "--output", str(tmp_path / "one.html")]) == 0
    assert not (root / "report.html").exists()
    text = (tmp_path / "one.html").read_text()
    commands = [made_by for name, (_, made_by) in findings.DOCUMENTS.items() if name != "comparison"]
    for expected in (*commands, hints.STUDY, hints.TRAIN, "Code/RQ3/problem_complexity.py"):
        assert expected in text
    assert "do not reproduce the study" in text


def test_without_splits_it_says_what_to_run(tmp_path):
    (tmp_path / "Datas").mkdir()
    result = run_script(SCRIPT, "--root", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "found no published split; run a script" in result.stderr
    assert "Traceback" not in result.stderr


def test_same_inputs_same_bytes_wherever_they_lie(report, study_root, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(study_root, other, ignore=shutil.ignore_patterns("figures", "report.html"))
    assert report.main(["--root", str(other)]) == 0
    names = ["report.html", *(f"figures/{path.name}" for path in (study_root / "figures").iterdir())]
    assert len(names) > 30
    assert {name: file_sha256(other / name) for name in names} == {
        name: file_sha256(study_root / name) for name in names
    }
    assert str(study_root).encode() not in (study_root / "report.html").read_bytes()


def test_a_touched_page_or_figure_is_noticed(study_root, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(study_root, root)

    def named():
        return {line.split(": found ")[0] for line in agreement.faults(root) if "figures/" in line}

    assert named() == set()
    [svg, *_] = sorted((root / "figures").glob("*.svg"))
    for path in (root / "report.html", svg):
        path.write_bytes(path.read_bytes() + b" ")
    assert named() == {"outdated    figures/page.json: its report.html", f"differs     figures/{svg.name}"}


@needs_chromium
class TestInChromium:
    def test_figures_tables_and_no_complaint(self, browser, study_root):
        browser.open(study_root / "report.html")
        assert browser.complaints == []
        widths = browser.run(
            "[...document.querySelectorAll('figure svg')].map(one => one.getBoundingClientRect().width)"
        )
        assert len(widths) >= 10 and min(widths) > 200
        assert browser.run("document.querySelectorAll('figure table').length") == len(widths)
        labelled = "[...document.querySelectorAll('figure [role=img]')].every(one => one.ariaLabel.length > 20)"
        assert browser.run(labelled)
        links = "[...document.querySelectorAll('nav a')].every(one => document.querySelector(one.getAttribute('href')))"
        assert browser.run(links)
        assert browser.run("[...document.querySelectorAll('th')].every(one => one.textContent.trim())")
        levels = browser.run("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => Number(one.tagName[1]))")
        assert levels[0] == 1 and all(after <= before + 1 for before, after in itertools.pairwise(levels))
        ids = browser.run("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids))

    def test_records_do_nothing(self, browser, study_root):
        browser.open(study_root / "report.html")
        assert browser.run("document.title") == "What differs between the training sets"
        assert browser.run("document.querySelectorAll('script').length") == 2
        assert browser.run("document.querySelectorAll('style').length") == 1
        assert browser.run("document.querySelectorAll('main img, main b, main i:not([aria-hidden])').length") == 0
        shown = browser.run("document.querySelector('.records').textContent")
        assert "<script>document.title = 'owned'</script>" in shown
        browser.run("document.querySelector('[data-part=search]').focus()")
        find(browser, "onerror task 3")
        assert "<img src=x onerror=" in browser.run("document.querySelector('.record pre').textContent")
        assert browser.complaints == []

    def test_what_is_put_into_the_page_is_stopped_by_its_policy(self, browser, study_root, tmp_path):
        """The page without escaping: the policy alone still holds, and the browser says so."""
        planted = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
        text = (study_root / "report.html").read_text().replace("</main>", planted + "</main>")
        (tmp_path / "planted.html").write_text(text)
        browser.open(tmp_path / "planted.html")
        assert browser.run("document.title") == "What differs between the training sets"
        assert any("Content Security Policy" in complaint for complaint in browser.complaints)

    def test_pointing_shows_a_record(self, browser, study_root):
        browser.open(study_root / "report.html")
        browser.run("document.querySelector('canvas').scrollIntoView({behavior: 'instant'})")
        box = browser.run("document.querySelector('canvas').getBoundingClientRect().toJSON()")
        left, top, width, height = (box[side] for side in ("left", "top", "width", "height"))
        for x in np.linspace(left + 5, left + width - 5, 40):
            for y in np.linspace(top + 5, top + height - 5, 12):
                browser.move(x, y)
            if browser.run("document.querySelector('.record dl') !== null"):
                break
        assert re.match(r"record \d+ of oss", browser.run("document.querySelector('.record').textContent"))
        assert "task" in browser.run("document.querySelector('.record pre').textContent")

    def test_the_keyboard_goes_from_record_to_record(self, browser, study_root):
        browser.open(study_root / "report.html")
        browser.run("document.querySelector('canvas').focus()")
        seen = set()
        for name in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "+", "ArrowUp"):
            browser.key(name)
            seen.add(browser.run("document.querySelector('.record pre').textContent"))
        assert len(seen) >= 3
        assert browser.run("getComputedStyle(document.querySelector('canvas')).outlineStyle") == "solid"
        browser.key("Escape")
        assert browser.run("document.querySelector('.record pre')") is None

    def test_search_finds_one_and_none(self, browser, study_root):
        browser.open(study_root / "report.html")
        assert find(browser, "task 17") == f"1 of {RECORDS} records found."
        assert browser.run("document.querySelectorAll('.hits button').length") == 1
        assert "task 17" in browser.run("document.querySelector('.record pre').textContent")
        assert find(browser, "no such words") == f"0 of {RECORDS} records found."
        assert find(browser, "") == ""

    def test_views_colours_and_groups(self, browser, study_root):
        browser.open(study_root / "report.html")
        assert browser.run("[...document.querySelector('[data-part=view]').options].map(one => one.text)") == [
            "meaning",
            "complexity",
        ]
        before = browser.run("document.querySelector('canvas').toDataURL()")
        browser.run("document.querySelector('.legend button').click()")
        assert browser.run("document.querySelector('.legend button').ariaPressed") == "true"
        alone = browser.run("document.querySelector('canvas').toDataURL()")
        browser.run(
            "(view => { view.value = 1; view.dispatchEvent(new Event('change')); })"
            "(document.querySelector('[data-part=view]'))"
        )
        moved = browser.run("document.querySelector('canvas').toDataURL()")
        assert len({before, alone, moved}) == 3
        assert "perplexity" in browser.run("document.querySelector('[data-part=note]').textContent")

    def test_the_browser_of_records(self, browser, study_root):
        browser.open(study_root / "report.html")
        names = browser.run("[...document.querySelector('[data-part=split]').options].map(one => one.text)")
        assert names == [f"{question}_OSS_{tier}" for question in ("RQ2", "RQ3") for tier in TIERS]
        assert browser.run("document.querySelector('.browser [role=status]').textContent") == (
            "10 of 10 records shown, drawn at random (seed 42) from 16."
        )
        browser.run(
            "(split => { split.value = 'RQ3_OSS_HIGH'; split.dispatchEvent(new Event('input')); })"
            "(document.querySelector('[data-part=split]'))"
        )
        split = orjson.loads((study_root / "Datas/RQ3/OSS/RQ3_OSS_HIGH.json").read_bytes())
        place = browser.run("document.querySelector('.records li > p').textContent.match(/place (\\d+)/)[1]")
        shown = browser.run("document.querySelector('.records pre').textContent")
        assert shown == html.visible(split[int(place)]["instruction"])

    def test_on_a_phone_nothing_scrolls_sideways(self, browser, study_root):
        browser.open(study_root / "report.html", 390, 844, phone=True)
        find(browser, "task")
        assert browser.run("document.querySelectorAll('.hits button').length") == 8
        browser.run("document.querySelectorAll('details').forEach(one => { one.open = one.closest('nav') === null; })")
        assert browser.run("document.documentElement.scrollWidth") <= 390
        assert browser.run("document.querySelector('nav details').open") is False
        assert browser.run("document.querySelector('canvas').getBoundingClientRect().width") > 300
        assert browser.complaints == []

    def test_dark_is_dark(self, browser, study_root):
        browser.open(study_root / "report.html", dark=True)
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        fill = browser.run("getComputedStyle(document.querySelector('figure svg text')).fill")
        assert fill == "rgb(232, 234, 237)"
        assert browser.complaints == []


def find(browser, words):
    """Search on the map, and what it says it found."""
    browser.run(
        f"(box => {{ box.value = {json.dumps(words)}; box.dispatchEvent(new Event('input')); }})"
        "(document.querySelector('[data-part=search]'))"
    )
    return browser.run("document.querySelector('.explorer [role=status]').textContent")
