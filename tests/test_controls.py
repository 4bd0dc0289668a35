"""Controls: what is drawn, what a set of controls says of itself, what is refused."""

import hashlib
import json
from collections import Counter

import numpy as np
import pandas
import pytest
from tests.support.scripts import load_script, numbered, run_script
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.pools.table import Pool
from instruction_data.publish import manifests, record_tables, verify
from instruction_data.publish.publication import Place
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split
from instruction_data.select import draws

SCRIPT = "derive/control_splits.py"
WEB, SQL = "Web Development", "Database & SQL"
QUESTION = Question("RQ9")


@pytest.fixture
def controls():
    return load_script(SCRIPT)


PYTHON = "```python\ndef f{i}(x):\n    return x + {i}\n```"
SCRIPTED = "```javascript\nfunction f{i}(x) {{ return x + {i}; }}\n```"


def planted(n):
    """Records whose every third has a long output, and every fourth another language."""
    for i in range(n):
        code = (SCRIPTED if i % 4 == 0 else PYTHON).format(i=i)
        yield {"instruction": f"task {i}", "output": code + ("\nIt adds." * 40 if i % 3 == 0 else "")}


def long_half(n):
    """Every long record, and no other."""
    return np.arange(0, n, 3)


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with a pool of 120 and the splits RQ9_MINE_LONG and _FEW; half of the records long are in them."""
    write_pool(list(planted(120)))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n[sums]\npath = "Datas/sums.jsonl"\n')
    make_set(tmp_path, {"LONG": long_half(120)[::2], "FEW": np.array([5, 1, 7]), "FEW_R2": np.array([8, 9, 2])})
    return tmp_path


def make_set(root, members, question=QUESTION, *arguments):
    workspace = opened(root, *arguments)
    records = workspace.read(workspace.known_pools["mine"])
    made = [Split(f"{question.id}_MINE_{name}", [(records, part)]) for name, part in members.items()]
    workspace.begin(question, [records], {}).splits(made)


def categorise(root, categories):
    """Publish categories in the form of task_category.py."""
    workspace = opened(root)
    records = workspace.read(workspace.known_pools["mine"])
    columns = [Column("category", categories, kind="word", levels=(WEB, SQL))]
    place = Place("Code/RQ4", "mine_instruct_with_category")
    publication = workspace.begin(Question("RQ4"), [records], {}, models={"category": {"model": "m"}}, place=place)
    file = "mine_category_similarities.parquet"
    publication.write({file: record_tables.RecordTable([records], columns)}, {file: columns})


def run(controls, root, *arguments):
    assert controls.main(["--root", str(root), *arguments]) == 0


def split(root, name, folder="RQ9/MINE"):
    return json.loads((root / "Datas" / folder / f"{name}.json").read_text())


def tree(root):
    files = [path for path in (root / "Datas").rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lengths(records):
    return np.array([len(record["output"]) for record in records])


def test_a_random_control_is_a_draw_of_that_size_from_the_pool(controls, root):
    run(controls, root, "--split", "RQ9_MINE_LONG", "--control", "random")
    made = split(root, "RQ9_MINE_LONG_RANDOM")
    pool = [record["instruction"] for record in planted(120)]
    assert len(made) == len({record["instruction"] for record in made}) == 20
    assert {record["instruction"] for record in made} <= set(pool)
    expected = draws.draw(120, 20, 42, "RQ9_MINE_LONG_RANDOM mine")
    assert [record["instruction"] for record in made] == [pool[position] for position in expected]
    assert 0 < (lengths(made) > 300).sum() < 20  # the planted bias is gone


def test_a_matched_control_has_the_splits_lengths_languages_and_categories(controls, root):
    categories = [(WEB, SQL, None)[i % 5 % 3] for i in range(120)]
    categorise(root, categories)
    run(controls, root, "--split", "RQ9_MINE_LONG", "--control", "matched")
    number = {f"task {i}": i for i in range(120)}

    def traits(name):
        rows = [number[record["instruction"]] for record in split(root, name)]
        return Counter((row % 3 == 0, row % 4 == 0, categories[row]) for row in rows)

    assert traits("RQ9_MINE_LONG_MATCHED") == traits("RQ9_MINE_LONG")
    manifest = manifests.read(root / "Datas/RQ9/MINE/RQ9_MINE_LONG_MATCHED_manifest.json")
    assert manifest["settings"]["matched_on"] == {"mine": ["length", "language", "category"]}
    assert set(manifest["inputs"]) == {
        "Datas/RQ9/MINE/RQ9_MINE_scores.parquet",
        "Code/RQ4/mine_category_similarities.parquet",
    }
    assert manifest["models"] == {"category": {"model": "m"}}
    table = pandas.read_parquet(root / "Datas/RQ9/MINE/RQ9_MINE_LONG_MATCHED_scores.parquet")
    assert [None if pandas.isna(one) else one for one in table["category"]] == categories


def test_what_overlaps_and_what_has_no_like_is_said(controls, root, capsys):
    """Of 40 long records 20 are in the split: as many are left, so on length alone nothing overlaps."""
    run(controls, root, "--split", "RQ9_MINE_LONG", "--control", "matched", "--match", "length", "--length-bins", "3")
    summary = manifests.all_splits(root)["RQ9_MINE_LONG_MATCHED"]["summary"]
    assert summary["share of the split itself"] == 0
    assert "0 of 20 records have no like outside RQ9_MINE_LONG" in capsys.readouterr().out
    make_set(root, {"ALMOST": np.arange(0, 120, 3)[:30]}, Question("RQ8"))
    run(controls, root, "--question", "RQ8", "--control", "matched", "--match", "length", "--length-bins", "3")
    out = capsys.readouterr().out
    own = {record["instruction"] for record in split(root, "RQ8_MINE_ALMOST", "RQ8/MINE")}
    made = split(root, "RQ8_MINE_ALMOST_MATCHED", "RQ8/MINE")
    summary = manifests.all_splits(root)["RQ8_MINE_ALMOST_MATCHED"]["summary"]
    shared = sum(record["instruction"] in own for record in made)
    assert shared == 20  # ten long records are left outside for thirty
    assert summary["share of the split itself"] == pytest.approx(20 / 30)
    assert summary["mean output characters"] == pytest.approx(lengths(made).mean())
    of_split = lengths(split(root, "RQ8_MINE_ALMOST", "RQ8/MINE")).mean()
    assert summary["mean output characters of the split"] == pytest.approx(of_split)
    assert "20 of 30 records have no like outside RQ8_MINE_ALMOST" in out
    assert "67% of it are the split's own records" in out


def test_controls_are_splits_like_any_other(controls, root):
    run(controls, root, "--question", "RQ9", "--match", "length")
    made = manifests.all_splits(root)
    names = [f"RQ9_MINE_{name}_{kind}" for name in ("FEW", "LONG") for kind in ("MATCHED", "RANDOM")]
    assert sorted(set(made) - {"RQ9_MINE_LONG", "RQ9_MINE_FEW", "RQ9_MINE_FEW_R2"}) == names  # none of the repeat
    assert verify.verify(root) == []
    registered = json.loads((root / "Datas/dataset_info.json").read_text())
    assert registered["RQ9_MINE_FEW_RANDOM"] == {"file_name": "RQ9/MINE/RQ9_MINE_FEW_RANDOM.json"}
    assert set(registered) == set(made)
    assert "config_name: RQ9_MINE_FEW_RANDOM" in (root / "Datas/README.md").read_text()
    manifest = manifests.read(root / "Datas/RQ9/MINE/RQ9_MINE_FEW_RANDOM_manifest.json")
    assert (manifest["question"], manifest["pool"], manifest["seed"]) == ("RQ9", "mine", 42)
    assert manifest["settings"] == {"limit": None, "control": "random", "split": "RQ9_MINE_FEW", "repeats": 1}


def test_one_after_another_or_together_again_and_repeated(controls, root):
    run(controls, root, "--question", "RQ9", "--match", "length")
    together = tree(root)
    for path in root.glob("Datas/RQ9/MINE/*_MATCHED*"):
        path.unlink()
    for path in root.glob("Datas/RQ9/MINE/*_RANDOM*"):
        path.unlink()
    for name in ("LONG", "FEW"):
        for kind in ("matched", "random"):
            run(controls, root, "--split", f"RQ9_MINE_{name}", "--control", kind, "--match", "length")
    assert tree(root) == together  # a manifest's command makes its one control, whichever command made it
    run(controls, root, "--question", "RQ9", "--match", "length")
    assert tree(root) == together

    run(controls, root, "--split", "RQ9_MINE_LONG", "--match", "length", "--repeats", "3", "--overwrite")
    for kind in ("RANDOM", "MATCHED"):
        draws = [split(root, f"RQ9_MINE_LONG_{kind}{suffix}") for suffix in ("", "_R2", "_R3")]
        assert len({tuple(record["instruction"] for record in draw) for draw in draws}) == 3
    first = "Datas/RQ9/MINE/RQ9_MINE_LONG_RANDOM.json"
    assert tree(root)[first] == together[first]
    with pytest.raises(InputError, match="results made with other seed"):
        run(controls, root, "--split", "RQ9_MINE_LONG", "--match", "length", "--repeats", "3", "--seed", "7")
    assert verify.verify(root) == []


def test_a_mixture_keeps_its_shares_and_its_dropped_inputs(controls, root, write_pool):
    write_pool([{"instruction": f"add {i}", "input": "1 2", "output": str(i)} for i in range(9)], "Datas/sums.jsonl")
    workspace = opened(root)
    code = workspace.read(workspace.known_pools["mine"])
    sums = workspace.read(workspace.known_pools["sums"], drop_input=True)
    mixed = Split("RQ1_MINE_SUMS_9_1", [(code, np.arange(20)), (sums, np.arange(4))])
    whole = Split("RQ1_MINE_CODE_10_0", [(code, np.arange(120))])
    workspace.begin(Question("RQ1"), [code, sums], {"drop_input": True}).splits([whole, mixed])
    run(controls, root, "--question", "RQ1", "--match", "length")
    for kind in ("RANDOM", "MATCHED"):
        made = split(root, f"RQ1_MINE_SUMS_9_1_{kind}", "RQ1/MINE")
        assert Counter(record["instruction"].split()[0] for record in made) == {"task": 20, "add": 4}
        assert {record["input"] for record in made} == {""}
        assert manifests.all_splits(root)[f"RQ1_MINE_SUMS_9_1_{kind}"]["sources"] == {"mine": 20, "sums": 4}


def test_a_split_that_is_its_whole_pool_has_no_control(controls, root, capsys):
    make_set(root, {"ALL": np.arange(120)[::-1]}, Question("RQ8"))
    run(controls, root, "--question", "RQ8")
    assert "RQ8_MINE_ALL_RANDOM: left out, since RQ8_MINE_ALL holds its whole pool" in capsys.readouterr().out
    assert len(list(root.glob("Datas/RQ8/MINE/*"))) == 3


def test_what_a_question_varies_is_not_matched_on(controls, root, capsys):
    categorise(root, [(WEB, SQL)[i % 2] for i in range(120)])
    make_set(root, {"ALG_0": np.arange(0, 60, 2)}, Question("RQ4", varies=("category",)))
    run(controls, root, "--question", "RQ4", "--control", "matched", "--match", "length", "category")
    manifest = manifests.read(root / "Datas/RQ4/MINE/RQ4_MINE_ALG_0_MATCHED_manifest.json")
    assert manifest["settings"]["matched_on"] == {"mine": ["length"]}
    assert list(manifest["inputs"]) == ["Datas/RQ4/MINE/RQ4_MINE_scores.parquet"]
    assert "matched on length (not on category)" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"found nothing to match .* what the question varies \(category\)"):
        run(controls, root, "--question", "RQ4", "--control", "matched", "--match", "category")


def test_copies_of_the_splits_records_are_no_control_of_it(controls, root, write_pool):
    """Every record stands in the pool twice, the split holds one of each of the first ten."""
    write_pool([*planted(15), *planted(15)])
    make_set(root, {"ONCE": np.arange(10)}, Question("RQ8"))
    run(controls, root, "--question", "RQ8", "--match", "length", "--length-bins", "1", "--repeats", "2")
    own = {f"task {i}" for i in range(10)}
    for name, one in manifests.all_splits(root).items():
        if name.startswith("RQ8_MINE_ONCE_"):
            made = [record["instruction"] for record in split(root, name, "RQ8/MINE")]
            assert one["summary"]["share of the split itself"] == sum(task in own for task in made) / 10
            if "MATCHED" in name:
                assert not own & set(made)


def test_a_set_of_the_first_records_has_controls_of_these(controls, root):
    make_set(root, {"FEW": np.arange(5)}, Question("RQ8"), "--limit", "30")
    run(controls, root, "--question", "RQ8", "--control", "random")
    made = split(root, "RQ8_MINE_FEW_RANDOM", "RQ8/MINE")
    assert all(int(record["instruction"].split()[1]) < 30 for record in made)
    assert manifests.read(root / "Datas/RQ8/MINE/RQ8_MINE_FEW_RANDOM_manifest.json")["settings"]["limit"] == 30
    with pytest.raises(InputError, match="--limit 9: found RQ8_MINE_FEW made with 30"):
        run(controls, root, "--question", "RQ8", "--limit", "9")


class TestRefused:
    def test_splits_that_are_not_there_or_are_controls(self, controls, root):
        with pytest.raises(InputError, match="--split RQ9_NOPE: found no such split"):
            run(controls, root, "--split", "RQ9_NOPE")
        run(controls, root, "--split", "RQ9_MINE_FEW", "--control", "random")
        with pytest.raises(InputError, match="--split RQ9_MINE_FEW_RANDOM: found a control"):
            run(controls, root, "--split", "RQ9_MINE_FEW_RANDOM")
        workspace = opened(root)
        parent = Pool("rq9_mine_few", "Datas/RQ9/MINE/RQ9_MINE_FEW.json")
        records = workspace.read(parent)
        place = Place("Datas/RQ9/MINE", "RQ9_MINE_FEW_CLEAN")
        cleaned = workspace.begin(QUESTION, [records], {"decontaminated": "RQ9_MINE_FEW"}, place=place)
        cleaned.splits([Split("RQ9_MINE_FEW_CLEAN", [(records, np.arange(2))])])
        with pytest.raises(InputError, match="--split RQ9_MINE_FEW_CLEAN: found a split made from another split"):
            run(controls, root, "--split", "RQ9_MINE_FEW_CLEAN")
        run(controls, root, "--question", "RQ9", "--control", "random")
        assert not list(root.glob("Datas/RQ9/MINE/*CLEAN_RANDOM*"))
        with pytest.raises(InputError, match="found no split for RQ7; expected some"):
            run(controls, root, "--question", "RQ7")
        with pytest.raises(InputError, match="found no split for RQ9 of pool sums"):
            run(controls, root, "--question", "RQ9", "--pool", "sums")

    def test_neither_split_nor_question_is_a_usage_error(self, root):
        result = run_script(SCRIPT, "--root", root)
        assert result.returncode == 2
        assert "--split --question is required" in result.stderr

    def test_a_pool_that_changed_since(self, controls, root, write_pool):
        write_pool([*list(planted(120))[:-1], *numbered(1)])
        with pytest.raises(InputError, match=r"the pool 'mine' with SHA-256 .*: make the split again with --overwrite"):
            run(controls, root, "--split", "RQ9_MINE_FEW")

    def test_a_pool_whose_fields_are_read_otherwise_since(self, controls, root):
        """The file is the same, its records are not: the hashes of the records tell."""
        (root / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\ninput = "instruction"\n')
        with pytest.raises(InputError, match="found another record in row 5 of the pool 'mine'"):
            run(controls, root, "--split", "RQ9_MINE_FEW", "--control", "random")

    def test_a_pool_that_is_not_known_any_more(self, controls, root):
        (root / "pools.toml").unlink()
        with pytest.raises(InputError, match="made from a pool 'mine', which is not known; expected it: --pool mine="):
            run(controls, root, "--split", "RQ9_MINE_FEW")
        run(controls, root, "--split", "RQ9_MINE_FEW", "--control", "random", "--pool", f"mine={root}/Datas/mine.jsonl")

    @pytest.mark.parametrize("name", ["RQ9_MINE_scores.parquet", "RQ9_MINE_FEW.json"])
    def test_scores_and_splits_that_changed(self, name, controls, root):
        path = root / "Datas/RQ9/MINE" / name
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(InputError, match=f"{name}: found other content than its manifest says"):
            run(controls, root, "--split", "RQ9_MINE_FEW")
        path.unlink()
        with pytest.raises(InputError, match=f"{name}: found no such file"):
            run(controls, root, "--split", "RQ9_MINE_FEW")
        path.mkdir()
        with pytest.raises(InputError, match=f"{name}: found a folder; expected a file"):
            run(controls, root, "--split", "RQ9_MINE_FEW")

    def test_categories_of_another_pool(self, controls, root, write_pool, capsys):
        categorise(root, [WEB] * 120)
        write_pool(list(planted(121))[1:])
        with pytest.raises(InputError, match="found the pool 'mine' with SHA-256"):
            run(controls, root, "--split", "RQ9_MINE_FEW")
        make_set(root, {"FEW": np.array([5, 1, 7])}, QUESTION, "--overwrite")
        run(controls, root, "--split", "RQ9_MINE_FEW", "--control", "matched")
        assert "matched on length, language (not on category)" in capsys.readouterr().out
        write_pool(list(planted(120)))
        make_set(root, {"FEW": np.array([5, 1, 7])}, QUESTION, "--overwrite")
        (root / "Code/RQ4/mine_category_similarities.parquet").write_bytes(b"PAR1")
        with pytest.raises(InputError, match=r"similarities\.parquet: found other content"):
            run(controls, root, "--split", "RQ9_MINE_FEW", "--match", "category")
