"""What the ledger shows to others: its size, its checkpoints, and the proof that an entry is in it."""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime

from countenance.errors import BadRequest, NotFound, NotRecorded
from countenance.ledger import Ledger, Receipt, RefusedCount, Safekeeping, prove_inclusion

CHECK_EVERY_S = 1.0
"""The disk is tried no more often than this, however often the server's health is asked for."""
CHECK_PATIENCE_S = 5.0
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is recorded. entry: its canonical JSON. proof: a C2SP tlog-proof, checkpoint included."""

    index: int
    entry: str
    receipt: str
    proof: str


SCANNED = 3000
"""How many entries one search looks at."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries are looked for. words: all of them stand in the entry as written. kind: empty for all. since,
    until: days, YYYY-MM-DD, both included; empty for no bound.
    """

    words: tuple[str, ...] = ()
    kind: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """entries: canonical JSON, the newest first. All others from `start` up to before `stop` are not sought; further
    ones may be before `start`, none if it is 0.
    """

    entries: tuple[str, ...]
    start: int
    stop: int


class Record:
    """The ledger, for reading. Nothing here shows private values: an entry holds commitments only.

    safekeeping: what is held outside this database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.safekeeping = Safekeeping(ledger)
        self._checking = threading.Lock()
        self._checked = -CHECK_EVERY_S
        self._fault: NotRecorded | None = None

    def check_writable(self) -> None:
        """`NotRecorded` if no entry could be written now; it says what is wrong and what to do about it."""
        with self._checking:
            if time.monotonic() >= self._checked + CHECK_EVERY_S:
                try:
                    self._ledger.check_writable(CHECK_PATIENCE_S)
                    self._fault = None
                except NotRecorded as error:
                    self._fault = error
                self._checked = time.monotonic()
            fault = self._fault
        if fault is not None:
            raise type(fault)(str(fault))

    @property
    def origin(self) -> str:
        """The name under which the ledger signs."""
        return self._ledger.origin

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._ledger.size

    @property
    def key(self) -> str:
        """The public key that signs now, as a C2SP verifier key: name+id+base64."""
        return str(self._ledger.verifier_key)

    def checkpoint(self) -> str:
        """A signed note (C2SP tlog-checkpoint) over all that is recorded now, for others to keep: an entry says so."""
        return str(self.safekeeping.give_checkpoint())

    def refusals(self, since: datetime) -> list[RefusedCount]:
        """Operations refused at or after `since` (aware), by mandate, operation and cause, the most frequent first."""
        return self._ledger.refusals(since)

    def entries(self, start: int, stop: int) -> list[str]:
        """The canonical JSON of the entries start <= index < stop that exist, in order."""
        stop = min(stop, self._ledger.size)
        return [entry.text for entry in self._ledger.entries(max(0, start), stop)] if start < stop else []

    def found(self, before: int, sought: Sought, most: int) -> FoundEntries:
        """The latest entries sought before index `before`: at most `most`, of at most `SCANNED` that are looked at."""
        stop = min(before, self._ledger.size)
        if sought.until:
            stop = bisect_left(range(stop), True, key=lambda index: self._time(index)[:10] > sought.until)
        found: list[str] = []
        kind = f'"kind":{json.dumps(sought.kind)}'
        words = (kind, *sought.words) if sought.kind else sought.words
        start = stop
        for page in range(stop, max(0, stop - SCANNED), -_PAGE):
            for row in reversed(list(self._ledger.stored(max(0, page - _PAGE), page))):
                if sought.since and str(json.loads(row.text)["time"])[:10] < sought.since:
                    return FoundEntries(tuple(found), 0, stop)
                start = row.sequence
                if all(word in row.text for word in words) and self._fits(row.text, sought):
                    found.append(row.text)
                    if len(found) == most:
                        return FoundEntries(tuple(found), start, stop)
        return FoundEntries(tuple(found), start, stop)

    def _time(self, index: int) -> str:
        return self._ledger.entry(index).time

    @staticmethod
    def _fits(text: str, sought: Sought) -> bool:
        return not sought.kind or json.loads(text)["kind"] == sought.kind

    def proved(self, index: int) -> Proof:
        """Entry `index` with its proof, or `NotFound`."""
        if not 0 <= index < self._ledger.size:
            raise NotFound(f"no entry {index}")
        checkpoint = self._ledger.checkpoint()
        entry = self._ledger.entry(index).text
        proof = prove_inclusion(self._ledger, index, checkpoint)
        return Proof(index, entry, self._ledger.receipt(index).header(), proof)

    def proved_to_holder(self, receipt: str) -> Proof:
        """The entry that a receipt promises, with its proof, for anybody who holds the receipt. `BadRequest` if it
        cannot be read, `NotFound` if this ledger did not issue it.
        """
        held = Receipt.parse(receipt)
        if held.origin != self._ledger.origin or held.index >= self._ledger.size:
            raise NotFound("this ledger gave out no such receipt")
        if self._ledger.receipt(held.index) != held:
            raise BadRequest("the receipt is not the one that this ledger gave out for its entry")
        return self.proved(held.index)
