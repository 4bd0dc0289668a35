"""What every benchmark shares: timing two sides in turn, peak memory in a child of one's own, and the table."""

import gc
import importlib.util
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from instruction_data.files.places import REPOSITORY


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes:
        ratio: how many times better than the other side, or the figure that the target is about.
        target: what it is to reach.
        at_most: whether the target is an upper bound.
    """

    name: str
    ratio: float
    target: float
    detail: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target


def seconds(function: Callable[[], object]) -> tuple[float, object]:
    """Wall time of one call, and what it returned."""
    gc.collect()
    began = time.perf_counter()
    value = function()
    return time.perf_counter() - began, value


def in_turn(ours: Callable, theirs: Callable, rounds: int = 3) -> tuple[float, float, object, object]:
    """Run both sides alternately and keep the best time of each, since other load on the machine only adds.

    Returns:
        Seconds of ours, seconds of theirs, and what each returned.
    """
    times = [], []
    values = [None, None]
    for _ in range(rounds):
        for side, function in enumerate((ours, theirs)):
            took, values[side] = seconds(function)
            times[side].append(took)
    return min(times[0]), min(times[1]), values[0], values[1]


def in_child(function: Callable, *arguments: object) -> tuple[float, float, object]:
    """Run a function in a fresh process.

    Returns:
        Seconds of the call alone, MB of peak memory above what the process had before it, and what it returned.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        raise SystemExit(f"{function.__name__} died with exit status {process.exitcode}") from None
    process.join()
    return answer


def _child(pipe, function: Callable, arguments: tuple) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # begin the peak anew: a child starts with its parent's
    before = memory_mb("VmRSS")
    took, value = seconds(lambda: function(*arguments))
    pipe.send((took, memory_mb("VmHWM") - before, value))


def memory_mb(name: str) -> float:
    """A figure of this process from Linux: resident memory now (VmRSS) or at its peak (VmHWM), in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def load_script(name: str) -> ModuleType:
    """A script of Code/ as a module."""
    path = REPOSITORY / "Code" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def print_row(result: Result) -> None:
    sign = "≤" if result.at_most else "≥"
    met = "met" if result.met else "NOT MET"
    print(f"{result.name:<58} {result.ratio:>10,.2f} {sign} {result.target:<8,g} {met:<8} {result.detail}", flush=True)
