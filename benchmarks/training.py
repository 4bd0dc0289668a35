"""Small trainings: LLaMA-Factory loaded once for all of them, against a process for each step of each."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import yaml
from measure import Result, seconds
from texts import demo_texts

from instruction_data.files.atomic import file_sha256
from instruction_data.numbers import models, plain
from instruction_data.runs import environments
from instruction_data.runs.trainer import Trainer

RECORDS, SEEDS = 99, (1, 2, 3)
OPTIONS = {
    "model_name_or_path": "model",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "template": "alpaca",
    "cutoff_len": 128,
    "dataset_dir": ".",
    "dataset": "records",
    "overwrite_output_dir": True,
    "per_device_train_batch_size": 1,
    "max_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
}


def write_root(root: Path) -> None:
    """Write the embedded model, records, and a configuration for each seed."""
    plain.write_folder(models.find("smollm2"), root / "model")
    texts = zip(demo_texts("instruction", RECORDS), demo_texts("output", RECORDS), strict=True)
    records = [{"instruction": instruction, "input": "", "output": output} for instruction, output in texts]
    (root / "records.json").write_bytes(orjson.dumps(records))
    (root / "dataset_info.json").write_text('{"records": {"file_name": "records.json"}}')
    for seed in SEEDS:
        told = OPTIONS | {"seed": seed, "data_seed": seed, "output_dir": f"trained{seed}"}
        (root / f"{seed}.yaml").write_text(yaml.safe_dump(told))


def train(root: Path, trainer: Trainer, seed: int, *, on_cpu: bool) -> tuple[dict, str]:
    """Inspect and train; return what was found, and the hash of the adapter."""
    shutil.rmtree(root / f"trained{seed}", ignore_errors=True)
    found = trainer.inspect(root / f"{seed}.yaml", root / "log")
    trainer.run(["train", f"{seed}.yaml"], root / "log", on_cpu=on_cpu)
    return found, file_sha256(root / f"trained{seed}" / "adapter_model.safetensors")


def together(root: Path, environment: environments.Environment) -> list:
    with Trainer(environment, root) as trainer:
        return [train(root, trainer, seed, on_cpu=True) for seed in SEEDS]


def one_by_one(root: Path, environment: environments.Environment) -> list:
    found = []
    for seed in SEEDS:
        with Trainer(environment, root) as trainer:
            found.append(train(root, trainer, seed, on_cpu=False))
    return found


def run() -> Iterator[Result]:
    found = environments.find(None, "--trainer", "trainer", "llamafactory-cli")
    environment = replace(found, more={"OMP_NUM_THREADS": "1"})  # threads that wait for each other measure other load
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_root(root)
        ours, found = seconds(lambda: together(root, environment))
        theirs, expected = seconds(lambda: one_by_one(root, environment))
    assert found == expected
    detail = f"{theirs / len(SEEDS):.1f} s against {ours / len(SEEDS):.1f} s for {RECORDS} records and a step"
    yield Result("small trainings: a process a step / one for all", theirs / ours, 1.5, detail)
