"""The rows of one gallery in memory, and the exact search among them.

Rows lie in chunks, sorted by number. A chunk is filled from the front and its rows never move, so a reader works on
the chunks that were there when it began while a writer appends behind them. An erased row is zeroed at once and marked;
a chunk of which half is erased is copied without them. No search copies the rows, and no writer waits for a reader.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]

CHUNK = 32_768
"""Rows in a full chunk."""
_FIRST = 256  # rows that the first chunk of a small gallery has room for


class Chunk:
    """Room for rows of `dimension` numbers. numbers, rows, alive: arrays, filled up to `filled`.

    longest: an upper bound of the rows' L2 norms.
    """

    __slots__ = ("alive", "dead", "filled", "longest", "numbers", "rows")

    def __init__(self, room: int, dimension: int) -> None:
        self.numbers: Numbers = np.zeros(room, dtype=np.int64)
        self.rows: Rows = np.zeros((room, dimension), dtype=np.float32)
        self.alive: NDArray[np.bool_] = np.zeros(room, dtype=np.bool_)
        self.filled = 0
        self.dead = 0
        self.longest = 0.0

    @property
    def free(self) -> int:
        """How many more rows fit."""
        return len(self.numbers) - self.filled

    @property
    def living(self) -> int:
        """How many rows are not erased."""
        return self.filled - self.dead

    def append(self, numbers: Numbers, rows: Rows) -> None:
        """Put rows behind those that are there; they fit."""
        start, end = self.filled, self.filled + len(numbers)
        self.numbers[start:end] = numbers
        self.rows[start:end] = rows
        self.alive[start:end] = True
        self.longest = max(self.longest, float(np.linalg.norm(rows, axis=1).max(initial=0.0)))
        self.filled = end

    def erase(self, numbers: Numbers) -> None:
        """Mark and zero those of the sorted `numbers` that are here."""
        held = self.numbers[: self.filled]
        places = np.flatnonzero(np.isin(held, numbers, assume_unique=True) & self.alive[: self.filled])
        self.alive[places] = False
        self.rows[places] = 0
        self.dead += len(places)

    def without_dead(self, room: int) -> Chunk:
        """The living rows in a chunk of their own."""
        other = Chunk(room, self.rows.shape[1])
        alive = np.flatnonzero(self.alive[: self.filled])
        other.append(self.numbers[alive], self.rows[alive])
        return other


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a search sees: chunks and how many rows of each. size: living rows at that moment.

    revision: the gallery's revision that this is at least as new as; -1 before anything was read.
    """

    chunks: tuple[tuple[Chunk, int], ...]
    size: int
    revision: int

    def search(self, probe: Rows, limit: int, min_score: float, without: int | None = None) -> list[tuple[int, float]]:
        """The `limit` rows of highest inner product with `probe` (d,), none below `min_score`: (number, score).

        Best first; equal scores by number. A score is the inner product of the stored float32 numbers, summed in
        float64 and rounded to float32 once, so it depends neither on where a row lies nor on what else is searched.
        without: the number of a row that does not count.
        """
        numbers, rows, scores = [], [], np.empty(0, dtype=np.float32)
        for chunk, filled in self.chunks:
            slack = _rounding(probe, chunk.longest)
            rough = chunk.rows[:filled] @ probe
            rough[~chunk.alive[:filled]] = -np.inf
            if without is not None:
                rough[chunk.numbers[:filled] == without] = -np.inf
            scores = np.concatenate([scores, rough])
            floor = min_score
            if len(scores) > limit:
                scores = np.partition(scores, -limit)[-limit:]
                floor = max(floor, float(scores.min()) - slack)
            near = np.flatnonzero((rough >= floor - slack) & (rough > -np.inf))
            numbers.append(chunk.numbers[near])
            rows.append(chunk.rows[near])
        if not numbers:
            return []
        return ranked(np.concatenate(numbers), np.concatenate(rows), probe, limit, min_score)


class Index:
    """The living rows of one gallery. One writer at a time; `snapshot` may be read and searched by anybody meanwhile.

    last: the highest number ever appended.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, with nothing."""
        self.last = 0
        self.snapshot = Snapshot((), 0, -1)
        self._chunks: list[Chunk] = []

    def append(self, numbers: Numbers, rows: Rows) -> None:
        """Add rows (n, d) under their numbers (n,), which are sorted and above `last`. Seen after `publish`."""
        done = 0
        while done < len(numbers):
            if not self._chunks:
                self._chunks.append(Chunk(_FIRST, rows.shape[1]))
            tail = self._chunks[-1]
            if not tail.free:
                if len(tail.numbers) < CHUNK:
                    self._chunks[-1] = tail = tail.without_dead(min(CHUNK, 4 * len(tail.numbers)))
                else:
                    tail = Chunk(CHUNK, rows.shape[1])
                    self._chunks.append(tail)
            more = min(tail.free, len(numbers) - done)
            tail.append(numbers[done : done + more], rows[done : done + more])
            done += more
        if len(numbers):
            self.last = int(numbers[-1])

    def erase(self, numbers: Numbers) -> None:
        """Take those of the sorted `numbers` out that are here; searches that run see them vanish."""
        if not len(numbers):
            return
        kept = []
        for chunk in self._chunks:
            if chunk.filled and chunk.numbers[0] <= numbers[-1] and numbers[0] <= chunk.numbers[chunk.filled - 1]:
                chunk.erase(numbers)
            if chunk.living or chunk is self._chunks[-1]:
                kept.append(chunk.without_dead(max(_FIRST, chunk.living)) if 2 * chunk.dead > CHUNK else chunk)
        self._chunks = kept

    def publish(self, revision: int) -> None:
        """Let searches see what was appended and erased, as of `revision`."""
        chunks = tuple((chunk, chunk.filled) for chunk in self._chunks)
        self.snapshot = Snapshot(chunks, sum(chunk.living for chunk in self._chunks), revision)


def ranked(numbers: Numbers, rows: Rows, probe: Rows, limit: int, min_score: float) -> list[tuple[int, float]]:
    """The best `limit` of the given rows by their exact score, as `Snapshot.search` says."""
    scores = np.einsum("ij,j->i", rows.astype(np.float64), probe.astype(np.float64)).astype(np.float32)
    order = np.lexsort((numbers, -scores))
    order = order[scores[order] >= np.float32(min_score)][:limit]
    return [(int(numbers[i]), float(scores[i])) for i in order]


def _rounding(probe: Rows, longest: float) -> float:
    """More than a float32 inner product of `probe` and a row of norm `longest` can be off, however it is summed.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.1: |error| <= n u / (1 - n u) |x| |y|.
    """
    return float(len(probe) * 2.0**-23 * np.linalg.norm(probe) * longest) + 1e-30
