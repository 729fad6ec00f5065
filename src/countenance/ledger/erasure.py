"""Erasing openings: the private values go, the commitments and the tree stay, and the erasure is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Engine, and_, cast, delete, or_, select

from countenance.database import Transaction, field_of, kind_of, place_in
from countenance.errors import Conflict
from countenance.ledger import tables
from countenance.ledger.batch import Batch
from countenance.ledger.entries import Draft, say
from countenance.signing import JSON

_PER_QUERY = 100
PER_ENTRY = 500
"""The most openings that one erasure entry lists, so that it stays far below an entry's limit."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which openings: those that meet all conditions that are not None.

    value: canonical JSON. before: a ledger timestamp.
    """

    sequence: int | None = None
    name: str | None = None
    value: str | None = None
    before: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for the database."""
        c = tables.openings.c
        wanted = [(c.sequence, self.sequence), (c.name, self.name), (c.value, self.value)]
        conditions = [column == value for column, value in wanted if value is not None]
        return conditions if self.before is None else [*conditions, c.time < self.before]


def erase(batch: Batch, transaction: Transaction, selection: Selection) -> int:
    """Delete the selected openings in `transaction` and record where they were; returns how many there were."""
    return _erase(batch, transaction, selection.conditions())


def erase_about(batch: Batch, transaction: Transaction, face_ids: Sequence[str], gallery_id: str | None) -> int:
    """Delete all openings of each call that names one of those faces, or that gallery; returns how many there were.

    A call is a decision and its result: the decision that enrolled a face holds its external id, and the result its
    face id. The openings of other faces of the same call go with it.
    """
    connection = transaction.connection
    c, e = tables.openings.c, tables.entries.c
    named = [place_in(c.value, say(face_id)) > 0 for face_id in face_ids]
    if gallery_id is not None:
        named.append(and_(c.name == "gallery", c.value == say(gallery_id)))
    calls: set[int] = set()
    for start in range(0, len(named), _PER_QUERY):
        calls |= set(connection.execute(select(c.sequence).where(or_(*named[start : start + _PER_QUERY]))).scalars())
    decision = cast(field_of(e.entry, "decision"), BigInteger)
    for some in _portions(calls):
        calls |= {int(d) for d in connection.execute(select(decision).where(e.sequence.in_(some))).scalars() if d}
    for some in _portions(calls):
        results = select(e.sequence).where(e.sequence > min(some), decision.in_(some))
        calls |= set(connection.execute(results).scalars())
    return sum(_erase(batch, transaction, [c.sequence.in_(some)]) for some in _portions(calls))


def _portions(calls: set[int]) -> list[list[int]]:
    ordered = sorted(calls)
    return [ordered[start : start + PER_ENTRY] for start in range(0, len(ordered), PER_ENTRY)]


def _erase(batch: Batch, transaction: Transaction, conditions: Sequence[ColumnElement[bool]]) -> int:
    batch.check_clock()
    connection = transaction.connection
    c = tables.openings.c
    query = select(c.sequence, c.name).where(*conditions).order_by(c.sequence, c.name)
    chosen = [(int(row.sequence), str(row.name)) for row in connection.execute(query)]
    for start in range(0, len(chosen), PER_ENTRY):
        erased: list[JSON] = [[sequence, name] for sequence, name in chosen[start : start + PER_ENTRY]]
        batch.add(Draft.of({"kind": "erasure", "erased": erased}))
    if chosen:
        connection.execute(delete(tables.openings).where(*conditions))
    return len(chosen)


def wipe(engine: Engine) -> None:
    """Overwrite the write-ahead log, which may still hold what was deleted from the tables.

    `Conflict` where somebody reads an older state of the database for longer than its connections wait for locks. A
    PostgreSQL server overwrites in its own time (docs/postgresql.md): there, nothing is done.
    """
    kind = kind_of(engine)
    if kind.overwrites and not kind.scrub(engine):
        raise Conflict("erased from the tables; the write-ahead log is in use and may hold old copies for a while")
