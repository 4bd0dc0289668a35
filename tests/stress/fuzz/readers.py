"""Every reader of files, with good files to begin from; all made here, in a study root of its own."""

import contextlib
import gzip
import io
import json
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.support.scripts import load_script
from tests.support.workspaces import opened

from instruction_data.bundle import checked as bundle_checked
from instruction_data.bundle import contents as bundle_contents
from instruction_data.files import documents, formats
from instruction_data.files.atomic import file_sha256
from instruction_data.files.parquet import table as parquet_table
from instruction_data.measures import benchmarks as benchmark_files
from instruction_data.numbers import embeddings
from instruction_data.outcomes import bigcode_generation, bigcode_harness, bigcode_scoring, outcomes
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.pools import __main__ as pools_command
from instruction_data.pools import reading
from instruction_data.pools.records import Records
from instruction_data.pools.table import Pool
from instruction_data.publish import __main__ as publish_command
from instruction_data.publish import card, inventory, manifests, origins, rebuilt, show
from instruction_data.publish.origins import Origin
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.registry import register
from instruction_data.publish.split import Split
from instruction_data.runs import recipes, runs
from instruction_data.runs.runs import Run


@dataclass(frozen=True)
class Reader:
    """A file under the study root, good contents of it, and what reads it."""

    file: str
    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]


def every(root: Path) -> dict[str, Reader]:
    """Return the readers by name, and make the study root they read in ``root``, an empty folder."""
    with contextlib.redirect_stdout(io.StringIO()):
        records = make_root(root)
    found = dict(_pool_readers(root))
    found |= dict(_json_readers(root))
    found |= dict(_script_readers(root, records))
    return found


RECORDS = [{"instruction": f"täsk {n}", "input": "i" * (n % 2), "output": f"answer\n{n} 🐍"} for n in range(6)]


def make_root(root: Path) -> Records:
    (root / "Datas").mkdir(parents=True)
    (root / "Datas/mine.jsonl").write_bytes(lines(RECORDS))
    workspace = opened(root)
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), root)
    split = Split("RQ9_MINE_X", [(records, np.arange(4))], {"share": 0.5})
    column = Column("length", np.arange(6.0), "length of the task", "words", scale="log")
    workspace.begin(Question("RQ9", varies=("length",)), [records], {}, draws=True).splits([split], [column])
    return records


def lines(records: list[dict]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def parquet(columns: dict) -> bytes:
    import pandas

    file = io.BytesIO()
    pandas.DataFrame(columns).to_parquet(file)
    return file.getvalue()


def _pool_readers(root: Path) -> Iterator[tuple[str, Reader]]:
    pool = Pool("fuzzed", "Datas/fuzzed")
    array = json.dumps(RECORDS, indent=1, ensure_ascii=False).encode()
    forms = {
        "pool: lines": (lines(RECORDS), b"\xef\xbb\xbf" + lines(RECORDS)),
        "pool: array": (array, json.dumps(RECORDS).encode()),
        "pool: gzip": (gzip.compress(lines(RECORDS), mtime=0), gzip.compress(array, mtime=0)),
        "pool: Parquet": (parquet({key: [one[key] for one in RECORDS] for key in RECORDS[0]}),),
        "pool: pointer": (f"{formats.POINTER_HEAD.decode()}\noid sha256:{'a' * 64}\nsize 12345\n".encode(),),
    }
    for name, seeds in forms.items():
        yield name, Reader("Datas/fuzzed", seeds, lambda path: list(reading.read(pool, root, skip_bad=True)))
    indented = b"\n".join(json.dumps(record, indent=4).encode() for record in RECORDS)
    yield "published split", Reader("Datas/fuzzed", (array, lines(RECORDS), indented), rebuilt.read_published)
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    pickles = (*(pickle.dumps(vectors, n) for n in range(6)), pickle.dumps(list(vectors)), pickle.dumps([[0.5, 2]], 0))
    yield "pickle", Reader("vectors.pkl", pickles, lambda path: embeddings.read(path, root))
    file = io.BytesIO()
    np.save(file, vectors)
    yield "npy", Reader("vectors.npy", (file.getvalue(),), lambda path: embeddings.read(path, root))
    problems = [{"task_id": f"P/{n}", "prompt": f"def f{n}():", "canonical_solution": "    return 1"} for n in range(4)]
    benchmarks = (lines(problems), json.dumps(problems).encode())
    yield "benchmark", Reader("benchmark.jsonl", benchmarks, lambda path: benchmark_files.read("mine", path))
    table = b'[stack]\npath = "Datas/mine.jsonl"\ninstruction = "q"\nempty_output = true\n["b-c"]\npath = "~/x"\n'

    def unpacked(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=root) as folder:
            bundle_checked.check(path, Path(folder))

    bundle_contents.write(root, root / "bundle.tar")
    yield "bundle", Reader("bundle.tar", ((root / "bundle.tar").read_bytes(),), unpacked)
    yield "pools.toml", Reader("pools.toml", (table,), lambda path: pools_command.print_table(root))


def _json_readers(root: Path) -> Iterator[tuple[str, Reader]]:
    place = root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json"
    good = place.read_bytes()

    def whole(path: Path) -> None:
        manifests.read(path)
        show.print_splits(root)
        publish_command.main(["verify", str(root)])

    yield "manifest", Reader(place.relative_to(root).as_posix(), (good,), whole)
    split = "Datas/RQ9/MINE/RQ9_MINE_X.json"
    content = (root / split).read_bytes()
    yield "split shown", Reader(split, (content,), lambda path: show.print_records(root, "RQ9_MINE_X"))
    registry = (root / "Datas/dataset_info.json").read_bytes()
    yield "registry", Reader("Datas/dataset_info.json", (registry,), lambda path: register(root))
    text = (root / "Datas/README.md").read_bytes()
    yield "card", Reader("Datas/README.md", (text,), lambda path: card.text(path, {}))
    outcome = dict.fromkeys(Outcome.__annotations__, "x") | {
        "format": 1,
        "seed": 1,
        "settings": {"temperature": 0.2},
        "reported": {"pass@1": 0.5},
        "problems": {"HumanEval/0": [True, False], "HumanEval/1": [False, False]},
        "versions": {"torch": "2"},
        "files": {"Results/b/t/x/generations.json": "a" * 64},
        "metric": vars(outcomes.PASS),
    }
    bits = {"name": "bits", "unit": "bits per byte", "kind": "likelihood", "higher_is_better": False}
    bits = outcome | {"metric": bits, "problems": {"HumanEval/0": [0.5, 1.5], "HumanEval/1": [1, 2e-3]}}
    old = {name: value for name, value in outcome.items() if name != "metric"}
    forms = tuple(json.dumps(one).encode() for one in (outcome, bits, old))
    yield "outcome", Reader("Results/b/t/x.json", forms, outcomes.read)
    run = dict.fromkeys(Run.__annotations__, "x") | {
        **{"format": 1, "records": 4, "examples": 4, "cut": 0, "seed": 1, "folder": "Runs/x/model"},
        "model": {"model": "tiny", "revision": "main"},
        "recipe": {"train.yaml": {"stage": "sft", "seed": 1}},
        "prompt": {"before": "<", "after": ">"},
        "results": {"train_loss": 1.5},
        "versions": {"torch": "2"},
        "sha256": {"model.safetensors": "a" * 64},
    }

    def used(path: Path) -> None:
        found = runs.read(path)
        print(found.recipe_sha256, found.prompt["before"] + found.prompt["after"], found.model["model"])
        with contextlib.suppress(OSError):  # weights that are not there are the next step's error
            runs.check_weights(root, found)

    derived = root / "Profiles/profiles.json"
    derived.parent.mkdir()
    documents.write_derived(derived, {"manifests": {"a": "b"}, "pools": {"mine": {"records": 6, "share": 0.5}}})
    seeds = (derived.read_bytes(),)
    yield "derived", Reader("Profiles/profiles.json", seeds, lambda path: documents.read_derived(path, "python x.py"))
    yield "run", Reader("Runs/x/run.json", (json.dumps(run).encode(),), used)


def _script_readers(root: Path, records: Records) -> Iterator[tuple[str, Reader]]:
    coverage = load_script("RQ4/type_coverage.py")
    ours = tuple(path.read_bytes() for path in sorted(recipes.RECIPES.glob("*.yaml")))
    yield "recipe", Reader("recipe.yaml", ours, lambda path: recipes.read_recipe(str(path)))
    task = bigcode_harness.Task("humaneval", root, [{"id": "a"}, {"id": "b"}])
    settings = bigcode_generation.Settings("bare", 2, 0.2, 0.95, 512, "float32", None)
    texts = json.dumps([["def f():", "x"], ["y", "z"]]).encode()
    yield (
        "generations",
        Reader("generations.json", (texts,), lambda path: bigcode_generation.check_generations(path, task, settings)),
    )
    noted = json.dumps({"prompt": "bare", "n_samples": 2, "model": {"a": "b"}}).encode()
    yield "settings", Reader("settings.json", (noted,), lambda path: bigcode_harness.read_json(path, dict))
    figures = json.dumps([{"pass@1": 0.25}, [[True, False], [False, False]]]).encode()

    def checked(path: Path) -> None:
        found = bigcode_harness.read_json(path, list)
        passed = found[1] if len(found) > 1 and isinstance(found[1], list) else []
        bigcode_scoring.check_figures(found[0] if found else None, passed, 2, 2, path)

    yield "figures", Reader("figures.json", (figures,), checked)
    rows = [
        {"row": n, "instruction": one["instruction"], "assigned_category": "Security", "category_similarity": 0.5}
        for n, one in enumerate(RECORDS)
    ]
    yield (
        "categories",
        Reader(
            "Code/RQ4/mine.jsonl",
            (lines(rows),),
            lambda path: coverage.read_categories(path, records, {"settings": {}}),
        ),
    )
    manifest = manifests.read(root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json")
    scores = (root / "Datas/RQ9/MINE/RQ9_MINE_scores.parquet").read_bytes()

    def members(path: Path) -> None:
        entry = {path.relative_to(root).as_posix(): {"sha256": file_sha256(path)}}
        origin = Origin("RQ9_MINE_X", path, {**manifest, "files": entry})
        origins.members(root, origin, [records])

    def columns(path: Path) -> None:
        """Read the table as the numbers per record that controls match on, and as the inventory does."""
        (file,) = manifest["files"].values()
        inventory.columns_in(path, parquet_table(path, {"record_sha256": "O"}), file["columns"], np.arange(6), 6)

    yield "scores", Reader("Datas/RQ9/MINE/RQ9_MINE_scores.parquet", (scores,), members)
    yield "columns", Reader("Datas/RQ9/MINE/RQ9_MINE_scores.parquet", (scores,), columns)
