"""What the analysis of faces needs from its data, and how it gets that from scored comparisons.

How it gets it from templates is in `sources/templates.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.audit.labelled.people import Grouping, LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.errors import BadRequest
from countenance.metrics import (
    HERE,
    Comparisons,
    Counting,
    DataFinding,
    OpenSet,
    Rate,
    Tradeoff,
    Verification,
    failure_rates,
    verify_each,
)

BINS = 64
Counts = NDArray[np.int64]
"""Whole numbers, int64, shape as documented."""
Vectors = NDArray[np.float32]
"""Templates, one a row, shape (n, d), float32."""
Sides = Callable[[Vectors], tuple[Vectors, Vectors]]
"""Vectors (n, d) to their probe sides and gallery sides; the comparison score is the inner product of the two."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What happened to every image: failures and quality are results, not missing rows.

    subjects: (images,), row of the people. failed: (images,), bool, no template could be made. unreadable: (images,),
    bool, those of the failed that could not be decoded at all. quality: by name ("sharpness", "brightness",
    "size_px", "confidence"), (images,), float64, NaN where there is no face.
    """

    subjects: Codes
    failed: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    quality: dict[str, NDArray[np.float64]]


class Measurement(Protocol):
    """Figures of one grouping at given thresholds, which are named by position. Larger scores mean more alike."""

    def verification(self, at: int) -> Verification:
        """Error rates at the at-th threshold."""

    def genuine(self, at: int, group: int) -> tuple[Counts, Counts, Counts]:
        """Comparisons of one person, (k,) each: rows of the people, misses at the at-th threshold, trials."""

    def threshold_at(self, fmr: float, group: int | None) -> float | None:
        """The lowest threshold at which the FMR, of all impostors or of those within a group, is at most `fmr`."""

    def tradeoff(self, group: int | None) -> Tradeoff | None:
        """The curve of one group (impostors within it), or of all; None where one kind is missing."""

    def histogram(self, group: int, low: float, high: float) -> tuple[Counts, Counts]:
        """Impostor (within the group) and genuine scores in `BINS` equal bins, outliers in the end bins."""

    def limits(self) -> tuple[float, float]:
        """Lowest and highest score; the censor point is the lowest where scores lie below it."""


class Measure(Protocol):
    """How error rates are computed for one grouping."""

    def __call__(self, grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        """Figures by group at `thresholds`, which are in ascending order."""


class Search(Protocol):
    """How searches are measured for one grouping."""

    def __call__(self, grouping: Grouping, sizes: Sequence[int], threshold: float, seed: int) -> OpenSet | None:
        """FPIR and FNIR measured on subsampled galleries; None where there are no templates, or too few people."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceData:
    """What an analysis of face comparisons needs from any source.

    present: rows of the people that the data is about, each once. unit: what one of `rows` is. negated: scores are
    negated distances. censor_point: the lowest threshold that can be asked about. outcomes: of images, where images
    were looked at. findings: what a reader must know about the data.
    """

    people: LabelledPeople
    present: Codes
    unit: str
    rows: int
    comparisons: int
    findings: tuple[str, ...]
    outcomes: Outcomes | None
    negated: bool
    censor_point: float | None
    measure: Measure
    search: Search


def everybody(people: LabelledPeople) -> Grouping:
    """All people in one group."""
    return Grouping("all", ("all",), np.zeros(people.count, np.int32))


def image_failures(outcomes: Outcomes, grouping: Grouping) -> tuple[Rate, ...]:
    """Images that gave no template, by group."""
    group = grouping.codes[outcomes.subjects]
    known = group >= 0
    return failure_rates(grouping.groups, group[known], outcomes.failed[known], outcomes.subjects[known])


def binned(scores: NDArray[np.float64], low: float, high: float) -> Counts:
    """Counts of scores in `BINS` equal bins from low to high, outliers in the end bins."""
    width = high - low if high > low else 1.0
    place = np.clip((np.nan_to_num(scores, neginf=low) - low) / width * BINS, 0, BINS - 1)
    return np.bincount(place.astype(np.int64), minlength=BINS)


def by_person(people: Counts, missed: NDArray[np.bool_]) -> tuple[Counts, Counts, Counts]:
    """Misses and trials by person: (k,) people, misses, trials."""
    names, which = np.unique(people, return_inverse=True)
    misses = np.bincount(which, missed, len(names)).astype(np.int64)
    return names.astype(np.int64), misses, np.bincount(which, minlength=len(names)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredComparisons:
    """Scored comparisons and their people.

    comparisons: checked, everybody in one group. a, b: (n,), int32, rows of `people` for each comparison.
    findings: what was wrong with the data, beside those that `comparisons` holds itself.
    """

    people: LabelledPeople
    comparisons: Comparisons
    a: Codes
    b: Codes
    findings: tuple[str, ...]

    def grouped(self, grouping: Grouping) -> Comparisons:
        """The comparisons of people who have a label in `grouping`, with its groups."""
        first, second = grouping.codes[self.a].astype(np.int64), grouping.codes[self.b].astype(np.int64)
        known = (first >= 0) & (second >= 0)
        chosen = self.comparisons if known.all() else self.comparisons.only(known)
        return dataclasses.replace(chosen, first_group=first[known], second_group=second[known], groups=grouping.groups)


def scored_data(scored: ScoredComparisons, outcomes: Outcomes | None = None, spread: Counting = HERE) -> FaceData:
    """Data for an analysis out of comparisons, and what happened to each image where images were looked at.

    spread: where parts of many comparisons are counted.
    """
    people = np.unique(np.r_[scored.a, scored.b])
    if outcomes is not None:
        people = np.union1d(people, outcomes.subjects)
    own = (_said(finding) for finding in scored.comparisons.findings if finding.kind not in _ABOUT_GROUPS)

    def measure(grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        pairs = scored.grouped(grouping)
        thresholds_given = tuple(thresholds)
        return _ScoredMeasurement(
            pairs, thresholds_given, verify_each(pairs, thresholds_given, spread=spread) if thresholds_given else (), {}
        )

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
"""Findings left out here: everybody is in one group, and the analysis itself says what its groups lack."""


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
        scored = self.pairs.score[np.isfinite(self.pairs.score)]
        low, high = (float(scored.min()), float(scored.max())) if len(scored) else (0.0, 1.0)
        if self.pairs.censor_point is not None and np.isneginf(self.pairs.score).any():
            low = min(low, self.pairs.censor_point)  # what was not told is in the first bin
        return low, high
