"""Loading a task of the harness, from its checkout or its package."""

import types

from bigcode_eval import tasks

ARGUMENTS = types.SimpleNamespace(prompt="prompt", load_data_path=None, task_kwargs=None)  # the harness's defaults


def task(name: str):
    """Return the task of that name; exit if the task's data cannot be loaded."""
    found = tasks.get_task(name, ARGUMENTS)
    if not hasattr(found, "dataset"):
        raise SystemExit(f"{name}: its data {found.DATASET_PATH} is not here and the hub does not give it")
    return found
