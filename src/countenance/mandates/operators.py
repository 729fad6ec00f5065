"""Operators: the people who request, approve, review and audit, each with roles and one bearer token.

Only the sha256 of a token is stored. A token is 32 random bytes and cannot be guessed, so no slow hash is needed. A
name is never reused, so that nobody is mistaken for an earlier operator.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.database import Transaction, reading
from countenance.errors import AlreadyExists, BadRequest, Conflict, NotAsRecorded, NotFound, Unauthenticated

_PREFIX = "cntn_"
_TRIES = 3  # of a look-up whose row is being changed
_NAME = re.compile(r"\w[\w .@'-]{0,62}\w")
_operators = sa.Table(
    "operators",
    sa.MetaData(),
    sa.Column("operator_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("folded", sa.String(255), nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("added_at", sa.String(40), nullable=False),
    sa.Column("expires_at", sa.String(40), nullable=False),
    sa.Column("revoked_at", sa.String(40)),
)


class Role(StrEnum):
    """What an operator may do. All operators may read mandates, moratoria and rules."""

    REQUEST = "request"
    """request mandates"""
    APPROVE = "approve"
    """approve, refuse, renew and revoke mandates, make their keys, enter authorisations, set moratoria"""
    REVIEW = "review"
    """see what held results say, and verify them"""
    AUDIT = "audit"
    """read the ledger and the reports; change nothing"""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, without the token. Times are UTC."""

    operator_id: str
    name: str
    roles: frozenset[Role]
    added_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadRequest("an operator's name has 2 to 64 letters, digits, spaces and . _ @ ' -")
        if not self.roles:
            raise BadRequest(f"an operator has at least one role of {', '.join(Role)}")
        if Role.AUDIT in self.roles and len(self.roles) > 1:
            raise BadRequest("whoever audits changes nothing: the role audit stands alone")
        if self.expires_at <= self.added_at:
            raise BadRequest("an operator's token expires after it was made")

    def active(self, now: datetime) -> bool:
        """Whether the token is valid at `now`."""
        return self.revoked_at is None and now < self.expires_at


class OperatorStore:
    """The operators in the one database. now: the clock, UTC. entropy: n -> n random bytes.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        recorder: Recorder | None = None,
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._entropy = entropy
        self.now = now

    def draft(self, name: str, roles: Collection[Role], expires_at: datetime) -> Operator:
        """A new operator, not yet stored. `AlreadyExists` if the name was ever taken."""
        made = Operator(
            f"operator-{self._entropy(6).hex()}", name.strip(), frozenset(roles), self.now(), expires_at.astimezone(UTC)
        )
        if self._select(_operators.c.folded == _folded(made.name)):
            raise AlreadyExists("there is, or was, an operator of that name")
        return made

    def add(self, operator: Operator) -> str:
        """Store a drafted operator; returns the token, which is never shown again."""
        token = self._token()
        values = {
            "operator_id": operator.operator_id,
            "name": operator.name,
            "folded": _folded(operator.name),
            "roles": json.dumps(sorted(operator.roles)),
            "token_sha256": _hashed(token),
            "added_at": _text(operator.added_at),
            "expires_at": _text(operator.expires_at),
        }

        def work(transaction: Transaction) -> BoundChange[str]:
            try:
                transaction.connection.execute(_operators.insert().values(**values))
            except IntegrityError:
                raise AlreadyExists("there is, or was, an operator of that name") from None
            return BoundChange(token, made=(_bound_operator(transaction.connection, operator.operator_id),))

        return self._recorder.change(work)

    def renew(self, operator_id: str, expires_at: datetime) -> str:
        """A new token, which is never shown again. The old one stops working."""
        token = self._token()
        self._update(operator_id, token_sha256=_hashed(token), expires_at=_text(expires_at))
        return token

    def revoke(self, operator_id: str) -> Operator:
        """End an operator for good; the next call is refused."""
        self._update(operator_id, revoked_at=_text(self.now()))
        return self._one(_operators.c.operator_id == operator_id)

    def named(self, name: str) -> Operator:
        """The operator with that name, or `NotFound`."""
        return self._one(_operators.c.folded == _folded(name.strip()))

    def holding(self, token: str) -> Operator:
        """The operator whose token this is; `Unauthenticated` if it is unknown, expired or revoked. `NotAsRecorded` if
        the row differs from the record.
        """
        for _ in range(_TRIES):
            rows = self._rows(_operators.c.token_sha256 == _hashed(token)) if token.startswith(_PREFIX) else []
            if rows and self._recorder.differing([BoundRow(_operators.name, tuple(rows[0]))]):
                continue  # nothing is read from a row before that
            if not rows or not (operator := _operator(rows[0])).active(self.now()):
                raise Unauthenticated("the token is unknown, expired or revoked")
            return operator
        raise NotAsRecorded("the operator of this token is not as the ledger recorded it, and may do nothing")

    def acting(self, operator_id: str) -> Operator | None:
        """The operator with that id, if he or she may act now; None if unknown, expired or revoked. `NotAsRecorded` if
        the row differs from the record.
        """
        for _ in range(_TRIES):
            rows = self._rows(_operators.c.operator_id == operator_id)
            if rows and self._recorder.differing([BoundRow(_operators.name, tuple(rows[0]))]):
                continue
            return operator if rows and (operator := _operator(rows[0])).active(self.now()) else None
        raise NotAsRecorded("this operator is not as the ledger recorded it, and may do nothing")

    def all(self) -> list[Operator]:
        """All operators, former ones too, oldest first."""
        return self._select(sa.true())

    def _token(self) -> str:
        return _PREFIX + base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")

    def _update(self, operator_id: str, **values: str) -> None:
        not_revoked = (_operators.c.operator_id == operator_id, _operators.c.revoked_at.is_(None))

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            before = connection.execute(sa.select(_operators).where(*not_revoked)).one_or_none()
            if before is None:
                raise Conflict("the operator is revoked already, for good")
            connection.execute(_operators.update().where(*not_revoked).values(**values))
            after = _bound_operator(connection, operator_id)
            return BoundChange(None, made=(after,), unmade=(BoundRow(_operators.name, tuple(before)),))

        self._recorder.change(work)

    def _one(self, where: sa.ColumnElement[bool]) -> Operator:
        operators = self._select(where)
        if not operators:
            raise NotFound("there is no operator of that name")
        return operators[0]

    def _select(self, where: sa.ColumnElement[bool]) -> list[Operator]:
        return [_operator(row) for row in self._rows(where)]

    def _rows(self, where: sa.ColumnElement[bool]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(sa.select(_operators).where(where).order_by(_operators.c.added_at)))


def operator_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All operators, for comparison with what was recorded."""
    for row in connection.execute(sa.select(_operators)):
        yield BoundRow(_operators.name, tuple(row)), f"operators, row {row.operator_id!r}: the operator"


def _bound_operator(connection: sa.Connection, operator_id: str) -> BoundRow:
    row = connection.execute(sa.select(_operators).where(_operators.c.operator_id == operator_id)).one()
    return BoundRow(_operators.name, tuple(row))


def _operator(row: Any) -> Operator:
    return Operator(
        operator_id=row.operator_id,
        name=row.name,
        roles=frozenset(map(Role, json.loads(row.roles))),
        added_at=datetime.fromisoformat(row.added_at),
        expires_at=datetime.fromisoformat(row.expires_at),
        revoked_at=None if row.revoked_at is None else datetime.fromisoformat(row.revoked_at),
    )


def _folded(name: str) -> str:
    """A key that is equal for names that look alike."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
