"""How precise a rate is when its trials share people: the one variance formula behind every interval of the auditor.

A trial is a pair of people (for a mated comparison: a person with themselves). With h = errors and n = trials of each
pair, p = sum h / sum n, and d = h - p n the residual of a pair, summed over a person r_i = sum_j d_ij:

    Var(p) = ( sum_i r_i² - sum_{i<j} d_ij² ) / (sum n)²

The first sum is the delete-one-person jackknife. Alone it counts every pair's own noise twice, once for each of its
two people, and so over-covers when people hardly differ (up to 99.5 % for a nominal 95 %); the second sum takes one of
the two away. What is left is the dyadic cluster-robust variance, unbiased for the two-sample and the one-sample
U-statistic, and for mated pairs (one person, no sharing) the usual clustered one. It is never taken to be below the
variance of independent trials, and goes into Wilson's interval as an effective number of trials.

Sources: Efron and Stein 1981 (Ann. Stat. 9) on the jackknife's bias for U-statistics; Hoeffding 1948; Aronow, Samii
and Assenova 2015 (Political Analysis 23) on dyadic clusters; Fogliato, Patil and Perona 2024 on Wilson's interval with
an effective size for matching tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.audit.metrics.comparisons import Codes, Mask
from countenance.audit.metrics.intervals import Floats, Interval, Rate

Counts = NDArray[np.int64]
"""int64 counts, shape as documented."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Errors and trials by person, and what pairs of people add: the sufficient statistics of a rate over pairs.

    errors, trials: int64 (k,): of all pairs that a person is part of, so each pair of two people is counted twice.
    people: int64 (k,), codes that name the same person across tallies.
    total_errors, total_trials: each pair counted once.
    pair_errors2, pair_cross, pair_trials2: sums over pairs of two different people of h², h·n and n².
    """

    people: Codes
    errors: Counts
    trials: Counts
    total_errors: int
    total_trials: int
    pair_errors2: float
    pair_cross: float
    pair_trials2: float

    def rate(self, level: float = 0.95) -> Rate:
        """The rate with its effective number of trials. Few people: Student's quantile, k-1 degrees of freedom."""
        raise NotImplementedError


def tally(first: ArrayLike, second: ArrayLike, errors: Mask) -> Tally:
    """The tally of a list of trials: two people (n,) and whether each trial was an error, bool (n,)."""
    raise NotImplementedError


def clustered_rate(errors: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Rate:
    """The rate of trials in clusters that share nothing (mated comparisons by person).

    errors, trials: (k,) whole numbers by person; people without trials are ignored.
    """
    raise NotImplementedError


def covariance(a: Tally, b: Tally) -> float:
    """Covariance of the two tallies' rates through the people they share (pairs themselves must not be shared)."""
    raise NotImplementedError


def vertex_bootstrap(errors: ArrayLike, trials: ArrayLike, replicates: int, seed: int, level: float = 0.95) -> Interval:
    """The cross-check: percentile interval from resampled people (Snijders and Borgatti 1999).

    errors, trials: (k, k) symmetric counts by pair of people, diagonal ignored. With weights w drawn multinomially a
    replicate is wᵀHw / wᵀNw without the diagonal. Memory (k, k) floats: for up to a few thousand people.
    """
    raise NotImplementedError


def bootstrap_totals(counts: ArrayLike, clusters: Sequence[int] | ArrayLike, replicates: int, seed: int) -> Counts:
    """Totals of resampled people: the cluster bootstrap at the price of a table.

    counts: (k, c) whole numbers, one row per person (say errors and trials). clusters: (k,) stratum codes 0..g-1 (the
    group): people are resampled within their stratum. Returns (replicates, g, c). People with equal rows are
    exchangeable, so one multinomial over the *distinct* rows of a stratum has exactly the distribution of drawing
    people one by one.
    """
    raise NotImplementedError


def percentile(draws: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile bounds along the first axis of `draws`, NaN ignored: shapes draws.shape[1:]."""
    raise NotImplementedError
