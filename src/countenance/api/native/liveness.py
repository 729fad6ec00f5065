"""Outside checks of liveness: requested by one operator, approved by another; and their signed results."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from countenance.administration import OutsideCheck, OutsideChecks, Role
from countenance.api.native.access import Caller, everybody, may, public, router
from countenance.errors import BadRequest
from countenance.wire.mandates import Why
from countenance.wire.values import Closed, Moment, PublicKey, SignatureText, Text

CheckId = Annotated[str, Path(description="The check's id.", pattern=r"^check-[0-9a-f]{12}$")]


class CheckBody(Closed):
    """A requested check."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]$", description="Its name, as its evidence has it."
    )
    public_key: PublicKey = Field(description="Ed25519 public key that signs its results, 64 hex digits.")
    evidence: str | None = Field(
        None, max_length=60_000, description="The file of its PAD evidence, in Base64; this or a reason without."
    )
    without_evidence: Text | None = Field(None, description="Why it is to be accepted without evidence; recorded.")
    expires_at: Moment = Field(description="Until when; no later than the evidence.")


class CheckShown(Closed):
    """A check as it is registered."""

    check_id: str = Field(description="Its id, which its results name.")
    name: str = Field(description="Its name, which answers name.")
    state: str = Field(description="requested, active, expired, revoked or refused.")
    public_key: str = Field(description="The key that signs its results, 64 hex digits.")
    evidence: str | None = Field(description="sha256 of its PAD evidence, 64 hex digits.")
    without_evidence: str | None = Field(description="Why it was accepted without evidence.")
    requested_by: str = Field(description="Who asked for it.")
    requested_at: datetime = Field(description="When, UTC.")
    expires_at: datetime = Field(description="Until when, UTC.")
    approved_by: str | None = Field(description="Who approved it.")
    approved_at: datetime | None = Field(description="When, UTC.")
    ended_at: datetime | None = Field(description="When it was ended, UTC.")
    ended_why: str | None = Field(description="Why.")


class CheckList(Closed):
    """All checks."""

    checks: list[CheckShown] = Field(description="Every check that was ever asked for, oldest first.")


class LivenessResultBody(Closed):
    """What an outside check says about one session, signed. docs/liveness.md spells the statement out."""

    session: str = Field(pattern=r"^[0-9a-f-]{36}$", description="The session's id.")
    statement: str = Field(min_length=1, max_length=2000, description="Canonical JSON (RFC 8785), as it was signed.")
    signature: SignatureText = Field(description="Ed25519 signature over the statement's UTF-8 bytes, 128 hex digits.")


class LivenessTaken(Closed):
    """The result that was accepted."""

    session: str = Field(description="The session's id.")
    status: str = Field(description="SUCCEEDED or FAILED.")


def routes(checks: OutsideChecks) -> APIRouter:
    """The routes under /liveness."""
    at = router("liveness", 400, 404, 409)

    @at.get("/liveness/checks", openapi_extra=everybody(), summary="List outside checks")
    def list_checks() -> CheckList:
        """Every outside check that was ever requested, oldest first."""
        return CheckList(checks=[_shown(each, checks.now()) for each in checks.all()])

    @at.post("/liveness/checks", status_code=201, openapi_extra=may(Role.REQUEST), summary="Ask for an outside check")
    def request(body: CheckBody, caller: Caller) -> CheckShown:
        """Request a check. None of its results is accepted until another operator approves it."""
        check = checks.request(
            body.name,
            body.public_key,
            evidence=None if body.evidence is None else _file(body.evidence),
            without_evidence=body.without_evidence,
            requested_by=caller.name,
            expires_at=body.expires_at,
        )
        return _shown(check, checks.now())

    @at.post("/liveness/checks/{check_id}/approval", openapi_extra=may(Role.APPROVE), summary="Approve a check")
    def approve(check_id: CheckId, caller: Caller) -> CheckShown:
        """Put it in force; its requester cannot. One check is in force at a time."""
        return _shown(checks.approve(check_id, approved_by=caller.name), checks.now())

    @at.post("/liveness/checks/{check_id}/revocation", openapi_extra=may(Role.APPROVE), summary="End a check")
    def end(check_id: CheckId, body: Why, caller: Caller) -> CheckShown:
        """End or refuse it, at once and for good: none of its results is accepted or answered any more."""
        return _shown(checks.end(check_id, body.why, by=caller.name), checks.now())

    @at.post("/liveness/results", openapi_extra=public(), summary="Hand in a check's result")
    def result(body: LivenessResultBody) -> LivenessTaken:
        """Submit what a check signed for a session, once per session. The signature counts, not who submits it."""
        try:
            statement = body.statement.encode()
        except UnicodeEncodeError as error:
            raise BadRequest("the statement is text in UTF-8") from error
        taken = checks.take_result(body.session, statement, bytes.fromhex(body.signature))
        return LivenessTaken(session=body.session, status=taken.value)

    return at


def _file(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("evidence is the bytes of its file in Base64") from error


def _shown(check: OutsideCheck, now: datetime) -> CheckShown:
    return CheckShown(
        check_id=check.check_id,
        name=check.name,
        state=check.state(now).value,
        public_key=check.public_key,
        evidence=check.evidence,
        without_evidence=check.without_evidence,
        requested_by=check.requested_by,
        requested_at=check.requested_at,
        expires_at=check.expires_at,
        approved_by=check.approved_by,
        approved_at=check.approved_at,
        ended_at=check.ended_at,
        ended_why=check.ended_why,
    )
