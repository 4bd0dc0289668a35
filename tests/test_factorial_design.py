"""Designed experiments: what is drawn from published numbers, what the manifest says of it, what is refused."""

import html
import json

import numpy as np
import pandas
import pytest
from tests.support.scripts import load_script, numbered, run_script
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.page.html import number
from instruction_data.publish import manifests, verify
from instruction_data.publish.record_tables import Column

SCRIPT = "derive/factorial_design.py"
N = 400


@pytest.fixture
def script():
    return load_script(SCRIPT)


def columns(n, correlation):
    """Return the numbers that the default factors need, of which diversity and complexity are correlated."""
    random = np.random.default_rng(3)
    complexity = random.normal(size=n)
    diversity = correlation * complexity + np.sqrt(1 - correlation**2) * random.normal(size=n)
    return [
        Column("similarity", 0.5 - diversity / 10, "mean similarity", "cosine", trait="semantic diversity"),
        Column("complexity", complexity, "complexity"),
        Column("algorithmic", random.random(n) < 0.3, "algorithmic records", kind="flag", trait="category"),
        *lengths(n, 600, random),
        Column("language", random.choice(["C", "Python"], n).astype(object), kind="word"),
        Column("both", diversity + complexity),
        Column("constant", np.full(n, 3.1)),
        Column("unknown", np.full(n, np.nan)),
        Column("rare", np.arange(n) < 9, kind="flag"),
    ]


def lengths(n, mean, random):
    return [Column("output_characters", random.gamma(2, mean / 2, n), "output length", "characters", scale="log")]


def make_root(tmp_path, write_pool, correlation=0.4):
    write_pool(numbered(N))
    write_pool(numbered(120, "sum"), "Datas/sums.jsonl")
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n[sums]\npath = "Datas/sums.jsonl"\n')
    workspace = opened(tmp_path)
    prose = Column("language", np.full(120, "prose", dtype=object), kind="word")
    of_sums = [*lengths(120, 300, np.random.default_rng(4)), prose]
    for name, made in (("mine", columns(N, correlation)), ("sums", of_sums)):
        workspace.publish_numbers("planted", workspace.read(workspace.known_pools[name]), made)
    return tmp_path


@pytest.fixture
def root(tmp_path, write_pool):
    return make_root(tmp_path, write_pool)


def run(script, root, *words):
    assert script.main(["--root", str(root), "--pool", "mine", *words]) == 0
    return manifests.read(root / "Datas/RQ5/MINE/RQ5_MINE_manifest.json")


def test_eight_sets_part_four_properties(script, root, capsys):
    manifest = run(script, root, "--size", "20")
    assert list(manifest["splits"]) == [f"RQ5_MINE_SET{number:02}" for number in range(1, 9)]
    assert {one["records"] for one in manifest["splits"].values()} == {20}
    design = manifest["settings"]["design"]
    assert (design["resolution"], design["disjoint"], design["overlap"]) == ("IV", True, 0)
    assert design["generators"] == ["length=diversity:complexity:algorithmic"]
    assert design["aliases"] == [
        ["diversity:complexity", "algorithmic:length"],
        ["diversity:algorithmic", "complexity:length"],
        ["diversity:length", "complexity:algorithmic"],
    ]
    for factor in design["factors"].values():
        assert factor["difference"] >= 1
        assert factor["within"] < 0.1
    assert {name: one["question"] for name, one in design["factors"].items()} == {
        "diversity": "RQ2",
        "complexity": "RQ3",
        "algorithmic": "RQ4",
        "length": None,
    }
    assert manifest["about"]["varies"] == ["semantic diversity", "complexity", "category", "output length"]
    assert verify.verify(root) == []
    said = capsys.readouterr().out
    assert "not told apart: diversity:complexity and algorithmic:length\n" in said
    assert "no two sets share a record\n" in said


def test_contrasts_and_figures_tell_the_levels_of_the_published_numbers(script, root):
    manifest = run(script, root, "--size", "20")
    table = pandas.read_parquet(root / "Datas/RQ5/MINE/RQ5_MINE_scores.parquet")
    numbers = pandas.read_parquet(root / "Datas/Numbers/MINE/MINE_planted.parquet")
    contrasts = {one["label"]: one for one in manifest["contrasts"]}
    assert {one["kind"] for one in contrasts.values()} == {"factor"}
    for name, column in (("diversity", 1 - numbers["similarity"]), ("length", numbers["output_characters"])):
        means = {one: column[table[one].notna().to_numpy()].mean() for one in manifest["splits"]}
        assert {one: of["summary"][name] for one, of in manifest["splits"].items()} == pytest.approx(means)
        high = {one for one, dose in contrasts[name]["doses"].items() if dose}
        assert high == set(sorted(means, key=means.get)[4:])
    text = json.loads((root / "Datas/RQ5/MINE/RQ5_MINE_SET03.json").read_text())
    assert len({one["instruction"] for one in text}) == 20


def test_the_same_seed_gives_the_same_bytes_and_repeats_are_other_draws(script, root):
    first = run(script, root, "--size", "20", "--repeats", "2")
    assert run(script, root, "--size", "20", "--repeats", "2") == first
    assert len(first["splits"]) == 16
    doses = first["contrasts"][0]["doses"]
    assert all(doses[name] == doses[f"{name}_R2"] for name in doses if not name.endswith("_R2"))
    hashes = {one["sha256"] for one in first["splits"].values()}
    assert len(hashes) == 16


def test_sixteen_sets_have_the_domain_and_a_further_factor_may_be_words(script, root):
    words = ["--sets", "16", "--size", "40", "--other", "sums", "--factors", "complexity", "length", "domain"]
    manifest = run(script, root, *words, "--factor", "python=language:Python")
    design = manifest["settings"]["design"]
    assert (design["resolution"], design["generators"], design["aliases"]) == ("full", [], [])
    domain = design["factors"]["domain"]
    assert (domain["low"], domain["high"], domain["difference"], domain["other"]) == (0, 0.4, 1, "sums")
    assert {json.dumps(one["sources"]) for one in manifest["splits"].values()} == {
        '{"mine": 40}',
        '{"mine": 24, "sums": 16}',
    }
    assert design["factors"]["python"]["word"] == "Python"
    assert "--factor python=language:Python" in manifest["command"]


def test_a_pool_that_cannot_carry_the_design_is_refused_with_the_pair(script, tmp_path, write_pool):
    root = make_root(tmp_path, write_pool, 0.99)
    expected = r"diversity and complexity cannot be parted \(their correlation is \+0\.99\); expected at least 0\.5"
    with pytest.raises(InputError, match=expected):
        run(script, root, "--size", "20")
    assert not (root / "Datas/RQ5").exists()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--factor", "judge=score"], r"found 5 factors \(.*judge\).*better: --sets 16, or at most 4 factors"),
        (["--factors", "length", "domain", "--other", "math"], "MathInstruct.json"),
        (["--factors", "length", "--factor", "judge=score"], "judge: found no published numbers 'score'.* one of "),
        (["--factors", "length", "--factor", "py=language"], "found the words 'C', 'Python'.*py=language:WORD"),
        (["--factors", "length", "--factor", "x=complexity:C"], "found numbers in complexity; expected words"),
        (["--factors", "length", "--factor", "length=complexity"], "found two factors of that name"),
        (
            ["--factors", "length", "--factor", "domain=complexity"],
            "the mix of two pools.*--factors domain varies",
        ),
        (["--factors", "length", "--factor", "row=complexity"], "row: found the name of another column of the sets'"),
        (["--factors", "length", "--factor", "RQ5_MINE_SET01=complexity"], "none that begins with RQ5_, as the sets'"),
        (["--factors", "--factor", "c=constant"], r"c is the same in all records.*leave it out \(--factors\)$"),
        (["--factors", "--factor", "u=unknown"], r"found no usable number of u in unknown.*\(--factors\)$"),
        (
            ["--factors", "diversity", "complexity", "--factor", "both=both", "--size", "20"],
            r"complexity, both and diversity cannot be parted all at once.*correlated are complexity and both: \+0",
        ),
        (["--factors", "length", "--size", "500"], "found 400 records with all factors; expected at least 500"),
        (["--size", "2"], "as so few records or such rare ones cannot be"),
    ],
)
def test_what_cannot_be_made_is_refused(script, root, words, expected):
    with pytest.raises(InputError, match=expected):
        run(script, root, *words)
    assert not (root / "Datas/RQ5").exists()


def test_a_flag_that_fewer_records_carry_than_the_high_sets_hold_is_said(script, root, capsys):
    run(script, root, "--size", "20", "--factors", "complexity", "--factor", "rare=rare")
    said = capsys.readouterr().out
    (line,) = [one for one in said.splitlines() if one.endswith(" records that carry it, of which there are only 9")]
    assert line.startswith("rare: 4 sets hold ") and int(line.split()[4]) > 9


def test_missing_numbers_are_refused_with_the_command_that_makes_them(tmp_path, write_pool):
    write_pool(numbered(30))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    done = run_script(SCRIPT, "--root", tmp_path, "--pool", "mine")
    assert done.returncode == 1
    assert f"expected them: python Code/RQ2/semantic_diversity.py --root {tmp_path} --pool mine" in done.stderr


def test_a_dry_run_says_what_a_run_writes_and_writes_nothing(script, root, capsys):
    before = sorted(root.rglob("*"))
    assert script.main(["--root", str(root), "--pool", "mine", "--size", "20", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert sorted(root.rglob("*")) == before
    for place in range(1, 9):
        assert f"would write  Datas/RQ5/MINE/RQ5_MINE_SET{place:02}.json: 20 records\n" in said
    assert "resolution IV: length=diversity:complexity:algorithmic\n" in said


def test_the_page_shows_levels_balance_aliases_and_overlap(script, root, capsys):
    manifest = run(script, root, "--size", "20")
    assert load_script("report/report.py").main(["--root", str(root)]) == 0
    text = html.unescape((root / "report.html").read_text())
    assert "RQ5, all properties at once" in text
    assert "of resolution IV (length=diversity:complexity:algorithmic)" in text
    assert "No two sets of one draw share a record." in text
    assert "<li>diversity:length = complexity:algorithmic</li>" in text
    assert "Balance achieved" in text
    low = manifest["settings"]["design"]["factors"]["diversity"]["low"]
    assert f">{number(low)} cosine<" in text
    assert text.count("high: ") >= 16


@pytest.mark.parametrize(
    ("part", "value"),
    [("factors", {}), ("aliases", [[1]]), ("overlap", "x"), ("disjoint", 1), ("resolution", None)],
)
def test_a_damaged_design_is_refused(script, root, part, value):
    manifest = run(script, root, "--size", "20", "--factors", "complexity", "length")
    manifest["settings"]["design"][part] = value
    path = root / "Datas/RQ5/MINE/RQ5_MINE_manifest.json"
    path.write_bytes(json.dumps(manifest).encode())
    with pytest.raises(InputError, match=r"wrong kind \(settings\)"):
        manifests.read(path)
