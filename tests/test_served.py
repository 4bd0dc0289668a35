"""Generations by a real server: transformers' own, with a tiny model under the name of its run."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest
from tests.support import finished_run, local_server, tiny_model
from tests.support.needs import needs_harness
from tests.support.scripts import CODE

from instruction_data.numbers import models
from instruction_data.numbers.network import loaded_tokenizer
from instruction_data.outcomes import gold
from instruction_data.runs import environments

pytestmark = needs_harness
NAME = "RQ9_MINE_X--tiny--seed1"
SECRET = "sk-not-to-be-seen"
MOST = 520  # tokens, prompt included


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A study root with a finished run: an adapter of random weights on a tiny model."""
    folder = tmp_path_factory.mktemp("root")
    base, trained = tiny_model.write(folder / "base"), folder / "Runs" / NAME / "trained"
    tiny_model.write_adapter(base, trained)
    identity = models.find(str(base)).identity
    finished_run.write(folder, trained, model=identity, recipe={"model_name_or_path": "base"}, name=NAME)
    return folder


@pytest.fixture
def serve(root, tmp_path):
    """Start a server on a port, in a folder where the run's model lies under the run's name.

    It is merged: this server, unlike vLLM, loads no adapters.
    """
    tiny_model.write_merged(root / "base", root / "Runs" / NAME / "trained", tmp_path / NAME)
    (tmp_path / "hub").mkdir()
    started = []

    def start(port: int) -> subprocess.Popen:
        program = environments.find(None, "--harness", "harness").bin / "transformers"
        words = [program, "serve", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
        variables = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub")}
        with open(tmp_path / "server.log", "ab") as log:
            process = subprocess.Popen(words, cwd=tmp_path, env=variables, stdout=log, stderr=log)
        started.append(process)
        await_true(lambda: process.poll() is not None or answers(port))
        assert process.poll() is None, (tmp_path / "server.log").read_text()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).status == 200
    except OSError:
        return False


def await_true(happened: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def command(root: Path, *more: str) -> list[str]:
    words = ["--root", str(root), "--demo", "--prompt", "bare", "--max-length", str(MOST), *more]
    return [sys.executable, str(CODE / "evaluation" / "bigcode.py"), *words]


def generated(root: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(root, *more), capture_output=True, text=True)


def taken(root: Path) -> tuple[list[list[str]], dict]:
    """The generations of the only run, which are removed, and their settings."""
    (path,) = root.glob("Results/bigcode/humaneval/*/generations.json")
    found = json.loads(path.read_text())
    settings = json.loads(path.with_name("settings.json").read_text())
    for file in path.parent.iterdir():
        file.unlink()
    return found, settings


def test_a_served_model_writes_what_it_writes_here(root, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    done = generated(root, "--limit", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    ours, settings = taken(root)
    assert settings["generator"] == "own"
    port = free_port()
    serve(port)
    done = generated(root, "--limit", "6", "--server", f"http://127.0.0.1:{port}/v1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not [path for path in root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    theirs, settings = taken(root)
    assert theirs == ours
    assert len({one[0] for one in ours}) == 6
    assert fitting(root, 6) > 3
    assert (settings["generator"], settings["dtype"]) == ("server", None)


def fitting(root: Path, count: int) -> int:
    """How many of the first problems leave room for an answer."""
    tokenizer = loaded_tokenizer(models.find(str(root / "base")))
    prompts = [one.context.strip() for one in gold.load("humaneval", count)]  # as the harness has them
    return sum(len(tokenizer(prompt).input_ids) < MOST for prompt in prompts)


def test_a_server_without_the_model_is_named_and_one_that_dies_is_asked_only_for_the_rest(root, serve, tmp_path):
    port, log = free_port(), tmp_path / "server.log"
    kept = root / "Results" / "bigcode" / "humaneval" / NAME / "samples.jsonl"
    more = ("--limit", "10", "--server", f"http://127.0.0.1:{port}")
    server = serve(port)
    away = (tmp_path / NAME).rename(tmp_path / "away")
    done = generated(root, *more)
    assert done.returncode == 1
    assert f"found no completion of model '{NAME}'" in done.stdout
    assert "expected a server of OpenAI's interface that has a model of this name" in done.stdout
    away.rename(tmp_path / NAME)
    with subprocess.Popen(command(root, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        await_true(lambda: process.poll() is not None or (kept.exists() and len(kept.read_text().splitlines()) > 2))
        server.kill()
        said, _ = process.communicate()
    assert process.returncode == 1
    assert "What was made is kept: the same command goes on" in said
    there = len(kept.read_text().splitlines()) - 1
    assert 1 < there < fitting(root, 10)
    with open(kept, "a") as file:
        file.write('{"problem": 3')  # as a killed process leaves a line
    other = generated(root, *more, "--max-length", str(MOST - 1))
    assert other.returncode == 1
    assert "found samples that were made otherwise; --overwrite" in other.stdout
    before = log.read_text().count("[Request received]")
    serve(port)
    done = generated(root, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert log.read_text().count("[Request received]") - before == fitting(root, 10) - there
    assert not kept.exists()
    assert len(taken(root)[0]) == 10


def test_a_server_that_is_not_there_or_of_something_else_is_named(root, tmp_path):
    port = free_port()
    done = generated(root, "--limit", "2", "--server", f"http://127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"--server http://127.0.0.1:{port}: found no completion of model '{NAME}'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    words = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as server:
        await_true(lambda: listens(port))
        done = generated(root, "--limit", "2", "--server", f"http://127.0.0.1:{port}")
        server.kill()
    assert done.returncode == 1
    assert "expected a server of OpenAI's interface" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class Faulty(BaseHTTPRequestHandler):
    """Answers to completions: "busy" fails once; "broken" fails when both late ones are asked, which come after it."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []
    failed = threading.Event()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = asked["prompt"]
        self.asked.append(prompt)
        fails = prompt == "broken" or (prompt == "busy" and self.asked.count(prompt) == 1)
        assert len(asked["stop"]) <= 4  # vLLM refuses more
        if prompt == "broken":
            await_true(lambda: {"late 1", "late 2"} <= set(self.asked))
        if prompt.startswith("late"):
            assert self.failed.wait(60)
            time.sleep(0.5)  # for the client to hear of it
        choice = {"index": 0, "text": f"<{prompt}>6 more 5", "finish_reason": "stop", "logprobs": None}
        answer = {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]}
        content = json.dumps({"error": {"message": "no"}} if fails else answer).encode()
        self.send_response((503 if prompt == "busy" else 400) if fails else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if prompt == "broken":
            self.failed.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("broken", [False, True])
def test_a_busy_server_is_asked_again_and_an_error_loses_no_answer_that_is_under_way(broken, tmp_path):
    prompts = ["first", "busy", *(["broken"] if broken else []), "late 1", "late 2"]
    Faulty.asked.clear()
    Faulty.failed.clear()
    if not broken:
        Faulty.failed.set()
    settings = {"n_samples": 1, "temperature": 0, "top_p": 1, "seed": 1, "kept": str(tmp_path / "kept"), "asked": "so"}
    words = ["m", prompts, [5] * len(prompts), settings, ["never", "1 2", "3", "4", "5", "6"]]
    code = "import json, sys, served; print(served.samples(*json.loads(sys.argv[1])))"
    python, place = environments.find(None, "--harness", "harness").python, CODE / "evaluation/in_harness"
    with local_server.serving(Faulty) as url:
        said = json.dumps([url, *words])
        done = subprocess.run([python, "-c", code, said], capture_output=True, text=True, cwd=place)
    kept = [json.loads(line)["text"] for line in (tmp_path / "kept").read_text().splitlines()[1:]]
    assert sorted(kept) == sorted(f"<{prompt}>" for prompt in prompts if prompt != "broken")
    assert done.returncode == (1 if broken else 0), done.stderr
    assert ("What was made is kept" if broken else "['<busy>']") in done.stderr + done.stdout
