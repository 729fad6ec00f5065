"""What operators do, with a token: mandates and their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from countenance.client.exchange import Exchange
from countenance.errors import BadRequest
from countenance.signing import JSON
from countenance.wire.mandates import BudgetLeft, KeyShown, MandateList, MandateShown


class MandateClient:
    """Mandates, for the operator whose token the client holds. Roles are the server's matter (docs/native-api.md)."""

    def __init__(self, exchange: Exchange) -> None:
        self._ask = exchange.people

    def list(self) -> list[MandateShown]:
        """Every mandate, oldest first."""
        return self._ask(MandateList, "GET", "mandates").mandates

    def show(self, mandate_id: str) -> MandateShown:
        """One mandate; `NotFound` if there is none."""
        return self._ask(MandateShown, "GET", "mandates", mandate_id)

    def request(
        self,
        holder: str,
        *,
        expires_at: datetime,
        template: str | None = None,
        purpose: str | None = None,
        legal_basis: str | None = None,
        galleries: Sequence[str] = (),
        operations: Sequence[str] = (),
        facts: Mapping[str, JSON] | None = None,
        powers: Sequence[str] = (),
        jurisdictions: Sequence[str] = (),
    ) -> MandateShown:
        """Ask for a mandate; it permits nothing until another operator approves it. expires_at: with a zone."""
        if expires_at.tzinfo is None:
            raise BadRequest("expires_at needs a time zone")
        body: dict[str, JSON] = {
            "holder": {"name": holder, "powers": list(powers), "jurisdictions": list(jurisdictions)},
            "galleries": list(galleries),
            "facts": dict(facts or {}),
            "expires_at": expires_at.isoformat(),
        }
        optional: dict[str, JSON] = {"template": template, "purpose": purpose, "legal_basis": legal_basis}
        body |= {name: value for name, value in optional.items() if value is not None}
        if operations:
            body["operations"] = list(operations)
        return self._ask(MandateShown, "POST", "mandates", body=body)

    def approve(self, mandate_id: str) -> MandateShown:
        """Put it in force; `Denied` to whoever asked for it or is to hold it."""
        return self._ask(MandateShown, "POST", "mandates", mandate_id, "approval")

    def refuse(self, mandate_id: str, why: str) -> MandateShown:
        """Refuse what was asked for; `Conflict` if it was decided already."""
        return self._ask(MandateShown, "POST", "mandates", mandate_id, "refusal", body={"why": why})

    def renew(self, mandate_id: str, expires_at: datetime) -> MandateShown:
        """Give it a later end, with a time zone; its terms stay. `Denied` to whoever asked for it."""
        if expires_at.tzinfo is None:
            raise BadRequest("expires_at needs a time zone")
        return self._ask(
            MandateShown, "POST", "mandates", mandate_id, "renewal", body={"expires_at": expires_at.isoformat()}
        )

    def revoke(self, mandate_id: str, why: str) -> MandateShown:
        """End it at once and for good; its keys stop working."""
        return self._ask(MandateShown, "POST", "mandates", mandate_id, "revocation", body={"why": why})

    def issue_key(self, mandate_id: str) -> KeyShown:
        """An access key of an active mandate, for whoever asked for it. Its secret is shown only now."""
        return self._ask(KeyShown, "POST", "mandates", mandate_id, "keys")

    def budget(self, mandate_id: str) -> BudgetLeft:
        """How many comparisons the mandate has left, of this minute and of 24 hours, and its budget."""
        return self._ask(BudgetLeft, "GET", "mandates", mandate_id, "budget")
