"""Liveness by an outside check: a session under a mandate, and the result that the check signed for it. This server
analyses no face here and keeps no picture. Without an approved check nothing is offered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from countenance.audit.formats.codec import from_json, moment_of
from countenance.errors import BadRequest, Denied, NoSuchSession, NotOffered
from countenance.jobs import LivenessSession
from countenance.mandates import OutsideCheck, OutsideCheckStore
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON, canonical, verified

NO_LIVENESS = (
    "Face Liveness is not offered: no check with a permissive licence has published its errors by ISO/IEC 30107-3, and "
    "a pretended score would be worse than none."
)
CHECK = "x-countenance-liveness-check"
"""The header that names the check whose result is answered."""
RESULT_FORMAT: Literal["countenance-liveness-result/1"] = "countenance-liveness-result/1"


@dataclass(frozen=True, slots=True)
class LivenessStatement:
    """What an outside check signs, as canonical JSON. confidence: 0 to 100. decided_at: ISO 8601 with a zone."""

    session: str
    check: str
    status: Literal["SUCCEEDED", "FAILED"]
    confidence: float
    decided_at: str
    format: Literal["countenance-liveness-result/1"] = RESULT_FORMAT


class LivenessState(StrEnum):
    """The state of a session at one time."""

    CREATED = "CREATED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """The state and result of a session.

    confidence: as signed, 0 to 100; None until there is a result. check: its name.
    """

    session_id: str
    state: LivenessState
    confidence: float | None
    check: str


def read_statement(content: bytes, signature: bytes, check: OutsideCheck) -> LivenessStatement:
    """Read what `check` signed.

    `Denied` if its key did not sign exactly `content`; `BadRequest` if it is no statement.
    """
    if not verified(bytes.fromhex(check.public_key), signature, content):
        raise Denied("the signature is not that of the outside check in force over this statement")
    try:
        value = json.loads(content)
        is_canonical = canonical(value) == content
    except (ValueError, RecursionError) as error:
        raise BadRequest("a liveness result is JSON") from error
    if not is_canonical:
        raise BadRequest("a liveness result is signed as canonical JSON (RFC 8785)")
    statement = from_json(LivenessStatement, value, "result")
    if not 0 <= statement.confidence <= 100:
        raise BadRequest(f"confidence is from 0 to 100, got {statement.confidence}")
    if statement.check != check.check_id:
        raise Denied("the statement is of another check than the one in force")
    moment_of(statement.decided_at)
    return statement


class _OfLiveness(Operation[None, "LivenessResult"]):
    """An operation that needs a check in force."""

    __slots__ = ()

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def headers(self, result: LivenessResult) -> Mapping[str, str]:
        """The name of the check."""
        return {CHECK: result.check}

    def counts(self, result: LivenessResult) -> Mapping[str, JSON]:
        """The state."""
        return {"liveness": result.state.value}


@dataclass(frozen=True, slots=True)
class CreateLivenessSession(_OfLiveness):
    """Make a session for the outside check in force; the same `token` returns the same session.

    `NotOffered` without a check.
    """

    token: str | None = None
    name: ClassVar[str] = "create_liveness_session"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> LivenessResult:
        """Make it."""
        check = None if tools.checks is None else tools.checks.in_force()
        if check is None:
            raise NotOffered(NO_LIVENESS)
        session = tools.jobs.liveness.create(permit.mandate.mandate_id, check.check_id, self.token)
        return LivenessResult(session.session_id, LivenessState.CREATED, None, check.name)


@dataclass(frozen=True, slots=True)
class ReadLivenessResult(_OfLiveness):
    """Read what the outside check signed for a session of this mandate; `NoSuchSession`. Nothing is answered if the
    check has ended since: somebody else may have its key.
    """

    session_id: str
    name: ClassVar[str] = "read_liveness_result"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> LivenessResult:
        """Read and verify it."""
        if tools.checks is None:
            raise NoSuchSession(f"There is no such session. {NO_LIVENESS}")
        try:
            session = tools.jobs.liveness.show(self.session_id)
        except NoSuchSession as error:
            if tools.checks.in_force() is None:
                raise NoSuchSession(f"There is no such session. {NO_LIVENESS}") from error
            raise
        if session.mandate_id != permit.mandate.mandate_id:
            raise NoSuchSession("There is no such session, or it is too long ago.")
        return result_of(session, tools.checks, tools.jobs.liveness.now())

    def private(self) -> Mapping[str, JSON]:
        """Which session."""
        return {"session": self.session_id}


def result_of(session: LivenessSession, checks: OutsideCheckStore, now: datetime) -> LivenessResult:
    """The state and result of a session at `now`; `Denied` if its check is no longer in force."""
    check = checks.in_force(session.check_id)
    if check is None:
        raise Denied("the outside check of this session is not in force any more, and nothing it said is told")
    if session.statement is None or session.signature is None:
        state = LivenessState.CREATED if now < session.ends_at else LivenessState.EXPIRED
        return LivenessResult(session.session_id, state, None, check.name)
    statement = read_statement(session.statement, session.signature, check)
    if statement.session != session.session_id:
        raise Denied("the result that is kept for this session was signed for another one")
    return LivenessResult(session.session_id, LivenessState(statement.status), statement.confidence, check.name)
