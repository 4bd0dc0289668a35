"""Comparing outcomes: the script on study roots."""

import csv
import io
import itertools

import numpy as np
import pytest
from scipy import stats
from tests.support.scripts import load_script, run_script
from tests.support.studies import first, simulated, true_rate

from instruction_data.answer import units
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Metric, Outcome

SCRIPT = "evaluation/compare.py"
DERIVED = ("comparison.csv", "differences.csv", "transfer.csv", "effects.csv", "comparison.md", "comparison.json")


@pytest.fixture(scope="module")
def compare():
    return load_script(SCRIPT)


def outcome(condition, seed, passed, **changes):
    """The outcome of one run; ``passed`` is bool ``[problems]`` or ``[problems, samples]``."""
    passed = np.asarray(passed, dtype=bool).reshape(len(passed), -1)
    fields = {
        "run": f"{condition}--model--seed{seed}",
        "question": "RQ2",
        "pool": "oss",
        "split": condition,
        "condition": condition,
        "model": "model",
        "seed": seed,
        "harness": "bigcode",
        "task": "humaneval",
        "settings": {"temperature": 0.0},
        "reported": {"pass@1": float(passed.mean())},
        "problems": {f"HumanEval/{number}": row.tolist() for number, row in enumerate(passed)},
        "versions": {"torch": "2"},
        "files": {},
    }
    return Outcome(**(fields | changes))


def written(root, found):
    for one in found:
        outcomes.write(root, one)
    return root


def document_of(compare, root, *flags):
    assert compare.main(["--root", str(root), *flags]) == 0
    return documents.read_derived(root / "Results/comparison.json", "compare.py")


def task_of(document, number=0):
    return document["questions"][0]["groups"][0]["tasks"][number]


def sentences_of(document):
    return "\n".join(document["questions"][0]["groups"][0]["sentences"])


@pytest.fixture(scope="module")
def planted():
    """Six conditions of three seeds on two tasks; the fifth is better by 1.5 on the logit scale."""
    generator = np.random.default_rng(11)
    found = []
    for task in ("humaneval", "mbpp"):
        rates = simulated(generator, 3, conditions=6, seeds=0.1)[[0, 2, 3, 4, 1, 5]]
        better = simulated(np.random.default_rng(1), 3, conditions=6, seeds=0.1, effect=1.5)
        rates[[0, 4]] = better[[0, 1]]
        for condition, seed in itertools.product(range(6), range(3)):
            passed = rates[condition, seed] > 0.5
            found.append(outcome(f"RQ2_OSS_{condition}", 42 + seed, passed, task=task))
    return found


def test_a_planted_difference_is_found_with_sign_and_size(compare, planted, tmp_path, capsys):
    document = document_of(compare, written(tmp_path, planted))
    pairs = {(one["condition"], one["against"]): one for one in task_of(document)["differences"]}
    assert document["questions"][0]["comparisons"] == 30
    assert len(pairs) == 15
    found = pairs["RQ2_OSS_0", "RQ2_OSS_4"]
    assert found["supported"]
    assert found["low"] <= true_rate(-1, 0, 0.1) - true_rate(-1, 1.5, 0.1) <= found["high"] < 0
    assert "Supported: RQ2_OSS_0 minus RQ2_OSS_4 on humaneval is -" in capsys.readouterr().out
    assert not pairs["RQ2_OSS_1", "RQ2_OSS_2"]["supported"]


def test_the_tables_say_what_the_json_says(compare, planted, tmp_path):
    document = document_of(compare, written(tmp_path, planted))
    rates = list(csv.DictReader(io.StringIO((tmp_path / "Results/comparison.csv").read_text())))
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "Results/differences.csv").read_text())))
    assert (len(rates), len(pairs)) == (12, 30)
    condition = task_of(document)["conditions"][0]
    assert float(rates[0]["estimate"]) == condition["pass_at"]["1"]["estimate"]
    assert float(rates[0]["deviation"]) == condition["pass_at"]["1"]["deviation"] > 0
    assert [float(one["difference"]) for one in pairs[:15]] == [
        one["difference"] for one in task_of(document)["differences"]
    ]
    mean = np.mean([run["pass@1"] for run in condition["runs"]])
    assert condition["pass_at"]["1"]["estimate"] == pytest.approx(mean, abs=1e-5)
    assert set(document["inputs"]) == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("Results/*/*/*.json")
    }


def test_order_of_files_and_problems_changes_no_byte(compare, planted, tmp_path):
    written(tmp_path / "one", planted)
    shuffled = [Outcome(**(vars(one) | {"problems": dict(reversed(one.problems.items()))})) for one in planted[::-1]]
    written(tmp_path / "other", shuffled)
    one, other = (document_of(compare, tmp_path / name) for name in ("one", "other"))
    assert one["questions"] == other["questions"]
    for name in DERIVED[:4]:
        assert (tmp_path / "one/Results" / name).read_bytes() == (tmp_path / "other/Results" / name).read_bytes()
    items = compare.read(tmp_path / "one")
    assert compare.compare(items[::-1], 42) == one


def test_a_rerun_gives_the_same_bytes_and_the_seed_changes_the_bootstrap_alone(compare, planted, tmp_path):
    document = document_of(compare, written(tmp_path, planted))
    before = {name: (tmp_path / "Results" / name).read_bytes() for name in DERIVED}
    document_of(compare, tmp_path)
    assert before == {name: (tmp_path / "Results" / name).read_bytes() for name in DERIVED}
    other = document_of(compare, tmp_path, "--seed", "7")
    assert other != document
    for one in (document, other):
        del one["seed"]
        for task in one["questions"][0]["groups"][0]["tasks"]:
            for pair in task["differences"]:
                del pair["these_runs"]
    assert other == document


def test_other_outcomes_replace_the_comparison(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(20))])
    assert len(task_of(document_of(compare, tmp_path))["conditions"]) == 2
    written(tmp_path, [outcome("C", 1, first(40))])
    assert len(task_of(document_of(compare, tmp_path))["differences"]) == 3
    assert sorted(path.name for path in (tmp_path / "Results").iterdir() if path.is_file()) == sorted(DERIVED)


def test_single_runs_are_compared_by_mcnemar_and_seeds_are_said_to_be_unknown(compare, tmp_path):
    document = document_of(compare, written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(20))]))
    pair = task_of(document)["differences"][0]
    assert (pair["test"], pair["mcnemar"]["only_condition"], pair["mcnemar"]["only_against"]) == (
        "McNemar, exact",
        10,
        0,
    )
    assert pair["p"] == pytest.approx(stats.binomtest(10, 10).pvalue, rel=1e-5)
    assert "nothing is known of what another seed would have given" in sentences_of(document)


def test_draws_of_a_split_are_replicates_of_one_condition(compare, tmp_path):
    draws = [
        outcome("A", seed, first(30 + seed + draw), split=split, run=f"{split}--{seed}")
        for draw, split in enumerate(("A", "A_R2", "A_R3"))
        for seed in (1, 2)
    ]
    document = document_of(compare, written(tmp_path, [*draws, outcome("B", 1, first(20))]))
    condition = task_of(document)["conditions"][0]
    assert (condition["replicates"], condition["replicates_are"], len(condition["runs"])) == (3, "draws", 6)
    assert task_of(document)["intervals_over"] == "problems and runs"


def test_pass_at_10_where_there_are_10_samples(compare, tmp_path):
    generator = np.random.default_rng(0)
    found = [outcome(name, 1, generator.random((60, 10)) < 0.1) for name in "AB"]
    found += [outcome(name, 1, generator.random((60, 9)) < 0.1, task="mbpp") for name in "AB"]
    document = document_of(compare, written(tmp_path, found))
    humaneval, mbpp = (task_of(document, number)["conditions"][0]["pass_at"] for number in (0, 1))
    assert (list(humaneval), list(mbpp)) == (["1", "10"], ["1"])
    solved = np.mean([any(passed) for passed in found[0].problems.values()])
    assert humaneval["10"]["estimate"] == pytest.approx(solved, abs=1e-5)
    assert task_of(document)["differences"][0]["mcnemar"] is None


@pytest.mark.parametrize(
    "passed, expected",
    [
        ({"A": first(0), "B": first(0)}, "every pass@1 is 0%: these numbers are noise and show only that the chain"),
        ({"A": first(60), "B": first(60)}, "every pass@1 is 100%: these numbers are noise and show only that the"),
        ({"A": first(1, 1), "B": first(0, 1)}, "1 problem, fewer than 50: these numbers are noise"),
        ({"A": first(49, 49), "B": first(0, 49)}, "49 problems, fewer than 50: these numbers are noise"),
        ({"A": first(9), "B": first(9)}, "Not supported: none of 1 differences can be told from chance"),
        ({"A": first(60), "B": first(0)}, "Supported: A minus B on humaneval is +100.0 points"),
        ({"A": first(9)}, "One trained condition a task: there is nothing to compare."),
        ({"A": first(0)}, "every pass@1 is 0%: these numbers are noise"),
    ],
)
@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_what_can_be_said_of_extremes_is_said(compare, tmp_path, passed, expected, seeds):
    found = [outcome(name, seed, solved) for name, solved in passed.items() for seed in seeds]
    document = document_of(compare, written(tmp_path, found))
    assert expected in sentences_of(document)
    assert ("noise" in expected) == (task_of(document)["noise"] is not None)
    assert "noise" not in expected or not any(one["supported"] for one in task_of(document)["differences"])
    for name in DERIVED:
        words = (tmp_path / "Results" / name).read_text().lower().replace(",", " ").split()
        assert not {"nan", "inf", "-inf", "nan%"} & set(words)
    rate = task_of(document)["conditions"][0]["pass_at"]["1"]
    assert 0 <= rate["low"] < rate["high"] <= 1


def test_different_settings_are_kept_apart_and_said_to_be(compare, tmp_path):
    found = [outcome(name, 1, first(30)) for name in "AB"]
    found.append(outcome("C", 1, first(50), settings={"temperature": 0.8}))
    document = document_of(compare, written(tmp_path, found))
    tasks = document["questions"][0]["groups"][0]["tasks"]
    assert [(task["label"], len(task["conditions"])) for task in tasks] == [
        ("humaneval (settings 1)", 2),
        ("humaneval (settings 2)", 1),
    ]
    assert document["questions"][0]["comparisons"] == 1
    assert "humaneval (settings 2): scored with settings of its own" in sentences_of(document)


@pytest.mark.parametrize("field", ["pool", "model", "harness", "question"])
def test_only_like_is_compared_with_like(compare, tmp_path, field):
    found = [outcome("A", 1, first(30)), outcome("B", 1, first(20), **{field: "another"})]
    document = document_of(compare, written(tmp_path, found))
    groups = [group for question in document["questions"] for group in question["groups"]]
    assert len(groups) == 2
    assert sum(question["comparisons"] for question in document["questions"]) == 0


def test_settings_and_reported_figures_are_kept_to_the_last_digit(compare, tmp_path):
    found = outcome("A", 1, first(20), settings={"top_p": 0.123456789}, reported={"pass@1": 1 / 3})
    task = task_of(document_of(compare, written(tmp_path, [found])))
    assert task["settings"] == {"top_p": 0.123456789}
    assert task["conditions"][0]["runs"][0]["reported"] == {"pass@1": 1 / 3}
    assert task["conditions"][0]["runs"][0]["pass@1"] == 0.333333


def test_noise_is_in_the_tables_and_not_among_the_differences_of_the_page(compare, tmp_path):
    found = [outcome(name, 1, first(count)) for name, count in (("A", 30), ("B", 20))]
    found += [outcome(name, 1, first(count, 20), task="mbpp") for name, count in (("A", 20), ("B", 0))]
    document_of(compare, written(tmp_path, found))
    page, rows = ((tmp_path / "Results" / name).read_text() for name in ("comparison.md", "differences.csv"))
    assert "| A minus B | humaneval |" in page
    assert "| A minus B | mbpp |" not in page
    assert "20 problems, fewer than 50" in rows


def test_p_values_are_corrected_for_the_whole_question(compare, tmp_path):
    found = [
        outcome(name, 1, first(count), pool=pool, run=f"{pool}-{name}")
        for pool in ("oss", "evol")
        for name, count in (("A", 30), ("B", 23))
    ]
    document = document_of(compare, written(tmp_path, found))
    pairs = [group["tasks"][0]["differences"][0] for group in document["questions"][0]["groups"]]
    assert [pair["p"] for pair in pairs] == pytest.approx([stats.binomtest(7, 7).pvalue] * 2)
    assert [pair["p_corrected"] for pair in pairs] == pytest.approx([2 * pairs[0]["p"]] * 2)


def test_what_is_missing_or_unlike_is_said(compare, tmp_path):
    found = [outcome(name, 1, first(30)) for name in "AB"]
    found.append(outcome("A", 1, first(30), task="mbpp", versions={"torch": "1"}))
    found.append(outcome("A", 2, first(30), task="mbpp"))
    text = sentences_of(document_of(compare, written(tmp_path, found)))
    assert "mbpp: no outcome of B." in text
    assert "mbpp: its runs were not all scored with the same version of torch." in text


def test_a_partly_scored_run_is_refused(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("B", 1, first(30, 59))])
    with pytest.raises(
        InputError, match=r"B--model--seed1.json: found 59 problems, without 'HumanEval/59'; expected .*60"
    ):
        compare.main(["--root", str(tmp_path)])
    assert not (tmp_path / "Results/comparison.json").exists()


def test_other_problems_are_refused(compare, tmp_path):
    other = outcome("B", 1, first(30))
    other = Outcome(**(vars(other) | {"problems": {f"x{name}": one for name, one in other.problems.items()}}))
    written(tmp_path, [outcome("A", 1, first(30)), other])
    with pytest.raises(InputError, match="found 60 problems, without"):
        compare.main(["--root", str(tmp_path)])


def test_two_runs_that_differ_in_nothing_recorded_are_refused(compare, tmp_path):
    written(tmp_path, [outcome("A", 1, first(30)), outcome("A", 1, first(31), run="again")])
    with pytest.raises(InputError, match="second run on 'A' with seed 1"):
        compare.main(["--root", str(tmp_path)])


def test_a_copied_outcome_is_refused(compare, tmp_path):
    place = outcomes.write(tmp_path, outcome("A", 1, first(30)))
    (place.parent / "copy.json").write_bytes(place.read_bytes())
    with pytest.raises(InputError, match=r"copy.json: found the outcome that belongs to .*A--model--seed1.json"):
        compare.main(["--root", str(tmp_path)])


def test_users_get_errors_and_no_tracebacks(tmp_path):
    empty, missing = run_script(SCRIPT, "--root", tmp_path), run_script(SCRIPT, "--root", tmp_path / "none")
    place = outcomes.write(tmp_path, outcome("A", 1, first(30)))
    place.write_bytes(place.read_bytes()[:-9])
    broken = run_script(SCRIPT, "--root", tmp_path)
    for result, expected in ((empty, "found no outcome"), (missing, "no such folder"), (broken, "malformed JSON")):
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert expected in result.stderr
        assert "Traceback" not in result.stderr


def test_names_are_neither_formulas_nor_markup(compare, tmp_path, capsys):
    names = ["=1+1", "@SUM(A1)", "-2", "+3", "a|b`<b>*x*", "two\nlines\x1b[0m"]
    found = [
        outcome(name, 1, first(10 * number), run=f"run{number}", pool="=pool") for number, name in enumerate(names)
    ]
    document = document_of(compare, written(tmp_path, found))
    assert [one["condition"] for one in task_of(document)["conditions"]] == sorted(names, key=units.natural)
    for name in DERIVED[:3]:
        rows = list(csv.reader(io.StringIO((tmp_path / "Results" / name).read_text())))
        assert len({len(row) for row in rows}) == 1
        for cell in itertools.chain.from_iterable(rows):
            assert not cell.startswith(("=", "+", "@"))
            assert not cell.startswith("-") or float(cell) < 0
    markdown = (tmp_path / "Results/comparison.md").read_text()
    assert "<b>" not in markdown
    assert all(line.replace(r"\|", "").count("|") in (3, 7) for line in markdown.splitlines() if line.startswith("|"))
    assert "\x1b" not in markdown + capsys.readouterr().out


# Metrics beside pass@1

BITS = Metric("gold_bpb", "bits per byte", "likelihood", higher_is_better=False)


def likelihood(condition, seed, level, **changes):
    """An outcome in bits per byte: 60 problems of their own difficulty, around ``level``."""
    numbers = np.random.default_rng(0).gamma(4, 0.1, 60) + np.random.default_rng(seed).normal(level, 0.01, 60)
    numbers += {1: 0.002, 2: -0.002}[seed]
    problems = {f"HumanEval/{number}": [float(one)] for number, one in enumerate(numbers)}
    return outcome(condition, seed, first(30), problems=problems, reported={}, metric=BITS, **changes)


def test_another_metric_is_compared_in_its_unit_beside_pass_at_1(compare, tmp_path):
    found = [likelihood(name, seed, level) for name, level in (("A", 0.3), ("B", 0.4)) for seed in (1, 2)]
    found += [outcome(name, seed, first(30)) for name in "AB" for seed in (1, 2)]
    document = document_of(compare, written(tmp_path, found))
    passed, bits = document["questions"][0]["groups"][0]["tasks"]
    assert [(one["label"], one["metric"]["name"]) for one in (passed, bits)] == [
        ("humaneval", "pass@1"),
        ("humaneval, gold_bpb", "gold_bpb"),
    ]
    assert bits["metric"] == vars(BITS)
    one = bits["conditions"][0]
    assert one["estimate"] == pytest.approx(np.mean([run["mean"] for run in one["runs"]]), rel=1e-5)
    assert one["low"] < one["estimate"] < one["high"]
    assert "pass_at" not in one
    assert {name: passed["conditions"][0][name] for name in ("estimate", "low", "high", "deviation")} == passed[
        "conditions"
    ][0]["pass_at"]["1"]
    pair = bits["differences"][0]
    assert pair["difference"] == pytest.approx(-0.1, abs=0.01)
    assert (pair["supported"], pair["mcnemar"], pair["test"]) == (True, None, "Student's t")
    assert (
        "A minus B on humaneval, gold_bpb is -0.1 bits per byte (lower is better; 95 % interval -0.1"
        in sentences_of(document)
    )
    page = (tmp_path / "Results/comparison.md").read_text()
    assert "humaneval, gold_bpb, bits per byte, lower is better (60 problems)" in page
    assert "| -0.1 bits per byte (-0.1" in page
    rows = list(csv.DictReader(io.StringIO((tmp_path / "Results/comparison.csv").read_text())))
    assert [(row["metric"], row["unit"], row["k"]) for row in rows[1:3]] == [
        ("pass@1", "share of problems", "1"),
        ("gold_bpb", "bits per byte", ""),
    ]
    assert float(rows[2]["estimate"]) == one["estimate"]


def test_one_name_for_two_metrics_and_one_problem_alone_are_refused(compare, tmp_path):
    other = Metric("gold_bpb", "nats per byte", "likelihood", higher_is_better=False)
    written(tmp_path / "a", [likelihood("A", 1, 0.3), Outcome(**vars(likelihood("B", 1, 0.3)) | {"metric": other})])
    with pytest.raises(InputError, match=r"B--model--seed1@gold_bpb.json: found the metric .*nats.* expected .*bits"):
        compare.main(["--root", str(tmp_path / "a")])
    written(tmp_path / "b", [Outcome(**vars(likelihood("A", 1, 0.3)) | {"problems": {"p": [0.5]}})])
    with pytest.raises(InputError, match="found one problem; expected two or more"):
        compare.main(["--root", str(tmp_path / "b")])


def test_numbers_that_are_all_the_same_are_noise(compare, tmp_path):
    problems = {f"p{number}": [0.5] for number in range(60)}
    found = [Outcome(**vars(likelihood(name, 1, 0.3)) | {"problems": problems}) for name in "AB"]
    assert "every number is 0.5: these numbers are noise" in sentences_of(
        document_of(compare, written(tmp_path, found))
    )
