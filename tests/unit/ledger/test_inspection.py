"""Verification in place: each way to alter the database is found, and the first altered entry is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from countenance.database import open_database
from countenance.ledger import Ledger, Records, StoredEntry, verifier, verify_records
from countenance.ledger.merkle import leaf_hash
from countenance.ledger.receipt import sign_receipt
from countenance.signing import Signer

ORIGIN, SIGNER = "log.example/faces", Signer(bytes(range(32)))
SIZE = 1200  # more than a page of stored hashes is compared in one go


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with SIZE entries, made once; two checkpoints, of the first entry and of all."""
    path = tmp_path_factory.mktemp("written") / "countenance.sqlite"
    engine = open_database(path)
    ledger = Ledger(engine, SIGNER, ORIGIN, lambda: datetime(2026, 1, 1, tzinfo=UTC), checkpoint_every_s=3600.0)
    for n in range(SIZE - 2):
        pending = ledger.append({"kind": "decision" if n % 3 == 0 else "note", "n": n})
        if n == 0:
            pending.wait()  # alone in its batch, however slow the writer's thread is
    pending.wait()
    ledger.append({"kind": "result", "decision": 1}).wait()
    ledger.close()
    engine.dispose()
    return path


@pytest.fixture
def database(written: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(Path(shutil.copy(written, tmp_path / "countenance.sqlite")))
    yield engine
    engine.dispose()


@pytest.fixture
def full(database: Engine) -> Records:
    return Records(database)


def found(records: Records, **given: object) -> tuple[str, int]:
    report = verify_records(records, **given)  # type: ignore[arg-type]
    assert report.findings, report.notes
    assert report.sentence().startswith("ALTERED: ")
    return report.findings[0].what, report.findings[0].index


def test_a_ledger_as_it_was_written_verifies(full: Records) -> None:
    own = verifier.Key(ORIGIN, SIGNER.public)
    report = verify_records(full, [own])
    assert report.findings == []
    assert report.size == SIZE
    assert "verified" in report.sentence()
    assert len(report.open) == (SIZE - 2 + 2) // 3 - 1


def test_a_ledger_that_is_written_to_meanwhile_verifies(full: Records, database: Engine) -> None:
    writer = Ledger(database, SIGNER, ORIGIN, lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def meanwhile(rows: Iterable[StoredEntry], _total: int) -> Iterator[StoredEntry]:
        for row in rows:
            if row.sequence % 400 == 0:
                writer.append({"kind": "result", "decision": row.sequence + 4 - row.sequence % 3}).wait()
                writer.append({"kind": "decision"}).wait()
                writer.checkpoint()
            yield row

    assert verify_records(full, watch=meanwhile).findings == []
    writer.close()


def test_an_empty_ledger_verifies(tmp_path: Path) -> None:
    empty = Records(open_database(tmp_path / "empty.sqlite"))
    assert verify_records(empty).findings == []
    assert verify_records(empty, [verifier.Key(ORIGIN, SIGNER.public)]).findings == []


@pytest.mark.parametrize(
    ("statement", "what", "index"),
    [
        ("UPDATE ledger_entries SET entry = replace(entry, 'note', 'nope') WHERE sequence = 701", "changed", 701),
        ("UPDATE ledger_entries SET entry = entry || ' ' WHERE sequence = 701", "changed", 701),
        ("UPDATE ledger_entries SET entry = 'nonsense' WHERE sequence = 0", "changed", 0),
        ("UPDATE ledger_entries SET signature = zeroblob(64) WHERE sequence = 701", "changed", 701),
        ("UPDATE ledger_entries SET signature = x'00' WHERE sequence = 701", "changed", 701),
        ("DELETE FROM ledger_entries WHERE sequence = 701", "removed", 701),
        ("DELETE FROM ledger_entries WHERE sequence = 0", "removed", 0),
        ("DELETE FROM ledger_entries WHERE sequence >= 701", "removed", 701),
        ("DELETE FROM ledger_entries", "removed", 0),
        ("UPDATE ledger_entries SET leaf_hash = zeroblob(32) WHERE sequence = 1101", "store", 1101),
        ("UPDATE ledger_nodes SET hash = zeroblob(32) WHERE level = 3 AND position = 12", "store", 96),
        ("DELETE FROM ledger_nodes WHERE level = 3 AND position = 12", "store", 96),
        ("INSERT INTO ledger_open_decisions VALUES (1)", "store", 1),
        ("DELETE FROM ledger_open_decisions WHERE sequence = 4", "store", 4),
        ("UPDATE ledger_checkpoints SET note = replace(note, 'faces', 'houses') WHERE size = 1200", "key", 1200),
        ("UPDATE ledger_checkpoints SET note = 'nonsense' WHERE size = 1200", "changed", 0),
    ],
)  # fmt: skip
def test_what_was_altered_is_named(
    full: Records, tamper: Callable[..., None], statement: str, what: str, index: int
) -> None:
    tamper(statement)
    assert found(full) == (what, index)


def test_entries_that_changed_places_are_named(full: Records, tamper: Callable[..., None]) -> None:
    for old, new in ((500, 9999), (705, 500), (9999, 705)):
        tamper("UPDATE ledger_entries SET sequence = :new WHERE sequence = :old", old=old, new=new)
    assert found(full) == ("moved", 500)


def test_an_entry_that_nobody_signed_is_named(full: Records, tamper: Callable[..., None]) -> None:
    text = '{"kind":"note","sequence":1200,"time":"2026-01-01T00:00:00.000000Z"}'
    forged = sign_receipt(ORIGIN, 1200, leaf_hash(text.encode()), Signer(bytes(32)))
    tamper(
        "INSERT INTO ledger_entries VALUES (1200, :text, :leaf, :signature)",
        text=text,
        leaf=forged.leaf_hash,
        signature=forged.signature,
    )
    assert found(full) == ("changed", 1200)


def test_a_history_that_its_own_keeper_rewrote_is_found_by_what_others_hold(
    full: Records, tamper: Callable[..., None]
) -> None:
    held = verifier.read_checkpoint(full.notes()[-1].encode())
    receipt = verifier.read_receipt(full.receipt(701).header())
    text = full.entry(701).text.replace('"n":700', '"n":999')
    forged = sign_receipt(ORIGIN, 701, leaf_hash(text.encode()), SIGNER)
    tamper(
        "UPDATE ledger_entries SET entry = :text, leaf_hash = :leaf, signature = :signature WHERE sequence = 701",
        text=text,
        leaf=forged.leaf_hash,
        signature=forged.signature,
    )
    assert found(full)[0] == "tree"  # the database's own checkpoint still tells
    tamper("DELETE FROM ledger_checkpoints")
    assert found(full, since=[held])[0] == "tree"
    assert found(full, receipts=[receipt]) == ("changed", 701)


def test_every_checkpoint_is_missed_but_the_newest_which_takes_nothing_away(
    full: Records, database: Engine, tamper: Callable[..., None]
) -> None:
    with database.connect() as connection:
        *earlier, newest = connection.execute(text("SELECT size FROM ledger_checkpoints ORDER BY size")).scalars()
    assert earlier
    tamper("DELETE FROM ledger_checkpoints WHERE size = :size", size=newest)
    assert verify_records(full).findings == []  # the entries are still there, each signed by itself
    tamper("DELETE FROM ledger_checkpoints WHERE size = :size", size=earlier[0])
    assert found(full) == ("removed", earlier[0])


def test_a_log_that_was_cut_is_found_by_what_others_hold(full: Records, tamper: Callable[..., None]) -> None:
    held = verifier.read_checkpoint(full.notes()[-1].encode())
    receipt = verifier.read_receipt(full.receipt(1100).header())
    tamper("DELETE FROM ledger_checkpoints WHERE size > 2")
    tamper("DELETE FROM ledger_open_decisions WHERE sequence >= 1000")
    tamper("INSERT INTO ledger_open_decisions VALUES (1)")
    tamper("DELETE FROM ledger_entries WHERE sequence >= 1000")
    assert verify_records(full).findings == []  # from within, nothing tells
    assert found(full, since=[held]) == ("removed", 1000)
    assert found(full, receipts=[receipt]) == ("removed", 1100)


def test_a_log_under_another_key_is_not_ours(full: Records) -> None:
    other = verifier.Key(ORIGIN, Signer(bytes(32)).public)
    assert found(full, trusted=[other]) == ("key", 0)
