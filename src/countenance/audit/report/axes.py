"""Axes: numbers to places, and the ticks between."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from scipy.special import ndtri


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis for rates and counts, from 10^low to 10^high."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None], floor: float = 1e-9) -> LogAxis:
        """An axis that holds every positive value, whole decades."""
        positive = [value for value in values if value is not None and value > floor]
        if not positive:
            return cls(-3.0, 0.0)
        low, high = math.floor(math.log10(min(positive)) + 1e-9), math.ceil(math.log10(max(positive)) - 1e-9)
        return cls(float(low), float(max(high, low + 1)))

    def place(self, value: float) -> float:
        """Where `value` lies, 0..1; what lies outside goes to the end."""
        if value <= 0:
            return 0.0
        return min(1.0, max(0.0, (math.log10(value) - self.low) / (self.high - self.low)))

    def ticks(self) -> list[float]:
        """The decades."""
        step = max(1, round((self.high - self.low) / 6))
        return [10.0**k for k in range(int(self.low), int(self.high) + 1, step)]


@dataclass(frozen=True, slots=True)
class LinearAxis:
    """A plain axis from low to high."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Where `value` lies, 0..1; what lies outside goes to the end."""
        width = self.high - self.low
        return min(1.0, max(0.0, (value - self.low) / width)) if width > 0 else 0.0

    def ticks(self) -> list[float]:
        """Five round numbers or so."""
        width = self.high - self.low
        if width <= 0:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(width / 4))
        step *= next(f for f in (1, 2, 2.5, 5, 10) if width / (step * f) <= 5)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class DeviateAxis:
    """The normal-deviate axis of DET curves, between two rates."""

    low: float
    high: float

    TICKS: ClassVar[tuple[float, ...]] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5, 0.8)

    def place(self, value: float) -> float:
        """Where a rate lies, 0..1; what lies outside goes to the end."""
        bottom, top = float(ndtri(self.low)), float(ndtri(self.high))
        inside = min(max(value, self.low), self.high)
        return (float(ndtri(inside)) - bottom) / (top - bottom)

    def ticks(self) -> list[float]:
        """Round rates."""
        return [tick for tick in self.TICKS if self.low <= tick <= self.high]


def rate_label(value: float) -> str:
    """A tick of a rate: "0.1 %", "0.0001 %"."""
    return f"{100 * value:.10f}".rstrip("0").rstrip(".") + " %"


def number_label(value: float) -> str:
    """A tick of a plain number: "0.25", "10 k", "1 M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
