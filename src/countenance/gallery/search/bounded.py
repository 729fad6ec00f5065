"""The search among many rows: bounds from short codes rule out nearly all of them, and the rest is computed.

A row's score is computed in full unless its bound is below the scores of the hits found so far. So every score in an
answer is exact, and its ids are right except with the chance `codes.CHANCE` that a bound is wrong. First every row is
tested by its brief codes. Then, when the lowest score of a hit is nearly known, the few rows that may be hits are
tested by their fine codes. If the bounds rule out nothing, every row is computed; if more rows tie with the last hit
than there is room for, the search starts again without codes. Both are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.gallery.answers import SearchCounts
from countenance.gallery.search import kernels
from countenance.gallery.search.chunk import Rows
from countenance.gallery.search.codes import terms
from countenance.gallery.search.index import Hits, IndexSnapshot, ranked, rounding
from countenance.gallery.search.row_file import RowsLost
from countenance.gallery.search.threads import ThreadPool

_TOGETHER = 8  # probes that a thread takes at once, of many
_WAITING = 65_536  # rows that a thread can postpone
_NOTED_PER_HIT, _NOTED = 4, 4096  # rows that a thread can note as possible hits
_LITTLE = 8  # bounds did not help a search that computes one row in this many, or more


class BoundedSearch:
    """Searches snapshots that have codes, with the threads of `pool`."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._lock = Lock()
        self._spare: dict[int, list[_Notes]] = defaultdict(list)
        self.counts = SearchCounts()

    def search(
        self,
        snapshot: IndexSnapshot,
        probe: Rows,
        limit: int,
        min_score: float,
        without: int | None = None,
        owned: bool = False,
    ) -> Hits:
        """What `Snapshot.search` gives, but for `codes.CHANCE`."""
        asked = _Asked(snapshot, probe, limit + (without is not None), min_score, owned)
        layout, turn = asked.layout, np.zeros(3, dtype=np.int64)
        threads = max(1, min(self._pool.threads, len(layout.parts)))
        notes = self._notes(threads, asked)

        def take_part(me: int) -> None:
            kernels.look(asked.chunks, layout.parts, turn, asked.query, asked.probe, asked.terms, *notes.arrays, me)

        self._pool.together(take_part, threads)
        hits = self._found(asked, notes, slice(None), limit, without)
        self._spare[threads].append(notes)
        return hits

    def search_many(
        self, snapshot: IndexSnapshot, probes: Rows, limit: int, min_score: float, owned: bool = False
    ) -> list[Hits]:
        """What `search` gives for each of probes (n, d). A thread takes some at once."""
        hits_of_probes: list[Hits] = [[]] * len(probes)

        def some(block: int) -> None:
            here = range(block * _TOGETHER, min((block + 1) * _TOGETHER, len(probes)))
            asked = [_Asked(snapshot, probes[i], limit, min_score, owned) for i in here]
            layout, notes = asked[0].layout, self._notes(len(here), *asked)
            queries, terms = np.stack([one.query for one in asked]), np.stack([one.terms for one in asked])
            kernels.look_many(
                asked[0].chunks, layout.parts, queries, probes[here[0] : here[-1] + 1], terms, *notes.arrays
            )
            for i, (place, one) in enumerate(zip(here, asked, strict=True)):
                hits_of_probes[place] = self._found(one, notes, slice(i, i + 1), limit, None)
            self._spare[len(here)].append(notes)

        self._pool.each(some, -(-len(probes) // _TOGETHER))
        return hits_of_probes

    def prepare(self, snapshot: IndexSnapshot) -> None:
        """Compile everything that searches of the snapshot need, by running searches that find nothing."""
        nobody = np.zeros((2, snapshot.chunks[0][0].rows.shape[1]), dtype=np.float32)
        self.search(snapshot, nobody[0], 1, np.inf)
        self.search_many(snapshot, nobody, 1, np.inf)

    def _notes(self, count: int, *asked: _Asked) -> _Notes:
        """Empty notes for `count` threads or probes; reused if possible, since fresh memory is slow."""
        try:
            notes = self._spare[count].pop()
        except IndexError:
            notes = _Notes(count)
        notes.begin(asked)
        return notes

    def _found(self, asked: _Asked, notes: _Notes, mine: slice, limit: int, without: int | None) -> Hits:
        """The hits in those notes less the row that does not count; computes all rows if notes are incomplete."""
        numbers, rows, refined, computed, full, lost = kernels.gather(
            asked.chunks, notes.places[mine], notes.scores[mine], notes.state[mine], notes.floors[mine],
            asked.limit, asked.twice, len(asked.probe),
        )  # fmt: skip
        with self._lock:
            old = self.counts
            self.counts = SearchCounts(
                old.searches + 1,
                old.refined + refined,
                old.computed + computed,
                old.fallbacks + (full > 0 or _LITTLE * computed > asked.snapshot.size),
            )
        if lost:
            raise RowsLost
        if full:
            return asked.snapshot.search(asked.probe, limit, asked.min_score, without, asked.owned)
        hits = ranked(numbers, rows, asked.probe, asked.limit, asked.min_score)
        return hits if without is None else [hit for hit in hits if hit[0] != without][:limit]


class _Asked:
    """A probe as the kernels need it. limit: how many hits are wanted, at most the number of rows."""

    __slots__ = (
        "chunks", "layout", "limit", "min_score", "owned", "probe", "query", "snapshot", "terms", "twice",
    )  # fmt: skip

    def __init__(self, snapshot: IndexSnapshot, probe: Rows, limit: int, min_score: float, owned: bool = False) -> None:
        assert snapshot.coder is not None
        assert snapshot.layout is not None
        self.snapshot, self.layout, self.min_score, self.owned = snapshot, snapshot.layout, min_score, owned
        self.chunks = self.layout.owned if owned else self.layout.chunks
        self.probe = np.ascontiguousarray(probe)
        self.limit = min(limit, max(1, snapshot.size))
        self.twice = np.float32(2 * rounding(probe, self.layout.longest))
        coded = snapshot.coder.probe(probe)
        self.query = coded.numbers
        self.terms = terms(coded, self.layout.codes_longest, self.limit, float(self.twice))


class _Notes:
    """What the threads, or probes, find: one row of each array for each. The arrays are those of `kernels.look`."""

    def __init__(self, count: int) -> None:
        self.heaps: Rows = np.empty((count, 0), dtype=np.float32)
        self.places = np.empty((count, 0), dtype=np.int64)
        self.scores: Rows = np.empty((count, 0), dtype=np.float32)
        self.waits = np.empty((count, 4, _WAITING), dtype=np.int32)
        self.stretches = np.empty((count, 0, 3), dtype=np.int64)
        self.state = np.zeros((count, kernels.STATE), dtype=np.int64)
        self.floors: Rows = np.empty(count, dtype=np.float32)

    def begin(self, asked: Sequence[_Asked]) -> None:
        """Empty them and make room for a search; all that is asked at once has one limit and one snapshot."""
        one, count = asked[0], len(self.floors)
        if self.heaps.shape[1] != one.limit:
            self.heaps = np.empty((count, one.limit), dtype=np.float32)
            self.places = np.empty((count, _NOTED_PER_HIT * one.limit + _NOTED), dtype=np.int64)
            self.scores = np.empty(self.places.shape, dtype=np.float32)
        if self.stretches.shape[1] < len(one.layout.parts):  # a part lets at most one stretch of its rows wait
            self.stretches = np.empty((count, len(one.layout.parts), 3), dtype=np.int64)
        self.scores.fill(-np.inf)
        self.state.fill(0)
        self.floors[:] = [each.min_score - each.twice for each in asked]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """In the order in which the kernels take them."""
        return self.heaps, self.places, self.scores, self.waits, self.stretches, self.state, self.floors
