"""Changes to mandates, each in the ledger before it is in force.

What can be seen to be impossible is refused before it is entered, so that the ledger does not say that it was done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from countenance.errors import BadRequest, Conflict, Denied
from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, Mandate, MandateState, Register, Terms
from countenance.operations.request import granted
from countenance.signing import JSON


class Mandates:
    """The register, with the ledger in front of every change. now: the clock, UTC."""

    def __init__(self, register: Register, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._register = register
        self._ledger = ledger
        self.now = now
        self.show = register.show
        self.list = register.list

    def request(self, holder: Holder, terms: Terms, *, requested_by: str, expires_at: datetime) -> Mandate:
        """Enter a mandate that somebody asks for; it permits nothing until it is approved."""
        granted(Mandate("new", holder, terms, requested_by, self.now(), expires_at))  # refuse unknown words
        mandate = self._register.request(holder, terms, requested_by=requested_by, expires_at=expires_at)
        self._record("requested", mandate.mandate_id, _openly(mandate), {"holder": holder.name, "by": requested_by})
        return mandate

    def approve(self, mandate_id: str, *, approved_by: str) -> Mandate:
        """Put a requested mandate in force; who asked for it is `Denied`."""
        self._other_hands(self._standing(mandate_id, MandateState.REQUESTED), approved_by)
        self._record("approved", mandate_id, {}, {"by": approved_by})
        return self._register.approve(mandate_id, approved_by=approved_by)

    def renew(self, mandate_id: str, *, approved_by: str, expires_at: datetime) -> Mandate:
        """Give an approved mandate a later end; its terms stay as they are. Who asked for it is `Denied`."""
        mandate = self._standing(mandate_id, MandateState.ACTIVE, MandateState.EXPIRED)
        self._other_hands(mandate, approved_by)
        if expires_at <= max(mandate.expires_at, self.now()):
            raise BadRequest("a renewal ends later than the mandate did, and than now")
        self._record("renewed", mandate_id, {"expires": expires_at.isoformat()}, {"by": approved_by})
        return self._register.renew(mandate_id, approved_by=approved_by, expires_at=expires_at)

    def refuse(self, mandate_id: str, why: str, *, by: str) -> Mandate:
        """Refuse one that was asked for and not approved."""
        self._standing(mandate_id, MandateState.REQUESTED)
        return self.end(mandate_id, why, by=by)

    def end(self, mandate_id: str, why: str, *, by: str | None = None) -> Mandate:
        """Revoke a mandate that is in force, or refuse one that was asked for; the next call is refused."""
        self._standing(mandate_id, MandateState.REQUESTED, MandateState.ACTIVE, MandateState.EXPIRED)
        self._record("ended", mandate_id, {}, {"why": why, "by": by})
        return self._register.end(mandate_id, why)

    def issue_key(self, mandate_id: str, *, by: str | None = None) -> AccessKey:
        """Make an access key for an active mandate; this is the only time its secret is shown."""
        self._standing(mandate_id, MandateState.ACTIVE)
        self._record("key issued", mandate_id, {}, {"by": by})
        return self._register.issue_key(mandate_id)

    def _standing(self, mandate_id: str, *allowed: MandateState) -> Mandate:
        mandate = self._register.show(mandate_id)
        if (state := mandate.state(self.now())) not in allowed:
            raise Conflict(f"mandate {mandate_id} is {state}; this needs one that is {' or '.join(sorted(allowed))}")
        return mandate

    def _other_hands(self, mandate: Mandate, approver: str) -> None:
        if approver in (mandate.requested_by, mandate.holder.name):
            raise Denied("a mandate is approved by somebody else than who asked for it or holds it")

    def _record(self, change: str, mandate_id: str, public: dict[str, JSON], private: dict[str, JSON]) -> None:
        entry: dict[str, JSON] = {"kind": "mandate", "change": change, "mandate": mandate_id, **public}
        self._ledger.append(entry, {name: value for name, value in private.items() if value is not None}).wait()


def _openly(mandate: Mandate) -> dict[str, JSON]:
    return {
        "powers": list(mandate.holder.powers),
        "on_behalf_of": list(mandate.holder.on_behalf_of),
        "purpose": mandate.terms.purpose,
        "legal_basis": mandate.terms.legal_basis,
        "operations": list(mandate.terms.operations),
        "expires": mandate.expires_at.isoformat(),
    }
