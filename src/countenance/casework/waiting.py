"""Pictures that wait for minutes until somebody searches with them, where every process of the installation finds them.

Each is sealed with a key made of the installation's and of the picture's id, which only its sender has: neither the
database nor a backup of it, with all keys, opens one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from countenance.database import changing, reading

KEPT = timedelta(minutes=15)
MOST, MOST_BYTES = 100, 256 * 2**20

_waiting = sa.Table(
    "casework_waiting",
    sa.MetaData(),
    sa.Column("picture", sa.LargeBinary(32), primary_key=True),
    sa.Column("kept_at", sa.String(40), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)


class WaitingPictures:
    """At most 100 pictures and 256 MiB; the oldest is dropped first. sealing_key: 32 bytes. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, sealing_key: bytes, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._key = sealing_key
        self.now = now

    def keep(self, content: bytes) -> str:
        """Keep a picture for 15 minutes; its id, which is a secret of its sender."""
        picture_id = secrets.token_urlsafe(16)
        name, nonce, at = _name(picture_id), secrets.token_bytes(12), _text(self.now())
        sealed = nonce + self._seal(picture_id).encrypt(nonce, content, at.encode())
        with changing(self._engine) as connection:
            size = len(sealed)
            connection.execute(_waiting.insert().values(picture=name, kept_at=at, size=size, sealed=sealed))
            latest = sa.select(_waiting.c.picture, _waiting.c.size).order_by(_waiting.c.kept_at.desc())
            others = [row for row in connection.execute(latest) if row.picture != name]
            for n, row in enumerate(others, 2):
                size += row.size
                if n > MOST or size > MOST_BYTES:
                    connection.execute(_waiting.delete().where(_waiting.c.picture == row.picture))
        return picture_id

    def get(self, picture_id: str) -> bytes | None:
        """A picture; None where it is not there any more."""
        query = sa.select(_waiting.c.kept_at, _waiting.c.sealed).where(_waiting.c.picture == _name(picture_id))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.kept_at <= _text(self.now() - KEPT):
            return None
        try:
            return self._seal(picture_id).decrypt(row.sealed[:12], row.sealed[12:], row.kept_at.encode())
        except InvalidTag:
            return None

    def forget(self, picture_id: str) -> None:
        """Erase a picture."""
        with changing(self._engine) as connection:
            connection.execute(_waiting.delete().where(_waiting.c.picture == _name(picture_id)))

    def sweep(self) -> None:
        """Erase what is too old."""
        over = _waiting.c.kept_at <= _text(self.now() - KEPT)
        with reading(self._engine) as connection:
            old = connection.execute(sa.select(_waiting.c.picture).where(over).limit(1)).first()
        if old:
            with changing(self._engine) as connection:
                connection.execute(_waiting.delete().where(over))

    def _seal(self, picture_id: str) -> AESGCM:
        derivation = HKDF(SHA256(), 32, salt=None, info=b"picture that waits\n" + picture_id.encode("utf-8", "replace"))
        return AESGCM(derivation.derive(self._key))


def _name(picture_id: str) -> bytes:
    return hashlib.sha256(picture_id.encode("utf-8", "replace")).digest()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
