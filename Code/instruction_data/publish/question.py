"""A research question's declaration: what it asks, what it varies, and its primary contrasts.

A script declares its question before anything is measured, and manifests carry the declaration. All readers of the
splits (profiles, controls, the page, the comparison) learn from it what was meant to differ.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from instruction_data.errors import InputError
from instruction_data.publish.split import Split

REPEAT = re.compile(r"_R[0-9]+$")  # the ending of a repeated draw: NAME, NAME_R2, NAME_R3 …


@dataclass(frozen=True)
class Ends:
    """A contrast of two splits: the one whose name ends in ``high`` minus the one whose name ends in ``low``."""

    low: str
    high: str

    def resolved(self, splits: Sequence[Split]) -> list[dict]:
        """Return the contrast with the names of these splits; return none if one of the two ends was left out."""
        doses = {}
        for dose, ending in enumerate((self.low, self.high)):
            named = [split.name for split in splits if split.name.endswith(f"_{ending}")]
            doses |= dict.fromkeys(named, float(dose))
        found = [{"label": f"{self.high} minus {self.low}", "kind": "ends", "doses": doses}]
        return found if set(doses.values()) == {0.0, 1.0} else []


@dataclass(frozen=True)
class Against:
    """A contrast of every split with one: the other minus the one whose name ends in ``low``."""

    low: str

    def resolved(self, splits: Sequence[Split]) -> list[dict]:
        """Return the contrasts with the names of these splits, repeated draws left out."""
        low = [split.name for split in splits if split.name.endswith(f"_{self.low}")]
        names = {split.name for split in splits}
        found = []
        for high in (split.name for split in splits if low and split.name not in low):
            if REPEAT.sub("", high) == high or REPEAT.sub("", high) not in names:
                label = f"{high.removeprefix(low[0].removesuffix(self.low))} minus {self.low}"
                found.append({"label": label, "kind": "ends", "doses": {low[0]: 0.0, high: 1.0}})
        return found


@dataclass(frozen=True)
class Trend:
    """A slope over a figure of the splits' summaries, the dose.

    Attributes:
        figure: the summary's figure.
        by_source: whether each pool that is mixed in has a trend of its own, which begins at the unmixed splits.
    """

    figure: str
    by_source: bool = False

    def resolved(self, splits: Sequence[Split]) -> list[dict]:
        """Return the contrasts with the names and doses of these splits; return none if all doses are equal."""
        lacking = [split.name for split in splits if self.figure not in split.summary]
        if lacking:
            raise InputError(f"{lacking[0]}: found no figure {self.figure!r}; expected it, the dose of its question")
        if not self.by_source:
            return self._trend(self.figure, splits)
        own = splits[0].parts[0][0].pool.name
        sources = {split.name: {one.pool.name for one, rows in split.parts if len(rows)} - {own} for split in splits}
        found = []
        for other in dict.fromkeys(name for of in sources.values() for name in sorted(of)):
            mixed = [split for split in splits if sources[split.name] <= {other}]
            found += self._trend(f"{self.figure} ({other})", mixed)
        return found

    def _trend(self, label: str, splits: Sequence[Split]) -> list[dict]:
        doses = {split.name: float(split.summary[self.figure]) for split in splits}
        return [{"label": label, "kind": "trend", "doses": doses}] if len(set(doses.values())) > 1 else []


@dataclass(frozen=True)
class Factors:
    """The contrasts of a designed experiment, one for each factor: all its sets, high ones and low ones.

    Attributes:
        high: factor -> the splits in which it is high.
    """

    high: Mapping[str, Collection[str]]

    def resolved(self, splits: Sequence[Split]) -> list[dict]:
        """Return the contrasts with the names of these splits."""
        return [
            {"label": factor, "kind": "factor", "doses": {split.name: float(split.name in high) for split in splits}}
            for factor, high in self.high.items()
        ]


@dataclass(frozen=True)
class Question:
    """A research question.

    Attributes:
        id: names its folder and splits, e.g. ``RQ2``.
        title: names its property, e.g. "semantic diversity".
        asks: the question, in a sentence.
        varies: the traits in which its splits are meant to differ; a trait is the name that a column is declared with.
        follows: the traits that must differ with them -> why.
        contrast: the primary comparison.
    """

    id: str
    title: str = ""
    asks: str = ""
    varies: tuple[str, ...] = ()
    follows: Mapping[str, str] | None = None
    contrast: Ends | Against | Trend | Factors | None = None

    @property
    def about(self) -> dict:
        """The declaration in a manifest's form."""
        return {
            "title": self.title,
            "asks": self.asks,
            "varies": list(self.varies),
            "follows": dict(self.follows or {}),
        }

    def contrasts(self, splits: Sequence[Split]) -> list[dict]:
        """Return the primary contrasts of these splits in a manifest's form: label, kind, and dose of each split."""
        return self.contrast.resolved(splits) if self.contrast else []
