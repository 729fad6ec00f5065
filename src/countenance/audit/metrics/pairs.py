"""Every pair of n templates, by group, without ever holding n² scores.

The score of two templates is the inner product of the one's probe side and the other's gallery side (for plain cosine
both sides are the template). Blocks of the upper triangle go through one matrix product into a reused buffer and at
once through one compiled pass that fills histograms by pair of groups and counts, per person, the non-mated scores at
or above each threshold: what the jackknife needs. Mated pairs (same person) are taken out and returned as they are.

Memory beyond the input: sorted copies of both sides, a block of scores per thread, and the counts;
`PairSums.peak_bytes` says how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.dyads import Counts, Tally, clustered_rate
from countenance.audit.metrics.intervals import Floats, Rate, check_level, plain_rate, unknown_rate
from countenance.audit.metrics.labels import Codes
from countenance.audit.metrics.pair_blocks import Floats32, Ordered, each_block
from countenance.audit.metrics.tradeoff import Tradeoff
from countenance.audit.metrics.verification import Cell, GroupErrors, Verification
from countenance.errors import BadRequest

MOST_THRESHOLDS = 64
"""Thresholds of one pass: each costs counts for every person and group."""


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
    findings: tuple[Finding, ...]

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
        """Error rates by group and pair of groups at `thresholds[threshold]`: what `verify` is for score files."""
        check_level(level)
        names, t = self.groups, float(self.thresholds[threshold])

        def falsely(first: int | None, second: int | None, where: str) -> tuple[Tally, Rate]:
            found = self.tally(threshold, first, second)
            return found, found.rate(level) if found.total_trials else unknown_rate(f"no non-mated pair{where}", level)

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
                found, rate = falsely(a, b, f" of {names[a]} with {names[b]}")
                cells.append(Cell(a, b, rate, found))
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


def all_pairs(
    probe_side: ArrayLike,
    gallery_side: ArrayLike | None,
    people: ArrayLike,
    group: ArrayLike,
    groups: Sequence[str],
    thresholds: Sequence[float] = (),
    *,
    low: float = -1.0,
    high: float = 1.0,
    bins: int = 4096,
    workers: int = 0,
) -> PairSums:
    """All pairs of n templates.

    probe_side, gallery_side: float32 (n, d); the score of rows i and j is probe_side[i] · gallery_side[j], which must
    not depend on the order (it is checked on a sample: `BadRequest`); None: the same as probe_side. people: (n,)
    anything comparable; group: int (n,), codes into `groups`. thresholds: up to 64, for false-match counts per person.
    low, high, bins: the histogram. workers: threads; 0 means all cores.

    BadRequest: NaN or infinite numbers, shapes that do not fit, fewer than two templates, a code out of range.
    Findings: no mated pairs, a single person, empty groups, a person in several groups, scores outside low..high.
    """
    from countenance.audit.metrics.pair_kernel import sweep  # numba is slow to import, and only this needs it

    names = tuple(groups)
    levels = np.sort(np.asarray(thresholds, np.float64))
    if levels.ndim != 1 or not np.isfinite(levels).all() or len(levels) > MOST_THRESHOLDS:
        raise BadRequest(f"thresholds are up to {MOST_THRESHOLDS} finite numbers")
    if not (math.isfinite(low) and math.isfinite(high) and low < high and 2 <= bins <= 65536):
        raise BadRequest("a histogram runs from a lower to a higher number in 2 to 65536 bins")
    data = Ordered.of(probe_side, gallery_side, people, group)
    if data.group.min() < 0 or data.group.max() >= len(names):
        raise BadRequest(f"group codes run from 0 to {len(names) - 1}")
    sizes = np.diff(data.unit_start)
    units, size = len(sizes), len(names)
    table = np.zeros((size, size, bins), np.int64)
    counts = np.zeros((units, size, len(levels), 3), np.int64)
    per_unit = bins / (high - low)
    mated = _MatedPairs(data)
    lock = Lock()

    def work(a: int, b: int, scores: Floats32) -> None:
        mated.take(a, b, scores)
        row_units, column_units = data.units(a), data.units(b)
        row_parts, row_groups = _parts(data, a)
        column_parts, column_groups = _parts(data, b)
        histograms = np.zeros((len(row_groups), len(column_groups), bins), np.int64)
        by_row = np.zeros((row_units.stop - row_units.start, len(column_groups), len(levels), 3), np.int64)
        by_column = np.zeros((column_units.stop - column_units.start, len(row_groups), len(levels), 3), np.int64)
        sweep(
            scores,
            (data.unit[data.rows(a)] - row_units.start).astype(np.int32),
            (data.unit[data.rows(b)] - column_units.start).astype(np.int32),
            row_parts,
            column_parts,
            sizes[row_units],
            sizes[column_units],
            a == b,
            low,
            per_unit,
            levels,
            histograms,
            by_row,
            by_column,
        )
        with lock:
            for i, g in enumerate(row_groups):
                counts[column_units, g] += by_column[:, i]
                for j, h in enumerate(column_groups):
                    table[g, h] += histograms[i, j]
            for j, h in enumerate(column_groups):
                counts[row_units, h] += by_row[:, j]

    used = each_block(data, work, workers)
    mated.forget(table)
    templates = np.bincount(data.group, minlength=size)
    in_groups = np.bincount(data.unit_group, minlength=size)
    copies = data.probe.nbytes * (1 if data.gallery is data.probe else 2)
    block = data.largest_block
    threads = used * (block * block * 4 + 2 * block * (len(levels) * 24 + 8) + 8 * bins * 4)
    return PairSums(
        groups=names,
        thresholds=levels,
        edges=low + np.arange(bins + 1) / per_unit,
        impostor_histogram=table,
        genuine=mated.score,
        genuine_person=data.person[mated.first],
        genuine_group=np.minimum(data.group[mated.first], data.group[mated.second]),
        unit_person=data.unit_person,
        unit_group=data.unit_group,
        unit_size=sizes,
        counts=counts,
        templates=templates,
        people=in_groups,
        pairs=len(data) * (len(data) - 1) // 2,
        peak_bytes=copies + threads + table.nbytes + counts.nbytes + mated.score.nbytes * 5,
        workers=used,
        findings=_findings(data, names, templates, in_groups, mated, table, low, high),
    )


class _MatedPairs:
    """Where the mated pairs are, and their scores as they are taken out of the blocks."""

    def __init__(self, data: Ordered) -> None:
        by_person = np.argsort(data.person, kind="stable")
        ends = np.flatnonzero(np.r_[data.person[by_person][1:] != data.person[by_person][:-1], True]) + 1
        starts = np.r_[0, ends[:-1]]
        pairs = [
            (by_person[s:e][i], by_person[s:e][j])
            for s, e in zip(starts, ends, strict=True)
            if e - s > 1
            for i, j in [np.triu_indices(e - s, 1)]
        ]
        empty = np.zeros(0, np.int64)
        self.first = np.concatenate([p[0] for p in pairs]) if pairs else empty
        self.second = np.concatenate([p[1] for p in pairs]) if pairs else empty
        edges = data.unit_start[data.block_start]
        block = np.searchsorted(edges, self.first, "right") - 1, np.searchsorted(edges, self.second, "right") - 1
        order = np.lexsort((block[1], block[0]))
        self.first, self.second = self.first[order], self.second[order]
        self._key = block[0][order] * data.blocks + block[1][order]
        self._data = data
        self._apart = data.unit[self.first] != data.unit[self.second]
        self.score = np.empty(len(self.first))

    def take(self, a: int, b: int, scores: Floats32) -> None:
        """Keep the mated scores of a block; where the compiled pass would count them, put minus infinity instead."""
        key = a * self._data.blocks + b
        here = slice(*np.searchsorted(self._key, [key, key + 1]))
        if here.start == here.stop:
            return
        i = self.first[here] - self._data.rows(a).start
        j = self.second[here] - self._data.rows(b).start
        self.score[here] = scores[i, j]
        apart = self._apart[here]
        scores[i[apart], j[apart]] = -np.inf

    def forget(self, table: Counts) -> None:
        """Take the places of minus infinity off the first bin of histograms (g, g, bins)."""
        first, second = self._data.group[self.first[self._apart]], self._data.group[self.second[self._apart]]
        np.subtract.at(table[:, :, 0], (first, second), 1)


def _parts(data: Ordered, block: int) -> tuple[NDArray[np.int32], list[int]]:
    """Where the runs of one group start within a block, and the end; and their groups."""
    group = data.group[data.rows(block)]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    return np.r_[starts, len(group)].astype(np.int32), [int(g) for g in group[starts]]


def _findings(
    data: Ordered,
    names: tuple[str, ...],
    templates: Counts,
    people: Counts,
    mated: _MatedPairs,
    table: Counts,
    low: float,
    high: float,
) -> tuple[Finding, ...]:
    found = []
    everybody = int(data.person.max()) + 1
    empty = tuple(name for name, count in zip(names, templates, strict=True) if not count)
    if not len(mated.first):
        found.append(Finding("no-mated", "nobody has two templates: FNMR cannot be measured"))
    if everybody == 1:
        found.append(Finding("no-non-mated", "all templates are of one person: FMR cannot be measured"))
    if len(names) == 1:
        found.append(Finding("single-group", "there is one group only: nothing can be compared", groups=names))
    if empty:
        found.append(Finding("empty-groups", "declared groups without any template", len(empty), empty))
    if len(data.unit_person) > everybody:
        text = "people with images in several groups: they count in each, and intervals know that it is one person"
        found.append(Finding("several-groups", text, int((np.bincount(data.unit_person) > 1).sum())))
    outside = int(table[:, :, 0].sum() + table[:, :, -1].sum())
    if outside:
        text = f"non-mated scores in the first or last bin, which also hold what lies outside {low:g} to {high:g}"
        found.append(Finding("histogram-ends", text, outside))
    return tuple(found)


def top_scores(
    probe_side: ArrayLike,
    gallery_side: ArrayLike | None,
    people: ArrayLike,
    floor: float,
    limit: int,
    *,
    workers: int = 0,
) -> tuple[Floats, Counts]:
    """Non-mated scores at or above `floor`, and who they belong to: what `tail.fit_tail` needs.

    Returns scores float64 (m,) and row numbers int64 (m, 2) with first < second, ordered by them. More than `limit` of
    them are a `BadRequest` that says how many there are.
    """
    from countenance.audit.metrics.pair_kernel import harvest  # as above

    data = Ordered.of(probe_side, gallery_side, people, np.zeros(len(np.asarray(people)), np.int64))
    lock = Lock()
    kept: list[tuple[Floats, Counts]] = []
    total = [0]

    def work(a: int, b: int, scores: Floats32) -> None:
        room = min(max(limit, 1), scores.size)
        found, i, j = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
        rows, columns = data.rows(a), data.rows(b)
        count = harvest(scores, data.person[rows], data.person[columns], a == b, floor, found, i, j)
        with lock:
            total[0] += count
            if total[0] <= limit:
                places = np.column_stack([data.order[rows][i[:count]], data.order[columns][j[:count]]])
                kept.append((found[:count].copy(), np.sort(places, axis=1)))

    each_block(data, work, workers)
    if total[0] > limit:
        raise BadRequest(f"{total[0]} scores lie at or above {floor:.6g}, more than the {limit} asked for")
    scores = np.concatenate([k[0] for k in kept])
    places = np.concatenate([k[1] for k in kept])
    order = np.lexsort((places[:, 1], places[:, 0]))
    return scores[order], places[order]
