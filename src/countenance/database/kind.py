"""What differs between the databases that everything can be kept in: one protocol, one implementation for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.engine.interfaces import DBAPICursor

LOCK_PATIENCE_S = 30.0
"""Default time that a writer waits for another writer, in seconds."""


class Busy(Exception):
    """Another writer held the database for longer than this transaction was ready to wait."""


Claim: TypeAlias = Callable[[int], bool]
"""Claims what has this number (0 to 2^31) for the caller alone; False where somebody else has it."""


class DatabaseKind(Protocol):
    """A kind of database. Everything else is the same SQLAlchemy Core code.

    begin_read, begin_write: the SQL that begins a transaction which sees one snapshot, and one that writes. Of those
    that write there is one at a time in all processes together, so that each sees what every one before it did.
    overwrites: whether what is deleted can be overwritten in its files, see `scrub`.
    """

    begin_read: str
    begin_write: str
    overwrites: bool

    def begin_writing(self, cursor: DBAPICursor, patience_s: float, *, synced: bool) -> None:
        """Begin a transaction that writes; `Busy` where another one goes on for longer than `patience_s` seconds.

        synced: whether its commit waits for the disk.
        """

    def check_whole(self, connection: Any) -> None:
        """Before the commit on the driver's `connection`: `StoreError` where it would not keep what was written."""

    def end_writing(self, cursor: DBAPICursor, *, synced: bool) -> None:
        """Undo what `begin_writing` changed of the connection, after the commit."""

    def try_writing(self, cursor: DBAPICursor) -> None:
        """Have the commit need the disk, without changing anything that is kept."""

    def claiming(self, engine: Engine) -> AbstractContextManager[Claim]:
        """Claims that last until the block or the process ends, however it ends; no number is claimed twice meanwhile.

        SQLite: among the threads of one process, which has to be the only one that claims. PostgreSQL: among all
        processes; where the connection to the database is lost, the claims are, too.
        """

    def scrub(self, engine: Engine, wait_ms: int | None = None) -> bool:
        """Have nothing that was deleted stay in the files of the database, as far as that can be asked for.

        False where it stays, as where somebody reads an older state for longer than `wait_ms` (None: than connections
        wait for locks).
        """

    def lost(self, error: BaseException) -> bool:
        """Whether this error of the driver, also through SQLAlchemy, says that the connection is gone."""

    def cannot_be_kept(self, error: BaseException) -> str | None:
        """What of a request the database cannot keep, for such an error; None for any other."""

    def last_numbers(self, connection: Connection, tables: Sequence[Table]) -> dict[str, int]:
        """The last number that was given to a row of each of the `tables` that numbers its rows, if one was."""

    def go_on_after(self, connection: Connection, tables: Sequence[Table], numbers: Mapping[str, int]) -> None:
        """Give the next row of each of the `tables` a number after that in `numbers`, if one is there."""
