"""Runs that die: killed at any moment, out of disk, over torn shards, two at once. The next run is as if none had died.

Processes are really killed, by SIGKILL: at random (seeded) moments from outside, or by themselves right before the n-th
change of a name on disk, which visits every state that a kill can leave. They are forked from a server that has the
heavy packages imported, so a run costs what it computes. No outcome depends on when exactly a kill arrives.
"""

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.needs import needs_torch
from tests.support.scripts import SCRIPTS, load_script

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.numbers import features
from instruction_data.numbers.blocks import Arrays, Blocks
from instruction_data.numbers.features import Feature
from instruction_data.publish import verify

SHARDS = 20
TEXTS = [f"{'a' * (i % 7)} text {i}" for i in range(SHARDS * features.SHARD)]
KILLS = 40
RQ1, RQ2 = SCRIPTS[:2]
RQ1_FLAGS = ("--pool", "oss", "--other", "math")
RQ2_FLAGS = ("--pool", "oss", "--model", "minilm", "--text", "instruction", "--prompt", "")

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["instruction_data.publish", "pyarrow.parquet", "pytest", "sentence_transformers"])


def numbers(text: str, width: int) -> np.ndarray:
    """float32 ``[width]``, of the text alone."""
    return np.frombuffer(hashlib.shake_256(text.encode()).digest(4 * width), np.uint32).astype(np.float32)


def letters(log: Path, width: int = 16, pause: float = 0.0) -> Feature:
    """A cheap feature that notes in ``log`` every shard it begins; without vectors where ``width`` is 0."""

    def compute(texts: list[str]) -> Arrays:
        with open(log, "ab", buffering=0) as file:
            file.write(hashlib.sha256("\0".join(texts).encode()).hexdigest().encode() + b"\n")
        time.sleep(pause)
        arrays = {"length": np.array([len(text) for text in texts], dtype=np.float64)}
        return arrays | ({"vectors": np.stack([numbers(text, width) for text in texts])} if width else {})

    return Feature("letters", {"model": "letters", "width": width}, compute)


def begun(log: Path) -> int:
    """How many shards were begun, by all runs."""
    return len(log.read_bytes().splitlines()) if log.exists() else 0


def compute_letters(folder: Path | str, result: str = "result", width: int | str = 16, pause: float = 0.0) -> int:
    """A run: the numbers of all texts into ``folder/result``, shards into ``folder/cache``."""
    folder = Path(folder)
    arrays = features.compute(
        TEXTS, letters(folder / "log", int(width), pause), folder / "cache", scratch=folder / "cache"
    )
    (folder / result).write_bytes(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    return 0


def run_letters(*arguments: str) -> None:
    """The same as a script of its own, errors as its users see them."""
    sys.exit(cli.run(lambda: compute_letters(*arguments)))


def compute_together(folder: str, name: str, runs: str) -> None:
    """The same, begun when ``runs`` processes are ready."""
    (Path(folder) / f"{name}.ready").touch()
    while len(list(Path(folder).glob("*.ready"))) < int(runs):
        time.sleep(0.001)
    run_letters(folder, name, "16", 0.002)


def as_script(function: Callable, *arguments: object) -> list[str]:
    """The command that calls a function of this module in a new Python."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_resume as here; "
    return [sys.executable, "-c", f"{code}here.{function.__name__}(*sys.argv[1:])", *map(str, arguments)]


def kill_before_step(number: int, folder: Path) -> None:
    """Let this process die by SIGKILL right before its ``number``-th renaming or removal of a file below ``folder``."""
    left = number

    def hook(event: str, arguments: tuple) -> None:
        nonlocal left
        if event in ("os.rename", "os.remove") and folder in Path(arguments[0]).parents and Path(arguments[0]).exists():
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def stepwise(number: int, folder: Path, function: Callable, *arguments: object) -> None:
    """Call a function and die before its ``number``-th step below ``folder``."""
    kill_before_step(number, folder)
    sys.exit(function(*arguments))


def whole_script(name: str, root: Path, flags: tuple[str, ...], number: int = 0) -> None:
    """Run a script of Code/ from its flags to its exit status; with a number, die at that step of its publishing."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # several would spin, waiting for each other, where the machine has other work
    kill_before_step(number, root / "Datas")
    script = load_script(name)
    sys.exit(cli.run(lambda: script.main(["--root", str(root), *flags])))


def ended(function: Callable, *arguments: object) -> int:
    """Run a function in a process of its own to its end; its exit status, negative for a signal."""
    process = processes.Process(target=function, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards(folder: Path) -> dict[str, bytes]:
    """The shards of a run in ``folder``."""
    return {path.name: path.read_bytes() for path in (folder / "cache" / "features").glob("*/*.safetensors")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """Folder of an undisturbed run."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "cache").mkdir()
    compute_letters(folder)
    assert begun(folder / "log") == SHARDS
    return folder


@pytest.fixture
def run_folder(tmp_path) -> Path:
    """Folder of a run to be disturbed."""
    (tmp_path / "cache").mkdir()
    return tmp_path


# ---------------------------------------------------------------- killed while computing


def await_lines(log: Path, count: int, process) -> None:
    while begun(log) < count and process.is_alive():
        time.sleep(0.0005)


def test_a_run_killed_at_many_moments_loses_one_shard_a_kill_and_changes_no_byte(undisturbed, run_folder):
    moments, log, good = random.Random(5), run_folder / "log", shards(undisturbed)
    killed = 0
    while killed < KILLS:
        process = processes.Process(target=compute_letters, args=(run_folder, "result", 16, 0.02))
        process.start()
        await_lines(log, begun(log) + moments.choice((0, 1, 1, 1, 2)), process)
        time.sleep(moments.uniform(0, 0.04))
        process.kill()
        process.join()
        assert shards(run_folder).items() <= good.items()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
    assert killed > 5
    assert ended(compute_letters, run_folder) == 0
    assert (run_folder / "result").read_bytes() == (undisturbed / "result").read_bytes()
    assert shards(run_folder) == good
    assert SHARDS <= begun(log) <= SHARDS + killed


@pytest.mark.parametrize("shard", [1, 2, 7, SHARDS])
def test_a_run_killed_before_a_shard_gets_its_name_loses_that_shard(shard, undisturbed, run_folder):
    step = shard + 1  # the first step names the identity
    assert ended(stepwise, step, run_folder, compute_letters, run_folder) == -signal.SIGKILL
    assert len(shards(run_folder)) == shard - 1
    assert ended(compute_letters, run_folder) == 0
    assert begun(run_folder / "log") == SHARDS + 1
    assert (run_folder / "result").read_bytes() == (undisturbed / "result").read_bytes()


def test_what_killed_writers_leave_is_not_used_and_does_not_pile_up(undisturbed, run_folder):
    for step in (2, 1, 1):  # only the first run names the identity
        assert ended(stepwise, step, run_folder, compute_letters, run_folder) == -signal.SIGKILL
    left = list((run_folder / "cache" / "features").rglob("*.tmp"))
    assert len(left) == 3
    for path in left:
        os.utime(path, (0, 0))  # a writer that lives is done with its shard in seconds
    of_the_living = left[0].with_name(f"{'0' * 64}.{os.getpid()}.tmp")
    of_the_living.touch()
    compute_letters(run_folder)
    assert begun(run_folder / "log") == 3 + SHARDS
    assert (run_folder / "result").read_bytes() == (undisturbed / "result").read_bytes()
    assert shards(run_folder) == shards(undisturbed)
    assert list((run_folder / "cache" / "features").rglob("*.tmp")) == [of_the_living]


# ---------------------------------------------------------------- killed while publishing


@pytest.fixture(scope="module")
def demo_datas(tmp_path_factory) -> Path:
    """The Datas folder of a small demo: to be copied."""
    root = tmp_path_factory.mktemp("resume_demo")
    demo_root.build(root, records=150, others=60)
    return root / "Datas"


def new_root(folder: Path, datas: Path) -> Path:
    shutil.copytree(datas, folder / "Datas")
    return folder


def contradictions(root: Path) -> list[str]:
    """What ``verify`` says about listed files; files that no manifest lists yet are no splits."""
    return [line for line in verify.verify(root) if not line.startswith(("not listed", "unfinished"))]


def assert_whole(root: Path, expected: Path) -> None:
    found, wanted = tree(root / "Datas"), tree(expected / "Datas")
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert verify.verify(root) == []


@needs_torch
def test_rq2_killed_in_computing_and_in_publishing_ends_as_if_undisturbed(demo_datas, tmp_path):
    expected, root = new_root(tmp_path / "expected", demo_datas), new_root(tmp_path / "root", demo_datas)
    ended(int)  # from here on the server is up
    began = time.monotonic()
    assert ended(whole_script, RQ2, expected, RQ2_FLAGS) == 0
    length, moments = time.monotonic() - began, random.Random(5)
    for late in (0.3, 0.6, 0.9):
        process = processes.Process(target=whole_script, args=(RQ2, root, RQ2_FLAGS))
        process.start()
        process.join(length * late * moments.uniform(0.8, 1.1))
        process.kill()
        process.join()
        assert contradictions(root) == []
    shutil.rmtree(root / "Datas" / "RQ2", ignore_errors=True)  # should a machine in haste have got that far
    for step in (2, 5, 6):  # one split has its name; all but the manifest have; all but the registry
        assert ended(whole_script, RQ2, root, RQ2_FLAGS, step) == -signal.SIGKILL
        assert contradictions(root) == []
    assert ended(whole_script, RQ2, root, RQ2_FLAGS) == 0
    assert_whole(root, expected)


@pytest.mark.parametrize(
    ("before", "flags"),
    [((), RQ1_FLAGS), ((*RQ1_FLAGS, "--repeats", "2"), (*RQ1_FLAGS, "--seed", "7", "--overwrite"))],
    ids=["first", "overwrite"],
)
def test_a_publication_killed_at_any_step_is_completed_by_the_same_command(before, flags, demo_datas, tmp_path):
    start, expected = new_root(tmp_path / "start", demo_datas), tmp_path / "expected"
    if before:
        assert ended(whole_script, RQ1, start, before) == 0
    shutil.copytree(start, expected)
    assert ended(whole_script, RQ1, expected, flags) == 0
    step, status = 0, None
    while status != 0:
        step += 1
        root = tmp_path / f"step_{step}"
        shutil.copytree(start, root)
        status = ended(whole_script, RQ1, root, flags, step)
        assert status in (0, -signal.SIGKILL)
        assert contradictions(root) == []
        assert ended(whole_script, RQ1, root, flags) == 0, f"step {step}: {verify.verify(root)}"
        assert_whole(root, expected)
    assert step > 7


# ---------------------------------------------------------------- torn shards


def other_texts(path: Path) -> bytes:
    """A good shard of other texts, as many."""
    return next(other for other in sorted(path.parent.glob("*.safetensors")) if other != path).read_bytes()


def other_model(path: Path) -> bytes:
    """A good shard of the same texts, by another model."""
    other = Blocks(path.parents[2], {"model": "other"})
    other.write(TEXTS[:3], {"length": np.ones(3)})
    (block,) = other.folder.glob("*.safetensors")
    content = block.read_bytes()
    shutil.rmtree(other.folder)
    return content


def bit_flipped(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.read_bytes()[:-1],
        lambda path: path.read_bytes()[: path.stat().st_size // 2],
        lambda path: path.read_bytes() + b"\0",
        lambda path: b"",
        lambda path: random.Random(5).randbytes(path.stat().st_size),
        lambda path: bytes(path.stat().st_size),
        bit_flipped,
        other_texts,
        other_model,
    ],
    ids=["cut", "half", "longer", "empty", "garbage", "zeros", "bit", "other_texts", "other_model"],
)
def test_a_shard_that_is_not_the_one_written_there_is_computed_again(damage, undisturbed, run_folder):
    shutil.copytree(undisturbed / "cache", run_folder / "cache", dirs_exist_ok=True)
    path = sorted((run_folder / "cache" / "features").rglob("*.safetensors"))[3]
    path.write_bytes(damage(path))
    compute_letters(run_folder)
    assert begun(run_folder / "log") == 1
    assert (run_folder / "result").read_bytes() == (undisturbed / "result").read_bytes()
    assert shards(run_folder) == shards(undisturbed)


def test_no_beginning_of_a_shard_and_no_flipped_bit_reads_as_good(undisturbed, tmp_path):
    name, content = next(iter(shards(undisturbed).items()))
    flips = [content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :] for at in range(0, len(content), 41)]
    feature = letters(tmp_path / "log")
    path = Blocks(tmp_path, feature.identity).folder / name
    path.parent.mkdir(parents=True)
    for torn in [*(content[:end] for end in (0, 1, 31, 32, 33, 40, *range(64, len(content), 97))), *flips]:
        path.write_bytes(torn)
        assert features.missing(TEXTS, feature, tmp_path) == len(TEXTS)
    path.write_bytes(content)
    assert features.missing(TEXTS, feature, tmp_path) == len(TEXTS) - features.SHARD


# ---------------------------------------------------------------- a full disk

ON_A_SMALL_DISK = """
cache=$1 size=$2; shift 2
mount -t tmpfs -o size="$size" tmpfs "$cache" || exit 77
"$@" 2>"$cache.error"; echo $? >"$cache.status"
cp -r "$cache" "$cache.full"
mount -o remount,size=64m "$cache" || exit 77
"$@"
"""


def unshared(flags: str, probe: str) -> list[str]:
    """The words in front of a command that give it namespaces of its own; skips where this machine forbids it."""
    for words in (["unshare", f"-r{flags}"], ["unshare", f"-{flags}"]):
        try:
            if subprocess.run([*words, "sh", "-c", probe], capture_output=True).returncode == 0:
                return words
        except FileNotFoundError:
            pytest.skip("found no unshare; expected util-linux installed")
    pytest.skip(f"unshare -{flags} is not permitted here; expected root, or user namespaces allowed")


@pytest.mark.parametrize(
    ("size", "width"),
    [("48k", 0), ("1m", 128), ("1m", 1024)],
    ids=["by_shards", "by_shards_beside_the_result", "by_the_result"],
)
def test_a_full_disk_ends_a_run_with_a_message_and_the_next_goes_on(size, width, run_folder, tmp_path_factory):
    cache, expected = run_folder / "cache", tmp_path_factory.mktemp("expected")
    words = unshared("m", f"mount -t tmpfs -o size=8k tmpfs '{expected}' && mount -o remount,size=16k '{expected}'")
    child = as_script(run_letters, run_folder, "result", width)
    done = subprocess.run([*words, "sh", "-c", ON_A_SMALL_DISK, "sh", cache, size, *child], capture_output=True)
    (expected / "cache").mkdir()
    compute_letters(expected, "result", width)
    error = Path(f"{cache}.error").read_text()
    assert (Path(f"{cache}.status").read_text(), error.count("\n")) == ("1\n", 1), error
    assert "No space left on device" in error
    kept = {path.name: path.read_bytes() for path in Path(f"{cache}.full", "features").rglob("*.safetensors")}
    assert 0 < len(kept) < SHARDS
    assert kept.items() <= shards(expected).items()
    assert (done.returncode, done.stderr) == (0, b"")
    assert (run_folder / "result").read_bytes() == (expected / "result").read_bytes()
    assert begun(run_folder / "log") <= SHARDS + 1


# ---------------------------------------------------------------- several runs on one cache


@pytest.mark.parametrize(("runs", "machines"), [(2, False), (8, False), (4, True)], ids=["two", "eight", "containers"])
def test_runs_at_once_on_one_cache_all_end_well(runs, machines, undisturbed, run_folder):
    words = unshared("pf", "true") if machines else []  # containers and machines: processes with the same number
    names = [f"result_{number}" for number in range(runs)]
    commands = [[*words, *as_script(compute_together, run_folder, name, runs)] for name in names]
    children = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for words in commands]
    ends = [(child.communicate()[1], child.returncode) for child in children]
    assert ends == [("", 0)] * runs
    for name in names:
        assert (run_folder / name).read_bytes() == (undisturbed / "result").read_bytes()
    assert shards(run_folder) == shards(undisturbed)
    assert list((run_folder / "cache" / "features").rglob("*.tmp")) == []
