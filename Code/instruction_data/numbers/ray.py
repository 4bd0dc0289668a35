"""Computing on a Ray cluster.

The engine maps shards of texts to their arrays, in whatever order they get done. Only ``features`` keeps shards, in the
process that asked for them, so a worker that is lost costs the shards it had in hand and nothing else.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from instruction_data.errors import InputError
from instruction_data.numbers.features import Arrays, Feature, Shards


@dataclass(frozen=True)
class Ray:
    """On a Ray cluster, a task a shard. A worker process loads the model once and keeps it.

    Attributes:
        address: of the cluster; None for one on this machine, started for the run.
        cpus, gpus: what one worker gets.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0

    def map(self, feature: "Feature", shards: Shards) -> "Iterator[tuple[int, Arrays]]":
        ray = self._connected()
        # Tasks, not actors: when a node is lost its tasks run again on any other, whoever else is at work there.
        # Workers are kept (max_calls) also where they hold a GPU, or each shard would load the model.
        task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=-1, max_calls=0)(_compute)
        model = ray.put(feature)
        running: dict[object, int] = {}
        for number, texts in shards:
            while len(running) >= 2 * self._workers(ray):  # one in hand and one waiting for each
                yield self._next(ray, running)
            running[task.remote(model, texts)] = number
        while running:
            yield self._next(ray, running)

    def _connected(self):
        try:
            import ray
        except ImportError as error:
            raise InputError("--engine ray: found no Ray; expected it installed: pip install 'ray[default]'") from error
        if not ray.is_initialized():
            try:
                _require_listener(self.address)
                ray.init(address=self.address, log_to_driver=False, logging_level="error")
            except (OSError, ValueError, RuntimeError) as error:
                raise InputError(f"--ray-address {self.address}: found no Ray cluster there ({error})") from error
        return ray

    def _workers(self, ray) -> int:
        """How many tasks the cluster as it is now can run at once."""
        have = ray.cluster_resources()
        slots = [have.get(kind, 0) / need for kind, need in (("CPU", self.cpus), ("GPU", self.gpus)) if need]
        return max(1, int(min(slots, default=1)))

    def _next(self, ray, running: dict[object, int]) -> "tuple[int, Arrays]":
        done, _ = ray.wait(list(running), num_returns=1)
        number = running.pop(done[0])
        try:
            return number, ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error


def _require_listener(address: str | None) -> None:
    """Raise OSError unless something listens at HOST:PORT (Ray itself would try for minutes)."""
    host, separator, port = (address or "").rpartition(":")
    if separator and port.isdecimal() and "://" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _compute(feature: "Feature", texts: list[str]) -> "Arrays":
    """One shard, in a worker."""
    return feature.compute(texts)
