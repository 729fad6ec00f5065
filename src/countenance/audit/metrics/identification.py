"""1:N search: what a gallery's size does to errors, and what one search result means.

FPIR(N, t) = share of searches for somebody who is not enrolled that return a candidate at or above t; FNIR(N, R, t) =
share of searches for an enrolled person whose mate is not among the first R candidates at or above t (NIST FRTE 1:N).
The formula 1-(1-FMR)^N holds for independent comparisons; real FPIR is lower where false matches concentrate on few
people, so it is measured on subsampled galleries too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.intervals import Interval, Rate


def expected_false_matches(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """Mean number of false candidates of one search: sum of FMR by group times gallery entries by group."""
    raise NotImplementedError


def chance_of_any(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """Chance of at least one false candidate: 1 - prod (1-FMR_g)^N_g, comparisons taken as independent."""
    raise NotImplementedError


def fmr_for_chance(fpir: float, gallery: int) -> float:
    """The FMR at which a gallery of that size gives that FPIR: 1 - (1-FPIR)^(1/N)."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Lead:
    """What one returned candidate is worth, under a stated prior that the person searched for is enrolled at all.

    expected_false, chance_any: of a search. right: chance that the best (or only) candidate is the right person given
    that something was returned. right_low, right_high: over the FMR's interval.
    """

    prior: float
    gallery: int
    fnir: float
    expected_false: float
    chance_any: float
    right: float
    right_low: float
    right_high: float


def lead(prior: float, fmr: Rate, fnir: float, gallery: int) -> Lead:
    """The posterior of one lead: prior · (1-fnir) / (prior · (1-fnir) + E[false candidates]).

    The denominator is the expected number of candidates, so this is the chance for a candidate picked at random from
    those returned; prior, fnir: 0..1.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SearchRates:
    """Measured at one gallery size and threshold. groups: by probe group, in the order of the names; all: pooled.

    fpir, fnir: rates over probes; formula_fpir: 1-(1-FMR)^N with the FMR of the same data; selectivity: mean number of
    false candidates.
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
    """The gallery-size curve: one `SearchRates` per size and threshold."""

    groups: tuple[str, ...]
    rates: tuple[SearchRates, ...]
    repeats: int
    findings: tuple[Finding, ...]


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
    workers: int = 0,
) -> OpenSet:
    """Measure FPIR and FNIR on subsampled galleries.

    Each repeat draws people who are not enrolled (`non_mated_share`), enrols one image of everybody else in random
    order, and searches nested galleries of the sizes asked for with the others' images and the enrolled people's
    further images. Sizes larger than the people at hand are a `BadRequest`. Arrays as in `pairs.all_pairs`.
    Rates pool the repeats; the effective number of trials counts each probe person once.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SearchTest:
    """A published test of a 1:N system re-created from three numbers (probes, false matches, gallery).

    fpir: rate of probes with a false match and its interval. implied_fmr: per comparison, 1-(1-FPIR)^(1/N), with the
    interval's ends carried over.
    """

    fpir: Rate
    implied_fmr: float
    implied_interval: Interval


def search_test(probes: int, falsely_matched: int, gallery: int, level: float = 0.95) -> SearchTest:
    """The kind of test that the ACLU ran in 2018: probes searched, probes falsely matched, entries in the gallery."""
    raise NotImplementedError
