"""Similarity within a set, against the exhaustive n × n matrix."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from instruction_data.numbers import similarity

STATUS = Path("/proc/self/status")


def some_vectors(n, d, seed):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) + 0.1


@given(st.integers(2, 60), st.integers(1, 8), st.integers(0, 1000), st.sampled_from([np.float32, np.float64]))
def test_the_sum_vector_gives_the_exhaustive_mean(n, d, seed, dtype):
    vectors = some_vectors(n, d, seed).astype(dtype)
    found = similarity.mean_similarities(vectors)
    matrix = cosine_similarity(vectors.astype(np.float64))
    assert found.including == pytest.approx(matrix.mean(axis=1), abs=1e-6)
    assert found.overall == pytest.approx(matrix.mean(), abs=1e-6)
    np.fill_diagonal(matrix, 0)
    assert found.excluding == pytest.approx(matrix.sum(axis=1) / (n - 1), abs=1e-6)


def test_by_hand():
    found = similarity.mean_similarities(np.array([[2.0, 0.0], [0.0, 3.0], [5.0, 0.0]]))
    assert found.including == pytest.approx([2 / 3, 1 / 3, 2 / 3])
    assert found.excluding == pytest.approx([1 / 2, 0, 1 / 2])
    assert found.overall == pytest.approx(5 / 9)
    alone = similarity.mean_similarities(np.array([[3.0, 4.0]]))
    assert (alone.including[0], alone.excluding[0]) == pytest.approx((1, 1))


@pytest.mark.parametrize("block", [1, 40, 4 << 20])
def test_blocks_memory_maps_and_subsets_change_nothing(block, tmp_path, monkeypatch):
    vectors = some_vectors(101, 7, 3)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    monkeypatch.setattr(similarity, "BLOCK_BYTES", block)
    rows = np.arange(1, 101, 3)
    whole = cosine_similarity(vectors.astype(np.float64)).mean(axis=1)
    part = cosine_similarity(vectors[rows].astype(np.float64))
    assert similarity.mean_similarities(mapped).including == pytest.approx(whole, abs=1e-6)
    assert similarity.mean_similarities(mapped, rows).including == pytest.approx(part.mean(axis=1), abs=1e-6)
    eigenvalues = np.linalg.eigvalsh(part / len(rows))
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    vendi = np.exp(-(eigenvalues * np.log(eigenvalues)).sum())
    assert similarity.vendi_score(mapped, rows) == pytest.approx(vendi, rel=1e-4)


def test_vendi_scores_by_hand():
    assert similarity.vendi_score(np.eye(5)) == pytest.approx(5)
    assert similarity.vendi_score(np.ones((5, 3))) == pytest.approx(1)
    assert similarity.vendi_score(np.array([[1.0, 0], [2, 0], [0, 1], [0, 3]])) == pytest.approx(2)


def test_a_vector_without_direction_is_found_and_refused():
    vectors = np.array([[1.0, 0.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]], dtype=np.float32)
    assert similarity.has_direction(vectors).tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="3 vectors have no direction, the first at position 1"):
        similarity.mean_similarities(vectors)


def test_the_number_of_threads_leaves_no_trace_in_what_is_published(tmp_path):
    """Sums over threads differ in their last bits; scores must not, and figures are rounded above them."""
    code = (
        "import hashlib, numpy as np; from instruction_data.numbers import similarity; "
        "from instruction_data.publish import split; "
        "v = np.random.default_rng(0).normal(size=(5000, 384)).astype(np.float32); "
        "print(hashlib.sha256(similarity.mean_similarities(v).including.tobytes()).hexdigest(), "
        "f'{similarity.vendi_score(v):.{split.SUMMARY_DIGITS}g}')"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert said[0] == said[1]


@pytest.mark.skipif(not STATUS.is_file(), reason="needs Linux to say how much memory a process holds")
def test_memory_holds_few_blocks_of_a_memory_map(tmp_path):
    def held() -> int:
        [kilobytes] = re.findall(r"RssFile:\s+(\d+) kB", STATUS.read_text())
        return int(kilobytes) * 1024

    np.ones((1 << 16, 256), np.float32).tofile(tmp_path / "vectors")  # 64 MB, written as embeddings.read does
    vectors = np.memmap(tmp_path / "vectors", np.float32, "r+", shape=(1 << 16, 256))
    before = held()
    assert similarity.has_direction(vectors).all()
    assert held() - before < 8 * similarity.BLOCK_BYTES
