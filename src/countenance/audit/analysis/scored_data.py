"""Scored comparisons, as they came in, as data of an analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.analysis.measurement import Counts, FaceData, Measurement, binned, by_person
from countenance.audit.sources.faces import Outcomes
from countenance.audit.sources.people import Grouping
from countenance.audit.sources.scored import ScoredComparisons
from countenance.errors import BadRequest
from countenance.metrics import Comparisons, DataFinding, OpenSet, Tradeoff, Verification, verify_each


def scored_data(scored: ScoredComparisons, outcomes: Outcomes | None = None) -> FaceData:
    """`scored` (and what became of each image, where images were looked at) as data of an analysis."""
    people = np.unique(np.r_[scored.a, scored.b])
    if outcomes is not None:
        people = np.union1d(people, outcomes.subjects)
    own = (_said(finding) for finding in scored.comparisons.findings if finding.kind not in _ABOUT_GROUPS)

    def measure(grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        pairs = scored.grouped(grouping)
        asked = tuple(thresholds)
        return _ScoredMeasurement(pairs, asked, verify_each(pairs, asked) if asked else (), {})

    def search(grouping: Grouping, sizes: Sequence[int], threshold: float, seed: int) -> OpenSet | None:
        return None

    return FaceData(
        people=scored.people,
        present=people.astype(np.int32),
        unit="comparisons",
        rows=len(scored.comparisons),
        comparisons=len(scored.comparisons),
        findings=(*scored.findings, *own),
        outcomes=outcomes,
        negated=scored.comparisons.negated,
        censor_point=scored.comparisons.censor_point,
        measure=measure,
        search=search,
    )


_ABOUT_GROUPS = frozenset({"single-group", "empty-groups"})
"""Comparisons are checked with everybody in one group; what groups lack is told by their analysis."""


def _said(finding: DataFinding) -> str:
    counted = finding.text.startswith(("comparisons", "people", "declared"))
    return f"{finding.count:,} {finding.text}" if counted and finding.count else finding.text


@dataclass(frozen=True, slots=True, eq=False)
class _ScoredMeasurement:
    """curves: sorted impostor scores by group (None: all), made when they are first asked for."""

    pairs: Comparisons
    thresholds: tuple[float, ...]
    verifications: tuple[Verification, ...]
    curves: dict[int | None, Tradeoff | None]

    def verification(self, at: int) -> Verification:
        return self.verifications[at]

    def genuine(self, at: int, group: int) -> tuple[Counts, Counts, Counts]:
        c = self.pairs
        nobody = np.empty(0, np.int64)
        if not len(c.first):
            return nobody, nobody, nobody
        here = c.mated & ~c.failed & (c.first_group == group)
        return by_person(c.first[here], c.score[here] < self.thresholds[at])

    def threshold_at(self, fmr: float, group: int | None) -> float | None:
        curve = self._impostors(group)
        if curve is None:
            return None
        try:
            threshold = float(curve.threshold_at(fmr))
        except BadRequest:  # it lies below the censor point
            return None
        return threshold if math.isfinite(threshold) else None

    def _impostors(self, group: int | None) -> Tradeoff | None:
        if group not in self.curves:
            c = self.pairs
            here = ~c.mated & ~c.failed
            if group is not None:
                here &= (c.first_group == group) & (c.second_group == group)
            self.curves[group] = Tradeoff.of(c.score[here], [0.0], c.censor_point) if here.any() else None
        return self.curves[group]

    def tradeoff(self, group: int | None) -> Tradeoff | None:
        c = self.pairs
        usable = ~c.failed if group is None else ~c.failed & (c.first_group == group) & (c.second_group == group)
        if not (usable & c.mated).any() or not (usable & ~c.mated).any():
            return None
        return Tradeoff.among(c, group, group)

    def histogram(self, group: int, low: float, high: float) -> tuple[Counts, Counts]:
        c = self.pairs
        here = ~c.failed & (c.first_group == group) & (c.second_group == group)
        return binned(c.score[here & ~c.mated], low, high), binned(c.score[here & c.mated], low, high)

    def limits(self) -> tuple[float, float]:
        told = self.pairs.score[np.isfinite(self.pairs.score)]
        return (float(told.min()), float(told.max())) if len(told) else (0.0, 1.0)
