"""Sign-in of operators to the console: password and one-time codes, sessions, and the keys that sessions act with.

Passkeys and links to accounts elsewhere are in `sign_ins`.

A row is useless without the key file: an account's secrets are sealed (AES-256-GCM, bound to its operator); a session
is found by an HMAC of its cookie and holds an HMAC over its operator. So write access to the database is not enough to
sign in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.database import changing, inserting, reading
from countenance.errors import Misconfigured

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
    """Accounts, sessions and their keys in the one database. key: 32 bytes. now: the clock, UTC."""

    def __init__(
        self, engine: sa.Engine, key: bytes, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> None:
        self._engine = engine
        self._seal = AESGCM(hashlib.sha256(b"seal" + key).digest())
        self._mac = hashlib.sha256(b"mac" + key).digest()
        self._entropy = entropy
        self.now = now

    def set_up(self, operator_id: str, secret: AccountSecret) -> None:
        """Store a new password and seed for an operator, and end all of the operator's sessions."""
        text = json.dumps([secret.password, secret.seed]).encode()
        row = {"sealed": self._sealed(text, operator_id), "last_step": 0, "made_at": _text(self.now())}
        with changing(self._engine) as connection:
            connection.execute(_accounts.delete().where(_accounts.c.operator_id == operator_id))
            connection.execute(_accounts.insert().values(operator_id=operator_id, **row))
        self.end_all(operator_id)

    def secret_of(self, operator_id: str) -> AccountSecret | None:
        """The operator's secrets; None without an account."""
        with reading(self._engine) as connection:
            row = connection.execute(
                sa.select(_accounts.c.sealed).where(_accounts.c.operator_id == operator_id)
            ).first()
        if row is None:
            return None
        password, seed = json.loads(self._opened(row.sealed, operator_id))
        return AccountSecret(password, seed)

    def use_step(self, operator_id: str, step: int) -> bool:
        """Take the one-time code of that step of 30 s; False if it, or a later one, was used before."""
        fresh = (_accounts.c.operator_id == operator_id, _accounts.c.last_step < step)
        with changing(self._engine) as connection:
            return connection.execute(_accounts.update().where(*fresh).values(last_step=step)).rowcount == 1

    def begin(self, operator_id: str, proven_by: ProvenBy) -> str:
        """Begin a session; returns its cookie, of which only an HMAC is kept."""
        cookie = base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        at, session = _text(self.now()), self.derived("session", cookie)
        row = {"began_at": at, "seen_at": at, "proven_by": proven_by}
        row["proof"] = self._proof(session, operator_id, at, proven_by)
        with changing(self._engine) as connection:
            connection.execute(_sessions.insert().values(session=session, operator_id=operator_id, **row))
        return cookie

    def session(self, cookie: str) -> StoredSession | None:
        """The session of a cookie, even if it has ended; None if this installation made no such session."""
        with reading(self._engine) as connection:
            where = _sessions.c.session == self.derived("session", cookie)
            row = connection.execute(sa.select(_sessions).where(where)).first()
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
        self._update(cookie, seen_at=_text(self.now()))

    def end(self, cookie: str) -> None:
        """End the session for good."""
        self._update(cookie, ended_at=_text(self.now()))

    def end_all(self, operator_id: str) -> None:
        """End all sessions of an operator for good."""
        where = (_sessions.c.operator_id == operator_id, _sessions.c.ended_at.is_(None))
        with changing(self._engine) as connection:
            connection.execute(_sessions.update().where(*where).values(ended_at=_text(self.now())))

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
        with changing(self._engine) as connection:
            connection.execute(_challenges.delete().where(_challenges.c.expires_at < _text(now)))
            used = inserting(connection.dialect, _challenges).values(challenge=digest, expires_at=_text(now + lasts))
            taken = used.on_conflict_do_nothing().returning(_challenges.c.challenge)
            return connection.execute(taken).first() is not None

    def _proof(self, session: str, operator_id: str, began_at: str, proven_by: str) -> str:
        how = "" if proven_by == ProvenBy.PASSWORD else f" {proven_by}"  # of sessions there were passwords only before
        return self.derived("proof", f"{session} {operator_id} {began_at}{how}")

    def _update(self, cookie: str, **values: str) -> None:
        where = (_sessions.c.session == self.derived("session", cookie), _sessions.c.ended_at.is_(None))
        with changing(self._engine) as connection:
            connection.execute(_sessions.update().where(*where).values(**values))

    def _sealed(self, text: bytes, bound_to: str) -> bytes:
        nonce = self._entropy(12)
        return nonce + self._seal.encrypt(nonce, text, bound_to.encode())

    def _opened(self, sealed: bytes, bound_to: str) -> bytes:
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], bound_to.encode())
        except InvalidTag as error:
            raise Misconfigured("an account of the console was not written by this installation") from error


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
