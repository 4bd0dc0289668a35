"""What Git LFS keeps and what it leaves alone, and that clones work with it, without it and without the pools."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from instruction_data.errors import InputError
from instruction_data.files.formats import pointer_of
from instruction_data.pools import reading
from instruction_data.pools.table import STUDY_POOLS

REPOSITORY = Path(__file__).resolve().parents[1]
POINTERS = {
    "Datas/data-evol_instruct-decontaminated.jsonl": (
        "99d8bab4c443050e5bb4bc339f709de8bcccf81cb83e15ef8d53369c5d8dc495",
        255186224,
    ),
    "Datas/data-oss_instruct-decontaminated.jsonl": (
        "f988f14d3516a9f958eeea310f63903727c6d3463bc9cb435288b6ca4bb09cf9",
        203201169,
    ),
    "Datas/MathInstruct.json": ("15b8be9824c31d619078f43baf67f7243c53f475ae4de5f8346b6d3ea9c269dd", 212488891),
    "Datas/alpaca.jsonl": ("0b95d30aff52212dfd7ae0736126f5e75ecb64e7fa9d34e96ab5ec9c3fffea12", 48666132),
}
KEPT_BY_LFS = [
    *POINTERS,
    "Datas/another.jsonl",
    "Datas/another.jsonl.gz",
    "Datas/another.parquet",
    "Datas/RQ1/OSS/RQ1_OSS_MATH_97_3.json",
    "Datas/RQ2/EVOL/RQ2_EVOL_DIVERSITY_LOW.json",
    "Datas/RQ3/OSS/scores.parquet",
    "Datas/RQ2/OSS/RQ2_OSS_embeddings.npy",
    "Datas/RQ5/MINE/deeper/RQ5_MINE_embeddings.npy",
    "Datas/RQ4/OSS/deeper/RQ4_OSS_ALG_25_R2.json",
    "Datas/Numbers/OSS/OSS_judge.parquet",
    "Code/RQ4/oss_instruct_with_category.jsonl",
    "Code/RQ4/scores.parquet",
]
PLAIN = [
    "Datas/RQ1/OSS/RQ1_OSS_manifest.json",
    "Datas/RQ4/EVOL/deeper/RQ4_EVOL_manifest.json",
    "Code/RQ4/oss_instruct_with_category_manifest.json",
    "Datas/Numbers/OSS/OSS_judge_manifest.json",
    "Datas/Numbers/OSS/judge.csv",
    "Datas/dataset_info.json",
    "Datas/README.md",
    "Datas/results.csv",
    "Datas/RQ1/OSS/summary.csv",
    "Datas/RQ1/OSS/recipe.yaml",
    "Code/RQ4/type_coverage.py",
    "Code/RQ4/labels.csv",
    "Code/training/recipe.json",
    "Code/report/template.html",
    "tests/fixtures/pool.jsonl",
    "tests/fixtures/scores.parquet",
    "tests/fixtures/vectors.npy",
    "vectors.npy",
    "tests/study/Datas/Numbers/OSS/OSS_judge.parquet",
    "tests/Datas/alpaca.jsonl",
    "tests/study/Datas/RQ1/OSS/RQ1_OSS_MATH_97_3.json",
    "tests/study/Code/RQ4/oss_instruct_with_category.jsonl",
    "pyproject.toml",
]
SPLIT, MANIFEST, SCORES = "Datas/RQ1/OSS/X.json", "Datas/RQ1/OSS/X_manifest.json", "Datas/RQ1/OSS/scores.parquet"
MADE = {SPLIT: b'[{"instruction": "a", "input": "", "output": "b"}]\n', MANIFEST: b"{}\n", SCORES: b"PAR1 scores PAR1"}

Git = Callable[..., subprocess.CompletedProcess]


def machine(home: Path, *, lfs: bool) -> Git:
    """Git as on a machine of its own, with or without Git LFS set up; the real one's settings are out of its reach."""
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }

    def git(*words: object, cwd: Path = home, check: bool = True, **more: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            ["git", *map(str, words)], cwd=cwd, env=environment | more, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0 or not check, done.stderr.decode()
        return done

    settings = {"user.name": "A", "user.email": "a@example.org", "init.defaultBranch": "main"}
    for key, value in settings.items():
        git("config", "--global", key, value)
    if lfs:
        git("lfs", "install")
    return git


@pytest.fixture(scope="session")
def git_lfs() -> None:
    """Skip what needs the real Git LFS where there is none; a CI run must have it."""
    there = shutil.which("git-lfs") and subprocess.run(["git-lfs", "version"], capture_output=True).returncode == 0
    if not there:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("`git lfs version` fails: this needs Git LFS, https://git-lfs.com")


@pytest.fixture
def git(tmp_path: Path, git_lfs: None) -> Git:
    return machine(tmp_path / "home", lfs=True)


@pytest.fixture
def remote(tmp_path: Path, git: Git) -> str:
    """A remote with the project's settings and pointers and some results, but without the pools' objects."""
    work = tmp_path / "work"
    git("init", work)
    for name in (".gitattributes", ".lfsconfig"):
        shutil.copy(REPOSITORY / name, work)
    write(work, {path: pointer(*fields) for path, fields in POINTERS.items()} | MADE)
    git("init", "--bare", tmp_path / "remote.git")
    url = (tmp_path / "remote.git").as_uri()
    git("remote", "add", "origin", url, cwd=work)
    publish(git, work)
    return url


def publish(git: Git, work: Path) -> None:
    git("add", "--all", cwd=work)
    git("commit", "-m", "results", cwd=work)
    git("-c", "lfs.allowincompletepush=true", "push", "origin", "main", cwd=work)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def pointer(oid: str, size: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()


def assert_pools_are_pointers(clone: Path) -> None:
    for path, fields in POINTERS.items():
        assert (clone / path).read_bytes() == pointer(*fields)


def test_git_lfs_keeps_pools_splits_and_tables_and_nothing_else(tmp_path):
    git = machine(tmp_path / "home", lfs=False)
    git("init", tmp_path / "work")
    shutil.copy(REPOSITORY / ".gitattributes", tmp_path / "work")
    done = git("check-attr", "-z", "filter", "diff", "merge", "--", *KEPT_BY_LFS, *PLAIN, cwd=tmp_path / "work")
    fields = done.stdout.decode().split("\0")[:-1]
    values = {(path, name): value for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True)}
    wrong = [key for key, value in values.items() if value != ("lfs" if key[0] in KEPT_BY_LFS else "unspecified")]
    assert len(values) == 3 * len(KEPT_BY_LFS + PLAIN)
    assert not wrong


@pytest.mark.parametrize("path", POINTERS)
def test_the_repository_has_pointers_to_the_public_files(path):
    if pointer_of(REPOSITORY / path) is None:
        pytest.skip(f"{path} is the pool itself here, not its pointer")
    assert (REPOSITORY / path).read_bytes() == pointer(*POINTERS[path])


def test_pointers_fetchexclude_and_the_table_of_pools_name_the_same_files(tmp_path):
    table = {pool.path: next(iter(pool.known)) for pool in STUDY_POOLS}
    assert table == {path: oid for path, (oid, _) in POINTERS.items()}
    git = machine(tmp_path / "home", lfs=False)
    settings = git("config", "--file", REPOSITORY / ".lfsconfig", "--list").stdout.decode().splitlines()
    (setting,) = settings
    key, _, value = setting.partition("=")
    assert key == "lfs.fetchexclude"
    assert sorted(value.split(",")) == sorted(POINTERS)


def test_splits_and_scores_are_pushed_to_lfs_and_manifests_to_git(git, remote, tmp_path):
    bare = tmp_path / "remote.git"
    for path in (SPLIT, SCORES):
        blob = git("cat-file", "blob", f"main:{path}", cwd=bare).stdout
        oid, size = re.fullmatch(rb"version \S+\noid sha256:(\w{64})\nsize (\d+)\n", blob).groups()
        assert int(size) == len(MADE[path])
        assert [file.read_bytes() for file in (bare / "lfs").rglob(oid.decode())] == [MADE[path]]
    assert git("cat-file", "blob", f"main:{MANIFEST}", cwd=bare).stdout == MADE[MANIFEST]
    for path, fields in POINTERS.items():
        assert git("cat-file", "blob", f"main:{path}", cwd=bare).stdout == pointer(*fields)


def test_a_clone_has_the_results_and_the_pools_pointers(git, remote, tmp_path):
    git("clone", remote, tmp_path / "clone")
    for path, content in MADE.items():
        assert (tmp_path / "clone" / path).read_bytes() == content
    assert_pools_are_pointers(tmp_path / "clone")
    assert not git("status", "--porcelain", cwd=tmp_path / "clone").stdout


def test_without_lfsconfig_a_clone_would_stop_half_way(git, remote, tmp_path):
    git("rm", ".lfsconfig", cwd=tmp_path / "work")
    publish(git, tmp_path / "work")
    done = git("clone", remote, tmp_path / "clone", check=False)
    assert done.returncode != 0
    assert b"smudge" in done.stderr


def test_a_clone_without_smudging_gets_the_results_by_pulling(git, remote, tmp_path):
    clone = tmp_path / "clone"
    git("clone", remote, clone, GIT_LFS_SKIP_SMUDGE="1")
    assert pointer_of(clone / SPLIT) and pointer_of(clone / SCORES)
    git("lfs", "pull", cwd=clone)
    for path, content in MADE.items():
        assert (clone / path).read_bytes() == content
    assert_pools_are_pointers(clone)


def test_a_machine_without_git_lfs_gets_pointers(remote, tmp_path):
    git = machine(tmp_path / "plain", lfs=False)
    git("clone", remote, tmp_path / "clone")
    assert pointer_of(tmp_path / "clone" / SPLIT) and pointer_of(tmp_path / "clone" / SCORES)
    assert (tmp_path / "clone" / MANIFEST).read_bytes() == MADE[MANIFEST]
    assert_pools_are_pointers(tmp_path / "clone")


@pytest.mark.parametrize("pool", STUDY_POOLS, ids=lambda pool: pool.name)
def test_the_command_of_the_error_gets_a_pool_that_the_remote_has(git, remote, tmp_path, pool):
    content = b'{"instruction": "a", "output": "b"}\n'
    write(tmp_path / "work", {pool.path: content})
    publish(git, tmp_path / "work")
    clone = tmp_path / "clone"
    git("clone", remote, clone)
    with pytest.raises(InputError) as caught:
        reading.require_content(pool, pool.file(clone))
    (command,) = re.findall(r"git lfs pull .*?(?=  |$)", str(caught.value), re.MULTILINE)
    git(*shlex.split(command)[1:], cwd=clone)
    assert pool.file(clone).read_bytes() == content
    for other in POINTERS.keys() - {pool.path}:
        assert (clone / other).read_bytes() == pointer(*POINTERS[other])
