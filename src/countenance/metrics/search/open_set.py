"""FPIR and FNIR of 1:N searches, measured by gallery size on galleries drawn from the people in the data.

Definitions as in `identification`. The intervals cover the choice of who is searched for: each probe person is one
cluster, over all repeats. Every repeat draws new galleries from the same people; the intervals do not cover the choice
of those people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.all_pairs.blocks import Floats32, Ordered
from countenance.metrics.search.identification import chance_of_any
from countenance.metrics.statistics.dyads import Counts, clustered_rate
from countenance.metrics.statistics.intervals import Floats, Rate, check_level, unknown_rate
from countenance.metrics.statistics.labels import Codes
from countenance.metrics.verification.comparisons import DataFinding

PROBES = 512
"""Probes whose scores against the whole gallery are held at a time."""


@dataclass(frozen=True, slots=True)
class SearchRates:
    """Measured at one gallery size and threshold; fpir_by_group, fnir_by_group: by probe group, in the names' order.

    formula_fpir: 1-(1-FMR)^N with the FMR of the same searches. selectivity: mean number of false candidates of a
    search for somebody who is not enrolled.
    """

    gallery: int
    threshold: float
    rank: int
    fpir: Rate
    fnir: Rate
    formula_fpir: float
    selectivity: float
    fpir_by_group: tuple[Rate, ...]
    fnir_by_group: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class OpenSet:
    """The gallery-size curve: one `SearchRates` per size and threshold, sizes outermost, both ascending."""

    groups: tuple[str, ...]
    rates: tuple[SearchRates, ...]
    repeats: int
    findings: tuple[DataFinding, ...]


def open_set(
    probe_side: ArrayLike,
    gallery_side: ArrayLike | None,
    people: ArrayLike,
    group: ArrayLike,
    groups: Sequence[str],
    gallery_sizes: Sequence[int],
    thresholds: Sequence[float],
    *,
    rank: int = 1,
    repeats: int = 5,
    non_mated_share: float = 0.5,
    seed: int = 0,
    level: float = 0.95,
) -> OpenSet:
    """Measure FPIR and FNIR on subsampled galleries.

    Each repeat draws people who are not enrolled (`non_mated_share`), enrols one image of everybody else in random
    order, and searches nested galleries of the sizes asked for (entries, one per person) with the others' images and
    with the enrolled people's further images. Sizes that the people at hand cannot fill are a `BadRequest`. Arrays as
    in `pairs.all_pairs`. Memory: `PROBES` times the largest gallery, float32.
    """
    check_level(level)
    data = Ordered.of(probe_side, gallery_side, people, group)
    names = tuple(groups)
    if data.group.min() < 0 or data.group.max() >= len(names):
        raise BadRequest(f"group codes run from 0 to {len(names) - 1}")
    persons = int(data.person.max()) + 1
    enrolled = persons - round(non_mated_share * persons)
    sizes, levels = np.unique(np.asarray(gallery_sizes, np.int64)), np.unique(np.asarray(thresholds, np.float64))
    if not (len(sizes) and len(levels) and np.isfinite(levels).all()):
        raise BadRequest("searches need a gallery size and a finite threshold")
    if not (0 < non_mated_share < 1 and repeats >= 1 and rank >= 1):
        raise BadRequest("the share of people not enrolled lies between 0 and 1; repeats and rank are at least 1")
    if sizes[0] < 1 or sizes[-1] > enrolled:
        raise BadRequest(f"gallery sizes run from 1 to {enrolled}, the people to enrol, got {sizes[0]} to {sizes[-1]}")
    counts = _Counts.empty(persons, len(sizes), len(levels))
    rng = np.random.default_rng(seed)
    for _ in range(repeats):
        _repeat(data, sizes, levels, rank, enrolled, rng, counts)
    of_person = np.zeros(persons, np.int64)
    of_person[data.person] = data.group
    rates = tuple(
        counts.rates(i, j, int(n), float(t), rank, of_person, names, level)
        for i, n in enumerate(sizes)
        for j, t in enumerate(levels)
    )
    return OpenSet(names, rates, repeats, _findings(data, names, of_person, counts))


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """By person, gallery size and threshold, over all repeats, int64 (k, sizes, thresholds)."""

    found: Counts
    """Searches for somebody not enrolled that returned a candidate."""
    false: Counts
    """Their candidates."""
    searched: Counts
    missed: Counts
    """Searches for somebody enrolled that missed them."""
    mated: Counts

    @classmethod
    def empty(cls, persons: int, sizes: int, levels: int) -> _Counts:
        """All zero."""
        return cls(*(np.zeros((persons, sizes, levels), np.int64) for _ in range(5)))

    def rates(
        self,
        i: int,
        j: int,
        size: int,
        threshold: float,
        rank: int,
        of_person: Codes,
        names: tuple[str, ...],
        level: float,
    ) -> SearchRates:
        """The rates at one size and threshold."""

        def rate(errors: Counts, trials: Counts, group: int | None) -> Rate:
            rows = slice(None) if group is None else of_person == group
            h, n = errors[rows, i, j], trials[rows, i, j]
            return clustered_rate(h, n, level) if n.any() else unknown_rate("no such search", level)

        false, searched = int(self.false[:, i, j].sum()), int(self.searched[:, i, j].sum())
        selectivity = false / searched if searched else float("nan")
        return SearchRates(
            size,
            threshold,
            rank,
            rate(self.found, self.searched, None),
            rate(self.missed, self.mated, None),
            chance_of_any(selectivity / size, size) if searched else float("nan"),
            selectivity,
            tuple(rate(self.found, self.searched, g) for g in range(len(names))),
            tuple(rate(self.missed, self.mated, g) for g in range(len(names))),
        )


def _repeat(
    data: Ordered, sizes: Counts, levels: Floats, rank: int, enrolled: int, rng: np.random.Generator, counts: _Counts
) -> None:
    """One drawing of galleries, and all searches in them."""
    persons = int(data.person.max()) + 1
    drawn = rng.permutation(persons)
    place = np.full(persons, -1)
    place[drawn[: int(sizes[-1])]] = np.arange(sizes[-1])  # position in the gallery, -1: not in the largest
    shuffled = rng.permutation(len(data))
    _, first = np.unique(data.person[shuffled], return_index=True)
    entry = shuffled[first]  # one image per person, in the order of codes
    gallery = data.gallery[entry[drawn[: int(sizes[-1])]]]
    outside = np.ones(persons, bool)
    outside[drawn[:enrolled]] = False
    is_entry = np.zeros(len(data), bool)
    is_entry[entry] = True
    mated = (place[data.person] >= 0) & ~is_entry
    for start in range(0, len(data), PROBES):
        rows = np.arange(start, min(start + PROBES, len(data)))
        searched, known = rows[outside[data.person[rows]]], rows[mated[rows]]
        if len(searched):
            _nonmated(data.probe[searched] @ gallery.T, data.person[searched], sizes, levels, counts)
        if len(known):
            who = data.person[known]
            _known(data.probe[known] @ gallery.T, who, place[who], sizes, levels, rank, counts)


def _nonmated(scores: Floats32, who: Codes, sizes: Counts, levels: Floats, counts: _Counts) -> None:
    starts = np.r_[0, sizes[:-1]]
    for j, t in enumerate(levels):
        false = np.cumsum(np.add.reduceat((scores >= t).astype(np.int64), starts, axis=1), axis=1)
        np.add.at(counts.false[:, :, j], who, false)
        np.add.at(counts.found[:, :, j], who, false > 0)
        np.add.at(counts.searched[:, :, j], who, 1)


def _known(
    scores: Floats32, who: Codes, place: Codes, sizes: Counts, levels: Floats, rank: int, counts: _Counts
) -> None:
    own = scores[np.arange(len(who)), place]
    starts = np.r_[0, sizes[:-1]]
    ahead = np.cumsum(np.add.reduceat((scores > own[:, None]).astype(np.int64), starts, axis=1), axis=1)
    there = place[:, None] < sizes  # the mate is in this gallery at all
    for j, t in enumerate(levels):
        missed = there & ((own < t)[:, None] | (ahead >= rank))
        np.add.at(counts.missed[:, :, j], who, missed)
        np.add.at(counts.mated[:, :, j], who, there)


def _findings(data: Ordered, names: tuple[str, ...], of_person: Codes, counts: _Counts) -> tuple[DataFinding, ...]:
    findings = []
    people = np.bincount(of_person, minlength=len(names))
    empty = tuple(name for name, count in zip(names, people, strict=True) if not count)
    if empty:
        findings.append(DataFinding("empty-groups", "declared groups without any person", len(empty), empty))
    if not counts.mated.any():
        findings.append(DataFinding("no-mated", "nobody enrolled has a further image: FNIR cannot be measured"))
    if len(data.unit_person) > len(of_person):
        text = "people with images in several groups count as probes of the last one"
        findings.append(DataFinding("several-groups", text, int((np.bincount(data.unit_person) > 1).sum())))
    return tuple(findings)
