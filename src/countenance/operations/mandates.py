"""Changes to mandates, each in the ledger before it is in force."""

from __future__ import annotations

from datetime import UTC, datetime

from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, Mandate, Register, Terms
from countenance.operations.vocabulary import granted
from countenance.signing import JSON


class Mandates:
    """The register, with the ledger in front of every change."""

    def __init__(self, register: Register, ledger: Ledger) -> None:
        self._register = register
        self._ledger = ledger
        self.show = register.show
        self.list = register.list

    def request(self, holder: Holder, terms: Terms, *, requested_by: str, expires_at: datetime) -> Mandate:
        """Enter a mandate that somebody asks for; it permits nothing until it is approved."""
        granted(Mandate("new", holder, terms, requested_by, datetime.now(UTC), expires_at))  # refuse unknown words
        mandate = self._register.request(holder, terms, requested_by=requested_by, expires_at=expires_at)
        self._record("requested", mandate.mandate_id, _openly(mandate), {"holder": holder.name, "by": requested_by})
        return mandate

    def approve(self, mandate_id: str, *, approved_by: str) -> Mandate:
        """Put a requested mandate in force; the approver is not who asked."""
        self._record("approved", mandate_id, {}, {"by": approved_by})
        return self._register.approve(mandate_id, approved_by=approved_by)

    def renew(self, mandate_id: str, *, approved_by: str, expires_at: datetime) -> Mandate:
        """Give an approved mandate a later end; its terms stay as they are."""
        self._record("renewed", mandate_id, {"expires": expires_at.isoformat()}, {"by": approved_by})
        return self._register.renew(mandate_id, approved_by=approved_by, expires_at=expires_at)

    def end(self, mandate_id: str, why: str) -> Mandate:
        """Revoke a mandate that is in force, or refuse one that was asked for; the next call is refused."""
        self._record("ended", mandate_id, {}, {"why": why})
        return self._register.end(mandate_id, why)

    def issue_key(self, mandate_id: str) -> AccessKey:
        """Make an access key for an active mandate; this is the only time its secret is shown."""
        self._record("key issued", mandate_id, {}, {})
        return self._register.issue_key(mandate_id)

    def _record(self, change: str, mandate_id: str, public: dict[str, JSON], private: dict[str, JSON]) -> None:
        entry: dict[str, JSON] = {"kind": "mandate", "change": change, "mandate": mandate_id, **public}
        self._ledger.append(entry, private).wait()


def _openly(mandate: Mandate) -> dict[str, JSON]:
    return {
        "powers": list(mandate.holder.powers),
        "on_behalf_of": list(mandate.holder.on_behalf_of),
        "purpose": mandate.terms.purpose,
        "legal_basis": mandate.terms.legal_basis,
        "operations": list(mandate.terms.operations),
        "expires": mandate.expires_at.isoformat(),
    }
