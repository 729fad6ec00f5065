"""The worst of many groups: highest rate over lowest, or over the geometric mean, without the winner's curse.

The highest of noisy rates lies above the highest true one: eight equal groups look unequal. So the interval is found by
inverting a test. On the line of worlds ln rate_i(s) = ln pooled + s·(ln estimate_i - ln pooled), where s = 0 is "all
equal" and s = 1 "as measured", each world is simulated with the groups' effective numbers of trials, and the interval
holds the worlds in which the observed ratio is neither too high nor too low. Its low end is 1 whenever equal groups
could have given what was seen.

Source: NIST IR 8429 (draft, 2022) for the ratio to the geometric mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.metrics.intervals import Floats, Interval, Rate, check_level
from countenance.errors import BadRequest

WORLDS = np.linspace(0, 3, 31)
"""Values of s that are simulated; past the last the interval is open."""


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

    In simulations, and behind that low end, zero rates count as (k + 1/2) / (n_eff + 1). replicates: of each world.
    """
    found = _extreme(rates, lambda x: np.asarray(x.max(axis=-1) - x.min(axis=-1)), replicates, seed, level)
    if found.best >= 0 and not rates[found.best].errors:
        interval = Interval(found.interval.low, math.inf, level, found.interval.method)
        return Extreme(math.inf, interval, found.expected_if_equal, found.p_value, found.worst, found.best)
    return found


def max_over_geomean(rates: Sequence[Rate], replicates: int, seed: int, level: float = 0.95) -> Extreme:
    """Highest rate over the geometric mean of all. A zero rate enters as (k + 1/2) / (n_eff + 1)."""
    return _extreme(rates, lambda x: np.asarray(x.max(axis=-1) - x.mean(axis=-1)), replicates, seed, level)


def _extreme(
    rates: Sequence[Rate], spread: Callable[[Floats], Floats], replicates: int, seed: int, level: float
) -> Extreme:
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
    n = trials.astype(np.int64)
    measured = _logs(p, trials)
    observed = float(spread(measured))
    pooled = math.log(float((p * n).sum() / n.sum()))
    lows, highs = np.empty(len(WORLDS)), np.empty(len(WORLDS))
    null = np.zeros(replicates)
    for i, s in enumerate(WORLDS):
        world = np.exp(np.minimum(pooled + s * (measured - pooled), 0.0))
        draws = np.random.default_rng(seed).binomial(n, world, (replicates, len(n))) / n
        stretched = spread(_logs(draws, trials))
        lows[i], highs[i] = np.quantile(stretched, [(1 - level) / 2, (1 + level) / 2])
        null = stretched if i == 0 else null
    first, last = _crossing(np.maximum.accumulate(highs), observed), _crossing(np.maximum.accumulate(lows), observed)
    interval = Interval(
        math.exp(first * observed) if math.isfinite(first) else 1.0,
        math.exp(last * observed) if math.isfinite(last) else math.inf,
        level,
        "inverted simulated test",
    )
    p_value = float((1 + (null >= observed - 1e-12).sum()) / (replicates + 1))
    worst, best = known[int(p.argmax())], known[int(p.argmin())]
    return Extreme(math.exp(observed), interval, float(np.exp(null.mean())), p_value, worst, best)


def _crossing(rising: Floats, observed: float) -> float:
    """The s at which a rising quantile reaches the observed value: 0 where it always has, infinite where never."""
    at = int(np.searchsorted(rising, observed, "left"))
    if at == 0:
        return 0.0
    if at == len(rising):
        return math.inf
    share = (observed - rising[at - 1]) / (rising[at] - rising[at - 1])
    return float(WORLDS[at - 1] + share * (WORLDS[at] - WORLDS[at - 1]))


def _logs(rates: Floats, trials: Floats) -> Floats:
    """ln of rates, a rate of zero shrunk to (k + 1/2) / (n + 1)."""
    return np.asarray(np.log(np.where(rates > 0, rates, 0.5 / (trials + 1))), np.float64)
