"""Publishing: what is written, what is refused, what is derived, what verify finds."""

import json
import multiprocessing
from dataclasses import replace

import numpy as np
import pytest
from tests.support.scripts import numbered
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.outcomes import outcomes
from instruction_data.pools import reading
from instruction_data.pools.table import Pool, known_pools
from instruction_data.publish import __main__, inventory, manifests, publication, verify
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.registry import register
from instruction_data.publish.split import Split
from instruction_data.runs import runs

QUESTION = Question("RQ9")


@pytest.fixture
def workspace(tmp_path):
    """A study root with two pools and the options of a plain run."""
    return opened(tmp_path)


@pytest.fixture
def records(tmp_path, write_pool):
    write_pool(numbered(10))
    return reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)


@pytest.fixture
def others(tmp_path, write_pool):
    write_pool(numbered(6, word="“ünï”\ncode 🐍"), "Datas/others.jsonl")
    return reading.read(Pool("others", "Datas/others.jsonl", domain="math"), tmp_path)


def make(workspace, records, others, *, first=(3, 1), overwrite=False, seed=42, name="RQ9_MINE_X"):
    workspace = replace(workspace, seed=seed, overwrite=overwrite)
    splits = [
        Split(name, [(records, np.array(first)), (others, np.array([5, 0]))], {"share": 0.5}),
        Split("RQ9_MINE_Y", [(records, np.arange(10))]),
    ]
    publication = workspace.begin(QUESTION, [records, others], {"a": (1, 2)}, draws=True)
    publication.splits(splits, [Column("value", np.arange(10) / 4)])
    return manifests.read(workspace.root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json")


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted((root / "Datas").rglob("*")) if p.is_file()}


def test_a_split_is_an_alpaca_array_in_the_order_given(workspace, records, others):
    make(workspace, records, others)
    text = (workspace.root / "Datas/RQ9/MINE/RQ9_MINE_X.json").read_text("utf-8")
    split = json.loads(text)
    assert [list(record) for record in split] == [["instruction", "input", "output"]] * 4
    assert [record["output"] for record in split[:2]] == ["answer 3 of task", "answer 1 of task"]
    assert split[2]["instruction"] == "“ünï”\ncode 🐍 5"
    assert "“ünï”" in text  # not ASCII-escaped
    assert len(text.splitlines()) == 4 + 2  # one record a line


def test_the_manifest_says_what_a_reader_needs(workspace, records, others):
    manifest = make(workspace, records, others)
    path = workspace.root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
    split = manifest["splits"]["RQ9_MINE_X"]
    assert split["sources"] == {"mine": 2, "others": 2}
    assert split["records"] == 4
    assert split["sha256"] == file_sha256(workspace.root / split["file"])
    assert manifest["pools"]["mine"]["sha256"] == file_sha256(workspace.root / "Datas/mine.jsonl")
    assert manifest["command"] == "python Code/RQ9/script.py --pool mine=Datas/mine.jsonl"
    assert str(workspace.root) not in path.read_text()


def test_scores_trace_every_record_to_its_place(workspace, records, others):
    import pandas

    make(workspace, records, others)
    table = pandas.read_parquet(workspace.root / "Datas/RQ9/MINE/RQ9_MINE_scores.parquet")
    assert len(table) == 16
    chosen = table.dropna(subset="RQ9_MINE_X").sort_values("RQ9_MINE_X")
    assert list(zip(chosen["pool"], chosen["row"], strict=True)) == [
        ("mine", 3),
        ("mine", 1),
        ("others", 5),
        ("others", 0),
    ]
    assert chosen["record_sha256"].iloc[0] == records.hashes[3]
    assert table["value"][:10].tolist() == [i / 4 for i in range(10)]
    assert table["value"][10:].isna().all()
    assert table["RQ9_MINE_Y"].dropna().tolist() == list(range(10))


def test_the_same_twice_is_the_same_bytes_and_untouched(workspace, records, others):
    make(workspace, records, others)
    before = contents(workspace.root)
    times = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("Datas/RQ9/**/*.json")}
    make(workspace, records, others)
    assert contents(workspace.root) == before
    assert {p: p.stat().st_mtime_ns for p in times} == times


def test_a_different_result_is_refused_before_and_after_the_work(workspace, records, others):
    make(workspace, records, others)
    before = contents(workspace.root)
    with pytest.raises(InputError, match="results made with other seed"):
        make(workspace, records, others, seed=43)
    with pytest.raises(InputError, match="found a different file of that name"):
        make(workspace, records, others, first=(1, 3))
    assert contents(workspace.root) == before


def test_a_file_without_manifest_is_not_replaced(workspace, records, others):
    path = workspace.root / "Datas/RQ9/MINE/RQ9_MINE_Y.json"
    path.parent.mkdir(parents=True)
    path.write_text("mine, by hand")
    with pytest.raises(InputError, match=r"RQ9_MINE_Y\.json: found a different file"):
        make(workspace, records, others)
    assert path.read_text() == "mine, by hand"


def test_overwrite_replaces_the_whole_set(workspace, records, others):
    make(workspace, records, others, name="RQ9_MINE_OLD")
    make(workspace, records, others, overwrite=True, seed=43)
    names = {path.name for path in (workspace.root / "Datas/RQ9/MINE").iterdir()}
    assert names == {"RQ9_MINE_X.json", "RQ9_MINE_Y.json", "RQ9_MINE_scores.parquet", "RQ9_MINE_manifest.json"}
    assert verify.verify(workspace.root) == []
    assert "RQ9_MINE_OLD" not in json.loads((workspace.root / "Datas/dataset_info.json").read_text())


def test_a_failure_half_way_leaves_nothing(workspace, records, others, monkeypatch):
    def fail(file, name, frame):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publication, "write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        make(workspace, records, others)
    assert list((workspace.root / "Datas/RQ9/MINE").iterdir()) == []


def test_what_a_killed_run_left_is_removed(workspace, records, others):
    stale = workspace.root / "Datas/RQ9/MINE/.RQ9_MINE_X.json.12345.tmp"
    stale.parent.mkdir(parents=True)
    stale.write_text("half")
    [said] = verify.verify(workspace.root)
    assert said.startswith("unfinished  Datas/RQ9/MINE/.RQ9_MINE_X.json.12345.tmp: left by a run that was killed")
    make(workspace, records, others)
    assert not stale.exists()
    assert verify.verify(workspace.root) == []


class TestVerify:
    def test_lists_all_damage_of_whatever_is_published(self, workspace, records, others):
        make(workspace, records, others)
        root = workspace.root
        documents.write_derived(root / "Results/comparison.json", {"share": 0.25}, {"comparison.csv": b"a,b\n"})
        documents.write_derived(root / "Profiles/profiles.json", {"records": 6})
        assert verify.verify(root) == []
        for name, old, new in (
            ("Datas/RQ9/MINE/RQ9_MINE_manifest.json", '"records": 10', '"records": 11'),
            ("Results/comparison.json", "0.25", "0.26"),
            ("Profiles/profiles.json", "6", "7"),
        ):
            assert old in (root / name).read_text()
            (root / name).write_text((root / name).read_text().replace(old, new, 1))
        assert "\n".join(verify.verify(root)).count("found other content than was written") == 3

    def test_a_touched_manifest_still_tells_what_it_lists(self, workspace, records, others):
        make(workspace, records, others)
        path = workspace.root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"seed": 42', b'"seed": 43'))
        (workspace.root / "Datas/RQ9/MINE/RQ9_MINE_Y.json").unlink()
        (workspace.root / "Datas/dataset_info.json").write_text("[")
        (workspace.root / "Datas/README.md").write_text("mine")
        assert [line.split(":")[0].split() for line in verify.verify(workspace.root)] == [
            ["broken", path.relative_to(workspace.root).as_posix()],
            ["missing", "Datas/RQ9/MINE/RQ9_MINE_Y.json"],
            ["broken", "Datas/dataset_info.json"],
            ["unfinished", "Datas/README.md"],
        ]

    def test_a_manifest_without_a_checksum_is_named_and_one_with_an_unknown_part_refused(
        self, workspace, records, others
    ):
        make(workspace, records, others)
        path = workspace.root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
        whole = json.loads(path.read_bytes())
        path.write_text(json.dumps({name: part for name, part in whole.items() if name != "checksum"}))
        [said] = verify.verify(workspace.root)
        assert said.startswith("broken      Datas/RQ9/MINE/RQ9_MINE_manifest.json: bears no checksum")
        path.write_text(json.dumps(whole).replace('"checksum"', '"chexksum"'))
        with pytest.raises(InputError, match=r"found parts missing .* \(unknown: 'chexksum'\)"):
            manifests.read(path)

    def test_says_which_pools_and_tables_changed(self, workspace, records, others):
        make(workspace, records, others)
        root = workspace.root
        documents.write_derived(root / "Results/comparison.json", {"share": 0.25}, {"comparison.csv": b"a,b\n"})
        (root / "Results/comparison.csv").write_text("a,c\n")
        (root / "Datas/mine.jsonl").write_bytes((root / "Datas/mine.jsonl").read_bytes() + b"\n")
        first, second = verify.verify(root)
        assert first.startswith("outdated    Datas/RQ9/MINE/RQ9_MINE_manifest.json: its Datas/mine.jsonl: found ")
        assert second == "differs     Results/comparison.csv: found other content than comparison.json says"

    def test_says_which_differ_are_missing_or_not_listed(self, workspace, records, others):
        make(workspace, records, others)
        assert verify.verify(workspace.root) == []
        folder = workspace.root / "Datas/RQ9/MINE"
        (folder / "RQ9_MINE_X.json").write_bytes((folder / "RQ9_MINE_X.json").read_bytes() + b" ")
        (folder / "RQ9_MINE_Y.json").unlink()
        (folder / "RQ9_MINE_Z.json").write_text("[]")
        wrong = [line.split(":")[0].split() for line in verify.verify(workspace.root)]
        assert wrong == [
            ["differs", "Datas/RQ9/MINE/RQ9_MINE_X.json"],
            ["missing", "Datas/RQ9/MINE/RQ9_MINE_Y.json"],
            ["not", "listed", "Datas/RQ9/MINE/RQ9_MINE_Z.json"],
        ]

    def test_exit_status_tells(self, workspace, records, others, capsys):
        make(workspace, records, others)
        assert __main__.main(["verify", str(workspace.root)]) == 0
        assert "3 published files" in capsys.readouterr().out
        (workspace.root / "Datas/RQ9/MINE/RQ9_MINE_Y.json").unlink()
        assert __main__.main(["verify", str(workspace.root)]) == 1

    @pytest.mark.parametrize("content", ["{", "[]", '{"format": 99}', '{"format": 1}', '{"format": 1, "splits": 3}'])
    def test_a_broken_manifest_is_named(self, content, workspace, records, others):
        make(workspace, records, others)
        (workspace.root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json").write_text(content)
        assert verify.verify(workspace.root)[0].startswith("broken      Datas/RQ9/MINE/RQ9_MINE_manifest.json")

    def test_a_mistyped_root_is_an_error_and_an_empty_one_has_nothing_wrong(self, tmp_path):
        with pytest.raises(InputError, match="found no Datas folder; expected a study root"):
            verify.verify(tmp_path)
        (tmp_path / "Datas").mkdir()
        assert verify.verify(tmp_path) == []

    def test_the_registry_and_inputs_that_changed_are_named(self, workspace, records, others, capsys):
        make(workspace, records, others)
        (workspace.root / "Datas/dataset_info.json").write_text("{}")
        assert __main__.main(["verify", str(workspace.root)]) == 1
        assert "unfinished  Datas/dataset_info.json" in capsys.readouterr().out
        made_from = workspace.root / "Datas/others.jsonl"
        split = Split("RQ9_MINE_X", [(records, np.array([0]))])
        replace(workspace, overwrite=True).begin(QUESTION, [records], {}, inputs=[made_from]).splits([split])
        assert verify.verify(workspace.root) == []
        made_from.write_bytes(b"changed")
        assert verify.verify(workspace.root)[0].startswith(
            "outdated    Datas/RQ9/MINE/RQ9_MINE_manifest.json: its Datas/others.jsonl: found "
        )

    def test_strays_anywhere_below_the_questions_are_named(self, workspace, records, others):
        make(workspace, records, others)
        for stray in ("Datas/RQ9/notes.txt", "Datas/RQ9/MINE/deep/x.json"):
            (workspace.root / stray).parent.mkdir(exist_ok=True)
            (workspace.root / stray).write_text("[]")
        assert [line.split()[-1] for line in verify.verify(workspace.root)] == [
            "Datas/RQ9/MINE/deep/x.json",
            "Datas/RQ9/notes.txt",
        ]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Datas/RQ9/MINE/RQ9_MINE_manifest.json", manifests.all_splits),
        ("Datas/dataset_info.json", register),
        ("Datas/README.md", register),
        ("pools.toml", known_pools),
        ("Results/bigcode/humaneval/run.json", lambda root: list(outcomes.every(root))),
        ("Runs/x/run.json", lambda root: list(runs.every(root))),
        ("Profiles/profiles.json", lambda root: documents.read_derived(root / "Profiles/profiles.json", "x.py")),
        ("Profiles/profiles.json", lambda root: documents.write_derived(root / "Profiles/profiles.json", {})),
        ("Datas/mine.jsonl", inventory.read),
    ],
)
def test_a_folder_where_a_file_belongs_is_named(name, read, workspace, records, others):
    make(workspace, records, others)
    path = workspace.root / name
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    with pytest.raises(InputError, match=f"{name}: found a folder; expected "):
        read(workspace.root)
    if name != "pools.toml":
        assert any("found a folder" in line for line in verify.verify(workspace.root))


def test_an_empty_split_is_left_out_and_said(workspace, records, capsys):
    splits = [
        Split("RQ9_MINE_X", [(records, np.array([0]))]),
        Split("RQ9_MINE_EMPTY", [(records, np.array([], dtype=int))]),
    ]
    workspace.begin(QUESTION, [records], {}).splits(splits)
    assert list(manifests.all_splits(workspace.root)) == ["RQ9_MINE_X"]
    assert "RQ9_MINE_EMPTY: left out" in capsys.readouterr().out
    with pytest.raises(InputError, match="no split would have a record"):
        workspace.begin(Question("RQ8"), [records], {}).splits(splits[1:])


def test_two_sets_cannot_have_a_split_of_one_name(workspace, records, others):
    make(workspace, records, others)
    split = Split("RQ9_MINE_X", [(others, np.array([0]))])
    with pytest.raises(InputError, match="RQ9_MINE_X: found a split of that name in "):
        workspace.begin(QUESTION, [others], {}).splits([split])
    assert verify.verify(workspace.root) == []


def test_the_command_is_one_that_a_shell_takes_and_bears_no_folder(workspace, records, others):
    flagged = opened(workspace.root, "--fields", "instruction=a b")
    asked = flagged.begin(QUESTION, [records], {}).asked
    assert asked["command"] == "python Code/RQ9/script.py --pool mine=Datas/mine.jsonl --fields 'instruction=a b'"
    outside = Pool("far", str(workspace.root / "Datas/mine.jsonl"))
    asked = workspace.begin(QUESTION, [reading.read(outside, workspace.root)], {}).asked
    assert asked["command"].split()[:4] == ["python", "Code/RQ9/script.py", "--pool", "far=mine.jsonl"]


class TestRegister:
    def test_llama_factorys_entries_are_those_of_the_manifests_and_the_users_own(self, workspace, records, others):
        (workspace.root / "Datas").mkdir(exist_ok=True)
        own = {"own": {"file_name": "own.json", "columns": {"prompt": "q"}}, "hub": {"hf_hub_url": "a/b"}}
        gone = {"RQ1_OLD": {"file_name": "RQ1/OLD/RQ1_OLD_X.json"}}
        (workspace.root / "Datas/dataset_info.json").write_text(json.dumps(own | gone))
        make(workspace, records, others)
        assert json.loads((workspace.root / "Datas/dataset_info.json").read_text()) == own | {
            "RQ9_MINE_X": {"file_name": "RQ9/MINE/RQ9_MINE_X.json"},
            "RQ9_MINE_Y": {"file_name": "RQ9/MINE/RQ9_MINE_Y.json"},
        }

    def test_a_broken_registry_of_the_user_is_not_lost(self, workspace, records, others):
        path = workspace.root / "Datas/dataset_info.json"
        path.write_text('{"own": ')
        with pytest.raises(InputError, match=r"dataset_info\.json: found malformed JSON"):
            make(workspace, records, others)
        assert path.read_text() == '{"own": '

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"---\n{a: [\n---\n", b"---\n- a\n---\n"])
    def test_a_card_that_cannot_be_read_stops_the_run_before_the_rename(self, content, workspace, records, others):
        path = workspace.root / "Datas/README.md"
        path.write_bytes(content)
        with pytest.raises(InputError, match="found no data set card"):
            make(workspace, records, others)
        assert path.read_bytes() == content
        assert list((workspace.root / "Datas/RQ9/MINE").iterdir()) == []

    def test_the_card_keeps_what_people_wrote(self, workspace, records, others):
        path = workspace.root / "Datas/README.md"
        path.write_text("---\nlicense: mit\n---\n\n# Ours\n")
        make(workspace, records, others)
        text = path.read_text()
        assert "license: mit" in text
        assert "# Ours" in text
        assert "config_name: RQ9_MINE_X" in text

    def test_datasets_loads_a_split_by_name(self, workspace, records, others, tmp_path):
        import datasets

        make(workspace, records, others)
        loaded = datasets.load_dataset(
            str(workspace.root / "Datas"), "RQ9_MINE_X", split="train", cache_dir=str(tmp_path / "hf")
        )
        assert loaded.column_names == ["instruction", "input", "output"]
        assert loaded["output"][0] == "answer 3 of task"
        assert len(loaded) == 4


def _publish_in_process(root, number):
    workspace = opened(root)
    pool = Pool(f"p{number}", "Datas/mine.jsonl")
    records = reading.read(pool, root)
    split = Split(f"RQ9_{pool.label}_ALL", [(records, np.arange(len(records)))])
    for _ in range(5):
        workspace.begin(QUESTION, [records], {}).splits([split])


def test_runs_at_the_same_time_lose_no_entry(tmp_path, write_pool):
    write_pool(numbered(50))
    context = multiprocessing.get_context("spawn")
    # two of them publish the very same set
    processes = [context.Process(target=_publish_in_process, args=(tmp_path, number)) for number in (1, 2, 3, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    registered = json.loads((tmp_path / "Datas/dataset_info.json").read_text())
    assert sorted(registered) == ["RQ9_P1_ALL", "RQ9_P2_ALL", "RQ9_P3_ALL"]
    assert verify.verify(tmp_path) == []


def test_show_lists_splits_and_records_without_obeying_them(workspace, records, tmp_path, write_pool, capsys):
    write_pool([{"instruction": "\x1b[31mred", "output": "bell\x07\nsecond — line"}], "Datas/others.jsonl")
    hostile = reading.read(Pool("others", "Datas/others.jsonl"), tmp_path)
    split = Split("RQ9_MINE_X", [(hostile, np.array([0]))], {"share": 0.25})
    workspace.begin(QUESTION, [hostile], {}).splits([split])
    capsys.readouterr()
    __main__.main(["show", "--root", str(workspace.root)])
    assert capsys.readouterr().out.splitlines()[1].split() == ["RQ9_MINE_X", "1", "share", "0.25"]
    __main__.main(["show", "RQ9_MINE_X", "--root", str(workspace.root)])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
    assert "second — line" in out
    with pytest.raises(InputError, match="found no split 'NOPE'"):
        __main__.main(["show", "NOPE", "--root", str(workspace.root)])
