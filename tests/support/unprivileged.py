"""Run scripts in turn, in a process that the permissions of files bind, and say as JSON how each ended.

A list of [script, flag, …] comes as JSON on the standard input. The exit status is 77 where this process may write
into the read-only folder that is given, so that nothing would be shown.

    python -m tests.support.unprivileged FOLDER
"""

import contextlib
import io
import json
import sys
from pathlib import Path

from tests.stress.faults import drop_rights
from tests.support.scripts import load_script

from instruction_data import cli

NOT_BOUND = 77


def ended(script: str, flags: list[str]) -> tuple[int, str, str]:
    """Run a script's main as the script would; return its exit status, and what it said on both streams."""
    said, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        try:
            status = cli.run(lambda: load_script(script).main(flags))
        except SystemExit as end:
            status = end.code or 0
    return status, said.getvalue(), errors.getvalue()


def main() -> int:
    drop_rights()
    try:
        (Path(sys.argv[1]) / "probe").write_bytes(b"")
    except OSError:
        print(json.dumps([ended(script, flags) for script, *flags in json.load(sys.stdin)]))
        return 0
    return NOT_BOUND


if __name__ == "__main__":
    sys.exit(main())
