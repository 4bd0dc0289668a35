"""Reports: the findings, the drawing methods and the figures' folder, which all sections of a page share."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from instruction_data.page import declared, svg
from instruction_data.page.figures import FORMATS, Drawing
from instruction_data.page.findings import Known
from instruction_data.page.hints import Hints
from instruction_data.page.html import Figure, Notice, Table
from instruction_data.select import draws


@dataclass(frozen=True)
class Report:
    """Everything that sections are made from.

    Attributes:
        files: those of the figures drawn so far.
    """

    findings: Known
    root: Path
    seed: int
    files: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "figures"

    def drawn(self, drawing: Drawing, *, wide: bool = False) -> Figure:
        """Write the files of a figure and return it as a part of the page."""
        inlined = svg.inline(self.saved(drawing), drawing.name)
        numbers = Table(f"The numbers of: {drawing.title}", drawing.header, drawing.rows)
        return Figure(drawing.name, drawing.title, drawing.says, inlined, numbers, wide)

    def saved(self, drawing: Drawing) -> bytes:
        """Write the files of a figure and return the SVG."""
        self.files.extend(self.folder / f"{drawing.name}.{ending}" for ending in FORMATS)
        return drawing.save(self.folder)

    @property
    def hints(self) -> Hints:
        return Hints(self.findings, self.root)

    def missing(self, name: str, what: str) -> Notice:
        """Say which command makes a document that is not there."""
        return Notice(f"{what} not measured yet. This makes them:", self.hints.document(name))

    def title(self, question: str) -> str:
        """Return the title of a question."""
        return declared.title(question, self.findings.found.sets)

    def asks(self, question: str) -> str:
        """Return what a question asks; empty if no manifest says it."""
        found = declared.about(question, self.findings.found.sets)
        return found.asks if found else ""

    def label(self, column: str) -> str:
        """Return the label of a column of the scores."""
        return declared.label(column, self.findings.found.sets, self.findings.documents.get("profiles", {}))

    def draw(self, n: int, most: int, name: str) -> np.ndarray:
        """Draw the positions of a seeded sample, ascending."""
        return np.sort(draws.draw(n, min(n, most), self.seed, name))

    def sampled(self, shown: int, of: int) -> str:
        """Say how many of all records are shown."""
        return f"all {of:,}" if shown == of else f"{shown:,} of {of:,}, drawn with seed {self.seed}"
