"""1:1 error rates by group at one global threshold: who is falsely matched, who is falsely turned away.

FMR(d, d') = share of non-mated comparisons between groups d and d' with score >= threshold; FNMR(d) = share of mated
comparisons of d with score < threshold (ISO/IEC 19795-1:2021). Groups are compared at the same threshold always: a
system has one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Counts, Tally, clustered_rate
from countenance.metrics.statistics.intervals import Rate, check_level, unknown_rate
from countenance.metrics.statistics.labels import code_labels, flags
from countenance.metrics.statistics.ratios import Ratio, ratio_of_tallies
from countenance.metrics.verification.comparisons import Comparisons, DataFinding, impostor_protocol
from countenance.metrics.verification.counting import HERE, Counting, TalliesAt, counted
from countenance.metrics.verification.pairings import Pairings, rate_of_mated


@dataclass(frozen=True, slots=True)
class Cell:
    """False matches between two groups (first <= second; indices into the groups): one cell of the matrix."""

    first: int
    second: int
    rate: Rate
    tally: Tally


@dataclass(frozen=True, slots=True)
class GroupErrors:
    """What one group gets at the threshold.

    fmr: impostors of the same group. fmr_any: impostors of every group, as the data mix them (the group's members
    against everybody). fnmr: mated comparisons. failures: comparisons that gave no score, of all comparisons (FTA).
    far, frr: transaction rates with failures counted as rejections, (1-FTA)·FMR and FTA+(1-FTA)·FNMR: point estimates,
    NaN where one of the two is not known. people: 0 where not known.
    """

    group: str
    people: int
    fmr: Rate
    fmr_any: Rate
    fnmr: Rate
    failures: Rate
    far: float
    frr: float


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything at one threshold (in the direction of `Comparisons`: larger is more alike).

    cells: the upper triangle of the matrix, diagonal included, row by row; `cell(a, b)` finds one. fmr, fnmr: all
    non-mated and all mated comparisons pooled.
    """

    threshold: float
    level: float
    groups: tuple[GroupErrors, ...]
    cells: tuple[Cell, ...]
    fmr: Rate
    fnmr: Rate
    findings: tuple[DataFinding, ...]

    def cell(self, first: int, second: int) -> Cell:
        """The cell of two groups, in either order."""
        low, high, size = min(first, second), max(first, second), len(self.groups)
        if not 0 <= low <= high < size:
            raise BadRequest(f"groups are numbered from 0 to {size - 1}, got {first} and {second}")
        return self.cells[low * size - low * (low - 1) // 2 + high - low]

    def ratio(self, cell: tuple[int, int], reference: tuple[int, int]) -> Ratio:
        """FMR of one cell over that of another; people that both involve are taken into account."""
        a, b = self.cell(*cell), self.cell(*reference)
        if not (len(a.tally.people) and len(b.tally.people)):
            return Ratio(a.rate, b.rate)
        return ratio_of_tallies(a.tally, b.tally, self.level)


def verify(comparisons: Comparisons, threshold: float, level: float = 0.95) -> Verification:
    """Error rates of every group and every pair of groups at `threshold` (larger-is-more-alike direction).

    A threshold below the censor point is a `BadRequest`: those rates cannot be known.
    """
    return verify_each(comparisons, (threshold,), level)[0]


def verify_each(
    comparisons: Comparisons,
    thresholds: Sequence[float],
    level: float = 0.95,
    spread: Counting = HERE,
) -> tuple[Verification, ...]:
    """`verify` at several thresholds. spread: where parts of many comparisons are counted; the answer is the same."""
    check_level(level)
    data = comparisons
    asked = [data.check_threshold(t) for t in thresholds]
    counts = counted(data, asked, spread)
    failures = tuple(
        tally.rate(level) if tally.total_trials else unknown_rate(f"no comparison of {name}", level)
        for name, tally in zip(data.groups, counts.failures, strict=True)
    )
    people = np.bincount(counts.seen % len(data.groups), minlength=len(data.groups))
    return tuple(
        _verified(data, t, level, tallies, failures, people) for t, tallies in zip(asked, counts.at, strict=True)
    )


def _verified(
    data: Comparisons,
    threshold: float,
    level: float,
    tallies: TalliesAt,
    failures: tuple[Rate, ...],
    people: Counts,
) -> Verification:
    names = data.groups

    def falsely(tally: Tally, where: str) -> Rate:
        return tally.rate(level) if tally.total_trials else unknown_rate(f"no non-mated comparison{where}", level)

    def missed(tally: Tally, where: str) -> Rate:
        rate = rate_of_mated(tally, level)
        return rate if rate.known else unknown_rate(f"no mated comparison{where}", level)

    cells: list[Cell] = []
    for a in range(len(names)):
        for b in range(a, len(names)):
            tally = tallies.cells[len(cells)]
            cells.append(Cell(a, b, falsely(tally, f" of {names[a]} with {names[b]}"), tally))
    groups = []
    for g, name in enumerate(names):
        own = cells[g * len(names) - g * (g - 1) // 2].rate
        fmr_any = falsely(tallies.any_group[g], f" of {name}")
        fnmr = missed(tallies.mated[g], f" of {name}")
        fta = failures[g].estimate
        far, frr = (1 - fta) * own.estimate, fta + (1 - fta) * fnmr.estimate
        groups.append(GroupErrors(name, int(people[g]), own, fmr_any, fnmr, failures[g], far, frr))
    return Verification(
        threshold,
        level,
        tuple(groups),
        tuple(cells),
        falsely(tallies.strangers, ""),
        missed(tallies.all_mated, ""),
        data.findings,
    )


def failure_rates(
    groups: Sequence[str],
    group: ArrayLike,
    failed: ArrayLike,
    people: ArrayLike | None = None,
    level: float = 0.95,
) -> tuple[Rate, ...]:
    """Failure to enrol or acquire by group, in the order of `groups`; groups without rows are unknown rates.

    group: codes or names (n,), failed: bool (n,), people: (n,), anything comparable, for clustering.
    """
    check_level(level)
    rows = len(np.asarray(group))
    names, codes = code_labels(group, groups, "groups", rows)
    wrong = flags(failed, "failed", rows)
    who = np.arange(rows) if people is None else np.unique(np.asarray(people), return_inverse=True)[1]
    if len(who) != rows:
        raise BadRequest(f"people have {len(who)} rows, expected {rows}")
    rates = []
    for g, name in enumerate(names):
        here = codes == g
        if not here.any():
            rates.append(unknown_rate(f"no row of {name}", level))
            continue
        errors = np.bincount(who[here], wrong[here]).astype(np.int64)
        rates.append(clustered_rate(errors, np.bincount(who[here]), level))
    return tuple(rates)


@dataclass(frozen=True, slots=True)
class ProtocolEffect:
    """How the choice of impostors changes the FMR: pooled under a protocol, and as a ratio to that of all impostors."""

    name: str
    fmr: Rate
    over_all: float


def protocol_effects(
    comparisons: Comparisons,
    threshold: float,
    first: Mapping[str, ArrayLike],
    second: Mapping[str, ArrayLike],
    protocols: Mapping[str, Sequence[str]],
    level: float = 0.95,
) -> tuple[ProtocolEffect, ...]:
    """FMR at `threshold` under each protocol: name -> columns in which impostors agree (see `impostor_protocol`).

    over_all: FMR under the protocol over FMR of all impostors, NaN where there is none. It has no interval: the one is
    a part of the other.
    """
    data = comparisons
    t = data.check_threshold(threshold)
    usable = ~data.mated & ~data.failed
    whole = int((data.score[usable] >= t).sum()) / usable.sum() if usable.any() else math.nan
    effects = []
    for name, same in protocols.items():
        rows = usable & impostor_protocol(data.mated, first, second, same)
        table = Pairings.of(data, rows)
        tally = table.tally(table.matches(t))
        fmr = tally.rate(level) if rows.any() else unknown_rate("no impostor pair agrees in these columns", level)
        effects.append(ProtocolEffect(name, fmr, fmr.estimate / whole if whole else math.nan))
    return tuple(effects)
