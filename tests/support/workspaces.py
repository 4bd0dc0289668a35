"""Workspaces of a question's script that is not there, for tests that publish splits of their own."""

from pathlib import Path

from tests.support.scripts import CODE

from instruction_data import cli
from instruction_data.workspace import Workspace


def opened(root: Path, *flags: str) -> Workspace:
    """Return the workspace that the script of a question RQ9 would open, given these flags."""
    parser = cli.parser("A script.\n\nMore.", draws=True)
    cli.add_model_flags(parser.add_argument_group("model"))
    workspace, _ = cli.open_workspace(parser, ["--root", str(root), *flags], str(CODE / "RQ9/script.py"))
    return workspace
