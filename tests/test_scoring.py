"""The loop over runs that harnesses share, seen through a harness that is one new file: a toy in bits per byte."""

import csv
import io
import json
import stat
from dataclasses import replace

import pytest
from tests.support.scripts import load_script, script_at

from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.outcomes import outcomes
from instruction_data.runs import runs
from instruction_data.runs.runs import Run

TOY = '''"""A toy harness: bits per byte of texts that nobody reads.

It makes its numbers from the names of runs.
"""

import random
import sys

from instruction_data import cli
from instruction_data.outcomes import outcomes, scoring
from instruction_data.outcomes.outcomes import Metric

BITS = Metric("bits", "bits per byte", "likelihood", higher_is_better=False)


class Toy(scoring.Adapter):
    harness, tasks, metrics = "toy", ("words",), (BITS,)

    def __init__(self, root, level):
        self.root, self.level = root, level

    def settings(self, run, task):
        return {"level": self.level, "sizes": (1, 2)}

    def score(self, run, task):
        problem, skill = random.Random(0), random.Random(run.name)
        shift = skill.gauss(0, 0.002) + (0.1 if run.split.endswith("LOW") else 0.0)
        numbers = [problem.gauss(self.level, 0.2) + skill.gauss(shift, 0.02) for _ in range(80)]
        yield outcomes.of_run(
            self.root, run, harness=self.harness, task=task, metric=BITS, settings=self.settings(run, task),
            problems={f"text {number}": [one] for number, one in enumerate(numbers)}, versions={"toy": "1"},
        )


def parser():
    result = cli.described(__doc__)
    cli.add_root_flags(result)
    cli.add_scoring_flags(result)
    result.add_argument("--level", type=float, default=1.0)
    return result


def main(argv=None):
    options = parser().parse_args(argv)
    root = cli.chosen_root(options)
    return scoring.score_all(root, options, Toy(root, options.level))


if __name__ == "__main__":
    sys.exit(cli.run(main))
'''


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(TOY)
    return script_at(path)


@pytest.fixture
def root(tmp_path):
    """A study root with finished runs: two splits, two seeds each."""
    folder = tmp_path / "root"
    folder.mkdir()
    for tier in ("LOW", "HIGH"):
        for seed in (1, 2):
            split = f"RQ9_MINE_{tier}"
            name = runs.name(split, "tiny", seed)
            known = {"question": "RQ9", "pool": "mine", "split": split, "condition": split, "split_sha256": "0" * 64}
            run = Run(
                **known,
                name=name,
                records=4,
                examples=4,
                cut=0,
                model={"model": "tiny", "sha256": "0" * 64},
                seed=seed,
                recipe={"train.yaml": {"seed": seed}},
                prompt={"before": "", "after": ""},
                results={},
                versions={},
                folder=f"Runs/{name}/model",
                sha256={},
            )
            (folder / runs.FOLDER / name).mkdir(parents=True)
            runs.write(folder, run)
    return folder


def files_of(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def names_of(root):
    return [outcome.run for _, outcome in outcomes.every(root)]


def test_a_new_harness_is_one_file_and_its_numbers_are_compared_in_their_unit(toy, root, capsys):
    assert toy.main(["--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "[4/4] words: RQ9_MINE_LOW--tiny--seed2" in said
    assert " bits per byte" in said
    assert "4 outcomes under" in said
    place = root / "Results/toy/words/RQ9_MINE_LOW--tiny--seed1@bits.json"
    assert json.loads(place.read_text())["metric"] == {
        "name": "bits",
        "unit": "bits per byte",
        "kind": "likelihood",
        "higher_is_better": False,
    }

    assert load_script("evaluation/compare.py").main(["--root", str(root)]) == 0
    [task] = documents.read_derived(root / "Results/comparison.json", "")["questions"][0]["groups"][0]["tasks"]
    assert (task["label"], task["intervals_over"], task["noise"]) == ("words, bits", "problems and runs", None)
    assert [one["condition"] for one in task["conditions"]] == ["RQ9_MINE_HIGH", "RQ9_MINE_LOW"]
    [pair] = task["differences"]
    assert pair["supported"]
    assert pair["low"] <= -0.1 <= pair["high"] < 0
    page = (root / "Results/comparison.md").read_text()
    sentence = "- Supported: RQ9_MINE_HIGH minus RQ9_MINE_LOW on words, bits is -0.1"
    assert sentence in page
    assert " bits per byte (lower is better; 95 % interval -0.1" in page
    assert "words, bits, bits per byte, lower is better (80 problems)" in page
    assert "points" not in page.replace("percentage points", "")
    [row] = csv.DictReader(io.StringIO((root / "Results/differences.csv").read_text()))
    assert (row["metric"], row["unit"], row["higher_is_better"]) == ("bits", "bits per byte", "False")


def test_what_is_finished_is_left_alone_and_other_settings_are_not_mixed_in(toy, root, capsys):
    base = ["--root", str(root), "--run", "RQ9_MINE_LOW--tiny--seed1"]
    assert toy.main(base) == 0
    [(place, first)] = outcomes.every(root)
    before = place.stat().st_mtime_ns
    capsys.readouterr()
    assert toy.main(base) == 0
    assert "there already: bits 1.0" in capsys.readouterr().out
    assert place.stat().st_mtime_ns == before

    assert toy.main([*base, "--level", "2"]) == 1
    said = capsys.readouterr().out
    assert "found an outcome with other level; --overwrite makes it anew" in said
    assert "1 of 1 evaluations failed: words: RQ9_MINE_LOW--tiny--seed1." in said
    assert outcomes.read(place) == first
    assert toy.main([*base, "--level", "2", "--overwrite"]) == 0
    assert outcomes.read(place).settings["level"] == 2


def test_a_run_that_was_trained_again_is_scored_again(toy, root):
    assert toy.main(["--root", str(root)]) == 0
    run = next(runs.every(root))
    place = outcomes.path(root, "toy", "words", run.name, "bits")
    before = outcomes.read(place)
    runs.write(root, replace(run, results={"train_loss": 0.5}))
    assert toy.main(["--root", str(root)]) == 0
    assert outcomes.read(place).files[run.manifest] != before.files[run.manifest]


def test_overwriting_removes_even_what_cannot_be_read(toy, root, capsys):
    base = ["--root", str(root), "--run", "RQ9_MINE_LOW--tiny--seed1"]
    assert toy.main(base) == 0
    [(place, _)] = outcomes.every(root)
    place.write_text("{")
    assert toy.main(base) == 1
    assert "FAILED" in capsys.readouterr().out
    assert toy.main([*base, "--overwrite"]) == 0
    assert outcomes.read(place).run == "RQ9_MINE_LOW--tiny--seed1"


def test_shards_are_all_runs_and_none_twice(toy, root):
    for share in ("1/3", "2/3", "3/3"):
        assert toy.main(["--root", str(root), "--shard", share, "--dry-run"]) == 0
        assert toy.main(["--root", str(root), "--shard", share]) == 0
    assert names_of(root) == [run.name for run in runs.every(root)]


def test_what_another_process_holds_is_left_to_it_and_a_failure_stops_no_other(toy, root, capsys, monkeypatch):
    held, failing, *rest = [run.name for run in runs.every(root)]
    score = toy.Toy.score

    def fail(self, run, task):
        if run.name == failing:
            raise InputError("no such luck")
        yield from score(self, run, task)

    monkeypatch.setattr(toy.Toy, "score", fail)
    with runs.held(root, f"{held}-toy-words"):
        assert toy.main(["--root", str(root)]) == 1
    said = capsys.readouterr().out
    assert "in work by another process: left to it" in said
    assert f"FAILED: no such luck\n[3/4] words: {rest[0]}" in said
    assert names_of(root) == rest


def test_an_unknown_run_and_a_root_without_runs_are_errors(toy, root, tmp_path):
    with pytest.raises(InputError, match="--run X: found no finished run of that name; expected one of RQ9_MINE_HIGH"):
        toy.main(["--root", str(root), "--run", "X"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"found no finished run; Code/training/train\.py makes them"):
        toy.main(["--root", str(tmp_path / "empty")])


@pytest.mark.parametrize("state", ["nothing there", "outcomes there", "other settings there"])
def test_a_dry_run_says_what_would_happen_and_leaves_no_byte(toy, root, capsys, state):
    flags = ["--root", str(root), "--run", "RQ9_MINE_LOW--tiny--seed1"]
    if state != "nothing there":
        assert toy.main(flags) == 0
    flags += ["--level", "2"] if state == "other settings there" else []
    before = files_of(root)
    capsys.readouterr()
    assert toy.main([*flags, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("would score RQ9_MINE_LOW--tiny--seed1 on words")
    assert ("there already, bits 1.0" in said) == (state == "outcomes there")
    assert ("found an outcome with other level" in said) == (state == "other settings there")
    assert files_of(root) == before


@pytest.mark.parametrize("more", [[], ["--allow-code-execution"], ["--overwrite"]])
def test_a_dry_run_of_the_bigcode_harness_leaves_no_byte_and_needs_no_leave_to_write(root, capsys, monkeypatch, more):
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    before = files_of(root)
    for path in [root, *root.rglob("*")]:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    bigcode = load_script("evaluation/bigcode.py")
    assert bigcode.main(["--root", str(root), "--demo", "--dry-run", *more]) == 0
    said = capsys.readouterr().out
    assert "would score RQ9_MINE_HIGH--tiny--seed1 on humaneval\n" in said
    assert ("and execute what the models write" in said) == (more == ["--allow-code-execution"])
    assert files_of(root) == before


def refuse(path, *arguments, **options):
    raise AssertionError(f"{path} was to be made")


def test_leave_to_do_without_a_sandbox_is_of_no_use_alone(root):
    with pytest.raises(InputError, match="--unsandboxed: found no --allow-code-execution"):
        load_script("evaluation/bigcode.py").main(["--root", str(root), "--unsandboxed", "--dry-run"])
