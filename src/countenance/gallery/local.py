"""The search of galleries in this process: an index of each, made from the database and brought up to date from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from countenance.gallery.answers import SearchCounts
from countenance.gallery.search.chunk import Numbers, Rows
from countenance.gallery.search.index import Hits, Index, IndexSnapshot
from countenance.gallery.search.row_file import RowsLost, RowsOnDisk
from countenance.gallery.search.threads import ThreadPool
from countenance.gallery.searching import FoundRows
from countenance.gallery.share import EVERYTHING, FaceShare
from countenance.gallery.store import GalleryHead, Store
from countenance.gallery.users import Users
from countenance.scoring.normaliser import Normaliser

if TYPE_CHECKING:
    from countenance.gallery.search.bounded import BoundedSearch

log = logging.getLogger(__name__)
_AT_ONCE = 1024  # rows read from the store in one go: few enough to stay in the cache until they are normalised


class _Entry:
    """The index of the gallery with that number in the store, and the lock for bringing it up to date."""

    __slots__ = ("index", "lock", "number")

    def __init__(self, number: int, pool: ThreadPool, on_disk: RowsOnDisk | None) -> None:
        self.number = number
        self.lock = Lock()
        self.index = Index(pool, on_disk)


class LocalSearch:
    """See `GallerySearch`. share: which of the faces it holds and searches.

    normaliser: makes the rows that are searched from templates. threads: how many one search may use; 0 means all
    cores. on_disk: where the rows of large galleries lie; without it, all are in memory.
    """

    def __init__(
        self,
        store: Store,
        users: Users,
        normaliser: Normaliser,
        threads: int = 0,
        share: FaceShare = EVERYTHING,
        on_disk: RowsOnDisk | None = None,
    ) -> None:
        self._store = store
        self._users = users
        self._normaliser = normaliser
        self._share = share
        self._on_disk = on_disk
        self._indexes: dict[str, _Entry] = {}
        self._lock = Lock()
        self._pool = ThreadPool(threads)
        self._bounded: BoundedSearch | None = None

    def find(
        self,
        gallery_id: str,
        head: GalleryHead,
        probes: Rows,
        limit: int,
        min_score: float,
        *,
        without: int | None = None,
        owned: bool = False,
    ) -> FoundRows | None:
        """See `GallerySearch`."""
        snapshot = self.catch_up(gallery_id, head)
        if snapshot is None:
            return None
        try:
            hits = self._hits(snapshot, probes, limit, min_score, without, owned)
        except RowsLost:
            self._make_again(gallery_id)
            return None
        return FoundRows(snapshot.size, snapshot.revision, hits)

    def read(self, gallery_id: str, head: GalleryHead) -> None:
        """See `GallerySearch`. It also compiles the code for searches among many faces."""
        snapshot = self.catch_up(gallery_id, head)
        if snapshot is not None and snapshot.coder is not None:
            from countenance.gallery.search.bounded import BoundedSearch

            BoundedSearch(self._pool).prepare(snapshot)

    def forget(self, gallery_id: str) -> None:
        """See `GallerySearch`."""
        with self._lock:
            self._indexes.pop(gallery_id, None)

    def _make_again(self, gallery_id: str) -> None:
        """Forget an index whose rows in a file were lost: the next search makes it from the database."""
        log.error("rows of a gallery could not be read from their file; its index is made again from the database")
        self.forget(gallery_id)

    @property
    def counts(self) -> SearchCounts:
        """See `GallerySearch`."""
        return self._bounded.counts if self._bounded else SearchCounts()

    def _hits(
        self,
        snapshot: IndexSnapshot,
        probes: Rows,
        limit: int,
        min_score: float,
        without: int | None,
        owned: bool,
    ) -> Sequence[Hits]:
        if snapshot.coder is None:
            return [snapshot.search(probe, limit, min_score, without, owned) for probe in probes]
        with self._lock:
            if self._bounded is None:
                from countenance.gallery.search.bounded import (
                    BoundedSearch,  # imports numba, which small galleries do not need
                )

                self._bounded = BoundedSearch(self._pool)
        if len(probes) == 1:
            return [self._bounded.search(snapshot, probes[0], limit, min_score, without, owned)]
        if without is not None:
            return [self._bounded.search(snapshot, probe, limit, min_score, without, owned) for probe in probes]
        return self._bounded.search_many(snapshot, probes, limit, min_score, owned)

    def holds(self, gallery_id: str, head: GalleryHead) -> bool:
        """Whether it has the gallery at `head` or later, so that a search reads nothing."""
        entry = self._indexes.get(gallery_id)
        return entry is not None and entry.number == head.number and entry.index.snapshot.revision >= head.revision

    def held(self) -> dict[str, int]:
        """The galleries that are in memory, with how many of their faces."""
        with self._lock:
            return {gallery_id: entry.index.snapshot.size for gallery_id, entry in self._indexes.items()}

    def catch_up(self, gallery_id: str, head: GalleryHead) -> IndexSnapshot | None:
        """The gallery's rows at `head` or later; None if so much changed meanwhile that `head` is out of date."""
        with self._lock:
            entry = self._indexes.get(gallery_id)
            if entry is None or entry.number != head.number:
                self._store.check_gallery(head.number)
                entry = self._indexes[gallery_id] = _Entry(head.number, self._pool, self._on_disk)
        snapshot = entry.index.snapshot
        if snapshot.revision >= head.revision:
            return snapshot
        with entry.lock:
            try:
                if entry.index.snapshot.revision < head.revision and not self._catch_up(entry.index, head):
                    return None
            except RowsLost:
                self._make_again(gallery_id)
                return None
            return entry.index.snapshot

    def _catch_up(self, index: Index, head: GalleryHead) -> bool:
        """Read what changed since the snapshot, or everything; False if the log of erasures was cut meanwhile.

        Reads may see later changes than `head`, never earlier ones only: added faces first, then their users, then
        erasures. A change that is seen early is seen again next time; applying it twice does no harm.
        """
        since = head.revision if index.snapshot.revision < 0 else index.snapshot.revision
        index.expect(head.faces // self._share.of)
        new = self._store.templates_after(head.number, index.last, head.dimension or 0, _AT_ONCE, self._share)
        for numbers, rows in self._pool.ahead(self._rows, new):
            index.append(numbers, rows)
        owned, let_go = self._users.changed_since(head.number, index.snapshot.revision)
        index.own(owned, True)
        index.own(let_go, False)
        erased = self._store.erased_since(head.number, since)
        if erased is None:
            index.clear()
            return False
        index.erase(erased)
        index.publish(head.revision)
        return True

    def _rows(self, part: tuple[Numbers, Rows, Rows]) -> tuple[Numbers, Rows]:
        """The rows that are searched, of some faces' templates."""
        numbers, templates, unseen = part
        return numbers, self._normaliser.gallery_side(np.ascontiguousarray(templates, dtype=np.float32), unseen)
