"""What operators sign in with beside a password: their passkeys, and the account at an OpenID provider that is theirs.

Both identify an operator, so each row is bound to the ledger. Neither gives a right: an operator is entered first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded, bound_row
from countenance.database import Transaction, reading
from countenance.errors import AlreadyExists, BadRequest, NotAsRecorded, NotFound

MOST_PASSKEYS = 20
"""Of one operator."""
_TRIES = 3  # of a look-up whose row is being changed
_metadata = sa.MetaData()
_passkeys = sa.Table(
    "console_passkeys",
    _metadata,
    sa.Column("passkey_id", sa.String(64), primary_key=True),
    sa.Column("operator_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("credential_id", sa.String(1400), nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
)
_links = sa.Table(
    "console_links",
    _metadata,
    sa.Column("operator_id", sa.String(64), primary_key=True),
    sa.Column("issuer", sa.String(255), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Passkey:
    """One credential of WebAuthn. credential_id: base64url. public_key: COSE. uses: the authenticator's count of its
    signatures, 0 where it keeps none. made_at: UTC.
    """

    passkey_id: str
    operator_id: str
    name: str
    credential_id: str
    public_key: bytes
    uses: int
    made_at: datetime

    def __post_init__(self) -> None:
        if not (1 <= len(self.name) <= 64 and self.name.isprintable()):
            raise BadRequest("a passkey's name has 1 to 64 printable characters")


@dataclass(frozen=True, slots=True)
class ProviderLink:
    """The account at a provider that an operator signs in with. subject: its `sub`, by which only the issuer can tell
    accounts apart. made_at: UTC.
    """

    operator_id: str
    issuer: str
    subject: str
    made_at: datetime

    def __post_init__(self) -> None:
        if not (1 <= len(self.subject) <= 255 and self.subject.isprintable()):
            raise BadRequest("a subject has 1 to 255 printable characters")


class SignInStore:
    """Passkeys and links in the one database. now: the clock, UTC. entropy: n -> n random bytes.

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

    def draft(self, operator_id: str, name: str, credential_id: str, public_key: bytes, uses: int) -> Passkey:
        """A new passkey, not yet stored. `AlreadyExists` if the credential is anybody's, `BadRequest` for too many."""
        if self._select(_passkeys, _passkeys.c.credential_id == credential_id):
            raise AlreadyExists("this passkey is known already")
        if len(self.passkeys_of(operator_id)) >= MOST_PASSKEYS:
            raise BadRequest(f"one operator has at most {MOST_PASSKEYS} passkeys; remove one first")
        made_at = self.now()
        passkey_id = f"passkey-{self._entropy(6).hex()}"
        return Passkey(passkey_id, operator_id, name.strip(), credential_id, public_key, uses, made_at)

    def add(self, passkey: Passkey) -> None:
        """Store a drafted passkey."""
        self._insert(_passkeys, "this passkey is known already", _row(_passkeys, passkey))

    def passkeys_of(self, operator_id: str) -> list[Passkey]:
        """The operator's passkeys, oldest first."""
        rows = self._select(_passkeys, _passkeys.c.operator_id == operator_id, _passkeys.c.made_at)
        return [_passkey(row) for row in rows]

    def with_credential(self, credential_id: str) -> Passkey:
        """The passkey of a credential, or `NotFound`. `NotAsRecorded` if its row differs from the record."""
        return _passkey(self._recorded(_passkeys, _passkeys.c.credential_id == credential_id, "passkey"))

    def use(self, passkey: Passkey, uses: int) -> bool:
        """Note the count of its signatures; False if `passkey` no longer has the latest: it was used meanwhile."""

        def work(transaction: Transaction) -> BoundChange[bool]:
            connection = transaction.connection
            where = (_passkeys.c.passkey_id == passkey.passkey_id, _passkeys.c.uses == passkey.uses)
            before = connection.execute(sa.select(_passkeys).where(*where)).one_or_none()
            if before is None:
                return BoundChange(False)
            connection.execute(_passkeys.update().where(*where).values(uses=uses))
            after = connection.execute(sa.select(_passkeys).where(where[0])).one()
            return BoundChange(True, made=(bound_row(_passkeys, after),), unmade=(bound_row(_passkeys, before),))

        return uses == passkey.uses or self._recorder.change(work)

    def remove(self, passkey: Passkey) -> None:
        """Remove a passkey; `NotFound` where it is gone already."""
        self._delete(_passkeys, _passkeys.c.passkey_id == passkey.passkey_id, "there is no such passkey")

    def draft_link(self, operator_id: str, issuer: str, subject: str) -> ProviderLink:
        """A new link, not yet stored. `AlreadyExists` if the operator has one, or the account is somebody's."""
        made = ProviderLink(operator_id, issuer, subject, self.now())
        taken = (_links.c.issuer == issuer) & (_links.c.subject == subject)
        if self._select(_links, taken | (_links.c.operator_id == operator_id)):
            raise AlreadyExists(_TAKEN)
        return made

    def add_link(self, link: ProviderLink) -> None:
        """Store a drafted link."""
        self._insert(_links, _TAKEN, _row(_links, link))

    def link_of(self, operator_id: str) -> ProviderLink | None:
        """The operator's account at a provider, as the database has it."""
        rows = self._select(_links, _links.c.operator_id == operator_id)
        return _link(rows[0]) if rows else None

    def linked(self, issuer: str, subject: str) -> ProviderLink:
        """Whose account that is, or `NotFound`. `NotAsRecorded` if its row differs from the record."""
        where = (_links.c.issuer == issuer) & (_links.c.subject == subject)
        return _link(self._recorded(_links, where, "link"))

    def remove_link(self, link: ProviderLink) -> None:
        """Remove a link; `NotFound` where it is gone already."""
        self._delete(_links, _links.c.operator_id == link.operator_id, "this operator has no account at a provider")

    def _insert(self, table: sa.Table, taken: str, row: dict[str, Any]) -> None:
        def work(transaction: Transaction) -> BoundChange[None]:
            try:
                transaction.connection.execute(table.insert().values(**row))
            except IntegrityError:
                raise AlreadyExists(taken) from None
            (key,) = table.primary_key.columns
            made = transaction.connection.execute(sa.select(table).where(key == row[key.name])).one()
            return BoundChange(None, made=(bound_row(table, made),))

        self._recorder.change(work)

    def _delete(self, table: sa.Table, where: sa.ColumnElement[bool], missing: str) -> None:
        def work(transaction: Transaction) -> BoundChange[None]:
            before = transaction.connection.execute(sa.select(table).where(where)).one_or_none()
            if before is None:
                raise NotFound(missing)
            transaction.connection.execute(table.delete().where(where))
            return BoundChange(None, unmade=(bound_row(table, before),))

        self._recorder.change(work)

    def _recorded(self, table: sa.Table, where: sa.ColumnElement[bool], what: str) -> Any:
        for _ in range(_TRIES):
            rows = self._select(table, where)
            if not rows:
                raise NotFound(f"there is no such {what}")
            if not self._recorder.differing([bound_row(table, rows[0])]):
                return rows[0]
        raise NotAsRecorded(f"this {what} is not as the ledger recorded it, and nobody signs in with it")

    def _select(
        self, table: sa.Table, where: sa.ColumnElement[bool], order: sa.ColumnElement[Any] | None = None
    ) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(sa.select(table).where(where).order_by(order)))


_TAKEN = "this operator has an account at a provider already, or the account is another operator's"


def sign_in_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All passkeys and links, for comparison with what was recorded."""
    for row in connection.execute(sa.select(_passkeys)):
        yield bound_row(_passkeys, row), f"console_passkeys, row {row.passkey_id!r}: the passkey"
    for row in connection.execute(sa.select(_links)):
        yield bound_row(_links, row), f"console_links, row {row.operator_id!r}: whose account it is"


def _row(table: sa.Table, value: Passkey | ProviderLink) -> dict[str, Any]:
    row = {column.name: getattr(value, column.name) for column in table.c}
    return row | {"made_at": value.made_at.astimezone(UTC).isoformat()}


def _passkey(row: Any) -> Passkey:
    return Passkey(**row._asdict() | {"made_at": datetime.fromisoformat(row.made_at)})


def _link(row: Any) -> ProviderLink:
    return ProviderLink(**row._asdict() | {"made_at": datetime.fromisoformat(row.made_at)})
