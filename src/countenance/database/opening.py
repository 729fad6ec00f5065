"""Opening the one database, whichever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from countenance.database.kinds import kind_of
from countenance.database.migrating import migrate
from countenance.database.postgresql import open_server
from countenance.database.sqlite import open_file


def open_database(place: Path | str) -> Engine:
    """Open the SQLite file at a path, or create it, or the PostgreSQL database at a URL; bring its tables up to date.

    Committed data survive a power cut. Read inside `reading(engine)`, which takes no lock; write inside
    `changing(engine)` or `writing(engine)`, one at a time in all processes.
    """
    engine = connect(place)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def connect(place: Path | str) -> Engine:
    """As `open_database`, with the tables as they are."""
    engine = open_file(place) if isinstance(place, Path) else open_server(place)
    kind = kind_of(engine)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        statement = connection.get_execution_options().get("begin", kind.begin_write)
        if statement is not None:
            connection.exec_driver_sql(statement, execution_options={"stream_results": False, "yield_per": None})

    @event.listens_for(engine, "commit")
    def _commit(connection: Any) -> None:
        kind.check_whole(connection.connection.dbapi_connection)

    return engine
