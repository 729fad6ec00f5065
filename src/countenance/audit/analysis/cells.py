"""Groups that are large enough to be told about: the k-anonymity bound of everything that leaves the auditor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from countenance.audit.labelled.people import Grouping
from countenance.audit.labelled.tables import Codes


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A grouping that can be published.

    grouping: groups under the bound are merged into one, or, where even that is under the bound, left out (code -1).
    people: how many of the people in the data belong to each group. empty: groups that nobody belongs to (they stay in
    the grouping). merged: names of the groups under the bound. unlabelled: people without a label.
    """

    grouping: Grouping
    people: tuple[int, ...]
    empty: tuple[str, ...]
    merged: tuple[str, ...]
    unlabelled: int


def rest_of(small_cell: int) -> str:
    """Name of the group that small groups are merged into."""
    return f"other groups of fewer than {small_cell} people"


def publishable(grouping: Grouping, present: Codes, small_cell: int) -> Cells:
    """Coarsen `grouping` so that every group has no people, or at least `small_cell` of them.

    present: (m,), rows of the people that the data is about, each once.
    """
    here = grouping.codes[present]
    counts = np.bincount(here[here >= 0], minlength=len(grouping.groups))
    small = (counts > 0) & (counts < small_cell)
    if not small.any():
        empty = tuple(g for g, n in zip(grouping.groups, counts, strict=True) if not n)
        return Cells(grouping, tuple(int(n) for n in counts), empty, (), int((here < 0).sum()))
    together = int(counts[small].sum())
    rest = rest_of(small_cell)
    kept = [at for at in range(len(counts)) if not small[at]]
    groups = [grouping.groups[at] for at in kept]
    place = np.full(len(counts) + 1, -1, np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    people = [int(counts[at]) for at in kept]
    if together >= small_cell:
        place[:-1][small] = len(groups)
        groups.append(rest)
        people.append(together)
    coarse = Grouping(grouping.name, tuple(groups), place[grouping.codes])
    return Cells(
        coarse,
        tuple(people),
        tuple(g for g, n in zip(groups, people, strict=True) if not n),
        tuple(g for g, is_small in zip(grouping.groups, small, strict=True) if is_small),
        int((here < 0).sum()),
    )
