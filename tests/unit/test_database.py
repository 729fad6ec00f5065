"""Transactions that reads open, and those that they do not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from countenance.database import Direct, open_database, reading, reading_once

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
        assert several.connection.dbapi_connection.in_transaction
        assert not once.connection.dbapi_connection.in_transaction
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
    assert TERM.on(cursor, postgresql.psycopg.dialect(), {"gallery": "g"}) == [(7,)]  # type: ignore[arg-type]
    asked, values = cursor.asked
    assert "%(gallery)s" in asked
    assert values == {"gallery": "g", "days_1": 0, "param_1": 1}
