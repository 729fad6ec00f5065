"""The counts kept from all pairs of templates, and the rates, thresholds and curves that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Counts, Tally, clustered_rate
from countenance.metrics.statistics.intervals import Floats, Rate, check_level, plain_rate, unknown_rate
from countenance.metrics.statistics.labels import Codes
from countenance.metrics.verification.comparisons import DataFinding
from countenance.metrics.verification.tradeoff import Tradeoff
from countenance.metrics.verification.verification import Cell, GroupErrors, Verification


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """What is kept of all pairs.

    groups: g names. thresholds: float64 (t,), ascending. edges: float64 (b+1,) of the histogram, evenly spaced.
    impostor_histogram: int64 (g, g, b), upper triangle: non-mated scores between two groups; first and last bin hold
    what lies outside. genuine, genuine_person, genuine_group: (m,) mated scores, the person (a code), the group (a
    mated pair over two groups counts for the first in the groups' order).
    unit_person, unit_group, unit_size: (u,), a unit is one person's templates within one group. counts: int64
    (u, g, t, 3), sums over a unit's pairs with units of other people in each group of h, h² and h·n, where h of n
    scores lie at or above the threshold. templates, people: of each group, (g,). pairs: scores computed.
    peak_bytes: largest memory of buffers, copies and counts, beyond the input. workers: threads that worked.
    """

    groups: tuple[str, ...]
    thresholds: Floats
    edges: Floats
    impostor_histogram: Counts
    genuine: Floats
    genuine_person: Codes
    genuine_group: Codes
    unit_person: Codes
    unit_group: Codes
    unit_size: Counts
    counts: Counts
    templates: Counts
    people: Counts
    pairs: int
    peak_bytes: int
    workers: int
    findings: tuple[DataFinding, ...]

    def impostors(self, first: int, second: int) -> int:
        """Number of non-mated pairs between two groups, in either order."""
        return int(self.impostor_histogram[min(first, second), max(first, second)].sum())

    def tally(self, threshold: int, first: int | None = None, second: int | None = None) -> Tally:
        """False matches at `thresholds[threshold]`, by person: between two groups; of one with all; of all.

        Where a person has images in several groups the sums of squares are those of units, not of whole people: near
        enough for an interval (on images drawn at random, within 15 % of the effective number of trials).
        """
        group, size = self.unit_group, len(self.groups)
        table = np.zeros((size, size), bool)
        if first is None:
            table[:] = True
        elif second is None:
            table[first, :] = table[:, first] = True
        else:
            table[first, second] = table[second, first] = True
        wanted = table[group]  # (u, g): with which groups this unit's pairs count
        sums = (self.counts[:, :, threshold, :] * wanted[:, :, None]).sum(axis=1)
        own, own2 = self._same_person()
        n = self.unit_size
        templates = wanted @ self.templates - (own * wanted).sum(axis=1)
        squares = np.bincount(group, n * n, size).astype(np.int64)
        trials, trials2 = n * templates, n * n * (wanted @ squares - (own2 * wanted).sum(axis=1))
        names, at = np.unique(self.unit_person, return_inverse=True)
        by_person = [np.bincount(at, column, len(names)) for column in (*sums.T, trials, trials2)]
        side = np.zeros(len(names), np.int64)
        side[at] = group
        h, h2, cross, total, total2 = by_person
        there = total > 0
        return Tally(
            people=names[there],
            side=side[there],
            errors=h[there].astype(np.int64),
            trials=total[there].astype(np.int64),
            errors2=h2[there].astype(np.float64),
            cross=cross[there].astype(np.float64),
            trials2=total2[there].astype(np.float64),
            total_errors=int(h.sum()) // 2,
            total_trials=int(total.sum()) // 2,
        )

    def _same_person(self) -> tuple[Counts, Counts]:
        """Templates, and their squared number, that a unit's person has in each group, (u, g)."""
        size = len(self.groups)
        people = int(self.unit_person.max()) + 1
        own, own2 = np.zeros((people, size), np.int64), np.zeros((people, size), np.int64)
        own[self.unit_person, self.unit_group] = self.unit_size
        own2[self.unit_person, self.unit_group] = self.unit_size**2
        return own[self.unit_person], own2[self.unit_person]

    def verification(self, threshold: int, level: float = 0.95) -> Verification:
        """Error rates by group and pair of groups at `thresholds[threshold]`, like those of `verify`."""
        check_level(level)
        names, t = self.groups, float(self.thresholds[threshold])

        def falsely(first: int | None, second: int | None, where: str) -> tuple[Tally, Rate]:
            tally = self.tally(threshold, first, second)
            return tally, tally.rate(level) if tally.total_trials else unknown_rate(f"no non-mated pair{where}", level)

        def missed(group: int | None, where: str) -> Rate:
            rows = slice(None) if group is None else self.genuine_group == group
            who = self.genuine_person[rows]
            if not len(who):
                return unknown_rate(f"no mated pair{where}", level)
            errors = np.bincount(who, self.genuine[rows] < t).astype(np.int64)
            return clustered_rate(errors, np.bincount(who), level)

        cells = []
        for a in range(len(names)):
            for b in range(a, len(names)):
                counted, rate = falsely(a, b, f" of {names[a]} with {names[b]}")
                cells.append(Cell(a, b, rate, counted))
        groups = []
        for g, name in enumerate(names):
            own = cells[g * len(names) - g * (g - 1) // 2].rate
            fnmr = missed(g, f" of {name}")
            whole = self.impostor_histogram[g].sum() + self.impostor_histogram[:, g].sum() - self.impostors(g, g)
            none = (
                plain_rate(0, int(whole) + fnmr.trials, level)
                if whole + fnmr.trials
                else unknown_rate("no pair", level)
            )
            fmr_any = falsely(g, None, f" of {name}")[1]
            groups.append(GroupErrors(name, int(self.people[g]), own, fmr_any, fnmr, none, own.estimate, fnmr.estimate))
        return Verification(
            t, level, tuple(groups), tuple(cells), falsely(None, None, "")[1], missed(None, ""), self.findings
        )

    def threshold_at(self, fmr: float, first: int | None = None, second: int | None = None) -> float:
        """The lowest histogram edge with FMR <= target: of all non-mated pairs, of one group's, or of two groups'.

        Counts at edges are exact, so the answer is at most one bin above the exact threshold. Infinite where even the
        last edge has more (widen the histogram), or there is no pair.
        """
        if not 0 <= fmr <= 1:
            raise BadRequest(f"a false match rate lies between 0 and 1, got {fmr}")
        counts = self._histogram(first, second)
        at_or_above = np.cumsum(counts[::-1])[::-1]  # at edges[0], ..., edges[b-1]
        fits = np.flatnonzero(at_or_above <= fmr * counts.sum())
        return float(self.edges[fits[0]]) if len(fits) and counts.any() else math.inf

    def tradeoff(self, first: int | None = None, second: int | None = None) -> Tradeoff:
        """The curve, impostors taken at their bins' lower edges (right to one bin's width), at most a million of them.

        BadRequest where there is no mated or no non-mated pair.
        """
        counts = self._histogram(first, second)
        shrink = max(-(-int(counts.sum()) // 1_000_000), 1)
        places = np.arange(shrink // 2, int(counts.sum()), shrink)
        impostors = self.edges[np.searchsorted(np.cumsum(counts), places, "right")]
        genuine = self.genuine if first is None else self.genuine[self.genuine_group == first]
        return Tradeoff.of(impostors, genuine)

    def _histogram(self, first: int | None, second: int | None) -> Counts:
        table = self.impostor_histogram
        if first is None:
            return np.asarray(table.sum(axis=(0, 1)), np.int64)
        if second is None:
            return np.asarray(table[first].sum(axis=0) + table[:, first].sum(axis=0) - table[first, first], np.int64)
        return np.asarray(table[min(first, second), max(first, second)], np.int64)
