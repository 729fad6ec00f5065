"""The worst of many groups: highest rate over lowest, or over the geometric mean, without the winner's curse.

The highest of noisy rates lies above the highest true one: eight equal groups look unequal. So the interval holds the
ratios that a test does not reject: how badly what was seen fits the ratio (`spreads`), against how badly audits fit it
that are simulated in a world of that ratio. Such a world has the rates nearest to those measured; its audits are drawn
with the groups' effective numbers of trials, and with the uncertainty of those numbers where few people were measured.
The low end is 1 exactly where p, the same test of equal groups, is above 1 - level.

Sources: NIST IR 8429 (draft, 2022) for the ratio to the geometric mean; Beran 1988 (J. Am. Stat. Assoc. 83) for
simulating the distribution of a p-value instead of trusting it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Interval, Rate, check_level
from countenance.metrics.statistics.spreads import AboveMean, Range, Seen, Spread

STEPS = 10
"""Halvings of the range that an end of an interval is looked for in."""
DOUBT = 1 / 3
"""Share of a variance's degrees of freedom that simulations count.

They draw variances independently of rates. But the lowest of several groups is likely one whose people came out mild,
and then its variance did too. The share was chosen by simulated coverage: with all of the freedom, the worst over the
best of four groups with strong lambs and wolves covers 92.5 %; with a third, 94."""
WIDEST = math.log(1e9)
"""Of ln ratios: an end beyond it counts as infinite."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """The worst group against the others.

    ratio: observed. interval: by inverting a simulated test. expected_if_equal: what the same ratio would be on average
    if all groups had the pooled rate (the winner's curse). p_value: of "all rates are equal". worst, best: indices into
    the rates given, -1 where there is none. reason: why it could not be computed, or "".
    """

    ratio: float
    interval: Interval
    expected_if_equal: float
    p_value: float
    worst: int
    best: int
    reason: str = ""


def max_over_min(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over lowest. Lowest zero: the ratio is infinite, and the interval's low end says what is sure.

    replicates: of each simulated world.
    """
    extreme = _extreme(rates, Range(), replicates, seed, level)
    return replace(extreme, ratio=math.inf) if extreme.best >= 0 and not rates[extreme.best].errors else extreme


def max_over_geomean(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over the geometric mean of all. A zero rate enters as (k + 1/2) / (n_eff + 1).

    It may be as small as you like, so the interval has no upper end then.
    """
    return _extreme(rates, AboveMean(), replicates, seed, level)


def _extreme(rates: Sequence[Rate], spread: Spread, replicates: int, seed: int, level: float) -> Extreme:
    check_level(level)
    if replicates < 1:
        raise BadRequest(f"a simulation has at least one replicate, got {replicates}")
    known = [i for i, r in enumerate(rates) if r.known]
    nothing = Interval(1.0, math.inf, level, "nothing to compare")
    if len(known) < 2:
        return Extreme(math.nan, nothing, math.nan, 1.0, -1, -1, "fewer than two groups with trials")
    if not any(rates[i].errors for i in known):
        return Extreme(math.nan, nothing, math.nan, 1.0, -1, -1, "no error in any group")
    p = np.array([rates[i].estimate for i in known])
    trials = np.maximum(np.rint([rates[i].effective_trials for i in known]), 1.0)
    test = _Test(spread, p * trials, trials, np.array([rates[i].freedom for i in known]), replicates, seed)
    observed = float(spread.value(_logs(p, trials)))
    draws, _ = test.drawn(np.full(len(p), (p * trials).sum() / trials.sum()))
    expected = float(np.exp(spread.value(_logs(draws / trials, trials)).mean()))
    p_value = test.p_value(0.0)
    interval = Interval(
        math.exp(test.low(observed, 1 - level)) if p_value <= 1 - level else 1.0,
        math.exp(test.high(observed, 1 - level)) if p.all() else math.inf,
        level,
        "inverted simulated test",
    )
    return Extreme(math.exp(observed), interval, expected, p_value, known[int(p.argmax())], known[int(p.argmin())])


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """The test of one spread after the other. errors, trials, freedom: (groups,)."""

    spread: Spread
    errors: Floats
    trials: Floats
    freedom: Floats
    replicates: int
    seed: int

    def drawn(self, rates: Floats) -> tuple[Floats, Floats]:
        """Errors in simulated audits of a world, and how far off the variances are known: each (replicates, groups).

        A variance with f degrees of freedom (less `DOUBT`) is known up to a factor chi-square(f) / f.
        """
        rng = np.random.default_rng(self.seed)
        shape = self.replicates, len(rates)
        errors = rng.binomial(self.trials.astype(np.int64), np.clip(rates, 0.0, 1.0), shape).astype(np.float64)
        known = np.ones(shape)
        few = np.isfinite(self.freedom)
        if few.any():
            freedom = np.maximum(self.freedom[few] * DOUBT, 1.0)
            known[:, few] = np.maximum(rng.chisquare(freedom, (self.replicates, len(freedom))) / freedom, 1e-6)
        return errors, known

    def p_value(self, spread: float) -> float:
        """The share of audits that fit the spread as badly as what was seen, in a world that has it."""
        seen = Seen.of(self.errors[None, :], self.trials)
        errors, known = self.drawn(self.spread.world(seen, spread))
        worse = self.spread.surprise(Seen.of(errors, self.trials, known), spread)
        return float((1 + (worse >= self.spread.surprise(seen, spread)[0] - 1e-9).sum()) / (self.replicates + 1))

    def low(self, observed: float, alpha: float) -> float:
        """The lowest spread that is not rejected, where 0 is."""
        rejected, kept = 0.0, observed
        while self.p_value(kept) <= alpha:  # a rate of zero, taken as half an error, can lie too far out
            rejected, kept = kept, 2 * kept
            if kept > WIDEST:
                return rejected
        return self._between(rejected, kept, alpha)

    def high(self, observed: float, alpha: float) -> float:
        """The highest spread that is not rejected, infinite where none is."""
        kept, step = observed, max(observed, 0.1)
        while self.p_value(kept + step) > alpha:
            kept, step = kept + step, 2 * step
            if kept > WIDEST:
                return math.inf
        return self._between(kept + step, kept, alpha)

    def _between(self, rejected: float, kept: float, alpha: float) -> float:
        for _ in range(STEPS):
            middle = (rejected + kept) / 2
            if self.p_value(middle) > alpha:
                kept = middle
            else:
                rejected = middle
        return kept


def _logs(rates: Floats, trials: Floats) -> Floats:
    """ln of rates, a rate of zero shrunk to (k + 1/2) / (n + 1)."""
    return np.asarray(np.log(np.where(rates > 0, rates, 0.5 / (trials + 1))), np.float64)
