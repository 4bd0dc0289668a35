"""LLaMA-Factory loaded once for many jobs: as a process for each would do them, whatever becomes of one of them."""

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml
from tests.support import tiny_model
from tests.support.needs import needs_trainer

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256
from instruction_data.runs import environments
from instruction_data.runs.environments import Environment
from instruction_data.runs.trainer import Trainer

OPTIONS = {
    "model_name_or_path": "tiny",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_target": "all",
    "template": "alpaca",
    "dataset_dir": ".",
    "dataset": "records",
    "overwrite_output_dir": True,
    "max_steps": 2,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
}
RECORDS = [{"instruction": f"Add {number}", "input": "", "output": "first + second"} for number in range(8)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    tiny_model.write(folder / "tiny")
    (folder / "records.json").write_text(json.dumps(RECORDS))
    (folder / "dataset_info.json").write_text('{"records": {"file_name": "records.json"}}')
    return folder


@pytest.fixture(scope="module")
def trainer(root):
    with Trainer(environments.find(None, "--trainer", "trainer", "llamafactory-cli"), root) as found:
        yield found


def configured(root, name, **more):
    path = root / f"{name}.yaml"
    path.write_text(yaml.safe_dump(OPTIONS | {"output_dir": name, "seed": 1, "data_seed": 1} | more))
    return path


def adapter_after(trainer, root, name, *, on_cpu=True, **more):
    config = configured(root, name, **more)
    trainer.run(["train", config.name], root / "log", on_cpu=on_cpu)
    return file_sha256(root / name / "adapter_model.safetensors")


def forked(trainer):
    """Return the fork that does a job, as soon as there is one."""
    server = trainer._server.pid
    while True:
        with contextlib.suppress(IndexError):
            return int(Path(f"/proc/{server}/task/{server}/children").read_text().split()[0])
        time.sleep(0.005)


def resident(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@needs_trainer
def test_runs_of_one_process_end_with_the_bytes_of_a_process_each_and_leave_no_memory_behind(trainer, root):
    first = adapter_after(trainer, root, "first")
    server, before = trainer._server.pid, resident(trainer._server.pid)
    other = adapter_after(trainer, root, "other", seed=2, data_seed=2)
    again = adapter_after(trainer, root, "again")
    assert (trainer._server.pid, other == first) == (server, False)
    assert first == again == adapter_after(trainer, root, "alone", on_cpu=False)
    assert resident(server) - before < 10_000  # kB


@needs_trainer
def test_an_inspection_asks_for_no_gpu(trainer, root):
    """LLaMA-Factory refuses to begin what it cannot train here; reading needs none of it."""
    more = {"use_cpu": False, "bf16": True, "tf32": True, "deepspeed": "ds_z3_config.json", "cutoff_len": 8}
    found = trainer.inspect(configured(root, "gpus", **more), root / "log")
    assert (found["examples"], found["cut"]) == (8, 8)
    assert found["prompt"]["before"].endswith("### Instruction:\n")


@needs_trainer
def test_a_job_that_fails_or_is_killed_takes_no_other_with_it(trainer, root):
    with pytest.raises(InputError, match=r"(?s)ended with status 1.*Template nonsense does not exist"):
        adapter_after(trainer, root, "wrong", template="nonsense")
    trainer.inspect(configured(root, "kept"), root / "log")
    server = trainer._server.pid
    killer = threading.Thread(target=lambda: os.kill(forked(trainer), signal.SIGKILL))
    killer.start()
    with pytest.raises(InputError, match="LLaMA-Factory's train ended with status -9"):
        adapter_after(trainer, root, "killed")
    killer.join()
    assert trainer.inspect(root / "kept.yaml", root / "log")["examples"] == 8
    assert trainer._server.pid == server


@needs_trainer
def test_a_job_ends_with_those_who_asked_for_it(trainer, root):
    trainer.inspect(configured(root, "orphan", max_steps=100_000), root / "log")
    trainer._server.stdin.write(b'{"words": ["train", "orphan.yaml"], "log": "log"}\n')
    trainer._server.stdin.flush()
    job = forked(trainer)
    assert trainer._end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)


def test_a_trainer_that_cannot_be_loaded_says_why(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho found no LLaMA-Factory >&2\nexit 3\n")
    broken.chmod(0o755)
    with Trainer(Environment(broken), tmp_path) as trainer:
        for _ in range(2):  # the next job tries again
            with pytest.raises(InputError, match=r"ended with status 3\. The end of .*:\n    found no LLaMA-F"):
                trainer.inspect(tmp_path / "x.yaml", tmp_path / "log")
