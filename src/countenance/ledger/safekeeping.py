"""What is held outside this database, as the ledger says: the last backup, and the last checkpoint that was given out.

Who has neither cannot tell a ledger that was cut or rewritten by the holder of its keys from one that was not.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from countenance.errors import NotRecorded
from countenance.ledger.checkpoint import SignedCheckpoint
from countenance.ledger.entries import Entry
from countenance.ledger.ledger import Ledger

BACKUP, CHECKPOINT = "backup", "checkpoint"
"""Kinds of entries."""
ENTERED_EVERY = timedelta(hours=1)
"""A checkpoint that is given out within this time of the one before is not entered: monitors ask every minute."""


@dataclass(frozen=True, slots=True)
class Kept:
    """at: when, UTC. entries: how many of the ledger's entries it covers, the first ones."""

    at: datetime
    entries: int


class Safekeeping:
    """Enters what leaves for safekeeping, and finds the last of it. Safe to use from several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._seen = 0
        self._last: dict[str, Entry] = {}

    def enter_backup(self, entries: int) -> None:
        """Enter that a backup with the first `entries` entries was written and read again; `NotRecorded` if it fails.
        An empty ledger stays empty.
        """
        if entries:
            self._ledger.append({"kind": BACKUP, "entries": entries}).wait()

    def give_checkpoint(self) -> SignedCheckpoint:
        """A checkpoint of all that is recorded now, for others to keep.

        That it was given out is entered first, at most once in `ENTERED_EVERY`; where nothing can be recorded, it is
        given out all the same.
        """
        size, last = self._ledger.size, self.last_checkpoint
        if size and (last is None or self._moment(size - 1) - last.at >= ENTERED_EVERY):
            with suppress(NotRecorded):  # whoever asks for it may do so because of that
                self._ledger.append({"kind": CHECKPOINT}).wait()
        return self._ledger.checkpoint()

    @property
    def last_backup(self) -> Kept | None:
        """The newest backup on record."""
        entry = self._newest(BACKUP)
        return None if entry is None else Kept(datetime.fromisoformat(entry.time), int(str(entry.fields["entries"])))

    @property
    def last_checkpoint(self) -> Kept | None:
        """The newest entry of a checkpoint that was given out, which covers that entry as well."""
        entry = self._newest(CHECKPOINT)
        return None if entry is None else Kept(datetime.fromisoformat(entry.time), entry.sequence + 1)

    def _newest(self, kind: str) -> Entry | None:
        with self._lock:
            size = self._ledger.size
            for each in (BACKUP, CHECKPOINT):
                newer = self._ledger.newest(each, self._seen, size)
                if newer is not None:
                    self._last[each] = newer
            self._seen = size
            return self._last.get(kind)

    def _moment(self, index: int) -> datetime:
        return datetime.fromisoformat(self._ledger.entry(index).time)
