"""The estimates of a comparison's task in the unit of its metric, for figures, tables and sentences.

No other part of the page knows how a comparison stores its estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PASS = {"name": "pass@1", "unit": "%", "kind": "pass", "higher_is_better": True}  # the metric of a task that names none


@dataclass(frozen=True)
class Interval:
    """An estimate, or a difference of two, between its bounds, in the unit that people read."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Shown:
    """The form in which people read the numbers of one metric.

    Attributes:
        passes: whether it is a share of problems solved. Comparisons hold shares from 0 to 1; people read percent.
    """

    name: str
    unit: str
    passes: bool
    higher_is_better: bool

    @property
    def label(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def step(self) -> str:
        """The unit of a difference."""
        return "points" if self.passes else self.unit or self.name

    def says(self, problems: int) -> str:
        """Say what is shown, as the beginning of a sentence."""
        if self.passes:
            return f"Share of {problems} problems solved ({self.name})"
        better = "higher" if self.higher_is_better else "lower"
        return f"Mean of {self.label} over {problems} problems ({better} is better)"

    def of(self, condition: Mapping) -> Interval:
        """Return the estimate of a condition."""
        found = condition["pass_at"]["1"] if "pass_at" in condition else condition
        return self._interval(found, "estimate")

    def between(self, pair: Mapping) -> Interval:
        """Return the difference of two conditions."""
        return self._interval(pair, "difference")

    def _interval(self, found: Mapping, key: str) -> Interval:
        times = 100 if self.passes else 1
        return Interval(*(times * found[one] for one in (key, "low", "high")))

    def shown(self, value: float) -> str:
        return f"{value:.1f}" if self.passes else f"{value:.4g}"

    def signed(self, value: float) -> str:
        return f"{value:+.1f}" if self.passes else f"{value:+.3g}"


def metric_of(task: Mapping) -> Shown:
    """Return the metric that scores a task."""
    said = PASS | (task.get("metric") or {})
    passes = said["kind"] == "pass"
    name, unit = (PASS["name"], PASS["unit"]) if passes else (said["name"], said["unit"])
    return Shown(name, unit, passes, said["higher_is_better"])
