"""The registry of measures of single records' texts, each declared as a column.

A measure is a function from records to columns; a new one is added to ``MEASURES`` and nowhere else. A measure that
needs more than the texts (a judge, an outside count) has a script of its own, which publishes it with
``Workspace.publish_numbers``. It then appears beside these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instruction_data.errors import InputError
from instruction_data.measures import languages
from instruction_data.numbers import models
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature
from instruction_data.pools.records import Record
from instruction_data.publish.record_tables import Column

if TYPE_CHECKING:
    import transformers

BATCH = 1000  # texts tokenised at a time


@dataclass(frozen=True)
class Tools:
    """The tools that measures of texts need.

    Attributes:
        tokenizer: counts tokens.
        tokenizer_identity: name and checksum or revision of the tokenizer.
        compute: texts, feature -> arrays, through a cache.
    """

    tokenizer: "transformers.PreTrainedTokenizerBase"
    tokenizer_identity: dict
    compute: Callable[[Sequence[str], Feature], Arrays]


def load_tokenizer(name: str) -> tuple["transformers.PreTrainedTokenizerBase", dict]:
    """Load a tokenizer, and return it with its identity.

    Raises:
        InputError: there is no such tokenizer.
    """
    from transformers import AutoTokenizer

    source = models.find(name)
    try:
        return AutoTokenizer.from_pretrained(source.location, **source.arguments), source.identity
    except (OSError, ValueError) as error:
        raise InputError(f"--tokenizer {name}: found none there ({str(error).splitlines()[0]})") from error


def lengths(records: Sequence[Record], tools: Tools) -> list[Column]:
    """Count characters and tokens (without special ones) of instructions and outputs."""
    counts = {(part, unit): np.zeros(len(records)) for part in ("instruction", "output") for unit in UNITS}
    for start in range(0, len(records), BATCH):
        some = [records[place] for place in range(start, min(start + BATCH, len(records)))]
        for part in ("instruction", "output"):
            texts = [getattr(record, part) for record in some]
            place = slice(start, start + len(some))
            tokens = tools.tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
            counts[part, "characters"][place] = [len(text) for text in texts]
            counts[part, "tokens"][place] = [len(ids) for ids in tokens]
    by = {"characters": "", "tokens": f"tokenizer of {tools.tokenizer_identity['model']}"}
    return [
        Column(f"{part}_{unit}", values, f"{part} length", unit, scale="log", made_by=by[unit])
        for (part, unit), values in counts.items()
    ]


UNITS = ("characters", "tokens")


def inputs(records: Sequence[Record], tools: Tools) -> list[Column]:
    """Say whether each record has an input."""
    has = np.array([float(bool(record.input)) for record in records])
    return [Column("has_input", has, "records with an input", kind="flag", trait="input")]


def code(records: Sequence[Record], tools: Tools) -> list[Column]:
    """Tell the language of the output's code, the source of that knowledge, and whether Python code compiles."""
    found, known_from = languages.languages((record.output for record in records), tools.compute)
    compiles = np.full(len(records), np.nan)
    for place, language in enumerate(found):
        if language == languages.PYTHON:
            compiles[place] = languages.compiles(languages.code_of(records[place].output)[0])
    detector = languages.detector()
    by = f"{detector['package']} {detector['version']}"
    return [
        Column("language", np.array(found, dtype=object), "language", kind="word", made_by=by),
        Column(
            "language_from", np.array(known_from, dtype=object), "language known from", kind="word", trait="language"
        ),
        Column("compiles", compiles, "Python code that compiles", kind="flag", trait="compilable Python"),
    ]


MEASURES: tuple[Callable[[Sequence[Record], Tools], list[Column]], ...] = (lengths, inputs, code)


def measured(records: Sequence[Record], tools: Tools) -> list[Column]:
    """Apply every measure of the registry to the texts of records."""
    return [column for measure in MEASURES for column in measure(records, tools)]
