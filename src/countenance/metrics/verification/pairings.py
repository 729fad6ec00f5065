"""Comparisons sorted by pair of groups and pair of people, so that each threshold takes one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from countenance.metrics.statistics.dyads import Counts, Tally, clustered_rate, tally_pairs
from countenance.metrics.statistics.intervals import Floats, Rate
from countenance.metrics.statistics.labels import Codes, Mask
from countenance.metrics.verification.comparisons import Comparisons


@dataclass(frozen=True, slots=True, eq=False)
class Pairings:
    """Scores in runs of one pair of people each.

    score: (n,), -inf below the censor point, NaN where failed. starts, trials: where each of the m runs starts and how
    long it is. first, second: the people, (m,), or empty where not known (then a run is a pair of groups).
    first_group, second_group: (m,), first <= second.
    """

    score: Floats
    starts: Counts
    trials: Counts
    first: Codes
    second: Codes
    first_group: Codes
    second_group: Codes

    @classmethod
    def of(cls, data: Comparisons, rows: Mask) -> Pairings:
        """The comparisons in `rows`, bool (n,)."""
        score = data.score[rows]
        a_group, b_group = data.first_group[rows], data.second_group[rows]
        a, b = (data.first[rows], data.second[rows]) if data.has_people else (np.zeros_like(a_group),) * 2
        swap = (a_group > b_group) | ((a_group == b_group) & (a > b))
        a, b = np.where(swap, b, a), np.where(swap, a, b)
        a_group, b_group = np.where(swap, b_group, a_group), np.where(swap, a_group, b_group)
        people, groups = int(max(a.max(initial=0), b.max(initial=0))) + 1, len(data.groups)
        cell = a_group * groups + b_group
        if people * people * groups * groups < 2**62:
            order = np.argsort((cell * people + a) * people + b, kind="stable")
        else:
            order = np.lexsort((b, a, cell))
        a, b, a_group, b_group = a[order], b[order], a_group[order], b_group[order]
        starts = _starts(a_group, b_group, a, b)
        trials = np.diff(np.r_[starts, len(order)])
        none = np.zeros(0, np.int64)
        who = (a[starts], b[starts]) if data.has_people else (none, none)
        return cls(score[order], starts, trials, *who, a_group[starts], b_group[starts])

    def matches(self, threshold: float) -> Counts:
        """How many scores of each run lie at or above the threshold, (m,)."""
        return self._counted(self.score >= threshold)

    def failures(self) -> Counts:
        """How many comparisons of each run have no score, (m,)."""
        return self._counted(np.isnan(self.score))

    def tally(self, errors: Counts, rows: Mask | None = None) -> Tally:
        """The tally of errors (m,) in some runs: bool (m,), or all."""
        kept = slice(None) if rows is None else rows
        h, n = errors[kept], self.trials[kept]
        if not len(self.first):
            none, no = np.zeros(0, np.int64), np.zeros(0)
            return Tally(none, none, none, none, no, no, no, int(h.sum()), int(n.sum()))
        a, b = self.first[kept], self.second[kept]
        side = np.zeros(int(max(a.max(initial=-1), b.max(initial=-1))) + 1, np.int64)
        side[a], side[b] = self.first_group[kept], self.second_group[kept]
        return tally_pairs(a, b, h, n, side)

    def clustered(self, errors: Counts, rows: Mask | None, level: float) -> Rate:
        """The rate of errors (m,) in runs of one person each (mated comparisons): bool (m,), or all."""
        return rate_of_mated(self.tally(errors, rows), level)

    def _counted(self, flags: Mask) -> Counts:
        if not len(self.starts):
            return np.zeros(0, np.int64)
        return np.add.reduceat(flags.astype(np.int64), self.starts)


def rate_of_mated(tally: Tally, level: float) -> Rate:
    """The rate of a tally of pairs of one person each (mated comparisons)."""
    return clustered_rate(tally.errors, tally.trials, level) if len(tally.people) else tally.rate(level)


def _starts(*columns: Codes) -> Counts:
    """Where runs of equal rows start; the columns are sorted alike."""
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    change = np.zeros(len(columns[0]) - 1, bool)
    for column in columns:
        change |= column[1:] != column[:-1]
    return np.flatnonzero(np.r_[True, change])
