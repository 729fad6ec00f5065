"""Rows that grant, stop or identify are bound to the record: whoever changes one says so, whoever uses one asks.

The stores know this protocol only; the ledger keeps it (`countenance.ledger.bindings`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, select

from countenance.database import Transaction, writing

T = TypeVar("T")
Value: TypeAlias = "str | int | float | bytes | None"


@dataclass(frozen=True, slots=True)
class BoundRow:
    """A row of a table as the database holds it. table: its name, and what it is a part of, such as `faces 3`."""

    table: str
    values: tuple[Value, ...]


def bound_row(table: Table, row: Row[Any], besides: Collection[str] = ()) -> BoundRow:
    """`row`, a whole row of `table`. besides: columns that are not bound."""
    return BoundRow(table.name, tuple(value for name, value in row._mapping.items() if name not in besides))


def bound_rows(
    connection: Connection, table: Table, where: ColumnElement[bool], besides: Collection[str] = ()
) -> tuple[BoundRow, ...]:
    """The rows of `table` where it says. besides: columns that are not bound."""
    return tuple(bound_row(table, row, besides) for row in connection.execute(select(table).where(where)))


@dataclass(frozen=True, slots=True)
class BoundChange(Generic[T]):
    """What a piece of work did.

    made: bound rows as they are now. unmade: as they were. dropped: tables that are gone with all their rows.
    faces, gallery: what was erased; the openings of calls that name it go too.
    """

    result: T
    made: tuple[BoundRow, ...] = ()
    unmade: tuple[BoundRow, ...] = ()
    dropped: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()
    gallery: str | None = None


Lister: TypeAlias = Callable[[Connection], Iterator[tuple[BoundRow, str]]]
"""All bound rows of some tables, each with words that tell people which row it is and nothing private."""


Going: TypeAlias = Callable[[Connection, ColumnElement[bool]], Sequence[BoundRow]]
"""The bound rows of other tables that go with those rows of a table for which the condition holds."""


def none_going(connection: Connection, where: ColumnElement[bool]) -> Sequence[BoundRow]:
    """Of a table that no bound row of another refers to."""
    return ()


Fetch: TypeAlias = Callable[..., list[tuple[Any, ...]]]
"""All rows of a `Direct` statement with its values, as `Transaction.rows` gives them."""


class NamedHeads(Protocol):
    """Which charges the ledger's entries name."""

    def __call__(self, fetch: Fetch, start: int) -> tuple[int, Iterator[tuple[int, str]]]:
        """How many entries there are; and (entry, head) of those from `start` on that name one, the newest first."""


def no_heads(fetch: Fetch, start: int) -> tuple[int, Iterator[tuple[int, str]]]:
    """Of an account that no ledger names."""
    return 0, iter(())


class Recorder(Protocol):
    """Where changes of bound rows are recorded, and whether a row is as it was recorded."""

    def change(self, work: Callable[[Transaction], BoundChange[T]]) -> T:
        """Do `work` in a transaction that records what it changed; its result, when both are durable.

        `NotAsRecorded`, with nothing done, where a row that it changes was not as recorded; `NotRecorded` where the
        ledger cannot be written.
        """

    def differing(self, rows: Iterable[BoundRow], *, once: bool = False) -> list[int]:
        """Which of `rows`, by index, are not as they were recorded last. once: they are not asked about often."""

    def complete(self, table: str, rows: Collection[BoundRow]) -> bool:
        """Whether `rows` are all rows of the table, each as it was recorded last."""

    def missing(self, *rows: BoundRow) -> bool:
        """Of rows that are not there: whether one of them was recorded, and so was removed by hand."""


class Unrecorded:
    """Changes that nobody records, on rows that nobody doubts: for stores that are used by themselves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def change(self, work: Callable[[Transaction], BoundChange[T]]) -> T:
        """Do it."""
        with writing(self._engine) as transaction:
            return work(transaction).result

    def differing(self, rows: Iterable[BoundRow], *, once: bool = False) -> list[int]:
        """None."""
        return []

    def complete(self, table: str, rows: Collection[BoundRow]) -> bool:
        """Yes."""
        return True

    def missing(self, *rows: BoundRow) -> bool:
        """No."""
        return False
