"""Held results and retention terms, in the one database. A held result is encrypted (AES-256-GCM).

Every row is bound to the record: a row that differs from the record is not answered, and does not count as a review or
a term.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.custody.hold import Hold, HoldState
from countenance.database import Direct, Transaction, reading
from countenance.errors import Conflict, Misconfigured, NotAsRecorded, NotFound
from countenance.signing import JSON, KEY_TRIES, canonical, opens_one

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

_TRIES = 3  # of a look-up whose rows are being changed

# ISO 8601 in UTC sorts as text. Every call runs it, so it is compiled once.
_OVERDUE = Direct(
    sa.select(_holds.c.hold_id).where(
        _holds.c.mandate_id == sa.bindparam("mandate"),
        _holds.c.authorise_by < sa.bindparam("now"),
        _holds.c.requested_at.is_(None),
        _holds.c.refused_at.is_(None),
    )
)
_TERM = Direct(sa.select(_retention.c.days).where(_retention.c.gallery_id == sa.bindparam("gallery")))


@dataclass(frozen=True, slots=True)
class RetentionTerm:
    """Faces of `gallery_id` are erased `days` days after enrolment, as `clause` demands."""

    gallery_id: str
    days: int
    clause: str


class Custody:
    """The store of held results and retention terms. sealing_key: 32 bytes. now: the clock, UTC.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(
        self, engine: sa.Engine, sealing_key: bytes, now: Callable[[], datetime], recorder: Recorder | None = None
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
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
        """Take a result into custody. Repeating it for the same result, request and mandate returns the same hold."""
        same = (_holds.c.mandate_id == mandate_id, _holds.c.ask == request_hash, _holds.c.found == result_hash)

        def work(transaction: Transaction) -> BoundChange[str]:
            known = transaction.connection.execute(sa.select(_holds.c.hold_id).where(*same)).scalar()
            if known is not None:
                return BoundChange(str(known))
            made = f"hold-{secrets.token_hex(6)}"
            nonce = secrets.token_bytes(12)
            values = {
                "hold_id": made,
                "mandate_id": mandate_id,
                "decision": decision,
                "ask": request_hash,
                "found": result_hash,
                "made_at": _text(self._now()),
                "reviewers": reviewers,
                "authorise_by": _text(authorise_by),
                "clauses": json.dumps(list(clauses)),
                "requested_at": None,
                "granted_at": None,
                "refused_at": None,
                "sealed": nonce + self._seal.encrypt(nonce, canonical(contents), made.encode()),
            }
            transaction.connection.execute(_holds.insert().values(**values))
            return BoundChange(made, made=(_bound_hold(values),))

        return self.show(self._recorder.change(work))

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

    def key_fits(self) -> bool:
        """Whether held results were sealed with this sealing key; True where there is none to tell by."""
        query = sa.select(_holds.c.hold_id).where(_holds.c.sealed.is_not(None)).limit(KEY_TRIES)
        with reading(self._engine) as connection:
            some = connection.execute(query).scalars().all()
        return opens_one(self.contents, some)

    def review(self, hold_id: str, reviewer: str, *, agrees: bool) -> Hold:
        """Store a reviewer's verdict: once per person, and not after the result is shredded or frozen."""
        state = self.show(hold_id).state(self._now())
        if state in (HoldState.SHREDDED, HoldState.FROZEN):
            raise Conflict(f"{hold_id} is {state} and takes no reviews")
        values = {"hold_id": hold_id, "reviewer": reviewer, "agrees": agrees, "at": _text(self._now())}

        def work(transaction: Transaction) -> BoundChange[None]:
            try:
                transaction.connection.execute(_reviews.insert().values(**values))
            except IntegrityError:
                raise Conflict(f"this reviewer has spoken on {hold_id} already") from None
            return BoundChange(None, made=(_bound_review(values),))

        self._recorder.change(work)
        return self.show(hold_id)

    def authorisation(self, hold_id: str, *, granted: bool) -> Hold:
        """Store that authorisation was requested, or granted (which implies requested)."""
        if self.show(hold_id).refused_at is not None:
            raise Conflict(f"authorisation for {hold_id} was refused, and it is shredded")
        at = _text(self._now())
        values: dict[str, object] = {"requested_at": sa.func.coalesce(_holds.c.requested_at, at)}
        if granted:
            values["granted_at"] = at
        return self._update(hold_id, values)

    def shred(self, hold_id: str) -> Hold:
        """Store that authorisation was refused, and destroy the result's content (secure_delete overwrites it)."""
        self.show(hold_id)
        return self._update(hold_id, {"sealed": None, "refused_at": _text(self._now())})

    def retain(self, gallery_id: str, days: int, clause: str) -> None:
        """Bind a gallery to a term. A shorter term that it already has stays."""
        here = _retention.c.gallery_id == gallery_id
        if any(known <= days for (known,) in _TERM.rows(self._engine, gallery=gallery_id)):
            return  # every enrolment calls this, mostly with nothing to record

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            before = connection.execute(sa.select(_retention).where(here)).mappings().all()
            if any(row["days"] <= days for row in before):
                return BoundChange(None)
            values = {"gallery_id": gallery_id, "days": days, "clause": clause}
            connection.execute(sa.delete(_retention).where(here))
            connection.execute(_retention.insert().values(**values))
            return BoundChange(None, made=(_bound_term(values),), unmade=tuple(map(_bound_term, before)))

        self._recorder.change(work)

    def release(self, gallery_id: str) -> None:
        """Forget the term of a deleted gallery. If it is made again, it gets its term at the first enrolment."""

        def work(transaction: Transaction) -> BoundChange[None]:
            here = _retention.c.gallery_id == gallery_id
            before = transaction.connection.execute(sa.select(_retention).where(here)).mappings().all()
            transaction.connection.execute(sa.delete(_retention).where(here))
            return BoundChange(None, unmade=tuple(map(_bound_term, before)))

        self._recorder.change(work)

    def terms(self) -> list[RetentionTerm]:
        """All galleries with a term; `NotAsRecorded` if they are not those that were recorded."""
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                rows = connection.execute(sa.select(_retention).order_by(_retention.c.gallery_id)).mappings().all()
            if self._recorder.complete(_retention.name, [_bound_term(row) for row in rows]):
                return [RetentionTerm(row["gallery_id"], row["days"], row["clause"]) for row in rows]
        raise NotAsRecorded("the terms of retention are not as the ledger recorded them")

    def _update(self, hold_id: str, values: Mapping[str, object]) -> Hold:
        def work(transaction: Transaction) -> BoundChange[None]:
            here, connection = _holds.c.hold_id == hold_id, transaction.connection
            before = connection.execute(sa.select(_holds).where(here)).mappings().all()
            connection.execute(_holds.update().where(here).values(**values))
            after = connection.execute(sa.select(_holds).where(here)).mappings().all()
            return BoundChange(None, made=tuple(map(_bound_hold, after)), unmade=tuple(map(_bound_hold, before)))

        self._recorder.change(work)
        return self.show(hold_id)

    def _select(self, where: sa.ColumnElement[bool]) -> list[Hold]:
        """The holds, oldest first; `NotAsRecorded` if one of them, or one of its reviews, differs from the record."""
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                rows = connection.execute(sa.select(_holds).where(where).order_by(_holds.c.made_at)).all()
                ids = [row.hold_id for row in rows]
                spoken = connection.execute(
                    sa.select(_reviews).where(_reviews.c.hold_id.in_(ids)).order_by(_reviews.c.at)
                ).all()
            if self._recorded(rows, spoken):
                return _holds_of(rows, spoken)
        raise NotAsRecorded("a held result, or a review of one, is not as the ledger recorded it")

    def _recorded(self, rows: Iterable[Any], spoken: Sequence[Any]) -> bool:
        holds = [_bound_hold(row._mapping) for row in rows]
        if self._recorder.differing(holds, once=True):
            return False
        for hold in holds:
            reviews = [_bound_review(row._mapping) for row in spoken if row.hold_id == hold.values[0]]
            if not self._recorder.complete(_reviews_of(str(hold.values[0])), reviews):
                return False
        return True


def _holds_of(rows: Iterable[Any], spoken: Sequence[Any]) -> list[Hold]:
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


def custody_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All held results, reviews and terms of retention, for comparison with what was recorded."""
    for hold in connection.execute(sa.select(_holds)).mappings():
        yield _bound_hold(hold), f"custody_holds, row {hold['hold_id']!r}: the held result"
    for review in connection.execute(sa.select(_reviews)).mappings():
        yield _bound_review(review), f"custody_reviews, a row of {review['hold_id']!r}: the review"
    for number, term in enumerate(connection.execute(sa.select(_retention)).mappings(), 1):
        yield _bound_term(term), f"custody_retention, row {number}: the term"


def _reviews_of(hold_id: str) -> str:
    """The name under which the record has all reviews of a hold, so that a missing one is noticed."""
    return f"{_reviews.name} {hold_id}"


def _bound_hold(row: Mapping[str, Any] | sa.RowMapping) -> BoundRow:
    return BoundRow(_holds.name, tuple(row[column.name] for column in _holds.c))


def _bound_review(row: Mapping[str, Any] | sa.RowMapping) -> BoundRow:
    return BoundRow(_reviews_of(row["hold_id"]), tuple(row[column.name] for column in _reviews.c))


def _bound_term(row: Mapping[str, Any] | sa.RowMapping) -> BoundRow:
    return BoundRow(_retention.name, tuple(row[column.name] for column in _retention.c))
