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


_SERVER_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "08": "the database server cannot be reached: see that it runs, and that COUNTENANCE_DATABASE names it",
        "host": "there is no such host: see that COUNTENANCE_DATABASE names the database server",
        "ssl": "the connection cannot be encrypted as the URL asks: see sslmode, sslrootcert and the like in it, and "
        "`ssl` on the server",
        "28": "the database server refuses this user: see its name, its password and pg_hba.conf",
        "3D": "there is no such database on the server: make it with createdb",
        "42501": "this database user may not do that: grant it all on the database and its schema",
        "25006": "the database server may only be read: it is a standby, or was told so",
        "53100": "the disk of the database server is full: make room there",
        "53": "the database server is out of memory or connections: raise its limits, or run fewer processes",
        "55P03": "another process holds the database: end it, or let it finish",
        "57014": "the database server cancelled a statement that took too long for it: raise statement_timeout",
        "57": "the database server is stopping, starting or ended the connection: see its log",
        "58": "the disk of the database server refuses: see its log",
        "XX": "the database is damaged: stop, keep its files, and put a backup in their place",
    }
)
"""By SQLSTATE, or its class where that has no words of its own."""
_UNCONNECTED: Mapping[str, str] = MappingProxyType(
    {
        "authentication failed": "28",
        "no password supplied": "28",
        "pg_hba.conf": "28",
        "role ": "28",
        "does not exist": "3D",
        "could not translate host name": "host",
        "failed to resolve host": "host",
        "sslmode": "ssl",
        "does not support ssl": "ssl",
        "certificate": "ssl",
        "too many": "53",
        "remaining connection slots": "53",
        "the database system is": "57",
    }
)
"""Words of a connection that was refused, for which the driver knows no SQLSTATE; the first that is found counts."""


def disk_fault(error: BaseException) -> str | None:
    """What is wrong and what can be done, for an error of a database, also through SQLAlchemy; None for any other."""
    error = _of_driver(error)
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _FAULTS.get(code & 0xFF)
    state = _unconnected(error) if lost_connection(error) and not _state(error) else _state(error)
    return _SERVER_FAULTS.get(state) or _SERVER_FAULTS.get(state[:2])


def lost_connection(error: BaseException) -> bool:
    """Whether an error of psycopg, also through SQLAlchemy, says that there is no connection to the server any more."""
    error = _of_driver(error)
    if not type(error).__module__.startswith("psycopg"):
        return False
    state = _state(error)
    if state:
        return state.startswith("08") or state in ("57P01", "57P02", "57P03")
    return type(error).__name__ in ("OperationalError", "InterfaceError", "ConnectionTimeout")


def _unconnected(error: BaseException) -> str:
    """Why there is no connection, as a key of `_SERVER_FAULTS`; another language than English is not understood."""
    said = str(error).lower()
    return next((state for words, state in _UNCONNECTED.items() if words in said), "08")


def _of_driver(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _state(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""
