"""The whole study, the self-test and the search for a recipe: what they plan, run and conclude."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.support import tiny_model
from tests.support.needs import needs_trainer
from tests.support.scripts import load_script, run_script
from tests.support.workspaces import opened
from tests.test_controls import make_set, planted

from instruction_data.answer.verdicts import BEYOND, CANNOT, NO_LARGER, UNMATCHED
from instruction_data.errors import InputError
from instruction_data.outcomes import chain
from instruction_data.publish import manifests, origins
from instruction_data.publish.question import Ends, Factors, Question
from instruction_data.publish.record_tables import Column
from instruction_data.runs import runs

RECIPE = """stage: sft
finetuning_type: full
template: alpaca
cutoff_len: 128
per_device_train_batch_size: 8
max_steps: 1
save_strategy: "no"
report_to: none
use_cpu: true
"""


@pytest.fixture
def study():
    return load_script("study/study.py")


@pytest.fixture
def self_test():
    return load_script("study/self_test.py")


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with the ends of a question RQ2 and a set between them."""
    write_pool(list(planted(120)))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    members = {"LOW": np.arange(0, 8), "MEDIUM": np.arange(50, 58), "HIGH": np.arange(90, 98)}
    make_set(tmp_path, members, Question("RQ2", varies=("similarity",), contrast=Ends("LOW", "HIGH")))
    return tmp_path


def said_commands(commands):
    return [chain.said(command) for command in commands]


def test_only_splits_that_are_not_there_are_made(study, root):
    options = study.parser().parse_args(["--root", str(root), "--pools", "mine", "--questions", "RQ2", "RQ3"])
    commands = study.split_commands(options, ["--root", "R"], origins.every(root))
    assert said_commands(commands) == [
        "python Code/RQ4/task_category.py --root R --pool mine",
        "python Code/RQ3/problem_complexity.py --root R --pool mine",
    ]


def test_a_designed_experiment_gets_its_numbers_first_and_no_controls(study, root):
    options = study.parser().parse_args(["--root", str(root), "--pools", "mine", "--questions", "RQ5"])
    commands = said_commands(study.split_commands(options, [], origins.every(root), study.pools_measured(root)))
    assert commands == [
        f"python Code/{name} --pool mine"
        for name in (
            "RQ4/task_category.py",
            "annotate/text_measures.py",
            "RQ3/problem_complexity.py",
            "RQ4/type_coverage.py",
            "derive/factorial_design.py",
        )
    ]
    workspace = opened(root)
    records = workspace.read(workspace.known_pools["mine"])
    workspace.publish_numbers("texts", records, [Column("output_characters", np.arange(120.0))])
    assert study.pools_measured(root) == {"mine"}
    assert len(study.split_commands(options, [], origins.every(root), {"mine"})) == 4
    names = [f"RQ5_MINE_SET{number:02}" for number in (1, 2)]
    make_set(
        root,
        {"SET01": np.arange(8), "SET02": np.arange(8, 16)},
        Question("RQ5", contrast=Factors({"length": names[1:]})),
    )
    mine = [one for one in origins.every(root) if one.manifest["question"] == "RQ5"]
    assert mine[0].manifest["contrasts"][0]["doses"] == dict(zip(names, (0.0, 1.0), strict=True))
    assert study.control_commands([], mine) == []
    assert study.split_commands(options, [], origins.every(root)) == []


def test_the_two_ends_get_controls_once(study, root, capsys):
    commands = study.control_commands([], origins.every(root))
    assert said_commands(commands) == [
        f"python Code/derive/control_splits.py --split RQ2_MINE_{end} --control {control} --repeats {repeats}"
        for end in ("LOW", "HIGH")
        for control, repeats in (("random", 2), ("matched", 1))
    ]
    controls, words = load_script("derive/control_splits.py"), ["--root", str(root), "--split", "RQ2_MINE_LOW"]
    assert controls.main([*words, "--control", "random"]) == 0  # taken as it is
    assert said_commands(study.control_commands([], origins.every(root))) == said_commands(commands[1:])
    assert f"To draw it 2 times: {chain.said(commands[0])} --overwrite\n" in capsys.readouterr().err
    assert controls.main([*words, "--control", "random", "--repeats", "2", "--overwrite"]) == 0
    assert said_commands(study.control_commands([], origins.every(root))) == said_commands(commands[1:])


def test_a_question_without_a_script_is_refused(study, root):
    with pytest.raises(InputError, match="--questions RQ7: found no script"):
        study.main(["--root", str(root), "--questions", "RQ7"])


def test_a_dry_run_says_the_commands_and_writes_nothing(root):
    before = sorted(root.rglob("*"))
    said = run_script("study/study.py", "--root", root, "--pools", "mine", "--questions", "RQ2", "--dry-run")
    assert said.returncode == 0, said.stderr
    assert "--split RQ2_MINE_HIGH --control matched --repeats 1\n" in said.stdout
    assert "--split RQ2_MINE_LOW --split RQ2_MINE_MEDIUM --split RQ2_MINE_HIGH --seeds 1 2\n" in said.stdout
    assert sorted(root.rglob("*")) == before


def test_a_script_in_several_processes_is_heard_from_all_and_fails_with_any():
    lines = []
    assert chain.run(chain.script("training/train.py", "--help"), lines.append, together=2)
    assert sum(line.startswith("usage:") for line in lines) == 2
    assert not chain.run(chain.script("training/train.py", "--split"), lines.append, together=2)


def test_the_time_that_is_left_names_what_it_leaves_out(root, capsys, monkeypatch):
    names = [f"RQ2_MINE_{tier}" for tier in ("LOW", "MEDIUM", "HIGH")]
    trained, scored, clock = {"LOW": SimpleNamespace(records=8)}, {"LOW"}, [0.0]
    monkeypatch.setattr(chain.time, "monotonic", lambda: clock[0])
    chains = [chain.Chain(root, ["--root", str(root)], names, [1], recipe) for recipe in ("lora", "full")]
    monkeypatch.setattr(chain.Chain, "runs", lambda self, _: trained if self.recipe == "lora" else {})
    monkeypatch.setattr(chain.Chain, "scored_here", lambda self: scored)
    update = chain.progress(chains)

    def said(name, into):
        clock[0] += 60
        into.add(name) if into is scored else into.update({name: SimpleNamespace(records=8)})
        capsys.readouterr()
        update("done")
        return capsys.readouterr().out

    assert said("MEDIUM", trained) == "done\n    = 3 of 12 trainings and scorings, about 4 min of training left\n"
    assert said("MEDIUM", scored) == "done\n    = 4 of 12 trainings and scorings, about 8 min left\n"
    assert said("HIGH", trained) == "done\n    = 5 of 12 trainings and scorings, about 7 min left\n"


@pytest.mark.parametrize(("recipe", "several"), [(None, False), ("lora", False), ("demo", True)])
def test_only_trainings_on_processors_run_together(tmp_path, monkeypatch, recipe, several):
    monkeypatch.setattr(chain.os, "cpu_count", lambda: 64)
    made = chain.Chain(tmp_path, ["--root", str(tmp_path)], ["A"], [1], recipe)
    assert made.together == (chain.MOST_TOGETHER if several else 1)
    assert chain.Chain(tmp_path, ["--demo"], ["A"], [1]).together == chain.MOST_TOGETHER


@needs_trainer
def test_the_whole_study_with_real_tools(study, tmp_path, write_pool, monkeypatch, capfd):
    monkeypatch.setattr(study, "DRAWS", 1)

    def lacking():
        raise InputError("found no bubblewrap")

    monkeypatch.setattr(chain.sandbox, "check", lacking)  # so that twins take no time
    write_pool(list(planted(120)))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    members = {"LOW": np.arange(0, 8), "HIGH": np.arange(90, 98)}
    make_set(tmp_path, members, Question("RQ2", varies=("similarity",), contrast=Ends("LOW", "HIGH")))
    base = tiny_model.write(tmp_path / "base")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    words = ["--root", tmp_path, "--pools", "mine", "--questions", "RQ2", "--model", base, "--recipes", recipe]
    words = [*map(str, words), "--seeds", "1"]
    assert study.main(words) == 0
    said = capfd.readouterr().out
    assert said.index("needs a sandbox: found no bubblewrap") < said.index("training/train.py")
    assert "6 training sets, seeds [1]: 6 trainings" in said
    assert "= 12 of 12 trainings and scorings, about 0 s left" in said
    assert len(list(runs.every(tmp_path))) == 6
    assert "HIGH minus LOW" in said
    assert (tmp_path / "report.html").is_file()
    assert study.main([*words, "--dry-run"]) == 0
    assert capfd.readouterr().out.startswith("python Code/training/train.py --root ")  # which leaves what is finished


def test_every_recipe_trains_every_set(root):
    words = ["--root", root, "--pools", "mine", "--questions", "RQ2", "--recipes", "full", "lora", "--dry-run"]
    said = run_script("study/study.py", *words)
    assert said.returncode == 0, said.stderr
    trainings = [line for line in said.stdout.splitlines() if "training/train.py" in line]
    assert [line.partition(" --seeds 1 2 ")[2] for line in trainings] == ["--recipe full", "--recipe lora"]


def test_planted_splits_are_compared_with_the_records_as_they_are(tmp_path):
    script = load_script("RQ0/planted_effects.py")
    words = ["--demo", "--root", str(tmp_path)]
    assert script.main(words) == 0
    ((_, manifest),) = list(manifests.every(tmp_path))
    assert {one["label"] for one in manifest["contrasts"]} == {
        f"{name} minus TRUE" for name in ("PLACEBO", "SHUFFLED", "BROKEN", "PROSE", "STYLE", "SOLVED")
    }
    texts = {
        name.removeprefix("RQ0_PLANTED_"): json.loads((tmp_path / one["file"]).read_bytes())
        for name, one in manifest["splits"].items()
    }
    assert (len(texts), {len(of) for of in texts.values()}) == (14, {75})
    asked = {name: [one["instruction"] for one in of] for name, of in texts.items()}
    for name, ending in itertools.product(("SHUFFLED", "BROKEN", "PROSE", "STYLE"), ("", "_R2")):
        true = f"TRUE{ending}"
        assert asked[name + ending] == asked[true]
        assert [one["output"] for one in texts[name + ending]] != [one["output"] for one in texts[true]]
    assert len({*asked["SOLVED"]} - {*asked["TRUE"]} - {*asked["SOLVED_R2"]}) == 37
    quarters = [set(asked[name]) for name in ("TRUE", "TRUE_R2", "PLACEBO", "PLACEBO_R2")]
    assert len(set.union(*quarters)) == 300
    assert script.main(words) == 0
    with pytest.raises(InputError, match="found another pool there"):
        script.main([*words, "--seed", "7"])


def row_of(plant, metric, verdict, estimate, higher_is_better):
    metric = {"name": metric, "unit": "u", "kind": "likelihood", "higher_is_better": higher_is_better}
    ends = {"estimate": estimate, "low": estimate - 0.01, "high": estimate + 0.01, "span": 1.0, "level": 0.5}
    return (
        {"contrast": f"{plant} minus TRUE", "metric": metric, "verdict": verdict, "p_corrected": 0.01}
        | ends
        | {"detectable": 0.02}
    )


RIGHT = {
    ("SOLVED", "gold_bpb"): (UNMATCHED, -0.1, False),
    ("PROSE", "gold_bpb"): (UNMATCHED, 0.1, False),
    ("BROKEN", "pairs_margin"): (BEYOND, -0.1, True),
    ("STYLE", "pairs"): (NO_LARGER, 0.0, True),
    ("STYLE", "gold_bpb"): (UNMATCHED, 0.1, False),
    ("PLACEBO", "gold_bpb"): (NO_LARGER, 0.0, False),
    ("PLACEBO", "pairs"): (NO_LARGER, 0.0, True),
    ("SHUFFLED", "gold_bpb"): (NO_LARGER, 0.0, False),
    ("SHUFFLED", "pairs_margin"): (NO_LARGER, 0.0, True),
}


@pytest.mark.parametrize(
    ("key", "found", "wrong"),
    [
        (None, None, 0),
        (("SOLVED", "gold_bpb"), (NO_LARGER, -0.1, False), 1),
        (("PROSE", "gold_bpb"), (UNMATCHED, -0.1, False), 1),
        (("PLACEBO", "gold_bpb"), (UNMATCHED, -0.1, False), 1),
        (("PLACEBO", "pairs"), (CANNOT, 0.0, True), 1),
        (("STYLE", "pairs"), (BEYOND, -0.1, True), 1),
        (("SHUFFLED", "gold_bpb"), (UNMATCHED, -0.1, False), 0),
    ],
)
def test_the_self_test_fails_where_a_verdict_is_another(self_test, key, found, wrong):
    contrasts = [row_of(*of, *values) for of, values in (RIGHT | ({key: found} if key else {})).items()]
    rows = self_test.table_rows(contrasts)
    assert sum(row["as expected"] == "NO" for row in rows) == wrong
    with pytest.raises(InputError, match="found no pairs of STYLE"):
        self_test.table_rows([row for row in contrasts if row["metric"]["name"] != "pairs"])


@pytest.mark.parametrize(("solved", "others", "flagged"), [(37, 0, True), (3, 0, False), (37, 5, False)])
def test_solved_problems_must_be_flagged_and_others_not(self_test, solved, others, flagged):
    hits = {"SOLVED": solved, "TRUE": others}
    found = {
        f"RQ0_PLANTED_{name}": {"HumanEval": {"records": 75, "substring": {"records": count}}}
        for name, count in hits.items()
    }
    assert self_test.contamination_row({"splits": found})["as expected"] == ("yes" if flagged else "NO")


def test_the_search_measures_signal_over_the_noise_of_seeds_and_draws(tmp_path):
    search = load_script("study/recipe_search.py")
    found = {"TRUE": [0.50, 0.52], "TRUE_R2": [0.53, 0.55], "PLACEBO": [0.50, 0.52], "PROSE": [0.60, 0.62]}
    made = search.figures(found, 2.0)
    assert made["signal"] == pytest.approx(0.1 / 0.51)
    assert made["seeds"] == pytest.approx(0.02 / 2**0.5 / 0.51)
    assert made["draws"] == pytest.approx(np.std([0.51, 0.54, 0.51], ddof=1) / 0.51)
    assert made["ratio"] == pytest.approx(made["signal"] / np.hypot(made["seeds"], made["draws"]))
