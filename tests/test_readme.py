"""What the README says, done."""

import importlib.util
import re
import runpy
import sys
from types import SimpleNamespace

import pytest
from tests.support.scripts import CODE, SCRIPTS, TOOLS, load_script

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.publish import manifests, verify

README = (CODE.parent / "README.md").read_text("utf-8")
EXAMPLE = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "QUESTION" in block)


def test_a_question_of_ones_own_is_one_file_of_under_60_lines(tmp_path, monkeypatch):
    assert len(EXAMPLE.splitlines()) < 60
    demo_root.build(tmp_path, records=12, others=10)
    script = tmp_path / "Code" / "RQ5" / "instruction_length.py"
    script.parent.mkdir(parents=True)
    script.write_text(EXAMPLE)
    monkeypatch.setattr(sys, "argv", [str(script), "--demo", "--root", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    assert sorted(manifests.all_splits(tmp_path)) == [
        f"RQ5_{pool}_{tier}" for pool in ("EVOL", "OSS") for tier in ("LONG", "MIDDLE", "SHORT")
    ]
    assert verify.verify(tmp_path) == []


def test_every_command_names_what_exists():
    commands = re.findall(r"^(?:python|make) .*", README.replace(EXAMPLE, ""), re.MULTILINE)
    scripts = {path for line in commands for path in re.findall(r"Code/\S+\.py", line)}
    assert scripts == {f"Code/{name}" for name in (*SCRIPTS, *TOOLS)}
    targets = {line.split()[1] for line in commands if line.startswith("make")}
    makefile = (CODE.parent / "Makefile").read_text()
    assert targets == {"demo", "test", "experiment"}  # the others are named in the text
    targets |= {target for names in re.findall(r"`make ([a-z ]+)`", README) for target in names.split()}
    assert targets >= {"demo", "test", "check", "bench", "experiment", "trainer", "harness"}
    assert all(f"\n{target}: " in makefile for target in targets)


def test_every_flag_that_is_named_exists():
    parsers = [load_script(name).parser() for name in (*SCRIPTS, *TOOLS)]
    flags = {flag for parser in parsers for action in parser._actions for flag in action.option_strings}
    elsewhere = {"--include", "--exclude", "--head", "--address"}  # git's and Ray's
    assert set(re.findall(r"--[a-z][a-z-]+", README)) <= flags | elsewhere


def test_every_shared_flag_stands_in_every_help():
    shared = {flag for action in cli.parser("x\n\ny")._actions for flag in action.option_strings}
    for name in SCRIPTS:
        script = {flag for action in load_script(name).parser()._actions for flag in action.option_strings}
        assert shared <= script


def test_ci_runs_the_readmes_test_command():
    steps = (CODE.parent / ".ci" / "run").read_text().splitlines()
    assert "make test" in steps


def test_every_benchmark_runs_where_none_is_named(monkeypatch, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("run", CODE.parent / "benchmarks" / "run.py")
    monkeypatch.syspath_prepend(CODE.parent / "benchmarks")
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    begun = []
    monkeypatch.setattr(run.importlib, "import_module", lambda name: begun.append(name) or SimpleNamespace(run=list))
    monkeypatch.setattr(run, "REPOSITORY", tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py"])
    assert run.main() == 0
    assert tuple(begun) == run.ALL


@pytest.mark.parametrize("tool", ["", "Code/training/", "Code/evaluation/"])
def test_every_pin_is_locked_with_hashes(tool):
    root = CODE.parent
    names = ["requirements.txt", "requirements-dev.txt"] if not tool else [f"{tool}requirements.txt"]
    pins = {line for name in names for line in (root / name).read_text().splitlines() if "==" in line}
    locked = re.findall(
        r"^(\S+==\S+) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        (root / f"{tool}requirements.lock").read_text(),
        re.M,
    )
    assert {pin for pin, _ in locked} == {pin for pin in pins if not pin.startswith("torch==")}
    assert len({pin for pin in pins if pin.startswith("torch==")}) == 1
