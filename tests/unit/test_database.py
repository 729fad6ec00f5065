"""Transactions that reads open, and those that they do not."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from countenance.database import open_database, reading, reading_once


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
