"""From scores of different people, by group, to the curve of a calibration and every group's rates at its anchors.

A group's FMR is counted where at least `COUNTED` of its pairs score that high, and beyond that extrapolated by a
generalised Pareto tail (peaks over threshold, `metrics.fit_tail`). The curve is the largest of the groups' bounds at
every score, made falling: of 16 groups the one whose sample looks worst need not be the one that is worst, so a promise
that rested on the rates themselves would be broken for some group about as often as kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.errors import BadRequest
from countenance.metrics import Interval, Tail, Tally, fit_tail, tally
from countenance.scoring.calibration import FLOOR

ANCHORS = ((80.0, 1e-3), (90.0, 1e-4), (99.0, 1e-5), (99.9, 1e-6))
"""The (similarity, FMR) for which a calibration lists every group."""
COUNTED = 30
"""With fewer false matches than this, a rate is extrapolated rather than counted (the rule of 30)."""
BOUND = 0.8
"""How sure a bound is: the upper end of a one-sided interval with people as units."""
_TOP = 2000
_KNOTS = 60

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Impostors:
    """Scores of different people of one group: ascending (p,), and the two people's numbers, int64 (p, 2)."""

    name: str
    scores: Numbers
    people: NDArray[np.int64]

    @classmethod
    def of(cls, name: str, parts: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Impostors:
        """All pairs within each part (probe side, gallery side), one row per person; never between two parts."""
        scores, people, before = [], [], 0
        for probe, gallery in parts:
            i, j = np.triu_indices(len(probe), 1)
            scores.append((probe @ gallery.T)[i, j])
            people.append(np.column_stack([i, j]) + before)
            before += len(probe)
        joined = np.concatenate(scores).astype(np.float64)
        order = np.argsort(joined)
        return cls(name, joined[order], np.concatenate(people)[order])

    def above(self, score: float) -> int:
        """How many pairs have at least that score."""
        return len(self.scores) - int(np.searchsorted(self.scores, score, "left"))

    def counted(self, score: float) -> Tally:
        """False matches at `score`, by person."""
        return tally(self.people[:, 0], self.people[:, 1], self.scores >= score)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group's rate at every score: by counts first, then by its tail (None if there are too few scores for one)."""

    impostors: Impostors
    tail: Tail | None

    @classmethod
    def of(cls, impostors: Impostors, seed: int) -> Group:
        """Fit the tail of `impostors`."""
        top = max(len(impostors.scores) - _TOP, 0)
        try:
            tail = fit_tail(impostors.scores[top:], len(impostors.scores), impostors.people[top:], seed=seed)
        except BadRequest:
            tail = None
        return cls(impostors, tail)

    def extrapolated(self, score: float) -> bool:
        """Whether too few pairs have that score to count them."""
        return self.impostors.above(score) < COUNTED

    def fmr(self, score: float) -> float:
        """The rate at `score`."""
        if not self.extrapolated(score) or self.tail is None or score < self.tail.floor:
            return self._counted(score)
        return float(self.tail.fmr(score))

    def bounds(self, scores: Numbers) -> Numbers:
        """What the rate at each of `scores` is at most, with a certainty of `BOUND`. Beyond the counts it is as much
        more than the rate as where they end.
        """
        own = self.impostors.scores
        counts = COUNTED * 2 ** np.arange(int(np.log2(max(_TOP / COUNTED, 1))) + 1)
        at = own[len(own) - np.minimum(counts, len(own))][::-1]
        doubt = [self.impostors.counted(s).rate(2 * BOUND - 1).interval.high / self._counted(s) for s in at.tolist()]
        rates = np.array([self.fmr(s) for s in scores.tolist()])
        return np.minimum(rates * np.interp(scores, at, doubt), 1.0)

    def _counted(self, score: float) -> float:
        return max(self.impostors.above(score), 0.5) / len(self.impostors.scores)

    def interval(self, score: float, level: float = 0.95) -> Interval:
        """Interval of the rate at `score`: people as clusters where counted, the tail's where extrapolated."""
        if self.extrapolated(score) and self.tail is not None and score >= self.tail.floor:
            return self.tail.fmr_interval(score, level)
        return self.impostors.counted(score).rate(level).interval


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Knots of a calibration: scores rising, log10 FMR falling from 0 to the floor."""

    scores: Numbers
    log_rates: Numbers


def worst_curve(groups: Sequence[Group]) -> Curve:
    """The largest bound of all groups at every score, as straight lines in log10 FMR between knots."""
    least = min(float(g.impostors.scores[0]) for g in groups)
    most = max(float(g.impostors.scores[-1]) for g in groups)
    grid = np.linspace(least, most + (most - least), 1500)
    rates = np.max([g.bounds(grid) for g in groups], axis=0)
    logs = np.minimum.accumulate(np.log10(np.maximum(rates, FLOOR / 100)))
    logs[0] = 0.0
    wanted = np.linspace(0.0, np.log10(FLOOR), _KNOTS * 3 // 2)
    falling = np.concatenate([[True], np.diff(logs) < -1e-9])
    xs, ys = grid[falling], logs[falling]
    if ys[-1] > wanted[-1]:  # the data end before the scale: continue the slope of the last decade
        back = int(np.argmax(ys <= ys[-1] + 1.0))
        slope = (ys[-1] - ys[back]) / (xs[-1] - xs[back])
        xs, ys = np.append(xs, xs[-1] + (wanted[-1] - ys[-1]) / slope), np.append(ys, wanted[-1])
    scores = np.interp(-wanted, -ys, xs)
    scores[0] = least
    rising = np.concatenate([[True], np.diff(scores) > 1e-6])
    rising[-1] = True
    return Curve(np.round(scores[rising], 6), np.round(wanted[rising], 6))
