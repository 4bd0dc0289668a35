"""Text measures: how long is each record, in which language is its code, does its Python compile?

Publishes measures of single records' texts as a table of numbers, which profiles, confounds, controls and the page find
by its manifest. Writes, for each pool that is here, in Datas/Numbers/<POOL>/:

    <POOL>_texts.parquet         a row per record: characters and tokens of instruction and output, input, language …
    <POOL>_texts_manifest.json   the description of each column: label, unit, scale, kind

Code/report/profile_splits.py measures the same if there is no such table. Publish the table to match controls on its
columns, or to keep it beside the splits. docs/pools.md shows how to publish your own numbers, such as a judge's score.

    python Code/annotate/text_measures.py --demo
    python Code/annotate/text_measures.py --pool oss --tokenizer codellama/CodeLlama-7b-hf
"""

import argparse
import sys
from functools import partial

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files import formats
from instruction_data.measures.texts import Tools, load_tokenizer, measured
from instruction_data.pools.table import Pool
from instruction_data.publish.publication import NUMBERS
from instruction_data.publish.question import Question
from instruction_data.workspace import Workspace

NAME = "texts"
TOKENIZER = "smollm2"


def pools_here(workspace: Workspace) -> list[Pool]:
    """Return the pools that --pool names, or all pools whose file is here.

    Raises:
        InputError: there is none.
    """
    if workspace.pool_choices:
        return workspace.code_pools
    files = [(pool, pool.file(workspace.root)) for pool in workspace.known_pools.values()]
    here = [pool for pool, file in files if file.is_file() and not formats.pointer_of(file)]
    if not here:
        raise InputError(f"{workspace.root}: found no pool's file; expected one: --pool NAME=PATH, or --demo")
    return here


def publish_pool(workspace: Workspace, options: argparse.Namespace, pool: Pool) -> None:
    """Measure the texts of one pool and publish the numbers."""
    records = workspace.read(pool)
    tools = Tools(*load_tokenizer(options.tokenizer), workspace.compute)
    models = {"tokenizer": tools.tokenizer_identity}
    workspace.publish_numbers(NAME, records, measured(records, tools), models=models)


def parser() -> argparse.ArgumentParser:
    result = cli.parser(__doc__)
    group = result.add_argument_group("text measures")
    group.add_argument(
        "--tokenizer", default=TOKENIZER, metavar="MODEL", help="whose tokens are counted (default: %(default)s)"
    )
    return result


def main(argv: list[str] | None = None) -> int:
    workspace, options = cli.open_workspace(parser(), argv, __file__)
    publish = partial(publish_pool, workspace, options)
    workspace.for_each_pool(publish, Question(NUMBERS), pools=pools_here(workspace))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
