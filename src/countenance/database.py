"""The one SQLite database: opened with full durability, and migrated before anything reads it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from countenance.disk_faults import disk_fault
from countenance.errors import CountenanceError, NotRecorded, StoreError

MIGRATIONS = Path(__file__).with_name("migrations")
_WHAT_TO_DO = "see that its folder is there, writable and has room"
LOCK_PATIENCE_S = 30.0
"""Default time that a writer waits for another writer, in seconds."""


def open_database(path: Path) -> Engine:
    """Open the SQLite file at `path`, or create it, and bring its tables up to date.

    Pragmas: WAL, synchronous=FULL (committed data survive a power cut), secure_delete (deleted data are overwritten),
    foreign keys on. A transaction starts with BEGIN IMMEDIATE, so a writer waits at the start and cannot fail halfway.
    Read inside `reading(engine)`, which takes no lock. Write inside `changing(engine)` or `writing(engine)`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _touch(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_PATIENCE_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        statement = connection.get_execution_options().get("begin", "BEGIN IMMEDIATE")
        if statement is not None:
            connection.exec_driver_sql(statement)

    migrate(engine)
    return engine


def _touch(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its logs the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"the database cannot be opened: {error.strerror}; {_WHAT_TO_DO}") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read-only connection: it sees one consistent snapshot and never waits for a writer."""
    with engine.connect().execution_options(begin="BEGIN") as connection:
        yield connection


@contextmanager
def reading_once(engine: Engine) -> Iterator[Connection]:
    """A connection for a single SELECT. That is a snapshot by itself, so no transaction is opened."""
    with engine.connect().execution_options(begin=None) as connection:
        yield connection


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A write transaction through SQLAlchemy: committed to disk at the end of the block, rolled back on an error.

    `NotRecorded` says what is wrong, and what to do, where the disk or another writer keeps it from being written.
    """
    with _told(), _writer_lock(engine, LOCK_PATIENCE_S), engine.begin() as connection:
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    """`NotRecorded` in place of an error of the disk."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if (fault := disk_fault(error)) is None:
            raise
        raise NotRecorded(f"the database could not be written: {fault}") from error


class Busy(Exception):
    """Another writer held the database for longer than this transaction was ready to wait."""


class Transaction:
    """A write transaction on the driver's own connection; created by `writing`."""

    def __init__(self, engine: Engine, driver_connection: PoolProxiedConnection) -> None:
        self._engine = engine
        self._driver_connection = driver_connection
        self._cursor = driver_connection.cursor()

    @cached_property
    def connection(self) -> Connection:
        """The same transaction through SQLAlchemy, for rare statements. Do not commit or close it."""
        return Connection(self._engine, self._driver_connection).execution_options(begin=None)

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """A part of the transaction that leaves nothing where it raises a `CountenanceError`.

        After any other error the transaction as a whole must not be committed.
        """
        self._cursor.execute("SAVEPOINT part")
        try:
            yield
        except CountenanceError:
            self._cursor.execute("ROLLBACK TO part")
            self._cursor.execute("RELEASE part")
            raise
        self._cursor.execute("RELEASE part")

    def close(self) -> None:
        """Let go of its statements, which the connection keeps for the next transaction.

        A cursor that is dropped later resets its statement, even where the next transaction runs it by then.
        """
        self._cursor.close()

    def try_writing(self) -> None:
        """Change a page of the file without changing what it says, so that the commit needs the disk."""
        ((version,),) = self._cursor.execute("PRAGMA user_version").fetchall()
        self._cursor.execute(f"PRAGMA user_version={int(version)}")

    def rows(self, statement: Direct, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return statement.fetch(self._cursor, self._engine.dialect, values)

    def many(self, statement: Direct, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each of `rows`."""
        if rows:
            statement.many(self._cursor, self._engine.dialect, rows)


@contextmanager
def writing(engine: Engine, patience_s: float = LOCK_PATIENCE_S, *, synced: bool = True) -> Iterator[Transaction]:
    """A write transaction through the driver: committed to disk at the end of the block, rolled back on an exception.

    synced: whether the end waits for the disk. Without that, the transaction survives the end of this process by
    whatever means, and a power cut only once a later one was synced: the write-ahead log keeps their order.
    Raises `Busy` if another writer holds the database for longer than `patience_s` seconds. Other database errors
    are those of the driver (`sqlite3`).
    """
    began = time.monotonic()
    with _told(), _writer_lock(engine, patience_s), _driver_connection(engine) as connection:
        cursor = connection.cursor()
        if not synced:
            cursor.execute("PRAGMA synchronous=NORMAL")
        _begin_write(cursor, patience_s - (time.monotonic() - began))
        transaction = Transaction(engine, connection)
        yield transaction
        connection.commit()
        if not synced:  # after an exception the connection is closed
            cursor.execute("PRAGMA synchronous=FULL")
        transaction.close()
        cursor.close()


_writers: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


@contextmanager
def _writer_lock(engine: Engine, patience_s: float) -> Iterator[None]:
    """A lock between the writers of one process. Waiting here is faster: SQLite polls, and sleeps for milliseconds.

    After `patience_s` the block runs without the lock, and SQLite itself reports the other writer.
    """
    lock = _writers.get(engine)
    if lock is None:
        lock = _writers.setdefault(engine, threading.Lock())
    acquired = lock.acquire(timeout=max(0.0, patience_s))
    try:
        yield
    finally:
        if acquired:
            lock.release()


_idle: WeakKeyDictionary[Engine, list[PoolProxiedConnection]] = WeakKeyDictionary()


@contextmanager
def _driver_connection(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """A driver connection from a pool of our own; it returns there after the block, or is closed after an error.

    A round trip through SQLAlchemy's pool costs more than most statements.
    """
    idle = _idle.get(engine)
    if idle is None:
        idle = _idle.setdefault(engine, [])
        event.listen(engine, "engine_disposed", lambda _: _close_all(idle))
    try:
        connection = idle.pop()
    except IndexError:
        connection = engine.raw_connection()
        connection.detach()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    idle.append(connection)


def _close_all(idle: list[PoolProxiedConnection]) -> None:
    while idle:
        idle.pop().close()


def _begin_write(cursor: DBAPICursor, patience_s: float) -> None:
    impatient = patience_s < LOCK_PATIENCE_S
    if impatient:
        cursor.execute(f"PRAGMA busy_timeout={max(0, int(patience_s * 1000))}")
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise Busy(str(error)) from error
        raise
    finally:
        if impatient:
            cursor.execute(f"PRAGMA busy_timeout={int(LOCK_PATIENCE_S * 1000)}")


class Direct:
    """A statement that runs in every request, compiled once and given straight to the driver.

    SQLAlchemy's share of the time would be larger than SQLite's. Values are not converted, so only text, numbers and
    bytes work.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[Dialect, tuple[str, Sequence[str] | None, Mapping[str, object]]] = {}

    def rows(self, engine: Engine, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT. It is a snapshot by itself and waits for no writer."""
        with _driver_connection(engine) as connection:
            return self.fetch(connection.cursor(), engine.dialect, values)

    def fetch(self, cursor: DBAPICursor, dialect: Dialect, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, read through `cursor`."""
        text, order, fixed = self._compile(dialect)
        values = {**fixed, **values}
        cursor.execute(text, values if order is None else [values[name] for name in order])
        return list(cursor.fetchall())

    def many(self, cursor: DBAPICursor, dialect: Dialect, rows: Sequence[Mapping[str, object]]) -> None:
        """Run it once for each of `rows`."""
        text, order, fixed = self._compile(dialect)
        if fixed:
            rows = [{**fixed, **row} for row in rows]
        cursor.executemany(text, rows if order is None else [[row[name] for name in order] for row in rows])

    def _compile(self, dialect: Dialect) -> tuple[str, Sequence[str] | None, Mapping[str, object]]:
        """The SQL text for `dialect`, the order of its parameters (None: they are named), and the constant ones."""
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiler = self._statement.compile(dialect=dialect)
            assert isinstance(compiler, SQLCompiler)
            order = compiler.positiontup if compiler.positional else None
            constants = {name: value for name, value in compiler.params.items() if value is not None}
            compiled = self._compiled[dialect] = (str(compiler), order, constants)
        return compiled


def migrate(engine: Engine) -> None:
    """Apply the migrations that the database lacks; `StoreError` if a newer Countenance wrote it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError) as error:
        if (fault := disk_fault(error)) is not None:
            raise StoreError(f"the database cannot be opened or migrated: {fault}") from error
        raise StoreError(f"the database cannot be opened or migrated: {type(error).__name__}: {error}") from error
