"""Who writes: whoever waits, for all who wait; and nobody is told otherwise than it is."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from tests.fakes.postgres import sqlite_only

from countenance import database as databases
from countenance.errors import NotRecorded
from countenance.ledger import Ledger, verify_records, writer
from countenance.ledger.batch import Batch, Promised
from countenance.ledger.checkpoint import SignedCheckpoint
from countenance.ledger.entries import Draft
from countenance.ledger.writer import Writer
from countenance.signing import Signer

Opener = Callable[..., Ledger]
NOTE = {"kind": "note"}


class Watched:
    """A clock that notes which thread asks it, as each transaction does once, and raises `fault` where there is one.

    asked: released each time.
    """

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.asked = threading.Semaphore(0)
        self.fault: BaseException | None = None

    def __call__(self) -> datetime:
        self.threads.append(threading.current_thread().name)
        self.asked.release()
        if self.fault is not None:
            raise self.fault
        return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Watched:
    return Watched()


class AskedFor:
    """A lock in place of the lead of `writer`, which it is. asked: released for each thread that does not get it."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = writer._lead
        self.asked = threading.Semaphore(0)

    def acquire(self, blocking: bool) -> bool:
        got = self._lock.acquire(blocking=blocking)
        if not got:
            self.asked.release()
        return got

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._writer._call_next()


@contextmanager
def waiting_behind(ledger: Ledger, count: int) -> Iterator[list[object]]:
    """`count` threads that wait for the lead, which somebody else has until the block ends; then what each got."""
    got: list[object] = []

    def wait(n: int) -> None:
        try:
            got.append(ledger.append({"kind": "note", "n": n}).wait())
        except BaseException as error:
            got.append(error)

    threads = [threading.Thread(target=wait, args=[n], name=f"caller-{n}") for n in range(count)]
    lead = ledger._writer._lead = AskedFor(ledger._writer)  # type: ignore[assignment]
    with lead:
        for thread in threads:
            thread.start()
        assert all(lead.asked.acquire(timeout=30) for _ in threads)
        yield got
    for thread in threads:
        thread.join(30)
    assert len(got) == count


def test_who_waits_alone_writes_in_its_own_thread(ledger: Ledger, clock: Watched) -> None:
    ledger.append(NOTE).wait()
    assert clock.threads == [threading.current_thread().name]


def test_one_of_those_who_wait_writes_for_all(ledger: Ledger, clock: Watched) -> None:
    with waiting_behind(ledger, 8) as got:
        assert ledger.size == 0
    assert sorted(receipt.index for receipt in got) == list(range(1, 9))  # type: ignore[attr-defined]
    (leader,) = clock.threads
    assert leader.startswith("caller-")
    assert not verify_records(ledger).findings


@pytest.mark.parametrize("fault", [OSError("gone"), MemoryError(), KeyboardInterrupt()])
def test_where_the_one_who_writes_fails_all_have_failed(ledger: Ledger, clock: Watched, fault: BaseException) -> None:
    with waiting_behind(ledger, 6) as got:
        clock.fault = fault
    assert len(clock.threads) == 1
    interrupted = [error for error in got if isinstance(error, KeyboardInterrupt)]
    told = [error for error in got if isinstance(error, NotRecorded)]
    assert len(interrupted) == isinstance(fault, KeyboardInterrupt)
    assert len(told) == 6 - len(interrupted)
    clock.fault = None
    assert ledger.size == 0
    assert ledger.append(NOTE).wait().index == 1
    assert not verify_records(ledger).findings


@sqlite_only
def test_a_commit_that_the_disk_refuses_fails_all_and_leaves_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(NOTE).wait()

    @contextmanager
    def refusing(engine: Engine, patience_s: float) -> Iterator[databases.Transaction]:
        with databases.writing(engine, patience_s) as transaction:
            yield transaction
            raise sqlite3.OperationalError("disk I/O error")

    with waiting_behind(ledger, 4) as got:
        monkeypatch.setattr(writer, "writing", refusing)
    assert {str(error) for error in got} == {"the ledger could not be written: OperationalError: disk I/O error"}
    monkeypatch.undo()
    assert ledger.size == 2
    assert ledger.append(NOTE).wait().index == 2
    assert not verify_records(ledger).findings


def test_a_hastened_entry_is_written_while_its_caller_does_something_else(ledger: Ledger, clock: Watched) -> None:
    pending = ledger.append(NOTE)
    assert ledger.size == 0
    pending.hasten()
    assert clock.asked.acquire(timeout=30)
    assert pending.wait().index == 1
    assert clock.threads == ["ledger-writer"]


def test_an_entry_that_nobody_waits_for_is_written_soon(ledger: Ledger, clock: Watched) -> None:
    pending = ledger.append(NOTE)
    assert clock.asked.acquire(timeout=30)
    assert clock.threads == ["ledger-writer"]
    assert pending.wait().index == 1


def test_closing_writes_what_nobody_waited_for_and_who_waits_later_is_told(ledger: Ledger) -> None:
    pending = [ledger.append(NOTE) for _ in range(3)]
    ledger.close()
    assert [each.wait().index for each in pending] == [1, 2, 3]
    with pytest.raises(NotRecorded, match="closed"):
        ledger.append(NOTE)
    checkpoint = ledger.last_checkpoint()
    assert checkpoint is not None
    assert checkpoint.size == 4


def test_what_somebody_elses_lock_kept_out_is_written_once_when_it_is_gone(
    ledger: Ledger, locked: Callable[[], AbstractContextManager[None]]
) -> None:
    with locked():
        pending = [ledger.append({"kind": "note", "n": n}) for n in range(3)]
        for each in pending:
            with pytest.raises(NotRecorded, match=r"within 0\.05 s"):
                each.wait(0.05)
        assert ledger.size == 0
    assert [each.wait().index for each in reversed(pending)] == [3, 2, 1]
    assert [entry.fields.get("n") for entry in ledger.entries(1)] == [0, 1, 2]
    assert ledger.size == 4


def test_waiting_for_another_one_who_writes_ends_in_time(ledger: Ledger) -> None:
    pending = ledger.append(NOTE)
    with ledger._writer._lead, pytest.raises(NotRecorded, match=r"within 0\.01 s"):
        pending.wait(0.01)
    assert pending.wait().index == 1


def test_who_gives_up_waiting_passes_the_call_to_lead_on(ledger: Ledger) -> None:
    """Else all others would sleep although nobody writes."""
    impatient = ledger._writer.submit(_note)
    with waiting_behind(ledger, 1) as got:
        with pytest.raises(NotRecorded, match="within -1 s"):
            ledger._writer.wait(impatient, -1)
        assert ledger._writer._lead.asked.acquire(timeout=30)  # type: ignore[attr-defined]
    assert len(got) == 1


def _note(batch: Batch, _: object) -> Promised:
    return batch.add(Draft.of(NOTE))


def test_callers_of_two_ledgers_on_one_database_get_each_index_once(open_ledger: Opener) -> None:
    ledgers = open_ledger(), open_ledger()

    def append(n: int) -> int:
        pending = ledgers[n % 2].append({"kind": "note", "n": n})
        if n % 3 == 0:
            pending.hasten()
        return pending.wait().index

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(append, range(200)))
    assert sorted(placed) == list(range(1, 201))
    assert all(ledgers[0].entry(index).fields["n"] == n for n, index in enumerate(placed))
    assert not verify_records(ledgers[0]).findings


def test_entries_around_a_checkpoint_and_a_new_key_in_one_transaction_are_each_signed_as_of_then(
    ledger: Ledger, signer: Signer
) -> None:
    successor = Signer(bytes(32))

    def work(batch: Batch, _: object) -> tuple[SignedCheckpoint, list[Promised]]:
        before, checkpoint, after = batch.add(Draft.of(NOTE)), batch.checkpoint(), batch.add(Draft.of(NOTE))
        return checkpoint, [before, after, batch.hand_over(successor), batch.add(Draft.of(NOTE))]

    checkpoint, promised = ledger.carry_out(work)
    receipts = [receipt() for receipt in promised]
    assert [receipt.index for receipt in receipts] == [1, 2, 3, 4]
    keys = [signer.public] * 3 + [successor.public]
    assert all(receipt.signed_by(key) for receipt, key in zip(receipts, keys, strict=True))
    assert checkpoint.size == 2
    assert [entry.fields.get("after_checkpoint") for entry in ledger.entries()] == [None, None, True, None, None]
    assert not verify_records(ledger).findings


def test_a_transaction_takes_no_more_than_max_batch_entries(
    ledger: Ledger, clock: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_BATCH", 3)
    with ledger._writer._lead:  # so that all wait before the first ones are taken
        pending = [ledger.append({"kind": "note", "n": n}) for n in range(7)]
    assert pending[6].wait().index == 7  # entries are written in their order, so all before it are
    assert [each.wait().index for each in pending] == list(range(1, 8))
    assert len(clock.threads) == 3
