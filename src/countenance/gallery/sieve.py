"""The search among many rows: bounds from short codes rule out nearly all, and the rest is computed.

A row is computed in full unless its bound is below the score of a hit that is known already. So every score in an
answer is exact, and so are its ids but for the chance that a bound is wrong, `codes.CHANCE`. First every row is looked
at by its brief codes, then the few that may be hits by their fine ones, when the least score of a hit is nearly known.
Where bounds rule out nothing, every row is computed on the way; where more rows are as good as the last hit than there
is room for, the search begins anew without codes. Both are counted.
"""

from __future__ import annotations

from itertools import count
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.gallery import kernels
from countenance.gallery.codes import Codes, Places, terms
from countenance.gallery.crew import Crew
from countenance.gallery.index import CHUNK, Chunk, Found, Rows, Snapshot, ranked, rounding
from countenance.gallery.records import SearchCounts

_PART = CHUNK // 2  # rows that a thread takes in one go
_TOGETHER = 8  # probes that a thread takes at once, of many: codes are read from memory once for all of these
_WAITING = 65_536  # rows that a thread can let wait
_NOTED_PER_HIT, _NOTED = 4, 4096  # rows that a thread can note as possible hits
_LITTLE = 8  # a search that computes one row in so many or more was not helped by its bounds


class Sieve:
    """Searches snapshots that have codes, with the threads of `crew`."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._lock = Lock()
        self._spare: list[_Notes] = []
        self.counts = SearchCounts()

    def search(
        self, snapshot: Snapshot, probe: Rows, limit: int, min_score: float, without: int | None = None
    ) -> Found:
        """What `Snapshot.search` gives, but for `codes.CHANCE`."""
        threads = self._crew.threads
        run = self._run(snapshot, probe, limit + (without is not None), min_score, threads)
        parts, turn = run.parts(), count()

        def take_part(me: int) -> None:
            while (part := next(turn)) < len(parts):
                run.sift(parts[part], me)
            run.settle(me)

        self._crew.each(take_part, min(threads, len(parts)))
        return self._found(snapshot, run, limit, without)

    def search_many(self, snapshot: Snapshot, probes: Rows, limit: int, min_score: float) -> list[Found]:
        """What `search` gives for each of probes (n, d). A thread takes some at once."""
        found: list[Found] = [[]] * len(probes)

        def some(block: int) -> None:
            here = range(block * _TOGETHER, min((block + 1) * _TOGETHER, len(probes)))
            runs = [self._run(snapshot, probes[i], limit, min_score, 1) for i in here]
            for part in runs[0].parts():
                for run in runs:
                    run.sift(part, 0)
            for i, run in zip(here, runs, strict=True):
                run.settle(0)
                found[i] = self._found(snapshot, run, limit, None)

        self._crew.each(some, -(-len(probes) // _TOGETHER))
        return found

    def _run(self, snapshot: Snapshot, probe: Rows, limit: int, min_score: float, threads: int) -> _Run:
        wanted = min(limit, max(1, snapshot.size))
        return _Run(snapshot, np.ascontiguousarray(probe), wanted, min_score, threads, self._spare)

    def _found(self, snapshot: Snapshot, run: _Run, limit: int, without: int | None) -> Found:
        """What the run found, less the row that does not count; by computing all where it found no whole answer."""
        found = run.found()
        little = found is None or _LITTLE * run.computed > snapshot.size
        with self._lock:
            old = self.counts
            self.counts = SearchCounts(
                old.searches + 1, old.closer + run.closer, old.computed + run.computed, old.fallbacks + little
            )
        if found is None:
            return snapshot.search(run.probe, limit, run.min_score, without)
        return [hit for hit in found if hit[0] != without][:limit]


class _Run:
    """One search by up to `threads` threads, each of which sifts parts and then settles.

    A place counts rows through all chunks' rooms. spare: notes of searches that have ended.
    """

    def __init__(
        self, snapshot: Snapshot, probe: Rows, limit: int, min_score: float, threads: int, spare: list[_Notes]
    ) -> None:
        assert snapshot.coder is not None
        self.probe, self.min_score = probe, min_score
        self._chunks = snapshot.chunks
        self._limit = limit
        self._spare = spare
        coded = snapshot.coder.probe(probe)
        self._numbers = coded.numbers
        self._twice = 2 * rounding(probe, max(chunk.longest for chunk, _, _ in self._chunks))
        longest = np.max([_codes(chunk).longest for chunk, _, _ in self._chunks], axis=0)
        self._terms = terms(coded, longest, limit, self._twice)
        self._starts = [0]
        for chunk, _, _ in self._chunks:
            self._starts.append(self._starts[-1] + chunk.room)
        self._floors = np.full(threads, min_score - self._twice, dtype=np.float32)
        self._noted: dict[int, _Notes] = {}
        self._full = False
        self.closer = self.computed = 0

    def parts(self) -> list[tuple[int, int, int]]:
        """The snapshot in parts: chunk, first row and the one after the last."""
        return [
            (i, first, min(first + _PART, filled))
            for i, (_, filled, _) in enumerate(self._chunks)
            for first in range(0, filled, _PART)
        ]

    def sift(self, part: tuple[int, int, int], me: int) -> None:
        """Look at a part's rows by their brief codes. me: which thread this is."""
        if not self._full and not self._sift(*part, self._notes(me)):
            self._full = True

    def settle(self, me: int) -> None:
        """Look at what this thread's parts left waiting, when it has no more parts."""
        # others may still note hits; a score that is not there yet is -inf, so the floor is never too high
        self._floors[me] = self._least(self._all()[1])
        if not self._full and not self._settle(self._notes(me)):
            self._full = True

    def found(self) -> Found | None:
        """The hits, when every thread has settled.

        None if there was no room for all rows that may be hits, or one of these was erased meanwhile.
        """
        self.closer = sum(int(own.state[3]) for own in self._noted.values())
        self.computed = sum(int(own.state[4]) for own in self._noted.values())
        if self._full:
            return None
        places, scores = self._all()
        self._spare += self._noted.values()
        return self._ranked(places[scores >= self._least(scores)])

    def _all(self) -> tuple[Places, Rows]:
        """Places and float32 scores that any thread noted."""
        every = [own.noted() for own in list(self._noted.values())]
        if not every:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        return np.concatenate([one[0] for one in every]), np.concatenate([one[1] for one in every])

    def _notes(self, me: int) -> _Notes:
        """This thread's notes: used ones, emptied, if there are, since fresh memory is slow."""
        own = self._noted.get(me)
        if own is None:
            try:
                own = self._spare.pop()
            except IndexError:
                own = _Notes()
            own.begin(self._limit, me)
            self._noted[me] = own
        return own

    def _least(self, scores: Rows) -> np.float32:
        """What a float32 score needs at least, now that these are known."""
        floor = self._floors.max()
        if len(scores) > self._limit:
            floor = max(floor, np.partition(scores, -self._limit)[-self._limit] - np.float32(self._twice))
        return np.float32(floor)

    def _sift(self, i: int, first: int, end: int, own: _Notes) -> bool:
        """Rows `first` to `end` - 1 of chunk i. False if there is no room for what is noted."""
        chunk, _, coded = self._chunks[i]
        codes, lanes = _codes(chunk), kernels.LANES
        group, last = first // lanes, min(end, coded) // lanes
        while True:
            begun = int(own.state[2])
            group = kernels.sift(
                codes.brief.reshape(len(codes.brief), -1), codes.brief_facts, codes.scales, chunk.rows, chunk.alive,
                self._numbers, self.probe, self._terms, group, last, end, self._starts[i], own.heap, own.places,
                own.scores, own.waiting, own.dots, own.uppers, own.asides, own.state, self._floors, own.me,
            )  # fmt: skip
            own.segments.append((i, begun, int(own.state[2])))
            if group < 0:
                return False
            if group == last:
                return True
            if not self._settle(own):
                return False

    def _settle(self, own: _Notes) -> bool:
        """All rows that wait. False as above."""
        for i, start, stop in own.segments:
            chunk, codes = self._chunks[i][0], _codes(self._chunks[i][0])
            if not kernels.settle(
                codes.fine, codes.fine_facts, codes.scales, chunk.rows, chunk.alive, self._numbers, self.probe,
                self._terms, start, stop, self._starts[i], own.heap, own.places, own.scores, own.waiting, own.dots,
                own.uppers, own.asides, own.state, self._floors, own.me,
            ):  # fmt: skip
                return False
        own.segments.clear()
        own.state[2] = 0
        return True

    def _ranked(self, places: Places) -> Found | None:
        if not len(places):
            return []
        places.sort()
        numbers, rows = [], []
        which = np.searchsorted(self._starts, places, side="right") - 1
        for i in sorted(set(which.tolist())):
            chunk, inside = self._chunks[i][0], places[which == i] - self._starts[i]
            numbers.append(chunk.numbers[inside])
            rows.append(chunk.rows[inside])
            if not chunk.alive[inside].all():
                return None
        return ranked(np.concatenate(numbers), np.concatenate(rows), self.probe, self._limit, self.min_score)


class _Notes:
    """What one thread found: the best scores as a heap, every row that may be a hit, and rows that wait for `settle`.

    segments: chunk, first and last of the waiting rows. state: as `kernels.sift` says. me: which thread.
    """

    def __init__(self) -> None:
        self.me = 0
        self.heap: Rows = np.empty(0, dtype=np.float32)
        self.places: Places = np.empty(0, dtype=np.int64)
        self.scores: Rows = np.empty(0, dtype=np.float32)
        self.waiting = np.empty(_WAITING, dtype=np.int32)
        self.dots = np.empty(_WAITING, dtype=np.int32)
        self.uppers = np.empty(_WAITING, dtype=np.float32)
        self.asides = np.empty(_WAITING, dtype=np.float32)
        self.segments: list[tuple[int, int, int]] = []
        self.state = np.zeros(5, dtype=np.int64)

    def begin(self, limit: int, me: int) -> None:
        """Make room for one thread's part of a search."""
        self.me = me
        if len(self.heap) != limit:
            self.heap = np.empty(limit, dtype=np.float32)
            self.places = np.empty(_NOTED_PER_HIT * limit + _NOTED, dtype=np.int64)
            self.scores = np.empty(len(self.places), dtype=np.float32)
        self.scores.fill(-np.inf)
        self.segments.clear()
        self.state.fill(0)

    def noted(self) -> tuple[Places, NDArray[Any]]:
        """Places and float32 scores."""
        return self.places[: self.state[1]], self.scores[: self.state[1]]


def _codes(chunk: Chunk) -> Codes:
    assert chunk.codes is not None
    return chunk.codes
