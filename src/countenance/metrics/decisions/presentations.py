"""Presentation attack detection by group and by species of attack: APCER, BPCER and non-responses, with intervals.

With N presentations of one species of presentation attack instrument (PAI), or N bona fide presentations, of which A
got an answer:

    APCER = attacks called bona fide / A        APNRR = attacks without a response / N
    BPCER = bona fide called attacks / A        BPNRR = bona fide without a response / N

APCER is told by species and never pooled over species: what an attacker would choose is the highest. Whoever does not
answer has not classified, so that silence lowers no APCER. Presentations that share a subject, or a series of
instruments, are not independent: the variance is clustered by both at once (V_subject + V_series - V_both).

Sources: ISO/IEC 30107-3:2023 for the rates and for the highest APCER over species; Cameron, Gelbach and Miller 2011
(J. Bus. Econ. Stat. 29) for two ways of clustering, which the dyadic formula of `dyads` gives where one side of a pair
is the subject and the other the series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import clustered_rate, tally
from countenance.metrics.statistics.intervals import Interval, Rate, check_level, unknown_rate
from countenance.metrics.statistics.labels import Codes, Mask, code_labels, column, flags


@dataclass(frozen=True, slots=True)
class SpeciesRates:
    """One species of attack within one group. series: how many series of instruments; 0 where they are not named."""

    species: str
    apcer: Rate
    apnrr: Rate
    series: int


@dataclass(frozen=True, slots=True)
class PresentationGroupRates:
    """One group: presentations of both kinds, the rates of the bona fide ones, and of attacks by species."""

    group: str
    presentations: int
    bpcer: Rate
    bpnrr: Rate
    species: tuple[SpeciesRates, ...]


@dataclass(frozen=True, slots=True)
class PresentationRates:
    """The table: everybody first, then every group, empty ones included."""

    everybody: PresentationGroupRates
    groups: tuple[PresentationGroupRates, ...]


@dataclass(frozen=True, slots=True)
class HighestRate:
    """The highest of several rates. at: which. interval: of the true maximum, whichever of them that is."""

    at: int
    rate: Rate
    interval: Interval


def assess_presentations(
    species: ArrayLike,
    bona_fide: ArrayLike,
    called_attack: ArrayLike,
    answered: ArrayLike,
    group: ArrayLike,
    *,
    groups: Sequence[str] | None = None,
    people: ArrayLike | None = None,
    series: ArrayLike | None = None,
    level: float = 0.95,
) -> PresentationRates:
    """Rates of presentation attack detection by group.

    species, group: labels (n,); species of bona fide presentations are not looked at. bona_fide, called_attack,
    answered: bool (n,); what is called counts only where there was an answer. people: (n,), subjects that cluster the
    intervals. series: (n,), series of instruments that cluster attacks, too; "" where none is named.
    An empty table or missing values are a `BadRequest`.
    """
    check_level(level)
    rows = len(np.asarray(group))
    if not rows:
        raise BadRequest("there is no presentation to measure")
    real, attack, responded = (
        flags(values, name, rows)
        for values, name in ((bona_fide, "bona fide"), (called_attack, "called attack"), (answered, "answered"))
    )
    names, code = code_labels(group, groups, "group", rows)
    kinds = column(species, "species", rows)
    who = np.arange(rows) if people is None else np.unique(column(people, "people", rows), return_inverse=True)[1]
    data = _Rows(who, None if series is None else _series(series, rows), level)
    order = tuple(str(kind) for kind in np.unique(kinds[~real]))

    def table(name: str, here: Mask) -> PresentationGroupRates:
        nobody = f"no bona fide presentation in {name}"
        lines = []
        for kind in order:
            mine = here & ~real & (kinds == kind)
            none = f"no attack of {kind} in {name}"
            silent = f"no attack of {kind} in {name} got a response" if mine.any() else none
            lines.append(
                SpeciesRates(
                    kind,
                    data.attacks(mine & responded, ~attack, silent),
                    data.attacks(mine, ~responded, none),
                    data.series_in(mine),
                )
            )
        mine = here & real
        quiet = f"no bona fide presentation in {name} got a response" if mine.any() else nobody
        return PresentationGroupRates(
            name, int(here.sum()), data.people(mine & responded, attack, quiet), data.people(mine, ~responded, nobody),
            tuple(lines),
        )  # fmt: skip

    return PresentationRates(
        table("everybody", np.ones(rows, bool)), tuple(table(name, code == g) for g, name in enumerate(names))
    )


def highest_rate(rates: Sequence[Rate]) -> HighestRate | None:
    """The highest of rates with trials, None where there is none; of equal ones, the one with the highest upper bound.

    The upper end is the highest upper bound: the true highest rate lies above its own bound only as often as the level
    says. The lower end is the highest lower bound, each at a level that is corrected for as many rates (Bonferroni), so
    that the luckiest of many does not raise it.
    """
    known = [at for at, rate in enumerate(rates) if rate.known]
    if not known:
        return None
    at = max(known, key=lambda one: (rates[one].estimate, rates[one].interval.high))
    level = rates[at].level
    low = max(rates[one].at(1 - (1 - level) / len(known)).low for one in known)
    high = max(rates[one].interval.high for one in known)
    method = "highest upper bound; highest lower bound, corrected for their number"
    return HighestRate(at, rates[at], Interval(low, high, level, method))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Who shares what. who, series: (n,); series -1 where none is named, None where there are none."""

    who: Codes
    series: Codes | None
    level: float

    def people(self, rows: Mask, errors: Mask, empty: str) -> Rate:
        """The rate of `errors` among `rows`, clustered by subject."""
        if not rows.any():
            return unknown_rate(empty, self.level)
        kept = self.who[rows]
        return clustered_rate(np.bincount(kept, errors[rows]).astype(np.int64), np.bincount(kept), self.level)

    def attacks(self, rows: Mask, errors: Mask, empty: str) -> Rate:
        """The same, clustered by subject and by series where those are named."""
        if self.series is None or not (self.series[rows] >= 0).any():
            return self.people(rows, errors, empty)
        subjects, series = self.who[rows], self.series[rows]
        first = int(self.who.max()) + 1
        other = np.where(series < 0, subjects, first + series)
        side = np.r_[np.zeros(first, np.int64), np.ones(int(self.series.max()) + 1, np.int64)]
        rate = tally(subjects, other, errors[rows], side).rate(self.level)
        method = "Wilson, effective trials by subject and by series"
        return replace(rate, subjects=len(np.unique(subjects)), method=method)

    def series_in(self, rows: Mask) -> int:
        """How many series `rows` name."""
        if self.series is None:
            return 0
        return len(np.unique(self.series[rows & (self.series >= 0)]))


def _series(series: ArrayLike, rows: int) -> Codes:
    names = np.asarray(series).astype(str)
    if names.shape != (rows,):
        raise BadRequest(f"series is a column of {rows}, got {names.shape}")
    distinct, code = np.unique(names, return_inverse=True)
    return np.where(distinct[code] == "", -1, code).astype(np.int64)
