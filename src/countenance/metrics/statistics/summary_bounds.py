"""Intervals of figures that put many groups into one number: their range over all rates that the data leave possible.

Every rate has its own interval, at a level at which all of them hold at once (Sidak 1967, J. Am. Stat. Assoc. 62). The
lowest and the highest value that a figure takes while the rates stay in their intervals bound it, whatever the figure:
they cover at least at the level, usually more. A simulated or bootstrapped interval would not do: of groups that are
equal it never holds the value of equality.

The lowest is reached where rates are moved towards one common value (no other rates in the box are more alike, in the
order of majorisation); the highest at corners of the box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from countenance.metrics.statistics.intervals import Floats, Rate

CORNERS = 12
"""Of more groups not every corner is tried: only those where the lowest groups are at their low ends."""
_Figure = Callable[[Floats], float]
_Box = tuple[Floats, Floats]


def box_of(rates: Sequence[Rate], level: float, of: int) -> _Box:
    """Low and high ends of rates, (groups,) each, that hold at once with those of `of` rates in all."""
    each = level ** (1 / max(1, of))
    intervals = [rate.at(each) for rate in rates]
    return np.array([i.low for i in intervals]), np.array([i.high for i in intervals])


def lowest(figure: _Figure, box: _Box) -> float:
    """The least value of a figure that grows as rates grow apart."""
    low, high = box
    ends = np.unique(np.r_[low, high])
    return min(figure(np.clip(np.full(len(low), c), low, high)) for c in np.r_[ends, (ends[1:] + ends[:-1]) / 2])


def highest(figure: _Figure, box: _Box) -> float:
    """The greatest value of such a figure; infinite where a rate may be zero and the figure divides by it."""
    low, high = box
    size = len(low)
    if size <= CORNERS:
        corners = (np.array(c, bool) for c in product((False, True), repeat=size))
    else:
        ranks = np.argsort(np.argsort(low + high))
        corners = (ranks >= at for at in range(1, size))
    return max(figure(np.where(corner, high, low)) for corner in corners)


def spread(rates: Floats) -> float:
    """Highest less lowest."""
    return float(rates.max() - rates.min())


def max_over_min_of(rates: Floats) -> float:
    """Highest over lowest; 1 where all are zero."""
    top, bottom = float(rates.max()), float(rates.min())
    return 1.0 if top == 0 else top / bottom if bottom > 0 else math.inf


def max_over_geomean_of(rates: Floats) -> float:
    """Highest over the geometric mean; 1 where all are zero."""
    top = float(rates.max())
    if top == 0:
        return 1.0
    return math.inf if rates.min() == 0 else top / math.exp(float(np.log(rates).mean()))
