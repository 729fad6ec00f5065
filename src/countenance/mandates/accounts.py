"""Sign-in of operators to the console: password and one-time codes, sessions, and the keys that sessions act with.

A row is useless without the key file: an account's secrets are sealed (AES-256-GCM, bound to its operator); a session
is found by an HMAC of its cookie and holds an HMAC over its operator. So write access to the database is not enough to
sign in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.database import changing, reading
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


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session. ended_at: when its operator signed out; a session also ends by age. Times are UTC."""

    operator_id: str
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
            connection.execute(
                _sessions.update()
                .where(_sessions.c.operator_id == operator_id, _sessions.c.ended_at.is_(None))
                .values(ended_at=_text(self.now()))
            )

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

    def begin(self, operator_id: str) -> str:
        """Begin a session; returns its cookie, of which only an HMAC is kept."""
        cookie = base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        at, session = _text(self.now()), self.derived("session", cookie)
        row = {"began_at": at, "seen_at": at, "proof": self._proof(session, operator_id, at)}
        with changing(self._engine) as connection:
            connection.execute(_sessions.insert().values(session=session, operator_id=operator_id, **row))
        return cookie

    def session(self, cookie: str) -> StoredSession | None:
        """The session of a cookie, even if it has ended; None if this installation made no such session."""
        with reading(self._engine) as connection:
            where = _sessions.c.session == self.derived("session", cookie)
            row = connection.execute(sa.select(_sessions).where(where)).first()
        if row is None or not hmac.compare_digest(row.proof, self._proof(row.session, row.operator_id, row.began_at)):
            return None
        return _stored(row)

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

    def _proof(self, session: str, operator_id: str, began_at: str) -> str:
        return self.derived("proof", f"{session} {operator_id} {began_at}")

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
        datetime.fromisoformat(row.began_at),
        datetime.fromisoformat(row.seen_at),
        None if ended is None else datetime.fromisoformat(ended),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
