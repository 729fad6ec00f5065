"""The one database: opened with the durability that the promises need, and migrated before anything reads it."""

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
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from countenance.errors import StoreError

MIGRATIONS = Path(__file__).with_name("migrations")
_WHAT_TO_DO = "see that its folder is there, writable and has room"
LOCK_PATIENCE_S = 30.0
"""How long a writer waits for another one, where it does not say otherwise."""


def open_database(path: Path) -> Engine:
    """Open (or make) the SQLite file at `path` and bring its tables up to date.

    WAL, synchronous=FULL (what was committed survives a power cut), secure_delete (what was deleted is overwritten),
    foreign keys on. Every transaction starts with BEGIN IMMEDIATE, so that a writer waits instead of failing half-way;
    read inside `reading(engine)`, which takes no lock, and write inside `changing(engine)` or `writing(engine)`.
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
        how = connection.get_execution_options().get("begin", "BEGIN IMMEDIATE")
        if how is not None:
            connection.exec_driver_sql(how)

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
    """A connection that only reads: one consistent snapshot, never waiting for a writer."""
    with engine.connect().execution_options(begin="BEGIN") as connection:
        yield connection


@contextmanager
def reading_once(engine: Engine) -> Iterator[Connection]:
    """A connection for one SELECT, which is a snapshot by itself: as `reading`, without a transaction round it."""
    with engine.connect().execution_options(begin=None) as connection:
        yield connection


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A write transaction, durable when the block has ended; what is raised in it undoes it."""
    with _turn(engine, LOCK_PATIENCE_S), engine.begin() as connection:
        yield connection


class Busy(Exception):
    """Somebody else writes to the database, and went on for longer than this transaction wanted to wait."""


class Transaction:
    """A write transaction through the driver itself; made by `writing`."""

    def __init__(self, engine: Engine, lent: PoolProxiedConnection) -> None:
        self._engine = engine
        self._lent = lent
        self._cursor = lent.cursor()

    @cached_property
    def connection(self) -> Connection:
        """The same transaction through SQLAlchemy, for what is asked seldom; not to be committed or closed."""
        return Connection(self._engine, self._lent).execution_options(begin=None)

    def rows(self, statement: Direct, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return statement.on(self._cursor, self._engine.dialect, values)

    def many(self, statement: Direct, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each of `rows`."""
        if rows:
            statement.many(self._cursor, self._engine.dialect, rows)


@contextmanager
def writing(engine: Engine, patience_s: float = LOCK_PATIENCE_S) -> Iterator[Transaction]:
    """A write transaction, durable when the block has ended; what is raised in it, or by the disk, undoes it.

    `Busy` where somebody else writes for longer than `patience_s`. Errors of the database are the driver's own.
    """
    began = time.monotonic()
    with _turn(engine, patience_s), _lent(engine) as lent:
        _begin_write(lent.cursor(), patience_s - (time.monotonic() - began))
        yield Transaction(engine, lent)
        lent.commit()


_writers: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


@contextmanager
def _turn(engine: Engine, patience_s: float) -> Iterator[None]:
    """Writers of one process wait for each other here: those that wait in SQLite sleep for milliseconds at a time.

    Whose patience ends goes on all the same, and hears from SQLite that somebody else writes.
    """
    lock = _writers.get(engine)
    if lock is None:
        lock = _writers.setdefault(engine, threading.Lock())
    mine = lock.acquire(timeout=max(0.0, patience_s))
    try:
        yield
    finally:
        if mine:
            lock.release()


_idle: WeakKeyDictionary[Engine, list[PoolProxiedConnection]] = WeakKeyDictionary()


@contextmanager
def _lent(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """A connection of `engine`'s that SQLAlchemy's pool does not count; afterwards it lies ready for whoever is next.

    Taking one from the pool and giving it back costs more than most statements do. After an error it is closed.
    """
    idle = _idle.get(engine)
    if idle is None:
        idle = _idle.setdefault(engine, [])
        event.listen(engine, "engine_disposed", lambda _: _close_all(idle))
    try:
        lent = idle.pop()
    except IndexError:
        lent = engine.raw_connection()
        lent.detach()
    try:
        yield lent
    except BaseException:
        lent.close()
        raise
    idle.append(lent)


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
    """A statement of every request, handed to the driver as it is: SQLAlchemy's part would cost more than SQLite's.

    For plain values only (text, numbers, bytes): the driver gives and takes them as they lie in the database.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._written: dict[Dialect, tuple[str, Sequence[str] | None, Mapping[str, object]]] = {}

    def rows(self, engine: Engine, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, which is a snapshot by itself; waits for no writer."""
        with _lent(engine) as lent:
            return self.on(lent.cursor(), engine.dialect, values)

    def on(self, cursor: DBAPICursor, dialect: Dialect, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Its rows, asked through `cursor`."""
        text, order, fixed = self._in(dialect)
        values = {**fixed, **values}
        cursor.execute(text, values if order is None else [values[name] for name in order])
        return list(cursor.fetchall())

    def many(self, cursor: DBAPICursor, dialect: Dialect, rows: Sequence[Mapping[str, object]]) -> None:
        """Run it once for each of `rows`."""
        text, order, fixed = self._in(dialect)
        if fixed:
            rows = [{**fixed, **row} for row in rows]
        cursor.executemany(text, rows if order is None else [[row[name] for name in order] for row in rows])

    def _in(self, dialect: Dialect) -> tuple[str, Sequence[str] | None, Mapping[str, object]]:
        """Its text for `dialect`, the order of its values where they have no names there, and those that it brings."""
        written = self._written.get(dialect)
        if written is None:
            compiled = self._statement.compile(dialect=dialect)
            assert isinstance(compiled, SQLCompiler)
            order = compiled.positiontup if compiled.positional else None
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            written = self._written[dialect] = (str(compiled), order, fixed)
        return written


def migrate(engine: Engine) -> None:
    """Apply the migrations that `engine`'s database lacks; one from a newer Countenance is a `StoreError`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError) as error:
        raise StoreError(f"the database cannot be opened or migrated: {type(error).__name__}: {error}") from error
