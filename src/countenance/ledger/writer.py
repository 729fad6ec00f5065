"""Group commit: a caller that waits for an entry writes, in one transaction, everything submitted by then.

One caller at a time leads. Those who come meanwhile sleep until their entry is on the disk, or until they are called to
lead the next transaction; each has a bell (a lock) of its own, so nobody queues only to learn that the work is done.
The leader gives callers whose entries were just written a moment to submit their next one, so that one sync serves as
many as possible. If nobody waits, a thread of the ledger's own leads: for entries that are to be written while their
caller does something else, and for checkpoints that are due.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Engine

from countenance.database import LOCK_PATIENCE_S, Busy, Transaction, reading, writing
from countenance.disk_faults import disk_fault
from countenance.errors import CountenanceError, NotRecorded, Overloaded
from countenance.ledger.batch import Batch, LogTail, follow, followed
from countenance.ledger.entries import timestamp
from countenance.ledger.notes import NoteKey
from countenance.signing import Signer

log = logging.getLogger(__name__)

T = TypeVar("T")
MAX_BATCH = 1000
UNATTENDED_S = 1.0
"""How long an entry that nobody waits for may stay unwritten."""
MUSTER_S = 0.0005
"""How long a transaction waits for as many callers as took part in the last one: a fraction of a sync's time."""


class Job(Generic[T]):
    """Something to be done in a transaction, and its outcome; only the leader changes it.

    bell: a lock that is held; the waiting caller sleeps on it, and its release wakes the caller. waited_for: whether a
    caller sleeps and has not been woken since; changed under the writer's lock.
    """

    __slots__ = ("_error", "_result", "bell", "done", "waited_for", "work")

    def __init__(self, work: Callable[[Batch, Transaction], T]) -> None:
        self.work = work
        self.done = False
        self.bell = threading.Lock()
        self.bell.acquire()
        self.waited_for = False
        self._result: T | None = None
        self._error: CountenanceError | None = None

    def succeed(self, result: T) -> None:
        """It is durable."""
        self._result = result
        self.done = True

    def fail(self, error: CountenanceError) -> None:
        """Note that it failed: it is not in the ledger."""
        self._error = error
        self.done = True

    def outcome(self) -> T:
        """The result, once it is done, or its error; each call raises a new exception."""
        if self._error is not None:
            raise type(self._error)(str(self._error)) from self._error
        return self._result  # type: ignore[return-value]


class Writer:
    """Runs jobs in transactions; a job is done when its transaction is durable.

    If the transaction fails, every job in it fails with `NotRecorded` and the tail stays as it was; the database is
    read again before the next transaction. A job that raises a `CountenanceError` before it has changed anything fails
    alone.
    """

    def __init__(
        self,
        engine: Engine,
        signer: Signer,
        origin: str,
        now: Callable[[], datetime],
        *,
        checkpoint_every_s: float,
        capacity: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._signer = signer
        self._origin = origin
        self._now = now
        self._every_s = checkpoint_every_s
        self._capacity = capacity
        self._entropy = entropy
        self.key = NoteKey(origin, signer.public)
        """The public key that signs now."""
        with reading(engine) as connection:
            self._tail = follow(connection, LogTail(), self.key)
        self._due = time.monotonic() + checkpoint_every_s
        self._jobs: deque[Job[object]] = deque()
        self._door = threading.Lock()
        self._closed = False
        self._lead = threading.Lock()
        self._expected = 1
        self._fault: str | None = None
        self._mustering = False
        self._mustered = threading.Lock()
        self._mustered.acquire()
        self._bell = threading.Event()
        self._thread = threading.Thread(target=self._attend, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Batch, Transaction], T]) -> Job[T]:
        """Have `work` done in a coming transaction. `Overloaded` if too many wait, `NotRecorded` after `close`."""
        job = Job(work)
        with self._door:
            if self._closed:
                raise NotRecorded("the ledger is closed")
            if len(self._jobs) >= self._capacity:
                raise Overloaded(f"{self._capacity} entries wait to be recorded")
            self._jobs.append(job)  # type: ignore[arg-type]
            if self._mustering and len(self._jobs) >= self._expected:
                self._mustering = False
                self._mustered.release()
        return job

    def hasten(self) -> None:
        """Have all that was submitted written by the ledger's own thread, now."""
        self._bell.set()

    def wait(self, job: Job[T], timeout_s: float) -> T:
        """The result of `job`, as soon as it is durable; written by the caller's own thread, unless another one leads.

        `NotRecorded` after `timeout_s` seconds; it may still be written later.
        """
        deadline = time.monotonic() + timeout_s
        left = timeout_s
        while not job.done:
            with self._door:
                job.bell.acquire(blocking=False)  # a call to lead that this thread no longer needs
                job.waited_for = not job.done
            if job.done:
                break
            if left >= 0 and self._lead.acquire(blocking=False):
                self._write_waiting(job, left, timeout_s)
            elif left < 0 or not job.bell.acquire(timeout=left):
                with self._door:
                    job.waited_for = False
                self._call_next()  # it may have been called just now
                if not job.done:
                    raise _too_late(timeout_s)
            left = deadline - time.monotonic()
        return job.outcome()

    def _write_waiting(self, job: Job[T], patience_s: float, timeout_s: float) -> None:
        """As the leader, write `job` and all others that wait; then give up the lead and call the next leader."""
        try:
            if not job.done:
                self._muster()
                self._transact(self._gather(), patience_s=patience_s)
        except Busy:
            raise _too_late(timeout_s) from None
        finally:
            with self._door:
                job.waited_for = False
            self._lead.release()
            self._call_next()

    def _muster(self) -> None:
        """Wait a moment for as many callers as took part in the last transaction."""
        with self._door:
            self._mustering = len(self._jobs) < self._expected
            if not self._mustering:
                return
        if not self._mustered.acquire(timeout=MUSTER_S):
            with self._door:
                if not self._mustering:  # it was released just now
                    self._mustered.acquire()
                self._mustering = False

    def _call_next(self) -> None:
        """Unless another thread leads, wake the first caller whose job nobody has taken up, so that it leads."""
        with self._door:
            for job in self._jobs:
                if job.waited_for:
                    job.waited_for = False
                    job.bell.release()
                    return

    def close(self) -> None:
        """Write what waits, then a last checkpoint, and stop."""
        with self._door:
            self._closed = True
        self._bell.set()
        self._thread.join()

    def _attend(self) -> None:
        """What the ledger's own thread does until it is closed."""
        going_on = True
        while going_on:
            self._bell.wait(min(UNATTENDED_S, max(self._due - time.monotonic(), 0.001) if self._behind else 1.0))
            self._bell.clear()
            with self._door:
                going_on = not self._closed
            with self._lead:
                try:
                    while jobs := self._gather():
                        self._transact(jobs, patience_s=LOCK_PATIENCE_S)
                    if self._wants_checkpoint(last=not going_on):
                        self._transact([], patience_s=LOCK_PATIENCE_S, last=not going_on)
                except Busy as error:  # they keep waiting, but not for a ledger that is closed
                    while not going_on and (jobs := self._gather()):
                        self._fail(jobs, error)
                        self._wake(jobs)
            self._call_next()

    @property
    def _behind(self) -> bool:
        """Whether there are entries that no checkpoint covers. The first entry is written with one; if all checkpoints
        are gone, only the next entry brings a new one, so that nothing else hides the loss.
        """
        return self._tail.checkpoint is not None and not self._tail.checkpointed

    def _wants_checkpoint(self, *, last: bool) -> bool:
        return self._behind and (last or time.monotonic() >= self._due)

    def _gather(self) -> list[Job[object]]:
        """The jobs that wait, the first ones first."""
        with self._door:
            return [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_BATCH))]

    def _transact(self, jobs: list[Job[object]], *, patience_s: float, last: bool = False) -> None:
        """Do `jobs` as the leader. After `Busy` they wait as before; after any other failure they have failed."""
        fulfil: list[Callable[[], None]] = []
        try:
            with writing(self._engine, patience_s) as transaction:
                tail = followed(transaction, self._tail, self.key)
                batch = Batch(tail, timestamp(self._now()), self._origin, self._signer, self._entropy)
                fulfil = [_done(job, batch, transaction) for job in jobs]
                if last or batch.tail.checkpoint is None or time.monotonic() >= self._due:
                    batch.checkpoint()
                batch.write(transaction)
        except Busy:
            with self._door:
                self._jobs.extendleft(reversed(jobs))
            raise
        except BaseException as error:  # whatever it is, nobody may wait for ever or believe the entry written
            self._due = time.monotonic() + self._every_s
            self._fail(jobs, error)
            self._wake(jobs)
            if not isinstance(error, Exception):
                raise
            return
        if batch.tail.checkpointed:
            self._due = time.monotonic() + self._every_s
        self._tail = batch.tail
        if batch.signer is not self._signer:
            self._signer, self.key = batch.signer, NoteKey(self._origin, batch.signer.public)
        if self._fault is not None:
            self._fault = None
            log.warning("the ledger is written again; calls are answered")
        try:
            for tell in fulfil:
                tell()
        finally:
            if not all(job.done for job in jobs):  # this was interrupted: entries without an answer
                self._fail(jobs, NotRecorded("interrupted"))
            self._wake(jobs)

    def _wake(self, jobs: list[Job[object]]) -> None:
        """Wake all who wait for `jobs`, which are done; as many may soon submit again, besides those that have."""
        with self._door:
            woken = [job for job in jobs if job.waited_for]
            for job in woken:
                job.waited_for = False
                job.bell.release()
            self._expected = min(MAX_BATCH, max(1, len(woken) + len(self._jobs)))

    def _fail(self, jobs: list[Job[object]], error: BaseException) -> None:
        """Those of `jobs` that are not done have failed because of `error`."""
        if isinstance(error, NotRecorded) and error.__cause__ is not None:
            error = error.__cause__
        why = self._reason(error)
        if not isinstance(error, NotRecorded) and why != self._fault:  # once, however many calls it fails
            self._fault = why
            log.error("the ledger cannot be written, so nothing is answered: %s", why)
        for job in jobs:
            if not job.done:
                job.fail(NotRecorded(f"the ledger could not be written: {why}"))

    def _reason(self, error: BaseException) -> str:
        """What went wrong, without any value that was to be written."""
        if (fault := disk_fault(error)) is not None:
            return fault
        if isinstance(error, CountenanceError | Busy | self._engine.dialect.loaded_dbapi.Error):
            return f"{type(error).__name__}: {error}"
        return type(error).__name__


def _too_late(timeout_s: float) -> NotRecorded:
    return NotRecorded(f"the ledger did not say within {timeout_s:g} s that this is recorded")


def _done(job: Job[object], batch: Batch, transaction: Transaction) -> Callable[[], None]:
    """Do the job's work; returns its result, to be passed on when the transaction is durable."""
    try:
        result = job.work(batch, transaction)
    except CountenanceError as error:
        refused = error
        return lambda: job.fail(refused)
    return lambda: job.succeed(result)
