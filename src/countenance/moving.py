"""An installation from its SQLite file into a PostgreSQL database: copied, compared row by row, verified, resumable.

Until all of that is done the new database has the version `moving`, which no server opens.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from countenance.database import (
    MOVED,
    MOVING,
    VERSION,
    Transaction,
    changing,
    connect,
    migrate,
    reading,
    reading_once,
    scripts,
    shown,
    version_in,
)
from countenance.database.copying import digest, go_on_counting, insert_rows, rows_after, tables_of
from countenance.database.sqlite import close_for_good
from countenance.errors import AlreadyExists, Conflict, Misconfigured, NotFound
from countenance.home import private_home
from countenance.ledger import Ledger, Records
from countenance.ledger.batch import Batch
from countenance.ledger.entries import Draft
from countenance.settings import Settings
from countenance.signing import Signer
from countenance.verification import verify_installation

TableCopied = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done. rows: of each table. report: of the ledger, in words."""

    rows: dict[str, int]
    report: str


def move(own: Settings, now: Callable[[], datetime], copied: TableCopied = lambda table, rows: None) -> Moved:
    """Copy the SQLite file of `own` into the database at `own.database`, and close the file to servers.

    Nobody can write to the file meanwhile. What an interrupted move had copied is not copied again. copied: is told of
    each table, and how many of its rows are there.

    `Misconfigured` where COUNTENANCE_DATABASE is not set or the file is not what its ledger recorded, `NotFound`
    without a file, `AlreadyExists` where the database holds anything else, `Conflict` where what was copied before is
    not what the file holds now, `StoreError` where either cannot be opened.
    """
    if own.database is None:
        raise Misconfigured("name the database to move to: COUNTENANCE_DATABASE=postgresql://user@host/name")
    file, name, alone = own.database_file, shown(own.database), replace(own, database=None)
    if not file.exists():
        raise NotFound(f"there is no installation in {own.home}: {file.name} is not there")
    private_home(own.home)
    with ExitStack() as stack:
        old = connect(file)
        stack.callback(old.dispose)
        if _version(old) != MOVED:
            migrate(old)
        _demand_whole(alone, old, file.name)
        new = connect(own.database)
        stack.callback(new.dispose)
        with changing(old) as source:  # held: whoever would write waits, and is told
            newest = _begin(new, name)
            tables = _tables(new)
            counts: dict[str, int] = {}
            for table in tables:
                counts[table.name] = _copy(source, new, table)
                copied(table.name, counts[table.name])
            with changing(new) as target:
                go_on_counting(source, target, tables)
            for table in tables:
                _compare(source, new, table)
            report = _demand_whole(alone, new, name)
            source.execute(sa.update(VERSION).values(version_num=MOVED))
            close_for_good(source)
        _finish(own, new, now, newest, name)
    return Moved(counts, report)


def _version(engine: sa.Engine) -> str | None:
    with reading(engine) as connection:
        return version_in(connection)


def _demand_whole(own: Settings, database: sa.Engine, name: str) -> str:
    checked = verify_installation(own, database)
    if wrong := checked.wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Misconfigured(f"{name} is not what its ledger recorded: {wrong[0]}{more}; nothing is moved")
    return checked.report.sentence()


def _begin(new: sa.Engine, name: str) -> str:
    """Make the tables, closed to servers; the version that they have."""
    newest = str(scripts().get_current_head())
    if _version(new) == MOVING:
        return newest
    migrate(new)
    for table in _tables(new):
        with reading_once(new) as connection:
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
                raise AlreadyExists(f"{name} holds an installation already; move into an empty database")
    with changing(new) as connection:
        connection.execute(sa.update(VERSION).values(version_num=MOVING))
    return newest


def _tables(engine: sa.Engine) -> list[sa.Table]:
    with reading(engine) as connection:
        return tables_of(connection)


def _copy(source: sa.Connection, new: sa.Engine, table: sa.Table) -> int:
    """Copy what is not there yet, in the order of the primary key; how many rows the table has then."""
    order = [column.desc() for column in table.primary_key.columns]
    with reading(new) as connection:
        count = int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
        last = connection.execute(sa.select(*table.primary_key.columns).order_by(*order).limit(1)).one_or_none()
    for some in rows_after(source, table, last).mappings().partitions():
        with changing(new) as connection:
            insert_rows(connection, table, some)
        count += len(some)
    return count


def _compare(source: sa.Connection, new: sa.Engine, table: sa.Table) -> None:
    with reading(new) as connection:
        if digest(source, table) != digest(connection, table):
            raise Conflict(
                f"what an interrupted move copied of {table.name} is not what the file holds now: make the database "
                "anew and begin again"
            )


def _finish(own: Settings, new: sa.Engine, now: Callable[[], datetime], version: str, name: str) -> None:
    """Open the new database to servers, in one transaction with the entry that says so."""
    update = sa.update(VERSION).values(version_num=version)

    def work(batch: Batch, transaction: Transaction) -> None:
        batch.add(Draft.of({"kind": "alarm", "what": "moved to another database", "database": name}))
        transaction.connection.execute(update)

    if not Records(new).size:
        with changing(new) as connection:
            connection.execute(update)
        return
    ledger = Ledger(new, Signer.from_file(own.keys / "ledger.key"), own.origin, now)
    try:
        ledger.carry_out(work)
    finally:
        ledger.close()
