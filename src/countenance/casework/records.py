"""Records of cases and the pictures under review, sealed (AES-256-GCM) and bound to their place. Records are added and
never changed; what is in force follows from all records of a kind, so nothing can be changed unnoticed. Write access to
the database is not enough to make one. Pictures are erased when their review is over.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import IntegrityError

from countenance.database import Transaction, changing, order_written, reading
from countenance.errors import Conflict, Misconfigured, NotFound
from countenance.signing import JSON, canonical

_metadata = sa.MetaData()
_records = sa.Table(
    "casework_records",
    _metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("record_id", sa.String(128), primary_key=True),
    sa.Column("parent", sa.String(128), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
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
    """The store. sealing_key: 32 bytes. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, sealing_key: bytes, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._seal = AESGCM(sealing_key)
        self.now = now

    def add(self, kind: str, record_id: str, parent: str, value: JSON) -> None:
        """Add a record; `Conflict` if there is one of that kind and id."""
        try:
            with changing(self._engine) as connection:
                connection.execute(_records.insert().values(**self._row(kind, record_id, parent, value)))
        except IntegrityError:
            raise Conflict(f"this was done already: {kind}") from None

    def get(self, kind: str, record_id: str) -> CaseRecord:
        """One record, or `NotFound`."""
        records = self._select(_records.c.kind == kind, _records.c.record_id == record_id)
        if not records:
            raise NotFound(f"there is no such {kind}")
        return records[0]

    def has(self, kind: str, record_id: str) -> bool:
        """Whether there is a record of that kind and id."""
        return bool(self._select(_records.c.kind == kind, _records.c.record_id == record_id))

    def of(self, kind: str, parent: str | None = None) -> list[CaseRecord]:
        """All records of a kind, or those of one parent, oldest first."""
        where = [_records.c.kind == kind]
        if parent is not None:
            where.append(_records.c.parent == parent)
        return self._select(*where)

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
    ) -> None:
        """Erase the pictures of enrolled faces that are erased in the same transaction, alone or with their gallery,
        and note which leads they were: nobody can judge these any more.
        """
        connection = transaction.connection
        for owner in connection.execute(sa.select(_pictures.c.owner).distinct()).scalars().all():
            is_search = (_records.c.kind == "search", _records.c.record_id == owner)
            for search in self._read(connection, *is_search):
                whole = gallery_id is not None and search.value["gallery_id"] == gallery_id
                for place, lead in enumerate(search.value["leads"]):
                    if whole or lead["face_id"] in face_ids:
                        connection.execute(
                            _pictures.delete().where(_pictures.c.owner == owner, _pictures.c.part == str(place))
                        )
                        noted = (_records.c.kind == "face erased", _records.c.record_id == f"{owner}/{place}")
                        if not self._read(connection, *noted):
                            row = self._row("face erased", f"{owner}/{place}", owner, {"lead": place})
                            connection.execute(_records.insert().values(**row))

    def _row(self, kind: str, record_id: str, parent: str, value: JSON) -> dict[str, object]:
        at = self.now().astimezone(UTC).isoformat()
        sealed = self._sealed(canonical(value), f"{kind}\n{record_id}\n{parent}\n{at}")
        return {"kind": kind, "record_id": record_id, "parent": parent, "made_at": at, "sealed": sealed}

    def _select(self, *where: sa.ColumnElement[bool]) -> list[CaseRecord]:
        with reading(self._engine) as connection:
            return self._read(connection, *where)

    def _read(self, connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[CaseRecord]:
        query = sa.select(_records).where(*where).order_by(_records.c.made_at, order_written(connection.dialect))
        rows = connection.execute(query).all()
        return [
            CaseRecord(
                row.record_id,
                row.parent,
                datetime.fromisoformat(row.made_at),
                json.loads(self._opened(row.sealed, f"{row.kind}\n{row.record_id}\n{row.parent}\n{row.made_at}")),
            )
            for row in rows
        ]

    def _sealed(self, content: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._seal.encrypt(nonce, content, bound_to.encode())

    def _opened(self, sealed: bytes, bound_to: str) -> bytes:
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], bound_to.encode())
        except InvalidTag as error:
            raise Misconfigured("a record of a case was not written by this installation") from error
