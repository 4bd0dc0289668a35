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

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.measures import profiles
from instruction_data.numbers import features
from instruction_data.numbers.features import Feature
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.page import figures, findings, html, maps, svg
from instruction_data.page.figures import Drawing
from instruction_data.publish import inventory
from instruction_data.publish.inventory import Set
from instruction_data.publish.split import Split
from instruction_data.workspace import Workspace

SCRIPT = "report/report.py"
TIERS = ("LOW", "MEDIUM", "HIGH")
RECORDS = 48
HOSTILE = (
    "<script>document.title = 'owned'</script>",
    "</script><script>document.title = 'owned'</script>",
    "</style><style>main { display: none }</style>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "<!--<script>",
    "{{ 7 * 7 }} {% raw %} ${7*7} $x^{2$",
    "line\u2028separator and \u202eturned round\u0007",
    "' onmouseover='document.title=1' x='",
)
IDENTITY = {"model": "all-MiniLM-L6-v2", "sha256": "0" * 64, "kind": "sentence vector", "prompt": ""}

needs_chromium = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="no chromium is installed (apt-get install chromium)"
)


def study_of(root):
    parser = cli.parser("A script.\n\nMore.")
    return Workspace(root, parser.parse_args([]), "Code/RQ9/script.py", parser)


def pool_of(n):
    return [
        {"instruction": f"{HOSTILE[i % len(HOSTILE)]} task {i}", "output": f"```python\nprint({i})\n```"}
        for i in range(n)
    ]


def publish_tiers(workspace, records, question, numbers, order, models):
    """Thirds by a number, as the scripts publish them."""
    parts = np.array_split(np.argsort(order, kind="stable"), 3)
    made = [
        Split(f"{question}_OSS_{tier}", [(records, np.sort(part))], {"mean": order[part].mean()})
        for tier, part in zip(TIERS, parts, strict=True)
    ]
    publication = workspace.begin(question, [records], {"text": "instruction"}, models=models)
    publication.splits(made, numbers | {"tier": ["x"] * len(records)})


def build(root, n=RECORDS, *, complexity=True):
    """A study root of hostile records with RQ2 and perhaps RQ3, vectors in the cache."""
    (root / "Datas").mkdir(parents=True)
    rows = [{"problem": row["instruction"], "solution": row["output"]} for row in pool_of(n)]
    path = root / "Datas" / "data-oss_instruct-decontaminated.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    workspace = study_of(root)
    records = workspace.read(workspace.known_pools["oss"])
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(n, 8)).astype(np.float32)
    at = {text: row for row, text in enumerate(records.texts("instruction"))}
    feature = Feature("fake", IDENTITY, lambda texts: {"vectors": vectors[[at[text] for text in texts]]})
    features.compute(records.texts("instruction"), feature, workspace.cache)
    similarity, score, perplexity = draw.random(n), 1 + 5 * draw.random(n), np.exp(draw.normal(4, 1, n))
    publish_tiers(workspace, records, "RQ2", {"similarity": similarity}, similarity, {"encoder": IDENTITY})
    numbers = {"score": score, "perplexity": perplexity, "complexity": score + np.log(perplexity)}
    if complexity:
        publish_tiers(workspace, records, "RQ3", numbers, numbers["complexity"], {})
    return root


def spread_of(values):
    quantiles = {str(percent): float(np.percentile(values, percent)) for percent in (0, 5, 25, 50, 75, 95, 100)}
    return {"n": len(values), "mean": float(np.mean(values)), "standard_deviation": 1.0, "quantiles": quantiles}


def profile_of(n):
    return {
        "records": n,
        "unread": 0,
        "distributions": {f"{part}_tokens": spread_of(np.arange(1, n + 1)) for part in ("instruction", "output")},
        "languages": {"<b>python</b>": n},
        "duplicates": {"exact": 1, "near": 2},
        "python": {"share": 0.5},
        "diversity": None,
    }


def add_documents(root):
    """Profiles, confounds and contamination as their scripts write them, with hostile names and texts; results."""
    found = inventory.read(root)
    splits = [name for name, _, _ in found.splits()]
    head = {"manifests": found.sources}
    folder = root / "Profiles"
    folder.mkdir()
    profiles = head | {
        "seed": 42,
        "sample": {"asked": 500},
        "tokenizer": {"model": "tokens", "sha256": "1" * 64},
        "detector": {"package": "magika", "version": "1"},
        "near_duplicates": {"package": "datasketch", "version": "1", "threshold": 0.7},
        "measures": {},
        "pools": {"oss": profile_of(RECORDS)},
        "splits": {name: profile_of(16) for name in splits},
        "notes": [HOSTILE[0]],
    }
    documents.write_derived(folder / "profiles.json", profiles)
    difference = {"label": "output length (tokens)", "a": "RQ2_OSS_LOW", "b": "RQ2_OSS_HIGH", "large": True}
    difference |= {"mean_a": 10.0, "mean_b": 20.0, "difference": -0.9, "standard_error": 0.1, "by_design": False}
    one = {"extremes": ["RQ2_OSS_LOW", "RQ2_OSS_HIGH"], "differences": [difference], "warnings": [HOSTILE[3]]}
    one["correlations"] = [{"property": "similarity", "label": "output length", "n": 48, "rho": 0.5}]
    one["correlations"][0] |= {"large": True, "by_design": False}
    thresholds = {"standardised_difference": 0.25, "correlation": 0.3, "sources": "a book"}
    confounds = head | {"thresholds": thresholds, "sets": {"RQ2_OSS": one}}
    documents.write_derived(folder / "confounds.json", confounds)
    worst = {"record_sha256": "ab", "problem": "P/1", "rule": "tli", "tli": 0.4, "matched": None, "text": HOSTILE[1]}
    hit = {"records": 16, "substring": {"records": 2, "share": 0.1}, "worst": [worst]}
    hit |= {"tli": {"mean": 0.01, "problems": 1}, "tli_record": {"mean": 0.02, "problems": 1}}
    benchmark = HOSTILE[3]
    contamination = head | {
        "rules": {"substring": "a rule"},
        "benchmarks": {benchmark: {"problems": 3, "sha256": "2" * 64}},
        "pools": {"oss": {benchmark: hit}},
        "splits": {name: {benchmark: hit} for name in splits},
    }
    documents.write_derived(folder / "contamination.json", contamination)
    for tier in TIERS:
        add_outcome(root, tier)
    load_script("evaluation/compare.py").main(["--root", str(root)])


def add_outcome(root, tier):
    split = f"RQ2_OSS_{tier}"
    names = {"run": f"{split}--m", "question": "RQ2", "pool": "oss", "split": split, "condition": split}
    names |= {"model": "<i>model</i>", "seed": 1, "harness": "bigcode", "task": "humaneval"}
    problems = {f"P/{number}": [number < 20 * (1 + TIERS.index(tier))] for number in range(60)}
    rest = {"settings": {}, "reported": {}, "problems": problems, "versions": {}, "files": {}}
    outcomes.write(root, Outcome(**names, **rest))


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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = chromium.Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


class TestText:
    def test_what_cannot_be_seen_is_shown_by_number(self):
        assert html.visible("a\u202eb\u2028c\u0007d\u200b") == "a⟨U+202E⟩b⟨U+2028⟩c⟨U+0007⟩d⟨U+200B⟩"
        assert html.visible("tab\tand\nline, ü and 漢") == "tab\tand\nline, ü and 漢"

    def test_everything_in_data_is_made_visible(self):
        assert html.all_visible({"\u202ea": ["\u200b", 1, None]}) == {"⟨U+202E⟩a": ["⟨U+200B⟩", 1, None]}

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, "–"),
            (True, "yes"),
            (1234, "1,234"),
            (3.0, "3"),
            (0.27007, "0.2701"),
            (12345.6, "12,346"),
            (-0.5, "-0.5"),
        ],
    )
    def test_numbers_for_people(self, value, expected):
        assert html.number(value) == expected

    def test_shortened(self):
        assert (html.shortened("abcd", 4), html.shortened("abcde", 4)) == ("abcd", "abc…")


class TestFindings:
    @pytest.fixture
    def tiers(self):
        members = {f"RQ2_OSS_DIVERSITY_{tier}": np.arange(3) + 3 * place for place, tier in enumerate(TIERS)}
        return Set("RQ2_OSS", {"question": "RQ2", "pool": "oss"}, members, {}, ())

    def test_short_names(self, tiers):
        assert [findings.short(name, tiers) for name in tiers.members] == list(TIERS)
        shares = Set("RQ4_OSS", {}, {"RQ4_OSS_ALG_0": [], "RQ4_OSS_ALG_25": []}, {}, ())
        assert findings.short("RQ4_OSS_ALG_25", shares) == "ALG_25"

    def test_cuts_lie_between_what_was_parted(self, tiers):
        values = np.array([1, 2, 3, 5, 6, 7, 9, 9, 9.0])
        assert findings.cuts(tiers, values) == [4, 8]
        assert findings.cuts(tiers, values[[0, 8, 1, 2, 3, 4, 5, 6, 7]]) == []

    def test_tiers_share_nothing_and_mixtures_do(self, tiers):
        assert findings.disjoint(tiers)
        mixed = {"a": np.arange(6), "b": np.arange(3, 9)}
        assert not findings.disjoint(Set("X", {}, mixed, {}, ()))

    def test_overlap(self):
        parts = [np.array([1, 2, 3]), np.array([2, 3, 4, 5]), np.array([9])]
        assert profiles.jaccard_matrix(parts) == pytest.approx(np.array([[1, 0.4, 0], [0.4, 1, 0], [0, 0, 1]]))


class TestMaps:
    def test_vectors_come_from_the_shards_of_all_texts(self, tmp_path):
        texts = [f"{'x' * (i % 7)} {i}" for i in range(3 * features.SHARD)]
        feature = Feature("", {"a": 1}, lambda some: {"vectors": np.array([[len(t), t.count("x")] for t in some])})
        whole = features.compute(texts, feature, tmp_path)["vectors"]
        found = maps.cached_vectors(texts[::-1], [texts[150], texts[3]], {"a": 1}, tmp_path)
        assert found.tolist() == whole[[150, 3]].tolist()
        assert maps.cached_vectors(texts, texts[:1], {"a": 2}, tmp_path) is None

    @pytest.mark.parametrize("n", [1, 2, 5, 40])
    def test_a_map_of_any_size_fits_and_is_the_same_again(self, n):
        vectors = np.random.default_rng(0).normal(size=(n, 6)) + 0.1
        places = maps.project(vectors, 42)
        assert places.shape == (n, 2)
        assert 0 <= places.min() <= places.max() <= 1
        assert np.array_equal(places, maps.project(vectors, 42))

    def test_groups_stay_together(self):
        draw = np.random.default_rng(0)
        vectors = np.repeat(np.eye(3), 30, axis=0) + 0.05 * draw.normal(size=(90, 3))
        places = maps.project(vectors, 42).reshape(3, 30, 2)
        centres = places.mean(axis=1)
        apart = np.linalg.norm(places - centres[:, None], axis=2).max(axis=1)
        assert all(np.linalg.norm(centres[i] - centres[i - 1]) > apart[i] for i in range(3))


class TestFigures:
    def test_files_are_whole_and_names_are_no_formulas(self, tmp_path):
        figure = figures.histogram({"$x^{2": np.arange(9.0), "<b>&": np.arange(9.0)}, [4.0], "$\\frac{")
        drawing = Drawing("one", "One.", "Says.", figure, (), ())
        svg = drawing.save(tmp_path)
        assert b"$x^{2" in svg and b"&lt;b&gt;&amp;" in svg
        assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")

    def test_a_name_never_leaves_its_folder(self):
        assert figures.named("RQ9_X", "../../my/score, of all") == "RQ9_X_.._.._my_score_of_all"

    def test_in_the_page_a_figure_has_no_style_and_no_colour_of_its_own(self, tmp_path):
        figure = figures.shares({"a": {"x": 0.1, "y": 0.9}, "b": {"x": 0.5, "y": 0.5}}, "%")
        inlined = svg.inline(Drawing("two", "", "", figure, (), ()).save(tmp_path), "two")
        assert "style" not in inlined
        assert not re.findall(r'"#[0-9a-f]{6}"', inlined)
        assert "var(--ink)" in inlined
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inlined))
        assert used and used == set(re.findall(r' id="([^"]+)"', inlined))


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """WCAG 2.2: contrast ratio."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_everything_can_be_told_from_its_ground(theme):
    css = (html.TEMPLATES / "page.css").read_text()
    colours = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", css.split(":root {")[1 + theme].split("}")[0]))
    for ground in ("--paper", "--raised", "--noted"):
        for text in ("--ink", "--muted", "--link", "--warning"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for name, colour in colours.items():
        if name.startswith(("--ordered", "--hue")):
            assert contrast(colour, colours["--paper"]) >= 3, name
    assert theme or all(colours[variable] == colour for colour, variable in figures.COLOURS.items())


def test_what_is_missing_is_named_with_its_command(report, tmp_path, capsys):
    root = build(tmp_path / "root", 6, complexity=False)
    assert report.main(["--root", str(root), "--output", str(tmp_path / "one.html")]) == 0
    assert not (root / "report.html").exists()
    text = (tmp_path / "one.html").read_text()
    for expected in (*(made_by for _, made_by in findings.DOCUMENTS.values()), "Code/RQ3/problem_complexity.py"):
        assert expected in text
    assert "do not reproduce the study" in text


def test_without_splits_it_says_what_to_run(tmp_path):
    (tmp_path / "Datas").mkdir()
    result = run_script(SCRIPT, "--root", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "found no published split; run a script" in result.stderr
    assert "Traceback" not in result.stderr


def test_documents_of_other_splits_are_called_so(study_root):
    known = findings.read(study_root, study_root / ".cache")
    assert not any(known.outdated(name) for name in known.documents)
    known.found.sources["Datas/RQ2/OSS/RQ2_OSS_manifest.json"] = "other"
    assert known.outdated("profiles")


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "sha256": "0"}'])
def test_a_broken_document_is_an_error_for_the_reader(tmp_path, content):
    (tmp_path / "Results").mkdir()
    (tmp_path / "Results" / "comparison.json").write_text(content)
    with pytest.raises(InputError, match=r"comparison\.json: found .*compare\.py"):
        documents.read_derived(tmp_path / "Results" / "comparison.json", "python Code/evaluation/compare.py")


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
