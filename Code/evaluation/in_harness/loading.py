"""Loading a task of the harness, from its checkout or its package."""

import sys
import types

HEAVY = "transformers"  # evaluate imports it, and so PyTorch, for pipelines that no task uses: five of six seconds
ARGUMENTS = types.SimpleNamespace(prompt="prompt", load_data_path=None, task_kwargs=None)  # the harness's defaults


def task(name: str):
    """Return the task of that name; exit if the task's data cannot be loaded."""
    found = _tasks().get_task(name, ARGUMENTS)
    if not hasattr(found, "dataset"):
        raise SystemExit(f"{name}: its data {found.DATASET_PATH} is not here and the hub does not give it")
    return found


def _tasks() -> types.ModuleType:
    """Import the harness's tasks without what they do not need, or, if one of them cannot do without, with it."""
    there = sys.modules.get(HEAVY)
    sys.modules[HEAVY] = None
    try:
        from bigcode_eval import tasks
    except ImportError:
        tasks = None
    finally:
        del sys.modules[HEAVY]
        if there:
            sys.modules[HEAVY] = there
    if tasks is None:
        from bigcode_eval import tasks
    return tasks
