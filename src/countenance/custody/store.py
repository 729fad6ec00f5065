"""Held results and retention terms, in the one database. A held result is encrypted (AES-256-GCM)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import IntegrityError

from countenance.custody.hold import Hold, HoldState
from countenance.database import Direct, changing, reading
from countenance.errors import Conflict, Misconfigured, NotFound
from countenance.signing import JSON, canonical

_metadata = sa.MetaData()
_holds = sa.Table(
    "custody_holds",
    _metadata,
    sa.Column("hold_id", sa.String(64), primary_key=True),
    sa.Column("mandate_id", sa.String(64), nullable=False),
    sa.Column("decision", sa.BigInteger, nullable=False),
    sa.Column("ask", sa.String(64), nullable=False),
    sa.Column("found", sa.String(64), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("reviewers", sa.Integer, nullable=False),
    sa.Column("authorise_by", sa.String(40)),
    sa.Column("clauses", sa.Text, nullable=False),
    sa.Column("requested_at", sa.String(40)),
    sa.Column("granted_at", sa.String(40)),
    sa.Column("refused_at", sa.String(40)),
    sa.Column("sealed", sa.LargeBinary),
)
_reviews = sa.Table(
    "custody_reviews",
    _metadata,
    sa.Column("hold_id", sa.String(64), sa.ForeignKey("custody_holds.hold_id"), primary_key=True),
    sa.Column("reviewer", sa.String(255), primary_key=True),
    sa.Column("agrees", sa.Boolean, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
_retention = sa.Table(
    "custody_retention",
    _metadata,
    sa.Column("gallery_id", sa.String(255), primary_key=True),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
)

# ISO 8601 in UTC sorts as text. Every call runs it, so it is compiled once.
_OVERDUE = Direct(
    sa.select(_holds.c.hold_id).where(
        _holds.c.mandate_id == sa.bindparam("mandate"),
        _holds.c.authorise_by < sa.bindparam("now"),
        _holds.c.requested_at.is_(None),
        _holds.c.refused_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class RetentionTerm:
    """Faces of `gallery_id` are erased `days` days after enrolment, as `clause` demands."""

    gallery_id: str
    days: int
    clause: str


class Custody:
    """The store of held results and retention terms. sealing_key: 32 bytes. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, sealing_key: bytes, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._seal = AESGCM(sealing_key)
        self._now = now

    def hold(
        self,
        *,
        mandate_id: str,
        decision: int,
        request_hash: str,
        result_hash: str,
        contents: JSON,
        reviewers: int,
        authorise_by: datetime | None,
        clauses: Sequence[str],
    ) -> Hold:
        """Take a result into custody. The same result of the same request and mandate gives the same hold."""
        same = (_holds.c.mandate_id == mandate_id, _holds.c.ask == request_hash, _holds.c.found == result_hash)
        with changing(self._engine) as connection:
            known = connection.execute(sa.select(_holds.c.hold_id).where(*same)).scalar()
            if known is None:
                known = f"hold-{secrets.token_hex(6)}"
                nonce = secrets.token_bytes(12)
                connection.execute(
                    _holds.insert().values(
                        hold_id=known,
                        mandate_id=mandate_id,
                        decision=decision,
                        ask=request_hash,
                        found=result_hash,
                        made_at=_text(self._now()),
                        reviewers=reviewers,
                        authorise_by=_text(authorise_by),
                        clauses=json.dumps(list(clauses)),
                        sealed=nonce + self._seal.encrypt(nonce, canonical(contents), known.encode()),
                    )
                )
        return self.show(known)

    def show(self, hold_id: str) -> Hold:
        """The hold with that id, or `NotFound`."""
        holds = self._select(_holds.c.hold_id == hold_id)
        if not holds:
            raise NotFound(f"there is no hold {hold_id!r}")
        return holds[0]

    def holds(self) -> list[Hold]:
        """All holds, oldest first."""
        return self._select(sa.true())

    def overdue(self, mandate_id: str) -> list[Hold]:
        """The holds of a mandate for which authorisation was due and not requested."""
        rows = _OVERDUE.rows(self._engine, mandate=mandate_id, now=_text(self._now()))
        return [self.show(hold_id) for (hold_id,) in rows]

    def contents(self, hold_id: str) -> JSON:
        """The content of a result, for its reviewers; `Conflict` if it is shredded."""
        with reading(self._engine) as connection:
            sealed = connection.execute(sa.select(_holds.c.sealed).where(_holds.c.hold_id == hold_id)).scalar()
        if sealed is None:
            self.show(hold_id)
            raise Conflict(f"{hold_id} is shredded")
        try:
            value: JSON = json.loads(self._seal.decrypt(sealed[:12], sealed[12:], hold_id.encode()))
        except InvalidTag as error:
            raise Misconfigured("a held result was sealed by another installation's key file") from error
        return value

    def review(self, hold_id: str, reviewer: str, *, agrees: bool) -> Hold:
        """Store a reviewer's verdict: once per person, and not after the result is shredded or frozen."""
        state = self.show(hold_id).state(self._now())
        if state in (HoldState.SHREDDED, HoldState.FROZEN):
            raise Conflict(f"{hold_id} is {state} and takes no reviews")
        try:
            with changing(self._engine) as connection:
                connection.execute(
                    _reviews.insert().values(hold_id=hold_id, reviewer=reviewer, agrees=agrees, at=_text(self._now()))
                )
        except IntegrityError:
            raise Conflict(f"this reviewer has spoken on {hold_id} already") from None
        return self.show(hold_id)

    def authorisation(self, hold_id: str, *, granted: bool) -> Hold:
        """Store that authorisation was requested, or granted (which implies requested)."""
        if self.show(hold_id).refused_at is not None:
            raise Conflict(f"authorisation for {hold_id} was refused, and it is shredded")
        at = _text(self._now())
        values: dict[str, object] = {"requested_at": sa.func.coalesce(_holds.c.requested_at, at)}
        if granted:
            values["granted_at"] = at
        with changing(self._engine) as connection:
            connection.execute(_holds.update().where(_holds.c.hold_id == hold_id).values(**values))
        return self.show(hold_id)

    def shred(self, hold_id: str) -> Hold:
        """Store that authorisation was refused, and destroy the result's content (secure_delete overwrites it)."""
        self.show(hold_id)
        with changing(self._engine) as connection:
            connection.execute(
                _holds.update().where(_holds.c.hold_id == hold_id).values(sealed=None, refused_at=_text(self._now()))
            )
        return self.show(hold_id)

    def retain(self, gallery_id: str, days: int, clause: str) -> None:
        """Bind a gallery to a term. A shorter term that it already has stays."""
        with changing(self._engine) as connection:
            known = connection.execute(
                sa.select(_retention.c.days).where(_retention.c.gallery_id == gallery_id)
            ).scalar()
            if known is not None and known <= days:
                return
            connection.execute(sa.delete(_retention).where(_retention.c.gallery_id == gallery_id))
            connection.execute(_retention.insert().values(gallery_id=gallery_id, days=days, clause=clause))

    def release(self, gallery_id: str) -> None:
        """Forget the term of a gallery that is deleted. Made again, it gets its term at the first enrolment."""
        with changing(self._engine) as connection:
            connection.execute(sa.delete(_retention).where(_retention.c.gallery_id == gallery_id))

    def terms(self) -> list[RetentionTerm]:
        """All galleries with a term."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(_retention).order_by(_retention.c.gallery_id)).all()
        return [RetentionTerm(row.gallery_id, row.days, row.clause) for row in rows]

    def _select(self, where: sa.ColumnElement[bool]) -> list[Hold]:
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(_holds).where(where).order_by(_holds.c.made_at)).all()
            ids = [row.hold_id for row in rows]
            spoken = connection.execute(
                sa.select(_reviews).where(_reviews.c.hold_id.in_(ids)).order_by(_reviews.c.at)
            ).all()
        return [
            Hold(
                hold_id=row.hold_id,
                mandate_id=row.mandate_id,
                decision=row.decision,
                request_hash=row.ask,
                result_hash=row.found,
                made_at=datetime.fromisoformat(row.made_at),
                reviewers=row.reviewers,
                authorise_by=_time(row.authorise_by),
                clauses=tuple(json.loads(row.clauses)),
                agreed=tuple(r.reviewer for r in spoken if r.hold_id == row.hold_id and r.agrees),
                disagreed=tuple(r.reviewer for r in spoken if r.hold_id == row.hold_id and not r.agrees),
                requested_at=_time(row.requested_at),
                granted_at=_time(row.granted_at),
                refused_at=_time(row.refused_at),
            )
            for row in rows
        ]


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
