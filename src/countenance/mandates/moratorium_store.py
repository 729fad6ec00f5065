"""The store of moratoria: signed statements as JSON text. The reader checks the signatures."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, Text, select
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.database import Direct, Transaction
from countenance.errors import AlreadyExists, Conflict, NotAsRecorded

_moratoria = Table(
    "moratoria",
    MetaData(),
    Column("moratorium_id", String(255), primary_key=True),
    Column("statements", Text, nullable=False),
)

_ALL = Direct(select(_moratoria.c.moratorium_id, _moratoria.c.statements).order_by(_moratoria.c.moratorium_id))


_TRIES = 3  # of a look-up whose rows are being changed


class MoratoriumStore:
    """The signed statements of all moratoria ever set. None is ever removed. recorder: records changes of rows; without
    it none are recorded, and every row is trusted.
    """

    def __init__(self, engine: Engine, recorder: Recorder | None = None) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)

    def add(self, moratorium_id: str, statements: str) -> None:
        """Store a new one; `AlreadyExists` if the id is taken."""

        def work(transaction: Transaction) -> BoundChange[None]:
            new = _moratoria.insert().values(moratorium_id=moratorium_id, statements=statements)
            try:
                transaction.connection.execute(new)
            except IntegrityError:
                raise AlreadyExists(f"there is a moratorium {moratorium_id!r} already") from None
            return BoundChange(None, made=(_bound(moratorium_id, statements),))

        self._recorder.change(work)

    def replace(self, moratorium_id: str, before: str, after: str) -> None:
        """Replace `before` with `after`; `Conflict` if the stored text has changed in the meantime."""

        def work(transaction: Transaction) -> BoundChange[None]:
            done = transaction.connection.execute(
                _moratoria.update()
                .where(_moratoria.c.moratorium_id == moratorium_id, _moratoria.c.statements == before)
                .values(statements=after)
            )
            if done.rowcount != 1:
                raise Conflict(f"the moratorium {moratorium_id!r} was changed meanwhile")
            return BoundChange(None, made=(_bound(moratorium_id, after),), unmade=(_bound(moratorium_id, before),))

        self._recorder.change(work)

    def all(self) -> dict[str, str]:
        """The statements by id; `NotAsRecorded` if one is missing or differs from the record."""
        for _ in range(_TRIES):
            orders = dict(_ALL.rows(self._engine))
            if self._recorder.complete(_moratoria.name, [_bound(*row) for row in orders.items()]):
                return orders
        raise NotAsRecorded("the moratoria in the database are not those that the ledger recorded")


def moratorium_rows(connection: Connection) -> Iterator[tuple[BoundRow, str]]:
    """All moratoria, for comparison with what was recorded."""
    for row in connection.execute(select(_moratoria)):
        yield _bound(row.moratorium_id, row.statements), f"moratoria, row {row.moratorium_id!r}: the moratorium"


def _bound(moratorium_id: str, statements: str) -> BoundRow:
    return BoundRow(_moratoria.name, (moratorium_id, statements))
