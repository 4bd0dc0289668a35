"""Fetching the study's pools from the Hugging Face hub, checked before they are put in place.

    hub --(Range requests)--> .cache/fetch/<pool>/<commit>.part --> beside the pool's file --(checks)--> the pool's file

The part is kept when the connection or the run breaks off, so the same command resumes there. ``hf_hub_download`` does
not resume: since version 1.18 it begins every run at the first byte.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import jsonlines
import orjson

from instruction_data.errors import InputError, quoted
from instruction_data.files import formats
from instruction_data.files.atomic import file_sha256
from instruction_data.pools.table import STUDY_POOLS, Pool

COMMIT = re.compile(r"[0-9a-f]{40}")


def fetch(names: list[str], root: Path, *, overwrite: bool = False, pools: Sequence[Pool] = STUDY_POOLS) -> None:
    """Download pools, check them and put them in place; print one line for each.

    Args:
        names: the pools to fetch; none means all.
        overwrite: replace files that are not the published ones.
        pools: the table of pools that can be fetched.

    Raises:
        InputError: a name is not in the table, another file stands in a pool's place, the hub could not be reached or
            refused, or sent other content than was published. Files in place are untouched then.
    """
    if not root.is_dir():
        raise InputError(f"--root {root}: found no such folder; expected a study root with a Datas folder")
    known = {pool.name: pool for pool in pools if pool.hub}
    for name in names:
        if name not in known:
            raise InputError(f"pool {quoted(name)}: not one that can be fetched; those are {', '.join(known)}")
    chosen = [known[name] for name in dict.fromkeys(names or known)]
    here = {pool.name: _here(pool, root, overwrite) for pool in chosen}  # all checked before the first download
    for pool in chosen:
        print(f"{pool.name:<8} {pool.path}  {here[pool.name] or _fetch(pool, root)}", flush=True)


def _here(pool: Pool, root: Path, overwrite: bool) -> str | None:
    """Return the message about a file that is already in place, or None if the pool is to be fetched."""
    path = pool.file(root)
    if not path.exists() or formats.pointer_of(path):
        return None
    digest = file_sha256(path)
    if digest in pool.known:
        return f"already here ({pool.known[digest]})"
    found = f"a file that is not the published one (SHA-256 {digest})"
    if _converted(pool):
        count = _count(path)
        if count == pool.records:
            return f"already here ({count:,} records)"
        found = f"{count:,} records"
    if overwrite:
        return None
    raise InputError(
        f"{path}: found {found}; expected {_published(pool)}, a Git LFS pointer or no file. "
        f"Move it away, or replace it:  python -m instruction_data.pools fetch {pool.name} --overwrite"
    )


def _fetch(pool: Pool, root: Path) -> str:
    """Download one pool, check it and put it in place; return the message about it."""
    path = pool.file(root)
    with _download_folder(root / ".cache" / "fetch" / pool.name, pool) as folder:
        commit, download = _download(pool, folder)
        try:
            size, what = _put_in_place(pool, download, path)
        except InputError as error:
            download.unlink()  # a later run cannot use wrong content
            raise InputError(
                f"{error}\nThe download was deleted and {path} is as it was. If the same command finds this again, "
                f"another source may have what was published{_ways_on(pool)}"
            ) from error
        download.unlink()
    return f"{size / 1e6:,.1f} MB, {what}; {pool.hub} at commit {commit}"


@contextmanager
def _download_folder(folder: Path, pool: Pool) -> Iterator[Path]:
    """Hold a folder for this process alone: two that append to one part would spoil it. Remove it if it stays empty."""
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise InputError(f"pool {pool.name!r}: found another fetch of it at work; wait until it is done") from error
    try:
        yield folder
    finally:
        if not any(part.stat().st_size for part in folder.glob("*.part")):
            shutil.rmtree(folder)
        lock.release()


def _download(pool: Pool, folder: Path) -> tuple[str, Path]:
    """Download a pool's file from the hub, resuming an earlier run; return the file's commit and place."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HTTPError  # the HTTP client's, whichever client this version uses
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(pool.hub, pool.hub_file, repo_type="dataset", revision=pool.revision)
    try:
        metadata = get_hf_file_metadata(url)
        if not COMMIT.fullmatch(metadata.commit_hash or ""):
            raise InputError(f"{url}: found an answer without a commit; expected a Hugging Face hub's{_ways_on(pool)}")
        part = folder / f"{metadata.commit_hash}.part"
        for old in folder.glob("*.part"):  # of another commit, or unusable
            if old != part or metadata.size is None or old.stat().st_size > metadata.size:
                old.unlink()
        with open(part, "ab") as file:
            http_get(
                hf_hub_url(pool.hub, pool.hub_file, repo_type="dataset", revision=metadata.commit_hash),
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=metadata.size,
                displayed_filename=Path(pool.path).name,
            )
    except (HTTPError, OSError, ValueError, ImportError) as error:  # the last two: an unusable proxy
        if isinstance(error, OSError) and error.errno:
            raise  # a fault of this machine, such as a full disk
        kept = sum(part.stat().st_size for part in folder.glob("*.part"))
        resume = f". {kept / 1e6:,.1f} MB are kept: the same command goes on from there" if kept else ""
        raise InputError(f"{url}: {_reason(error, pool)}{resume}{_ways_on(pool)}") from error
    return metadata.commit_hash, part


def _reason(error: Exception, pool: Pool) -> str:
    """Say in plain words why a download failed."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/datasets/{pool.hub}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "found HF_HUB_OFFLINE set; expected leave to download: unset it"
    if isinstance(error, errors.GatedRepoError):
        return f"found a gated data set; expected access: ask for it at {page}, then run `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"found no such data set, or a private one; expected {page}"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        meanings = {401: "access refused", 403: "access refused", 404: "no such file", 429: "too many requests"}
        return f"found status {status} ({meanings.get(status, 'the hub failed')}); expected the file"
    text = str(error).strip() or type(error).__name__
    return f"found no connection, or one that broke off ({quoted(text.splitlines()[0], 160)}); expected the file"


def _ways_on(pool: Pool) -> str:
    ways = (
        f"HF_ENDPOINT=https://… python -m instruction_data.pools fetch {pool.name}    (from a mirror of the hub)",
        f'git lfs pull --include "{pool.path}" --exclude ""    (from a remote that has it)',
        "--demo    (small pools made from this Python's standard library)",
    )
    return ". Ways on:\n  " + "\n  ".join(ways)


def _put_in_place(pool: Pool, download: Path, path: Path) -> tuple[int, str]:
    """Write the download beside ``path``, check it there and rename it; return its size and which content it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.fetch")
    try:
        with open(download, "rb") as source, open(staged, "wb") as file:
            if _converted(pool):
                jsonlines.Writer(file, dumps=orjson.dumps).write_all(_records(pool, download))
            else:
                shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        what = _checked(pool, staged)
        size = staged.stat().st_size
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return size, what


def _records(pool: Pool, download: Path) -> Iterator[dict]:
    """Yield the rows of a Parquet file with only the pool's three fields."""
    names = (pool.instruction, pool.input, pool.output)
    for entry in formats.entries(download):
        if not isinstance(entry.value, dict) or not entry.value.keys() >= set(names):
            found = ", ".join(entry.value) if isinstance(entry.value, dict) else entry.value.found
            raise InputError(
                f"{pool.hub}, {pool.hub_file}, row {entry.line}: found {quoted(found, 120)}; "
                f"expected the fields {', '.join(names)}"
            )
        yield {name: entry.value[name] for name in names}


def _checked(pool: Pool, path: Path) -> str:
    """Say which published content a download has, or raise InputError if it has none."""
    digest = file_sha256(path)
    if digest not in pool.known and not _converted(pool):
        raise InputError(f"{pool.hub}, {pool.hub_file}: found SHA-256 {digest}; expected {_published(pool)}")
    count = _count(path)
    if count != pool.records and digest not in list(pool.known)[1:]:  # the count is the first file's
        raise InputError(f"{pool.hub}, {pool.hub_file}: found {count:,} records; expected {_published(pool)}")
    return f"{count:,} records, {pool.known.get(digest, 'converted from Parquet')}"


def _published(pool: Pool) -> str:
    if _converted(pool):
        return f"{pool.records:,} records"
    return f"{' or '.join(f'{digest} ({what})' for digest, what in pool.known.items())}, {pool.records:,} records"


def _converted(pool: Pool) -> bool:
    """Say whether the hub has the pool in another form, so that no known checksum can be expected."""
    return pool.hub_file.endswith(".parquet")


def _count(path: Path) -> int:
    """Count the JSON objects of a file, as far as it can be read."""
    try:
        return sum(isinstance(entry.value, dict) for entry in formats.entries(path))
    except InputError:
        return 0
