"""All splits of RQ1 and RQ4 at the study's sizes, from generated pools: our scripts against the study's way."""

import contextlib
import io
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from instruction_data.files.atomic import file_sha256
from instruction_data.pools.table import STUDY_POOLS, Pool, known_pools
from instruction_data.publish import manifests
from instruction_data.publish.question import Question
from measure import Result, in_child, load_script

ALGORITHMIC = ["Algorithmic & Data Structure", "Web Development"]
CHARACTERS = {"oss": 2600, "evol": 2250, "math": 760, "general": 900}  # a record: file size over records


def make_pools(root: Path) -> None:
    """Pools of the study's forms, counts and sizes, and category files."""
    for pool in STUDY_POOLS:
        path = pool.file(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pool(pool, path)
    make_categories(root)


def write_pool(pool: Pool, path: Path) -> None:
    words = random.Random(0).choices(["sort", "list", "value", "def", "for", "print", "“set”", "naïve"], k=4000)
    text = " ".join(words)[: CHARACTERS[pool.name]]
    array = path.suffix == ".json"
    with open(path, "wb") as file:
        for row in range(pool.records):
            start = row % 1000
            cut = start + (len(text) - start) // 3
            record = {pool.instruction: f"{row} {text[start:cut]}", pool.output: text[cut:] + str(row)}
            mark = (b"[" if row == 0 else b",\n") if array else b""
            file.write(mark + orjson.dumps(record) + (b"" if array else b"\n"))
        if array:
            file.write(b"]")


def make_categories(root: Path) -> None:
    folder = root / "Code" / "RQ4"
    folder.mkdir(parents=True)
    for name in ("oss", "evol"):
        pool = known_pools(root)[name]
        file_name = f"{name}_instruct_with_category.jsonl"
        with open(folder / file_name, "wb") as file, open(pool.file(root), "rb") as source:
            for row, line in enumerate(source):
                instruction = orjson.loads(line)[pool.instruction]
                entry = {"row": row, "instruction": instruction, "assigned_category": ALGORITHMIC[row % 2]}
                file.write(orjson.dumps(entry | {"category_similarity": 0.5}) + b"\n")
        listed = {f"Code/RQ4/{file_name}": {"sha256": file_sha256(folder / file_name)}}
        empty = {part: {} for part in ("pools", "inputs", "settings", "models", "splits")}
        said = {"question": "RQ4", "pool": name, "command": "python Code/RQ4/task_category.py", **empty}
        said |= {"about": Question("RQ4").about, "contrasts": []}
        manifest = {"format": manifests.FORMAT, **said, "files": listed}
        (folder / f"{name}_instruct_with_category_manifest.json").write_bytes(orjson.dumps(manifest))


def our_way(root: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        for name in ("RQ1/domain_composition.py", "RQ4/type_coverage.py"):
            load_script(name).main(["--root", str(root)])


def their_way(root: Path, out: Path) -> None:
    """json module and lists, one ratio and pool after another, each reading its pools again, arrays written whole."""
    for name in ("oss", "evol"):
        for ratio in ((10, 0), (97, 3), (9, 1), (7, 3)):
            for other in ("math", "general"):
                code = loaded(root, name)
                part = loaded(root, other)
                n, whole = len(code), sum(ratio)
                mixed = random.sample(code, n * ratio[0] // whole) + random.sample(part, n * ratio[1] // whole)
                dumped(mixed, out / f"RQ1_{name}_{other}_{ratio[0]}.json")
                if ratio == (10, 0):
                    break
        with open(root / "Code" / "RQ4" / f"{name}_instruct_with_category.jsonl") as file:
            categories = [json.loads(line) for line in file]
        outputs = {record["instruction"]: record["output"] for record in loaded(root, name)}
        for share in (0, 25, 50, 75, 100):
            groups = [[one for one in categories if one["assigned_category"] == kind] for kind in ALGORITHMIC]
            counts = 20_000 * share // 100, 20_000 - 20_000 * share // 100
            drawn = [one for group, count in zip(groups, counts, strict=True) for one in random.sample(group, count)]
            random.shuffle(drawn)
            records = [
                {"instruction": one["instruction"], "input": "", "output": outputs[one["instruction"]]} for one in drawn
            ]
            dumped(records, out / f"RQ4_{name}_{share}.json")


def loaded(root: Path, name: str) -> list[dict]:
    pool = known_pools(root)[name]
    with open(pool.file(root), encoding="utf-8") as file:
        records = json.load(file) if pool.path.endswith(".json") else [json.loads(line) for line in file]
    return [{"instruction": one[pool.instruction], "input": "", "output": one[pool.output]} for one in records]


def dumped(records: list[dict], path: Path) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(records, file, ensure_ascii=False)


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "root", Path(folder) / "out"
        out.mkdir()
        make_pools(root)
        ours, our_peak, _ = in_child(our_way, root)
        theirs, their_peak, _ = in_child(their_way, root, out)
        splits = manifests.all_splits(root)
        assert len(splits) == 24
        for name, split in splits.items():
            check_against(split, name, out)
    detail = f"{theirs:.0f} s, {their_peak:,.0f} MB against {ours:.0f} s, {our_peak:,.0f} MB"
    yield Result("24 splits of RQ1 and RQ4, full size: the study's way / ours", theirs / ours, 2, detail)
    yield Result("24 splits of RQ1 and RQ4, full size: peak MB", our_peak, 1000, at_most=True)


def check_against(split: dict, name: str, out: Path) -> None:
    """Both sides draw otherwise, so what is compared is the number of records of each."""
    question, pool, kind, number = name.split("_")[:4]
    if question == "RQ1":
        other = "math" if kind == "CODE" else kind.lower()
        path = out / f"RQ1_{pool.lower()}_{other}_{number}.json"
    else:
        path = out / f"RQ4_{pool.lower()}_{number}.json"
    assert len(json.loads(path.read_bytes())) == split["records"], name
