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
from countenance.metrics.statistics.labels import Mask, code_labels, flags
from countenance.metrics.statistics.ratios import Ratio, ratio_of_tallies
from countenance.metrics.verification.comparisons import Comparisons, DataFinding, impostor_protocol
from countenance.metrics.verification.pairings import Pairings


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


def verify_each(comparisons: Comparisons, thresholds: Sequence[float], level: float = 0.95) -> tuple[Verification, ...]:
    """`verify` at several thresholds: the data are sorted by pair of people once."""
    check_level(level)
    data = comparisons
    asked = [data.check_threshold(t) for t in thresholds]
    impostors = Pairings.of(data, ~data.mated & ~data.failed)
    mated = Pairings.of(data, data.mated & ~data.failed)
    failures = _failures(data, level)
    people = _people(data)
    return tuple(_verified(data, t, level, impostors, mated, failures, people) for t in asked)


def _verified(
    data: Comparisons,
    threshold: float,
    level: float,
    impostors: Pairings,
    mated: Pairings,
    failures: tuple[Rate, ...],
    people: Counts,
) -> Verification:
    names = data.groups
    matches, misses = impostors.matches(threshold), mated.trials - mated.matches(threshold)

    def falsely(rows: Mask | None, where: str) -> tuple[Tally, Rate]:
        tally = impostors.tally(matches, rows)
        return tally, tally.rate(level) if tally.total_trials else unknown_rate(
            f"no non-mated comparison{where}", level
        )

    def missed(rows: Mask | None, where: str) -> Rate:
        rate = mated.clustered(misses, rows, level)
        return rate if rate.known else unknown_rate(f"no mated comparison{where}", level)

    cells = []
    for a in range(len(names)):
        for b in range(a, len(names)):
            rows = (impostors.first_group == a) & (impostors.second_group == b)
            counted, rate = falsely(rows, f" of {names[a]} with {names[b]}")
            cells.append(Cell(a, b, rate, counted))
    groups = []
    for g, name in enumerate(names):
        own = cells[g * len(names) - g * (g - 1) // 2].rate
        _, fmr_any = falsely((impostors.first_group == g) | (impostors.second_group == g), f" of {name}")
        fnmr = missed(mated.first_group == g, f" of {name}")
        fta = failures[g].estimate
        far, frr = (1 - fta) * own.estimate, fta + (1 - fta) * fnmr.estimate
        groups.append(GroupErrors(name, int(people[g]), own, fmr_any, fnmr, failures[g], far, frr))
    return Verification(
        threshold, level, tuple(groups), tuple(cells), falsely(None, "")[1], missed(None, ""), data.findings
    )


def _failures(data: Comparisons, level: float) -> tuple[Rate, ...]:
    """Comparisons of each group without a score; the group of either side counts."""
    table = Pairings.of(data, np.ones(len(data), bool))
    failed = table.failures()
    rates = []
    for g, name in enumerate(data.groups):
        tally = table.tally(failed, (table.first_group == g) | (table.second_group == g))
        rates.append(tally.rate(level) if tally.total_trials else unknown_rate(f"no comparison of {name}", level))
    return tuple(rates)


def _people(data: Comparisons) -> Counts:
    """How many people each group has, (g,); zeros where people are not known."""
    if not data.has_people:
        return np.zeros(len(data.groups), np.int64)
    size = len(data.groups)
    seen = np.unique(np.concatenate([data.first * size + data.first_group, data.second * size + data.second_group]))
    return np.bincount(seen % size, minlength=size)


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
