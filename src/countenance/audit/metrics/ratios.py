"""How many times worse: ratios of two rates, and the worst of many, with intervals.

Ratios use MOVER on the log scale: the limits of the two rates are combined as if each were a standard error in its own
direction, so that skewed and small counts keep their skew; a rate without errors gives an interval that reaches 0 or
infinity, never a made-up number.

Sources: Donner and Zou 2012 (Stat. Methods Med. Res. 21) for MOVER on ratios; Grother 2022 (NIST IR 8429, draft) for
the ratio to the geometric mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countenance.audit.metrics.dyads import Tally
from countenance.audit.metrics.intervals import Interval, Rate


@dataclass(frozen=True, slots=True)
class Ratio:
    """rate / reference. correlation: of the two estimates, -1..1, through people that both involve."""

    rate: Rate
    reference: Rate
    correlation: float = 0.0

    @property
    def estimate(self) -> float:
        """The ratio; infinite where only the reference is zero, NaN where both are zero or one has no trials."""
        raise NotImplementedError

    def at(self, level: float) -> Interval:
        """The interval at a level; 0..inf where nothing can be said."""
        raise NotImplementedError

    def p_value(self, value: float = 1.0) -> float:
        """Two-sided p for "the true ratio is `value`": 1 - the largest level whose interval leaves it out."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Extreme:
    """The worst group against the others.

    ratio: observed. expected_if_equal: what the same ratio would be on average if all groups had the pooled rate (the
    winner's curse: the maximum of noisy numbers is high even then). interval: parametric bootstrap, basic on the log
    scale with that bias taken off. p_value: of "all rates are equal". worst, best: indices into the rates given.
    reason: why it could not be computed, or "".
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
    """The ratio of rates that may share people (within a group against across groups, say)."""
    raise NotImplementedError


def max_over_min(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over lowest. Lowest zero: the ratio is infinite, and the interval's low end says what is sure."""
    raise NotImplementedError


def max_over_geomean(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over the geometric mean of all. A zero rate enters at its shrunk value (k+1/2)/(n_eff+1), stated."""
    raise NotImplementedError
