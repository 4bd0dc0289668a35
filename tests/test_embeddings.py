"""Ready-made vectors: .npy and pickles in, the study's splits out, and nothing of a pickle executed."""

import io
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256
from instruction_data.numbers import embeddings
from instruction_data.publish import manifests, verify

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3) + 1


def read(folder: Path, data: bytes, name: str = "vectors.pkl") -> np.ndarray:
    path = folder / name
    path.write_bytes(data)
    return embeddings.read(path, folder).vectors


def npy(array: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8"])
@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_hold_the_same_vectors(tmp_path, kind, protocol):
    array = VECTORS.astype(kind)
    for made in (array, np.asfortranarray(array), list(array), tuple(array), array.tolist()):
        found = read(tmp_path, pickle.dumps(made, protocol))
        assert found.dtype == np.float32
        assert found.tolist() == VECTORS.tolist()


def test_older_numpy_names_its_parts_otherwise(tmp_path):
    data = pickle.dumps(VECTORS, 2)
    assert b"numpy._core" in data
    assert read(tmp_path, data.replace(b"numpy._core", b"numpy.core")).tolist() == VECTORS.tolist()


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2"])
def test_npy_holds_the_same_vectors(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(embeddings, "BLOCK_BYTES", 1)  # a row at a time
    assert read(tmp_path, npy(VECTORS.astype(kind)), "v.npy").tolist() == VECTORS.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


class Runs:
    def __init__(self, called, *arguments):
        self.given = called, arguments

    def __reduce__(self):
        return self.given


def states() -> bytes:
    """A pickle that gives state to what stands for a name."""
    return b"cnumpy\nndarray\n(lp0\nb."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pickle.dumps(Runs(exec, "open('ran', 'w')")), "builtins.exec"),
        (pickle.dumps(Runs(io.open, "ran", "w"), 0), "open, which is not looked up"),
        (pickle.dumps([VECTORS, Runs(eval, "1")]), "builtins.eval"),
        (pickle.dumps(Runs(np.loadtxt, "ran")), "loadtxt"),
        (pickle.dumps({"vectors": VECTORS}), "opcode"),
        (pickle.dumps(VECTORS.astype(object)), "type 'O8'"),
        (pickle.dumps(VECTORS.astype(int)), "type 'i8'"),
        (pickle.dumps(VECTORS.astype("S3")), "type 'S3'"),
        (pickle.dumps(VECTORS[0]), "shape"),
        (pickle.dumps(VECTORS.reshape(2, 2, 3)), "no vector or matrix"),
        (pickle.dumps([]), "list as a whole"),
        (pickle.dumps([VECTORS[0], VECTORS[0][:2]]), "same shape"),
        (pickle.dumps([["a"]]), "list as a vector"),
        (pickle.dumps([[True]]), "list as a vector"),
        (pickle.dumps(VECTORS)[:-20], "beyond the end"),
        (b"", "beyond the end"),
        (b"hello", "not found at index"),
        (b"\x80\x04r\xff\xff\xff\xff.", "pop from empty|index out of range"),
        (b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.", "MemoryError|beyond|cannot fit"),
        (b"\x80\x04\x8e\x00\x00\x00\x00\x00\x01\x00\x00.", "beyond the end"),
        (states(), "a state for"),
    ],
)
def test_what_else_a_pickle_holds_is_refused_and_not_run(tmp_path, monkeypatch, data, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"vectors\.pkl: found .*({said}).*expected a pickle of one numpy matrix"):
        read(tmp_path, data)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.pkl"]


def test_no_opcode_that_can_name_or_hash_is_run():
    known = {ord(one.code): one.name for one in pickletools.opcodes}
    run = {known[code] for code in embeddings._Restricted.dispatch}
    assert run == set(embeddings.OPCODES.split())
    assert not run & {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "PERSID", "BINPERSID", "SETITEM", "ADDITEMS", "DUP"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy(VECTORS.astype(object), allow_pickle=True), "O"),
        (npy(VECTORS.astype(int)), "<i8"),
        (npy(VECTORS[0]), r"shape \(3,\)"),
        (npy(VECTORS[:0]), r"shape \(0, 3\)"),
        (npy(np.asfortranarray(VECTORS)), "by columns"),
        (npy(VECTORS)[:-1], "47 bytes of numbers"),
        (npy(VECTORS) + b"x", "49 bytes of numbers"),
        (npy(VECTORS).replace(b"(4, 3)", b"(-4,-3)"), "shape"),
        (pickle.dumps(VECTORS), "no header"),
        (b"", "no header"),
    ],
)
def test_what_is_no_npy_of_vectors_is_refused(tmp_path, data, said):
    with pytest.raises(InputError, match=rf"v\.npy: found .*{said}"):
        read(tmp_path, data, "v.npy")


def workspace(rq2, tmp_path, write_pool, vectors, *flags):
    """RQ2's script over seven records, one of them unusable, with ready-made vectors."""
    records = [{"instruction": f"do {n}", "output": f"done {n}"} for n in range(7)]
    records[2]["output"] = None
    pool = write_pool(records)
    np.save(tmp_path / "v.npy", vectors)
    common = ["--root", str(tmp_path), "--pool", f"mine={pool}", "--skip-bad", "--tiers", "count"]
    return rq2.main([*common, "--embeddings", str(tmp_path / "v.npy"), *flags])


def test_splits_are_made_of_ready_made_vectors(rq2, tmp_path, write_pool, capsys):
    import pandas

    angles = np.array([0, 0.1, 9, 0.2, 1, 1.5, 3])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 5
    assert workspace(rq2, tmp_path, write_pool, vectors) == 0
    manifest = manifests.read(tmp_path / "Datas/RQ2/MINE/RQ2_MINE_manifest.json")
    assert manifest["models"]["embeddings"] == {
        "model": "vectors in v.npy",
        "sha256": file_sha256(tmp_path / "v.npy"),
    }
    assert "--embeddings v.npy" in manifest["command"]
    scores = pandas.read_parquet(tmp_path / "Datas/RQ2/MINE/RQ2_MINE_scores.parquet")
    unit = np.delete(vectors, 2, axis=0) / 5
    assert scores["similarity"].to_numpy() == pytest.approx((unit @ unit.T).mean(axis=1), abs=1e-6)
    assert "text_cut" not in scores
    assert verify.verify(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        (lambda v: v[:6], [], "found 6 vectors; expected one for each of the 7 records"),
        (lambda v: v * [[0]], [], "no usable number for 6 records"),
        (lambda v: v, ["--model", "minilm"], "--embeddings and --model: found both"),
        (lambda v: v, ["--pool", "oss"], "found two pools"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(rq2, tmp_path, write_pool, change, flags, said):
    with pytest.raises(InputError, match=said):
        workspace(rq2, tmp_path, write_pool, change(np.ones((7, 2))), *flags)
    assert not (tmp_path / "Datas/RQ2").exists()
