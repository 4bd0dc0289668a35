"""Fetching pools from a hub: a local server that speaks its protocol, and the real client in a process of its own."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest
from tests.support import hub_server

from instruction_data.pools.table import STUDY_POOLS, Pool

CHUNK = 10 * 1024 * 1024  # what huggingface_hub writes at a time: less than that of a broken connection is lost
STUDY = {pool.name: pool for pool in STUDY_POOLS}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n"

# The client reads HF_ENDPOINT when it is imported, so every fetch runs in a process of its own.
FETCH = """
import json, sys
from pathlib import Path
from instruction_data import cli
from instruction_data.pools import hub
from instruction_data.pools.table import Pool
names, root, overwrite, rows = json.loads(sys.argv[1])
table = [Pool(**row) for row in rows]
sys.exit(cli.run(lambda: hub.fetch(names, Path(root), overwrite=overwrite, pools=table)))
"""


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    with hub_server.serve() as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A study root whose pools are Git LFS pointers."""
    folder = tmp_path / "study"
    (folder / "Datas").mkdir(parents=True)
    for pool in STUDY_POOLS:
        pool.file(folder).write_text(POINTER)
    return folder


def lines(count: int, size: int = 10) -> bytes:
    """JSON lines with ``count`` records of about ``size`` bytes, all different."""
    return b"".join(
        orjson.dumps({"instruction": f"task {number}", "output": f"{number} é " * (size // 5)}) + b"\n"
        for number in range(count)
    )


def parquet(path: Path, rows: list[dict]) -> bytes:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path.read_bytes()


def published(server: hub_server.Hub, content: bytes, records: int, **changes: object) -> Pool:
    """A pool that is ``content``, on the hub."""
    row = {
        "name": "evol",
        "path": "Datas/evol.jsonl",
        "records": records,
        "known": {hashlib.sha256(content).hexdigest(): "the public file"},
        "hub": "owner/evol",
        "revision": "main",
        "hub_file": "evol.jsonl",
    }
    pool = Pool(**{**row, **changes})
    server.files[f"{pool.hub}/{pool.hub_file}"] = content
    return pool


def environment(endpoint: str, root: Path) -> dict[str, str]:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.lower().startswith("hf_") and "proxy" not in key.lower()
    }
    return kept | {"HF_ENDPOINT": endpoint, "HF_HOME": str(root.parent / "hf"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


def table_command(pools: list[Pool], root: Path, overwrite: bool = False) -> list[str]:
    rows = [dataclasses.asdict(pool) for pool in pools]
    return [sys.executable, "-c", FETCH, json.dumps([[], str(root), overwrite, rows])]


def run(command: list[str], endpoint: str, root: Path, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, env=environment(endpoint, root) | more, cwd=root.parent, capture_output=True, text=True, timeout=120
    )


def fetch(pools: list[Pool], hub: hub_server.Hub, root: Path, overwrite: bool = False) -> subprocess.CompletedProcess:
    """Fetch the pools of a table of the test's own."""
    return run(table_command(pools, root, overwrite), hub.url, root)


def study_fetch(hub: hub_server.Hub, root: Path, *words: str, **more: str) -> subprocess.CompletedProcess:
    """Run the command as it is typed, which knows the study's table alone."""
    command = [sys.executable, "-m", "instruction_data.pools", "fetch", "--root", str(root), *words]
    return run(command, hub.url, root, **more)


def assert_failed(done: subprocess.CompletedProcess, *texts: str) -> None:
    assert done.returncode == 1, done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in done.stderr


def leftovers(root: Path) -> list[str]:
    """Every file of the study root that is none of its pools."""
    own = {"evol.jsonl", *(Path(pool.path).name for pool in STUDY_POOLS)}
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name not in own]


def test_puts_a_pool_in_place_and_says_what_it_is(hub, root):
    content = lines(3)
    pool = published(hub, content, 3)
    pool.file(root).write_text(POINTER)
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert pool.file(root).read_bytes() == content
    (line,) = done.stdout.splitlines()
    for text in ("evol", pool.path, "MB", "3 records", "the public file", hub_server.COMMIT):
        assert text in line
    assert not leftovers(root)
    assert not (root.parent / "hf").exists(), "the user's cache of the hub is not for pools"


def test_downloads_the_commit_that_was_resolved(hub, root):
    fetch([published(hub, lines(3), 3)], hub, root)
    paths = [(method, path) for method, path, _ in hub.requests]
    assert paths == [
        ("HEAD", "/datasets/owner/evol/resolve/main/evol.jsonl"),
        ("GET", f"/datasets/owner/evol/resolve/{hub_server.COMMIT}/evol.jsonl"),
    ]


def test_goes_on_after_a_cut_connection(hub, root):
    content = lines(25, 1_000_000)
    pool = published(hub, content, 25)
    hub.breaks = [(CHUNK + 1000, hub_server.CUT)]
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert pool.file(root).read_bytes() == content
    assert hub.asked("GET") == [None, f"bytes={CHUNK}-"]


def test_the_same_command_resumes_after_the_client_gave_up(hub, root):
    content = lines(25, 1_000_000)
    pool = published(hub, content, 25)
    pool.file(root).write_text(POINTER)
    hub.breaks = [(CHUNK + 1000, hub_server.CUT), (0, hub_server.RESET)]
    assert_failed(
        fetch([pool], hub, root), "10.5 MB are kept: the same command goes on from there", "git lfs pull", "--demo"
    )
    assert pool.file(root).read_text() == POINTER
    hub.requests.clear()
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert hub.asked("GET") == [f"bytes={CHUNK}-"]
    assert pool.file(root).read_bytes() == content
    assert not leftovers(root)


def killed_at_one_chunk(pool: Pool, hub: hub_server.Hub, root: Path) -> Path:
    """Kill a fetch while the server stalls; returns the part that is left."""
    hub.breaks = [(CHUNK + 1000, hub_server.STALL)]
    process = subprocess.Popen(table_command([pool], root), env=environment(hub.url, root), stderr=subprocess.DEVNULL)
    part = root / ".cache" / "fetch" / pool.name / f"{hub_server.COMMIT}.part"
    try:
        until = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < CHUNK:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    return part


def test_resumes_after_the_process_was_killed(hub, root):
    content = lines(25, 1_000_000)
    pool = published(hub, content, 25)
    part = killed_at_one_chunk(pool, hub, root)
    assert part.read_bytes() == content[:CHUNK]
    hub.requests.clear()
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert hub.asked("GET") == [f"bytes={CHUNK}-"]
    assert pool.file(root).read_bytes() == content
    assert not leftovers(root)


def test_begins_again_where_the_server_ignores_range(hub, root):
    content = lines(25, 1_000_000)
    pool = published(hub, content, 25)
    killed_at_one_chunk(pool, hub, root)
    hub.ranges = False
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert pool.file(root).read_bytes() == content


def test_a_part_of_another_commit_is_not_continued(hub, root):
    content = lines(3)
    pool = published(hub, content, 3)
    folder = root / ".cache" / "fetch" / pool.name
    folder.mkdir(parents=True)
    (folder / f"{'f' * 40}.part").write_bytes(b"older")
    assert fetch([pool], hub, root).returncode == 0
    assert hub.asked("GET") == [None]
    assert pool.file(root).read_bytes() == content
    assert not leftovers(root)


def test_a_part_longer_than_the_file_is_not_continued(hub, root):
    content = lines(3)
    pool = published(hub, content, 3)
    folder = root / ".cache" / "fetch" / pool.name
    folder.mkdir(parents=True)
    (folder / f"{hub_server.COMMIT}.part").write_bytes(content + b"more")
    assert fetch([pool], hub, root).returncode == 0
    assert pool.file(root).read_bytes() == content


def test_two_fetches_of_one_pool_do_not_mix(hub, root):
    pool = published(hub, lines(25, 1_000_000), 25)
    hub.breaks = [(CHUNK + 1000, hub_server.STALL)]
    first = subprocess.Popen(table_command([pool], root), env=environment(hub.url, root), stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not hub.asked("GET"):
            assert first.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        assert_failed(fetch([pool], hub, root), "another fetch")
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()


def test_wrong_bytes_are_refused_and_the_pointer_stays(hub, root):
    pool = STUDY["math"]
    wrong = b'[{"instruction": "1 + 1", "output": "3"}]'
    hub.files[f"{pool.hub}/{pool.hub_file}"] = wrong
    found, expected = hashlib.sha256(wrong).hexdigest(), next(iter(pool.known))
    assert_failed(
        study_fetch(hub, root, "math"),
        found,
        expected,
        "HF_ENDPOINT",
        'git lfs pull --include "Datas/MathInstruct.json"',
    )
    assert pool.file(root).read_text() == POINTER
    assert not leftovers(root)
    assert hub.asked("GET") == [None]
    assert_failed(study_fetch(hub, root, "math"), found)
    assert hub.asked("GET") == [None, None], "wrong bytes are downloaded afresh, not taken from the first run"


def test_a_wrong_count_is_refused_and_the_pointer_stays(hub, root):
    pool = published(hub, lines(3), 4)
    pool.file(root).write_text(POINTER)
    assert_failed(fetch([pool], hub, root), "found 3 records", "4 records")
    assert pool.file(root).read_text() == POINTER
    assert not leftovers(root)


def test_another_known_file_is_accepted_and_named(hub, root):
    content = lines(2)
    known = {"0" * 64: "the public file", hashlib.sha256(content).hexdigest(): "the smaller revision"}
    pool = published(hub, content, 3, known=known)
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert "2 records" in done.stdout and "the smaller revision" in done.stdout
    assert pool.file(root).read_bytes() == content


@pytest.mark.parametrize(
    ("refusal", "texts"),
    [
        ((404, "EntryNotFound"), ["404", "no such file"]),
        ((404, "RevisionNotFound"), ["404", "no such file"]),
        ((401, "RepoNotFound"), ["no such data set, or a private one"]),
        ((401, "GatedRepo"), ["gated", "hf auth login"]),
        ((403, "GatedRepo"), ["gated", "hf auth login"]),
        ((403, ""), ["403", "access refused"]),
        ((503, ""), ["503", "the hub failed"]),
    ],
)
def test_a_refusal_is_told_in_plain_words(hub, root, refusal, texts):
    hub.refusal = refusal
    pool = STUDY["oss"]
    done = study_fetch(hub, root, "oss")
    ways = ["HF_ENDPOINT", f'git lfs pull --include "{pool.path}" --exclude ""', "--demo"]
    assert_failed(done, f"{hub.url}/datasets/{pool.hub}/resolve/main/{pool.hub_file}", *texts, *ways)
    assert pool.file(root).read_text() == POINTER
    assert not leftovers(root)


def test_a_server_that_is_no_hub_is_told(hub, root):
    hub.commit = None
    hub.files[f"{STUDY['oss'].hub}/{STUDY['oss'].hub_file}"] = b"<html>Welcome</html>"
    assert_failed(study_fetch(hub, root, "oss"), "without a commit", "HF_ENDPOINT")
    assert not leftovers(root)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "no-protocol"])
def test_no_connection_is_told(hub, root, endpoint):
    done = study_fetch(hub, root, "oss", HF_ENDPOINT=endpoint)
    assert_failed(done, endpoint, STUDY["oss"].hub, "no connection", "--demo")
    assert not leftovers(root)


def test_offline_mode_is_told(hub, root):
    assert_failed(study_fetch(hub, root, "oss", HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE", "--demo")
    assert not hub.requests


def test_an_unknown_pool_is_refused_before_any_request(hub, root):
    assert_failed(study_fetch(hub, root, "oss", "nonsense"), "nonsense", "evol, oss, math, general")
    assert not hub.requests


def test_a_missing_root_is_refused(hub, root):
    assert_failed(study_fetch(hub, root, "--root", str(root / "no-such")), "no such folder")
    assert not hub.requests


def test_without_names_all_that_are_not_here_are_fetched(hub, root):
    first = published(hub, lines(3), 3)
    second = published(hub, lines(4), 4, name="oss", path="Datas/MathInstruct.json", hub="owner/oss")
    first.file(root).write_bytes(lines(3))
    done = fetch([first, second], hub, root)
    assert done.returncode == 0, done.stderr
    one, two = done.stdout.splitlines()
    assert "already here (the public file)" in one and "4 records" in two
    assert {path.split("/")[3] for _, path, _ in hub.requests} == {"oss"}


def test_a_pool_that_is_here_needs_no_network(hub, root):
    content = lines(3)
    pool = published(hub, content, 3)
    pool.file(root).write_bytes(content)
    done = fetch([pool], hub, root, overwrite=True)
    assert done.returncode == 0 and "already here" in done.stdout
    assert not hub.requests


def test_a_different_file_is_not_replaced_without_being_told_to(hub, root):
    content = lines(3)
    pool = published(hub, content, 3)
    pool.file(root).write_bytes(b"mine")
    assert_failed(fetch([pool], hub, root), "found a file that is not the published one", "--overwrite")
    assert pool.file(root).read_bytes() == b"mine"
    assert not hub.requests
    done = fetch([pool], hub, root, overwrite=True)
    assert done.returncode == 0, done.stderr
    assert pool.file(root).read_bytes() == content


def test_a_different_file_stays_when_its_replacement_is_wrong(hub, root):
    pool = published(hub, lines(3), 4)
    pool.file(root).write_bytes(b"mine")
    assert_failed(fetch([pool], hub, root, overwrite=True), "found 3 records")
    assert pool.file(root).read_bytes() == b"mine"


ALPACA = [
    {"instruction": "Say é", "input": "", "output": "é", "text": "Below is …"},
    {"instruction": "Add", "input": "1, 2", "output": "3", "text": "Below is …"},
]


def general(hub: hub_server.Hub, content: bytes, records: int = len(ALPACA)) -> Pool:
    """A pool that the hub has as Parquet."""
    return published(
        hub, content, records, name="general", path="Datas/alpaca.jsonl", known={"0" * 64: "the study's"},
        hub_file="data/train-0.parquet",
    )  # fmt: skip


def test_parquet_becomes_json_lines_of_three_fields(hub, root, tmp_path):
    pool = general(hub, parquet(tmp_path / "alpaca.parquet", ALPACA))
    done = fetch([pool], hub, root)
    assert done.returncode == 0, done.stderr
    assert "2 records, converted from Parquet" in done.stdout
    assert pool.file(root).read_text("utf-8") == (
        '{"instruction":"Say é","input":"","output":"é"}\n{"instruction":"Add","input":"1, 2","output":"3"}\n'
    )
    assert not leftovers(root)
    hub.requests.clear()
    assert "already here (2 records)" in fetch([pool], hub, root).stdout
    assert not hub.requests


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (lambda path: parquet(path, ALPACA[:1]), "found 1 records"),
        (lambda path: parquet(path, [{"instruction": "Add", "answer": "3"}]), "instruction, answer"),
        (lambda path: parquet(path, ALPACA)[:-20], "damaged Parquet"),
        (lambda path: b"<html>\n", "malformed JSON"),
    ],
)
def test_wrong_parquet_is_refused_and_the_pointer_stays(hub, root, tmp_path, content, text):
    pool = general(hub, content(tmp_path / "wrong.parquet"))
    assert_failed(fetch([pool], hub, root), text, "The download was deleted")
    assert pool.file(root).read_text() == POINTER
    assert not leftovers(root)


@pytest.mark.parametrize("mine", [b"", b"mine", lines(5)])
def test_a_different_file_of_a_converted_pool_is_told_by_its_count(hub, root, tmp_path, mine):
    pool = general(hub, parquet(tmp_path / "alpaca.parquet", ALPACA))
    pool.file(root).write_bytes(mine)
    assert_failed(fetch([pool], hub, root), f"found {5 if len(mine) > 4 else 0} records", "2 records", "--overwrite")
    assert pool.file(root).read_bytes() == mine
    assert fetch([pool], hub, root, overwrite=True).returncode == 0
    assert len(pool.file(root).read_bytes().splitlines()) == 2
