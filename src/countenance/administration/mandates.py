"""Changes to mandates, each in the ledger before it is in force.

A change that cannot succeed is refused before it is recorded, so that the ledger does not report it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from countenance.administration.journal import Journal
from countenance.budgets import BudgetState
from countenance.errors import BadRequest, Conflict, Denied
from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, Mandate, MandateState, Register, Terms
from countenance.operations import BudgetKeeper, granted
from countenance.signing import JSON


class Mandates:
    """The mandates of one installation; every change is recorded first. now: the clock, UTC."""

    def __init__(self, register: Register, ledger: Ledger, now: Callable[[], datetime], budgets: BudgetKeeper) -> None:
        self._register = register
        self._journal = Journal(ledger, "mandate")
        self.now = now
        self._budgets = budgets
        self.show = register.show
        self.list = register.list

    def request(self, holder: Holder, terms: Terms, *, requested_by: str, expires_at: datetime) -> Mandate:
        """Enter a mandate that somebody requests; it permits nothing until it is approved."""
        asked = Mandate("new", holder, terms, requested_by, self.now(), expires_at)
        granted(asked)  # refuse unknown words
        self._budgets.budget(asked)
        mandate = self._register.request(holder, terms, requested_by=requested_by, expires_at=expires_at)
        self._record("requested", mandate.mandate_id, _public(mandate), {"holder": holder.name, "by": requested_by})
        return mandate

    def budget(self, mandate_id: str) -> BudgetState:
        """What the mandate may still do now; `NotFound` if there is none."""
        return self._budgets.state(self._register.show(mandate_id))

    def approve(self, mandate_id: str, *, approved_by: str) -> Mandate:
        """Put a requested mandate in force; `Denied` to its requester and its future holder."""
        _check_approver(self._in_state(mandate_id, MandateState.REQUESTED), approved_by)
        self._record("approved", mandate_id, {}, {"by": approved_by})
        return self._register.approve(mandate_id, approved_by=approved_by)

    def renew(self, mandate_id: str, *, approved_by: str, expires_at: datetime) -> Mandate:
        """Give an approved mandate a later end on the same terms; `Denied` as for `approve`."""
        mandate = self._in_state(mandate_id, MandateState.ACTIVE, MandateState.EXPIRED)
        _check_approver(mandate, approved_by)
        if expires_at <= max(mandate.expires_at, self.now()):
            raise BadRequest("a renewal ends later than the mandate did, and than now")
        self._record("renewed", mandate_id, {"expires": expires_at.isoformat()}, {"by": approved_by})
        return self._register.renew(mandate_id, approved_by=approved_by, expires_at=expires_at)

    def refuse(self, mandate_id: str, why: str, *, by: str) -> Mandate:
        """Refuse a mandate that was requested and not approved."""
        self._in_state(mandate_id, MandateState.REQUESTED)
        return self.end(mandate_id, why, by=by)

    def end(self, mandate_id: str, why: str, *, by: str | None = None) -> Mandate:
        """Revoke a mandate that is in force, or refuse a requested one; the next call under it is refused."""
        self._in_state(mandate_id, MandateState.REQUESTED, MandateState.ACTIVE, MandateState.EXPIRED)
        self._record("ended", mandate_id, {}, {"why": why, "by": by})
        return self._register.end(mandate_id, why)

    def issue_key(self, mandate_id: str, *, to: str) -> AccessKey:
        """Make an access key for an active mandate; its secret is shown only now.

        to: who receives the key, which must be the mandate's requester; else `Denied`.
        """
        mandate = self._in_state(mandate_id, MandateState.ACTIVE)
        if to != mandate.requested_by:
            raise Denied("a key is handed to whoever requested the mandate")
        self._record("key issued", mandate_id, {}, {"by": to})
        return self._register.issue_key(mandate_id)

    def _in_state(self, mandate_id: str, *allowed: MandateState) -> Mandate:
        mandate = self._register.show(mandate_id)
        if (state := mandate.state(self.now())) not in allowed:
            raise Conflict(f"mandate {mandate_id} is {state}; this needs one that is {' or '.join(sorted(allowed))}")
        return mandate

    def _record(
        self, change: str, mandate_id: str, public: Mapping[str, JSON], private: Mapping[str, JSON | None]
    ) -> None:
        self._journal.record(change, {"mandate": mandate_id, **public}, private)


def _check_approver(mandate: Mandate, approver: str) -> None:
    if approver in (mandate.requested_by, mandate.holder.name):
        raise Denied("a mandate is approved by somebody else than who asked for it or holds it")


def _public(mandate: Mandate) -> dict[str, JSON]:
    return {
        "powers": list(mandate.holder.powers),
        "on_behalf_of": list(mandate.holder.on_behalf_of),
        "purpose": mandate.terms.purpose,
        "legal_basis": mandate.terms.legal_basis,
        "operations": list(mandate.terms.operations),
        "expires": mandate.expires_at.isoformat(),
        **({"budget": mandate.terms.budget} if mandate.terms.budget else {}),
    }
