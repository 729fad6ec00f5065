"""What error rates are made of: counts by pair of people at each threshold, of parts that may be counted anywhere.

All comparisons of two people are in one part. So whatever is summed over pairs is the same for all parts together as
for the whole, to the bit: the sums are whole numbers below 2^53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from countenance.metrics.statistics.dyads import Tally, united
from countenance.metrics.statistics.labels import Codes
from countenance.metrics.verification.comparisons import Comparisons
from countenance.metrics.verification.pairings import Pairings

PART = 4_000_000
"""Comparisons that are counted together: at most about 1 GiB beside the data themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class TalliesAt:
    """Tallies at one threshold.

    cells: of false matches, the upper triangle of pairs of groups row by row. any_group: of false matches of each group
    with anybody. strangers: of all false matches. mated: of misses by group. all_mated: of all misses.
    """

    cells: tuple[Tally, ...]
    any_group: tuple[Tally, ...]
    strangers: Tally
    mated: tuple[Tally, ...]
    all_mated: Tally


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Counts of some comparisons.

    at: by threshold. failures: by group, of either side. seen: sorted codes of person and group, person · groups +
    group; empty where people are not known.
    """

    at: tuple[TalliesAt, ...]
    failures: tuple[Tally, ...]
    seen: Codes


@dataclass(frozen=True, slots=True)
class CountAt:
    """Counts a part at `thresholds`; all that a part's counts depend on beside the part itself."""

    thresholds: tuple[float, ...]

    def __call__(self, part: Comparisons) -> PairCounts:
        """The part's counts."""
        return count_pairs(part, self.thresholds)


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonParts:
    """The comparisons in parts of about so many rows; all those of two people are in the same one. Made as asked for.

    Groups are named by numbers, and nothing is told about the data: parts may go to other machines.
    """

    data: Comparisons
    rows: int

    def __len__(self) -> int:
        """How many parts there are, at least one."""
        return max(1, -(-len(self.data) // self.rows)) if self.rows else 1

    def __iter__(self) -> Iterator[Comparisons]:
        """One after the other."""
        data = replace(self.data, groups=tuple(map(str, range(len(self.data.groups)))), findings=())
        parts = len(self)
        if parts == 1:
            yield data
            return
        if data.has_people:
            low, high = np.minimum(data.first, data.second), np.maximum(data.first, data.second)
            mixed = (low.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ high.astype(np.uint64)
            mixed *= np.uint64(0xC2B2AE3D27D4EB4F)
            which = ((mixed >> np.uint64(32)) % np.uint64(parts)).astype(np.int32)
        else:
            which = (np.arange(len(data)) // self.rows).astype(np.int32)
        for part in range(parts):
            yield data.only(which == part)


@dataclass(frozen=True, slots=True)
class Counting:
    """Where parts are counted. over: applies a function to each of them, in any order. parts: at least so many."""

    over: Callable[[CountAt, ComparisonParts], Iterable[PairCounts]]
    parts: int = 1


def _one_after_another(work: CountAt, parts: ComparisonParts) -> Iterator[PairCounts]:
    return map(work, parts)


HERE = Counting(_one_after_another)
"""In this process, one part after the other."""


def counted(data: Comparisons, thresholds: Sequence[float], spread: Counting) -> PairCounts:
    """The counts of all comparisons."""
    rows = min(PART, -(-len(data) // spread.parts))
    return reduce(_together, spread.over(CountAt(tuple(thresholds)), ComparisonParts(data, rows)))


def count_pairs(data: Comparisons, thresholds: Sequence[float]) -> PairCounts:
    """The counts of comparisons that are sorted by pair of people once."""
    groups = range(len(data.groups))
    impostors = Pairings.of(data, ~data.mated & ~data.failed)
    mated = Pairings.of(data, data.mated & ~data.failed)
    cells = [(impostors.first_group == a) & (impostors.second_group == b) for a in groups for b in groups if a <= b]
    either = [(impostors.first_group == g) | (impostors.second_group == g) for g in groups]
    own = [mated.first_group == g for g in groups]
    at = []
    for threshold in thresholds:
        matches, misses = impostors.matches(threshold), mated.trials - mated.matches(threshold)
        at.append(
            TalliesAt(
                tuple(impostors.tally(matches, rows) for rows in cells),
                tuple(impostors.tally(matches, rows) for rows in either),
                impostors.tally(matches),
                tuple(mated.tally(misses, rows) for rows in own),
                mated.tally(misses),
            )
        )
    table = Pairings.of(data, np.ones(len(data), bool))
    failed = table.failures()
    failures = tuple(table.tally(failed, (table.first_group == g) | (table.second_group == g)) for g in groups)
    return PairCounts(tuple(at), failures, _seen(data))


def _seen(data: Comparisons) -> Codes:
    if not data.has_people:
        return np.zeros(0, np.int64)
    size = len(data.groups)
    return np.unique(np.concatenate([data.first * size + data.first_group, data.second * size + data.second_group]))


def _together(one: PairCounts, two: PairCounts) -> PairCounts:
    at = tuple(
        TalliesAt(
            _each(a.cells, b.cells),
            _each(a.any_group, b.any_group),
            united(a.strangers, b.strangers),
            _each(a.mated, b.mated),
            united(a.all_mated, b.all_mated),
        )
        for a, b in zip(one.at, two.at, strict=True)
    )
    return PairCounts(at, _each(one.failures, two.failures), np.union1d(one.seen, two.seen))


def _each(one: Sequence[Tally], two: Sequence[Tally]) -> tuple[Tally, ...]:
    return tuple(map(united, one, two))
