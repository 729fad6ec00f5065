"""Smooth counts of false matches, and their gradient: the compiled inner loop of the fit."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Codes = NDArray[np.int32]

_REACH = 8.0


@numba.njit(cache=True, fastmath=True)
def soft_counts(
    first: Codes, second: Codes, group: Codes, cosine: Floats, offset: Floats, levels: Floats, width: float, groups: int
) -> NDArray[np.float64]:
    """(groups, t): sums over pairs of the logistic of (cosine - both offsets - level) / width."""
    counts = np.zeros((groups, len(levels)))
    least = levels.min() - _REACH * width
    for p in range(len(first)):
        score = cosine[p] - offset[first[p]] - offset[second[p]]
        if score > least:
            for t in range(len(levels)):
                counts[group[p], t] += 1.0 / (1.0 + np.exp(-(score - levels[t]) / width))
    return counts


@numba.njit(cache=True, fastmath=True)
def add_gradient(
    first: Codes,
    second: Codes,
    group: Codes,
    cosine: Floats,
    offset: Floats,
    levels: Floats,
    width: float,
    slope: Floats,
    by_offset: Floats,
    by_level: Floats,
) -> None:
    """Add d(loss)/d(offset) (n,) and d(loss)/d(level) (t,), where slope (groups, t) is d(loss)/d(count)."""
    least = levels.min() - _REACH * width
    for p in range(len(first)):
        score = cosine[p] - offset[first[p]] - offset[second[p]]
        if score > least:
            total = 0.0
            for t in range(len(levels)):
                share = 1.0 / (1.0 + np.exp(-(score - levels[t]) / width))
                step = slope[group[p], t] * share * (1.0 - share) / width
                total += step
                by_level[t] -= step
            by_offset[first[p]] -= total
            by_offset[second[p]] -= total
