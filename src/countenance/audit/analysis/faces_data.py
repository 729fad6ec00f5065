"""Templates, compared all with all, as data of an analysis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.analysis.measurement import BINS, Counts, FaceData, Measurement, binned, by_person
from countenance.audit.sources.faces import Faces, Vectors
from countenance.audit.sources.people import Grouping
from countenance.audit.sources.tables import Codes
from countenance.metrics import OpenSet, PairSums, Tradeoff, Verification, all_pairs, open_set

Sides = Callable[[Vectors], tuple[Vectors, Vectors]]
"""Vectors (n, d) to their probe sides and gallery sides; the comparison score is the inner product of the two."""


def faces_data(faces: Faces, sides: Sides | None = None, limits: tuple[float, float] = (-1.0, 1.0)) -> FaceData:
    """`faces` as data of an analysis. sides: how vectors become probe and gallery sides (None: plain cosine).

    limits: lowest and highest score to tell apart, for the histograms that thresholds are found in.
    """
    probe, gallery = (faces.vectors, None) if sides is None else sides(faces.vectors)
    outcomes, n = faces.outcomes, len(faces.subjects)

    def chosen(grouping: Grouping) -> tuple[Vectors, Vectors | None, Codes, Codes]:
        group = grouping.codes[faces.subjects]
        known = group >= 0
        other = None if gallery is None else gallery[known]
        return probe[known], other, faces.subjects[known], group[known]

    def measure(grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        one, other, people, group = chosen(grouping)
        low, high = limits
        sums = all_pairs(one, other, people, group, grouping.groups, tuple(thresholds), low=low, high=high)
        return _FacesMeasurement(sums, tuple(thresholds))

    def search(grouping: Grouping, sizes: Sequence[int], threshold: float, seed: int) -> OpenSet | None:
        one, other, people, group = chosen(grouping)
        possible = [size for size in sizes if size <= len(np.unique(people)) // 2]
        if not possible:
            return None
        return open_set(one, other, people, group, grouping.groups, possible, [threshold], seed=seed)

    return FaceData(
        people=faces.people,
        present=np.unique(faces.subjects if outcomes is None else outcomes.subjects).astype(np.int32),
        unit="templates" if outcomes is None else "images",
        rows=n if outcomes is None else len(outcomes.subjects),
        comparisons=n * (n - 1) // 2,
        findings=faces.findings,
        outcomes=outcomes,
        negated=False,
        censor_point=None,
        measure=measure,
        search=search,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _FacesMeasurement:
    sums: PairSums
    thresholds: tuple[float, ...]

    def verification(self, at: int) -> Verification:
        return self.sums.verification(at)

    def genuine(self, at: int, group: int) -> tuple[Counts, Counts, Counts]:
        here = self.sums.genuine_group == group
        return by_person(self.sums.genuine_person[here], self.sums.genuine[here] < self.thresholds[at])

    def threshold_at(self, fmr: float, group: int | None) -> float | None:
        histogram = self.sums.impostor_histogram
        if not (histogram if group is None else histogram[group, group]).sum():
            return None
        threshold = self.sums.threshold_at(fmr, group, group)
        return threshold if math.isfinite(threshold) else None

    def tradeoff(self, group: int | None) -> Tradeoff | None:
        genuine = len(self.sums.genuine) if group is None else int((self.sums.genuine_group == group).sum())
        impostors = self.sums.impostor_histogram if group is None else self.sums.impostor_histogram[group, group]
        return self.sums.tradeoff(group, group) if genuine and impostors.sum() else None

    def histogram(self, group: int, low: float, high: float) -> tuple[Counts, Counts]:
        centres = (self.sums.edges[:-1] + self.sums.edges[1:]) / 2
        width = high - low if high > low else 1.0
        place = np.clip((centres - low) / width * BINS, 0, BINS - 1).astype(np.int64)
        impostors = np.bincount(place, self.sums.impostor_histogram[group, group], BINS).astype(np.int64)
        return impostors, binned(self.sums.genuine[self.sums.genuine_group == group], low, high)

    def limits(self) -> tuple[float, float]:
        used = np.flatnonzero(self.sums.impostor_histogram.sum(axis=(0, 1)))
        low, high = (self.sums.edges[used[0]], self.sums.edges[used[-1] + 1]) if len(used) else (0.0, 1.0)
        return float(min(low, self.sums.genuine.min(initial=low))), float(
            max(high, self.sums.genuine.max(initial=high))
        )
