"""PostgreSQL 16 or later: a database of its own on a server, shared by all server processes that are given its URL.

Writers take one advisory lock, so there is one at a time in all processes together, as in SQLite. What the stores rely
on, such as numbers that grow in the order of commits, holds in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError

from countenance.database.kind import LOCK_PATIENCE_S, Busy, Claim
from countenance.disk_faults import disk_fault, lost_connection
from countenance.errors import Misconfigured, StoreError

SCHEME = "postgresql://"
OLDEST = 16
LOCK = 0x636F756E74656E61
"""The advisory lock of whoever writes: the letters `countena`."""
_ONE_WRITER = f"SELECT pg_advisory_xact_lock({LOCK})"
_CLAIMS = 0x636C6D73
"""The first half of the advisory locks of what is claimed: the letters `clms`."""
_ALIVE_S = (30, 10, 3)
"""Seconds until a silent connection is asked whether it lives, between questions, and how many are asked."""
_WORDS = ("a", "B", "a.b", "ab", "a+b", "Ä", "1", "_")


class PostgreSQL:
    """See `DatabaseKind`. Connections are in autocommit mode, and transactions begin explicitly."""

    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    begin_write = f"BEGIN; {_ONE_WRITER}"
    overwrites = False

    def begin_writing(self, cursor: DBAPICursor, patience_s: float, *, synced: bool) -> None:
        """See `DatabaseKind`."""
        asks = ["BEGIN"]
        if patience_s < LOCK_PATIENCE_S:
            asks.append(f"SET LOCAL lock_timeout = {max(1, int(patience_s * 1000))}")  # 0 would be for ever
        if not synced:
            asks.append("SET LOCAL synchronous_commit = off")
        try:
            cursor.execute("; ".join([*asks, _ONE_WRITER]))
        except Exception as error:
            if getattr(error, "sqlstate", None) == "55P03":
                raise Busy(str(error)) from error
            raise

    def check_whole(self, connection: Any) -> None:
        """Where a statement failed, PostgreSQL would roll back at the commit without saying so."""
        if connection.info.transaction_status.name == "INERROR":
            raise StoreError("a statement of this transaction failed, so nothing of it is kept")

    def end_writing(self, cursor: DBAPICursor, *, synced: bool) -> None:
        """See `DatabaseKind`."""

    def try_writing(self, cursor: DBAPICursor) -> None:
        """See `DatabaseKind`."""
        cursor.execute("SELECT version_num FROM alembic_version FOR UPDATE")  # the message alone may be read-only
        cursor.execute("SELECT pg_logical_emit_message(true, 'countenance', '')")

    @contextmanager
    def claiming(self, engine: Engine) -> Iterator[Claim]:
        """See `DatabaseKind`. A session of its own holds them as advisory locks."""
        connection = engine.raw_connection()
        connection.detach()
        cursor = connection.cursor()

        def claim(number: int) -> bool:
            cursor.execute(f"SELECT pg_try_advisory_lock({_CLAIMS}, {int(number)})")
            return bool(cursor.fetchone()[0])  # type: ignore[index]  # it has one row

        try:
            yield claim
        finally:
            connection.close()  # of one that was detached: the session ends, and its locks with it

    def scrub(self, engine: Engine, wait_ms: int | None = None) -> bool:
        """Never: deleted rows lie in the server's files until it vacuums and overwrites them, and in its log."""
        return False

    def lost(self, error: BaseException) -> bool:
        """See `DatabaseKind`."""
        return lost_connection(error)

    def cannot_be_kept(self, error: BaseException) -> str | None:
        """See `DatabaseKind`."""
        if isinstance(error, DBAPIError) and error.orig is not None:
            error = error.orig
        if type(error).__name__ == "DataError" and "NUL" in str(error):
            return "a text holds the character U+0000, which cannot be kept"
        return None

    def last_numbers(self, connection: Connection, tables: Sequence[Table]) -> dict[str, int]:
        """See `DatabaseKind`. Numbers are given out of turn of transactions, so it may be one that is not used yet."""
        used = {}
        for table in tables:
            if (sequence := _sequence_of(connection, table)) is not None:
                last = connection.execute(select(func.pg_sequence_last_value(sequence))).scalar()
                if last is not None:
                    used[table.name] = int(last)
        return used

    def go_on_after(self, connection: Connection, tables: Sequence[Table], numbers: Mapping[str, int]) -> None:
        """See `DatabaseKind`."""
        for table in tables:
            if (last := numbers.get(table.name)) is not None:
                connection.execute(select(func.setval(_sequence_of(connection, table), last)))


def _sequence_of(connection: Connection, table: Table) -> str | None:
    """What gives the rows of `table` their numbers."""
    column, *others = table.primary_key.columns
    if others:
        return None
    return connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()


def parsed(text: str) -> URL:
    """A URL of a PostgreSQL database; `Misconfigured` for any other, without repeating what may be a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername != "postgresql" or not url.database:
        raise Misconfigured("the URL of a database is postgresql://user@host:port/name")
    return url.set(drivername="postgresql+psycopg", host=unquote(url.host) if url.host else None)


def open_server(text: str) -> Engine:
    """The PostgreSQL database at that URL.

    `StoreError` where it cannot be reached, is older than 16, or does not sort text by code points (LC_COLLATE "C", the
    order that SQLite has, too); `Misconfigured` for another URL, or without the extra `postgres`.
    """
    url = parsed(text)
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 10, "client_encoding": "utf8", "application_name": "countenance",
                "keepalives_idle": _ALIVE_S[0], "keepalives_interval": _ALIVE_S[1], "keepalives_count": _ALIVE_S[2],
            },
        )  # fmt: skip
    except ImportError as error:
        raise Misconfigured("PostgreSQL needs the extra: pip install 'countenance[postgres]'") from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.autocommit = True  # psycopg must not begin transactions of its own
        idle, between, times = _ALIVE_S
        connection.execute(
            f"SET lock_timeout = {int(LOCK_PATIENCE_S * 1000)}; SET tcp_keepalives_idle = {idle}; "
            f"SET tcp_keepalives_interval = {between}; SET tcp_keepalives_count = {times}"
        )

    try:
        _check(engine)
    except DBAPIError as error:
        engine.dispose()
        why = disk_fault(error) or type(error.orig).__name__
        raise StoreError(f"the database {shown(text)} cannot be opened: {why}") from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def shown(text: str) -> str:
    """The URL without what may let somebody in."""
    url = parsed(text)
    host = url.host or ""
    return f"{SCHEME}{host}{f':{url.port}' if url.port else ''}/{url.database}"


def _check(engine: Engine) -> None:
    with engine.connect().execution_options(begin=None) as connection:
        version = int(str(connection.exec_driver_sql("SHOW server_version_num").scalar()))
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        words = list(_WORDS) if encoding == "UTF8" else []
        ordered = (
            connection.exec_driver_sql("SELECT w FROM unnest(%s::text[]) AS w ORDER BY w", (words,)).scalars().all()
        )
    if version // 10_000 < OLDEST:
        raise StoreError(f"this is PostgreSQL {version // 10_000}; {OLDEST} or later is needed")
    if list(ordered) != sorted(_WORDS, key=str.encode):
        raise StoreError(
            "the database must hold UTF-8 and sort by code points: make it with `createdb --template template0 "
            "--encoding UTF8 --locale-provider libc --lc-collate C --lc-ctype C.UTF-8 NAME`"
        )
