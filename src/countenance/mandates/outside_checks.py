"""Outside checks of liveness: whose signed results the server accepts, on what evidence, by whose approval, until when.

One person requests a check and another approves it, as with a mandate. At most one is in force at a time.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.database import Transaction, reading
from countenance.errors import BadRequest, Conflict, NotAsRecorded, NotFound
from countenance.mandates.mandate import MandateState, state_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]")
_TRIES = 3  # of a look-up whose row is being changed
_checks = sa.Table(
    "outside_checks",
    sa.MetaData(),
    sa.Column("check_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("public_key", sa.String(64), nullable=False),
    sa.Column("evidence", sa.String(64)),
    sa.Column("without_evidence", sa.Text),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", sa.String(40), nullable=False),
    sa.Column("expires_at", sa.String(40), nullable=False),
    sa.Column("approved_by", sa.Text),
    sa.Column("approved_at", sa.String(40)),
    sa.Column("ended_at", sa.String(40)),
    sa.Column("ended_why", sa.Text),
)


@dataclass(frozen=True, slots=True)
class OutsideCheck:
    """A check outside this server; it accepts the check's signed results, labelled as such. Times are UTC.

    public_key: raw Ed25519, 64 hex digits. evidence: sha256 of the PAD evidence that it was accepted on, 64 hex digits.
    without_evidence: why it was accepted without; exactly one of the two is given.
    """

    check_id: str
    name: str
    public_key: str
    evidence: str | None
    without_evidence: str | None
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadRequest("a check's name has 2 to 64 letters, digits, spaces and . _ - without accents")
        if not re.fullmatch("[0-9a-f]{64}", self.public_key):
            raise BadRequest("a check's key is the raw public key of Ed25519, 64 hex digits in lower case")
        if (self.evidence is None) == (self.without_evidence is None):
            raise BadRequest("a check is accepted on evidence, or with a reason why without, and not both")
        if self.expires_at <= self.requested_at:
            raise BadRequest("a check expires after it was asked for")

    def state(self, now: datetime) -> MandateState:
        """Its state at `now`; it is used while it is active."""
        return state_of(self, now)


class OutsideCheckStore:
    """The checks in the one database. now: the clock, UTC. recorder: where changes of rows are recorded."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], recorder: Recorder | None = None) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self.now = now

    def draft(
        self, name: str, public_key: str, *, evidence: str | None, without_evidence: str | None, requested_by: str,
        expires_at: datetime,
    ) -> OutsideCheck:  # fmt: skip
        """A requested check, not yet stored."""
        return OutsideCheck(
            f"check-{secrets.token_hex(6)}", name.strip(), public_key.lower(), evidence, without_evidence, requested_by,
            self.now(), expires_at.astimezone(UTC),
        )  # fmt: skip

    def request(self, check: OutsideCheck) -> OutsideCheck:
        """Store a requested check. It is not used until it is approved."""

        def work(transaction: Transaction) -> BoundChange[OutsideCheck]:
            transaction.connection.execute(_checks.insert().values(**_row(check)))
            return BoundChange(check, made=(_bound(transaction.connection, check.check_id),))

        return self._recorder.change(work)

    def approve(self, check_id: str, *, approved_by: str) -> OutsideCheck:
        """Put a check in force; `Conflict` while another one is."""
        return self._change(check_id, {MandateState.REQUESTED}, approved_by=approved_by, approved_at=self.now())

    def end(self, check_id: str, why: str) -> OutsideCheck:
        """Revoke a check in force, or refuse a requested one; no result of it is accepted or answered any more."""
        allowed = {MandateState.REQUESTED, MandateState.ACTIVE, MandateState.EXPIRED}
        return self._change(check_id, allowed, ended_at=self.now(), ended_why=why)

    def show(self, check_id: str) -> OutsideCheck:
        """The check with that id, or `NotFound`."""
        checks = self._select(_checks.c.check_id == check_id)
        if not checks:
            raise NotFound(f"there is no outside check {check_id!r}")
        return checks[0]

    def all(self) -> list[OutsideCheck]:
        """All checks, former ones too, oldest first."""
        return self._select(sa.true())

    def in_force(self, check_id: str | None = None) -> OutsideCheck | None:
        """The check in force now, if it is `check_id` or no id is given; else None. `NotAsRecorded` if its row differs
        from the record.
        """
        where = _checks.c.approved_at.is_not(None) & _checks.c.ended_at.is_(None)
        for _ in range(_TRIES):
            rows = [row for row in self._rows(where) if _check(row).state(self.now()) is MandateState.ACTIVE]
            rows = [row for row in rows if check_id in (None, row.check_id)]
            if not rows:
                return None
            if not self._recorder.differing(BoundRow(_checks.name, tuple(row)) for row in rows):
                return _check(rows[0])
        raise NotAsRecorded("the outside check is not as the ledger recorded it, and nothing it says is taken over")

    def _change(self, check_id: str, allowed: set[MandateState], **changes: Any) -> OutsideCheck:
        def work(transaction: Transaction) -> BoundChange[OutsideCheck]:
            connection = transaction.connection
            rows = {row.check_id: row for row in connection.execute(sa.select(_checks))}
            if check_id not in rows:
                raise NotFound(f"there is no outside check {check_id!r}")
            now, before = self.now(), rows[check_id]
            check = _check(before)
            if check.state(now) not in allowed:
                raise Conflict(
                    f"check {check_id} is {check.state(now)}; this needs one that is {' or '.join(sorted(allowed))}"
                )
            changed = replace(check, **changes)
            others = [row for name, row in rows.items() if name != check_id]
            if changed.state(now) is MandateState.ACTIVE and any(
                _check(row).state(now) is MandateState.ACTIVE for row in others
            ):
                raise Conflict("another outside check is in force; end that one first")
            connection.execute(_checks.update().where(_checks.c.check_id == check_id).values(**_row(changed)))
            made = _bound(connection, check_id)
            return BoundChange(changed, made=(made,), unmade=(BoundRow(_checks.name, tuple(before)),))

        return self._recorder.change(work)

    def _select(self, where: sa.ColumnElement[bool]) -> list[OutsideCheck]:
        return [_check(row) for row in self._rows(where)]

    def _rows(self, where: sa.ColumnElement[bool]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(sa.select(_checks).where(where).order_by(_checks.c.requested_at)))


def outside_check_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All outside checks, for comparison with what was recorded."""
    for row in connection.execute(sa.select(_checks)):
        yield BoundRow(_checks.name, tuple(row)), f"outside_checks, row {row.check_id!r}: the check"


def _bound(connection: sa.Connection, check_id: str) -> BoundRow:
    row = connection.execute(sa.select(_checks).where(_checks.c.check_id == check_id)).one()
    return BoundRow(_checks.name, tuple(row))


_TIMES = ("requested_at", "expires_at", "approved_at", "ended_at")


def _row(check: OutsideCheck) -> dict[str, str | None]:
    row: dict[str, str | None] = {column.name: getattr(check, column.name) for column in _checks.c}
    return row | {name: None if (at := getattr(check, name)) is None else at.isoformat() for name in _TIMES}


def _check(row: Any) -> OutsideCheck:
    values = row._asdict()
    times = {name: None if values[name] is None else datetime.fromisoformat(values[name]) for name in _TIMES}
    return OutsideCheck(**(values | times))
