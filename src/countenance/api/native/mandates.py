"""Mandates: requested by one operator, approved by another, limited, expiring, renewable, revocable at once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from countenance.administration import Mandate, MandateDraft, Mandates, MandateTemplate, Role, templates
from countenance.api.native.access import Caller, everybody, may, router
from countenance.wire.mandates import (
    BudgetBody,
    BudgetLeft,
    HolderShown,
    KeyShown,
    MandateList,
    MandateRequest,
    MandateShown,
    TemplateList,
    TemplateShown,
    Until,
    Why,
)

MandateId = Annotated[str, Path(description="The mandate's id.", pattern=r"^mandate-[0-9a-f]{12}$")]


def routes(mandates: Mandates) -> APIRouter:
    """The routes under /mandates."""
    at = router("mandates", 400, 404, 409)

    def shown(mandate: Mandate) -> MandateShown:
        return _shown(mandate, mandates.now())

    @at.get("/mandate-templates", openapi_extra=everybody(), summary="List the templates")
    def list_templates() -> TemplateList:
        """Forms for common lawful uses: what each fills in, and what the requester must still state."""
        return TemplateList(templates=[_template(each) for each in templates().values()])

    @at.get("/mandates", openapi_extra=everybody(), summary="List all mandates")
    def list_mandates() -> MandateList:
        """Every mandate that was ever requested, oldest first."""
        return MandateList(mandates=[shown(each) for each in mandates.list()])

    @at.post("/mandates", status_code=201, openapi_extra=may(Role.REQUEST), summary="Ask for a mandate")
    def request(body: MandateRequest, caller: Caller) -> MandateShown:
        """Request a mandate. It permits nothing until another operator approves it."""
        holder, terms = _draft(body).filled()
        return shown(mandates.request(holder, terms, requested_by=caller.name, expires_at=body.expires_at))

    @at.get("/mandates/{mandate_id}", openapi_extra=everybody(), summary="Show a mandate")
    def show(mandate_id: MandateId) -> MandateShown:
        """One mandate in full, never a secret."""
        return shown(mandates.show(mandate_id))

    @at.get("/mandates/{mandate_id}/budget", openapi_extra=everybody(), summary="Show what is left of a budget")
    def budget(mandate_id: MandateId) -> BudgetLeft:
        """The mandate's budget of comparisons, what is left of it now, and how many probes were near-duplicates."""
        state = mandates.budget(mandate_id)
        return BudgetLeft(
            budget=asdict(state.budget),
            minute_left=state.minute,
            day_left=state.day,
            near_duplicates=state.alike,
        )

    @at.post("/mandates/{mandate_id}/approval", openapi_extra=may(Role.APPROVE), summary="Approve a mandate")
    def approve(mandate_id: MandateId, caller: Caller) -> MandateShown:
        """Put it in force. Its requester and its future holder cannot."""
        return shown(mandates.approve(mandate_id, approved_by=caller.name))

    @at.post("/mandates/{mandate_id}/refusal", openapi_extra=may(Role.APPROVE), summary="Refuse a mandate")
    def refuse(mandate_id: MandateId, body: Why, caller: Caller) -> MandateShown:
        """Refuse a mandate that was requested and not approved, for good."""
        return shown(mandates.refuse(mandate_id, body.why, by=caller.name))

    @at.post("/mandates/{mandate_id}/renewal", openapi_extra=may(Role.APPROVE), summary="Renew a mandate")
    def renew(mandate_id: MandateId, body: Until, caller: Caller) -> MandateShown:
        """Give it a later end; its terms stay. Its requester and its holder cannot."""
        return shown(mandates.renew(mandate_id, approved_by=caller.name, expires_at=body.expires_at))

    @at.post("/mandates/{mandate_id}/revocation", openapi_extra=may(Role.APPROVE), summary="Revoke a mandate")
    def revoke(mandate_id: MandateId, body: Why, caller: Caller) -> MandateShown:
        """End it at once and for good: the next call under it is refused."""
        return shown(mandates.end(mandate_id, body.why, by=caller.name))

    @at.post("/mandates/{mandate_id}/keys", status_code=201, openapi_extra=may(Role.REQUEST), summary="Make a key")
    def issue_key(mandate_id: MandateId, caller: Caller) -> KeyShown:
        """Make an access key for an active mandate. Only the mandate's requester can."""
        key = mandates.issue_key(mandate_id, to=caller.name)
        return KeyShown(mandate_id=key.mandate_id, access_key=key.access_key, secret=key.secret)

    return at


def _draft(body: MandateRequest) -> MandateDraft:
    who = body.holder
    return MandateDraft(
        who.name,
        template=body.template,
        kind=who.kind,
        powers=tuple(who.powers),
        on_behalf_of=tuple(who.on_behalf_of),
        tier=who.tier,
        jurisdictions=tuple(who.jurisdictions),
        purpose=body.purpose,
        legal_basis=body.legal_basis,
        galleries=tuple(body.galleries),
        operations=tuple(body.operations or ()),
        facts=body.facts,
        budget=_budget(body.budget),
    )


def _budget(body: BudgetBody | None) -> str:
    stated = {} if body is None else body.model_dump(exclude_none=True)
    return ",".join(f"{name}={number}" for name, number in stated.items())


def _shown(mandate: Mandate, now: datetime) -> MandateShown:
    holder, terms = mandate.holder, mandate.terms
    return MandateShown(
        mandate_id=mandate.mandate_id,
        state=mandate.state(now).value,
        holder=HolderShown(
            name=holder.name,
            kind=holder.kind,
            powers=list(holder.powers),
            on_behalf_of=list(holder.on_behalf_of),
            tier=holder.tier,
            jurisdictions=list(holder.jurisdictions),
        ),
        purpose=terms.purpose,
        legal_basis=terms.legal_basis,
        galleries=list(terms.galleries),
        operations=list(terms.operations),
        facts=json.loads(terms.facts),
        budget=terms.budget,
        requested_by=mandate.requested_by,
        requested_at=mandate.requested_at,
        expires_at=mandate.expires_at,
        approved_by=mandate.approved_by,
        approved_at=mandate.approved_at,
        ended_at=mandate.ended_at,
        ended_why=mandate.ended_why,
    )


def _template(each: MandateTemplate) -> TemplateShown:
    return TemplateShown(
        name=each.name,
        title=each.title,
        says=each.says,
        purpose=each.purpose,
        legal_basis=each.legal_basis,
        operations=list(each.operations),
        facts=dict(each.facts),
        to_state=dict(each.to_state),
    )
