"""What a bundle of a study root holds: all that another lab needs to check the study without asking anybody.

Manifests, splits, tables of numbers, recipes, outcomes, comparison, profiles and the page; a citation, a Croissant
description, and the versions of all packages that took part. Splits whose pools may not be passed on, and whatever
else holds their texts, are told by their SHA-256 alone.
"""

import importlib.metadata
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from instruction_data.bundle import agreement, archive, croissant
from instruction_data.demo import demo_root
from instruction_data.errors import InputError, quoted
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256, staged_file
from instruction_data.files.places import REPOSITORY, matching
from instruction_data.outcomes import outcomes
from instruction_data.pools.table import ROW_TEXTS, STUDY_POOLS, known_pools
from instruction_data.publish import manifests, verify
from instruction_data.runs import runs

CITATION = "CITATION.cff"
CROISSANT = "croissant.json"
PLAIN = (  # files below a study root that no manifest names
    *("Datas/README.md", "Datas/dataset_info.json", "report.html", "Runs/*/train.yaml"),
    *(f"figures/*.{kind}" for kind in ("svg", "png", "pdf")),
    *verify.BEARING_CHECKSUMS,
)
WITH_TEXTS = ("report.html", "Profiles/contamination.json")  # they, and files beside them, quote records of all pools
DERIVED_IN = (outcomes.FOLDER, "Profiles")  # the folders of derived files
NUMBERS = ".parquet"  # the ending of tables that hold numbers, hashes and words of few, and no texts
DEMO_LICENCE = "PSF-2.0"  # of the standard library; the demo's other tasks are this project's own
NEEDED = ("cff-version", "message", "title", "authors")  # of a citation


@dataclass(frozen=True)
class Contents:
    """The contents of a bundle.

    Attributes:
        files: name -> the file's path or content.
        by_hash: file that is not passed on -> its SHA-256.
        licences: pool -> the licence under which it may be passed on; empty if none is known.
        about: the parts of the list beside the files.
    """

    files: Mapping[str, Path | bytes]
    by_hash: Mapping[str, str]
    licences: Mapping[str, str]
    about: Mapping[str, object]


def gather(root: Path, *, hashes_only: bool = False) -> Contents:
    """Return what a bundle of a study root holds.

    Args:
        hashes_only: pass no texts on, whatever the licence.

    Raises:
        InputError: something published is damaged, or there is no split.
    """
    wrong = agreement.faults(root)
    if wrong:
        raise InputError(f"{root}: found {len(wrong)} faults; expected a sound root:\n" + "\n".join(wrong))
    described = dict(manifests.every(root))
    if not any(manifest["splits"] for manifest in described.values()):
        raise manifests.lacking(root)
    licences = licences_of(root, described.values())
    passed_on = set() if hashes_only else {name for name, licence in licences.items() if licence}
    files, by_hash = divided(root, described, licences.keys(), passed_on)
    about = {"versions": versions(root, described.values()), "licences": licences, "pools": rows_of(root, licences)}
    splits = {name: one for name, one in manifests.all_splits(root).items() if one["file"] in files}
    citation = read_citation(root)
    files[CITATION] = citation
    files[CROISSANT] = croissant.described(
        yaml.safe_load(citation.read_bytes()), splits, described.values(), licences, about["versions"]
    )
    return Contents(files, by_hash, licences, {**about, "by_hash": by_hash})


def divided(
    root: Path, described: Mapping[Path, Mapping], pools: Collection[str], passed_on: Collection[str]
) -> tuple[dict[str, Path | bytes], dict[str, str]]:
    """Return the files that a bundle holds, and those that it tells by their SHA-256, both by name.

    Args:
        described: manifest's path -> manifest.
        pools: all of them; ``passed_on`` are those whose texts the bundle may hold.
    """
    files, by_hash = {path.relative_to(root).as_posix(): path for path in described}, {}
    every = [one for manifest in described.values() for one in published(manifest)]
    with_texts = {*WITH_TEXTS, *(file for name in WITH_TEXTS for file in beside(root, name))}
    every += [(name, None, {*pools} if name in with_texts else set()) for name in others(root)]
    for name, sha256, of in every:
        if of <= {*passed_on}:
            files[name] = root / name
        else:
            by_hash[name] = sha256 or file_sha256(root / name)
    return files, dict(sorted(by_hash.items()))


def published(manifest: Mapping) -> list[tuple[str, str, set[str]]]:
    """Return every file of a set, its SHA-256, and the pools whose texts it may hold."""
    found = [(one["file"], one["sha256"], {*one["sources"]}) for one in manifest["splits"].values()]
    for file, one in manifest["files"].items():
        found.append((file, one["sha256"], set() if file.endswith(NUMBERS) else {*manifest["pools"]}))
    return found


def others(root: Path) -> list[str]:
    """Return the files of a bundle that no manifest names: results, runs, profiles, the page.

    Raises:
        InputError: one of them is a link, or lies behind one: whatever it leads to would be passed on.
    """
    found = {path for pattern in PLAIN for path in matching(root, pattern) if path.is_file()}
    found = {path for path in found if path.name != "train.yaml" or path.with_name(runs.MANIFEST).is_file()}
    names = {path.relative_to(root).as_posix() for path in found}
    names = sorted(names.union(*(beside(root, name) for name in names)))
    linked = next((name for name in names if (root / name).resolve() != root.resolve() / name), None)
    if linked is not None:
        raise InputError(f"{root / linked}: found a link; expected a file, or none: what it leads to is not passed on")
    return names


def beside(root: Path, name: str) -> set[str]:
    """Return the files that a derived file of a study root lists as beside it; none for any other file."""
    path = Path(name)
    if path.suffix != ".json" or path.parent.name not in DERIVED_IN or not (root / path).is_file():
        return set()
    content = orjson.loads((root / path).read_bytes())
    return {path.with_name(one).as_posix() for one in content.get(documents.BESIDE, {})}


def licences_of(root: Path, described: Collection[Mapping]) -> dict[str, str]:
    """Return the licence of every pool of some manifests, by name; empty where none is known for one of its files.

    A licence is known for the study's pools, by their SHA-256, for the demo's, and for rows of ``pools.toml`` that
    name one.
    """
    found: dict[str, set[str]] = defaultdict(set)
    made = {split["file"] for manifest in described for split in manifest["splits"].values()}
    for manifest in described:
        for name, entry in manifest["pools"].items():
            if entry["path"] not in made:  # a split made from another split names the pools behind that one
                found[name].add(_licence(root, name, entry))
    return {name: next(iter(some)) if len(some) == 1 else "" for name, some in sorted(found.items())}


def _licence(root: Path, name: str, entry: Mapping) -> str:
    study = {pool.name: pool for pool in STUDY_POOLS}
    if name in study and entry["sha256"] in study[name].known:
        return study[name].licence
    row = known_pools(root).get(name)
    if row is None or (row not in STUDY_POOLS and row.described(root) != entry["path"]):
        return ""
    if row not in STUDY_POOLS:
        return row.licence
    return DEMO_LICENCE if demo_root.complete(root) and demo_root.is_made(row, entry["path"]) else ""


def rows_of(root: Path, licences: Mapping[str, str]) -> dict[str, dict]:
    """Return the rows of ``pools.toml`` for these pools, without their paths: name -> row."""
    rows = {name: row for name, row in known_pools(root).items() if row not in STUDY_POOLS and name in licences}
    return {
        name: {key: getattr(row, key) for key in ROW_TEXTS} | {"empty_output": row.empty_output}
        for name, row in sorted(rows.items())
    }


def versions(root: Path, described: Collection[Mapping]) -> dict[str, dict]:
    """Return the versions of every package that took part, by step: step -> package -> versions, ascending."""
    comparison = root / outcomes.FOLDER / "comparison.json"
    compared = [orjson.loads(comparison.read_bytes())["packages"]] if comparison.is_file() else []
    steps = {
        "splits": (manifest["packages"] for manifest in described),
        "training": (run.versions for run in runs.every(root)),
        "evaluation": (outcome.versions for _, outcome in outcomes.every(root)),
        "comparison": compared,
    }
    found = {"bundle": {"instruction-data": [importlib.metadata.version("instruction-data")]}}
    for step, used in steps.items():
        together: dict[str, set[str]] = defaultdict(set)
        for packages in used:
            for package, version in packages.items():
                together[package].add(str(version))
        found[step] = {package: sorted(some) for package, some in sorted(together.items())}
    return found


def read_citation(root: Path) -> Path:
    """Return the citation of a study root, or the project's own where it has none.

    Raises:
        InputError: it is no citation in the Citation File Format.
    """
    path = next(folder / CITATION for folder in (root, REPOSITORY) if (folder / CITATION).is_file())
    expected = f"expected the Citation File Format, with {', '.join(NEEDED)}"
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: found malformed YAML ({error}); {expected}") from error
    if not isinstance(found, dict) or not {*NEEDED} <= found.keys():
        raise InputError(f"{path}: found {quoted(found)}; {expected}")
    authors = found["authors"]
    if not isinstance(authors, list) or not authors or not all(isinstance(one, dict) for one in authors):
        raise InputError(f"{path}: found {quoted(authors)} as authors; expected a list with name, or given-names …")
    return path


def write(root: Path, file: Path, *, hashes_only: bool = False, overwrite: bool = False) -> tuple[Contents, str]:
    """Write the bundle of a study root, whole or not at all; return its contents and its SHA-256.

    Raises:
        InputError: the root is not sound, or there is another file and ``overwrite`` is not given.
    """
    if not file.parent.is_dir() or file.is_dir():
        found = f"{file}: found a folder" if file.is_dir() else f"{file.parent}: found no such folder"
        raise InputError(f"{found}; expected the name of a file in a folder that is there")
    contents = gather(root, hashes_only=hashes_only)
    head = archive.listed(contents.files, contents.about)
    with ExitStack() as stack:
        staged = staged_file(stack, file, lambda out: archive.write(out, head, contents.files))
        if file.exists() and not overwrite and file_sha256(file) != staged.sha256:
            raise InputError(f"{file}: found another file; expected none, or the same bundle. --overwrite replaces it")
        staged.path.replace(file)
    return contents, staged.sha256
