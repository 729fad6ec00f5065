"""Records of cases and the pictures under review, sealed (AES-256-GCM) and bound to their place. Records are added and
never changed; what is in force follows from all records of a kind, so nothing can be changed unnoticed. Write access to
the database is not enough to make one, nor to remove one: each is bound to the ledger, with its id, its number among
those of its kind, and its place among those of its kind and of its parent, so that a reader knows how many there must
be. Pictures are erased when their review is over.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded, bound_row
from countenance.database import Transaction, changing, reading
from countenance.errors import Conflict, Misconfigured, NotAsRecorded, NotFound
from countenance.signing import JSON, KEY_TRIES, canonical, opens_one

_TRIES = 3  # of a look-up while records are added
_metadata = sa.MetaData()
_records = sa.Table(
    "casework_records",
    _metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("record_id", sa.String(128), primary_key=True),
    sa.Column("parent", sa.String(128), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
_NUMBER = "number"  # bound by itself, since it is younger than the rest
_pictures = sa.Table(
    "casework_pictures",
    _metadata,
    sa.Column("owner", sa.String(128), primary_key=True),
    sa.Column("part", sa.String(32), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One record. parent: the id of what it belongs to. value: its content."""

    record_id: str
    parent: str
    at: datetime
    value: dict[str, Any]


class CaseRecords:
    """The store. sealing_key: 32 bytes. now: the clock, UTC. All reading of records raises `NotAsRecorded` where one
    was removed or altered.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(
        self, engine: sa.Engine, sealing_key: bytes, now: Callable[[], datetime], recorder: Recorder | None = None
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._seal = AESGCM(sealing_key)
        self.now = now

    def add(self, kind: str, record_id: str, parent: str, value: JSON) -> None:
        """Add a record; `Conflict` if there is one of that kind and id."""

        def work(transaction: Transaction) -> BoundChange[None]:
            try:
                return BoundChange(None, made=self._insert(transaction.connection, kind, record_id, parent, value))
            except IntegrityError:
                raise Conflict(f"this was done already: {kind}") from None

        self._recorder.change(work)

    def get(self, kind: str, record_id: str) -> CaseRecord:
        """One record, or `NotFound`."""
        rows = self._checked_one(kind, record_id)
        if not rows:
            raise NotFound(f"there is no such {kind}")
        return self._record(rows[0])

    def has(self, kind: str, record_id: str) -> bool:
        """Whether there is a record of that kind and id. It is not unsealed."""
        return bool(self._checked_one(kind, record_id))

    def ids(self, kind: str, parent: str) -> list[str]:
        """The ids of the records of a kind and parent, oldest first. None of them is unsealed."""
        where = (_records.c.kind == kind, _records.c.parent == parent)
        rows = self._checked(*where, next_one=lambda number: _place(kind, parent, number))
        return [row.record_id for row in rows]

    def those(self, kind: str, record_ids: Collection[str]) -> list[CaseRecord]:
        """Those of the records with these ids that there are."""
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                rows = _rows(connection, _records.c.kind == kind, _records.c.record_id.in_(record_ids))
            there = {row.record_id for row in rows}
            if self._as_recorded(rows, [_id(kind, each) for each in record_ids if each not in there]):
                return [self._record(row) for row in rows]
        raise _not_as_recorded()

    def of(self, kind: str, parent: str | None = None) -> list[CaseRecord]:
        """All records of a kind, or those of one parent, oldest first."""
        where = [_records.c.kind == kind]
        if parent is not None:
            where.append(_records.c.parent == parent)
        rows = self._checked(*where, next_one=lambda number: _place(kind, parent, number))
        return [self._record(row) for row in rows]

    def of_each(self, kind: str, parents: Collection[str]) -> dict[str, list[CaseRecord]]:
        """The records of a kind of several parents, oldest first, by parent."""
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                rows = _rows(connection, _records.c.kind == kind, _records.c.parent.in_(parents))
            counts = Counter(row.parent for row in rows)
            if self._as_recorded(rows, [_place(kind, parent, counts[parent]) for parent in parents]):
                every = defaultdict[str, list[CaseRecord]](list)
                for row in rows:
                    every[row.parent].append(self._record(row))
                return every
        raise _not_as_recorded()

    def page(self, kind: str, number: int, size: int, parent: str | None = None) -> tuple[list[CaseRecord], bool]:
        """`size` records of a kind, or those of one parent, the latest first, of the page with that number from 0;
        whether there is another page. Only those are read and unsealed.
        """
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                count = _next_number(connection, kind) if parent is None else _count(connection, kind, parent)
                end = max(0, count - number * size)
                start = max(0, end - size)
                rows = _part(connection, kind, parent, start, end)
            if len(rows) == end - start and self._as_recorded(rows, [_place(kind, parent, count)]):
                return [self._record(row) for row in reversed(rows)], start > 0
        raise _not_as_recorded()

    def keep_picture(self, owner: str, part: str, content: bytes) -> None:
        """Keep a picture, in place of an earlier one of that owner and part."""
        sealed = self._sealed(content, f"{owner}\n{part}")
        with changing(self._engine) as connection:
            connection.execute(_pictures.delete().where(_pictures.c.owner == owner, _pictures.c.part == part))
            connection.execute(_pictures.insert().values(owner=owner, part=part, sealed=sealed))

    def picture(self, owner: str, part: str) -> bytes:
        """A picture, or `NotFound`."""
        where = (_pictures.c.owner == owner, _pictures.c.part == part)
        with reading(self._engine) as connection:
            sealed = connection.execute(sa.select(_pictures.c.sealed).where(*where)).scalar()
        if sealed is None:
            raise NotFound("there is no such picture: it is erased when its review is over")
        return self._opened(sealed, f"{owner}\n{part}")

    def pictures_of(self, owner: str) -> frozenset[str]:
        """The parts that have pictures."""
        with reading(self._engine) as connection:
            return frozenset(
                connection.execute(sa.select(_pictures.c.part).where(_pictures.c.owner == owner)).scalars()
            )

    def owners_of_pictures(self) -> frozenset[str]:
        """Everything that pictures are kept for."""
        with reading(self._engine) as connection:
            return frozenset(connection.execute(sa.select(_pictures.c.owner).distinct()).scalars())

    def erase_pictures(self, owner: str) -> int:
        """Erase all pictures of an owner (secure_delete overwrites them); returns how many there were."""
        with changing(self._engine) as connection:
            return int(connection.execute(_pictures.delete().where(_pictures.c.owner == owner)).rowcount)

    def erase_pictures_of_faces(
        self, transaction: Transaction, face_ids: Collection[str], gallery_id: str | None
    ) -> list[BoundRow]:
        """Erase the pictures of enrolled faces that are erased in the same transaction, alone or with their gallery,
        and note which leads they were: nobody can judge these any more. The rows of these notes.
        """
        connection, rows = transaction.connection, list[BoundRow]()
        for owner in connection.execute(sa.select(_pictures.c.owner).distinct()).scalars().all():
            is_search = (_records.c.kind == "search", _records.c.record_id == owner)
            for search in map(self._record, _rows(connection, *is_search)):
                whole = gallery_id is not None and search.value["gallery_id"] == gallery_id
                for place, lead in enumerate(search.value["leads"]):
                    if whole or lead["face_id"] in face_ids:
                        connection.execute(
                            _pictures.delete().where(_pictures.c.owner == owner, _pictures.c.part == str(place))
                        )
                        noted = (_records.c.kind == "face erased", _records.c.record_id == f"{owner}/{place}")
                        if not _rows(connection, *noted):
                            rows += self._insert(connection, "face erased", f"{owner}/{place}", owner, {"lead": place})
        return rows

    def key_fits(self) -> bool:
        """Whether records were sealed with this sealing key; True where there is none to tell by."""
        with reading(self._engine) as connection:
            some = connection.execute(sa.select(_records).limit(KEY_TRIES)).all()
        return opens_one(self._record, some)

    def _insert(
        self, connection: sa.Connection, kind: str, record_id: str, parent: str, value: JSON
    ) -> tuple[BoundRow, ...]:
        at = self.now().astimezone(UTC).isoformat()
        sealed = self._sealed(canonical(value), f"{kind}\n{record_id}\n{parent}\n{at}")
        before_here = _count(connection, kind, parent)
        row = {"kind": kind, "record_id": record_id, "parent": parent, "made_at": at, "sealed": sealed}
        number = _next_number(connection, kind)
        connection.execute(_records.insert().values(**row, number=number))
        (made,) = _rows(connection, _records.c.kind == kind, _records.c.record_id == record_id)
        places = (_place(kind, None, number), _place(kind, parent, before_here))
        return _bound(made), _id(kind, record_id), *places, _numbered(made)

    def _checked_one(self, kind: str, record_id: str) -> Sequence[Any]:
        where = (_records.c.kind == kind, _records.c.record_id == record_id)
        return self._checked(*where, next_one=lambda count: None if count else _id(kind, record_id))

    def _checked(self, *where: sa.ColumnElement[bool], next_one: Callable[[int], BoundRow | None]) -> Sequence[Any]:
        """Rows as they were recorded, oldest first. next_one: after so many, what stands where there must be more."""
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                rows = _rows(connection, *where)
            more = next_one(len(rows))
            if self._as_recorded(rows, [more] if more else []):
                return rows
        raise _not_as_recorded()

    def _as_recorded(self, rows: Sequence[Any], after: Sequence[BoundRow]) -> bool:
        """Whether `rows` are, and nothing stands `after` them that is not there."""
        recorder = self._recorder
        if after and recorder.missing(*after):
            return False
        return not recorder.differing(each for row in rows for each in (_bound(row), _numbered(row)))

    def _record(self, row: Any) -> CaseRecord:
        opened = self._opened(row.sealed, f"{row.kind}\n{row.record_id}\n{row.parent}\n{row.made_at}")
        return CaseRecord(row.record_id, row.parent, datetime.fromisoformat(row.made_at), json.loads(opened))

    def _sealed(self, content: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._seal.encrypt(nonce, content, bound_to.encode())

    def _opened(self, sealed: bytes, bound_to: str) -> bytes:
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], bound_to.encode())
        except InvalidTag as error:
            raise Misconfigured("a record of a case was not written by this installation") from error


def case_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All records, their ids and their places, for comparison with what was recorded."""
    places: Counter[tuple[str, str | None]] = Counter()
    for row in connection.execute(sa.select(_records)):
        name = f"casework_records, row {row.kind!r} {row.record_id!r}: the record"
        yield _bound(row), name
        yield _id(row.kind, row.record_id), name
        for parent in (None, row.parent):
            yield _place(row.kind, parent, places[row.kind, parent]), name
            places[row.kind, parent] += 1


def case_number_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """The numbers of all records, for comparison with what was recorded."""
    for row in connection.execute(sa.select(_records.c.kind, _records.c.record_id, _records.c.number)):
        yield _numbered(row), f"casework_records, row {row.kind!r} {row.record_id!r}: its number"


def _rows(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> Sequence[Any]:
    return connection.execute(sa.select(_records).where(*where).order_by(_records.c.number)).all()


def _part(connection: sa.Connection, kind: str, parent: str | None, start: int, end: int) -> Sequence[Any]:
    """The records of a kind, or those of one parent, from `start` to before `end`, counted from the oldest."""
    if parent is None:
        numbers = (_records.c.number >= start, _records.c.number < end)
        return _rows(connection, _records.c.kind == kind, *numbers)
    those = sa.select(_records).where(_records.c.kind == kind, _records.c.parent == parent)
    return connection.execute(those.order_by(_records.c.number).limit(end - start).offset(start)).all()


def _count(connection: sa.Connection, kind: str, parent: str) -> int:
    here = (_records.c.kind == kind, _records.c.parent == parent)
    return int(connection.execute(sa.select(sa.func.count()).where(*here)).scalar_one())


def _next_number(connection: sa.Connection, kind: str) -> int:
    """How many records of a kind there are: they are numbered from 0."""
    last = connection.execute(sa.select(sa.func.max(_records.c.number)).where(_records.c.kind == kind)).scalar()
    if not isinstance(last, int | None):  # SQLite keeps in a column what its type does not have
        raise _not_as_recorded()
    return 0 if last is None else last + 1


def _not_as_recorded() -> NotAsRecorded:
    return NotAsRecorded("a record of a case was removed, or is not as the ledger recorded it")


def _bound(row: Any) -> BoundRow:
    return bound_row(_records, row, (_NUMBER,))


def _numbered(row: Any) -> BoundRow:
    return BoundRow("casework_record_numbers", (row.kind, row.record_id, row.number))


def _id(kind: str, record_id: str) -> BoundRow:
    return BoundRow("casework_record_ids", (kind, record_id))


def _place(kind: str, parent: str | None, number: int) -> BoundRow:
    """That there are more than `number` records of that kind and parent, or of that kind."""
    return BoundRow("casework_record_places", (kind, parent, number))
