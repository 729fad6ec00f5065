"""Several ways to put many groups into one number: FDR, inequity rate, GARBE, max/min, max/geometric mean.

They disagree about which system is fairest, so they come after the per-group table, together, with a note where they
disagree. Every figure has a zero-count policy and says when it was used:

- FDR and GARBE are defined with zeros (GARBE of rates that are all zero is 0).
- inequity rate and max/min are infinite when only the lowest rate is zero: then that group's
  rule-of-three bound takes its place, and the figure is a lower bound of what was observed.
- max/geometric mean shrinks zero rates to (k + 1/2) / (n_eff + 1).

Sources: FDR de Freitas Pereira and Marcel 2022 (IEEE T-BIOM 4); inequity rate Grother, NISTIR 8280 and its follow-up
presentations; GARBE Howard, Laird, Sirotin, Rubin, Tipton and Vemury 2022 (arXiv 2203.05051); max/geometric mean
NIST IR 8429 (draft, 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Interval, Rate, rule_of_three
from countenance.metrics.statistics.summary_bounds import (
    box_of,
    highest,
    lowest,
    max_over_geomean_of,
    max_over_min_of,
    spread,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure. fair: its value when all groups are equal. larger_is_fairer. zeros: what was done about zero counts,
    or "". reason: why there is no value (NaN), or "". interval: see `summary_bounds`; None where there is no value."""

    name: str
    value: float
    fair: float
    larger_is_fairer: bool
    zeros: str = ""
    reason: str = ""
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Summaries:
    """All figures of one system at one threshold."""

    fdr: Summary
    inequity: Summary
    garbe: Summary
    fmr_max_over_min: Summary
    fnmr_max_over_min: Summary
    fmr_max_over_geomean: Summary
    fnmr_max_over_geomean: Summary

    def all(self) -> tuple[Summary, ...]:
        """The figures in a row."""
        return (
            self.fdr,
            self.inequity,
            self.garbe,
            self.fmr_max_over_min,
            self.fnmr_max_over_min,
            self.fmr_max_over_geomean,
            self.fnmr_max_over_geomean,
        )


def summarise(fmr: Sequence[Rate], fnmr: Sequence[Rate], weight: float = 0.5, level: float = 0.95) -> Summaries:
    """All summaries of rates by group (same order). weight: of FMR against FNMR (alpha), 0..1.

    Groups without trials are left out; fewer than two left is a reason, not a number. fnmr may be empty (no mated
    pairs by group): then figures that need it say so. level: of the intervals.
    """
    _check_weight(weight)
    match, miss = [r for r in fmr if r.known], [r for r in fnmr if r.known]
    p, q = [r.estimate for r in match], [r.estimate for r in miss]
    lack = "" if len(p) > 1 else "fewer than two groups have non-mated comparisons"
    lack = lack or ("" if len(q) > 1 else "fewer than two groups have mated comparisons")
    floors, floored = _floored(match), _floored(miss)
    zeros = "; ".join(filter(None, (_zeros("FMR", match), _zeros("FNMR", miss))))

    def joint(name: str, fair: float, larger: bool, value: Callable[[], float], note: str = "") -> Summary:
        return Summary(name, math.nan if lack else value(), fair, larger, "" if lack else note, lack)

    summaries = Summaries(
        fdr=joint("FDR", 1.0, True, lambda: fdr(p, q, weight)),
        inequity=joint("inequity rate", 1.0, False, lambda: inequity(floors, floored, weight), zeros),
        garbe=joint("GARBE", 0.0, False, lambda: garbe(p, q, weight)),
        fmr_max_over_min=_max_over_min("FMR", match),
        fnmr_max_over_min=_max_over_min("FNMR", miss),
        fmr_max_over_geomean=_max_over_geomean("FMR", match),
        fnmr_max_over_geomean=_max_over_geomean("FNMR", miss),
    )
    return _bounded(summaries, match, miss, weight, level)


def _bounded(
    summaries: Summaries, match: Sequence[Rate], miss: Sequence[Rate], weight: float, level: float
) -> Summaries:
    """The figures with their intervals."""

    def of(summary: Summary, low: Callable[[], float], high: Callable[[], float]) -> Summary:
        if math.isnan(summary.value):
            return summary
        ends = min(low(), summary.value), max(high(), summary.value)
        return replace(summary, interval=Interval(*ends, level, "range over simultaneous intervals of the rates"))

    both = [box_of(rates, level, len(match) + len(miss)) for rates in (match, miss)]

    def ends(figure: Callable[[Floats], float], end: Callable[..., float]) -> list[float]:
        return [end(figure, box) for box in both]

    def powers(pair: Sequence[float]) -> float:
        return float(pair[0] ** weight * pair[1] ** (1 - weight))

    def mean(pair: Sequence[float]) -> float:
        return weight * pair[0] + (1 - weight) * pair[1]

    def alone(summary: Summary, rates: Sequence[Rate], figure: Callable[[Floats], float]) -> Summary:
        box = box_of(rates, level, len(rates))
        return of(summary, lambda: lowest(figure, box), lambda: highest(figure, box))

    return Summaries(
        of(summaries.fdr, lambda: 1 - mean(ends(spread, highest)), lambda: 1 - mean(ends(spread, lowest))),
        of(
            summaries.inequity,
            lambda: powers(ends(max_over_min_of, lowest)),
            lambda: powers(ends(max_over_min_of, highest)),
        ),
        of(summaries.garbe, lambda: mean(ends(_gini_of, lowest)), lambda: mean(ends(_gini_of, highest))),
        alone(summaries.fmr_max_over_min, match, max_over_min_of),
        alone(summaries.fnmr_max_over_min, miss, max_over_min_of),
        alone(summaries.fmr_max_over_geomean, match, max_over_geomean_of),
        alone(summaries.fnmr_max_over_geomean, miss, max_over_geomean_of),
    )


def _gini_of(rates: Floats) -> float:
    return gini(rates.tolist())


def _floored(rates: Sequence[Rate]) -> list[float]:
    """Estimates, zeros replaced by their rule-of-three bound (but never by more than the highest rate)."""
    top = max((r.estimate for r in rates), default=0.0)
    return [r.estimate or min(rule_of_three(r.effective_trials), top) for r in rates]


def _zeros(kind: str, rates: Sequence[Rate]) -> str:
    count = sum(1 for r in rates if not r.errors)
    if not count or count == len(rates):
        return ""
    return f"{kind}: {count} zero rates taken at their rule-of-three bound, so this is a lower bound"


def _max_over_min(kind: str, rates: Sequence[Rate]) -> Summary:
    name, reason = f"{kind} max/min", _too_few(rates)
    if reason:
        return Summary(name, math.nan, 1.0, False, "", reason)
    values = _floored(rates)
    return Summary(name, max(values) / min(values), 1.0, False, _zeros(kind, rates))


def _max_over_geomean(kind: str, rates: Sequence[Rate]) -> Summary:
    name, reason = f"{kind} max/geometric mean", _too_few(rates)
    if reason:
        return Summary(name, math.nan, 1.0, False, "", reason)
    values = [r.estimate or 0.5 / (r.effective_trials + 1) for r in rates]
    zeros = sum(1 for r in rates if not r.errors)
    note = f"{kind}: {zeros} zero rates shrunk to (k + 1/2) / (n_eff + 1)" if zeros else ""
    mean = math.exp(sum(math.log(v) for v in values) / len(values))
    return Summary(name, max(values) / mean, 1.0, False, note)


def _too_few(rates: Sequence[Rate]) -> str:
    if len(rates) < 2:
        return "fewer than two groups have trials"
    return "" if any(r.errors for r in rates) else "no error was seen in any group"


def fdr(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """Fairness discrepancy rate: 1 - (w max|FMR_i - FMR_j| + (1-w) max|FNMR_i - FNMR_j|). 1 is fair."""
    _check_weight(weight)
    return 1 - (weight * (max(fmr) - min(fmr)) + (1 - weight) * (max(fnmr) - min(fnmr)))


def inequity(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """Inequity rate: (max/min FMR)^w · (max/min FNMR)^(1-w). 1 is fair; infinite where only a lowest rate is zero."""
    _check_weight(weight)
    return float(_spread(fmr) ** weight * _spread(fnmr) ** (1 - weight))


def _spread(rates: Sequence[float]) -> float:
    if max(rates) == 0:
        return 1.0
    return max(rates) / min(rates) if min(rates) > 0 else math.inf


def gini(rates: Sequence[float]) -> float:
    """n/(n-1) · sum_ij |x_i - x_j| / (2 n² mean), 0..1; 0 where all are zero."""
    x = np.sort(np.asarray(rates, np.float64))
    n = len(x)
    if n < 2:
        raise BadRequest("inequality is measured between two groups or more")
    if x[-1] == 0:
        return 0.0
    x /= x[-1]  # scale does not matter, and the mean of tiny rates would be rounded to zero
    differences = 2 * float((x * (2 * np.arange(1, n + 1) - n - 1)).sum())
    return n / (n - 1) * differences / (2 * n * n * float(x.mean()))


def garbe(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """w · gini(FMR) + (1-w) · gini(FNMR). 0 is fair."""
    _check_weight(weight)
    return weight * gini(fmr) + (1 - weight) * gini(fnmr)


def _check_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise BadRequest(f"the weight of FMR against FNMR lies between 0 and 1, got {weight}")


@dataclass(frozen=True, slots=True)
class RankDisagreement:
    """Two figures that order systems differently. pairs: how many pairs of systems they order oppositely.

    of: how many pairs both order at all. kendall: (agreeing - opposite) / of.
    """

    first: str
    second: str
    pairs: int
    of: int
    kendall: float


def rank_disagreement(systems: Mapping[str, Summaries]) -> tuple[RankDisagreement, ...]:
    """Every two figures that disagree about at least one pair of systems (or thresholds), most disagreement first."""
    if len(systems) < 2:
        return ()
    tables = [s.all() for s in systems.values()]
    disagreements = []
    for i, j in combinations(range(len(tables[0])), 2):
        agree = opposite = 0
        for a, b in combinations(tables, 2):
            order = _fairer(a[i], b[i]) * _fairer(a[j], b[j])
            agree, opposite = agree + (order > 0), opposite + (order < 0)
        if opposite:
            of = agree + opposite
            disagreements.append(
                RankDisagreement(tables[0][i].name, tables[0][j].name, opposite, of, (agree - opposite) / of)
            )
    return tuple(sorted(disagreements, key=lambda d: (-d.pairs, d.first, d.second)))


def _fairer(a: Summary, b: Summary) -> int:
    """1 where `a` is fairer than `b` by this figure, -1 the other way, 0 where it cannot be said."""
    if math.isnan(a.value) or math.isnan(b.value) or a.value == b.value:
        return 0
    return 1 if (a.value > b.value) == a.larger_is_fairer else -1
