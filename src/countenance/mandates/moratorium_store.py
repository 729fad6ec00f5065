"""The store of moratoria: signed statements as JSON text. The reader checks the signatures."""

from __future__ import annotations

from sqlalchemy import Column, Engine, MetaData, String, Table, Text, select
from sqlalchemy.exc import IntegrityError

from countenance.database import Direct, changing
from countenance.errors import AlreadyExists, Conflict

_moratoria = Table(
    "moratoria",
    MetaData(),
    Column("moratorium_id", String(255), primary_key=True),
    Column("statements", Text, nullable=False),
)

_ALL = Direct(select(_moratoria.c.moratorium_id, _moratoria.c.statements).order_by(_moratoria.c.moratorium_id))


class MoratoriumStore:
    """The signed statements of all moratoria ever set. None is ever removed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, moratorium_id: str, statements: str) -> None:
        """Store a new one; `AlreadyExists` if the id is taken."""
        try:
            with changing(self._engine) as connection:
                connection.execute(_moratoria.insert().values(moratorium_id=moratorium_id, statements=statements))
        except IntegrityError:
            raise AlreadyExists(f"there is a moratorium {moratorium_id!r} already") from None

    def replace(self, moratorium_id: str, before: str, after: str) -> None:
        """Replace `before` by `after`; `Conflict` if the stored text has changed in the meantime."""
        with changing(self._engine) as connection:
            done = connection.execute(
                _moratoria.update()
                .where(_moratoria.c.moratorium_id == moratorium_id, _moratoria.c.statements == before)
                .values(statements=after)
            )
        if done.rowcount != 1:
            raise Conflict(f"the moratorium {moratorium_id!r} was changed meanwhile")

    def all(self) -> dict[str, str]:
        """The statements by id."""
        return dict(_ALL.rows(self._engine))
