"""Transactions that reads open, and those that they do not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql

from countenance.database import Busy, Direct, open_database, reading, reading_once, writing

RETENTION = sa.table("custody_retention", sa.column("gallery_id"), sa.column("days"), sa.column("clause"))
TERM = Direct(
    sa.select(RETENTION.c.days, RETENTION.c.clause)
    .where(RETENTION.c.gallery_id == sa.bindparam("gallery"), RETENTION.c.days > 0)
    .limit(1)
)


def test_several_statements_share_a_snapshot_and_a_single_one_needs_no_transaction(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    count = text("SELECT count(*) FROM mandates")
    with reading(engine) as several, reading_once(engine) as once:
        assert several.execute(count).scalar() == once.execute(count).scalar() == 0
        ours, theirs = several.connection.dbapi_connection, once.connection.dbapi_connection
        assert ours is not None
        assert theirs is not None
        assert ours.in_transaction
        assert not theirs.in_transaction
        with engine.begin() as writer:
            writer.execute(
                text(
                    "INSERT INTO mandates (mandate_id, holder, terms, requested_by, requested_at, expires_at) "
                    "VALUES ('m', '{}', '{}', 'a', 't', 't')"
                )
            )
        assert several.execute(count).scalar() == 0
        assert once.execute(count).scalar() == 1
    engine.dispose()


def test_a_direct_statement_sees_what_any_process_committed_and_keeps_nothing_open(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    assert TERM.rows(engine, gallery="g") == []
    with sqlite3.connect(tmp_path / "a.sqlite") as other:
        other.execute("INSERT INTO custody_retention VALUES ('g', 30, 'house.a'), ('h', 60, 'house.b')")
    assert TERM.rows(engine, gallery="g") == [(30, "house.a")]
    with sqlite3.connect(tmp_path / "a.sqlite") as other:
        other.execute("UPDATE custody_retention SET days = 7")
    other.close()
    assert TERM.rows(engine, gallery="g") == [(7, "house.a")]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    pooled = engine.raw_connection()
    assert not pooled.dbapi_connection.in_transaction  # type: ignore[union-attr]
    pooled.close()
    engine.dispose()


def test_a_direct_statement_wants_every_value_that_it_names(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    with pytest.raises(KeyError):
        TERM.rows(engine)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    engine.dispose()


def test_a_direct_statement_is_written_in_the_tongue_of_its_database() -> None:
    class Cursor:
        def execute(self, text: str, values: object) -> None:
            self.asked = text, values

        def fetchall(self) -> list[tuple[int]]:
            return [(7,)]

    cursor = Cursor()
    assert TERM.fetch(cursor, postgresql.psycopg.dialect(), {"gallery": "g"}) == [(7,)]  # type: ignore[arg-type, no-untyped-call]
    asked, values = cursor.asked
    assert "%(gallery)s" in asked
    assert values == {"gallery": "g", "days_1": 0, "param_1": 1}


def test_many_rows_take_few_statements(tmp_path: Path) -> None:
    """SQLite's driver gives Python's lock away at each, and other threads take it."""
    engine = open_database(tmp_path / "countenance.sqlite")
    said: list[str] = []
    event.listen(engine, "checkout", lambda connection, *_: connection.set_trace_callback(said.append))
    with writing(engine) as transaction:
        put = Direct(sa.insert(sa.table("ledger_open_decisions", sa.column("sequence"))))
        transaction.many(put, [{"sequence": number} for number in range(200)])
        assert len([each for each in said if each.startswith("INSERT")]) == 4  # of 64, 64, 64 and 8 rows
    engine.dispose()


def test_a_write_that_fails_leaves_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    term = Direct(sa.insert(RETENTION))
    row = {"gallery_id": "g", "days": 3, "clause": "c"}
    with pytest.raises(ZeroDivisionError), writing(engine) as transaction:
        transaction.many(term, [row])
        raise ZeroDivisionError
    assert TERM.rows(engine, gallery="g") == []
    with pytest.raises(sqlite3.IntegrityError), writing(engine) as transaction:
        transaction.many(term, [row, row])
    assert TERM.rows(engine, gallery="g") == []
    with writing(engine) as transaction:
        transaction.many(term, [row])
        assert transaction.connection.execute(sa.select(RETENTION.c.days)).scalar() == 3
        assert transaction.rows(TERM, gallery="g") == [(3, "c")]
        assert TERM.rows(engine, gallery="g") == []  # not yet
    assert TERM.rows(engine, gallery="g") == [(3, "c")]
    engine.dispose()


def test_who_writes_beside_somebody_else_waits_as_long_as_it_wants_to(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    with writing(engine), pytest.raises(Busy), writing(engine, 0.05):
        pass
    with writing(engine, 0.05) as transaction:
        ((timeout_ms,),) = transaction.rows(Direct(text("PRAGMA busy_timeout")))
        assert timeout_ms == 30_000
    engine.dispose()


def test_what_is_disposed_of_keeps_no_connection(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.sqlite")
    made = []
    sa.event.listen(engine, "connect", lambda connection, _: made.append(connection))
    engine.dispose()
    for _ in range(5):
        assert TERM.rows(engine, gallery="g") == []
    assert len(made) == 1
    engine.dispose()
    with pytest.raises(sqlite3.ProgrammingError):
        made[0].execute("SELECT 1")
    assert TERM.rows(engine, gallery="g") == []
    engine.dispose()


def test_a_transaction_that_is_over_lets_go_of_the_statements_of_its_connection(tmp_path: Path) -> None:
    """Dropped later, in another thread, its cursor would reset a statement in the middle of the next transaction."""
    engine = open_database(tmp_path / "countenance.sqlite")
    with writing(engine) as transaction:
        pass
    with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
        transaction.rows(Direct(sa.select(sa.literal(1))))
    engine.dispose()
