"""An installation moves from SQLite to PostgreSQL whole, or not at all; what was begun goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fakes.postgres import PostgresServer, files_only
from tests.unit.gallery.people import MODEL, counted, people

from countenance import moving
from countenance.app import Countenance
from countenance.database import connect, copying, open_database, reading
from countenance.database.copying import digest, tables_of
from countenance.errors import AlreadyExists, Conflict, Misconfigured, NotRecorded, StoreError
from countenance.gallery import Gallery
from countenance.ledger import Records
from countenance.mandates import Role
from countenance.scoring import RawCosine
from countenance.settings import Settings

pytestmark = files_only


def now() -> datetime:
    return datetime.now(UTC)


def gallery_of(app: Countenance) -> Gallery:
    return Gallery(app.database, RawCosine(), now, counted("f"), recorder=app.bindings)


@pytest.fixture
def own(tmp_path: Path, postgres: PostgresServer) -> Settings:
    """An installation in SQLite, with the URL of an empty database."""
    here = Settings(home=tmp_path / "home")
    app = Countenance.open(here)
    app.operators.add("Ada", [Role.AUDIT], now() + timedelta(days=1))
    gallery = gallery_of(app)
    gallery.create("staff", MODEL, "fake-1", {"a": "é"})
    gallery.enrol("staff", "0" * 64, "person", people(1, 2, 3))
    gallery.erase("staff", ["f-000003"], keep_owned=False)
    app.custody.retain("staff", 30, "house/term")
    app.ledger.append({"kind": "note"}, {"who": "Ada"}).wait()
    app.close()
    return replace(here, database=postgres.new_database("empty"))


def rows(settings: Settings, database: Any) -> dict[str, int]:
    engine = connect(database)
    try:
        with reading(engine) as connection:
            return {table.name: digest(connection, table)[0] for table in tables_of(connection)}
    finally:
        engine.dispose()


def test_everything_is_there_as_it_was_and_numbers_go_on(own: Settings) -> None:
    before = rows(own, own.database_file)
    moved = moving.move(own, now)
    assert moved.rows.items() >= before.items()
    app = Countenance.open(own)
    try:
        app.check_state()
        last = app.ledger.entry(app.ledger.size - 1)
        assert last.fields["what"] == "moved to another database"
        assert "tests" not in str(last.fields["database"])  # nor who may open it
        assert app.ledger.openings(app.ledger.size - 2) == {"who": "Ada"}
        gallery = gallery_of(app)
        ids = [face.face_id for face in gallery.faces("staff", after=None, limit=10).items]
        assert len(ids) == 2
        (new,) = Gallery(app.database, RawCosine(), now, counted("n"), recorder=app.bindings).enrol(
            "staff", "1" * 64, "other", people(7)
        )
        with reading(app.database) as connection:
            numbers = connection.execute(sa.text("SELECT number FROM faces ORDER BY number")).scalars().all()
        assert numbers == [1, 2, 4]  # that of an erased face is never used again
        assert new.face_id not in ids
    finally:
        app.close()
    with pytest.raises(StoreError, match="moved to another database"):
        Countenance.open(replace(own, database=None))
    with pytest.raises(AlreadyExists):
        moving.move(own, now)


def test_an_interrupted_move_is_closed_to_servers_and_goes_on_where_it_stopped(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", 2)

    def stop(table: str, _: int) -> None:
        if table == "ledger_entries":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.move(own, now, stop)
    with pytest.raises(StoreError, match="is being moved into it"):
        Countenance.open(own)
    again = Countenance.open(replace(own, database=None))  # the old one still serves
    again.ledger.append({"kind": "note"}).wait()
    again.close()
    moved = moving.move(own, now)
    app = Countenance.open(own)
    assert app.ledger.size == moved.rows["ledger_entries"] + 1
    app.check_state()
    app.close()


def test_a_server_that_still_has_the_file_open_records_and_answers_nothing_more(own: Settings) -> None:
    serving = Countenance.open(replace(own, database=None))
    try:
        serving.ledger.check_writable()
        moving.move(own, now)
        for ask in (lambda: serving.ledger.append({"kind": "note"}).wait(), serving.ledger.check_writable):
            with pytest.raises(NotRecorded, match="moved to another database: name that one"):
                ask()
    finally:
        serving.close()
    app = Countenance.open(own)
    app.check_state()
    app.close()


def test_what_was_copied_before_and_has_changed_since_is_noticed(own: Settings) -> None:
    def stop(table: str, _: int) -> None:
        if table == "custody_retention":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.move(own, now, stop)
    again = Countenance.open(replace(own, database=None))
    again.custody.retain("staff", 7, "house/shorter")
    again.close()
    with pytest.raises(Conflict, match="custody_retention"):
        moving.move(own, now)


def test_a_file_that_is_not_what_its_ledger_recorded_is_not_moved(own: Settings) -> None:
    engine = open_database(own.database_file)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE operators SET name = 'Eve'"))
    engine.dispose()
    with pytest.raises(Misconfigured, match="operators"):
        moving.move(own, now)
    assert Records(open_database(str(own.database))).size == 0
