"""What else must be withheld, so that a withheld number cannot be computed from those that are published.

A total less all its other parts gives the part that was left out. So every published count is an equation about
unknown cells, and a linear program asks between which bounds they leave a withheld count. Where that is narrower than
half the small-cell bound, the smallest published number that the program rested on is withheld, too, until nothing
narrows it any more. This is complementary cell suppression: Cox 1980 (JASA 75), Fischetti and Salazar 2001 (Management
Science 47).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]
Together = tuple[str, ...]
"""Numbers that are published or withheld together."""
MOST_WORK, MOST_AT_ONCE, LEAST_WORK = 20_000_000, 1_000_000, 50_000
"""Published sums times unknowns, over all programs and of one, before an analysis is withheld as a whole; and what any
program counts as, since the smallest takes as long as that.

After each that is withheld half as much work is done for the others, so that all of it is at most twice this.
"""
FIXED: Together = ()
"""The block of what is always published."""


@dataclass(frozen=True, slots=True, eq=False)
class PublishedSum:
    """A published count. cells: (n,), the cells that it is the sum of. block: what it is withheld with."""

    block: Together
    cells: Mask


@dataclass(frozen=True, slots=True)
class SumBounds:
    """Between which bounds the published counts leave a sum, and which of them it rests on."""

    low: float
    high: float
    rests_on: tuple[int, ...]


def span(published: Sequence[PublishedSum], counts: Counts, target: Mask) -> SumBounds:
    """The bounds of the sum of `target`, when the sums in `published` are known and no cell is negative.

    counts: (n,), the true cells, from which the known sums are computed. target: (n,).
    """
    return _span(published, counts, target, _unknowns(published, target))


def _span(published: Sequence[PublishedSum], counts: Counts, target: Mask, unknowns: NDArray[np.int64]) -> SumBounds:
    from scipy.optimize import linprog  # slow to import, and only withheld cells need it
    from scipy.sparse import csr_array

    if not published:
        return SumBounds(0.0, float("inf"), ())
    lines = np.array([line.cells for line in published])
    sums = lines.astype(np.float64) @ counts
    known, target = csr_array(lines[:, unknowns].astype(np.float64)), target[unknowns]
    bounds, rests = [], set[int]()
    for sign in (1, -1):
        solved = linprog(sign * target.astype(np.float64), A_eq=known, b_eq=sums, bounds=(0, None), method="highs")
        if solved.status == 3:  # unbounded
            bounds.append(float("inf"))
            continue
        bounds.append(float(solved.fun))
        rests |= set(np.flatnonzero(np.abs(solved.eqlin.marginals) > 1e-9).tolist())
    return SumBounds(bounds[0], -bounds[1] if np.isfinite(bounds[1]) else float("inf"), tuple(sorted(rests)))


def _unknowns(published: Sequence[PublishedSum], target: Mask) -> NDArray[np.int64]:
    """One cell of each kind, (k,): cells that count in the same sums are one unknown of a program."""
    lines = np.packbits(np.array([*(line.cells for line in published), target]), axis=0).T
    return np.unique(np.ascontiguousarray(lines).view(f"V{lines.shape[1]}").ravel(), return_index=True)[1]


def complementary(
    published: Callable[[frozenset[Together]], Sequence[PublishedSum]],
    counts: Counts,
    targets: Sequence[Mask],
    small_cell: int,
    place: int = 0,
) -> frozenset[Together]:
    """The blocks that must be withheld, too.

    published: what is published when the given blocks are not. counts: (n,), the true cells. targets: sums that must
    not be known to within less than half of `small_cell`; those that are empty are no secret. place: where a block
    names its analysis. Programs that are too many or too large (see `MOST_WORK`) are not solved: the analysis of most
    blocks is withheld as a whole, and the others are looked at anew.
    """
    withheld: set[Together] = set()
    work, most = 0, MOST_WORK
    distinct = {target.tobytes(): target for target in targets if counts[target].sum()}
    again = True
    while again:
        again = False
        for target in distinct.values():
            while True:
                sums = _once(published(frozenset(withheld)))
                if all(line.block == FIXED for line in sums):
                    return frozenset(withheld)  # nothing is left that could be withheld
                unknowns = _unknowns(sums, target)
                once = len(sums) * len(unknowns)
                work += max(once, LEAST_WORK)
                if (work > most or once > MOST_AT_ONCE) and (whole := _largest(sums, place)):
                    withheld |= whole
                    work, most, again = 0, most // 2, True
                    continue
                bounds = _span(sums, counts, target, unknowns)
                if bounds.high - bounds.low >= small_cell // 2 - 1e-6:
                    break
                blocks = {sums[at].block for at in bounds.rests_on} - {FIXED} - withheld
                blocks = blocks or {line.block for line in sums if (line.cells & target).any()} - {FIXED} - withheld
                blocks = blocks or {line.block for line in sums} - {FIXED} - withheld
                if not blocks:
                    break
                sizes = {b: min(int(counts[line.cells].sum()) for line in sums if line.block == b) for b in blocks}
                withheld.add(min(sizes, key=lambda block: (sizes[block] == 0, sizes[block], block)))
                again = True
    return frozenset(withheld)


def _largest(published: Sequence[PublishedSum], place: int) -> set[Together]:
    """The blocks of the analysis that has most of them; none where only everybody's numbers are left."""
    by_analysis: dict[str, set[Together]] = {}
    for line in published:
        if line.block != FIXED and line.block[place]:
            by_analysis.setdefault(line.block[place], set()).add(line.block)
    return max(by_analysis.values(), key=len, default=set())


def _once(sums: Sequence[PublishedSum]) -> list[PublishedSum]:
    """Each sum once. One that is always published wins, as withholding the other would not hide it."""
    by_cells: dict[bytes, PublishedSum] = {}
    for line in sums:
        key = line.cells.tobytes()
        if key not in by_cells or line.block == FIXED:
            by_cells[key] = line
    return list(by_cells.values())
