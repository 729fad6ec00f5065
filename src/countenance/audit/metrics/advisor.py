"""Which threshold holds for the group served worst, and what it costs whom.

For each candidate threshold and each group d of probes the chance of a false candidate is 1 - prod_d' (1-FMR_dd')^N_d',
with every FMR at its upper bound and the gallery mixed as stated. The advice is the lowest threshold at which the worst
group stays at or below the target FPIR; its cost is each group's FNMR there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.intervals import Rate
from countenance.audit.metrics.verification import Verification


@dataclass(frozen=True, slots=True)
class GroupCost:
    """One group at the advised threshold: FPIR by point estimate and by upper bound, and misses (FNMR)."""

    group: str
    fpir: float
    fpir_upper: float
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class Advice:
    """threshold: NaN where no candidate holds, and `reason` says what is missing. worst: index of the worst group.

    global_threshold: what looking only at the pooled FMR would have chosen (NaN likewise), for comparison.
    """

    threshold: float
    gallery: int
    target_fpir: float
    groups: tuple[GroupCost, ...]
    worst: int
    global_threshold: float
    findings: tuple[Finding, ...]
    reason: str = ""


def advise(
    candidates: Sequence[Verification],
    gallery: int,
    target_fpir: float,
    mix: Sequence[float],
    *,
    level: float = 0.95,
) -> Advice:
    """Advise from verifications of the same data at several thresholds (any order).

    gallery: entries. target_fpir: 0..1. mix: share of each group in the gallery, in the groups' order, summing to 1.
    level: one-sided confidence of the upper bounds together (Bonferroni over the cells of a group). A cell of the
    mix without data is a finding, and its upper bound is 1.
    """
    raise NotImplementedError
