"""Held results: shown to reviewers and verified by them one by one; authorisations; counts for reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, JsonValue

from countenance.administration import AuthorisationOutcome, Custodian, Hold, Role
from countenance.api.native.access import Caller, may, router
from countenance.wire.values import Closed

HoldId = Annotated[str, Path(description="The held result's id.", pattern=r"^hold-[0-9a-f]{12}$")]


class HoldShown(Closed):
    """A result in custody, without its content."""

    hold_id: str = Field(description="The held result's id.")
    state: Literal["waiting", "released", "rejected", "frozen", "shredded"] = Field(
        description="Only a released one is answered."
    )
    mandate_id: str = Field(description="The mandate under which it was asked for.")
    decision: int = Field(description="Index of the decision in the ledger.")
    made_at: datetime = Field(description="When it was found, UTC.")
    reviewers: int = Field(description="How many people have to verify it.")
    agreed: list[str] = Field(description="Who verified it.")
    disagreed: list[str] = Field(description="Who said that it is wrong; one is enough to keep it.")
    authorise_by: datetime | None = Field(description="When authorisation must have been asked for, UTC.")
    requested_at: datetime | None = Field(description="When authorisation was asked for, UTC.")
    granted_at: datetime | None = Field(description="When it was granted, UTC.")
    refused_at: datetime | None = Field(description="When it was refused and the result destroyed, UTC.")
    clauses: list[str] = Field(description="The clauses that hold it.")


class HoldList(Closed):
    """All results in custody."""

    holds: list[HoldShown] = Field(description="Oldest first.")


class Contents(Closed):
    """The content of a held result, for its reviewers."""

    hold_id: str = Field(description="The held result's id.")
    says: JsonValue = Field(description="What was found: names of galleries and faces as they were enrolled.")


class ReviewBody(Closed):
    """A reviewer's verdict."""

    agrees: bool = Field(description="Whether you verified it, on your own. False keeps it from ever being answered.")


class AuthorisationBody(Closed):
    """The outcome of an authorisation."""

    outcome: Literal["requested", "granted", "refused"] = Field(
        description="A refusal destroys the result and ends its mandate."
    )


class ReportShown(Closed):
    """Counts over a period's ledger entries; anybody with the entries can recompute them."""

    first: date = Field(description="First day, UTC.")
    last: date = Field(description="Last day, included.")
    decisions: dict[str, dict[str, int]] = Field(description="Decisions by operation and verdict.")
    refusals_by_clause: dict[str, int] = Field(description="How often each clause refused.")
    counters: dict[str, int] = Field(description="The counters that laws want.")


def routes(custodian: Custodian) -> APIRouter:
    """The routes under /custody, and /report."""
    at = router("custody", 400, 404, 409)
    seeing = may(Role.REVIEW, Role.APPROVE, Role.AUDIT)

    def shown(hold: Hold) -> HoldShown:
        return _shown(hold, custodian.now())

    @at.get("/custody", openapi_extra=seeing, summary="List held results")
    def list_holds() -> HoldList:
        """Every result in custody, oldest first, without its content."""
        return HoldList(holds=[shown(each) for each in custodian.holds()])

    @at.get("/custody/{hold_id}", openapi_extra=seeing, summary="Show a held result")
    def show(hold_id: HoldId) -> HoldShown:
        """Its state and who did what about it, without its content."""
        return shown(custodian.show(hold_id))

    @at.get("/custody/{hold_id}/contents", openapi_extra=may(Role.REVIEW), summary="Read a held result")
    def contents(hold_id: HoldId, caller: Caller) -> Contents:
        """The content, for those who are to verify it; never for its requester. It is recorded that it was shown."""
        return Contents(hold_id=hold_id, says=custodian.contents_for(hold_id, caller.name))

    @at.post("/custody/{hold_id}/reviews", openapi_extra=may(Role.REVIEW), summary="Verify a held result")
    def review(hold_id: HoldId, body: ReviewBody, caller: Caller) -> HoldShown:
        """Say whether it is right: once per reviewer, and never by its requester."""
        return shown(custodian.review(hold_id, caller.name, agrees=body.agrees))

    @at.post("/custody/{hold_id}/authorisation", openapi_extra=may(Role.APPROVE), summary="Enter an authorisation")
    def authorise(hold_id: HoldId, body: AuthorisationBody, caller: Caller) -> HoldShown:
        """Enter that authorisation was requested, granted or refused."""
        return shown(custodian.authorise(hold_id, caller.name, AuthorisationOutcome(body.outcome)))

    @at.get("/report", openapi_extra=may(Role.AUDIT, Role.APPROVE), summary="Count for a report")
    def report(
        first: Annotated[date, Query(description="First day, UTC, such as 2026-01-01.")],
        last: Annotated[date, Query(description="Last day, included.")],
    ) -> ReportShown:
        """Count decisions, refusals by clause and the counters that laws demand, from the ledger."""
        totals = custodian.report(first, last)
        return ReportShown(
            first=totals.first,
            last=totals.last,
            decisions=totals.decisions,
            refusals_by_clause=totals.refusals_by_clause,
            counters=totals.counters,
        )

    return at


def _shown(hold: Hold, now: datetime) -> HoldShown:
    return HoldShown(
        hold_id=hold.hold_id,
        state=hold.state(now).value,
        mandate_id=hold.mandate_id,
        decision=hold.decision,
        made_at=hold.made_at,
        reviewers=hold.reviewers,
        agreed=list(hold.agreed),
        disagreed=list(hold.disagreed),
        authorise_by=hold.authorise_by,
        requested_at=hold.requested_at,
        granted_at=hold.granted_at,
        refused_at=hold.refused_at,
        clauses=list(hold.clauses),
    )
