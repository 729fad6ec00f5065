"""How many times worse: ratios of two rates with intervals.

Ratios use MOVER on the log scale: each rate's own limits stand for its standard error in that direction, so that skewed
and small counts keep their skew. Where a rate is zero the interval reaches 0 or infinity, never a made-up number.

Sources: Donner and Zou 2012 (Stat. Methods Med. Res. 21) for MOVER on ratios; Newcombe 1998 (Stat. Med. 17) on
differences; Mantel and Haenszel 1959 (J. Natl. Cancer Inst. 22) for one ratio over strata.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Tally, covariance
from countenance.metrics.statistics.intervals import Interval, Rate, check_level, quantile

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
        return 1.0 if not self.known or self.estimate == value else _smallest_p(self.at, value)

    @property
    def of_the_rest(self) -> Ratio:
        """The ratio of the two complements: 45 % over 1 % where this is 55 % over 99 %."""
        return Ratio(_rest(self.rate), _rest(self.reference))


@dataclass(frozen=True, slots=True)
class RateDifference:
    """rate - reference, of rates over disjoint people; MOVER with the rates' own limits (Newcombe 1998, method 10)."""

    rate: Rate
    reference: Rate

    @property
    def known(self) -> bool:
        """Whether both rates have trials."""
        return self.rate.known and self.reference.known

    @property
    def estimate(self) -> float:
        """The difference, -1..1; NaN where one has no trials."""
        return self.rate.estimate - self.reference.estimate

    def at(self, level: float) -> Interval:
        """The interval at a level, ends -1..1."""
        check_level(level)
        if not self.known:
            return Interval(-1.0, 1.0, level, "no trials")
        a, b, d = self.rate.at(level), self.reference.at(level), self.estimate
        p, q = self.rate.estimate, self.reference.estimate
        low, high = d - math.hypot(p - a.low, b.high - q), d + math.hypot(a.high - p, q - b.low)
        return Interval(max(low, -1.0), min(high, 1.0), level, "MOVER")

    def p_value(self, value: float = 0.0) -> float:
        """Two-sided p for "the true difference is `value`"."""
        return 1.0 if not self.known or self.estimate == value else _smallest_p(self.at, value)


@dataclass(frozen=True, slots=True)
class StratifiedRatio:
    """A ratio of rates within strata (the bins of a score, say), in one number: Mantel and Haenszel's risk ratio.

    strata: pairs of rates, group and reference, of one stratum each. The logarithm is taken as normal, with the
    variance of Greenland and Robins 1985 (Biometrics 41). Strata that lack one side count for nothing.
    """

    strata: tuple[tuple[Rate, Rate], ...]

    @property
    def _sums(self) -> tuple[float, float, float]:
        r = s = v = 0.0
        for one, other in self.strata:
            if not (one.known and other.known):
                continue
            n, m, t = one.trials, other.trials, one.trials + other.trials
            a, c = one.errors, other.errors
            r, s = r + a * m / t, s + c * n / t
            v += (n * m * (a + c) - a * c * t) / t**2
        return r, s, v

    @property
    def known(self) -> bool:
        """Whether there are events on both sides, and a variance."""
        return min(self._sums) > 0

    @property
    def estimate(self) -> float:
        """The ratio, > 0; NaN where it is not known."""
        r, s, _ = self._sums
        return r / s if self.known else math.nan

    @property
    def deviation(self) -> float:
        """Standard error of the ratio's natural logarithm; infinite where it is not known."""
        r, s, v = self._sums
        return math.sqrt(v / (r * s)) if self.known else math.inf

    def at(self, level: float) -> Interval:
        """The interval at a level; 0..inf where nothing can be said."""
        check_level(level)
        if not self.known:
            return Interval(0.0, math.inf, level, "no errors, or no trials")
        half = float(quantile(level)) * self.deviation
        return Interval(self.estimate * math.exp(-half), self.estimate * math.exp(half), level, "Mantel-Haenszel")

    def p_value(self, value: float = 1.0) -> float:
        """Two-sided p for "the true ratio is `value`"."""
        if not value > 0:
            raise BadRequest(f"a ratio is tested against a positive value, got {value}")
        if not self.known:
            return 1.0
        z = abs(math.log(self.estimate / value)) / self.deviation
        return max(SMALLEST_P, math.erfc(z / math.sqrt(2)))


def _smallest_p(at: Callable[[float], Interval], value: float) -> float:
    """The smallest p whose interval (level 1-p) leaves `value` out."""
    inside, outside = math.log(SMALLEST_P), math.log(1 - 1e-9)  # of ln p
    if not at(1 - SMALLEST_P).holds(value):
        return SMALLEST_P
    if at(1 - math.exp(outside)).holds(value):
        return 1.0
    for _ in range(50):
        middle = (inside + outside) / 2
        if at(1 - math.exp(middle)).holds(value):
            inside = middle
        else:
            outside = middle
    return math.exp(outside)


def _rest(rate: Rate) -> Rate:
    return replace(rate, errors=rate.trials - rate.errors)


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
