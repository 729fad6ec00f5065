"""The rows of one gallery, and the search among them.

Rows lie in chunks, sorted by number. A chunk is filled from the front and its rows never move, so a reader works on
the chunks that were there when it began while a writer appends behind them. An erased row is zeroed at once and marked;
a chunk of which half is erased is copied without them. Searches do not copy rows, and writers do not wait for readers.

Rows are in memory, but for full chunks of an index whose rows take more than it may keep there: those lie in a file
(`row_file`), and their codes in memory.

Small indexes are searched by computing every score. From CODED rows on, the index also holds short codes of the rows,
and a search computes only the scores that the codes' bounds do not rule out (`bounded`). Both ways give the same
answer.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from countenance.gallery.search.chunk import Chunk, Numbers, Rows
from countenance.gallery.search.row_file import RowFile, RowsOnDisk
from countenance.gallery.search.threads import ThreadPool

if TYPE_CHECKING:
    from countenance.gallery.search.coder import Coder
    from countenance.gallery.search.layout import Layout

Hits = list[tuple[int, float]]
"""Rows by number with their scores, best first."""

CHUNK = 131_072
"""Rows in a full chunk. Its brief codes take four megabytes or more, so that they get huge pages."""
CODED = 20_000
"""Rows from which on an index has codes."""
log = logging.getLogger(__name__)
_FIRST = 256  # rows that the first chunk of a small gallery has room for


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """What a search sees: chunks, how many rows of each are filled, and how many have codes. size: living rows at that
    moment.

    revision: this is at least as new as that revision of the gallery; -1 before anything was read. coder: what the
    chunks' codes were made with, layout: where they lie, if there are any.
    """

    chunks: tuple[tuple[Chunk, int, int], ...]
    size: int
    revision: int
    coder: Coder | None = None
    layout: Layout | None = None

    def search(
        self, probe: Rows, limit: int, min_score: float, without: int | None = None, owned: bool = False
    ) -> Hits:
        """The `limit` rows of highest inner product with `probe` (d,), none below `min_score`, by computing all.

        Best first; equal scores by number. A score is the inner product of the stored float32 numbers, summed in
        float64 and rounded to float32 once, so it depends neither on a row's place nor on the other rows.
        without: the number of a row that does not count. owned: only rows that belong to a user count. If a row of the
        answer is erased meanwhile, the search starts again, since another row takes its place.
        """
        numbers, rows, scores, places = [], [], np.empty(0, dtype=np.float32), []
        for chunk, filled, _ in self.chunks:
            slack = rounding(probe, chunk.longest)
            rough = chunk.rows[:filled] @ probe
            rough[~chunk.counting(owned)[:filled]] = -np.inf
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
            places.append((chunk, near))
        if not numbers:
            return []
        if not all(chunk.counting(owned)[near].all() for chunk, near in places):
            return self.search(probe, limit, min_score, without, owned)
        return ranked(np.concatenate(numbers), np.concatenate(rows), probe, limit, min_score)


class Index:
    """The living rows of one gallery. One writer at a time; any thread may read and search `snapshot` meanwhile.

    pool: makes codes. on_disk: where rows lie that take too much memory; without it, all are kept there. last: the
    highest number ever appended.
    """

    def __init__(self, pool: ThreadPool, on_disk: RowsOnDisk | None = None) -> None:
        self._pool = pool
        self._on_disk = on_disk
        self.clear()

    def clear(self) -> None:
        """Remove everything and start again."""
        self.last = 0
        self.snapshot = IndexSnapshot((), 0, -1)
        self._chunks: list[Chunk] = []
        self._coder: Coder | None = None
        self._file: RowFile | None = None
        self._expected = 0

    def expect(self, size: int) -> None:
        """Know how many rows there will be, so that they need not be in memory first."""
        self._expected = size

    def append(self, numbers: Numbers, rows: Rows) -> None:
        """Add rows (n, d) under their numbers (n,), which are sorted and above `last`. Seen after `publish`."""
        done = 0
        while done < len(numbers):
            tail = self._tail(rows.shape[1])
            more = min(tail.room - tail.filled, len(numbers) - done)
            tail.append(numbers[done : done + more], rows[done : done + more])
            done += more
            if tail.filled == tail.room == CHUNK:
                self._to_disk(self._chunks)
        if len(numbers):
            self.last = int(numbers[-1])

    def erase(self, numbers: Numbers) -> None:
        """Remove those of the sorted `numbers` that are here; running searches see them vanish."""
        if not len(numbers):
            return
        kept = []
        for chunk in self._chunks:
            if chunk.filled and chunk.numbers[0] <= numbers[-1] and numbers[0] <= chunk.numbers[chunk.filled - 1]:
                chunk.erase(numbers)
            if chunk.living or chunk is self._chunks[-1]:
                kept.append(chunk.without_dead(max(_FIRST, chunk.living)) if 2 * chunk.dead > CHUNK else chunk)
        self._chunks = kept

    def own(self, numbers: Numbers, owned: bool) -> None:
        """Set whether those of `numbers` that are here belong to a user; running searches see it."""
        for chunk in self._chunks:
            chunk.own(numbers, owned)

    def publish(self, revision: int) -> None:
        """Let searches see what was appended and erased, as of `revision`."""
        size = sum(chunk.living for chunk in self._chunks)
        if size < CODED and not self._coder:
            self.snapshot = IndexSnapshot(tuple((c, c.filled, 0) for c in self._chunks), size, revision)
            return
        from countenance.gallery.search.layout import layout  # imports numba, which small galleries do not need

        coder = self._code(size)
        self._to_disk(self._chunks[:-1])
        chunks = tuple((c, c.filled, c.coded) for c in self._chunks)
        self.snapshot = IndexSnapshot(chunks, size, revision, coder, layout(chunks))

    def _tail(self, dimension: int) -> Chunk:
        """A last chunk with room for at least one more row."""
        if self._chunks and self._chunks[-1].filled < self._chunks[-1].room:
            return self._chunks[-1]
        if self._chunks and self._chunks[-1].room < CHUNK:
            tail = self._chunks.pop()
            tail = tail.without_dead(min(CHUNK, 4 * tail.room))
        else:
            tail = Chunk(CHUNK if self._chunks else _FIRST, dimension)
        self._chunks.append(tail)
        return tail

    def _to_disk(self, full: list[Chunk]) -> None:
        """Move the rows of those chunks to a file, if all rows would take more memory than they may."""
        if self._on_disk is None or not self._chunks:
            return
        size = sum(chunk.living for chunk in self._chunks)
        if max(size, self._expected) * 4 * self._chunks[0].rows.shape[1] <= self._on_disk.beyond:
            return
        for chunk in full:
            if not isinstance(chunk.rows, np.ndarray):
                continue
            try:
                self._file = self._file or RowFile(self._on_disk.folder)
                if chunk.lacks_codes:
                    chunk.code(self._the_coder(size))
                self._chunks[self._chunks.index(chunk)] = chunk.in_file(self._file)
            except OSError as error:
                log.error("rows of a gallery stay in memory, since they cannot be written to its file: %s", error)
                return

    def _the_coder(self, size: int) -> Coder:
        if self._coder is None:
            from countenance.gallery.search.coder import Coder

            lowering = all((chunk.rows[: chunk.filled][:, -1] >= 0).all() for chunk in self._chunks)
            self._coder = Coder(*_mean_and_variance(self._chunks, size), lowering=lowering)
        return self._coder

    def _code(self, size: int) -> Coder:
        coder, new = self._the_coder(size), [chunk for chunk in self._chunks if chunk.lacks_codes]
        self._pool.each(lambda i: new[i].code(coder), len(new))
        return coder


def _mean_and_variance(chunks: list[Chunk], size: int) -> tuple[Rows, Rows]:
    """Of the living rows; erased ones are zero."""
    total = sum(chunk.rows[: chunk.filled].sum(axis=0, dtype=np.float64) for chunk in chunks)
    squares = sum(_squares(chunk.rows[: chunk.filled]) for chunk in chunks)
    mean = np.asarray(total / size)
    return mean.astype(np.float32), np.maximum(squares / size - mean**2, 0).astype(np.float32)


def _squares(rows: Rows) -> NDArray[np.float64]:
    """The sum of squares of each column, with no copy of all rows."""
    return np.asarray(np.einsum("ij,ij->j", rows, rows, dtype=np.float64))


def ranked(numbers: Numbers, rows: Rows, probe: Rows, limit: int, min_score: float) -> Hits:
    """The best `limit` of the given rows by their exact score, as `IndexSnapshot.search` defines it."""
    scores = np.einsum("ij,j->i", rows.astype(np.float64), probe.astype(np.float64)).astype(np.float32)
    order = np.lexsort((numbers, -scores))
    order = order[scores[order] >= np.float32(min_score)][:limit]
    return [(int(numbers[i]), float(scores[i])) for i in order]


def rounding(probe: Rows, longest: float) -> float:
    """An upper bound on the error of a float32 inner product of `probe` and a row of norm `longest`, in any order of
    summing.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.1: |error| <= n u / (1 - n u) |x| |y|.
    """
    return float(len(probe) * 2.0**-23 * math.sqrt(float(probe @ probe)) * (1 + 1e-3) * longest) + 1e-30
