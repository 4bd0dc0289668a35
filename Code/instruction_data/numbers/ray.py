"""Computing on a Ray cluster.

The engine maps shards of texts to their arrays, in the order in which they are finished. Only ``features`` keeps
shards, in the process that asked for them, so a lost worker costs only the shards it was working on.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from instruction_data.errors import InputError
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature, Shards


@dataclass(frozen=True)
class Ray:
    """An engine that runs one task for each shard on a Ray cluster. A worker process loads the model once and keeps it.

    Attributes:
        address: of the cluster; None starts one on this machine for the run.
        cpus, gpus: the share of one worker.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0

    def map(self, feature: "Feature", shards: Shards) -> "Iterator[tuple[int, Arrays]]":
        ray = self._connected()
        # Tasks, not actors: the tasks of a lost node run again on any other node.
        # max_calls keeps workers alive even if they hold a GPU; otherwise each shard would load the model.
        task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=-1, max_calls=0)(_compute)
        model = ray.put(feature)
        running: dict[object, int] = {}
        for number, texts in shards:
            while len(running) >= 2 * self._workers(ray):  # one running and one waiting for each worker
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
                # without "local" Ray would join, and end with, whatever cluster someone began here by `ray start`
                ray.init(address=self.address or "local", log_to_driver=False, logging_level="error")
            except (OSError, ValueError, RuntimeError) as error:
                raise InputError(f"--ray-address {self.address}: found no Ray cluster there ({error})") from error
        return ray

    def _workers(self, ray) -> int:
        """Count the tasks that the cluster in its present size can run at once."""
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
    """Compute one shard, in a worker."""
    return feature.compute(texts)
