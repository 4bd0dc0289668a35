"""LLaMA-Factory's ``dataset_info.json`` and the data set card, derived from the manifests under a study root."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files import names
from instruction_data.files.atomic import write_whole
from instruction_data.files.places import require_file
from instruction_data.publish import card, manifests


def pretty(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def register(root: Path) -> None:
    """Bring LLaMA-Factory's registry and the data set card in line with the manifests under ``root``."""
    for path, content in registered(root, manifests.all_splits(root)).items():
        names.below(root, path.parent)
        write_whole(path, content)


def registered(root: Path, splits: Mapping[str, Mapping]) -> dict[Path, bytes]:
    """Return the contents of registry and card for these splits, by path; keep entries that are not ours.

    Raises:
        InputError: one of the two files exists and cannot be read.
    """
    return {path: content_of(splits) for path, content_of in derived(root).items()}


def derived(root: Path) -> dict[Path, Callable[[Mapping[str, Mapping]], bytes]]:
    """Return how the content of registry and card is made of the splits, by path; each raises InputError for itself."""
    registry, readme = root / "Datas" / "dataset_info.json", root / "Datas" / "README.md"
    return {registry: partial(_listed, registry), readme: lambda splits: card.text(readme, splits).encode()}


def _listed(registry: Path, splits: Mapping[str, Mapping]) -> bytes:
    """Return LLaMA-Factory's registry with these splits, and with its entries that are not ours."""
    entries = _read_registry(registry) if registry.exists() else {}
    kept = {name: entry for name, entry in entries.items() if not _is_ours(entry)}
    ours = {name: {"file_name": split["file"].removeprefix("Datas/")} for name, split in splits.items()}
    try:
        return pretty(kept | ours)
    except orjson.JSONEncodeError as error:
        raise InputError(
            f"{registry}: found entries nested too deep ({error}); expected LLaMA-Factory's registry"
        ) from error


def _read_registry(path: Path) -> dict:
    require_file(path, "expected LLaMA-Factory's registry: move it away")
    try:
        entries = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{path}: found malformed JSON ({error}); expected LLaMA-Factory's registry: mend it"
        ) from error
    if not isinstance(entries, dict):
        raise InputError(f"{path}: found {quoted(entries)}; expected LLaMA-Factory's registry, a JSON object: mend it")
    return entries


def _is_ours(entry: object) -> bool:
    file = entry.get("file_name", "") if isinstance(entry, dict) else ""
    return isinstance(file, str) and Path(file).match("RQ*/*/RQ*.json")
