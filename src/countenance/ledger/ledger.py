"""The ledger: append, wait until it is durable, hold a receipt; sign checkpoints; erase what must not be kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import EllipsisType
from typing import TypeVar

from sqlalchemy import Engine

from countenance.database import Transaction
from countenance.errors import StoreError
from countenance.ledger.batch import Batch, Promised
from countenance.ledger.checkpoint import SignedCheckpoint
from countenance.ledger.entries import draft, say, timestamp
from countenance.ledger.erasure import Selection, erase, wipe
from countenance.ledger.notes import NoteKey
from countenance.ledger.receipt import ORIGIN, Receipt
from countenance.ledger.records import Records
from countenance.ledger.writer import Writer
from countenance.signing import JSON, Signer

T = TypeVar("T")
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry on its way to the disk. outcome: waits at most the given number of seconds. hasten: as the method."""

    _outcome: Callable[[float], Receipt]
    _hasten: Callable[[], None] = lambda: None

    def wait(self, timeout_s: float = PATIENCE_S) -> Receipt:
        """The receipt, as soon as the entry is durable and no earlier. `NotRecorded` if it could not be written, or was
        not within `timeout_s` seconds (it may then still be written later: an entry without an answer).
        """
        return self._outcome(timeout_s)

    def hasten(self) -> None:
        """Have another thread write it now; otherwise it is written when somebody waits for it, or within a second."""
        self._hasten()


class Ledger(Records):
    """The ledger in `engine`'s database (see `countenance.database.open_database`), signed by `signer` as `origin`.

    now: the clock; it may not go backwards. checkpoint_every_s: how soon after an entry a checkpoint covers it.
    capacity: how many appends may wait. entropy: n -> n random bytes, for the commitments' salts.

    `StoreError` where the database does not hold the tree that its newest checkpoint was signed for, or the ledger is
    of another origin or key. The time to open it depends on what was appended since that checkpoint, not on the
    ledger's length. One process may hold several ledgers, and several processes one database.
    """

    def __init__(
        self,
        engine: Engine,
        signer: Signer,
        origin: str,
        now: Callable[[], datetime],
        *,
        checkpoint_every_s: float = 60.0,
        capacity: int = 4096,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(engine)
        if not ORIGIN.fullmatch(origin):
            raise ValueError("an origin is 1 to 100 letters, digits and . _ : / -, starting with a letter or digit")
        key = self.key
        if key is not None and key.name != origin:
            raise StoreError(f"the ledger in this database is {key.name!r}, not {origin!r}")
        self.origin = origin
        self.lost_checkpoints = self.size > 0 and self.last_checkpoint() is None
        """Whether it was opened without a single checkpoint: the first entry came with one, so somebody removed it."""
        self._writer = Writer(
            engine,
            signer,
            origin,
            now,
            checkpoint_every_s=checkpoint_every_s,
            capacity=capacity,
            entropy=entropy,
        )

    @property
    def verifier_key(self) -> NoteKey:
        """The public key that signs receipts and checkpoints now, under the ledger's origin."""
        return self._writer.key

    def append(
        self,
        public: Mapping[str, JSON],
        private: Mapping[str, JSON] | None = None,
        check: Callable[[Transaction], None] | None = None,
    ) -> Pending:
        """Record `public` openly and each value of `private` as a salted commitment; returns at once.

        `public` holds a `kind`. A "decision" whose `verdict` is "permit" (or absent) stays open until a "result" names
        its index in `decision`. Raises as `entries.draft` does, `Overloaded` where too many appends wait, and
        `NotRecorded` after `close`. check: reads in the entry's transaction, and raises a `CountenanceError`, as `wait`
        does then, where the entry must not be written.
        """
        entry = draft(public, private)

        def work(batch: Batch, transaction: Transaction) -> Promised:
            if check is not None:
                check(transaction)
            return batch.add(entry)

        job = self._writer.submit(work)
        return Pending(lambda timeout_s: self._writer.wait(job, timeout_s)(), self._writer.hasten)

    def checkpoint(self, timeout_s: float = PATIENCE_S) -> SignedCheckpoint:
        """A signed checkpoint of everything recorded, made now if none covers all of it."""
        return self._done(lambda batch, _: batch.checkpoint(), timeout_s)

    def erase_openings(self, index: int, name: str | None = None, timeout_s: float = PATIENCE_S) -> int:
        """Erase the private values of entry `index`, or the one of that name; see `erase_openings_where`."""
        return self._erase(Selection(sequence=index, name=name), timeout_s)

    def erase_openings_where(
        self,
        name: str | None = None,
        *,
        value: JSON | EllipsisType = ...,
        before: datetime | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> int:
        """Erase all private values that have the name `name`, equal `value` and were recorded before `before`. A
        condition that is left out holds for all; leaving out all three is a `ValueError`. Returns how many were erased,
        once neither the database nor its write-ahead log holds them. The erasure itself is an entry ("erasure") with
        the places and names; nothing is recorded if nothing matched. `Conflict` if a reader kept the write-ahead log
        from being overwritten.
        """
        if name is None and value is ... and before is None:
            raise ValueError("say what to erase: name, value or before")
        stored_value = None if isinstance(value, EllipsisType) else say(value)
        selection = Selection(name=name, value=stored_value, before=None if before is None else timestamp(before))
        return self._erase(selection, timeout_s)

    def carry_out(self, work: Callable[[Batch, Transaction], T], timeout_s: float = PATIENCE_S) -> T:
        """Do `work` in a coming transaction, with the entries that it adds; returns its result when that is durable."""
        return self._done(work, timeout_s)

    def check_writable(self, timeout_s: float = PATIENCE_S) -> None:
        """Write to the disk as for an entry, without adding one; `NotRecorded` says what is wrong and what to do.
        `ClockBack` if the clock is behind the last entry.
        """

        def work(batch: Batch, transaction: Transaction) -> None:
            batch.check_clock()
            transaction.try_writing()

        self._done(work, timeout_s)

    def accept_clock(self, reason: str, timeout_s: float = PATIENCE_S) -> Receipt:
        """Go on after the clock was put back: record the step and the operator's reason. `Conflict` if it was not."""
        reason = reason.strip()
        if not reason:
            raise ValueError("a clock step is recorded with a reason")
        return self._done(lambda batch, _: batch.add_clock_step(reason), timeout_s)()

    def hand_over(self, successor: Signer, timeout_s: float = PATIENCE_S) -> Receipt:
        """Let `successor` sign from now on: the entry that names it is the last one under the key so far."""

        def work(batch: Batch, _: object) -> Promised:
            receipt = batch.hand_over(successor)
            batch.checkpoint()
            return receipt

        return self._done(work, timeout_s)()

    def close(self) -> None:
        """Write what still waits and a last checkpoint, then stop; later appends are `NotRecorded`."""
        self._writer.close()

    def _erase(self, selection: Selection, timeout_s: float) -> int:
        erased = self._done(lambda batch, transaction: erase(batch, transaction, selection), timeout_s)
        wipe(self._engine)
        return erased

    def _done(self, work: Callable[[Batch, Transaction], T], timeout_s: float) -> T:
        return self._writer.wait(self._writer.submit(work), timeout_s)
