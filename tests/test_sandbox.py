"""The sandbox: what code in it reaches, leaves and takes."""

import time
from pathlib import Path

import pytest
from tests.support.needs import needs_sandbox

from instruction_data.outcomes import sandbox
from instruction_data.outcomes.sandbox import DiedError, Limits, View


def inside(tmp_path, code, seconds=20):
    """Run Perl in a sandbox: whether it ended well, what it said, and what it left in the folder it may write to."""
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    log = tmp_path / "log"
    log.unlink(missing_ok=True)
    view = View({}, folder, {"PATH": "/usr/bin", "SECRET": ""}, "/tmp")
    try:
        sandbox.run(["/usr/bin/perl", "-e", code], view, seconds, log)
        well = True
    except DiedError:
        well = False
    return well, log.read_text(), {path.name: path.read_text() for path in folder.iterdir()}


@needs_sandbox
def test_what_is_written_to_the_folder_stays_and_nothing_else_does(tmp_path):
    code = f'open(F, ">", "{tmp_path}/work/kept") or die; print F "x"; close F; open(G, ">", "/tmp/lost") or die;'
    well, said, left = inside(tmp_path, code)
    assert (well, said, left) == (True, "", {"kept": "x"})
    assert not Path("/tmp/lost").exists()


@needs_sandbox
@pytest.mark.parametrize(
    "code",
    [
        'open(F, "<", "/etc/hostname") or die "no\\n"; print <F>',
        f'opendir(D, "{Path.home()}") or die "no\\n"; print readdir(D)',
        'open(F, ">", "/usr/bin/mine") or die "no\\n"',
        'use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => "1.1.1.1:80", Timeout => 2) or die "no\\n"',
        'kill(0, getppid()) && getppid() > 1 or die "no\\n"',
    ],
    ids=["host", "home", "system", "network", "parent"],
)
def test_code_in_a_sandbox_reaches_nothing_outside(tmp_path, code):
    well, said, _ = inside(tmp_path, code)
    assert not well
    assert said.endswith("no\n")


@needs_sandbox
def test_processes_files_and_time_are_limited(tmp_path):
    forks = (
        "my $n = 0; while (defined(my $p = fork())) { if (!$p) { sleep 30; exit } $n++; last if $n > 5000 } print $n"
    )
    _, said, _ = inside(tmp_path, forks)
    assert 0 < int(said) <= Limits().processes
    _, _, left = inside(tmp_path, f'open(F, ">", "{tmp_path}/work/big"); print F "x" x 1e6 for 1..400')
    assert len(left["big"]) <= Limits().file_bytes
    began = time.monotonic()
    well, _, _ = inside(tmp_path, "if (!fork()) { sleep 60 } sleep 60", seconds=1)
    assert not well
    assert time.monotonic() - began < 30
