"""How precise a rate is when its trials share people: the one variance formula behind every interval of the auditor.

A trial is a pair of people (for a mated comparison: a person with themselves). With h errors in n trials of each pair,
p = sum h / sum n, d = h - p·n the residual of a pair and r_i = sum_j d_ij that of a person:

    Var(p) = ( sum_i c_i r_i² - sum_{i<j} d_ij² ) / (sum n)²

The first sum is the delete-one-person jackknife (c_i its small-sample factor). Alone it counts every pair's own noise
twice, once for each of its two people, and so over-covers when people hardly differ (99.5 % for a nominal 95 %); the
second sum takes one of the two away. What is left is the dyadic cluster-robust variance: unbiased for one-sample and
two-sample U-statistics, and for mated pairs the usual clustered one. It is never taken to be below the variance of
independent trials, and goes into Wilson's interval as an effective number of trials. Where lambs and wolves make it
rest on few people it is itself uncertain, and Student's quantile takes the normal one's place, with Satterthwaite's
degrees of freedom 2·V² / sum_i (r_i² - mean)², at least `FEWEST_FREEDOM`.

Sources: Efron and Stein 1981 (Ann. Stat. 9) on the jackknife's bias for U-statistics; Hoeffding 1948 (Ann. Math. Stat.
19); Aronow, Samii and Assenova 2015 (Political Analysis 23) on dyadic clusters; Satterthwaite 1946 (Biometrics 2);
Korn and Graubard 1998 (Survey Methodology 24) on effective sizes in binomial intervals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Rate, check_level, plain_rate, unknown_rate
from countenance.metrics.statistics.labels import Codes, Mask

Counts = NDArray[np.int64]
"""int64 counts, shape as documented."""

FEWEST_FREEDOM = 4.0
"""Degrees of freedom are not taken below this: with two or three errors they cannot be estimated at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Errors and trials by person, and what pairs of people add: the sufficient statistics of a rate over pairs.

    people: int64 (k,), codes that name the same person across tallies, no code twice. side: int64 (k,), which sample a
    person was drawn from (the group, in a cell between two groups).
    errors, trials: int64 (k,), of all pairs that a person is part of, so a pair of two people is counted twice.
    errors2, cross, trials2: float64 (k,), sums over a person's pairs with *other* people of h², h·n and n².
    total_errors, total_trials: each pair counted once. Where people are not known the arrays are empty, k = 0.
    """

    people: Codes
    side: Codes
    errors: Counts
    trials: Counts
    errors2: Floats
    cross: Floats
    trials2: Floats
    total_errors: int
    total_trials: int

    @property
    def estimate(self) -> float:
        """total_errors / total_trials; NaN without trials."""
        return self.total_errors / self.total_trials if self.total_trials else math.nan

    @property
    def residuals(self) -> Floats:
        """r_i, (k,): a person's errors beyond what the pooled rate leads one to expect."""
        return np.asarray(self.errors - self.estimate * self.trials, np.float64)

    def variance(self) -> tuple[float, float]:
        """Variance of the estimate, and its degrees of freedom. Without trials or errors: (0, inf)."""
        p, total = self.estimate, self.total_trials
        if not 0 < p < 1:
            return 0.0, math.inf
        _, side, size = np.unique(self.side, return_inverse=True, return_counts=True)
        r = self.residuals / np.maximum(1 - self.trials / total, 0.5 / total)
        r2 = r * r * (1 - 1 / size)[side]
        own = self.errors2 - 2 * p * self.cross + p * p * self.trials2
        floor = p * (1 - p) * total
        spread = max(float(r2.sum() - own.sum() / 2), floor)
        if np.array_equal(self.trials, np.minimum(self.trials, 1)) and not self.trials2.any():
            return floor / total**2, math.inf  # one trial each, shared by nobody: plain binomial
        mean = np.bincount(side, r2) / size
        noise = float(np.square(r2 - mean[side]).sum())
        freedom = min(2 * spread * spread / max(noise, 1e-300), float(len(r2) - len(size)))
        return spread / total**2, max(freedom, FEWEST_FREEDOM)

    def rate(self, level: float = 0.95) -> Rate:
        """The rate with its effective number of trials and degrees of freedom."""
        check_level(level)
        people, total = len(self.people), self.total_trials
        if total == 0:
            return unknown_rate("no trials", level)
        if people == 0:
            return plain_rate(self.total_errors, total, level)
        p = self.estimate
        variance, freedom = self.variance()
        shared = bool(self.trials2.any()) or bool((self.trials > 1).any())
        method = "Wilson, effective trials by person (dyadic jackknife)" if shared else "Wilson, one trial per person"
        if people < 2:
            method, freedom = "Wilson, one person only: trials taken as independent", FEWEST_FREEDOM
        if variance <= 0:
            effective, freedom = float(total), FEWEST_FREEDOM if shared else math.inf
        else:
            effective = min(p * (1 - p) / variance, float(total))
        return Rate(self.total_errors, total, people, effective, freedom, level, method)


def tally(first: ArrayLike, second: ArrayLike, errors: Mask, side: ArrayLike | None = None) -> Tally:
    """The tally of a list of trials.

    first, second: whole numbers >= 0, (n,), the two people; equal where a trial compares a person with themselves.
    errors: bool (n,). side: by person code, which sample the person belongs to; None: all the same.
    """
    a, b = _people(first), _people(second)
    wrong = np.asarray(errors, bool)
    if not a.shape == b.shape == wrong.shape or a.ndim != 1:
        raise BadRequest(f"a tally takes three columns of one length, got {a.shape}, {b.shape} and {wrong.shape}")
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((high, low))
    low, high, wrong = low[order], high[order], wrong[order]
    starts = (
        np.flatnonzero(np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])]) if len(low) else np.zeros(0, int)
    )
    trials = np.diff(np.r_[starts, len(low)])
    bad = np.add.reduceat(wrong.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)
    return tally_pairs(low[starts], high[starts], bad, trials, side)


def tally_pairs(
    first: ArrayLike, second: ArrayLike, errors: ArrayLike, trials: ArrayLike, side: ArrayLike | None = None
) -> Tally:
    """The tally of distinct pairs of people with their counts: four columns (m,), no pair twice. side as in `tally`."""
    a, b = _people(first), _people(second)
    h, n = np.asarray(errors, np.int64), np.asarray(trials, np.int64)
    size = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    other = a != b

    def by_person(values: Floats | Counts, lonely: bool) -> Floats:
        kept = np.where(other, values, 0)
        sums = np.bincount(a, values if lonely else kept, size) + np.bincount(b, kept, size)
        return np.asarray(sums, np.float64)

    n_sum = by_person(n, True)
    there = np.flatnonzero(n_sum)
    sides = np.zeros(len(there), np.int64) if side is None else np.asarray(side, np.int64)[there]
    return Tally(
        people=there,
        side=sides,
        errors=by_person(h, True)[there].astype(np.int64),
        trials=n_sum[there].astype(np.int64),
        errors2=by_person(h * h, False)[there],
        cross=by_person(h * n, False)[there],
        trials2=by_person(n * n, False)[there],
        total_errors=int(h.sum()),
        total_trials=int(n.sum()),
    )


def united(one: Tally, two: Tally) -> Tally:
    """The tally of the pairs of both; no pair may be in both. A person who is in both is of the same side."""
    people, first, which = np.unique(np.r_[one.people, two.people], return_index=True, return_inverse=True)

    def summed(a: Floats | Counts, b: Floats | Counts) -> Floats:
        return np.asarray(np.bincount(which, np.r_[a, b], len(people)), np.float64)

    return Tally(
        people=people,
        side=np.r_[one.side, two.side][first],
        errors=summed(one.errors, two.errors).astype(np.int64),
        trials=summed(one.trials, two.trials).astype(np.int64),
        errors2=summed(one.errors2, two.errors2),
        cross=summed(one.cross, two.cross),
        trials2=summed(one.trials2, two.trials2),
        total_errors=one.total_errors + two.total_errors,
        total_trials=one.total_trials + two.total_trials,
    )


def clustered_rate(errors: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Rate:
    """The rate of trials in clusters that share nothing (mated comparisons by person).

    errors, trials: (k,) whole numbers by person, errors <= trials; people without trials are ignored.
    """
    h, n = np.asarray(errors, np.int64), np.asarray(trials, np.int64)
    if h.shape != n.shape or h.ndim != 1 or (h < 0).any() or (h > n).any():
        raise BadRequest("clusters are two columns of counts, errors never above trials")
    people = np.arange(len(n))
    return tally_pairs(people, people, h, n).rate(level)


def covariance(a: Tally, b: Tally) -> float:
    """Covariance of the two tallies' rates through the people they share (pairs themselves must not be shared)."""
    if not (a.total_trials and b.total_trials):
        return 0.0
    _, i, j = np.intersect1d(a.people, b.people, assume_unique=True, return_indices=True)
    return float(a.residuals[i] @ b.residuals[j]) / a.total_trials / b.total_trials


def _people(codes: ArrayLike) -> Codes:
    values = np.asarray(codes)
    if not np.issubdtype(values.dtype, np.integer) or (values.size and values.min() < 0):
        raise BadRequest("people are whole numbers from 0 up here")
    return values.astype(np.int64, copy=False)
