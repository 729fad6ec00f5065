"""Mandates: asked for by one operator, approved by another, limited, expiring, renewable, revocable at once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field, JsonValue

from countenance.administration import Mandate, MandateDraft, Mandates, MandateTemplate, Role, templates
from countenance.api.native.access import Caller, everybody, may, router
from countenance.api.native.values import Closed, Moment, Place, Table, Text, Word

MandateId = Annotated[str, Path(description="The mandate's id.", pattern=r"^mandate-[0-9a-f]{12}$")]


class HolderBody(Closed):
    """Who may act, described by the powers held, never by what the office is called."""

    name: Text = Field(description="A name for the register; the ledger commits to it and does not say it.")
    kind: Text | None = Field(None, description="A word for readers; no rule looks at it. Default: private.")
    powers: list[Word] = Field([], max_length=20, description="What the holder may do to people: arrest, detain, …")
    on_behalf_of: list[Word] = Field([], max_length=20, description="Powers of those for whom the holder acts.")
    tier: Word = Field("none", description="The level of government; none for everybody else.")
    jurisdictions: list[Place] = Field([], max_length=50, description="Where this happens, such as EU or US-WA.")


class MandateRequest(Closed):
    """What is asked for. A template fills what is left out; facts state more in the words of the policy vocabulary."""

    holder: HolderBody = Field(description="Who is to hold the mandate.")
    template: Word | None = Field(None, description="Name of a template to start from.")
    purpose: Word | None = Field(None, description="What for, as one word of the vocabulary.")
    legal_basis: Word | None = Field(None, description="On which legal basis, as one word of the vocabulary.")
    galleries: list[Word] = Field([], max_length=100, description="Galleries, or prefixes with * at the end.")
    operations: list[Word] | None = Field(
        None, min_length=1, max_length=20, description="Operations that are asked for, or * for all."
    )
    facts: Table = Field({}, description="Further facts by group, such as gallery.provenance. At most 16 KiB.")
    budget: BudgetBody | None = Field(None, description="Its own budget; whoever approves the mandate approves it.")
    expires_at: Moment = Field(description="When it ends, whatever happens; a time with a zone.")


Amount = Annotated[int, Field(ge=1, le=10**9)]
"""A number of comparisons."""


class BudgetBody(Closed):
    """Comparisons of faces. What is left out is as for the purpose."""

    minute: Amount | None = Field(None, description="In any minute, under the mandate.")
    day: Amount | None = Field(None, description="In any 24 hours, under the mandate.")
    key: Amount | None = Field(None, description="In any 24 hours, with one access key.")
    gallery: Amount | None = Field(None, description="In any 24 hours, in one gallery.")
    subject: Amount | None = Field(None, description="In any 24 hours, with one person.")
    alike: Amount | None = Field(None, description="In any 24 hours, by near-duplicates of one picture.")


class Until(Closed):
    """A later end."""

    expires_at: Moment = Field(description="The new end; later than the old one.")


class Why(Closed):
    """A reason."""

    why: Text = Field(description="Why, for the register and, committed to, the ledger.")


class HolderShown(Closed):
    """Who holds a mandate."""

    name: str = Field(description="The name in the register.")
    kind: str = Field(description="A word for readers.")
    powers: list[str] = Field(description="What the holder may do to people.")
    on_behalf_of: list[str] = Field(description="Powers of those for whom the holder acts.")
    tier: str = Field(description="The level of government.")
    jurisdictions: list[str] = Field(description="Where this happens.")


class MandateShown(Closed):
    """A mandate as the register holds it. Never a secret."""

    mandate_id: str = Field(description="The mandate's id.")
    state: Literal["requested", "active", "expired", "revoked", "refused"] = Field(description="Where it stands now.")
    holder: HolderShown = Field(description="Who holds it.")
    purpose: str = Field(description="What for.")
    legal_basis: str = Field(description="On which legal basis.")
    galleries: list[str] = Field(description="Galleries granted, or prefixes with * at the end.")
    operations: list[str] = Field(description="Operations granted, or * for all.")
    facts: dict[str, JsonValue] = Field(description="Further facts by group.")
    budget: str = Field(
        description="What it states of a budget of its own, such as day=1000; else that of its purpose."
    )
    requested_by: str = Field(description="Who asked.")
    requested_at: datetime = Field(description="When, UTC.")
    expires_at: datetime = Field(description="When it ends, UTC.")
    approved_by: str | None = Field(description="Who approved or last renewed it.")
    approved_at: datetime | None = Field(description="When, UTC.")
    ended_at: datetime | None = Field(description="When it was revoked or refused, UTC.")
    ended_why: str | None = Field(description="Why.")


class BudgetLeft(Closed):
    """What a mandate may still do now."""

    budget: dict[str, int] = Field(description="Its budget: minute, day, key, gallery, subject, alike.")
    minute_left: int = Field(description="Comparisons left in this minute.")
    day_left: int = Field(description="Comparisons left in these 24 hours.")
    near_duplicates: int = Field(description="Probes of the last 24 hours that were near-duplicates of others.")


class MandateList(Closed):
    """All mandates."""

    mandates: list[MandateShown] = Field(description="Oldest first.")


class TemplateShown(Closed):
    """A form for a common lawful use. It permits nothing by itself."""

    name: str = Field(description="What to name it by.")
    title: str = Field(description="What it is for, in a line.")
    says: str = Field(description="What the use is, in a sentence.")
    purpose: str = Field(description="The purpose that it fills in.")
    legal_basis: str = Field(description="The legal basis that it fills in.")
    operations: list[str] = Field(description="The operations that it fills in.")
    facts: dict[str, JsonValue] = Field(description="The facts that it fills in, by group.")
    to_state: dict[str, JsonValue] = Field(description="Facts that the request has to state, each with an example.")


class TemplateList(Closed):
    """All templates."""

    templates: list[TemplateShown] = Field(description="In their order.")


class KeyShown(Closed):
    """An access key. This is the only time that its secret is shown."""

    mandate_id: str = Field(description="The mandate that the key belongs to.")
    access_key: str = Field(description="The key's public half.")
    secret: str = Field(description="The secret for SigV4. Shown once; kept encrypted.")


def routes(mandates: Mandates) -> APIRouter:
    """The routes under /mandates."""
    at = router("mandates", 400, 404, 409)

    def shown(mandate: Mandate) -> MandateShown:
        return _shown(mandate, mandates.now())

    @at.get("/mandate-templates", openapi_extra=everybody(), summary="List the templates")
    def list_templates() -> TemplateList:
        """Forms for common lawful uses: what each fills in, and what whoever asks still has to state."""
        return TemplateList(templates=[_template(each) for each in templates().values()])

    @at.get("/mandates", openapi_extra=everybody(), summary="List all mandates")
    def list_mandates() -> MandateList:
        """Every mandate that was ever asked for, oldest first."""
        return MandateList(mandates=[shown(each) for each in mandates.list()])

    @at.post("/mandates", status_code=201, openapi_extra=may(Role.REQUEST), summary="Ask for a mandate")
    def request(body: MandateRequest, caller: Caller) -> MandateShown:
        """Ask. It permits nothing until another operator approves it."""
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
        """Put it in force. Whoever asked for it, or is to hold it, cannot."""
        return shown(mandates.approve(mandate_id, approved_by=caller.name))

    @at.post("/mandates/{mandate_id}/refusal", openapi_extra=may(Role.APPROVE), summary="Refuse a mandate")
    def refuse(mandate_id: MandateId, body: Why, caller: Caller) -> MandateShown:
        """Refuse what was asked for and not approved, for good."""
        return shown(mandates.refuse(mandate_id, body.why, by=caller.name))

    @at.post("/mandates/{mandate_id}/renewal", openapi_extra=may(Role.APPROVE), summary="Renew a mandate")
    def renew(mandate_id: MandateId, body: Until, caller: Caller) -> MandateShown:
        """Give it a later end; its terms stay. Whoever asked for it, or holds it, cannot."""
        return shown(mandates.renew(mandate_id, approved_by=caller.name, expires_at=body.expires_at))

    @at.post("/mandates/{mandate_id}/revocation", openapi_extra=may(Role.APPROVE), summary="Revoke a mandate")
    def revoke(mandate_id: MandateId, body: Why, caller: Caller) -> MandateShown:
        """End it at once and for good: the next call under it is refused."""
        return shown(mandates.end(mandate_id, body.why, by=caller.name))

    @at.post("/mandates/{mandate_id}/keys", status_code=201, openapi_extra=may(Role.REQUEST), summary="Make a key")
    def issue_key(mandate_id: MandateId, caller: Caller) -> KeyShown:
        """Make an access key for an active mandate. Only the operator who asked for the mandate can."""
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
