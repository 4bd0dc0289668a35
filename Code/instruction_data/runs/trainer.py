"""LLaMA-Factory in its environment: loaded once for all jobs on the CPU, and run as a command on GPUs."""

import contextlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.files.places import CODE
from instruction_data.runs import environments
from instruction_data.runs.environments import Environment

SERVE = CODE / "training" / "in_trainer" / "serve.py"
PACKAGES = ("accelerate", "datasets", "llamafactory", "peft", "tokenizers", "torch", "transformers", "trl")


class Trainer:
    """LLaMA-Factory for the runs of a study root. Leaving the context ends its process."""

    def __init__(self, environment: Environment, root: Path):
        self.environment, self.root = environment, root
        self._server: subprocess.Popen | None = None  # started by the first job

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def inspect(self, config: Path, log: Path) -> dict:
        """Return how LLaMA-Factory's own reader reads the split of a configuration.

        Raises:
            InputError: the reader fails.
        """
        return self._ask(["inspect", str(config)], log)["found"]

    def run(self, words: Sequence[str], log: Path, *, on_cpu: bool) -> None:
        """Do what ``llamafactory-cli`` does with these arguments.

        Args:
            on_cpu: a fork of the loaded LLaMA-Factory does it, else a process of its own: a fork cannot use a GPU, and
                LLaMA-Factory itself starts a process for each of several GPUs.

        Raises:
            InputError: it fails; the error shows the end of the log.
        """
        if on_cpu:
            self._ask(words, log)
        else:
            command = [str(self.environment.bin / "llamafactory-cli"), *words]
            environments.run(command, self.environment, self.root, log)

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that a training depends on."""
        return environments.versions(self.environment, PACKAGES)

    def _ask(self, words: Sequence[str], log: Path) -> dict:
        with open(log, "ab") as file:
            start = file.tell()
        reply = self._answer(words, log)
        status = reply["status"] if reply else self._end()
        if reply is None or status != 0:
            end = environments.log_end(log, start)
            raise InputError(f"LLaMA-Factory's {words[0]} ended with status {status}. The end of {log}:\n{end}")
        return reply

    def _answer(self, words: Sequence[str], log: Path) -> dict | None:
        """Return the answer to a job; None if the process that loads LLaMA-Factory has died."""
        self._server = self._server or self._begin(log)
        job = {"words": list(words), "log": str(log)}
        try:
            self._server.stdin.write(json.dumps(job).encode() + b"\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline() or "null")
        except BrokenPipeError:
            return None
        except BaseException:
            self._end()
            raise

    def _begin(self, log: Path) -> subprocess.Popen:
        """Start the process; what it says while it loads, and all that it says itself, goes to the log."""
        words = [str(self.environment.python), str(SERVE)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with open(log, "ab") as file:
            return subprocess.Popen(words, cwd=self.root, env=self.environment.variables(), stderr=file, **pipes)

    def _end(self) -> int | None:
        """End the process, and with it the job that it does; return its exit status."""
        server, self._server = self._server, None
        if server is None:
            return None
        with contextlib.suppress(BrokenPipeError):
            server.stdin.close()
        server.stdout.close()
        return server.wait()
