"""Running one sample in a sandbox of its own; uses the harness's environment but imports none of its packages.

    python sample.py together EXECUTE.py    sample and tests in one process, by the harness's own EXECUTE.py
    python sample.py together -             the same as a plain program, where there is no harness
    python sample.py solution EXECUTE.py CHANNEL    the sample alone, which answers calls
    python sample.py tests CHANNEL                  its tests alone, which call the other sandbox

A JSON document on standard input says what to run. On standard output the first line is READY, before anything of the
sample runs, and the second the verdict. A sample that passes together may have tampered with its checks. Apart, only
values pass through the CHANNEL, an open socket: numbers, strings and collections of them, as JSON.
"""

import ast
import builtins
import contextlib
import fractions
import importlib
import importlib.util
import json
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Collection, Iterable
from decimal import Decimal
from pathlib import Path

READY = b"ready\n"
MESSAGE_BYTES = 64_000_000
SAID = 1000  # characters of a failure's message
MISLEADING = (AssertionError, StopIteration, StopAsyncIteration)  # would end a loop of the tests as if it were done
EXACT = 1 << 53  # smaller whole numbers pass through any JSON


class Plain:
    """The place of the harness's module where there is no harness: it runs programs, and guards nothing."""

    class LateError(BaseException):
        """The time is up."""

    def reliability_guard(self) -> None:
        """Leave everything as it is."""

    def swallow_io(self) -> contextlib.AbstractContextManager:
        """Return the context of a sample that nobody listens to."""
        return contextlib.redirect_stdout(None)

    def unsafe_execute(self, program: str, result: list, seconds: float) -> None:
        """Run a program and append what became of it to ``result``, in the harness's words."""

        def stop(*_) -> None:
            raise self.LateError

        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            exec(program, {})  # noqa: S102 what this is for
            result.append("passed")
        except self.LateError:
            result.append("timed out")
        except BaseException as error:
            result.append(f"failed: {error}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def harness(path: str):
    """Load the harness's module that executes programs, without the rest of the harness."""
    if path == "-":
        return Plain()
    spec = importlib.util.spec_from_file_location("execute", path)
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    return execute


def limit(memory: int) -> None:
    """Let this process have at most ``memory`` bytes beyond its present ones."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    at_most = pages * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (at_most, at_most))


def import_packages(program: str, left_out: Collection[str] = sys.stdlib_module_names) -> None:
    """Import the packages that a program imports and Python itself lacks, such as numpy. The harness has imported them
    before it executes programs, and after ``reliability_guard`` they cannot be imported.

    Args:
        left_out: the modules that are not imported.
    """
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        for node in ast.walk(ast.parse(program)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                parts = name.split(".")
                if parts[0] not in left_out and "__main__" not in parts:
                    with contextlib.suppress(BaseException):
                        importlib.import_module(name)


def together(job: dict, execute) -> dict:
    """Run sample and tests in one process; return the harness's verdict and the seconds of processor time."""
    result, before = [], processor()
    with contextlib.suppress(BaseException):  # from cleaning up; the harness does not see these errors either
        execute.unsafe_execute(job["solution"] + "\n" + job["tests"], result, job["seconds"])
    return {"result": str(result[0])[:SAID] if result else "timed out", "processor": processor() - before}


def processor(whose: int = resource.RUSAGE_SELF) -> float:
    """Return the seconds of processor time that this process, or children that have ended, have had."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


# values, between the two sandboxes


def encode(value):
    """Return a value as JSON that says its type; a subclass becomes its built-in base, any other iterable a list.

    Raises:
        TypeError: the value is of another type.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value) if abs(value) < EXACT else {"int": hex(value)}
    if isinstance(value, float):
        return {"float": float.hex(value)}
    if isinstance(value, complex):
        return {"complex": [float.hex(value.real), float.hex(value.imag)]}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, fractions.Fraction):
        return {"fraction": [hex(value.numerator), hex(value.denominator)]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(one)] for key, one in value.items()]}
    for kind in (tuple, set, frozenset):
        if isinstance(value, kind):
            return {kind.__name__: [encode(one) for one in value]}
    if hasattr(value, "tolist"):  # numpy's
        return encode(value.tolist())
    if isinstance(value, Iterable):
        return [encode(one) for one in value]
    raise TypeError(f"{type(value).__name__} does not pass between the sandboxes")


def decode(value):
    """Return the value of a JSON that ``encode`` made; hostile JSON, too, yields only Python's own types.

    Raises:
        ValueError, TypeError: it is no such JSON.
    """
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, list):
        return [decode(one) for one in value]
    [(kind, inner)] = value.items()
    made = {
        "int": lambda: int(inner, 16),
        "float": lambda: float.fromhex(inner),
        "complex": lambda: complex(*map(float.fromhex, inner)),
        "bytes": lambda: bytes.fromhex(inner),
        "decimal": lambda: Decimal(inner),
        "fraction": lambda: fractions.Fraction(*(int(one, 16) for one in inner)),
        "dict": lambda: {decode(key): decode(one) for key, one in inner},
        "tuple": lambda: tuple(decode(one) for one in inner),
        "set": lambda: {decode(one) for one in inner},
        "frozenset": lambda: frozenset(decode(one) for one in inner),
    }
    return made[kind]()


# the sample's side


def solution(job: dict, execute, channel: socket.socket) -> None:
    """Run a sample, then answer calls of what it defines until the channel closes."""
    file, write, defined = channel.makefile("rb"), json.dumps, {}
    os.chdir(tempfile.mkdtemp())
    execute.reliability_guard()
    with execute.swallow_io():
        exec(job["solution"], defined)  # noqa: S102 what this is for
        for line in file:
            name, arguments, options = decode(json.loads(line))
            before = encode(arguments)
            try:
                answer = {"value": encode(defined[name](*arguments, **options))}
            except BaseException as error:
                answer = {"raised": type(error).__name__}
            with contextlib.suppress(Exception):
                after = encode(arguments)
                if after != before:
                    answer["arguments"] = after
            channel.sendall(write(answer).encode() + b"\n")


# the tests' side


class Elsewhere:
    """A name that the tests use and do not define: calls go to the sample; attributes come from Python's module."""

    def __init__(self, name: str, channel: socket.socket, file):
        self._name, self._channel, self._file = name, channel, file

    def __call__(self, *arguments, **options):
        call = [self._name, list(arguments), options]
        self._channel.sendall(json.dumps(encode(call)).encode() + b"\n")
        line = self._file.readline(MESSAGE_BYTES)
        if not line.endswith(b"\n"):
            raise RuntimeError("the sample gives no answer")
        answer = json.loads(line)
        for argument, after in zip(arguments, decode(answer.get("arguments", [])), strict=False):
            change(argument, after)
        if "value" in answer:
            return decode(answer["value"])
        kind = getattr(builtins, str(answer["raised"]), None)
        known = isinstance(kind, type) and issubclass(kind, Exception)
        raise (kind if known and kind not in MISLEADING else RuntimeError)

    def __getattr__(self, name: str):
        if self._name not in sys.stdlib_module_names:
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)


def change(argument, after) -> None:
    """Change a collection as a call in the other sandbox has changed it."""
    if type(argument) is not type(after):
        return
    if isinstance(argument, list):
        argument[:] = after
    elif isinstance(argument, (dict, set)):
        argument.clear()
        argument.update(after)


class Names(dict):
    """The names of the tests; a name that neither tests nor problem define is ``Elsewhere``."""

    def __init__(self, channel: socket.socket):
        super().__init__()
        self._ends = channel, channel.makefile("rb")

    def __missing__(self, name: str):
        if hasattr(builtins, name):
            raise KeyError(name)
        self[name] = Elsewhere(name, *self._ends)
        return self[name]


def given(prompt: str, defined: Names) -> None:
    """Define the prompt's names, which the tests may use; a function without a body is left to the sample."""
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        return
    exec(compile(tree, "prompt", "exec"), defined)  # noqa: S102
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and all(map(says_nothing, node.body)):
            defined.pop(node.name, None)


def says_nothing(node: ast.stmt) -> bool:
    """Say whether a statement is a docstring, ``pass`` or an import, which make no body of a function."""
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, (ast.Pass, ast.Import, ast.ImportFrom))


def tests(job: dict, channel: socket.socket) -> dict:
    """Run the tests and return whether they pass."""
    defined = Names(channel)
    try:
        with contextlib.redirect_stdout(None):
            given(job["prompt"], defined)
            exec(job["tests"], defined)  # noqa: S102
    except BaseException as error:
        return {"passed": False, "said": f"{type(error).__name__}: {error}"[:SAID]}
    return {"passed": True, "said": ""}


def main(mode: str, *arguments: str) -> None:
    job = json.loads(sys.stdin.buffer.read())
    execute = harness(arguments[0]) if mode != "tests" else None
    channel = socket.socket(fileno=int(arguments[-1])) if mode != "together" else None
    with open(os.dup(1), "wb", buffering=0) as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.path.remove(str(Path(__file__).parent))
        if execute:
            import_packages(job["solution"] + "\n" + job.get("tests", ""))
        limit(job["memory"])
        out.write(READY)
        if mode == "solution":
            solution(job, execute, channel)
        else:
            made = together(job, execute) if mode == "together" else tests(job, channel)
            out.write(json.dumps(made).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
