"""Training: from splits to fine-tuned models, by LLaMA-Factory.

Makes one folder for every split, base model and seed, Runs/<SPLIT>--<MODEL>--seed<N>/, below the study root (with any
other recipe than the default, Runs/<SPLIT>--<MODEL>--<RECIPE>--seed<N>/):

    train.yaml      LLaMA-Factory's configuration: lines that name model, split and seed, then the recipe
    train.log       its output
    trained/        its results: model, or adapter if LoRA was used; loss curve, figures
    model/          only with --merge: the adapter merged into a copy of the base model, for other tools
    run.json        model, data and settings, with hashes; written last: without it the run is not finished

A finished run is left alone (--merge adds the merged copy to it), an unfinished one begins anew, a failed one is
reported and the others go on. LLaMA-Factory is loaded once for all runs whose recipe says use_cpu. Several machines or
GPUs can share one list: use --shard, or the same command on a shared folder.

    python Code/training/train.py --demo --split RQ2_OSS_DIVERSITY_LOW --split RQ2_OSS_DIVERSITY_HIGH --seeds 1 2
    python Code/training/train.py --question RQ2 --model codellama/CodeLlama-7b-Python-hf --recipe lora --seeds 1 2 3
    python Code/training/train.py --question RQ2 --dry-run
"""

import argparse
import sys
from pathlib import Path

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.publish.registry import register
from instruction_data.runs import environments, plans, recipes, training
from instruction_data.runs.plans import Plan
from instruction_data.runs.trainer import Trainer

MODEL = "codellama/CodeLlama-7b-Python-hf"  # the base model of Magicoder and WaveCoder
DEMO_MODEL = "smollm2"
SEEDS = (42,)
ADAPTERS = ("lora", "oft")  # LLaMA-Factory's kinds of finetuning that leave an adapter beside the base model


def planned(root: Path, options: argparse.Namespace) -> list[Plan]:
    """Return this process's share of the runs that the flags ask for."""
    recipe = recipes.read_recipe(options.recipe or recipes.default(demo=options.demo))
    kind = recipe.options["finetuning_type"]
    if options.merge and kind not in ADAPTERS:
        raise InputError(f"--merge: found finetuning_type {kind} in {recipe.name}; expected {' or '.join(ADAPTERS)}")
    sets = plans.chosen_sets(root, options.question, options.split)
    chosen = options.model or [DEMO_MODEL if options.demo else MODEL]
    bases = [plans.find_base(root, name, make=not options.dry_run) for name in chosen]
    share, shares = options.shard
    label = recipes.label(options.recipe, demo=options.demo)
    return plans.make_plans(root, sets, bases, options.seeds, recipe, label)[share - 1 :: shares]


def parser() -> argparse.ArgumentParser:
    result = cli.described(__doc__)
    what = result.add_argument_group("what is trained on what")
    cli.add_root_flags(what, "the demo's root (build/demo), the embedded SmolLM2-135M and the demo recipe")
    what.add_argument("--split", action="append", default=[], metavar="NAME", help="repeatable (default: every split)")
    what.add_argument("--question", action="append", default=[], metavar="RQ", help="all its splits; repeatable")
    what.add_argument(
        "--model", action="append", metavar="MODEL", help=f"base model: hub id or folder; repeatable (default: {MODEL})"
    )
    what.add_argument("--seeds", type=cli.seed, nargs="+", default=list(SEEDS), metavar="N", help="(default: 42)")
    what.add_argument(
        "--recipe",
        metavar="NAME",
        help="one of Code/training/recipes, or a YAML file of your own (default: full; with --demo demo)",
    )
    how = result.add_argument_group("how")
    how.add_argument(
        "--trainer", type=cli.path, metavar="ENV", help="environment with LLaMA-Factory (default: `make trainer`'s)"
    )
    how.add_argument(
        "--shard", type=cli.shard, default=(1, 1), metavar="I/K", help="only every K-th run, from the I-th on"
    )
    steps = how.add_mutually_exclusive_group()
    steps.add_argument("--dry-run", action="store_true", help="print the commands and stop")
    steps.add_argument("--prepare", action="store_true", help="write the recipes and stop, for you to read or edit")
    steps.add_argument("--check", action="store_true", help="let LLaMA-Factory read and count every split, and stop")
    how.add_argument("--edited", action="store_true", help="run the train.yaml files as they stand")
    how.add_argument("--overwrite", action="store_true", help="train again what is there")
    how.add_argument("--merge", action="store_true", help="merge adapters into copies of the base model, too")
    return result


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.check and (options.overwrite or options.edited or options.merge):
        raise InputError("--check: found --overwrite, --edited or --merge; expected none: it only reads splits")
    root = cli.chosen_root(options)
    if options.dry_run:
        plans.print_commands(root, planned(root, options), overwrite=options.overwrite, merge=options.merge)
        return 0
    environment = environments.find(options.trainer, "--trainer", "trainer", "llamafactory-cli")
    wanted = planned(root, options)
    register(root)
    with Trainer(environment, root) as trainer:
        if options.check:
            training.check_data(root, [plan for plan in wanted if plan.seed == options.seeds[0]], trainer)
            return 0
        how = {"overwrite": options.overwrite, "edited": options.edited}
        return training.train_all(root, wanted, trainer, **how, merge=options.merge, prepare=options.prepare)


if __name__ == "__main__":
    sys.exit(cli.run(main))
