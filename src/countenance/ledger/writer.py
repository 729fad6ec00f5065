"""Group commit: one thread that writes, in one transaction, whatever was asked for while it wrote the last one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from countenance.database import reading
from countenance.errors import CountenanceError, NotRecorded, Overloaded
from countenance.ledger.batch import Batch, Tail, follow
from countenance.ledger.entries import timestamp
from countenance.ledger.notes import NoteKey
from countenance.signing import Signer

T = TypeVar("T")
MAX_BATCH = 1000


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Callable[[Batch, Connection], T]
    done: Future[T]


class Writer:
    """Runs jobs in transactions of its own thread; a job's future is fulfilled when its transaction is durable.

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
        self._entropy = entropy
        with reading(engine) as connection:
            self._tail = follow(connection, Tail(), self.key)
        self._due = time.monotonic() + checkpoint_every_s
        self._jobs: queue.Queue[_Job[object] | None] = queue.Queue(capacity)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    @property
    def key(self) -> NoteKey:
        """The public key that signs now."""
        return NoteKey(self._origin, self._signer.public)

    def submit(self, work: Callable[[Batch, Connection], T]) -> Future[T]:
        """Have `work` done in a coming transaction. `Overloaded` where too many wait, `NotRecorded` after `close`."""
        done: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise NotRecorded("the ledger is closed")
            try:
                self._jobs.put_nowait(cast("_Job[object]", _Job(work, done)))
            except queue.Full:
                raise Overloaded(f"{self._jobs.maxsize} entries wait to be recorded") from None
        return done

    def close(self) -> None:
        """Write what waits, then a last checkpoint, and stop."""
        with self._closing:
            already, self._closed = self._closed, True
        if not already:
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            jobs, going_on = self._gather()
            if jobs or self._wants_checkpoint(last=not going_on):
                self._transact(jobs, last=not going_on)

    def _gather(self) -> tuple[list[_Job[object]], bool]:
        """All jobs that wait, after the first has come or a checkpoint is due; and whether more may follow."""
        jobs: list[_Job[object]] = []
        patience = None if self._tail.checkpointed or not self._tail.size else self._due - time.monotonic()
        try:
            job = self._jobs.get(timeout=None if patience is None else max(patience, 0.001))
            while job is not None:
                jobs.append(job)
                if len(jobs) == MAX_BATCH:
                    return jobs, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _wants_checkpoint(self, *, last: bool) -> bool:
        if self._tail.checkpointed or not self._tail.size:
            return False
        return last or time.monotonic() >= self._due

    def _transact(self, jobs: list[_Job[object]], *, last: bool) -> None:
        fulfil: list[Callable[[], None]] = []
        try:
            with self._engine.begin() as connection:
                tail = follow(connection, self._tail, self.key)
                batch = Batch(tail, timestamp(self._now()), self._origin, self._signer, self._entropy)
                fulfil = [_done(job, batch, connection) for job in jobs]
                if batch.tail.size and (last or batch.tail.checkpoint is None or time.monotonic() >= self._due):
                    batch.checkpoint()
                batch.write(connection)
        except BaseException as error:  # whatever it was, nobody may wait for ever or believe that it was written
            why = _reason(error)
            for job in jobs:
                job.done.set_exception(NotRecorded(f"the ledger could not be written: {why}"))
            self._due = time.monotonic() + self._every_s
            return
        if batch.tail.checkpointed:
            self._due = time.monotonic() + self._every_s
        self._tail, self._signer = batch.tail, batch.signer
        for tell in fulfil:
            tell()


def _done(job: _Job[object], batch: Batch, connection: Connection) -> Callable[[], None]:
    """Do the job's work; what is to be told when the transaction is durable."""
    try:
        result = job.work(batch, connection)
    except CountenanceError as error:
        refused = error
        return lambda: job.done.set_exception(refused)
    return lambda: job.done.set_result(result)


def _reason(error: BaseException) -> str:
    """What went wrong, without the values that a database error carries along."""
    if isinstance(error, DBAPIError):
        return f"{type(error.orig).__name__}: {error.orig}"
    return f"{type(error).__name__}: {error}" if isinstance(error, CountenanceError) else type(error).__name__
