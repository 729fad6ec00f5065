"""Which threshold is safe for the group served worst, and what it costs each group.

For each candidate threshold and each group d of probes the chance of a false candidate is 1 - prod_d' (1-FMR_dd')^N_d',
with every FMR at its upper bound and the gallery mixed as stated. The advice is the lowest threshold at which the worst
group stays at or below the target FPIR; its cost is each group's FNMR there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from countenance.errors import BadRequest
from countenance.metrics.search.identification import chance_of_any
from countenance.metrics.statistics.intervals import Floats, Rate, check_level
from countenance.metrics.verification.comparisons import DataFinding
from countenance.metrics.verification.verification import Verification


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
    findings: tuple[DataFinding, ...]
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
    if not candidates:
        raise BadRequest("advice needs at least one candidate threshold")
    names = tuple(g.group for g in candidates[0].groups)
    if any(tuple(g.group for g in c.groups) != names for c in candidates):
        raise BadRequest("candidate thresholds are of different groups")
    shares = np.asarray(mix, np.float64)
    if shares.shape != (len(names),) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise BadRequest(f"the mix has a share for each of {len(names)} groups, none negative, summing to 1")
    if not (gallery >= 1 and 0 < target_fpir < 1):
        raise BadRequest(f"a gallery has an entry and a target FPIR lies between 0 and 1, got {gallery}, {target_fpir}")
    check_level(level)
    entries = shares * gallery
    ranked = sorted(candidates, key=lambda c: c.threshold)
    used = [g for g in range(len(names)) if shares[g] > 0]
    alone = 1 - 2 * (1 - level) / len(used)  # two-sided level of one cell
    worlds = [_costs(c, entries, used, max(alone, 0.01)) for c in ranked]
    fits = [max(c.fpir_upper for c in costs) <= target_fpir for costs in worlds]
    chosen = fits.index(True) if any(fits) else len(ranked) - 1
    pooled = [chance_of_any(c.fmr.estimate, gallery) <= target_fpir if c.fmr.known else False for c in ranked]
    worst = max(range(len(names)), key=lambda g: worlds[chosen][g].fpir_upper)
    empty = sum(1 for a in range(len(names)) for b in used if not ranked[0].cell(a, b).rate.known)
    findings = (
        [DataFinding("empty-cells", "pairs of groups without data: their upper bound is 1", empty)] if empty else []
    )
    reason = "" if any(fits) else _lack(ranked[-1], worlds[-1][worst], names[worst], target_fpir)
    return Advice(
        ranked[chosen].threshold if any(fits) else math.nan,
        gallery,
        target_fpir,
        worlds[chosen],
        worst,
        ranked[pooled.index(True)].threshold if any(pooled) else math.nan,
        tuple(findings),
        reason,
    )


def _costs(at: Verification, entries: Floats, used: Sequence[int], level: float) -> tuple[GroupCost, ...]:
    costs = []
    for g, group in enumerate(at.groups):
        rates = [at.cell(g, d).rate for d in used]
        upper = chance_of_any([r.at(level).high for r in rates], entries[list(used)])
        estimate = chance_of_any([r.estimate if r.known else 1.0 for r in rates], entries[list(used)])
        costs.append(GroupCost(group.group, estimate, upper, group.fnmr))
    return tuple(costs)


def _lack(highest: Verification, cost: GroupCost, name: str, target: float) -> str:
    return (
        f"at the highest threshold tried, {highest.threshold:.6g}, the upper bound of FPIR for {name} is "
        f"{cost.fpir_upper:.3g}, above {target:g}: try higher thresholds, or measure more people"
    )
