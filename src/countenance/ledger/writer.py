"""Group commit: whoever waits for an entry writes, in one transaction, everything that is asked for by then.

One at a time leads. Those who come meanwhile sleep until their entry is on the disk, or until they are called to lead
the next transaction; each has a bell of its own, so nobody queues only to learn that all is done. Who leads gives
those who were answered just now a moment to ask for their next entry, so that one sync serves as many as there are.
A thread of the ledger's own leads where nobody waits: for entries that are wanted while their caller does something
else, and for checkpoints that are due.
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
"""How long an entry that nobody waits for may lie before it is written."""
MUSTER_S = 0.0005
"""How long a transaction waits for callers as many as took part in the last one: a fraction of what a sync costs."""


class Job(Generic[T]):
    """Something to be done in a transaction, and how that ended; only who leads changes it.

    bell: held; who waits sleeps on it, and is woken by its release. waited_for: whether somebody does, who has not been
    woken since; changed under the writer's door.
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
        """It is not in the ledger."""
        self._error = error
        self.done = True

    def outcome(self) -> T:
        """What came of it, once it is done; each call raises an error of its own."""
        if self._error is not None:
            raise type(self._error)(str(self._error)) from self._error
        return self._result  # type: ignore[return-value]


class Writer:
    """Runs jobs in transactions; a job is done when its transaction is durable.

    Any failure of the transaction fails every job in it with `NotRecorded`, and the tail stays where it was; what the
    database holds is read again before the next one. A job that raises a `CountenanceError` before it has changed
    anything fails alone.
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

    @property
    def key(self) -> NoteKey:
        """The public key that signs now."""
        return NoteKey(self._origin, self._signer.public)

    def submit(self, work: Callable[[Batch, Transaction], T]) -> Job[T]:
        """Have `work` done in a coming transaction. `Overloaded` where too many wait, `NotRecorded` after `close`."""
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
        """What came of `job`, as soon as it is durable; written by the caller's own thread, unless another one leads.

        `NotRecorded` after `timeout_s` seconds; it may still be written later.
        """
        deadline = time.monotonic() + timeout_s
        left = timeout_s
        while not job.done:
            with self._door:
                job.bell.acquire(blocking=False)  # a call that this thread has forestalled
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
        """Write `job` and all others that wait, having the lead; give it up afterwards, and call who is next."""
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
        """Give as many callers as took part in the last transaction a moment to ask."""
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
        """Wake the first who waits for a job that nobody has taken up, so that it leads, unless another one does."""
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
                except Busy as error:  # they wait on, but not for a ledger that is closed
                    while not going_on and (jobs := self._gather()):
                        self._fail(jobs, error)
                        self._wake(jobs)
            self._call_next()

    @property
    def _behind(self) -> bool:
        """Whether there are entries that no checkpoint speaks for.

        The first entry comes with one; where all are gone, the next entry brings one and nothing else hides the loss.
        """
        return self._tail.checkpoint is not None and not self._tail.checkpointed

    def _wants_checkpoint(self, *, last: bool) -> bool:
        return self._behind and (last or time.monotonic() >= self._due)

    def _gather(self) -> list[Job[object]]:
        """The jobs that wait, the first ones first."""
        with self._door:
            return [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_BATCH))]

    def _transact(self, jobs: list[Job[object]], *, patience_s: float, last: bool = False) -> None:
        """Do `jobs`, leading. After `Busy` they wait as before; after any other failure they have failed."""
        fulfil: list[Callable[[], None]] = []
        try:
            with writing(self._engine, patience_s) as transaction:
                tail = followed(transaction, self._tail, self.key)
                batch = Batch(tail, timestamp(self._now()), self._origin, self._signer, self._entropy)
                fulfil = [_done(job, batch, transaction) for job in jobs]
                if batch.tail.size and (last or batch.tail.checkpoint is None or time.monotonic() >= self._due):
                    batch.checkpoint()
                batch.write(transaction)
        except Busy:
            with self._door:
                self._jobs.extendleft(reversed(jobs))
            raise
        except BaseException as error:  # whatever it was, nobody may wait for ever or believe that it was written
            self._due = time.monotonic() + self._every_s
            self._fail(jobs, error)
            self._wake(jobs)
            if not isinstance(error, Exception):
                raise
            return
        if batch.tail.checkpointed:
            self._due = time.monotonic() + self._every_s
        self._tail, self._signer = batch.tail, batch.signer
        if self._fault is not None:
            self._fault = None
            log.warning("the ledger is written again; calls are answered")
        try:
            for tell in fulfil:
                tell()
        finally:  # where somebody interrupts this: an entry without an answer
            self._fail(jobs, NotRecorded("interrupted"))
            self._wake(jobs)

    def _wake(self, jobs: list[Job[object]]) -> None:
        """Wake all who wait for `jobs`, which are done; as many may ask again at once, beside those who ask already."""
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
    """Do the job's work; what is to be told when the transaction is durable."""
    try:
        result = job.work(batch, transaction)
    except CountenanceError as error:
        refused = error
        return lambda: job.fail(refused)
    return lambda: job.succeed(result)
