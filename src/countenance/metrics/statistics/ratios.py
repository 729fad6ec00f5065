"""How many times worse: ratios of two rates with intervals.

Ratios use MOVER on the log scale: each rate's own limits stand for its standard error in that direction, so that skewed
and small counts keep their skew. Where a rate is zero the interval reaches 0 or infinity, never a made-up number.

Source: Donner and Zou 2012 (Stat. Methods Med. Res. 21) for MOVER on ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Tally, covariance
from countenance.metrics.statistics.intervals import Interval, Rate, check_level

SMALLEST_P = 1e-12
"""p-values are not resolved below this."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """rate / reference. correlation: of the two log estimates, -1..1, through people that both involve."""

    rate: Rate
    reference: Rate
    correlation: float = 0.0

    @property
    def known(self) -> bool:
        """Whether both rates have trials, and at least one has an error."""
        return self.rate.known and self.reference.known and self.rate.errors + self.reference.errors > 0

    @property
    def estimate(self) -> float:
        """The ratio; infinite where only the reference is zero, NaN where both are zero or one has no trials."""
        if not self.known:
            return math.nan
        return self.rate.estimate / self.reference.estimate if self.reference.errors else math.inf

    def at(self, level: float) -> Interval:
        """The interval at a level; 0..inf where nothing can be said."""
        check_level(level)
        if not self.known:
            return Interval(0.0, math.inf, level, "no errors, or no trials")
        a, b = self.rate.at(level), self.reference.at(level)
        p, q = self.rate.estimate, self.reference.estimate
        if self.rate.errors == 0:
            return Interval(0.0, _over(a.high, math.sqrt(b.low * (2 * q - b.low))), level, "MOVER")
        if self.reference.errors == 0:
            return Interval(_over(math.sqrt(a.low * (2 * p - a.low)), b.high), math.inf, level, "MOVER")
        centre = math.log(p / q)
        low = centre - _joined(math.log(_over(p, a.low)), math.log(b.high / q), self.correlation)
        high = centre + _joined(math.log(a.high / p), math.log(_over(q, b.low)), self.correlation)
        return Interval(math.exp(low), math.exp(high), level, "MOVER, log scale")

    def p_value(self, value: float = 1.0) -> float:
        """Two-sided p for "the true ratio is `value`": the smallest p whose interval (level 1-p) leaves it out."""
        if not value > 0:
            raise BadRequest(f"a ratio is tested against a positive value, got {value}")
        if not self.known or self.estimate == value:
            return 1.0
        inside, outside = math.log(SMALLEST_P), math.log(1 - 1e-9)  # of ln p
        if not self.at(1 - SMALLEST_P).holds(value):
            return SMALLEST_P
        if self.at(1 - math.exp(outside)).holds(value):
            return 1.0
        for _ in range(50):
            middle = (inside + outside) / 2
            if self.at(1 - math.exp(middle)).holds(value):
                inside = middle
            else:
                outside = middle
        return math.exp(outside)


def _over(a: float, b: float) -> float:
    """a / b; infinite over zero, which limits are rounded to at levels near 0 and 1."""
    return a / b if b else math.inf


def _joined(a: float, b: float, correlation: float) -> float:
    return math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0))


def ratio(rate: Rate, reference: Rate) -> Ratio:
    """The ratio of rates over disjoint people."""
    return Ratio(rate, reference)


def ratio_of_tallies(rate: Tally, reference: Tally, level: float = 0.95) -> Ratio:
    """The ratio of rates that may share people (within a group against across groups, say), but no pair of people."""
    a, b = rate.rate(level), reference.rate(level)
    if not (a.errors and b.errors):
        return Ratio(a, b)
    spread = math.sqrt(_variance(a) * _variance(b))
    correlation = covariance(rate, reference) / spread if spread else 0.0
    return Ratio(a, b, min(max(correlation, -0.95), 0.95))


def _variance(rate: Rate) -> float:
    return rate.estimate * (1 - rate.estimate) / rate.effective_trials
