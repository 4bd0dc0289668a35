"""Import modules (by dotted name) and scripts (by path) in turn, and say as JSON what each did beside being imported.

Heavy packages are refused, so that every module that would import one is named, not only the first.

    python tests/support/importing.py NAME …
"""

import contextlib
import importlib
import io
import json
import os
import runpy
import sys
from collections.abc import Iterator

HEAVY = {
    *("ahocorasick", "datasets", "datasketch", "huggingface_hub", "jinja2", "magika", "matplotlib", "pandas"),
    *("pyarrow", "pygments", "ray", "scipy", "sentence_transformers", "sklearn", "statsmodels", "torch"),
    "transformers",
}
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
BEGUN = {"subprocess.Popen", "os.system", "os.fork", "os.posix_spawn", "socket.connect"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """Notes what happens in this process, and keeps heavy packages out of it."""

    def __init__(self):
        self.seen: list[str] = []
        sys.addaudithook(self._event)
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] in HEAVY:
            self.seen.append(f"imports {name}")
            raise ImportError(f"{name} is a heavy package")

    def _event(self, event: str, arguments: tuple) -> None:
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            self.seen.append(f"changes the file {arguments[0]}")
        elif event in BEGUN:
            self.seen.append(f"begins {event} {arguments[0]}")


def did(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Import one after the other, each with what it did."""
    watch = Watch()
    for name in names:
        watch.seen, said = [], io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                runpy.run_path(name, run_name="imported") if name.endswith(".py") else importlib.import_module(name)
            except BaseException as error:
                watch.seen.append(f"ends in {error!r}")
        yield name, watch.seen + ([f"prints {said.getvalue()!r}"] if said.getvalue() else [])


if __name__ == "__main__":
    del sys.path[0]  # this folder
    print(json.dumps(dict(did(sys.argv[1:]))))
