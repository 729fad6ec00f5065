"""A backup of a PostgreSQL database is the same sealed file as one of SQLite's, and either is restored into either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fakes.postgres import PostgresServer
from tests.unit.backup.writing import writing
from tests.unit.gallery.people import MODEL, counted, people

from countenance.app import Countenance
from countenance.backup import back_up, restore, restoring
from countenance.database import MOVING, changing, connect, migrate, reading, version_in
from countenance.database.copying import digest, tables_of
from countenance.errors import AlreadyExists, Conflict, Misconfigured, NotFound
from countenance.gallery import Gallery
from countenance.mandates import Role
from countenance.scoring import RawCosine
from countenance.settings import Settings
from countenance.verification import verify_installation

PASSPHRASE = "correct horse battery"


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def opened(own: Settings) -> Iterator[Countenance]:
    with closing(Countenance.open(own)) as app:
        yield app


def gallery_of(app: Countenance, ids: str) -> Gallery:
    return Gallery(app.database, RawCosine(), now, counted(ids), recorder=app.bindings)


def fill(own: Settings) -> None:
    with opened(own) as app:
        app.operators.add("Ada", [Role.AUDIT], now() + timedelta(days=1))
        gallery = gallery_of(app, "f")
        gallery.create("staff", MODEL, "fake-1", {"a": "é"})
        gallery.enrol("staff", "0" * 64, "person", people(1, 2, 3))
        gallery.erase("staff", ["f-000003"], keep_owned=False)
        app.custody.retain("staff", 30, "house/term")
        app.ledger.append({"kind": "note"}, {"who": "Ada"}).wait()


@pytest.fixture
def own(tmp_path: Path, postgres: PostgresServer) -> Settings:
    """An installation in PostgreSQL."""
    settings = Settings(home=tmp_path / "home", database=postgres.new_database("empty"))
    fill(settings)
    return settings


@pytest.fixture
def empty(tmp_path: Path, postgres: PostgresServer) -> Settings:
    """A place in PostgreSQL without an installation."""
    return Settings(home=tmp_path / "there", database=postgres.new_database("empty"))


def kept(own: Settings) -> dict[str, tuple[int, bytes]]:
    """Number and hash of the rows of each table."""
    engine = connect(own.place)
    try:
        with reading(engine) as connection:
            return {table.name: digest(connection, table) for table in tables_of(connection)}
    finally:
        engine.dispose()


def rows(own: Settings) -> int:
    return sum(count for count, _ in kept(own).values())


def numbers(own: Settings) -> list[int]:
    """Enrol one more; the numbers of all faces."""
    with opened(own) as app:
        app.check_state()
        gallery_of(app, "n").enrol("staff", "1" * 64, "other", people(7))
        with reading(app.database) as connection:
            return list(connection.execute(sa.text("SELECT number FROM faces ORDER BY number")).scalars())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_all_rows_come_back_in_either_kind_and_numbers_go_on(
    own: Settings, empty: Settings, tmp_path: Path, kind: str
) -> None:
    there = empty if kind == "postgresql" else replace(empty, database=None)
    before = kept(own)
    contents = back_up(own, tmp_path / "b", PASSPHRASE, now())
    assert kept(own) == before
    done = restore(there, tmp_path / "b", PASSPHRASE, now)
    assert done.verification.wrong == []
    assert done.contents.entries == contents.entries > 3
    after = kept(there)
    changed = {name for name in before if after[name] != before[name]}
    assert all(name.startswith("ledger_") for name in changed)  # that it was restored is an entry
    assert after["ledger_entries"][0] == before["ledger_entries"][0] + 1
    assert {path.name for path in there.home.iterdir()} - {"countenance.sqlite"} == {"keys"}
    with opened(there) as app:
        assert app.ledger.entry(app.ledger.size - 1).fields["what"] == "restored from a backup"
        assert app.ledger.openings(app.ledger.size - 2) == {"who": "Ada"}
        assert verify_installation(there, app.database).wrong == []
    assert numbers(there) == [1, 2, 4]  # that of an erased face is never used again


def test_a_backup_of_sqlite_is_restored_into_postgresql(empty: Settings, tmp_path: Path) -> None:
    old = Settings(home=tmp_path / "old")
    fill(old)
    back_up(old, tmp_path / "b", PASSPHRASE, now())
    restore(empty, tmp_path / "b", PASSPHRASE, now)
    assert numbers(empty) == [1, 2, 4]
    assert not list(empty.home.glob("countenance.sqlite*"))


def test_a_backup_beside_a_writer_is_of_one_moment(own: Settings, empty: Settings, tmp_path: Path) -> None:
    with opened(own) as app:
        with writing(app):
            contents = back_up(own, tmp_path / "b", PASSPHRASE, now())
        assert app.ledger.size > contents.entries
    done = restore(empty, tmp_path / "b", PASSPHRASE, now)  # verifies every entry and row
    assert done.verification.wrong == []
    with opened(empty) as app:
        assert app.ledger.size == contents.entries + 1


def test_tables_of_an_older_version_are_kept_as_they_are_and_migrated_where_they_are_restored(
    postgres: PostgresServer, empty: Settings, tmp_path: Path
) -> None:
    older = Settings(home=tmp_path / "older", database=postgres.new_database())
    older.home.mkdir(mode=0o700)
    engine = connect(older.place)
    try:
        migrate(engine, "0012")
    finally:
        engine.dispose()
    back_up(older, tmp_path / "b", PASSPHRASE, now())
    engine = connect(older.place)
    try:
        with reading(engine) as connection:
            assert version_in(connection) == "0012"
    finally:
        engine.dispose()
    restore(empty, tmp_path / "b", PASSPHRASE, now)
    with opened(empty) as app:
        assert app.ledger.size == 0


def test_nothing_is_put_over_what_is_there(own: Settings, tmp_path: Path) -> None:
    back_up(own, tmp_path / "b", PASSPHRASE, now())
    before = kept(own)
    with pytest.raises(AlreadyExists, match="holds something already"):
        restore(replace(own, home=tmp_path / "there"), tmp_path / "b", PASSPHRASE, now)
    with pytest.raises(AlreadyExists, match="'keys' lies in"):
        restore(own, tmp_path / "b", PASSPHRASE, now)
    assert kept(own) == before
    assert not (tmp_path / "there").exists()


def test_what_does_not_verify_or_cannot_be_written_leaves_nothing(
    own: Settings, empty: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(own, tmp_path / "b", PASSPHRASE, now())
    placed = restoring._put_in_place

    def fail(*given: Any) -> None:
        placed(*given)
        assert (empty.home / "keys" / "ledger.key").exists()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(restoring, "_put_in_place", fail)
    with pytest.raises(Exception, match="could not be restored"):
        restore(empty, tmp_path / "b", PASSPHRASE, now)
    assert list(empty.home.iterdir()) == []
    assert rows(empty) == 0
    monkeypatch.undo()

    engine = connect(own.place)
    with changing(engine) as connection:
        connection.execute(sa.text("UPDATE operators SET name = 'Eve'"))
    engine.dispose()
    back_up(own, tmp_path / "changed", PASSPHRASE, now())
    with pytest.raises(Misconfigured, match="operators"):
        restore(empty, tmp_path / "changed", PASSPHRASE, now)
    assert list(empty.home.iterdir()) == []
    assert rows(empty) == 0


def test_where_there_is_no_installation_or_one_is_being_moved_there_is_no_backup(
    own: Settings, postgres: PostgresServer, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="it has no tables"):
        back_up(replace(own, database=postgres.new_database()), tmp_path / "b", PASSPHRASE, now())
    engine = connect(own.place)
    with changing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": MOVING})
    engine.dispose()
    with pytest.raises(Conflict, match="being moved"):
        back_up(own, tmp_path / "b", PASSPHRASE, now())
    assert not (tmp_path / "b").exists()
    assert {path.name for path in own.home.iterdir()} == {"keys"}
