"""A task of the harness, from its checkout or its package."""

import types

from bigcode_eval import tasks

ARGUMENTS = types.SimpleNamespace(prompt="prompt", load_data_path=None, task_kwargs=None)  # its defaults


def task(name: str):
    """The task of that name; it exits where the task's data cannot be had."""
    found = tasks.get_task(name, ARGUMENTS)
    if not hasattr(found, "dataset"):
        raise SystemExit(f"{name}: its data {found.DATASET_PATH} is not here and the hub does not give it")
    return found
