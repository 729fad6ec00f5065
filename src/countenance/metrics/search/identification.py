"""1:N search: how errors grow with the gallery, and what one search result means.

FPIR(N, t) = share of searches for somebody who is not enrolled that return a candidate at or above t; FNIR(N, R, t) =
share of searches for an enrolled person whose mate is not among the first R candidates at or above t (NIST FRTE 1:N).
The formula 1-(1-FMR)^N holds for independent comparisons; real FPIR is lower where false matches concentrate on few
people, so it is measured on subsampled galleries too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Interval, Rate, plain_rate


def expected_false_matches(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """Mean number of false candidates of one search: sum of FMR by group times gallery entries by group."""
    rate, entries = _checked(fmr, gallery)
    return float((rate * entries).sum())


def chance_of_any(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """Chance of at least one false candidate: 1 - prod (1-FMR_g)^N_g, comparisons taken as independent."""
    rate, entries = _checked(fmr, gallery)
    if ((rate == 1) & (entries > 0)).any():
        return 1.0
    return float(-np.expm1((entries * np.log1p(-np.where(entries > 0, rate, 0.0))).sum()))


def fmr_for_chance(fpir: float, gallery: int) -> float:
    """The FMR at which a gallery of that size gives that FPIR: 1 - (1-FPIR)^(1/N)."""
    if not (0 <= fpir <= 1 and gallery >= 1):
        raise BadRequest(f"FPIR is 0..1 and a gallery has an entry, got {fpir} and {gallery}")
    return 1.0 if fpir == 1 else -math.expm1(math.log1p(-fpir) / gallery)


def _checked(fmr: ArrayLike, gallery: ArrayLike) -> tuple[Floats, Floats]:
    rate, entries = np.broadcast_arrays(np.asarray(fmr, np.float64), np.asarray(gallery, np.float64))
    if not ((rate >= 0) & (rate <= 1)).all() or not (np.isfinite(entries) & (entries >= 0)).all():
        raise BadRequest("false match rates are 0..1, and a gallery has no negative number of entries")
    return rate, entries


@dataclass(frozen=True, slots=True)
class Lead:
    """What one returned candidate is worth, under a stated prior that the person searched for is enrolled at all.

    expected_false, chance_any: of a search. right: chance that a candidate picked from those returned is the right
    person. right_low, right_high: over the FMR's interval.
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
    """The posterior of one lead: prior · (1-fnir) / (prior · (1-fnir) + E[false candidates]); prior, fnir: 0..1.

    The denominator is the expected number of candidates of a search. An FMR without trials is a `BadRequest`.
    """
    if not (0 <= prior <= 1 and 0 <= fnir <= 1 and gallery >= 1):
        raise BadRequest(f"a prior and an FNIR are 0..1 and a gallery has an entry, got {prior}, {fnir} and {gallery}")
    if not fmr.known:
        raise BadRequest("the worth of a lead needs a measured false match rate")
    true = prior * (1 - fnir)

    def right(rate: float) -> float:
        false = expected_false_matches(rate, gallery)
        return true / (true + false) if true + false > 0 else math.nan

    expected = expected_false_matches(fmr.estimate, gallery)
    chance, bounds = chance_of_any(fmr.estimate, gallery), fmr.interval
    return Lead(prior, gallery, fnir, expected, chance, right(fmr.estimate), right(bounds.high), right(bounds.low))


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
    if probes < 1:
        raise BadRequest("a test searches for at least one probe")
    fpir = plain_rate(falsely_matched, probes, level)
    low, high = (fmr_for_chance(x, gallery) for x in (fpir.interval.low, fpir.interval.high))
    return SearchTest(
        fpir, fmr_for_chance(fpir.estimate, gallery), Interval(low, high, level, "from the FPIR's Wilson interval")
    )
