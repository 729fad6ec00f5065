"""The one database that holds all state: a SQLite file, or a PostgreSQL database; the driver's fast lane into both."""

from countenance.database.expressions import field_of, inserting, place_in
from countenance.database.kind import LOCK_PATIENCE_S, Busy, Claim, DatabaseKind
from countenance.database.kinds import kind_of
from countenance.database.migrating import MIGRATIONS, MOVED, MOVING, VERSION, migrate, scripts, version_in
from countenance.database.opening import connect, open_database
from countenance.database.postgresql import SCHEME, shown
from countenance.database.transactions import (
    Direct,
    Transaction,
    changing,
    reading,
    reading_once,
    writing,
)

__all__ = [
    "LOCK_PATIENCE_S",
    "MIGRATIONS",
    "MOVED",
    "MOVING",
    "SCHEME",
    "VERSION",
    "Busy",
    "Claim",
    "DatabaseKind",
    "Direct",
    "Transaction",
    "changing",
    "connect",
    "field_of",
    "inserting",
    "kind_of",
    "migrate",
    "open_database",
    "place_in",
    "reading",
    "reading_once",
    "scripts",
    "shown",
    "version_in",
    "writing",
]
