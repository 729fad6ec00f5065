"""How many times worse: ratios of two rates, and the worst of many, with intervals.

Ratios use MOVER on the log scale: each rate's own limits stand for its standard error in that direction, so that skewed
and small counts keep their skew. Where a rate is zero the interval reaches 0 or infinity, never a made-up number.

Sources: Donner and Zou 2012 (Stat. Methods Med. Res. 21) for MOVER on ratios; NIST IR 8429 (draft, 2022) for the ratio
to the geometric mean; Efron and Tibshirani 1993 for the basic bootstrap interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.metrics.dyads import Tally, covariance
from countenance.audit.metrics.intervals import Floats, Interval, Rate, check_level
from countenance.errors import BadRequest

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
            return Interval(0.0, a.high / math.sqrt(b.low * (2 * q - b.low)), level, "MOVER")
        if self.reference.errors == 0:
            return Interval(math.sqrt(a.low * (2 * p - a.low)) / b.high, math.inf, level, "MOVER")
        centre = math.log(p / q)
        low = centre - _joined(math.log(p / a.low), math.log(b.high / q), self.correlation)
        high = centre + _joined(math.log(a.high / p), math.log(q / b.low), self.correlation)
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


def _joined(a: float, b: float, correlation: float) -> float:
    return math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0))


@dataclass(frozen=True, slots=True)
class Extreme:
    """The worst group against the others.

    ratio: observed. expected_if_equal: what the same ratio would be on average if all groups had the pooled rate (the
    winner's curse: the maximum of noisy numbers is high even then). interval: parametric bootstrap on the log scale,
    basic, so that this bias comes off. p_value: of "all rates are equal". worst, best: indices into the rates given,
    -1 where there is none. reason: why it could not be computed, or "".
    """

    ratio: float
    interval: Interval
    expected_if_equal: float
    p_value: float
    worst: int
    best: int
    reason: str = ""


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


def max_over_min(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over lowest. Lowest zero: the ratio is infinite, and the interval's low end says what is sure.

    Inside the bootstrap zero rates count as (k + 1/2) / (n_eff + 1).
    """

    def spread(x: Floats) -> Floats:
        return np.asarray(x.max(axis=-1) - x.min(axis=-1), np.float64)

    return _extreme(rates, spread, replicates, seed, level, infinite=True)


def max_over_geomean(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over the geometric mean of all. A zero rate enters as (k + 1/2) / (n_eff + 1)."""

    def spread(x: Floats) -> Floats:
        return np.asarray(x.max(axis=-1) - x.mean(axis=-1), np.float64)

    return _extreme(rates, spread, replicates, seed, level, infinite=False)


def _extreme(
    rates: Sequence[Rate], spread: Callable[[Floats], Floats], replicates: int, seed: int, level: float, infinite: bool
) -> Extreme:
    check_level(level)
    known = [i for i, r in enumerate(rates) if r.known]
    nothing = Interval(1.0, math.inf, level, "nothing to compare")
    if len(known) < 2:
        return Extreme(math.nan, nothing, math.nan, 1.0, -1, -1, "fewer than two groups with trials")
    if not any(rates[i].errors for i in known):
        return Extreme(math.nan, nothing, math.nan, 1.0, -1, -1, "no error in any group")
    p = np.array([rates[i].estimate for i in known])
    n = np.array([max(rates[i].effective_trials, 1.0) for i in known])
    rng = np.random.default_rng(seed)
    worst, best = known[int(p.argmax())], known[int(p.argmin())]
    observed = float(spread(_logs(p, n)))
    pooled = float((p * n).sum() / n.sum())
    null = spread(_logs(_drawn(rng, np.full(len(p), pooled), n, replicates), n))
    draws = spread(_logs(_drawn(rng, p, n, replicates), n))
    low, high = 2 * observed - np.quantile(draws, [(1 + level) / 2, (1 - level) / 2])
    p_value = float((1 + (null >= observed).sum()) / (replicates + 1))
    if infinite and p.min() == 0:
        sure = Ratio(rates[worst], rates[best]).at(1 - (1 - level) / (len(known) * (len(known) - 1) / 2))
        interval = Interval(max(sure.low, 1.0), math.inf, level, "MOVER, Bonferroni over pairs of groups")
        return Extreme(math.inf, interval, float(np.exp(null.mean())), p_value, worst, best)
    interval = Interval(
        float(np.exp(max(low, 0.0))),
        float(np.exp(max(high, 0.0))),
        level,
        "parametric bootstrap, basic on the log scale",
    )
    return Extreme(float(np.exp(observed)), interval, float(np.exp(null.mean())), p_value, worst, best)


def _logs(rates: Floats, trials: Floats) -> Floats:
    """ln of rates, a rate of zero shrunk to (k + 1/2) / (n + 1)."""
    return np.asarray(np.log(np.where(rates > 0, rates, 0.5 / (trials + 1))), np.float64)


def _drawn(rng: np.random.Generator, rates: Floats, trials: Floats, replicates: int) -> Floats:
    """Rates of `replicates` samples of round(trials) independent trials, (replicates, groups)."""
    whole: NDArray[np.int64] = np.maximum(np.rint(trials), 1).astype(np.int64)
    return np.asarray(rng.binomial(whole, rates, (replicates, len(whole))) / whole, np.float64)
