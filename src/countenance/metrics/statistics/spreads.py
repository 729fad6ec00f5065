"""How badly groups' rates fit a stated spread: the test that intervals of the worst group are made of.

Two spreads, both of ln rates: `Range` is highest minus lowest, `AboveMean` highest minus mean. For a stated spread the
rates are moved as little as possible until they have it. Where the groups lie further apart than stated, several may
have to move, at one end or both; where they lie closer, the cheapest one or two. What moving costs is the likelihood
ratio; given how many had to move, it is about chi-square with that number of degrees of freedom (less one for `Range`,
whose level is free). Conditioning on that number is what makes one test right both where one group stands out and where
all are nearly equal; a test that looks at the observed spread alone has to know which of the two it is.

Sources: Al Mohamad, van Zwet, Cator and Goeman 2020 (Biometrika 107) and Cox and Shi 2023 (Rev. Econ. Stud. 90) for
the degrees of freedom given what moved; Wilson and Hilferty 1931 (PNAS 17) for chi-square as a normal deviate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.metrics.statistics.intervals import Floats

NEAR = 0.8
"""Groups within so many standard errors of the end that others were moved to count as lying there, in simulations.

Chosen by simulated coverage (`tests/slow/test_coverage.py`). Equal groups would need a larger number (they cover 94.5 %
instead of 95 with 0.8), groups that rise in steps of less than a standard error a smaller one (97.5 %)."""
SMALLEST = 1e-300
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Rates of groups as counts of about the same precision in Poisson trials: Var(ln rate) = 1 / errors.

    errors, trials: float64, (audits, groups); errors / trials is the rate as it was measured, 0..1.
    """

    errors: Floats
    trials: Floats

    @classmethod
    def of(cls, errors: Floats, trials: Floats, known: Floats | float = 1.0) -> Seen:
        """errors among (effective) binomial trials, whose Var(ln rate) is (1 - rate) / errors. known: the estimate of
        each variance over the true one, where that is uncertain."""
        wider = (trials + 1) / ((trials - errors + 0.5) * known)
        return cls(np.asarray(errors * wider, np.float64), np.asarray(trials * wider, np.float64))

    @property
    def rates(self) -> Floats:
        """errors / trials."""
        return self.errors / self.trials

    @property
    def logs(self) -> Floats:
        """ln of rates; a rate of zero as half an error."""
        return np.asarray(np.log(np.where(self.errors > 0, self.errors, 0.5) / self.trials), np.float64)


class Spread(Protocol):
    """A way to put groups' distance from each other into one number, 0 where all are equal."""

    def value(self, logs: Floats) -> Floats:
        """The spread of ln rates, (..., groups)."""

    def surprise(self, seen: Seen, spread: float) -> Floats:
        """How badly each audit (audits,) fits a true spread >= 0, as about a normal deviate."""

    def world(self, seen: Seen, spread: float) -> Floats:
        """Rates (groups,) that have the spread and fit `seen` (one audit) best, those `NEAR` an end put there."""


class Range:
    """Highest minus lowest: the likelihood ratio of Poisson counts."""

    def value(self, logs: Floats) -> Floats:
        """As in `Spread`."""
        return np.asarray(logs.max(axis=-1) - logs.min(axis=-1), np.float64)

    def surprise(self, seen: Seen, spread: float) -> Floats:
        """As in `Spread`."""
        ratio = math.exp(spread)
        apart = _apart(seen, ratio)
        cost, moved = np.empty(len(apart)), np.ones(len(apart))
        far = Seen(seen.errors[apart], seen.trials[apart])
        low = _window(far, ratio)[:, None]
        cost[apart] = _deviance(far, np.clip(far.rates, low, low * ratio)).sum(axis=-1)
        outside = (far.rates < low * (1 - 1e-9)) | (far.rates > low * ratio * (1 + 1e-9))
        moved[apart] = np.maximum(outside.sum(axis=-1) - 1, 1)
        near = Seen(seen.errors[~apart], seen.trials[~apart])
        cost[~apart] = _stretched(near, ratio)[0]
        return _deviate(cost, moved)

    def world(self, seen: Seen, spread: float) -> Floats:
        """As in `Spread`."""
        ratio = math.exp(spread)
        rates = seen.rates[0]
        if _apart(seen, ratio)[0]:
            low = float(_window(seen, ratio)[0])
        else:
            _, top, bottom, lowest = _stretched(seen, ratio)
            low = float(lowest[0])
            rates = rates.copy()
            rates[top[0]], rates[bottom[0]] = low * ratio, low
        low = min(max(low, SMALLEST), 1 / ratio)
        high = low * ratio
        rates = np.clip(rates, low, high)
        down = np.where(rates <= low, 0.0, np.sqrt(_deviance(seen, np.full_like(seen.errors, low))[0]))
        up = np.where(rates >= high, 0.0, np.sqrt(_deviance(seen, np.full_like(seen.errors, high))[0]))
        rates = np.where((down <= up) & (down <= NEAR), low, rates)
        return np.asarray(np.where((up < down) & (up <= NEAR), high, rates), np.float64)


class AboveMean:
    """Highest minus mean: the likelihood ratio of ln rates as normal, with weights of one over their variance.

    A spread of 0 says the same as a `Range` of 0, and is tested as that.
    """

    def value(self, logs: Floats) -> Floats:
        """As in `Spread`."""
        return np.asarray(logs.max(axis=-1) - logs.mean(axis=-1), np.float64)

    def surprise(self, seen: Seen, spread: float) -> Floats:
        """As in `Spread`."""
        if spread <= 0:
            return Range().surprise(seen, 0.0)
        _, cost, held = self._held(seen, spread)
        return _deviate(cost, np.minimum(held.sum(axis=-1), seen.errors.shape[-1] - 1))

    def world(self, seen: Seen, spread: float) -> Floats:
        """As in `Spread`."""
        if spread <= 0:
            return Range().world(seen, 0.0)
        x, weight = seen.logs, _weights(seen)
        moved, _, held = self._held(seen, spread)
        top = moved.max(axis=-1, keepdims=True)
        held |= np.sqrt(weight) * (top - x) <= NEAR
        if held.all():
            held[0, x[0].argmin()] = False
        moved = self._moved(x, weight, held, spread)[0][0]
        return np.asarray(np.exp(np.minimum(moved - max(float(moved.max()), 0.0), 0.0)), np.float64)

    def _held(self, seen: Seen, spread: float) -> tuple[Floats, Floats, Flags]:
        """ln rates moved to have the spread, what that costs, and which groups are held at the top."""
        x, weight = seen.logs, _weights(seen)
        groups = x.shape[-1]
        above = x - x.mean(axis=-1, keepdims=True)
        free = 1 / weight
        variance = free * (1 - 2 / groups) + free.sum(axis=-1, keepdims=True) / groups**2
        short = above.max(axis=-1) < spread
        first = np.where(short, ((spread - above) ** 2 / variance).argmin(axis=-1), x.argmax(axis=-1))
        held = np.arange(groups) == first[:, None]
        moved, cost = self._moved(x, weight, held, spread)
        for _ in range(groups):
            more = (moved > np.where(held, moved, -np.inf).max(axis=-1, keepdims=True) + 1e-12) & ~short[:, None]
            more &= (held | more).sum(axis=-1, keepdims=True) < groups
            if not more.any():
                break
            held |= more
            moved, cost = self._moved(x, weight, held, spread)
        return moved, cost, held

    @staticmethod
    def _moved(x: Floats, weight: Floats, held: Flags, spread: float) -> tuple[Floats, Floats]:
        """The least costly ln rates whose held groups (not all) lie at mean + spread, and that cost.

        The cost is the sum of w (moved - x)². Lagrange's conditions are two lines in the top and the multiplier.
        """
        groups = x.shape[-1]
        total = (weight * held).sum(axis=-1)
        level = (weight * x * held).sum(axis=-1) / total
        rest = 1 - held.mean(axis=-1)
        loose = np.where(held, 0.0, 1 / weight).sum(axis=-1) / groups**2
        pull = rest * level - spread - np.where(held, 0.0, x).sum(axis=-1) / groups
        force = pull / (rest**2 / total + loose)
        top = (level - force * rest / total)[:, None]
        moved = np.where(held, top, x + (force / groups)[:, None] / weight)
        return moved, (weight * (moved - x) ** 2).sum(axis=-1)


def _apart(seen: Seen, ratio: float) -> Flags:
    rates = seen.rates
    return np.asarray(rates.max(axis=-1) >= ratio * rates.min(axis=-1), np.bool_)


def _weights(seen: Seen) -> Floats:
    return np.where(seen.errors > 0, seen.errors, 0.5)


def _deviance(seen: Seen, rates: Floats) -> Floats:
    """2 (k ln(k / m) - k + m) with m = rate · trials: the likelihood ratio of Poisson counts, (audits, groups)."""
    expected = np.maximum(seen.trials * rates, SMALLEST)
    some = seen.errors > 0
    logs = np.log(np.where(some, seen.errors / expected, 1.0))
    return np.maximum(2 * (np.where(some, seen.errors * logs, 0.0) - seen.errors + expected), 0.0)


def _window(seen: Seen, ratio: float) -> Floats:
    """The low end of the likeliest window of rates (low to low · ratio), (audits,).

    It solves sum of n (low - p)⁺ = sum of n (p - ratio·low)⁺, which rises in `low` and is straight between the points
    p and p / ratio.
    """
    p, n = seen.rates, seen.trials
    points = np.concatenate([p / ratio, p], axis=-1)
    bends = np.concatenate([-ratio * n, n], axis=-1)
    order = points.argsort(axis=-1, kind="stable")
    points = np.take_along_axis(points, order, -1)
    slopes = ratio * n.sum(axis=-1, keepdims=True) + np.take_along_axis(bends, order, -1).cumsum(axis=-1)
    start = points[:, :1] * ratio * n.sum(axis=-1, keepdims=True) - seen.errors.sum(axis=-1, keepdims=True)
    heights = np.concatenate([start, start + (slopes[:, :-1] * np.diff(points, axis=-1)).cumsum(axis=-1)], axis=-1)
    at = np.clip((heights < 0).sum(axis=-1), 1, points.shape[-1] - 1)
    rows = np.arange(len(points))
    low, high, below, over = points[rows, at - 1], points[rows, at], heights[rows, at - 1], heights[rows, at]
    rise = over - below
    share = np.where(rise > 0, -below / np.where(rise > 0, rise, 1.0), 0.0)
    return np.asarray(np.maximum(low + np.clip(share, 0, 1) * (high - low), SMALLEST), np.float64)


def _stretched(seen: Seen, ratio: float) -> tuple[Floats, Places, Places, Floats]:
    """The cheapest pair to move apart to `ratio`, of those that hold the highest or the lowest group.

    Returns the cost, the upper and the lower group and the lower rate, each (audits,).
    """
    rates = seen.rates
    count, groups = rates.shape
    everyone = np.broadcast_to(np.arange(groups), (count, groups))
    highest = np.broadcast_to(rates.argmax(axis=-1)[:, None], (count, groups))
    lowest = np.broadcast_to(rates.argmin(axis=-1)[:, None], (count, groups))
    top, bottom = np.concatenate([highest, everyone], -1), np.concatenate([everyone, lowest], -1)

    def pick(of: np.ndarray) -> Seen:
        return Seen(np.take_along_axis(seen.errors, of, -1), np.take_along_axis(seen.trials, of, -1))

    upper, lower = pick(top), pick(bottom)
    low = np.maximum((upper.errors + lower.errors) / (upper.trials * ratio + lower.trials), SMALLEST)
    cost = np.where(top == bottom, np.inf, _deviance(upper, low * ratio) + _deviance(lower, low))
    best = cost.argmin(axis=-1)[:, None] if count else np.zeros((0, 1), np.intp)

    def chosen(of: np.ndarray) -> np.ndarray:
        return np.take_along_axis(of, best, -1)[:, 0]

    return chosen(cost), chosen(top), chosen(bottom), chosen(low)


def _deviate(chi2: Floats, freedom: Floats) -> Floats:
    """Chi-square with `freedom` degrees as about a standard normal deviate: the cube root's."""
    part = 2 / (9 * freedom)
    return np.asarray((np.cbrt(chi2 / freedom) - (1 - part)) / np.sqrt(part), np.float64)
