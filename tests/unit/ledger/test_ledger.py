"""The ledger: durable before it says so, in order, once, under one key, and silent about what is private."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from tests.fakes.clock import Clock
from tests.fakes.postgres import sqlite_only

from countenance.errors import BadRequest, Conflict, NotFound, NotRecorded, Overloaded, StoreError
from countenance.ledger import Checkpoint, Ledger, Records, merkle, verify_records, writer
from countenance.ledger.batch import Batch
from countenance.ledger.checkpoint import SignedCheckpoint, sign_checkpoint
from countenance.signing import Signer

Opener = Callable[..., Ledger]


def test_a_receipt_says_where_the_entry_stands_and_what_it_is(ledger: Ledger, signer: Signer) -> None:
    receipt = ledger.append({"kind": "decision", "n": 1}).wait()
    entry = ledger.entry(receipt.index)
    assert entry.fields == {"kind": "decision", "n": 1, "sequence": 1, "time": "2026-01-01T00:00:00.000000Z"}
    assert receipt.leaf_hash == merkle.leaf_hash(entry.text.encode())
    assert receipt.signed_by(signer.public)
    assert ledger.receipt(receipt.index) == receipt


def test_the_first_entry_names_the_logs_key(ledger: Ledger) -> None:
    assert ledger.size == 0
    ledger.append({"kind": "note"}).wait()
    assert ledger.entry(0).kind == "key"
    assert ledger.entry(0).fields["key"] == str(ledger.verifier_key)
    assert ledger.key == ledger.verifier_key
    assert ledger.size == 2


def test_a_leaf_hash_is_stored_with_its_entry_only(ledger: Ledger, database: Engine) -> None:
    for _ in range(8):
        ledger.append({"kind": "note"}).wait()
    with database.connect() as connection:
        nodes = connection.execute(text("SELECT level, position FROM ledger_nodes ORDER BY level, position")).all()
    assert [tuple(node) for node in nodes] == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (3, 0)]


def test_entries_that_are_not_there_are_not_found(ledger: Ledger) -> None:
    ledger.append({"kind": "note"}).wait()
    for index in (-1, 2, 10**12):
        with pytest.raises(NotFound):
            ledger.entry(index)
        with pytest.raises(NotFound):
            ledger.receipt(index)
        with pytest.raises(NotFound):
            ledger.inclusion(index, ledger.checkpoint())


@sqlite_only
def test_what_wait_returned_for_is_in_the_file(ledger: Ledger, tmp_path: Path) -> None:
    receipt = ledger.append({"kind": "note", "word": "durable"}).wait()
    other = sqlite3.connect(tmp_path / "countenance.sqlite")
    (entry,) = other.execute("SELECT entry FROM ledger_entries WHERE sequence = ?", [receipt.index]).fetchone()
    other.close()
    assert "durable" in entry


def test_wait_does_not_return_before_the_commit(
    ledger: Ledger, locked: Callable[[], AbstractContextManager[None]]
) -> None:
    with locked():
        pending = ledger.append({"kind": "note"})
        with pytest.raises(NotRecorded, match=r"within 0\.3 s"):
            pending.wait(0.3)
    assert pending.wait().index == 1


@sqlite_only
def test_all_that_waits_shares_one_transaction(
    ledger: Ledger,
    database: Engine,
    locked: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger.append({"kind": "note"}).wait()
    commits, taken, gather = [], threading.Semaphore(0), ledger._writer._gather

    def noted() -> list[Any]:
        if jobs := gather():
            taken.release()
        return jobs

    monkeypatch.setattr(ledger._writer, "_gather", noted)

    @event.listens_for(database, "connect")
    def _trace(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(lambda statement: commits.append(1) if statement == "COMMIT" else None)

    database.dispose()  # who asks next gets a new connection
    with locked():
        first = ledger.append({"kind": "note"})
        first.hasten()
        assert taken.acquire(timeout=30)  # the ledger's thread has the first one and waits for the lock
        rest = [ledger.append({"kind": "note"}) for _ in range(100)]
        pool = ThreadPoolExecutor(20)
        waiting = [pool.submit(pending.wait) for pending in (first, *rest)]
    receipts = [each.result() for each in waiting]
    pool.shutdown()
    assert [receipt.index for receipt in receipts] == list(range(2, 103))
    assert len(commits) == 3  # the lock's own, the first one's, and one for all others


def test_entries_from_many_threads_stand_once_each_and_without_gaps(ledger: Ledger) -> None:
    def append(n: int) -> tuple[int, int]:
        return n, ledger.append({"kind": "note", "n": n}, {"secret": n}).wait().index

    with ThreadPoolExecutor(16) as pool:
        placed = dict(pool.map(append, range(400)))
    assert sorted(placed.values()) == list(range(1, 401))
    assert all(ledger.entry(index).fields["n"] == n for n, index in placed.items())
    assert not verify_records(ledger).findings


@pytest.fixture
def read_only(database: Engine) -> Callable[[bool], None]:
    """Makes every connection refuse to write from now on, as on a file system that went read-only."""

    def switch(on: bool) -> None:
        @event.listens_for(database, "connect")
        def _switch(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute(f"PRAGMA query_only={'ON' if on else 'OFF'}")

        database.dispose()  # who asks next gets a new connection

    return switch


@sqlite_only
def test_when_nothing_can_be_written_everybody_who_waits_is_told(
    ledger: Ledger, read_only: Callable[[bool], None]
) -> None:
    before = ledger.append({"kind": "note"}).wait()
    read_only(True)
    pending = [ledger.append({"kind": "decision"}, {"name": "Ada Lovelace"}) for _ in range(20)]
    for one in pending:
        with pytest.raises(NotRecorded, match="could not be written") as error:
            one.wait()
        assert "Ada" not in str(error.value)
        assert "INSERT" not in str(error.value)  # nor any statement with its values
    read_only(False)
    assert ledger.size == before.index + 1
    assert ledger.open_decisions() == []
    assert ledger.append({"kind": "note"}).wait().index == before.index + 1
    assert not verify_records(ledger).findings


def test_a_clock_that_went_backwards_stops_the_record_until_an_operator_says_why(ledger: Ledger, clock: Clock) -> None:
    clock.advance(3600)
    ledger.append({"kind": "note"}).wait()
    ledger.append({"kind": "note"}).wait()  # the same moment again is no step back
    clock.advance(-0.000001)
    with pytest.raises(NotRecorded, match="countenance ledger clock"):
        ledger.append({"kind": "note"}).wait()
    with pytest.raises(NotRecorded, match="countenance ledger clock"):
        ledger.erase_openings_where("nothing")
    clock.advance(-1800)
    receipt = ledger.accept_clock("  the battery was flat ")
    step = ledger.entry(receipt.index)
    assert step.kind == "clock"
    assert (step.time, step.fields["previous"]) == ("2026-01-01T00:29:59.999999Z", "2026-01-01T01:00:00.000000Z")
    assert step.fields["reason"] == "the battery was flat"
    ledger.append({"kind": "note"}).wait()
    report = verify_records(ledger)
    assert not report.findings
    assert any("the clock was put back" in note for note in report.notes)


def test_a_clock_that_is_not_behind_needs_no_step(ledger: Ledger) -> None:
    ledger.append({"kind": "note"}).wait()
    size = ledger.size
    with pytest.raises(Conflict):
        ledger.accept_clock("just so")
    with pytest.raises(ValueError, match="reason"):
        ledger.accept_clock("  ")
    assert ledger.size == size


def test_a_clock_that_is_behind_after_a_restart_is_found(open_ledger: Opener, clock: Clock) -> None:
    first = open_ledger()
    first.append({"kind": "note"}).wait()
    first.close()
    clock.advance(-1)
    with pytest.raises(NotRecorded, match="clock"):
        open_ledger().append({"kind": "note"}).wait()


def test_two_ledgers_on_one_database_make_one_log(open_ledger: Opener) -> None:
    one, other = open_ledger(), open_ledger()
    receipts = []
    for _ in range(10):
        receipts += [one.append({"kind": "note", "by": 1}).wait(), other.append({"kind": "note", "by": 2}).wait()]
    assert [receipt.index for receipt in receipts] == list(range(1, 21))
    assert str(one.checkpoint()) == str(other.checkpoint())
    assert not verify_records(one).findings


def test_opening_costs_what_came_after_the_newest_checkpoint(
    open_ledger: Opener, database: Engine, tamper: Callable[..., None]
) -> None:
    first = open_ledger()
    for _ in range(40):
        first.append({"kind": "note"})
    checkpoint = first.checkpoint()
    tamper(
        "UPDATE ledger_entries SET entry = replace(entry, 'note', 'nope') WHERE sequence < :n", n=checkpoint.size - 1
    )
    again = open_ledger()  # nothing before the checkpoint was hashed again ...
    assert again.append({"kind": "note"}).wait().index == checkpoint.size
    assert verify_records(again).findings[0].index == 1  # ... and verification does


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET entry = replace(entry, 'note', 'nope') WHERE sequence = 9",
        "UPDATE ledger_entries SET leaf_hash = zeroblob(32) WHERE sequence = 9",
        "DELETE FROM ledger_entries WHERE sequence = 8",
        "DELETE FROM ledger_entries WHERE sequence < 2",
        "UPDATE ledger_nodes SET hash = zeroblob(32)",
        "DELETE FROM ledger_nodes",
        "UPDATE ledger_checkpoints SET note = replace(note, 'faces', 'houses')",
        "UPDATE ledger_checkpoints SET note = replace(note, char(10) || '2' || char(10), char(10) || '3' || char(10))",
        "UPDATE ledger_checkpoints SET note = 'nonsense'",
    ],
)
def test_a_database_that_is_not_what_was_signed_is_not_opened(
    open_ledger: Opener, tamper: Callable[..., None], statement: str
) -> None:
    first = open_ledger()
    first.append({"kind": "note"}).wait()  # the first transaction of a ledger ends in a checkpoint, here of 2 entries
    for _ in range(8):
        first.append({"kind": "note"}).wait()
    tamper(statement)
    with pytest.raises(StoreError):
        open_ledger()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET entry = replace(entry, 'note', 'nope') WHERE sequence = :n",
        "UPDATE ledger_entries SET leaf_hash = zeroblob(32) WHERE sequence = :n",
        "DELETE FROM ledger_entries WHERE sequence = :n",
    ],
)
def test_the_last_entry_of_a_checkpoint_is_hashed_again_at_the_start(
    open_ledger: Opener, tamper: Callable[..., None], statement: str
) -> None:
    first = open_ledger()
    first.append({"kind": "note"}).wait()
    checkpoint = first.checkpoint()
    assert checkpoint.size == first.size  # nothing comes after the checkpoint that a start would hash
    tamper(statement, n=checkpoint.size - 1)
    with pytest.raises(StoreError):
        open_ledger()


def test_entries_that_vanish_under_a_running_ledger_stop_it(ledger: Ledger, tamper: Callable[..., None]) -> None:
    for _ in range(3):
        ledger.append({"kind": "note"}).wait()
    tamper("DELETE FROM ledger_entries WHERE sequence = 3")
    with pytest.raises(NotRecorded, match="holds 3 entries"):
        ledger.append({"kind": "note"}).wait()


def test_an_entry_that_changes_under_a_running_ledger_stops_it(ledger: Ledger, tamper: Callable[..., None]) -> None:
    ledger.append({"kind": "note"}).wait()
    tamper("UPDATE ledger_entries SET leaf_hash = zeroblob(32) WHERE sequence = 1")
    with pytest.raises(NotRecorded, match="entry 1"):
        ledger.append({"kind": "note"}).wait()


def test_a_log_is_continued_under_its_own_key_and_origin_only(open_ledger: Opener) -> None:
    first = open_ledger()
    first.append({"kind": "note"}).wait()
    first.close()
    with pytest.raises(StoreError, match="not signed by this"):
        open_ledger(signer=Signer(bytes(32)))
    with pytest.raises(StoreError, match=r"log\.example/other"):
        open_ledger(origin="log.example/other")
    with pytest.raises(ValueError, match="origin"):
        open_ledger(origin="a b")


def test_a_handed_over_log_is_signed_by_the_successor_from_then_on(open_ledger: Opener, signer: Signer) -> None:
    ledger, bystander, successor = open_ledger(), open_ledger(), Signer(bytes(32))
    before = ledger.append({"kind": "note"}).wait()
    bystander.append({"kind": "note"}).wait()
    handed = ledger.hand_over(successor)
    after = ledger.append({"kind": "note"}).wait()
    assert before.signed_by(signer.public)
    assert handed.signed_by(signer.public)
    assert after.signed_by(successor.public)
    assert ledger.checkpoint().signed_by(ledger.verifier_key)
    assert ledger.verifier_key.public == successor.public
    with pytest.raises(NotRecorded, match="another key"):
        bystander.append({"kind": "note"}).wait()
    ledger.close()
    bystander.close()
    with pytest.raises(StoreError, match="not signed by this"):
        open_ledger()
    again = open_ledger(signer=successor)
    again.append({"kind": "note"}).wait()
    assert not verify_records(again).findings


def test_a_checkpoint_speaks_for_all_that_is_recorded(ledger: Ledger) -> None:
    leaves = []
    for n in range(20):
        ledger.append({"kind": "note", "n": n}).wait()
        checkpoint = ledger.checkpoint()
        leaves = [ledger.receipt(index).leaf_hash for index in range(ledger.size)]
        assert checkpoint.signed_by(ledger.verifier_key)
        assert (checkpoint.size, checkpoint.root) == (ledger.size, merkle.tree_hash(leaves))
        assert str(ledger.checkpoint()) == str(checkpoint)
        for index, leaf in enumerate(leaves):
            proof = ledger.inclusion(index, checkpoint)
            assert merkle.verify_inclusion(leaf, index, checkpoint.size, proof, checkpoint.root)


def test_any_two_checkpoints_of_a_log_are_consistent(ledger: Ledger) -> None:
    signed = []
    for _ in range(12):
        ledger.append({"kind": "note"}).wait()
        signed.append(ledger.checkpoint())
    for new in signed:
        for old in signed[: signed.index(new) + 1]:
            proof = ledger.consistency(old, new)
            assert merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)
    with pytest.raises(BadRequest):
        ledger.consistency(signed[1], signed[0])


def test_no_proof_is_given_on_a_tree_that_was_altered(ledger: Ledger, tamper: Callable[..., None]) -> None:
    for _ in range(20):
        ledger.append({"kind": "note"})
    old = ledger.checkpoint()
    ledger.append({"kind": "note"}).wait()
    new = ledger.checkpoint()
    tamper("UPDATE ledger_nodes SET hash = zeroblob(32) WHERE level = 1 AND position = 0")
    with pytest.raises(StoreError, match="verify"):
        ledger.inclusion(2, new)
    tamper("DELETE FROM ledger_nodes")
    with pytest.raises(StoreError, match="verify"):
        ledger.inclusion(2, new)
    with pytest.raises(StoreError, match="verify"):
        ledger.consistency(old, new)


def test_growth_from_another_ledgers_checkpoint_is_not_proved(ledger: Ledger, signer: Signer) -> None:
    for _ in range(5):
        ledger.append({"kind": "note"}).wait()
    foreign = sign_checkpoint(Checkpoint(ledger.origin, 3, bytes(32)), signer)
    with pytest.raises(StoreError, match="not of one ledger"):
        ledger.consistency(foreign, ledger.checkpoint())


def test_a_checkpoint_follows_an_entry_without_being_asked_for(
    open_ledger: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, made = [0.0], threading.Semaphore(0)
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: seconds[0]))

    class Noting(Batch):
        def checkpoint(self) -> SignedCheckpoint:
            made.release()
            return super().checkpoint()

    monkeypatch.setattr(writer, "Batch", Noting)
    ledger = open_ledger(checkpoint_every_s=60)

    def sizes() -> list[int]:
        with ledger._writer._lead:  # nobody writes now
            return [SignedCheckpoint.parse(note).size for note in ledger.notes()]

    for _ in range(3):
        ledger.append({"kind": "note"}).wait()
    assert sizes() == [2]  # a new ledger's first transaction ends in one
    assert made.acquire(timeout=30)
    seconds[0] = 60.0
    assert made.acquire(timeout=30)  # the ledger's own thread made it
    assert sizes() == [2, 4]
    seconds[0] = 600.0  # and none is made while nothing happens
    ledger.close()
    assert not made.acquire(blocking=False)


def test_an_empty_log_has_an_empty_checkpoint_only_after_its_key(ledger: Ledger) -> None:
    checkpoint = ledger.checkpoint()
    assert checkpoint.size == 1
    assert ledger.entry(0).kind == "key"


def test_a_decision_without_a_result_is_open_also_after_a_restart(open_ledger: Opener) -> None:
    first = open_ledger()
    done = first.append({"kind": "decision", "verdict": "permit"}).wait()
    left = first.append({"kind": "decision", "verdict": "permit"}).wait()
    first.append({"kind": "decision", "verdict": "deny"}).wait()
    first.append({"kind": "result", "decision": done.index}).wait()
    assert [entry.sequence for entry in first.open_decisions()] == [left.index]
    first.close()
    again = open_ledger()
    assert [entry.sequence for entry in again.open_decisions()] == [left.index]
    again.append({"kind": "result", "decision": left.index}).wait()
    assert again.open_decisions() == []


def test_a_closed_ledger_has_written_what_waited_and_takes_no_more(open_ledger: Opener, database: Engine) -> None:
    ledger = open_ledger()
    pending = [ledger.append({"kind": "note"}) for _ in range(50)]
    ledger.close()
    assert [one.wait(0).index for one in pending] == list(range(1, 51))
    newest = Records(database).last_checkpoint()
    assert newest is not None
    assert newest.size == 51
    with pytest.raises(NotRecorded, match="closed"):
        ledger.append({"kind": "note"})
    ledger.close()


def test_a_closed_ledger_ends_in_a_checkpoint_of_all_though_none_was_due(open_ledger: Opener, database: Engine) -> None:
    ledger = open_ledger()
    for _ in range(2):
        ledger.append({"kind": "note"}).wait()
    before = Records(database).last_checkpoint()
    assert before is not None
    assert before.size < ledger.size
    ledger.close()
    after = Records(database).last_checkpoint()
    assert after is not None
    assert after.size == ledger.size == 3


def test_too_many_waiting_entries_are_turned_away(
    open_ledger: Opener, locked: Callable[[], AbstractContextManager[None]]
) -> None:
    ledger = open_ledger(capacity=5)
    ledger.append({"kind": "note"}).wait()
    with locked():
        accepted = [ledger.append({"kind": "note"})]  # the ledger's thread may have taken up to five meanwhile
        with pytest.raises(Overloaded):
            accepted += [ledger.append({"kind": "note"}) for _ in range(20)]
    assert accepted[0].wait().index == 2


def test_an_append_that_cannot_be_said_harms_nobody_else(ledger: Ledger) -> None:
    good = ledger.append({"kind": "note"})
    with pytest.raises(BadRequest):
        ledger.append({"kind": "note", "x": float("nan")})
    assert good.wait().index == 1


def test_a_writer_that_breaks_lets_nobody_wait_for_ever(open_ledger: Opener) -> None:
    def broken() -> object:
        raise MemoryError

    ledger = open_ledger(now=broken)
    with pytest.raises(NotRecorded, match="MemoryError"):
        ledger.append({"kind": "note"}).wait()


def test_reading_does_not_wait_for_a_writer(ledger: Ledger, locked: Callable[[], AbstractContextManager[None]]) -> None:
    ledger.append({"kind": "note"}).wait()
    read = []
    with locked():
        thread = threading.Thread(target=lambda: read.append((ledger.size, ledger.entry(1).kind)))
        thread.start()
        thread.join(5)
        assert read == [(2, "note")]
