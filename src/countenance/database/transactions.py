"""Reading and writing in transactions, through SQLAlchemy or straight through the driver."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from countenance.database.kind import LOCK_PATIENCE_S
from countenance.database.kinds import kind_of
from countenance.disk_faults import disk_fault
from countenance.errors import BadRequest, CountenanceError, NotRecorded


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read-only connection: it sees one consistent snapshot and never waits for a writer.

    `NotRecorded` where the database cannot be reached.
    """
    with _told(engine, writes=False), _connected(engine, kind_of(engine).begin_read) as connection:
        yield connection


@contextmanager
def reading_once(engine: Engine) -> Iterator[Connection]:
    """A connection for a single SELECT. That is a snapshot by itself, so no transaction is opened."""
    with _told(engine, writes=False), _connected(engine, None) as connection:
        yield connection


def _connected(engine: Engine, begin: str | None) -> Connection:
    return engine.connect().execution_options(begin=begin)


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A write transaction through SQLAlchemy: committed to disk at the end of the block, rolled back on an error.

    `NotRecorded` says what is wrong, and what to do, where the disk, another writer or a server that is away keeps it
    from being written; `BadRequest` where the database cannot keep a value.
    """
    with _told(engine, writes=True), _writer_lock(engine, LOCK_PATIENCE_S), engine.begin() as connection:
        yield connection


@contextmanager
def _told(engine: Engine, *, writes: bool) -> Iterator[None]:
    """An error of ours in place of one of the disk, of a server that is away, or of a value that cannot be kept."""
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        _tell(engine, error, writes=writes)


def _tell(engine: Engine, error: Exception, *, writes: bool) -> NoReturn:
    kind = kind_of(engine)
    if (what := kind.cannot_be_kept(error)) is not None:
        raise BadRequest(what) from error
    fault = disk_fault(error)
    if fault is not None and writes:
        raise NotRecorded(f"the database could not be written: {fault}") from error
    if fault is not None and kind.lost(error):
        raise NotRecorded(f"the database could not be read: {fault}") from error
    raise error


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

        A value that the database cannot keep is such an error. After any other one the transaction as a whole must not
        be committed.
        """
        self._cursor.execute("SAVEPOINT part")
        try:
            with _told(self._engine, writes=False):
                yield
        except CountenanceError as error:
            if not isinstance(error, NotRecorded):
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
        """Have the commit need the disk, without changing anything."""
        kind_of(self._engine).try_writing(self._cursor)

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
    whatever means, and a power cut (of PostgreSQL's machine, or the end of that server) only once a later one was
    synced: the write-ahead log keeps their order.
    Raises `Busy` if another writer holds the database for longer than `patience_s` seconds; otherwise as `changing`.
    Other database errors are those of the driver.
    """
    began = time.monotonic()
    kind = kind_of(engine)
    with _told(engine, writes=True), _writer_lock(engine, patience_s):
        connection, cursor = _begun(engine, patience_s - (time.monotonic() - began), synced=synced)
        try:
            transaction = Transaction(engine, connection)
            yield transaction
            kind.check_whole(connection.dbapi_connection)
            connection.commit()
            kind.end_writing(cursor, synced=synced)
            transaction.close()
            cursor.close()
        except BaseException:
            _drop(connection)
            raise
        _idle_of(engine).append(connection)


def _begun(engine: Engine, patience_s: float, *, synced: bool) -> tuple[PoolProxiedConnection, DBAPICursor]:
    """A connection in a write transaction; a new one where those that were idle are gone, as after a restart."""
    kind = kind_of(engine)
    for last in (False, True):
        connection = _take(engine)
        try:
            cursor = connection.cursor()
            kind.begin_writing(cursor, patience_s, synced=synced)
        except BaseException as error:
            _drop(connection)
            if last or not kind.lost(error):
                raise
            _drop_all(_idle_of(engine))
        else:
            return connection, cursor
    raise AssertionError


_writers: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


@contextmanager
def _writer_lock(engine: Engine, patience_s: float) -> Iterator[None]:
    """A lock between the writers of one process. Waiting here is faster: SQLite polls, and sleeps for milliseconds.

    After `patience_s` the block runs without the lock, and the database itself reports the other writer.
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


def _idle_of(engine: Engine) -> list[PoolProxiedConnection]:
    """Connections of the driver that wait for work: a round trip through SQLAlchemy's pool costs more than most uses.

    They are closed when the engine is disposed of.
    """
    idle = _idle.get(engine)
    if idle is None:
        idle = _idle.setdefault(engine, [])
        event.listen(engine, "engine_disposed", lambda _: _drop_all(idle))
    return idle


def _take(engine: Engine) -> PoolProxiedConnection:
    """An idle connection, or a new one. Append it to `_idle_of(engine)` afterwards, or after an error `_drop` it."""
    try:
        return _idle_of(engine).pop()
    except IndexError:
        connection = engine.raw_connection()
        connection.detach()
        return connection


def _drop(connection: PoolProxiedConnection) -> None:
    with suppress(Exception):  # one that is gone cannot be rolled back; SQLite keeps its lock where it was not
        connection.rollback()
    connection.dbapi_connection.close()  # type: ignore[union-attr]  # it is there: nobody else closes it
    connection.invalidate()


def _drop_all(idle: list[PoolProxiedConnection]) -> None:
    while idle:
        _drop(idle.pop())


_ROWS_AT_ONCE = 64
"""The most rows that one statement inserts."""


class Direct:
    """A statement that runs in every request, compiled once and given straight to the driver.

    SQLAlchemy's share of the time would be larger than SQLite's. Values are not converted, so only text, numbers and
    bytes work.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[Dialect, tuple[str, Sequence[str] | None, Mapping[str, object]]] = {}

    def rows(self, engine: Engine, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT. It is a snapshot by itself and waits for no writer.

        `NotRecorded` where the database cannot be reached.
        """
        try:
            return self._rows(engine, values)
        except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
            if not kind_of(engine).lost(error):
                _tell(engine, error, writes=False)
        _drop_all(_idle_of(engine))  # as after a restart of the server: then a new one does
        with _told(engine, writes=False):
            return self._rows(engine, values)

    def _rows(self, engine: Engine, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        connection = _take(engine)
        try:
            rows = self.fetch(connection.cursor(), engine.dialect, values)
        except BaseException:
            _drop(connection)
            raise
        _idle_of(engine).append(connection)
        return rows

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
        if order is None:
            cursor.executemany(text, rows)
            return
        one = f" VALUES ({', '.join('?' * len(order))})"
        if not text.endswith(one):
            cursor.executemany(text, [[row[name] for name in order] for row in rows])
            return
        done = 0
        while done < len(rows):  # many rows in each statement: SQLite's driver gives Python's lock away at each
            size = 1 << min(len(rows) - done, _ROWS_AT_ONCE).bit_length() - 1  # few sizes, so that they stay prepared
            several = text + f",{one.removeprefix(' VALUES')}" * (size - 1)
            cursor.execute(several, [row[name] for row in rows[done : done + size] for name in order])
            done += size

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
