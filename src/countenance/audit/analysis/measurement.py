"""What an analysis of faces asks of its data, whether scores came in or are computed from templates here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.audit.sources.faces import Outcomes
from countenance.audit.sources.people import Grouping, LabelledPeople
from countenance.audit.sources.tables import Codes
from countenance.metrics import OpenSet, Rate, Tradeoff, Verification, failure_rates

BINS = 64
Counts = NDArray[np.int64]
"""Whole numbers, int64, shape as documented."""


class Measurement(Protocol):
    """Figures of one grouping at the thresholds asked for, by position (larger is more alike)."""

    def verification(self, at: int) -> Verification:
        """Error rates at the at-th threshold."""

    def genuine(self, at: int, group: int) -> tuple[Counts, Counts, Counts]:
        """Comparisons of one person, (k,) each: rows of the people, misses at the at-th threshold, trials."""

    def threshold_at(self, fmr: float, group: int | None) -> float | None:
        """The lowest threshold with that FMR at most, of all impostors or of those within a group."""

    def tradeoff(self, group: int | None) -> Tradeoff | None:
        """The curve of one group (impostors within it), or of all; None where one kind is missing."""

    def histogram(self, group: int, low: float, high: float) -> tuple[Counts, Counts]:
        """Impostor (within the group) and genuine scores in `BINS` equal bins, outliers in the end bins."""

    def limits(self) -> tuple[float, float]:
        """Lowest and highest score."""


class Measure(Protocol):
    """How a source is measured."""

    def __call__(self, grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        """Figures by group at `thresholds`, which rise."""


class Search(Protocol):
    """How a source is searched."""

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
