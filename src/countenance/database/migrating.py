"""Bringing the tables up to date: the same migrations in every database."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from countenance.disk_faults import disk_fault
from countenance.errors import StoreError

MOVING, MOVED = "moving", "moved"
"""Versions that stand in a database while an installation is copied into it, and in the one that it was copied from."""
_CLOSED = {
    MOVING: "an installation is being moved into it: let `countenance database move` end",
    MOVED: "everything was moved to another database: name that one with COUNTENANCE_DATABASE",
}
MIGRATIONS = Path(__file__).parent.with_name("migrations")


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
        closed = next((why for version, why in _CLOSED.items() if f"'{version}'" in str(error)), None)
        why = closed or f"{type(error).__name__}: {error}"
        raise StoreError(f"the database cannot be opened or migrated: {why}") from error
