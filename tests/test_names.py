"""Names that try to leave the study root, or that some file system cannot hold: refused, and nothing written."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripts import SCRIPTS, load_script, numbered, run_script
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.files import names
from instruction_data.outcomes import bigcode_harness, outcomes
from instruction_data.pools import reading
from instruction_data.pools.table import Pool, known_pools
from instruction_data.publish import manifests, verify
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.runs import runs, training

BAD_NAMES = (
    *(
        "../x",
        "../../x",
        "/etc/x",
        "a/b",
        "..",
        ".",
        "",
        ".hidden",
        "-rf",
        "a b",
        "a\nb",
        "a\0b",
        "\x1b[2Jx",
        "a,b",
        "a:b",
    ),
    *("$(id)", "a;b", "a\\b", "ü", "\u202eexe", "a.", "con", "CON", "nul.txt", "Com1", "a" * 201, None, 7, ["a"]),
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "study/Datas").mkdir(parents=True)
    lines = "".join(json.dumps(record) + "\n" for record in numbered(10))
    (tmp_path / "study/Datas/mine.jsonl").write_text(lines)
    return tmp_path / "study"


def publish_split(root, name="RQ9_MINE_X", question="RQ9", *flags):
    workspace = opened(root, *flags)
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), root)
    publication = workspace.begin(Question(question), [records], {})
    publication.splits([Split(one, [(records, np.arange(4))]) for one in ([name] if isinstance(name, str) else name)])


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if ".cache" not in path.parts)


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_name_that_cannot_be_part_of_a_path_everywhere_is_refused(name):
    with pytest.raises(InputError, match=r"found the name .*; expected"):
        names.checked(name, "split")


@pytest.mark.parametrize("name", ["a", "RQ2_OSS_DIVERSITY_LOW", "multiple-cpp", "C++", "a.b", "console", "a" * 200])
def test_other_names_are_taken(name):
    assert names.checked(name, "split") == name


@given(st.text(max_size=12))
def test_a_name_that_is_taken_stays_in_its_folder(name):
    if not names.fault(name):
        assert not set(name) & set("/\\\0\n\"'`$;,: ")
        assert not name.startswith((".", "-"))


@pytest.mark.parametrize("name", ["../../x", "-x", "con", "NUL", "com1", "a/b", "a\nb", "\x1b[2J", "x" * 41])
def test_pool_names(root, name):
    result = run_script(SCRIPTS[0], "--root", root, f"--pool={name}={root}/Datas/mine.jsonl", "--other", "math")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: pool name: found ")
    assert "\x1b" not in result.stderr
    assert files_of(root.parent) == ["study", "study/Datas", "study/Datas/mine.jsonl"]


@pytest.mark.parametrize("row", ['["../x"]', "[con]", '["a b"]', '["-x"]', '["a\\nb"]', '["\\u001b[2J"]'])
def test_pool_names_in_the_table_name_the_file(root, row):
    (root / "pools.toml").write_text(f'{row}\npath = "Datas/mine.jsonl"\n')
    with pytest.raises(InputError, match=r"pools\.toml: pool name: found "):
        known_pools(root)


def test_names_that_differ_in_case_alone(root):
    (root / "pools.toml").write_text('[Mine]\npath = "a"\n[mine]\npath = "b"\n')
    with pytest.raises(InputError, match="names differ in case alone"):
        known_pools(root)
    with pytest.raises(InputError, match="given twice"):
        opened(root / "Datas").choose(["Mine=a", "mine=b"], {})
    (root / "pools.toml").unlink()
    with pytest.raises(InputError, match="found 'RQ9_MINE_X' and 'RQ9_MINE_x'; expected more than case to differ"):
        publish_split(root, ["RQ9_MINE_X", "RQ9_MINE_x"])
    assert not (root / "Datas/RQ9/MINE").exists()


def test_a_path_of_nobodys_home_and_one_that_is_not_utf_8(root):
    (root / "pools.toml").write_text('[mine]\npath = "~nobody-of-that-name/x"\n')
    with pytest.raises(InputError, match="found the path '~nobody-of-that-name/x'"):
        reading.read(known_pools(root)["mine"], root)
    with pytest.raises(InputError, match="found a name that is not UTF-8"):
        reading.read(Pool("mine", "Datas/\udcff.jsonl"), root)


@pytest.mark.parametrize("name", ["../../../../x", "/x", "RQ9/X", "con", "X" * 201, "a\nb"])
def test_split_names(root, name):
    with pytest.raises(InputError, match="found the name"):
        publish_split(root, name)
    assert files_of(root.parent) == ["study", "study/Datas", "study/Datas/mine.jsonl"]


@pytest.mark.parametrize("place", ["Datas", "Datas/RQ9", "Datas/RQ9/MINE"])
def test_a_link_out_of_the_study_root_is_not_followed(root, place):
    publish_split(root)
    outside = root.parent / "outside"
    (root / place).rename(outside)
    (root / place).symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"found a link out of the study root, to .*outside"):
        publish_split(root, "RQ9_MINE_Y", "RQ9", "--overwrite")
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


def test_a_circle_of_links_leads_nowhere(root):
    (root / "Datas/RQ9").symlink_to(root / "Datas/RQ9")
    with pytest.raises(InputError, match="link"):
        publish_split(root)


def test_a_split_that_is_a_link_is_replaced_and_what_it_leads_to_is_not(root):
    publish_split(root)
    outside, split = root.parent / "outside.json", root / "Datas/RQ9/MINE/RQ9_MINE_X.json"
    outside.write_text("[]")
    content = split.read_bytes()
    split.unlink()
    split.symlink_to(outside)
    with pytest.raises(InputError, match="found a different file of that name"):
        publish_split(root)
    publish_split(root, "RQ9_MINE_X", "RQ9", "--overwrite")
    assert (split.is_symlink(), split.read_bytes(), outside.read_text()) == (False, content, "[]")


@pytest.mark.parametrize(
    "file", ["../../outside", "/etc/passwd", "Datas/RQ9/../../../outside", "Code/RQ4/type_coverage.py"]
)
def test_a_manifest_that_names_files_elsewhere_is_broken_and_removes_nothing(root, file):
    publish_split(root)
    outside = root.parent / "outside"
    outside.write_text("theirs")
    path = root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
    good = json.loads(path.read_text())
    del good["checksum"]
    for manifest in (
        {**good, "files": {file: {"sha256": "a" * 64}}},
        {**good, "splits": {"RQ9_MINE_X": {**good["splits"]["RQ9_MINE_X"], "file": file}}},
    ):
        path.write_text(json.dumps(manifest))
        with pytest.raises(InputError, match="found parts missing or of the wrong kind"):
            publish_split(root, "RQ9_MINE_Y", "RQ9", "--overwrite")
        assert verify.verify(root)[0].startswith("broken")
    assert outside.read_text() == "theirs"


@pytest.mark.parametrize("change", [{"command": "python x.py; rm -rf ~"}, {"command": "$(id)"}, {"question": "../x"}])
def test_a_manifest_whose_parts_would_do_harm_where_they_are_used_is_broken(root, change):
    publish_split(root)
    path = root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
    manifest = json.loads(path.read_text()) | change
    del manifest["checksum"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=f"found parts missing or of the wrong kind \\({next(iter(change))}\\)"):
        manifests.read(path)


def test_the_runs_of_a_split_of_a_hostile_name_are_not_made(root):
    with pytest.raises(InputError, match="found the name"):
        runs.name("../../x", "model", 1)
    with pytest.raises(InputError, match="expected at most 200"):
        runs.name("RQ9_MINE_X", "m" * 250, 1)
    assert runs.name("RQ9_MINE_X", "../../$(id)\n", 1) == "RQ9_MINE_X--id--seed1"


def test_a_training_does_not_follow_a_link_out_of_the_study_root(root):
    train = load_script("training/train.py")
    publish_split(root)
    outside = root.parent / "outside"
    (outside / "trained").mkdir(parents=True)
    options = train.parser().parse_args(["--model", "smollm2", "--recipe", "demo", "--dry-run"])
    (plan,) = train.planned(root, options)
    (root / "Runs").mkdir()
    (root / plan.folder).symlink_to(outside)
    with pytest.raises(InputError, match="found a link out of the study root"):
        training.put_in_place(root, plan, overwrite=True, edited=False, merge=False)
    assert files_of(outside) == ["trained"]
    (root / plan.folder).unlink()
    (root / plan.folder).mkdir()
    (root / plan.folder / "trained").symlink_to(outside)
    with pytest.raises(InputError, match="found a link out of the study root"):
        training.put_in_place(root, plan, overwrite=True, edited=False, merge=False)
    assert files_of(outside) == ["trained"]


@pytest.mark.parametrize("part", ["harness", "task", "run"])
def test_outcomes_stay_under_their_folder(root, part):
    good = {"harness": "bigcode", "task": "humaneval", "run": "X--model--seed1"}
    with pytest.raises(InputError, match=f"{part}: found the name '../../x'"):
        outcomes.path(root, **(good | {part: "../../x"}))


def test_a_task_of_a_hostile_name_is_refused_before_anything_is_made(root):
    with pytest.raises(InputError, match=r"--task: found the name '\.\./\.\./x'"):
        bigcode_harness.load_task(root, "../../x", None, None, None)
    assert files_of(root.parent) == ["study", "study/Datas", "study/Datas/mine.jsonl"]


def test_a_study_root_may_itself_be_a_link(root):
    link = root.parent / "link"
    link.symlink_to(root)
    publish_split(link)
    assert verify.verify(root) == []
    shutil.rmtree(root)
