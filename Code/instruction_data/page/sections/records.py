"""The section with the browser of records: a sample of every split."""

from collections.abc import Mapping

import numpy as np

from instruction_data.page import html
from instruction_data.page.html import Browser, Section
from instruction_data.page.report import Report

BROWSED = 10  # records of a split in the browser
BROWSED_TEXT = 1_500  # characters of each of their fields


def section(samples: Mapping[str, Mapping]) -> Section:
    return Section("records", "Records", [Browser(list(samples))])


def sample(report: Report) -> dict[str, dict]:
    """Draw a sample of the records of every split."""
    found = report.findings.found
    source = {int(one): name for name, numbers in reversed(found.pools.items()) for one in np.unique(numbers)}
    made = {}
    for name, _, members in found.splits():
        chosen = report.draw(len(members), BROWSED, f"records {name}")
        made[name] = {
            "total": len(members),
            "records": [browsed_record(report, int(members[place]), int(place), source) for place in chosen],
        }
    return made


def browsed_record(report: Report, one: int, place: int, source: Mapping[int, str]) -> dict:
    record = report.findings.found.record(one)
    texts = {part: html.shortened(getattr(record, part), BROWSED_TEXT) for part in ("instruction", "input", "output")}
    return (
        {"place": place, "source": source.get(one, "a pool that is not here")}
        | texts
        | {"sha256": report.findings.found.hashes[one][:12]}
    )
