"""1:1 error rates by group at one global threshold: who is falsely matched, who is falsely turned away.

FMR(d, d') = share of non-mated comparisons between groups d and d' with score >= threshold; FNMR(d) = share of mated
comparisons of d with score < threshold (ISO/IEC 19795-1:2021). Groups are compared at the same threshold always: a
system has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Comparisons, Finding
from countenance.audit.metrics.dyads import Tally
from countenance.audit.metrics.intervals import Rate
from countenance.audit.metrics.ratios import Ratio


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
    frr, far: transaction rates with failures counted as rejections, (1-FTA)·FMR and FTA+(1-FTA)·FNMR, point estimates.
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

    cells: the upper triangle of the matrix, diagonal included, row by row; `cell(a, b)` finds one.
    """

    threshold: float
    level: float
    groups: tuple[GroupErrors, ...]
    cells: tuple[Cell, ...]
    fmr: Rate
    """All non-mated comparisons pooled."""
    fnmr: Rate
    """All mated comparisons pooled."""
    findings: tuple[Finding, ...]

    def cell(self, first: int, second: int) -> Cell:
        """The cell of two groups, in either order."""
        raise NotImplementedError

    def ratio(self, first: tuple[int, int], reference: tuple[int, int]) -> Ratio:
        """FMR of one cell over that of another, shared people taken into account."""
        raise NotImplementedError


def verify(comparisons: Comparisons, threshold: float, level: float = 0.95) -> Verification:
    """Error rates of every group and every pair of groups at `threshold` (larger-is-more-alike direction).

    A threshold below the censor point is a `BadRequest`: those rates cannot be known.
    """
    raise NotImplementedError


def failure_rates(
    groups: Sequence[str], group: ArrayLike, failed: ArrayLike, people: ArrayLike | None = None, level: float = 0.95
) -> tuple[Rate, ...]:
    """Failure to enrol or acquire by group: group codes (n,), failed bool (n,), people (n,) for clustering."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ProtocolEffect:
    """What the choice of impostors changes: pooled FMR under a protocol, beside all impostors."""

    name: str
    fmr: Rate
    over_all: Ratio


def protocol_effects(
    comparisons: Comparisons,
    threshold: float,
    first: Mapping[str, ArrayLike],
    second: Mapping[str, ArrayLike],
    protocols: Mapping[str, Sequence[str]],
    level: float = 0.95,
) -> tuple[ProtocolEffect, ...]:
    """FMR at `threshold` under each protocol: name -> columns in which impostors agree (see `impostor_protocol`)."""
    raise NotImplementedError
