"""What an error rate is known to be: counts, an effective number of trials, and the interval that follows from them.

Every interval here is a Wilson score interval, with the number of trials replaced by the *effective* number where
trials share people, and the normal quantile by Student's where few people were measured. Wilson's interval keeps its
coverage for small counts, never leaves 0..1, and gives a sensible upper bound when no error was seen.

Sources: Wilson 1927 (J. Am. Stat. Assoc. 22); Clopper and Pearson 1934 (Biometrika 26); the effective sample size in a
binomial interval is Korn and Graubard 1998 (Survey Methodology 24), with Student's quantile as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from countenance.errors import BadRequest
from countenance.metrics import special

Floats = NDArray[np.float64]
"""float64, any shape."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval: 0 <= low <= high. level: 0..1. method: how it was made, in words for a report."""

    low: float
    high: float
    level: float
    method: str

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside, ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate with what is known about its precision.

    errors of trials: counts. subjects: how many different people the trials involve (0: not known).
    effective_trials: the number of independent trials that would be as informative as these; at most `trials`.
    freedom: degrees of freedom of the variance estimate (infinite where trials are taken as independent).
    method: how the precision was found. reason: why nothing can be said, or "" where something can.
    """

    errors: int
    trials: int
    subjects: int
    effective_trials: float
    freedom: float
    level: float
    method: str
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether there was at least one trial."""
        return self.trials > 0

    @property
    def estimate(self) -> float:
        """errors / trials, 0..1; NaN where there was no trial."""
        return self.errors / self.trials if self.trials else math.nan

    @property
    def interval(self) -> Interval:
        """The interval at the rate's own level; 0..1 where there was no trial."""
        return self.at(self.level)

    def at(self, level: float) -> Interval:
        """The interval at another level, 0 < level < 1."""
        check_level(level)
        if not self.trials:
            return Interval(0.0, 1.0, level, "no trials")
        return Interval(*_limits(self.estimate, self.effective_trials, level, self.freedom), level, self.method)


def unknown_rate(reason: str, level: float = 0.95) -> Rate:
    """The rate of a group without a single trial: nothing is known, and `reason` says why."""
    return Rate(0, 0, 0, 0.0, math.inf, level, "no trials", reason)


def pooled(rates: Sequence[Rate]) -> Rate:
    """One rate out of several that are about different people.

    With the pooled p, Var = p(1-p) · sum(n_i² / e_i) / (sum n_i)², e_i the effective trials, so the pooled effective
    number is (sum n_i)² / sum(n_i² / e_i).
    """
    known = [rate for rate in rates if rate.known]
    if not known:
        return unknown_rate("no trials", rates[0].level if rates else 0.95)
    trials = sum(rate.trials for rate in known)
    effective = trials**2 / sum(rate.trials**2 / rate.effective_trials for rate in known)
    return Rate(
        sum(rate.errors for rate in known),
        trials,
        sum(rate.subjects for rate in known),
        effective,
        sum(rate.freedom for rate in known),
        known[0].level,
        known[0].method,
    )


def plain_rate(errors: int, trials: int, level: float = 0.95) -> Rate:
    """The rate of `trials` independent trials (one per person, say), of which `errors` failed."""
    _check_counts(errors, trials)
    if trials == 0:
        return unknown_rate("no trials", level)
    return Rate(errors, trials, 0, float(trials), math.inf, level, "Wilson, trials taken as independent")


def wilson(errors: float, trials: float, level: float = 0.95) -> Interval:
    """Wilson's score interval for `errors` of `trials`; trials may be an effective (fractional) number.

    (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), p = errors/trials, n = trials.
    """
    _check_counts(errors, trials)
    check_level(level)
    if trials == 0:
        return Interval(0.0, 1.0, level, "no trials")
    return Interval(*_limits(errors / trials, trials, level, math.inf), level, "Wilson")


def wilson_bounds(
    estimate: Floats, trials: Floats, level: float = 0.95, freedom: Floats | None = None
) -> tuple[Floats, Floats]:
    """Wilson's bounds for arrays of rates, with Student's quantile where `freedom` is finite. Shapes broadcast.

    estimate: 0..1. trials: effective trials, > 0. Returns (low, high), 0..1; low is exactly 0 at estimate 0, and high
    exactly 1 at estimate 1.
    """
    z = quantile(level, freedom)
    n = np.asarray(trials, np.float64)
    p = np.asarray(estimate, np.float64)
    centre = p + z * z / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = np.where(p <= 0, 0.0, np.maximum((centre - half) / scale, 0.0))
    high = np.where(p >= 1, 1.0, np.minimum((centre + half) / scale, 1.0))
    return low, high


def clopper_pearson(errors: int, trials: int, level: float = 0.95) -> Interval:
    """The exact (conservative) binomial interval: Beta quantiles B(a/2; k, n-k+1) and B(1-a/2; k+1, n-k)."""
    _check_counts(errors, trials)
    check_level(level)
    if trials == 0:
        return Interval(0.0, 1.0, level, "no trials")
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else float(special.betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(special.betaincinv(errors + 1, trials - errors, 1 - tail))
    return Interval(low, high, level, "Clopper-Pearson")


def rule_of_three(trials: float, level: float = 0.95) -> float:
    """Upper bound of a rate of which no error was seen in `trials` independent trials: -ln(1-level)/n, at most 1.

    At 95 % this is the familiar 3/n.
    """
    check_level(level)
    if trials <= 0:
        return 1.0
    return min(1.0, -math.log1p(-level) / trials)


def quantile(level: float, freedom: Floats | None = None) -> Floats:
    """The two-sided quantile: 1.96 at level 0.95, or Student's with `freedom` degrees of freedom."""
    check_level(level)
    upper = 0.5 + level / 2
    if freedom is None:
        return np.asarray(_normal(upper), np.float64)
    df = np.asarray(freedom, np.float64)
    student = special.stdtrit(np.where(np.isfinite(df), np.maximum(df, 1e-3), 1.0), upper)
    return np.asarray(np.where(np.isfinite(df), student, _normal(upper)), np.float64)


def _normal(chance: float) -> float:
    """The standard normal quantile, from the standard library: scipy takes longer to import than most uses of it."""
    return NormalDist().inv_cdf(chance) if chance < 1 else math.inf


def check_level(level: float) -> float:
    """`level` itself, which lies strictly between 0 and 1; anything else is a `BadRequest`."""
    if not 0 < level < 1:
        raise BadRequest(f"a confidence level lies between 0 and 1, got {level}")
    return level


def _limits(p: float, n: float, level: float, freedom: float) -> tuple[float, float]:
    """`wilson_bounds` of one rate, without the cost of arrays."""
    upper = 0.5 + level / 2
    z = special.student_quantile(max(freedom, 1e-3), upper) if math.isfinite(freedom) else _normal(upper)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    centre, scale = p + z * z / (2 * n), 1 + z * z / n
    low = 0.0 if p <= 0 else max((centre - half) / scale, 0.0)
    high = 1.0 if p >= 1 else min((centre + half) / scale, 1.0)
    return min(low, p), max(high, p)


def _check_counts(errors: float, trials: float) -> None:
    if not (math.isfinite(errors) and math.isfinite(trials) and 0 <= errors <= trials):
        raise BadRequest(f"errors are counted among trials, got {errors} errors in {trials} trials")
