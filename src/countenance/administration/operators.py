"""Changes to operators, each in the ledger before it is in force. Entries commit to names without showing them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from countenance.administration.journal import Journal
from countenance.errors import BadRequest, Conflict
from countenance.ledger import Ledger
from countenance.mandates import Operator, OperatorStore, Role
from countenance.signing import JSON


class Operators:
    """The operators of one installation; every change is recorded first."""

    def __init__(self, store: OperatorStore, ledger: Ledger) -> None:
        self._store = store
        self._journal = Journal(ledger, "operator")
        self.holding = store.holding
        self.all = store.all
        self.named = store.named
        self.acting = store.acting

    def add(self, name: str, roles: Collection[Role], expires_at: datetime) -> tuple[Operator, str]:
        """A new operator and the token, which is shown only now; `AlreadyExists` if the name was ever taken."""
        made = self._store.draft(name, roles, expires_at)
        self._record(
            "added", made, {"roles": [str(role) for role in sorted(made.roles)], "expires": made.expires_at.isoformat()}
        )
        return made, self._store.add(made)

    def renew(self, name: str, expires_at: datetime) -> tuple[Operator, str]:
        """A new token, good until `expires_at`; the old one is refused from now on."""
        operator = self._not_revoked(name)
        if expires_at <= self._store.now():
            raise BadRequest("an operator's token expires after it was made")
        self._record("renewed", operator, {"expires": expires_at.astimezone(UTC).isoformat()})
        token = self._store.renew(operator.operator_id, expires_at)
        return self._store.named(name), token

    def revoke(self, name: str) -> Operator:
        """End an operator for good; the next call is refused."""
        operator = self._not_revoked(name)
        self._record("revoked", operator, {})
        return self._store.revoke(operator.operator_id)

    def _not_revoked(self, name: str) -> Operator:
        operator = self._store.named(name)
        if operator.revoked_at is not None:
            raise Conflict("the operator is revoked already, for good")
        return operator

    def _record(self, change: str, operator: Operator, public: dict[str, JSON]) -> None:
        self._journal.record(change, {"operator": operator.operator_id, **public}, {"name": operator.name})
