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
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.errors import BadRequest
from countenance.metrics.all_pairs.blocks import Floats32, Ordered, each_block
from countenance.metrics.all_pairs.sums import PairSums
from countenance.metrics.statistics.dyads import Counts
from countenance.metrics.statistics.intervals import Floats
from countenance.metrics.verification.comparisons import DataFinding

MOST_THRESHOLDS = 64
"""Thresholds of one pass: each costs counts for every person and group."""


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
    from countenance.metrics.all_pairs.kernel import sweep  # numba is slow to import, and only this needs it

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
    """Where the mated pairs are, and their scores, collected block by block."""

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
        """Subtract the minus infinities that were counted from the first bin of histograms (g, g, bins)."""
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
) -> tuple[DataFinding, ...]:
    findings = []
    everybody = int(data.person.max()) + 1
    empty = tuple(name for name, count in zip(names, templates, strict=True) if not count)
    if not len(mated.first):
        findings.append(DataFinding("no-mated", "nobody has two templates: FNMR cannot be measured"))
    if everybody == 1:
        findings.append(DataFinding("no-non-mated", "all templates are of one person: FMR cannot be measured"))
    if len(names) == 1:
        findings.append(DataFinding("single-group", "there is one group only: nothing can be compared", groups=names))
    if empty:
        findings.append(DataFinding("empty-groups", "declared groups without any template", len(empty), empty))
    if len(data.unit_person) > everybody:
        text = "people with images in several groups: they count in each, and intervals know that it is one person"
        findings.append(DataFinding("several-groups", text, int((np.bincount(data.unit_person) > 1).sum())))
    outside = int(table[:, :, 0].sum() + table[:, :, -1].sum())
    if outside:
        text = f"non-mated scores in the first or last bin, which also hold what lies outside {low:g} to {high:g}"
        findings.append(DataFinding("histogram-ends", text, outside))
    return tuple(findings)


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
    from countenance.metrics.all_pairs.kernel import harvest  # as above

    data = Ordered.of(probe_side, gallery_side, people, np.zeros(len(np.asarray(people)), np.int64))
    lock = Lock()
    kept: list[tuple[Floats, Counts]] = []
    total = [0]

    def work(a: int, b: int, scores: Floats32) -> None:
        room = min(max(limit, 1), scores.size)
        block_scores, i, j = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
        rows, columns = data.rows(a), data.rows(b)
        count = harvest(scores, data.person[rows], data.person[columns], a == b, floor, block_scores, i, j)
        with lock:
            total[0] += count
            if total[0] <= limit:
                places = np.column_stack([data.order[rows][i[:count]], data.order[columns][j[:count]]])
                kept.append((block_scores[:count].copy(), np.sort(places, axis=1)))

    each_block(data, work, workers)
    if total[0] > limit:
        raise BadRequest(f"{total[0]} scores lie at or above {floor:.6g}, more than the {limit} asked for")
    scores = np.concatenate([k[0] for k in kept])
    places = np.concatenate([k[1] for k in kept])
    order = np.lexsort((places[:, 1], places[:, 0]))
    return scores[order], places[order]
