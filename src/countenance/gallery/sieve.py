"""The search among many rows: bounds from short codes rule out nearly all, and the rest is computed.

Its answer is `Snapshot.search`'s: a row is left out only if its bound is below the score of the last one returned, and
the bounds are proven (`levels`). Where they leave too many rows, every score is computed, and that is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from countenance.gallery import kernels
from countenance.gallery.crew import Crew
from countenance.gallery.index import Chunk, Found, Rows, Snapshot, ranked, rounding
from countenance.gallery.records import SearchCounts

_SEEDS_PER_HIT = 4  # groups whose rows are computed first, to know early what score a hit needs at least
_SEEDS = 32
_TOO_MANY = 8  # computing more than one row in so many, wherever they lie, is slower than computing all in order
_NOTHING = -1e30  # above the bound of a place without a row, which is -inf, and below every score

Places = NDArray[np.int64]


class Sieve:
    """Searches snapshots that have codes, with the threads of `crew`."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._lock = Lock()
        self._spare: list[Rows] = []
        self.counts = SearchCounts()

    def search(
        self, snapshot: Snapshot, probe: Rows, limit: int, min_score: float, without: int | None = None
    ) -> Found:
        """What `Snapshot.search` gives."""
        return self._search(snapshot, probe, limit, min_score, without, self._crew)

    def _search(
        self, snapshot: Snapshot, probe: Rows, limit: int, min_score: float, without: int | None, crew: Crew
    ) -> Found:
        wanted = limit + (without is not None)
        run = _Run(snapshot, probe, wanted, crew)
        space = self._borrow(run.room + run.room // kernels.LANES)
        try:
            found = run.search(space, min_score)
        finally:
            self._spare.append(space)
        with self._lock:
            old = self.counts
            self.counts = SearchCounts(old.searches + 1, old.computed + run.computed, old.fallbacks + (found is None))
        if found is None:
            return snapshot.search(probe, limit, min_score, without)
        return [hit for hit in found if hit[0] != without][:limit]

    def search_many(self, snapshot: Snapshot, probes: Rows, limit: int, min_score: float) -> list[Found]:
        """What `search` gives for each of probes (n, d). A thread takes a probe at a time; none waits for others."""
        found: list[Found] = [[]] * len(probes)
        alone = Crew(1)

        def one(i: int) -> None:
            found[i] = self._search(snapshot, probes[i], limit, min_score, None, alone)

        self._crew.each(one, len(probes))
        return found

    def _borrow(self, length: int) -> Rows:
        """Room for bounds, used again by later searches since fresh memory is slow."""
        try:
            space = self._spare.pop()
        except IndexError:
            space = np.empty(0, dtype=np.float32)
        return space if len(space) >= length else np.empty(length + length // 8, dtype=np.float32)


class _Run:
    """One search. A place counts rows through all chunks' rooms."""

    def __init__(self, snapshot: Snapshot, probe: Rows, limit: int, crew: Crew) -> None:
        assert snapshot.coder is not None
        self._snapshot = snapshot
        self._chunks = snapshot.chunks
        self._probe = probe
        self._limit = limit
        self._coded = snapshot.coder.probe(probe)
        self._crew = crew
        self._starts = np.concatenate([[0], np.cumsum([chunk.room for chunk, _ in self._chunks])])
        self._slack = rounding(probe, max(chunk.longest for chunk, _ in self._chunks))
        self.room = int(self._starts[-1])
        self.computed = 0

    def search(self, space: Rows, min_score: float) -> Found | None:
        """The hits, or None if the bounds rule out too little. space: room for all bounds."""
        upper, tops = np.split(space[: self.room + self.room // kernels.LANES], [self.room])
        self._crew.each(lambda i: self._bound(i, upper, tops), len(self._chunks))
        floor = max(min_score, _NOTHING)
        places = np.empty(self.room // _TOO_MANY, dtype=np.int64)
        seeds = _SEEDS_PER_HIT * self._limit + _SEEDS
        if seeds < len(tops):
            pivot = max(np.partition(tops, -seeds)[-seeds], np.float32(_NOTHING))
            floor = self._raised(floor, places[: kernels.above(upper, tops, pivot, self.room, places)])
        found = kernels.above(upper, tops, np.float32(floor), self.room, places)
        if found == len(places):
            return None
        near = places[:found]
        scores = self._scores(near)
        self.computed = len(near)
        floor = max(floor, self._least(scores))
        near = near[(scores >= floor - self._slack) & (scores > -np.inf)]
        parts = [(chunk.numbers[inside], chunk.rows[inside]) for chunk, inside, _ in self._by_chunk(near)]
        if not parts:
            return []
        numbers, rows = (np.concatenate(some) for some in zip(*parts, strict=True))
        return ranked(numbers, rows, self._probe, self._limit, min_score)

    def _raised(self, floor: float, places: Places) -> float:
        """What a hit must score at least, now that the rows of those sorted places are looked at."""
        return max(floor, self._least(self._scores(places)))

    def _least(self, scores: Rows) -> float:
        """What the last hit scores at least, if there are rows of these scores."""
        if len(scores) < self._limit:
            return -np.inf
        return float(np.partition(scores, -self._limit)[-self._limit]) - self._slack

    def _bound(self, i: int, upper: Rows, tops: Rows) -> None:
        chunk, _ = self._chunks[i]
        assert chunk.codes is not None
        start, end = self._starts[i], self._starts[i + 1]
        lanes = kernels.LANES
        chunk.codes.bounds(self._coded, upper[start:end], tops[start // lanes : end // lanes])

    def _scores(self, places: Places) -> Rows:
        """The float32 scores of the rows of those sorted places; -inf for one that is no row of this snapshot."""
        return self._computed(
            places, lambda chunk, inside, scores: kernels.dots(chunk.rows, inside, self._probe, scores)
        )

    def _computed(self, places: Places, compute: Callable[[Chunk, Places, Rows], None]) -> Rows:
        results = np.full(len(places), -np.inf, dtype=np.float32)
        tasks = list(self._by_chunk(places))

        def do(i: int) -> None:
            chunk, inside, part = tasks[i]
            compute(chunk, inside, results[part])

        self._crew.each(do, len(tasks))
        return results

    def _by_chunk(self, places: Places) -> Iterator[tuple[Chunk, Places, slice]]:
        """Sorted places by chunk: the chunk, the places in it, and where they were among `places`.

        Rows that were appended after the snapshot are left out.
        """
        cuts = np.searchsorted(places, self._starts)
        for i, (chunk, filled) in enumerate(self._chunks):
            inside = places[cuts[i] : cuts[i + 1]] - self._starts[i]
            inside = inside[: np.searchsorted(inside, filled)]
            if len(inside):
                yield chunk, inside, slice(cuts[i], cuts[i] + len(inside))
