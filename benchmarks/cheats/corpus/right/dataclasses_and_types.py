"""HumanEval/4: data classes, type variables and protocols."""

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

T = TypeVar("T", bound="Number")


class Number(Protocol):
    def __sub__(self, other): ...


@dataclass(frozen=True, order=True)
class Sample(Generic[T]):
    values: tuple[T, ...] = field(default_factory=tuple)

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    def deviation(self) -> float:
        return Sample(tuple(abs(one - self.mean) for one in self.values)).mean


def mean_absolute_deviation(numbers: list[float]) -> float:
    return Sample(tuple(numbers)).deviation()
