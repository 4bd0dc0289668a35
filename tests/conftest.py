"""Study roots in temporary folders, and scripts as modules. Without PyTorch, tests that need it are skipped."""

import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from tests.support import chromium
from tests.support.needs import WITHOUT_TORCH
from tests.support.scripts import SCRIPTS, load_script

from instruction_data.demo import demo_root
from instruction_data.files.places import REPOSITORY
from instruction_data.numbers import models
from instruction_data.numbers.language_model import LanguageModel
from instruction_data.outcomes import self_test

collect_ignore = ["test_encoder.py", "test_language_model.py", "test_trees.py"] if WITHOUT_TORCH else []

settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")  # how fast an example runs says something of the machine, and nothing of the code

# Ray's workers give way to all else by default, and tests wait for them.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 that is how Ray spells it

# No self-test has been run: one that this machine failed says nothing about planted outcomes.
self_test.ROOT = REPOSITORY / "build" / "no self-test"

# The files that take longest: these come first, so that none of them is left to one process at the end, and can be left
# out (-m "not longest").
LONGEST = ("bigcode", "scripts", "study", "served", "contrasts", "likelihood", "mbpp", "cheats", "ray", "training")
LONGEST += ("resume", "effects", "answers", "gpu_check", "language_model", "dry_run", "environments", "encoder")
LONGEST += ("trainer", "hub", "compare", "continuous", "solvers", "profiles", "verdicts", "report", "demo", "faults")
LONGEST += ("bundle", "factorial_design", "contamination", "one_file", "plain", "generations", "twins", "factorial")
LONGEST += ("sizes", "lm_eval", "git_lfs", "problem_complexity", "publish", "fuzz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))
    for item in items:
        if item.path.name in order:
            item.add_marker("longest")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    said = report.longreprtext + str(report.sections) if WITHOUT_TORCH and report.failed else ""
    if "No module named 'torch'" in said or "No package metadata was found for torch" in said:
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1], "needs PyTorch")
    return report


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    """Garbage is looked for in what a module's tests make, not in all that was imported before them.

    statsmodels collects garbage at every correction of p values: a quarter of a second each where PyTorch is loaded.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def rq1() -> ModuleType:
    return load_script(SCRIPTS[0])


@pytest.fixture
def rq2() -> ModuleType:
    return load_script(SCRIPTS[1])


@pytest.fixture
def rq3() -> ModuleType:
    return load_script(SCRIPTS[2])


@pytest.fixture
def rq4_category() -> ModuleType:
    return load_script(SCRIPTS[3])


@pytest.fixture
def rq4_coverage() -> ModuleType:
    return load_script(SCRIPTS[4])


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory) -> Path:
    """The demo's pools, 40 code records each; the cache under it is shared by all tests that use it."""
    root = tmp_path_factory.mktemp("demo")
    demo_root.build(root, records=40, others=60)
    return root


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if WITHOUT_TORCH:
        pytest.skip("left to the environment with PyTorch")
    opened = chromium.Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def smollm2() -> LanguageModel:
    return LanguageModel(models.find("smollm2"), device="cpu")


@pytest.fixture
def write_pool(tmp_path) -> Callable[..., Path]:
    """Write JSON lines under the temporary study root: ``write_pool(records)`` or ``write_pool(b"raw bytes")``."""

    def write(content: bytes | list[dict], name: str = "Datas/mine.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = b"".join(json.dumps(record).encode() + b"\n" for record in content)
        path.write_bytes(content)
        return path

    return write
