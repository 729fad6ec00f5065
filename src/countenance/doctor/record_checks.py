"""Checks of the database and of the record in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Engine, inspect

from countenance.database import connect, open_database, reading, scripts, shown, version_in
from countenance.database.sqlite import damage_in, looking_into
from countenance.doctor.finding import Diagnosis, Severity, Surroundings
from countenance.errors import CountenanceError, Misconfigured, StoreError
from countenance.gallery import damaged_rows
from countenance.key_files import COPY_KEYS, foreign_keys, foreign_words
from countenance.ledger import Ledger, Records
from countenance.settings import Settings
from countenance.signing import Signer
from countenance.verification import damage, newest_entries, row_differences

_SHOWN = 5
_FROM_A_BACKUP = "countenance ledger verify names the entry; put it right from a backup"


def check_record(own: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """The database can be opened, is migrated, and is what its ledger recorded; nothing is migrated or made.

    The ledger is checked against its newest checkpoint, and every bound row against it; `countenance ledger verify`
    checks every signature, too.
    """
    database = next(_database(own))
    yield database
    if database.health is not Severity.WELL:
        why = "the database has to be put right first"
        yield from (Diagnosis(check, Severity.UNKNOWN, why) for check in ("ledger", "rows", "clock"))
        return
    try:
        engine = open_database(own.place)
    except CountenanceError as error:
        yield Diagnosis("ledger", Severity.WRONG, str(error), "see that this user may write there")
        return
    try:
        records = Records(engine)
        ledger = next(_ledger(own, engine, surroundings))
        yield ledger
        yield from _other_keys(own, engine)
        if ledger.health is Severity.WELL:
            yield from _rows(own, engine)
        else:
            yield Diagnosis("rows", Severity.UNKNOWN, "the ledger has to be put right first")
        yield from _clock(records, surroundings)
    except CountenanceError as error:
        yield Diagnosis("ledger", Severity.WRONG, str(error), _FROM_A_BACKUP)
    finally:
        engine.dispose()


def _database(own: Settings) -> Iterator[Diagnosis]:
    if own.database is not None:
        yield _on_server(own.database)
        return
    if not own.database_file.exists():
        says = f"there is no installation in {own.home} yet: {own.database_file.name} is not there"
        yield Diagnosis("database", Severity.WRONG, says, "countenance serve makes one; or name another with --home")
        return
    try:
        with looking_into(own.database_file) as connection:
            damaged = damage_in(connection)
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    except StoreError as error:
        yield Diagnosis("database", Severity.WRONG, str(error), "restore a backup")
        return
    if damaged is not None:
        yield Diagnosis("database", Severity.WRONG, f"the database is damaged: {damaged}", "restore a backup")
    else:
        yield _of_version(None if version is None else str(version[0]))


def _on_server(url: str) -> Diagnosis:
    """Of a PostgreSQL database, whose files are the server's to check."""
    try:
        engine = connect(url)
    except CountenanceError as error:
        return Diagnosis("database", Severity.WRONG, str(error), "put that right on the server; see docs/postgresql.md")
    try:
        with reading(engine) as connection:
            tables = inspect(connection).get_table_names()
            version = version_in(connection)
    finally:
        engine.dispose()
    if not tables:
        says = f"there is no installation in {shown(url)} yet: it has no tables"
        return Diagnosis("database", Severity.WRONG, says, "countenance serve makes them, or countenance database move")
    return _of_version(version)


def _of_version(version: str | None) -> Diagnosis:
    script = scripts()
    newest = script.get_current_head()
    if version not in {each.revision for each in script.walk_revisions()}:
        has = "has no version" if version is None else f"has version {version}"
        return Diagnosis(
            "database",
            Severity.WRONG,
            f"the database {has}, and this Countenance knows those up to {newest}",
            "install the Countenance that wrote it, or a newer one",
        )
    if version != newest:
        return Diagnosis(
            "database",
            Severity.WARNING,
            f"the database has version {version}; the next start migrates it to {newest}",
            "make a backup with the Countenance that wrote it, then start",
        )
    return Diagnosis("database", Severity.WELL, f"it can be read and has version {newest}")


def _ledger(own: Settings, engine: Engine, surroundings: Surroundings) -> Iterator[Diagnosis]:
    records = Records(engine)
    size = records.size
    key = own.keys / "ledger.key"
    if not size:
        yield Diagnosis("ledger", Severity.WELL, "nothing is recorded yet")
        return
    if not key.exists():
        yield Diagnosis("ledger", Severity.WRONG, "keys/ledger.key is missing", "restore it from a backup")
        return
    first = records.key
    if first is not None and first.name != own.origin:
        says = f"the ledger is {first.name!r}, and the settings say {own.origin!r}"
        yield Diagnosis("ledger", Severity.WRONG, says, f"set COUNTENANCE_ORIGIN={first.name}")
        return
    try:
        Ledger(engine, Signer.from_file(key), own.origin, surroundings.now).close()
    except CountenanceError as error:
        yield Diagnosis("ledger", Severity.WRONG, str(error), _FROM_A_BACKUP)
        return
    left = len(records.open_decisions())
    also = f"; {left} decisions without a result" if left else ""
    yield Diagnosis("ledger", Severity.WELL, f"{size} entries, as the newest checkpoint says{also}")


def _other_keys(own: Settings, engine: Engine) -> Iterator[Diagnosis]:
    others: list[str] = []
    with suppress(Misconfigured):  # of one that is missing or cannot be read, the check of keys has told
        others = [name for name in foreign_keys(own.keys, engine) if (own.keys / name).exists()]
    if others:
        yield Diagnosis("keys", Severity.WRONG, foreign_words(others), COPY_KEYS)


def _rows(own: Settings, engine: Engine) -> Iterator[Diagnosis]:
    bound = newest_entries(Records(engine), 1, "state")
    different = row_differences(own, engine) if bound else []
    for each in different[:_SHOWN]:
        yield Diagnosis(
            "rows",
            Severity.WRONG,
            each,
            "put it right from a backup; or `countenance ledger accept --reason TEXT`; or `serve --despite REASON`",
        )
    if more := different[_SHOWN:]:
        says = f"and {len(more)} more differences"
        yield Diagnosis("rows", Severity.WRONG, says, "`countenance ledger verify` lists all")
    damaged = damaged_rows(engine)
    for row in damaged:
        says, _, remedy = damage(row).partition(". ")
        yield Diagnosis("rows", Severity.WARNING, says, remedy)
    if not different and not damaged:
        yield Diagnosis("rows", Severity.WELL, "every row is as the ledger recorded it" if bound else "no row is bound")


def _clock(records: Records, surroundings: Surroundings) -> Iterator[Diagnosis]:
    size = records.size
    if not size:
        yield Diagnosis("clock", Severity.WELL, "nothing is recorded yet that it could be behind")
        return
    last = datetime.fromisoformat(records.entry(size - 1).time)
    behind = (last - surroundings.now()).total_seconds()
    if behind > 0:
        yield Diagnosis(
            "clock",
            Severity.WRONG,
            f"the clock is {behind:.0f} s behind the last entry, of {last.isoformat()}; nothing is answered",
            "set the clock right; if it is right now: countenance ledger clock --reason TEXT",
        )
    else:
        yield Diagnosis("clock", Severity.WELL, f"it is after the last entry, of {last.isoformat(timespec='seconds')}")
