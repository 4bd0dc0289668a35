"""What the README, the documents under docs/ and the cards in Datas/ say, done."""

import importlib.util
import re
import runpy
import sys
from types import SimpleNamespace

import pytest
from tests.support.roots import example
from tests.support.scripts import CODE, SCRIPTS, TOOLS, load_script

from instruction_data.demo import demo_root
from instruction_data.publish import __main__ as publish
from instruction_data.publish import manifests

ROOT = CODE.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {"README.md": README} | {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("Datas/RQ*/README.md")])
}
OWN = "Code/RQ6/instruction_length.py"  # the reader's own file
ELSEWHERE = {"--include", "--exclude", "--head", "--address", "--enable-lora", "--lora-modules"}  # git's, Ray's, vLLM's
ELSEWHERE |= {"--unnamed", "--repo-type", "--oss"}  # of instruction_data.numbers, the hub's, instruction_data.demo


def test_the_readmes_question_runs_as_its_reader_runs_it(tmp_path, monkeypatch):
    demo_root.build(tmp_path, records=12, others=10)
    script = tmp_path / "Code" / "RQ6" / "instruction_length.py"
    script.parent.mkdir(parents=True)
    script.write_text(example("instruction_length.py"))
    monkeypatch.setattr(sys, "argv", [str(script), "--demo", "--root", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    assert sorted(manifests.all_splits(tmp_path)) == [
        f"RQ6_{pool}_{tier}" for pool in ("EVOL", "OSS") for tier in ("LONG", "MIDDLE", "SHORT")
    ]


def test_the_readme_is_short_and_no_line_is_long():
    assert len(README.splitlines()) <= 220
    assert [(page, line) for page, text in PAGES.items() for line in text.splitlines() if len(line) > 120] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_names_what_exists(page):
    text = re.sub(r"```python\n.*?```", "", PAGES[page], flags=re.DOTALL)
    makefile = (ROOT / "Makefile").read_text()
    scripts = set(re.findall(r"Code/\S+\.py", text)) - {OWN}
    assert all((ROOT / path).is_file() for path in scripts)
    targets = {word for line in re.findall(r"^make (.*?)(?: +#.*)?$", text, re.MULTILINE) for word in line.split()}
    targets = {target for target in targets if "=" not in target}  # QUESTION=RQ2 is a variable
    targets |= {target for names in re.findall(r"`make ([a-z -]+)`", text) for target in names.split()}
    assert all(f"\n{target}: " in makefile for target in targets)
    assert all((ROOT / path).is_file() for path in re.findall(r"[`(](docs/\S+?)[`)]", text))


def test_the_readme_names_every_script():
    assert set(re.findall(r"Code/\S+\.py", README.replace(example("instruction_length.py"), ""))) == {
        *(f"Code/{name}" for name in (*SCRIPTS, *TOOLS)),
        OWN,
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_flag_that_is_named_exists(page):
    parsers = [load_script(name).parser() for name in (*SCRIPTS, *TOOLS)]
    parsers += publish.parser()._subparsers._group_actions[0].choices.values()
    flags = {flag for parser in parsers for action in parser._actions for flag in action.option_strings}
    text = re.sub(r"```python\n.*?```", "", PAGES[page], flags=re.DOTALL)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= flags | ELSEWHERE


@pytest.mark.parametrize("name", [*SCRIPTS, *TOOLS])
def test_every_script_has_help(name):
    assert load_script(name).parser().format_help().startswith("usage: ")


def test_a_generation_can_be_asked_of_every_question():
    for name in SCRIPTS:
        assert "--generation" in load_script(name).parser().format_help()


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
