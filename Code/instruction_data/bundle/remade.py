"""Making a bundle's splits and comparison again: the splits from pools that lie here, the comparison from its outcomes.

The manifests name the command of each set. They come from a stranger, so nothing of a command is taken on trust: it
must be a script of this repository, with flags from a list. Files that it names are those whose SHA-256 the manifest
gives, and models are those that come as packages, or the script's own default. No shell reads it.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import orjson

from instruction_data.bundle import archive
from instruction_data.demo.demo_root import LABELS_PATH
from instruction_data.errors import InputError, printable, quoted
from instruction_data.files import documents, names
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import CODE, DEMO_ROOT, REPOSITORY, matching
from instruction_data.numbers.models import EMBEDDED
from instruction_data.outcomes import outcomes
from instruction_data.pools.table import ROW_TEXTS, STUDY_POOLS, TABLE_FILE, checked_name
from instruction_data.publish import manifests

SCRIPTS = ("RQ*/*.py", "annotate/*.py", "derive/*.py")  # below Code
POOL_FLAGS = ("--pool", "--other")
MODEL_FLAGS = ("--model", "--scorer", "--perplexity-model", "--tokenizer")
FLAGS = {  # none of them names a file, a folder, a server or another machine
    *("--demo", "--fields", "--limit", "--skip-bad", "--skip-failed", "--neutralise-control-tokens", "--seed"),
    *("--repeats", "--generation", "--dtype", "--drop-input", "--drop-code", "--shuffle", "--fresh-code"),
    *("--skip-large-mixtures", "--text", "--prompt", "--tiers", "--save-embeddings", "--measure", "--normalise"),
    *("--sets", "--size", "--factors", "--factor", "--shares", "--total", "--split", "--control", "--match"),
    *("--length-bins", "--rules", "--threshold"),
    *("--no-drop-input", "--no-drop-code", "--no-shuffle", "--no-fresh-code"),
}
POOLS_IN = ("*", "Datas/*", "Datas/demo/*")  # below a folder in which pools are looked for
COMPARISON = f"{outcomes.FOLDER}/comparison.json"
VERSIONS = "packages"  # the part of a comparison that another machine may have otherwise
SHOWN = 10  # differences of a comparison


def remake(unpacked: Path, head: Mapping, places: Sequence[Path], into: Path | None) -> int:
    """Make the splits and the comparison of an unpacked bundle again, and print what differs.

    Args:
        unpacked: a sound bundle's files; the comparison in there is written anew.
        head: its list.
        places: files, or folders with files, among which the pools are looked for by their SHA-256.
        into: the study root to make the splits in; None for a temporary one.

    Returns:
        0 if everything was made again and is the same, else 1.
    """
    with ExitStack() as stack:
        root = into or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _claim(root, head)
        described = dict(manifests.every(unpacked))
        wrong = remade_comparison(unpacked)
        wrong += remade_splits(described, unpacked, head, places, root.resolve())
        if not any(manifest["splits"] for manifest in described.values()):
            wrong.append("missing     all splits: found none in the bundle; expected some to make again")
    print("\n".join(wrong) if wrong else "all made again, and the same")
    return 1 if wrong else 0


def _claim(root: Path, head: Mapping) -> None:
    """Make a folder the place of this bundle's rebuilding; one of the same bundle is gone on with.

    Raises:
        InputError: there is something else.
    """
    mark = root / ".cache" / "rebuilt"
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        if not mark.is_file() or mark.read_text("utf-8") != head[documents.CHECKSUM]:
            raise InputError(f"--into {root}: found something else; expected an empty folder, or one with this bundle")
        return
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(head[documents.CHECKSUM], "utf-8")


def remade_splits(
    described: Mapping[Path, Mapping], unpacked: Path, head: Mapping, places: Sequence[Path], root: Path
) -> list[str]:
    """Make every set again under a study root, and compare the splits.

    Args:
        described: manifest's path -> manifest.

    Returns:
        What differs or could not be made, one a line.
    """
    absent = place_pools(described, places, root)
    write_rows(described, head, root)
    wrong, same, total = [], 0, sum(len(manifest["splits"]) for manifest in described.values())
    for path in in_order(described, unpacked):
        try:
            _make(described[path], absent, root)
        except InputError as error:
            wrong.append(f"not remade  {path.name.removesuffix(manifests.SUFFIX)}: {error}")
            continue
        differing = _differing(described[path]["splits"], root)
        same += len(described[path]["splits"]) - len(differing)
        wrong += differing
    print(f"{same} of {total} splits made again, the same bytes")
    return wrong


def _make(manifest: Mapping, absent: Collection[str], root: Path) -> None:
    for pool, entry in manifest["pools"].items():
        if entry["path"] in absent:
            raise InputError(f"found no file with its pool {pool}, SHA-256 {entry['sha256']}; --pools says where it is")
    run(command_of(manifest, root), root)


def _differing(splits: Mapping[str, Mapping], root: Path) -> list[str]:
    """Say which splits are other ones under a study root than their manifest says."""
    files = {name: root / entry["file"] for name, entry in splits.items()}
    found = {name: file_sha256(path) if path.is_file() else "none" for name, path in files.items()}
    expected = {name: entry["sha256"] for name, entry in splits.items()}
    return [
        f"differs     {name}: found {found[name]}; expected {expected[name]}"
        for name in splits
        if found[name] != expected[name]
    ]


def place_pools(described: Mapping[Path, Mapping], places: Sequence[Path], root: Path) -> set[str]:
    """Copy the pools of some manifests into a study root, each to its path in the manifests.

    Returns:
        The paths of those that were not found, or of which manifests want several.
    """
    wanted: dict[str, set[str]] = {}
    made = {split["file"] for manifest in described.values() for split in manifest["splits"].values()}
    for manifest in described.values():
        for entry in manifest["pools"].values():
            if entry["path"] not in made:
                wanted.setdefault(entry["path"], set()).add(entry["sha256"])
    found = _by_hash(places, set().union(*wanted.values()) if wanted else set())
    absent = set()
    for path, some in wanted.items():
        [sha256, *more] = some
        if more or sha256 not in found:
            absent.add(path)
            continue
        place = names.below(root, root / path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file():
            shutil.copyfile(found[sha256], place)
    return absent


def _by_hash(places: Sequence[Path], wanted: set[str]) -> dict[str, Path]:
    """Return the files with these SHA-256 among some files and those of some folders."""
    found: dict[str, Path] = {}
    for place in places:
        if not place.exists() and place != DEMO_ROOT:
            raise InputError(f"--pools {place}: found no such file or folder; expected pools, or folders with them")
        files = [place] if place.is_file() else [path for of in POOLS_IN for path in matching(place, of)]
        for path in files:
            if path.is_file() and wanted - found.keys():
                found.setdefault(file_sha256(path), path)
    return found


def write_rows(described: Mapping[Path, Mapping], head: Mapping, root: Path) -> None:
    """Write the rows of the pools that the bundle's own table describes, and what the demo's scripts look for.

    Raises:
        InputError: a row is of another form.
    """
    paths = {name: entry["path"] for manifest in described.values() for name, entry in manifest["pools"].items()}
    lines = []
    rows = head.get("pools")
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise InputError(f"{archive.LIST}: found {quoted(rows)} as pools; expected a row a pool, by name")
    for name, row in rows.items():
        if name in paths:
            lines.append(f"[{checked_name(name)}]\npath = {_quoted(paths[name])}")
            lines += [f"{key} = {_quoted(row.get(key))}" for key in (*ROW_TEXTS, "empty_output")]
    if lines:
        (root / TABLE_FILE).write_text("\n".join(lines) + "\n", "utf-8")
    if any("--demo" in shlex.split(manifest["command"]) for manifest in described.values()):
        for name in (*(pool.path for pool in STUDY_POOLS), LABELS_PATH):
            if not (root / name).exists():  # no set was made of it; the scripts only see whether the demo is there
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("{}")


def _quoted(value: object) -> str:
    """Return a text or truth value in TOML, which writes them as JSON does."""
    if not isinstance(value, str | bool):
        raise InputError(f"{archive.LIST}: found {quoted(value)} in a pool's row; expected text, true or false")
    return orjson.dumps(value).decode()


def in_order(described: Mapping[Path, Mapping], unpacked: Path) -> Iterator[Path]:
    """Yield the manifests so that each comes behind the sets that it was made from.

    Sets that were made from others come as early as they can, since a table of numbers that was published later would
    be seen by their scripts, too.
    """
    maker = {file: path for path, manifest in described.items() for file in manifests.files(manifest)}
    maker |= {path.relative_to(unpacked).as_posix(): path for path in described}
    before: dict[Path, list[Path]] = {}
    for path, manifest in described.items():
        of = [*manifest["inputs"], *(pool["path"] for pool in manifest["pools"].values())]
        before[path] = list(dict.fromkeys(maker[file] for file in of if file in maker and maker[file] != path))
    seen: set[Path] = set()  # in a circle some set comes too early, fails, and says so
    for first in sorted(described, key=lambda path: not before[path]):
        waiting = [] if first in seen else [(first, iter(before[first]))]
        seen.add(first)
        while waiting:
            _, others = waiting[-1]
            other = next((one for one in others if one not in seen), None)
            if other is None:
                yield waiting.pop()[0]
            else:
                seen.add(other)
                waiting.append((other, iter(before[other])))


def command_of(manifest: Mapping, root: Path) -> list[str]:
    """Return the command that makes a set again under a study root.

    Raises:
        InputError: it is not one that may be run unseen.
    """
    words = shlex.split(manifest["command"])
    known = {path.relative_to(REPOSITORY).as_posix() for of in SCRIPTS for path in matching(CODE, of)}
    if len(words) < 2 or words[0] != "python" or words[1] not in known:
        raise InputError(f"found the command {quoted(manifest['command'], 200)}; expected a script of this repository")
    told, flag = [], ""
    for word in words[2:]:
        if not word.startswith("-"):
            told.append(_value(flag, word, manifest, root))
            continue
        flag, equals, value = word.partition("=")
        if flag not in {*FLAGS, *POOL_FLAGS, *MODEL_FLAGS}:
            told_to = quoted(manifest["command"], 200)
            raise InputError(f"found the flag {quoted(flag)}, which a bundle may not set; run it by hand: {told_to}")
        told.append(f"{flag}={_value(flag, value, manifest, root)}" if equals else flag)
    return [sys.executable, str(REPOSITORY / words[1]), *told, "--root", str(root)]


def _value(flag: str, value: str, manifest: Mapping, root: Path) -> str:
    """Return the value of a flag as it is told to the script.

    Raises:
        InputError: it names a file that is no pool of the manifest, or a model that does not come as a package.
    """
    if flag in MODEL_FLAGS and value not in EMBEDDED:
        raise InputError(f"found {flag} {quoted(value)}; expected {' or '.join(EMBEDDED)}, or the script's default")
    name, equals, _ = value.partition("=")
    if flag not in POOL_FLAGS or not equals:
        return value
    if name.lower() not in manifest["pools"]:
        raise InputError(f"found {flag} {quoted(value)}; expected one of its pools")
    return f"{name}={root / manifest['pools'][name.lower()]['path']}"


def run(command: Sequence[str], root: Path) -> None:
    """Run a script, whose progress is shown.

    Raises:
        InputError: it failed.
    """
    script = Path(command[1]).relative_to(REPOSITORY).as_posix()
    print(f"$ {printable(shlex.join(['python', script, *command[2:]]))}", flush=True)
    if subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL).returncode:
        raise InputError("its command failed, as is said above")


def remade_comparison(unpacked: Path) -> list[str]:
    """Derive the comparison anew from the outcomes; return what differs, versions of packages aside, one a line."""
    place = unpacked / COMPARISON
    if not place.is_file():
        print("no comparison in this bundle")
        return []
    told = documents.read_derived(place, "compare.py")
    files = [path for path in matching(unpacked, f"{outcomes.FOLDER}/*") if path.is_file() and path != place]
    beside = {path: path.read_bytes() for path in files}
    seed = told.get("seed")
    if type(seed) is not int or seed < 0:
        return [f"not remade  {COMPARISON}: found the seed {quoted(seed)}; expected a whole number"]
    words = ["--root", str(unpacked), "--seed", str(seed)]
    try:
        run([sys.executable, str(CODE / "evaluation" / "compare.py"), *words], unpacked)
    except InputError as error:
        return [f"not remade  {COMPARISON}: {error}"]
    again = documents.read_derived(place, "compare.py")
    found = list(differences({**told, VERSIONS: {}}, {**again, VERSIONS: {}}))
    found += [path.name for path, content in beside.items() if path.read_bytes() != content]
    if not found:
        print(f"the comparison of {len(told['inputs'])} outcomes derived again, the same numbers and sentences")
    return [f"differs     {COMPARISON}: {line}" for line in found[:SHOWN]]


def differences(told: object, again: object, at: str = "") -> Iterator[str]:
    """Yield the places in which two JSON documents differ, with both values."""
    if isinstance(told, dict) and isinstance(again, dict):
        for key in sorted({*told, *again}, key=str):
            yield from differences(told.get(key), again.get(key), f"{at}/{key}")
    elif isinstance(told, list) and isinstance(again, list) and len(told) == len(again):
        for number, (one, other) in enumerate(zip(told, again, strict=True)):
            yield from differences(one, other, f"{at}/{number}")
    elif told != again or type(told) is not type(again):
        yield f"{printable(at)}: found {quoted(told)}; derived again {quoted(again)}"
