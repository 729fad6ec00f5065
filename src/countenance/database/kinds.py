"""Which kinds of databases there are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Engine

from countenance.database.kind import DatabaseKind
from countenance.database.postgresql import PostgreSQL
from countenance.database.sqlite import SQLite

SQLITE, POSTGRESQL = SQLite(), PostgreSQL()
_KINDS: Mapping[str, DatabaseKind] = MappingProxyType({"sqlite": SQLITE, "postgresql": POSTGRESQL})


def kind_of(engine: Engine) -> DatabaseKind:
    """The kind that this database is of."""
    return _KINDS[engine.dialect.name]
