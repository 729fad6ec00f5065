"""One number for many groups, several ways: FDR, inequity rate, GARBE, max/min, max/geometric mean.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from countenance.audit.metrics.intervals import Rate


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure. fair: its value when all groups are equal. larger_is_fairer. zeros: what was done about zero counts,
    or "". reason: why there is no value (NaN), or ""."""

    name: str
    value: float
    fair: float
    larger_is_fairer: bool
    zeros: str = ""
    reason: str = ""


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
        raise NotImplementedError


def summarise(fmr: Sequence[Rate], fnmr: Sequence[Rate], weight: float = 0.5) -> Summaries:
    """All summaries of rates by group (same order). weight: of FMR against FNMR (alpha), 0..1.

    Groups without trials are left out; fewer than two left is a reason, not a number. fnmr may be empty (no mated
    pairs by group): then figures that need it say so.
    """
    raise NotImplementedError


def fdr(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """Fairness discrepancy rate: 1 - (w max|FMR_i - FMR_j| + (1-w) max|FNMR_i - FNMR_j|). 1 is fair."""
    raise NotImplementedError


def inequity(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """Inequity rate: (max/min FMR)^w · (max/min FNMR)^(1-w). 1 is fair; infinite where a lowest rate is zero."""
    raise NotImplementedError


def gini(rates: Sequence[float]) -> float:
    """n/(n-1) · sum_ij |x_i - x_j| / (2 n² mean), 0..1; 0 where all are zero."""
    raise NotImplementedError


def garbe(fmr: Sequence[float], fnmr: Sequence[float], weight: float = 0.5) -> float:
    """w · gini(FMR) + (1-w) · gini(FNMR). 0 is fair."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RankDisagreement:
    """Two figures that order systems differently. pairs: how many pairs of systems they order oppositely."""

    first: str
    second: str
    pairs: int
    kendall: float


def rank_disagreement(systems: Mapping[str, Summaries]) -> tuple[RankDisagreement, ...]:
    """Every two figures that disagree about at least one pair of systems (or thresholds), most disagreement first."""
    raise NotImplementedError
