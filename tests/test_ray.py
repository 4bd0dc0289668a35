"""The Ray engine on a cluster of two nodes on this machine, one of which is taken away half way."""

import time

import numpy as np
import pytest
from tests.support.scripts import load_script

from instruction_data.demo import demo_root
from instruction_data.errors import InputError
from instruction_data.numbers import features, models
from instruction_data.numbers.encoder import Encoder
from instruction_data.numbers.features import Feature
from instruction_data.numbers.ray import Ray
from instruction_data.publish import verify

ray = pytest.importorskip("ray")


def slow_letters():
    """A feature as a function of this call, so that workers, which cannot import a test, get it by value."""

    def compute(texts):
        time.sleep(0.3)
        return {"vectors": np.array([[len(text), text.count("a")] for text in texts], dtype=np.float32)}

    return Feature("letters", {"model": "letters"}, compute)


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.second = made.add_node(num_cpus=1)
    yield made
    ray.shutdown()
    made.shutdown()


def test_ray_and_local_give_the_same_numbers_and_share_the_cache(cluster, tmp_path):
    texts = [
        f"Write a function that {verb} {i} {noun}." for i in range(50) for verb in ("adds", "sorts") for noun in "xy"
    ]
    feature = Encoder(models.find("minilm"), device="cpu").feature
    local = features.compute(texts, feature, tmp_path / "local")
    remote = features.compute(texts, feature, tmp_path / "ray", Ray(cluster.address))
    assert remote["vectors"] == pytest.approx(np.asarray(local["vectors"]), abs=1e-5)
    assert {p.name for p in (tmp_path / "ray").rglob("*.safetensors")} == {
        p.name for p in (tmp_path / "local").rglob("*.safetensors")
    }


def test_a_workers_error_is_the_readers_error(cluster):
    def refusing(texts):
        raise InputError("this model reads nothing")

    feature = Feature("refusing", {}, refusing)
    with pytest.raises(InputError, match="this model reads nothing"):
        list(Ray(cluster.address).map(feature, [(0, ["a"])]))


def test_a_script_runs_on_the_cluster(cluster, tmp_path):
    demo_root.build(tmp_path, records=12, others=10)
    arguments = ["--demo", "--root", str(tmp_path), "--engine", "ray", "--ray-address", cluster.address]
    assert load_script("RQ2/semantic_diversity.py").main([*arguments, "--pool", "oss"]) == 0
    assert verify.verify(tmp_path) == []


def test_a_node_that_is_lost_costs_no_result(cluster, tmp_path):
    texts = [f"{'a' * (i % 9)} {i}" for i in range(20 * features.SHARD)]
    feature = slow_letters()
    engine = Ray(cluster.address)
    shards = [(number, texts[number * features.SHARD :][: features.SHARD]) for number in range(20)]
    found = {}
    for number, arrays in engine.map(feature, shards):
        found[number] = arrays["vectors"]
        if len(found) == 8:
            cluster.remove_node(cluster.second, allow_graceful=False)
    assert sorted(found) == list(range(20))
    together = np.concatenate([found[number] for number in range(20)])
    assert np.array_equal(together, feature.compute(texts)["vectors"])


def test_a_cluster_that_is_not_there():
    ray.shutdown()
    engine = Ray("127.0.0.1:9")
    with pytest.raises(InputError, match=r"--ray-address 127\.0\.0\.1:9: found no Ray cluster"):
        list(engine.map(slow_letters(), [(0, ["a"])]))
