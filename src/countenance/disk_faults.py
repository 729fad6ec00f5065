"""What keeps the database from being written, in words of whoever can mend it, and what they can do."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.exc import DBAPIError

_FAULTS: Mapping[int, str] = MappingProxyType(
    {
        sqlite3.SQLITE_FULL: "the disk is full: make room where the data folder lies",
        sqlite3.SQLITE_READONLY: "the database may only be read: give the data folder back its writing permission, or "
        "mount its disk for writing",
        sqlite3.SQLITE_PERM: "the database may not be opened: give the data folder back to the user who runs this",
        sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: see that the data folder is there, writable and has "
        "room, and that enough files may be open",
        sqlite3.SQLITE_IOERR: "the disk refuses (no room, a quota, a limit on the size of files, or a failing disk): "
        "see `df`, `quota`, `ulimit -f` and the system's log",
        sqlite3.SQLITE_CORRUPT: "the database is damaged: stop, keep the files, and put a backup in their place",
        sqlite3.SQLITE_NOTADB: "the file is not a database: stop, keep it, and put a backup in its place",
        sqlite3.SQLITE_BUSY: "another process holds the database: end it, or let it finish",
        sqlite3.SQLITE_LOCKED: "another process holds the database: end it, or let it finish",
    }
)


def disk_fault(error: BaseException) -> str | None:
    """What is wrong and what can be done, for an error of SQLite, also through SQLAlchemy; None for any other."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    code = getattr(error, "sqlite_errorcode", None)
    return None if not isinstance(code, int) else _FAULTS.get(code & 0xFF)
