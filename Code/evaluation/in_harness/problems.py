"""Writing down the problems of a task; runs in the BigCode harness's environment, where the data can be loaded.

    python problems.py TASK FOLDER

Writes into FOLDER a copy of the task's data, which ``load_dataset`` finds there by name without a network. Also writes
``problems.json``: the identifier, prompt and reference of each problem, and a known right solution if there is one.
"""

import json
import sys
from pathlib import Path

import loading

IDENTIFIERS = ("task_id", "name")  # HumanEval and MBPP; MultiPL-E


def solution(row: dict) -> str | None:
    """Return a right solution in the form of a generation, which the task runs its tests behind."""
    if "canonical_solution" in row:
        return row["prompt"] + row["canonical_solution"]
    return row.get("code")


def write_copy(task, rows: list[dict], folder: Path) -> None:
    """Write the test rows under the name that the task loads; a README makes a named configuration findable."""
    place = folder / task.DATASET_PATH
    name = getattr(task, "DATASET_NAME", None)
    inner = place / name if name else place
    inner.mkdir(parents=True, exist_ok=True)
    with open(inner / "test.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    if name:
        config = f"configs:\n- config_name: {name}\n  data_files:\n  - split: test\n    path: {name}/test.jsonl\n"
        (place / "README.md").write_text(f"---\n{config}---\n")


def main(name: str, folder: Path) -> None:
    task = loading.task(name)
    rows = [dict(row) for row in task.get_dataset()]
    write_copy(task, rows, folder)
    problems = [
        {
            "id": str(next((row[key] for key in IDENTIFIERS if key in row), number)),
            "prompt": task.get_prompt(row),
            "reference": task.get_reference(row),
            "solution": solution(row),
        }
        for number, row in enumerate(rows)
    ]
    (folder / "problems.json").write_text(json.dumps(problems), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
