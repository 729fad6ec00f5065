"""Some of the faces of all galleries, in a process that only reads the database: one of several that share the work."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from threading import Lock, Thread
from typing import NoReturn

from sqlalchemy import Engine

from countenance.binding import Recorder
from countenance.errors import CountenanceError, NotFound, NotSearched
from countenance.faces import ModelId
from countenance.gallery.answers import SearchCounts
from countenance.gallery.local import LocalSearch
from countenance.gallery.search.chunk import Rows
from countenance.gallery.search.row_file import RowsOnDisk
from countenance.gallery.searching import FoundRows
from countenance.gallery.share import FaceShare
from countenance.gallery.store import GalleryHead, Store
from countenance.gallery.users import Users
from countenance.scoring.normaliser import Normaliser

_GALLERIES_AT_ONCE = 100
_READERS = 4  # galleries that are read side by side
_PAUSE_S = 0.02  # before it is asked again whether a committed change has arrived at this database
log = logging.getLogger(__name__)


class GalleryPart:
    """See `GallerySearch`; it holds `share` of the faces of every gallery of `model`.

    It believes no `head` that its own database does not confirm: where that is behind (a standby may be), it waits.
    within_s: how long a search waits until its gallery is read and up to date. on_disk: see `LocalSearch`.
    """

    def __init__(
        self,
        engine: Engine,
        normaliser: Normaliser,
        model: ModelId,
        share: FaceShare,
        recorder: Recorder | None = None,
        threads: int = 0,
        within_s: float = 5.0,
        on_disk: RowsOnDisk | None = None,
    ) -> None:
        self._store = Store(engine, _nothing, _nothing, recorder)
        self._local = LocalSearch(self._store, Users(engine, _nothing, recorder), normaliser, threads, share, on_disk)
        self._model = model
        self._share = share
        self._within_s = within_s
        self._lock = Lock()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="part")
        self._reading: dict[str, Future[GalleryHead | None]] = {}
        self.loaded = False
        """Whether every gallery was read once."""

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
        deadline = time.monotonic() + self._within_s
        while not self._local.holds(gallery_id, head):
            reading = self._read(gallery_id)
            try:
                own = reading.result(max(0.0, deadline - time.monotonic()))
            except TooLate:
                raise self._behind(head.revision) from None
            if own is None or own.number != head.number:
                return None
            if own.revision < head.revision:
                if time.monotonic() > deadline:
                    raise self._behind(head.revision)
                time.sleep(_PAUSE_S)
        return self._local.find(gallery_id, head, probes, limit, min_score, without=without, owned=owned)

    def read(self, gallery_id: str, head: GalleryHead) -> None:
        """See `GallerySearch`."""
        self._local.read(gallery_id, head)

    def forget(self, gallery_id: str) -> None:
        """See `GallerySearch`."""
        self._local.forget(gallery_id)

    @property
    def counts(self) -> SearchCounts:
        """See `GallerySearch`."""
        return self._local.counts

    def held(self) -> dict[str, int]:
        """The galleries that are in memory, with how many of their faces."""
        return self._local.held()

    def follow(self, every_s: float) -> None:
        """Read all galleries, and from then on what changes, in a thread of its own, until the process ends.

        So a search seldom waits for reading, and faces that were erased leave the memory without one.
        """

        def work() -> None:
            told = ""
            while True:
                try:
                    self.follow_once()
                    told = ""
                except CountenanceError as error:
                    if str(error) != told:
                        log.error("galleries could not be read: %s", error)
                    told = str(error)
                time.sleep(every_s)

        Thread(target=work, name="follow", daemon=True).start()

    def follow_once(self) -> None:
        """Bring every gallery up to date, and drop those that are gone."""
        held = set(self._local.held())
        there: set[str] = set()
        after = None
        while True:
            page = self._store.list(after, _GALLERIES_AT_ONCE)
            mine = [info.gallery_id for info in page.items if info.model == self._model]
            for gallery_id in mine:
                self._read(gallery_id, prepare=not self.loaded).result()
            there.update(mine)
            if page.next is None:
                break
            after = page.next
        for gallery_id in held - there:
            self._local.forget(gallery_id)
        self.loaded = True

    def _read(self, gallery_id: str, prepare: bool = False) -> Future[GalleryHead | None]:
        """The reading that is under way, or a new one; it gives the gallery as it was read, None if it is gone."""
        with self._lock:
            reading = self._reading.get(gallery_id)
            if reading is None or reading.done():
                reading = self._reading[gallery_id] = self._readers.submit(self._catch_up, gallery_id, prepare)
            return reading

    def _catch_up(self, gallery_id: str, prepare: bool) -> GalleryHead | None:
        try:
            own = self._store.head(gallery_id)
        except NotFound:
            self._local.forget(gallery_id)
            with self._lock:
                self._reading.pop(gallery_id, None)
            return None
        if prepare:
            self._local.read(gallery_id, own)
        elif not self._local.holds(gallery_id, own):
            self._local.catch_up(gallery_id, own)
        return own

    def _behind(self, revision: int) -> NotSearched:
        return NotSearched(
            f"part {self._share.number} of {self._share.of} did not reach revision {revision} of the gallery within "
            f"{self._within_s:g} s"
        )


def _nothing() -> NoReturn:
    raise AssertionError("a part of the galleries is only read")
