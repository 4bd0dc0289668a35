"""The whole study: splits, controls, training, scores, verdicts and the page, in one command.

For every question and pool it runs the project's own scripts, in this order:

    Code/RQ1 … RQ4          the splits
    Code/derive             random and matched controls of the ends of each primary contrast; with --shares, parts of
                            sets; for RQ5 the designed sets
    Code/training           LLaMA-Factory, two seeds of each
    Code/evaluation         likelihood.py, then compare.py with the verdicts
    Code/report             profiles, contamination and the page

Whatever is there already stays as it is, so that the same command goes on after a break. Splits that were made with
flags of your own are taken as they are.

    python Code/study/study.py --demo
    python Code/study/study.py --demo --questions RQ2 --seeds 1 2 3
    python Code/study/study.py --demo --questions RQ5          the designed experiment (factorial_design.py)
    python Code/study/study.py --demo --questions RQ2 --recipes demo demo-low-rate demo-long
    python Code/study/study.py --demo --questions RQ2 --recipes demo-steps --shares 10 20 40 80
    python Code/study/study.py --pools oss --model codellama/CodeLlama-7b-Python-hf --recipes lora
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files.places import CODE, matching
from instruction_data.outcomes import chain
from instruction_data.outcomes.chain import Chain
from instruction_data.publish import manifests, origins
from instruction_data.publish.origins import Origin
from instruction_data.publish.publication import NUMBERS

CATEGORIES = "RQ4/task_category.py"  # first of all, since matched controls share the category, too
DRAWS = 2  # of the random control of each end, so that four draws of one size tell what chance does
SEEDS = (1, 2)
DESIGNED = "RQ5"  # the question that varies all properties at once
NEEDED = ("RQ2", "RQ3", "RQ4")  # whose numbers per record it takes
LENGTHS, LENGTH = "annotate/text_measures.py", "output_characters"
DESIGN = "derive/factorial_design.py"
REPORTS = ("report/profile_splits.py", "report/contamination.py", "report/report.py")


def scripts_of(question: str) -> list[str]:
    """Return the scripts of a question, below Code.

    Raises:
        InputError: there are none.
    """
    if question == DESIGNED:
        return [DESIGN]
    found = [path.relative_to(CODE).as_posix() for path in matching(CODE, f"{question}/*.py")]
    if not found:
        raise InputError(f"--questions {question}: found no script in {CODE / question}; expected some")
    return found


def split_commands(
    options: argparse.Namespace, words: Sequence[str], there: Sequence[Origin], measured: Collection[str] = ()
) -> list[list[str]]:
    """Return the commands that make the splits that are not there yet, and the numbers that they are made by.

    Args:
        measured: the pools of whose records the lengths are published.
    """
    commands = []
    for pool in options.pools:
        made = {one.manifest["question"] for one in there if one.manifest["pool"] == pool}
        wanted = [question for question in options.questions if question not in made]
        if DESIGNED in wanted:
            wanted = [*(one for one in NEEDED if one not in {*made, *wanted}), *sorted(wanted)]
        asked = [script for question in wanted for script in scripts_of(question)]
        lengths = [LENGTHS] if DESIGNED in wanted and pool not in measured else []
        names = list(dict.fromkeys([CATEGORIES, *lengths, *asked])) if asked else []
        commands += [chain.script(name, *words, "--pool", pool) for name in names]
    return commands


def pools_measured(root: Path) -> set[str]:
    """Return the pools of whose records the lengths are published."""
    found = set()
    for _, manifest in manifests.every(root):
        columns = [of.get("columns", {}) for of in manifest["files"].values()]
        if manifest["question"] == NUMBERS and any(LENGTH in one for one in columns):
            found.add(manifest["pool"])
    return found


def chosen(options: argparse.Namespace, there: Sequence[Origin]) -> list[Origin]:
    """Return the splits of the questions and pools that the flags name, controls included."""
    found = []
    for one in there:
        settings = one.manifest["settings"]
        mine = one.manifest["question"] in options.questions and one.manifest["pool"] in options.pools
        whole = manifests.PART_OF not in settings or settings["percent"] in options.shares
        if mine and whole and "decontaminated" not in settings:
            found.append(one)
    return found


def ends(manifest: Mapping) -> list[str]:
    """Return the splits at the two ends of a set's primary contrasts."""
    found = []
    for doses in (one["doses"] for one in manifest["contrasts"] if one["kind"] != "factor"):
        found += [min(doses, key=doses.get), max(doses, key=doses.get)]
    return list(dict.fromkeys(found))


def control_commands(words: Sequence[str], splits: Sequence[Origin]) -> list[list[str]]:
    """Return the commands that make the controls that are not there yet. Of those there, say what was drawn too seldom.

    Mixtures of domains have none: any draw that keeps the shares of the domains says nothing about domains.
    """
    asked = [one.manifest["settings"] for one in splits]
    drawn = {(of.get("split"), of.get("control")): of.get("repeats", 1) for of in asked}
    commands = []
    for one in splits:
        mixed = any(len(other["sources"]) > 1 for other in one.manifest["splits"].values())
        if one.derived or mixed or one.name not in ends(one.manifest):
            continue
        for control, repeats in (("random", DRAWS), ("matched", 1)):
            more = ["--split", one.name, "--control", control, "--repeats", str(repeats)]
            command = chain.script("derive/control_splits.py", *words, *more)
            there = drawn.get((one.name, control), 0)
            if not there:
                commands.append(command)
            elif there < repeats:
                said = f"{one.name}: its {control} control was drawn once, which does not tell how much draws differ"
                print(f"{said}. To draw it {repeats} times: {chain.said(command)} --overwrite", file=sys.stderr)
    return commands


def part_commands(options: argparse.Namespace, words: Sequence[str], splits: Sequence[Origin]) -> list[list[str]]:
    """Return the command that makes the parts of sets that are not there yet.

    Only what a primary contrast compares is made in other sizes, and random controls, which tell chance.
    """
    settings = {one.name: one.manifest["settings"] for one in splits}
    there = {(of.get(manifests.PART_OF), of.get("percent")) for of in settings.values()}
    compared = {name for one in splits for contrast in one.manifest["contrasts"] for name in contrast["doses"]}
    wholes = [name for name, of in settings.items() if name in compared or of.get("control") == "random"]
    lacking = [name for name in wholes if any((name, share) not in there for share in options.shares)]
    shares = [str(share) for share in options.shares]
    return [chain.script("derive/sized_splits.py", *words, "--split", *lacking, "--shares", *shares)] if lacking else []


def root_words(options: argparse.Namespace) -> list[str]:
    """Return the flags that name the study root to every script."""
    return [*(["--demo"] if options.demo else []), *(["--root", str(options.root)] if options.root else [])]


def chain_of(options: argparse.Namespace, root: Path, splits: Sequence[str], recipe: str | None) -> Chain:
    """Return the chain that trains on splits by one recipe, scores and compares."""
    words, models, tasks = root_words(options), options.model or (), options.task or chain.TASKS
    return Chain(root, words, splits, options.seeds, recipe=recipe, models=models, tasks=tasks)


def make(commands: Sequence[Sequence[str]]) -> None:
    """Run commands that later ones build on.

    Raises:
        InputError: one of them failed.
    """
    for command in commands:
        if not chain.run(command):
            raise InputError(f"{chain.said(command)}: it failed; expected its splits, on which all else builds")


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is studied")
    cli.add_root_flags(what, "the demo's root (build/demo), the embedded SmolLM2-135M and the demo recipe")
    what.add_argument(
        "--questions",
        nargs="+",
        default=["RQ1", "RQ2", "RQ3", "RQ4"],
        metavar="RQ",
        help="(default: RQ1 … RQ4; RQ5: designed sets)",
    )
    what.add_argument(
        "--shares",
        nargs="+",
        type=cli.positive,
        default=[],
        metavar="PERCENT",
        help="train parts of the sets, too, as for sized_splits.py; with a recipe whose steps grow with the set",
    )
    what.add_argument("--pools", nargs="+", default=["oss"], metavar="POOL", help="code pools (default: oss)")
    how = result.add_argument_group("how it is trained and scored")
    how.add_argument("--seeds", type=cli.seed, nargs="+", default=list(SEEDS), metavar="N", help="(default: 1 2)")
    how.add_argument(
        "--model", action="append", metavar="MODEL", help="base model, as for Code/training/train.py; repeatable"
    )
    how.add_argument(
        "--recipes",
        nargs="+",
        metavar="NAME",
        help="each as for train.py --recipe; with several, verdicts say what holds with all",
    )
    how.add_argument(
        "--task", action="append", metavar="TASK", help="as for likelihood.py; repeatable (default: humaneval)"
    )
    how.add_argument("--dry-run", action="store_true", help="print the commands as far as they are known, and stop")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    root = cli.made_demo_root(options) if options.demo else cli.chosen_root(options)
    words = root_words(options)
    commands = split_commands(options, words, origins.every(root), pools_measured(root))
    if not options.dry_run:
        make(commands)
        make(control_commands(words, chosen(options, origins.every(root))))
        make(part_commands(options, words, chosen(options, origins.every(root))))
    splits = [one.name for one in chosen(options, origins.every(root))]
    chains = [chain_of(options, root, splits, recipe) for recipe in options.recipes or [None]]
    if options.dry_run:
        there = chosen(options, origins.every(root))
        later = [*control_commands(words, there), *part_commands(options, words, there)]
        training = [one.train(splits or ["EVERY_SPLIT"], options.seeds) for one in chains]
        for command in [*commands, *later, *training]:
            print(chain.said(command))
        print("then likelihood.py, compare.py, profile_splits.py, contamination.py and report.py")
        return 0
    trainings = len(splits) * len(options.seeds) * len(chains) * len(options.model or [None])
    recipes = f", {len(chains)} recipes" if len(chains) > 1 else ""
    print(f"\n{len(splits)} training sets, seeds {options.seeds}{recipes}: {trainings} trainings")
    update = chain.progress(chains)
    followed = [one.follow(update) for one in chains]
    well = all(followed)
    if any(one.scored() for one in chains):
        well = chains[0].compare() and well
    for name in REPORTS:
        well = chain.run(chain.script(name, *words)) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(cli.run(main))
