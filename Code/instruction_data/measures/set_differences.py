"""The differences between a set's splits, and which of them the question's declaration meant."""

from collections.abc import Mapping

import numpy as np

from instruction_data.measures import confounds
from instruction_data.measures.profiles import Measured, tally
from instruction_data.publish.inventory import Inventory, Set
from instruction_data.publish.record_tables import Column

SHOWN_WORDS = 8  # of a column of words without declared levels: each of the commonest becomes a measure
DOMAIN = "domain"  # the trait that mixtures of pools vary


def measures_of(measured: Measured) -> dict[str, Column]:
    """Return every number and flag in which splits can be compared; for words, a flag for each of the commonest."""
    made = {}
    for name, column in measured.columns.items():
        if column.kind != "word":
            made[name] = column
            continue
        there = np.array([value is not None for value in column.values])
        shown = list(tally(column.values))[: None if column.levels else SHOWN_WORDS]
        for word in shown:
            values = np.where(there, column.values == word, np.nan)
            label = f"{column.declaration['label']} {word}"
            made[f"{name}: {word}"] = Column(name, values, label, kind="flag", trait=column.declaration["trait"])
    return made


def meant(one: Set, measures: Mapping[str, Column]) -> dict[str, str]:
    """Return the measures in which a set's splits are meant to differ -> why.

    The question's declaration decides; if it declares nothing, the set's own columns are meant.
    """
    about = one.manifest["about"]
    varied = set(about["varies"]) or {column.declaration["trait"] for column in one.columns.values()}
    reasons = {}
    for name, column in measures.items():
        trait = column.declaration["trait"]
        if trait in varied:
            reasons[name] = "the splits were made by it"
        elif trait in about["follows"]:
            reasons[name] = about["follows"][trait]
    return reasons


def compare(inventory: Inventory, one: Set, measures: Mapping[str, Column]) -> dict:
    """Return the entry of one set in confounds.json."""
    numbers = np.unique(np.concatenate(list(one.members.values())))
    measures, properties = dict(measures), dict(one.properties)
    own = inventory.pools.get(one.pool)
    if own is not None and len(np.setdiff1d(numbers, own)):
        other = np.ones(len(inventory))
        other[own] = 0
        measures["other_domain"] = Column("other_domain", other, "records of other domains", kind="flag", trait=DOMAIN)
        properties["other_domain"] = other
    reasons = meant(one, measures)
    found = list(confounds.differences(one.members, measures, one.contrast, reasons))
    labels = {name: column.declaration["label"] for name, column in one.columns.items()}
    related = list(confounds.correlations(numbers, properties, labels, measures, reasons))
    return {
        "question": one.question,
        "pool": one.pool,
        "splits": list(one.members),
        "by_design": reasons,
        "extremes": one.contrast,
        **confounds.document(found, related),
        "warnings": confounds.warnings(found, related, one.contrast),
    }
