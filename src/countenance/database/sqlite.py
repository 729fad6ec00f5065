"""SQLite: one file beside the keys, opened with full durability."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPICursor

from countenance.database.kind import LOCK_PATIENCE_S, Busy, Claim
from countenance.errors import StoreError

_claimed: WeakKeyDictionary[Engine, set[int]] = WeakKeyDictionary()
_claims = Lock()
MOVED_AWAY = "everything was moved to another database: name that one with COUNTENANCE_DATABASE"
_CLOSED = f"""CREATE TRIGGER IF NOT EXISTS moved_away BEFORE INSERT ON ledger_entries
BEGIN SELECT RAISE(ABORT, '{MOVED_AWAY}'); END"""
_WHAT_TO_DO = "see that its folder is there, writable and has room"


class SQLite:
    """See `DatabaseKind`. A transaction starts with BEGIN IMMEDIATE, so a writer waits at the start only."""

    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"
    overwrites = True

    def begin_writing(self, cursor: DBAPICursor, patience_s: float, *, synced: bool) -> None:
        """See `DatabaseKind`."""
        if not synced:
            cursor.execute("PRAGMA synchronous=NORMAL")
        impatient = patience_s < LOCK_PATIENCE_S
        if impatient:
            cursor.execute(f"PRAGMA busy_timeout={max(0, int(patience_s * 1000))}")
        try:
            cursor.execute(self.begin_write)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy(str(error)) from error
            raise
        finally:
            if impatient:
                cursor.execute(f"PRAGMA busy_timeout={int(LOCK_PATIENCE_S * 1000)}")

    def check_whole(self, connection: Any) -> None:
        """See `DatabaseKind`."""

    def end_writing(self, cursor: DBAPICursor, *, synced: bool) -> None:
        """See `DatabaseKind`."""
        if not synced:  # after an exception the connection is closed
            cursor.execute("PRAGMA synchronous=FULL")

    def try_writing(self, cursor: DBAPICursor) -> None:
        """See `DatabaseKind`."""
        if cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'moved_away'").fetchone():
            raise sqlite3.IntegrityError(MOVED_AWAY)  # as any entry would
        ((version,),) = cursor.execute("PRAGMA user_version").fetchall()
        cursor.execute(f"PRAGMA user_version={int(version)}")

    @contextmanager
    def claiming(self, engine: Engine) -> Iterator[Claim]:
        """See `DatabaseKind`."""
        ours = set[int]()

        def claim(number: int) -> bool:
            with _claims:
                taken = _claimed.setdefault(engine, set())
                free = number not in taken
                if free:
                    taken.add(number)
                    ours.add(number)
                return free

        try:
            yield claim
        finally:
            with _claims:
                _claimed.setdefault(engine, set()).difference_update(ours)

    def scrub(self, engine: Engine, wait_ms: int | None = None) -> bool:
        """Empty the write-ahead log into the file; what is deleted there is overwritten (secure_delete)."""
        pooled = engine.raw_connection()
        try:
            cursor = pooled.cursor()
            if wait_ms is not None:
                cursor.execute(f"PRAGMA busy_timeout={int(wait_ms)}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            if wait_ms is not None:
                cursor.execute(f"PRAGMA busy_timeout={int(LOCK_PATIENCE_S * 1000)}")
        finally:
            pooled.close()
        return row is not None and not row[0]

    def lost(self, error: BaseException) -> bool:
        """See `DatabaseKind`."""
        return False

    def cannot_be_kept(self, error: BaseException) -> str | None:
        """See `DatabaseKind`."""
        return None

    def last_numbers(self, connection: Connection, tables: Sequence[Table]) -> dict[str, int]:
        """See `DatabaseKind`."""
        names = {table.name for table in tables}
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {row.name: row.seq for row in rows if row.name in names}

    def go_on_after(self, connection: Connection, tables: Sequence[Table], numbers: Mapping[str, int]) -> None:
        """See `DatabaseKind`."""
        for table in tables:
            if (last := numbers.get(table.name)) is not None:
                values = {"name": table.name, "last": last}
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)


def close_for_good(connection: Connection) -> None:
    """Have no process that has the file open add an entry to its ledger any more, from the commit on."""
    connection.execute(text(_CLOSED))


def copy_file(source: Path, target: Path) -> None:
    """Copy a database file to `target`, which is not there yet, as it is at one moment; nobody waits for that.

    `StoreError` where it cannot be copied.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=30)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)  # all pages in one step: one read transaction, which keeps no writer waiting
    except sqlite3.Error as error:
        raise StoreError(f"the database cannot be copied: {error}") from error


@contextmanager
def looking_into(path: Path, *, alone: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that reads the file and changes nothing; `StoreError` where it cannot be read.

    alone: whether nobody else has it open, so that nothing needs to be made beside it.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro{'&immutable=1' if alone else ''}", uri=True, timeout=30)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"the database cannot be read: {error}") from error


def damage_in(connection: sqlite3.Connection) -> str | None:
    """What SQLite's quick check finds first."""
    ((found,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    return None if found == "ok" else str(found)


def open_file(path: Path) -> Engine:
    """The SQLite file at `path`, made where there is none.

    Pragmas: WAL, synchronous=FULL (committed data survive a power cut), secure_delete (deleted data are overwritten),
    foreign keys on.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _touch(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_PATIENCE_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _touch(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its logs the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"the database cannot be opened: {error.strerror}; {_WHAT_TO_DO}") from error
