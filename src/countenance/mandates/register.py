"""The register of mandates and access keys, in the one database.

Secrets are encrypted (AES-256-GCM, with a key file beside the database), not hashed: SigV4 needs the plain secret.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKey,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    bindparam,
    select,
)

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.database import Direct, Transaction, reading
from countenance.errors import BadRequest, Conflict, Misconfigured, NotAsRecorded, NotFound
from countenance.mandates.mandate import AccessKey, Holder, Mandate, MandateState, Terms
from countenance.signing import KEY_TRIES, opens_one

_metadata = MetaData()
_mandates = Table(
    "mandates",
    _metadata,
    Column("mandate_id", String(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", String(40), nullable=False),
    Column("expires_at", String(40), nullable=False),
    Column("approved_by", Text),
    Column("approved_at", String(40)),
    Column("ended_at", String(40)),
    Column("ended_why", Text),
)
_keys = Table(
    "access_keys",
    _metadata,
    Column("access_key", String(32), primary_key=True),
    Column("mandate_id", String(64), ForeignKey("mandates.mandate_id"), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
)

# Every call runs these statements, so they are compiled once.
_BY_KEY = Direct(select(_keys, _mandates).join_from(_keys, _mandates).where(_keys.c.access_key == bindparam("key")))
_SECRET = Direct(select(_keys.c.sealed_secret).where(_keys.c.access_key == bindparam("key")))
_NAMES = tuple(column.name for column in _mandates.c)
_KEY_COLUMNS = len(_keys.c)
_TRIES = 3  # of a look-up whose rows are being changed


class Register:
    """Mandates and their keys. now: the clock, UTC. sealing_key: 32 bytes that encrypt the secrets at rest.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(
        self, engine: Engine, sealing_key: bytes, now: Callable[[], datetime], recorder: Recorder | None = None
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._seal = AESGCM(sealing_key)
        self._now = now

    def request(self, holder: Holder, terms: Terms, *, requested_by: str, expires_at: datetime) -> Mandate:
        """Store a requested mandate. It permits nothing until it is approved."""
        mandate = Mandate(
            mandate_id=f"mandate-{secrets.token_hex(6)}",
            holder=holder,
            terms=terms,
            requested_by=requested_by,
            requested_at=self._now(),
            expires_at=expires_at,
        )
        row = _row(mandate)

        def work(transaction: Transaction) -> BoundChange[Mandate]:
            transaction.connection.execute(_mandates.insert().values(**row))
            return BoundChange(mandate, made=(_bound(row),))

        return self._recorder.change(work)

    def approve(self, mandate_id: str, *, approved_by: str) -> Mandate:
        """Put a requested mandate in force. Its requester cannot approve it."""
        return self._change(mandate_id, {MandateState.REQUESTED}, approved_by=approved_by, approved_at=self._now())

    def renew(self, mandate_id: str, *, approved_by: str, expires_at: datetime) -> Mandate:
        """Give an approved mandate a later end; its terms stay as they are."""
        mandate = self.show(mandate_id)
        if expires_at <= mandate.expires_at:
            raise BadRequest("a renewal ends later than the mandate did")
        allowed = {MandateState.ACTIVE, MandateState.EXPIRED}
        return self._change(
            mandate_id, allowed, approved_by=approved_by, approved_at=self._now(), expires_at=expires_at
        )

    def end(self, mandate_id: str, why: str) -> Mandate:
        """Revoke a mandate that is in force, or refuse a requested one; the next call is refused."""
        allowed = {MandateState.REQUESTED, MandateState.ACTIVE, MandateState.EXPIRED}
        return self._change(mandate_id, allowed, ended_at=self._now(), ended_why=why)

    def show(self, mandate_id: str) -> Mandate:
        """The mandate with that id, or `NotFound`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(_mandates).where(_mandates.c.mandate_id == mandate_id)).mappings().first()
        if row is None:
            raise NotFound(f"there is no mandate {mandate_id!r}")
        return _mandate(row)

    def list(self) -> list[Mandate]:
        """All mandates, oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_mandates).order_by(_mandates.c.requested_at)).mappings().all()
        return [_mandate(row) for row in rows]

    def issue_key(self, mandate_id: str) -> AccessKey:
        """Make an access key for an approved mandate. Its secret is never shown again."""
        mandate = self.show(mandate_id)
        if mandate.state(self._now()) is not MandateState.ACTIVE:
            raise Conflict(f"mandate {mandate_id} is {mandate.state(self._now())}; only an active one gets a key")
        access_key = "CNTN" + base64.b32encode(secrets.token_bytes(10)).decode()
        secret = base64.b64encode(secrets.token_bytes(30)).decode()
        nonce = secrets.token_bytes(12)
        sealed = nonce + self._seal.encrypt(nonce, secret.encode(), access_key.encode())

        def work(transaction: Transaction) -> BoundChange[AccessKey]:
            transaction.connection.execute(
                _keys.insert().values(access_key=access_key, mandate_id=mandate_id, sealed_secret=sealed)
            )
            return BoundChange(
                AccessKey(access_key, secret, mandate_id),
                made=(BoundRow(_keys.name, (access_key, mandate_id, sealed)),),
            )

        return self._recorder.change(work)

    def secret_of(self, access_key: str) -> str | None:
        """The secret of a key, for verifying a signature; None if there is no such key."""
        rows = _SECRET.rows(self._engine, key=access_key)
        if not rows:
            return None
        sealed = rows[0][0]
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], access_key.encode()).decode()
        except InvalidTag as error:
            raise Misconfigured("an access key was sealed by another installation's key file") from error

    def key_fits(self) -> bool:
        """Whether secrets of access keys were sealed with this sealing key; True where there is none to tell by."""
        with reading(self._engine) as connection:
            some = connection.execute(select(_keys.c.access_key).limit(KEY_TRIES)).scalars().all()
        return opens_one(self.secret_of, some)

    def mandate_of(self, access_key: str) -> Mandate | None:
        """The mandate that a key belongs to, in any state; None if there is no such key.

        `NotAsRecorded` if the row of either differs from the record.
        """
        for _ in range(_TRIES):
            rows = _BY_KEY.rows(self._engine, key=access_key)
            if not rows:
                return None
            key, mandate = rows[0][:_KEY_COLUMNS], rows[0][_KEY_COLUMNS:]
            bound = (BoundRow(_keys.name, key), BoundRow(_mandates.name, mandate))
            different = self._recorder.differing(bound)
            if not different:
                return _read(mandate)
        what = "the access key" if different[0] == 0 else "the mandate of this access key"
        raise NotAsRecorded(f"{what} is not as the ledger recorded it, and grants nothing")

    def _change(self, mandate_id: str, allowed: set[MandateState], **changes: Any) -> Mandate:
        def work(transaction: Transaction) -> BoundChange[Mandate]:
            connection = transaction.connection
            row = connection.execute(select(_mandates).where(_mandates.c.mandate_id == mandate_id)).mappings().first()
            if row is None:
                raise NotFound(f"there is no mandate {mandate_id!r}")
            mandate = _mandate(row)
            state = mandate.state(self._now())
            if state not in allowed:
                raise Conflict(
                    f"mandate {mandate_id} is {state}; this needs one that is {' or '.join(sorted(allowed))}"
                )
            changed = replace(mandate, **changes)
            after = _row(changed)
            connection.execute(_mandates.update().where(_mandates.c.mandate_id == mandate_id).values(**after))
            return BoundChange(changed, made=(_bound(after),), unmade=(_bound(row),))

        return self._recorder.change(work)


def register_rows(connection: Connection) -> Iterator[tuple[BoundRow, str]]:
    """All mandates and access keys, for comparison with what was recorded."""
    for row in connection.execute(select(_mandates)).mappings():
        yield _bound(row), f"mandates, row {row['mandate_id']!r}: the mandate"
    for key in connection.execute(select(_keys)):
        yield BoundRow(_keys.name, tuple(key)), f"access_keys, row {key.access_key!r}: the key"


def _bound(row: Mapping[str, Any] | RowMapping) -> BoundRow:
    return BoundRow(_mandates.name, tuple(row[name] for name in _NAMES))


def _row(mandate: Mandate) -> dict[str, str | None]:
    times = ("requested_at", "expires_at", "approved_at", "ended_at")
    row = {name: getattr(mandate, name) for name in ("mandate_id", "requested_by", "approved_by", "ended_why")}
    row |= {name: None if (at := getattr(mandate, name)) is None else _text(at) for name in times}
    return row | {"holder": json.dumps(asdict(mandate.holder)), "terms": json.dumps(asdict(mandate.terms))}


def _mandate(row: Mapping[str, Any] | RowMapping) -> Mandate:
    def at(name: str) -> datetime | None:
        return None if row[name] is None else datetime.fromisoformat(row[name])

    requested_at, expires_at = at("requested_at"), at("expires_at")
    assert requested_at is not None
    assert expires_at is not None
    return Mandate(
        mandate_id=row["mandate_id"],
        holder=Holder(**_tuples(row["holder"])),
        terms=Terms(**_tuples(row["terms"])),
        requested_by=row["requested_by"],
        requested_at=requested_at,
        expires_at=expires_at,
        approved_by=row["approved_by"],
        approved_at=at("approved_at"),
        ended_at=at("ended_at"),
        ended_why=row["ended_why"],
    )


@lru_cache(maxsize=256)
def _read(row: tuple[str | None, ...]) -> Mandate:
    """The mandate in a row of the table. Cached, because every call under a mandate reads the same row."""
    return _mandate(dict(zip(_NAMES, row, strict=True)))


def _tuples(text: str) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(text).items()}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
