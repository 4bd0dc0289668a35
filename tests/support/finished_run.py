"""A finished run of a question of one's own, for tests of what is done with its model."""

from pathlib import Path

from instruction_data.files.atomic import file_sha256
from instruction_data.runs import runs
from instruction_data.runs.runs import Run


def write(root: Path, folder: Path, *, model: dict, recipe: dict, name: str = "RQ9_MINE_X--tiny--seed1") -> Run:
    """Write the manifest of a run that left all the files of a folder."""
    files = sorted(folder.glob("adapter_*")) or sorted(folder.glob("*.safetensors"))
    run = Run(
        name=name,
        question="RQ9",
        pool="mine",
        split="RQ9_MINE_X",
        condition="RQ9_MINE_X",
        split_sha256="0" * 64,
        records=4,
        examples=4,
        cut=0,
        model=model,
        seed=1,
        recipe={"train.yaml": recipe | {"seed": 1}},
        prompt={"before": "### Instruction:\n", "after": "\n\n### Response:\n"},
        results={"train_loss": 1.0},
        versions={},
        folder=folder.relative_to(root).as_posix(),
        sha256={path.name: file_sha256(path) for path in files},
    )
    runs.write(root, run)
    return run
