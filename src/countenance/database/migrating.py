"""Bringing the tables up to date: the same migrations in every database."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from countenance.database.sqlite import MOVED_AWAY
from countenance.disk_faults import disk_fault
from countenance.errors import StoreError

MOVING, MOVED = "moving", "moved"
"""Versions that stand in a database while an installation is copied into it, and in the one that it was copied from."""
_CLOSED = {
    MOVING: "an installation is being moved into it: let `countenance database move` end",
    MOVED: MOVED_AWAY,
}
MIGRATIONS = Path(__file__).parent.with_name("migrations")
VERSION = sa.table("alembic_version", sa.column("version_num"))
"""Of the tables: the migrations that were applied."""


def scripts() -> ScriptDirectory:
    """All migrations."""
    return ScriptDirectory.from_config(_config())


def version_in(connection: Connection) -> str | None:
    """The version of the tables; None where there are none."""
    there = sa.inspect(connection).has_table(VERSION.name)
    return connection.execute(sa.select(VERSION.c.version_num)).scalar() if there else None


def migrate(engine: Engine, version: str = "head") -> None:
    """Apply the migrations that the database lacks, up to `version`; `StoreError` if a newer Countenance wrote it."""
    config = _config()
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, version)
    except (SQLAlchemyError, CommandError) as error:
        if (fault := disk_fault(error)) is not None:
            raise StoreError(f"the database cannot be opened or migrated: {fault}") from error
        closed = next((why for version, why in _CLOSED.items() if f"'{version}'" in str(error)), None)
        if closed is None and isinstance(unknown := error.__cause__, ResolutionError):
            raise StoreError(
                f"the database has version {unknown.argument}, and this Countenance knows those up to "
                f"{scripts().get_current_head()}: install the Countenance that wrote it, or a newer one"
            ) from error
        why = closed or f"{type(error).__name__}: {error}"
        raise StoreError(f"the database cannot be opened or migrated: {why}") from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
