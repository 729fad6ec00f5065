"""Resampled people: the cluster bootstrap at the price of a table, and the vertex bootstrap as a cross-check."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Counts
from countenance.metrics.statistics.intervals import Floats, Interval, check_level


def bootstrap_totals(counts: ArrayLike, strata: ArrayLike, replicates: int, seed: int) -> Counts:
    """Totals of resampled people.

    counts: (k, c) whole numbers, one row per person (say errors and trials). strata: (k,) codes 0..g-1 (the group):
    people are resampled within their stratum, as many as it has. Returns int64 (replicates, g, c). People with equal
    rows are exchangeable, so one multinomial over the *distinct* rows of a stratum has exactly the distribution of
    drawing people one by one, and costs nothing per person.
    """
    table = np.asarray(counts, np.int64)
    codes = np.asarray(strata, np.int64)
    if table.ndim != 2 or codes.shape != table.shape[:1]:
        raise BadRequest(f"counts are (people, columns) with one stratum each, got {table.shape} and {codes.shape}")
    if replicates < 1 or (codes.size and codes.min() < 0):
        raise BadRequest("a bootstrap has at least one replicate, and strata are numbered from 0")
    rng = np.random.default_rng(seed)
    key = _row_keys(np.column_stack([codes, table]))
    _, at, size = np.unique(key, return_index=True, return_counts=True)
    kinds, stratum = table[at], codes[at]
    totals = np.zeros((replicates, int(codes.max(initial=-1)) + 1, table.shape[1]), np.int64)
    for g in np.unique(stratum):
        here = stratum == g
        drawn = rng.multinomial(size[here].sum(), size[here] / size[here].sum(), replicates)
        totals[:, g] = drawn @ kinds[here]
    return totals


def _row_keys(rows: Counts) -> Counts:
    """One whole number per row, equal where rows are: mixed radix, re-coded where it would not fit 63 bits."""
    key = np.zeros(len(rows), np.int64)
    room = 1
    for column in rows.T:
        low = int(column.min(initial=0))
        span = int(column.max(initial=0)) - low + 1
        if room * span >= 2**62:
            _, key = np.unique(key, return_inverse=True)
            room = int(key.max(initial=0)) + 1
        if room * span >= 2**62:
            _, column = np.unique(column, return_inverse=True)
            low, span = 0, int(column.max(initial=0)) + 1
        key = key * span + (column - low)
        room *= span
    return key


def percentile(draws: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile bounds along the first axis of `draws`, NaN ignored: two arrays of shape draws.shape[1:]."""
    check_level(level)
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low, np.float64), np.asarray(high, np.float64)


def vertex_bootstrap(errors: ArrayLike, trials: ArrayLike, replicates: int, seed: int, level: float = 0.95) -> Interval:
    """The cross-check: percentile interval from resampled people (Snijders and Borgatti 1999).

    errors, trials: (k, k) symmetric counts by pair of people, diagonal ignored. With weights w drawn multinomially a
    replicate is wᵀHw / wᵀNw without the diagonal. It over-covers where people hardly differ. Memory: a few (k, k)
    arrays of float64, so for up to a few thousand people.
    """
    h, n = np.array(errors, np.float64), np.array(trials, np.float64)
    if h.ndim != 2 or h.shape != n.shape or h.shape[0] != h.shape[1] or h.shape[0] < 2:
        raise BadRequest(f"the vertex bootstrap takes two square tables, got {h.shape} and {n.shape}")
    np.fill_diagonal(h, 0)
    np.fill_diagonal(n, 0)
    k = len(h)
    weights = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), replicates).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = np.einsum("bi,bi->b", weights @ h, weights) / np.einsum("bi,bi->b", weights @ n, weights)
    low, high = percentile(draws, level)
    return Interval(float(low), float(high), level, "vertex bootstrap, percentile")
