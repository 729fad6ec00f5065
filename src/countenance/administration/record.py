"""What the ledger shows to others: its size, its checkpoints, and the proof that an entry is in it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from countenance.errors import BadRequest, NotFound, NotRecorded
from countenance.ledger import Ledger, Receipt, RefusedCount, prove_inclusion

CHECK_EVERY_S = 1.0
"""The disk is tried no more often than this, however often the server's health is asked for."""
CHECK_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is recorded. entry: its canonical JSON. proof: a C2SP tlog-proof, checkpoint included."""

    index: int
    entry: str
    receipt: str
    proof: str


class Record:
    """The ledger, for reading. Nothing here shows private values: an entry holds commitments only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
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
        """A signed note (C2SP tlog-checkpoint) over all that is recorded now."""
        return str(self._ledger.checkpoint())

    def refusals(self, since: datetime) -> list[RefusedCount]:
        """Operations refused at or after `since` (aware), by mandate, operation and cause, the most frequent first."""
        return self._ledger.refusals(since)

    def entries(self, start: int, stop: int) -> list[str]:
        """The canonical JSON of the entries start <= index < stop that exist, in order."""
        stop = min(stop, self._ledger.size)
        return [entry.text for entry in self._ledger.entries(max(0, start), stop)] if start < stop else []

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
