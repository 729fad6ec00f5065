"""The one database: opened with the durability that the promises need, and migrated before anything reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from countenance.errors import StoreError

MIGRATIONS = Path(__file__).with_name("migrations")


def open_database(path: Path) -> Engine:
    """Open (or make) the SQLite file at `path` and bring its tables up to date.

    WAL, synchronous=FULL (what was committed survives a power cut), secure_delete (what was deleted is overwritten),
    foreign keys on. Every transaction starts with BEGIN IMMEDIATE, so that a writer waits instead of failing half-way;
    read inside `reading(engine)`, which takes no lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30, "check_same_thread": False})

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


class Direct:
    """A statement of every request, handed to the driver as it is: SQLAlchemy's part would cost more than SQLite's.

    For plain values only (text, numbers, bytes): the driver gives and takes them as they lie in the database.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._written: dict[Dialect, tuple[str, Sequence[str] | None, Mapping[str, object]]] = {}

    def rows(self, engine: Engine, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, which is a snapshot by itself; waits for no writer."""
        pooled = engine.raw_connection()
        try:
            return self.on(pooled.cursor(), engine.dialect, values)
        finally:
            pooled.close()

    def on(self, cursor: DBAPICursor, dialect: Dialect, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Its rows, asked through `cursor`."""
        text, order, fixed = self._in(dialect)
        values = {**fixed, **values}
        cursor.execute(text, values if order is None else [values[name] for name in order])
        return list(cursor.fetchall())

    def many(self, cursor: DBAPICursor, dialect: Dialect, rows: Sequence[Mapping[str, object]]) -> None:
        """Run it once for each of `rows`."""
        text, order, _ = self._in(dialect)
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
