"""The short version of `make faults` and `make soak`, what they notice, and what they found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stress import faults, soak
from tests.support.scripts import SCRIPTS, load_script, run_script

from instruction_data.demo import demo_root, library_code
from instruction_data.files.places import REPOSITORY, matching

WITHOUT_RIGHTS = """
import sys
from tests.stress import faults
from instruction_data import cli
from instruction_data.publish import __main__ as publish
faults.drop_rights()
sys.exit(cli.run(lambda: publish.main(sys.argv[1:])))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A study root with the splits of RQ1 for one pool, to be copied; a killed build of its pools went before."""
    root = tmp_path_factory.mktemp("made")
    (root / "Datas").mkdir()
    (root / "Datas/.alpaca.jsonl.12345.tmp").write_text("half")
    with pytest.MonkeyPatch.context() as patch:
        candidates = faults.some_candidates()
        patch.setattr(library_code, "candidates_for", lambda count, folder=None: candidates)
        demo_root.build(root, records=12, others=20)
    assert load_script(SCRIPTS[0]).main(["--root", str(root), "--pool", "oss", "--other", "math"]) == 0
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    return faults.copy(made, tmp_path / "root")


def test_a_few_faults_of_every_kind_lose_nothing():
    chosen = [word for name in ("demo", "RQ1") for word in ("--script", name)]
    words = [sys.executable, "-m", "tests.stress.faults", "--kills", "8", "--others", "1", *chosen]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith(" 0 lost")


def test_half_a_file_a_changed_one_and_a_torn_registry_are_noticed(root, tmp_path):
    expected = faults.copy(root, tmp_path / "expected")
    assert faults.torn(root, expected) == faults.unlike(root, expected) == []
    split = root / "Datas/RQ1/OSS/RQ1_OSS_CODE_10_0.json"
    split.write_bytes(split.read_bytes()[:-9])
    registry = root / "Datas/dataset_info.json"
    registry.write_bytes(registry.read_bytes()[:-9])
    (root / "Datas/.RQ1.json.12.tmp").touch()
    names = {line.split(":")[0].split()[-1] for line in faults.torn(root, expected)}
    assert names == {"Datas/RQ1/OSS/RQ1_OSS_CODE_10_0.json", "Datas/dataset_info.json"}
    assert "Datas/.RQ1.json.12.tmp: left over" in faults.unlike(root, expected)


@pytest.mark.parametrize(
    ("status", "said"), [(1, "Traceback (most recent call last)\nValueError"), (1, "no"), (70, "error: x"), (-11, "")]
)
def test_an_end_without_words_is_noticed(status, said):
    assert faults.unsaid(status, said)
    assert not faults.unsaid(1, "error: found nothing; expected something")


def test_growth_is_noticed_and_what_only_begins_is_not():
    steady = [100_000, 180_000, 200_000, 200_100, 199_900, 200_000, 200_050, 200_000, 199_990, 200_010]
    assert soak.grown(soak.Seen(steady, [9] * 10, [0] * 10)) == []
    growing = [200_000 + 1000 * number for number in range(10)]
    found = soak.grown(soak.Seen(growing, [9, 9, 9, 9, 9, 9, 10, 10, 10, 10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]))
    assert [line.split()[0] for line in found] == ["memory", "open", "temporary"]


@pytest.mark.parametrize("folder", ["Datas/RQ1", "Datas/RQ1/OSS"])
def test_splits_that_may_not_be_read_are_not_taken_for_splits_that_are_not_there(folder, root):
    (root / folder).chmod(0)
    try:
        words = [sys.executable, "-c", WITHOUT_RIGHTS, "verify", str(root)]
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
    finally:
        (root / folder).chmod(0o755)
    assert done.returncode == 1
    assert done.stderr == f"error: Permission denied: {root / folder}\n"


def test_matching_finds_what_glob_finds_in_its_order(root):
    for pattern in ("Datas/RQ*/*/*.json", "Code/RQ4/*", "Datas/*", "*/*/*/*"):
        assert matching(root, pattern) == sorted(root.glob(pattern))


def test_what_a_killed_demo_left_is_removed(made):
    assert not [name for name in faults.tree(made) if faults.is_temporary(name)]


def test_decontaminating_twice_writes_the_same_twice(root):
    script, flags = load_script("derive/decontaminated_splits.py"), ["--split", "RQ1_OSS_CODE_10_0"]
    benchmark = root / "mine.jsonl"
    row = {"task_id": "X/1", "prompt": "nothing like it", "canonical_solution": "no", "entry_point": "f", "test": ""}
    benchmark.write_text(json.dumps(row) + "\n")
    flags = ["--root", str(root), "--benchmark", f"HumanEval={benchmark}", *flags]
    assert script.main(flags) == 0
    once = faults.tree(root)
    assert b"RQ1_OSS_CODE_10_0_CLEAN" in once["Datas/dataset_info.json"]
    assert script.main(flags) == 0
    assert faults.tree(root) == once


def test_a_pool_replaced_between_the_stages_of_rq4_is_refused(root):
    pool = root / "Datas/data-oss_instruct-decontaminated.jsonl"
    assert load_script(SCRIPTS[3]).main(["--root", str(root), "--pool", "oss", "--model", "minilm"]) == 0
    lines = [json.loads(line) for line in pool.read_bytes().splitlines()]
    pool.write_text("".join(json.dumps(line) + "\n" for line in [lines[1], lines[0], *lines[2:]]))
    done = run_script(SCRIPTS[4], "--root", root, "--pool", "oss", "--total", "max")
    assert done.returncode == 1
    assert "oss_instruct_with_category.jsonl:1: found the instruction" in done.stderr
    assert "it was made from another pool" in done.stderr
    assert not (root / "Datas/RQ4").exists()


def test_several_processes_may_replace_one_file_at_once(tmp_path):
    code = "import sys, pathlib; from instruction_data.files.atomic import write_whole; "
    code += "[write_whole(pathlib.Path(sys.argv[1]), sys.argv[2].encode() * n) for n in range(150)]"
    words = [sys.executable, "-c", code, str(tmp_path / "one")]
    running = [subprocess.Popen([*words, letter], stderr=subprocess.PIPE, text=True) for letter in "abcd"]
    assert [(one.communicate()[1], one.returncode) for one in running] == [("", 0)] * 4
    assert (tmp_path / "one").read_bytes() in [letter * 149 for letter in (b"a", b"b", b"c", b"d")]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
