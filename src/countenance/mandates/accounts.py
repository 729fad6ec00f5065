"""Sign-in of operators to the console: password and one-time codes, sessions, and the keys that sessions act with.

Passkeys and links to accounts elsewhere are in `sign_ins`.

A row is useless without the key file: an account's secrets are sealed (AES-256-GCM, bound to its operator); a session
is found by an HMAC of its cookie and holds an HMAC over its operator. So write access to the database is not enough to
sign in. Accounts, sessions and used challenges are bound to the ledger besides, so that no session lives again and
nothing is good twice because a row was put back; of a session all but the time of its last use.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded, bound_row
from countenance.database import Transaction, changing, inserting, reading
from countenance.errors import Misconfigured, NotAsRecorded
from countenance.signing import KEY_TRIES, opens_one

_TRIES = 3  # of a look-up whose row is being changed
_metadata = sa.MetaData()
_accounts = sa.Table(
    "console_accounts",
    _metadata,
    sa.Column("operator_id", sa.String(64), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
)
_sessions = sa.Table(
    "console_sessions",
    _metadata,
    sa.Column("session", sa.String(64), primary_key=True),
    sa.Column("operator_id", sa.String(64), nullable=False),
    sa.Column("proof", sa.String(64), nullable=False),
    sa.Column("began_at", sa.String(40), nullable=False),
    sa.Column("seen_at", sa.String(40), nullable=False),
    sa.Column("ended_at", sa.String(40)),
    sa.Column("proven_by", sa.String(16), nullable=False),
)
_challenges = sa.Table(
    "console_challenges",
    _metadata,
    sa.Column("challenge", sa.String(64), primary_key=True),
    sa.Column("expires_at", sa.String(40), nullable=False),
)
_keys = sa.Table(
    "console_keys",
    _metadata,
    sa.Column("operator_id", sa.String(64), primary_key=True),
    sa.Column("mandate_id", sa.String(64), primary_key=True),
    sa.Column("sealed_key", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """What an operator signs in with. password: its argon2 hash. seed: of the one-time codes, base32."""

    password: str
    seed: str


class ProvenBy(StrEnum):
    """How an operator proved at sign-in who he or she is."""

    PASSWORD = "password"  # noqa: S105 - a word
    """and a one-time code"""
    PASSKEY = "passkey"
    PROVIDER = "provider"
    """an OpenID provider"""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session. ended_at: when its operator signed out; a session also ends by age. Times are UTC."""

    operator_id: str
    proven_by: ProvenBy
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None


class AccountStore:
    """Accounts, sessions and their keys in the one database. key: 32 bytes. now: the clock, UTC.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(
        self,
        engine: sa.Engine,
        key: bytes,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        recorder: Recorder | None = None,
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._seal = AESGCM(hashlib.sha256(b"seal" + key).digest())
        self._mac = hashlib.sha256(b"mac" + key).digest()
        self._entropy = entropy
        self.now = now

    def set_up(self, operator_id: str, secret: AccountSecret) -> None:
        """Store a new password and seed for an operator, and end all of the operator's sessions."""
        text = json.dumps([secret.password, secret.seed]).encode()
        row = {"sealed": self._sealed(text, operator_id), "last_step": 0, "made_at": _text(self.now())}

        def work(transaction: Transaction) -> BoundChange[None]:
            connection, here = transaction.connection, _accounts.c.operator_id == operator_id
            before = _bound_rows(connection, _accounts, here)
            connection.execute(_accounts.delete().where(here))
            connection.execute(_accounts.insert().values(operator_id=operator_id, **row))
            return BoundChange(None, made=_bound_rows(connection, _accounts, here), unmade=before)

        self._recorder.change(work)
        self.end_all(operator_id)

    def secret_of(self, operator_id: str) -> AccountSecret | None:
        """The operator's secrets; None without an account. `NotAsRecorded` if its row differs from the record."""
        row = self._recorded(_accounts, _accounts.c.operator_id == operator_id, "account")
        if row is None:
            return None
        password, seed = json.loads(self._opened(row.sealed, operator_id))
        return AccountSecret(password, seed)

    def use_step(self, operator_id: str, step: int) -> bool:
        """Take the one-time code of that step of 30 s; False if it, or a later one, was used before."""
        fresh = (_accounts.c.operator_id == operator_id) & (_accounts.c.last_step < step)
        return self._update(_accounts, _accounts.c.operator_id, fresh, last_step=step)

    def begin(self, operator_id: str, proven_by: ProvenBy) -> str:
        """Begin a session; returns its cookie, of which only an HMAC is kept."""
        cookie = base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        at, session = _text(self.now()), self.derived("session", cookie)
        row = {"began_at": at, "seen_at": at, "proven_by": proven_by}
        row["proof"] = self._proof(session, operator_id, at, proven_by)

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            connection.execute(_sessions.insert().values(session=session, operator_id=operator_id, **row))
            return BoundChange(None, made=_bound_rows(connection, _sessions, _sessions.c.session == session))

        self._recorder.change(work)
        return cookie

    def session(self, cookie: str) -> StoredSession | None:
        """The session of a cookie, even if it has ended; None if this installation made no such session.
        `NotAsRecorded` if its row differs from the record.
        """
        row = self._recorded(_sessions, _sessions.c.session == self.derived("session", cookie), "session")
        if row is None:
            return None
        proof = self._proof(row.session, row.operator_id, row.began_at, row.proven_by)
        return _stored(row) if hmac.compare_digest(row.proof, proof) else None

    def sessions_of(self, operator_id: str, limit: int = 50) -> list[StoredSession]:
        """The operator's latest sessions, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(_sessions)
                .where(_sessions.c.operator_id == operator_id)
                .order_by(_sessions.c.began_at.desc())
                .limit(limit)
            ).all()
        return [_stored(row) for row in rows]

    def seen(self, cookie: str) -> None:
        """Note that the session is in use now."""
        where = (_sessions.c.session == self.derived("session", cookie), _sessions.c.ended_at.is_(None))
        with changing(self._engine) as connection:
            connection.execute(_sessions.update().where(*where).values(seen_at=_text(self.now())))

    def end(self, cookie: str) -> None:
        """End the session for good."""
        self._end(_sessions.c.session == self.derived("session", cookie))

    def end_all(self, operator_id: str) -> None:
        """End all sessions of an operator for good."""
        self._end(_sessions.c.operator_id == operator_id)

    def key_under(self, operator_id: str, mandate_id: str) -> str | None:
        """The access key that the operator's sessions act with under a mandate; None if there is none yet."""
        where = (_keys.c.operator_id == operator_id, _keys.c.mandate_id == mandate_id)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(_keys.c.sealed_key).where(*where)).first()
        return None if row is None else self._opened(row.sealed_key, f"{operator_id} {mandate_id}").decode()

    def keep_key(self, operator_id: str, mandate_id: str, access_key: str) -> None:
        """Keep the access key that the operator's sessions act with under a mandate."""
        sealed = self._sealed(access_key.encode(), f"{operator_id} {mandate_id}")
        where = (_keys.c.operator_id == operator_id, _keys.c.mandate_id == mandate_id)
        with changing(self._engine) as connection:
            connection.execute(_keys.delete().where(*where))
            connection.execute(_keys.insert().values(operator_id=operator_id, mandate_id=mandate_id, sealed_key=sealed))

    def key_fits(self) -> bool:
        """Whether accounts were sealed with this key; True where there is none to tell by."""
        query = sa.select(_accounts.c.sealed, _accounts.c.operator_id).limit(KEY_TRIES)
        with reading(self._engine) as connection:
            some = connection.execute(query).all()
        return opens_one(lambda row: self._opened(row.sealed, row.operator_id), some)

    def derived(self, purpose: str, text: str) -> str:
        """An HMAC of `text` for `purpose`, 64 hex digits, under this installation's key."""
        return hmac.new(self._mac, f"{purpose}\n{text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def sealed_step(self, kind: str, bound_to: str, values: Mapping[str, str], lasts: timedelta) -> str:
        """Values that a browser keeps until the next step of a sign-in, which it cannot read or alter; base64url.

        bound_to: what only that browser has.
        """
        content = json.dumps([_text(self.now() + lasts), dict(values)]).encode()
        return base64.urlsafe_b64encode(self._sealed(content, f"{kind} {bound_to}")).decode().rstrip("=")

    def opened_step(self, kind: str, bound_to: str, step: str) -> dict[str, str] | None:
        """The values of a sealed step; None where it is of another kind or browser, altered, or too old."""
        try:
            sealed = base64.b64decode(step + "=" * (-len(step) % 4), altchars=b"-_", validate=True)
            content = self._seal.decrypt(sealed[:12], sealed[12:], f"{kind} {bound_to}".encode())
        except (ValueError, InvalidTag):
            return None
        expires_at, values = json.loads(content)
        return dict(values) if self.now() < datetime.fromisoformat(expires_at) else None

    def use_challenge(self, challenge: str, lasts: timedelta) -> bool:
        """Take a challenge of a sign-in; False if it was used before. lasts: how long its step can be opened."""
        now, digest = self.now(), self.derived("challenge", challenge)
        if self._recorder.missing(_used(digest)):
            return False

        def work(transaction: Transaction) -> BoundChange[bool]:
            connection, old = transaction.connection, _challenges.c.expires_at < _text(now)
            unmade = _bound_rows(connection, _challenges, old)
            connection.execute(_challenges.delete().where(old))
            used = inserting(connection.dialect, _challenges).values(challenge=digest, expires_at=_text(now + lasts))
            taken = used.on_conflict_do_nothing().returning(_challenges.c.challenge)
            fresh = connection.execute(taken).first() is not None
            made = _bound_rows(connection, _challenges, _challenges.c.challenge == digest) if fresh else ()
            return BoundChange(fresh, made=made, unmade=unmade)

        return self._recorder.change(work)

    def _proof(self, session: str, operator_id: str, began_at: str, proven_by: str) -> str:
        how = "" if proven_by == ProvenBy.PASSWORD else f" {proven_by}"  # of sessions there were passwords only before
        return self.derived("proof", f"{session} {operator_id} {began_at}{how}")

    def _end(self, whose: sa.ColumnElement[bool]) -> None:
        live = whose & _sessions.c.ended_at.is_(None)
        self._update(_sessions, _sessions.c.session, live, ended_at=_text(self.now()))

    def _update(self, table: sa.Table, key: sa.Column[str], where: sa.ColumnElement[bool], **values: str | int) -> bool:
        """Whether any row was where it says. key: what stays the same in a row."""

        def work(transaction: Transaction) -> BoundChange[bool]:
            connection = transaction.connection
            these = key.in_(connection.execute(sa.select(key).where(where)).scalars().all())
            before = _bound_rows(connection, table, these)
            connection.execute(table.update().where(these).values(**values))
            return BoundChange(bool(before), made=_bound_rows(connection, table, these), unmade=before)

        return self._recorder.change(work)

    def _recorded(self, table: sa.Table, where: sa.ColumnElement[bool], what: str) -> Any:
        for _ in range(_TRIES):
            with reading(self._engine) as connection:
                row = connection.execute(sa.select(table).where(where)).one_or_none()
            if row is None or not self._recorder.differing([_bound(table, row)]):
                return row
        raise NotAsRecorded(f"this {what} is not as the ledger recorded it, and nobody acts with it")

    def _sealed(self, text: bytes, bound_to: str) -> bytes:
        nonce = self._entropy(12)
        return nonce + self._seal.encrypt(nonce, text, bound_to.encode())

    def _opened(self, sealed: bytes, bound_to: str) -> bytes:
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], bound_to.encode())
        except InvalidTag as error:
            raise Misconfigured("an account of the console was not written by this installation") from error


def account_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All accounts, sessions and used challenges, for comparison with what was recorded."""
    for row in connection.execute(sa.select(_accounts)):
        yield _bound(_accounts, row), f"console_accounts, row {row.operator_id!r}: the sign-in"
    for row in connection.execute(sa.select(_sessions)):
        yield _bound(_sessions, row), f"console_sessions, row {row.session!r}: the session"
    for row in connection.execute(sa.select(_challenges)):
        for bound in (_bound(_challenges, row), _used(row.challenge)):
            yield bound, f"console_challenges, row {row.challenge!r}: the used challenge"


def _bound_rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> tuple[BoundRow, ...]:
    rows = connection.execute(sa.select(table).where(where)).all()
    used = [_used(row.challenge) for row in rows] if table is _challenges else []
    return (*(_bound(table, row) for row in rows), *used)


def _bound(table: sa.Table, row: Any) -> BoundRow:
    """All values but the time of a session's last use."""
    return bound_row(table, row, ("seen_at",))


def _used(challenge: str) -> BoundRow:
    """By which a use is known although its row was removed."""
    return BoundRow("console_challenges_used", (challenge,))


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredSession:
    ended = row.ended_at
    return StoredSession(
        row.operator_id,
        ProvenBy(row.proven_by),
        datetime.fromisoformat(row.began_at),
        datetime.fromisoformat(row.seen_at),
        None if ended is None else datetime.fromisoformat(ended),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
