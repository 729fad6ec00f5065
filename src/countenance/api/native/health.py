"""Whether the server works, and whom it takes the caller for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from countenance.administration import Record
from countenance.api.native.access import Caller, everybody, public, router
from countenance.errors import Overloaded
from countenance.wire.values import Closed


class Health(Closed):
    """The server's state."""

    status: Literal["ok"] = Field(
        description="ok: the ledger can be written, so calls are answered. Else there is a problem in its place."
    )


class Ready(Closed):
    """The server is ready for calls."""

    status: Literal["ready"] = Field(
        description="ready: it is well, and all galleries are in memory. Else there is a problem in its place."
    )


class Me(Closed):
    """The operator whose token this is."""

    name: str = Field(description="The name in the register of operators.")
    roles: list[str] = Field(description="request, approve, review or audit.")
    expires_at: datetime = Field(description="When the token ends, UTC.")


def routes(record: Record, loaded: Callable[[], bool]) -> APIRouter:
    """The routes /health, /ready and /me. loaded: whether the galleries are in memory."""
    at = router("health")

    @at.get("/health", openapi_extra=public(), summary="Say whether the server is well")
    def health() -> Health:
        """Write to the disk as for a ledger entry, at most once a second. No token is needed. 503 if that fails: then
        no call is answered, and the problem says what is wrong and what to do.
        """
        record.check_writable()
        return Health(status="ok")

    @at.get("/ready", openapi_extra=public(), summary="Say whether the server wants calls")
    def ready() -> Ready:
        """As /health, and 503 until the galleries are in memory: before that, first searches are slow.

        No token is needed.
        """
        return _ready(record, loaded)

    @at.get("/me", openapi_extra=everybody(), summary="Show who asks")
    def me(caller: Caller) -> Me:
        """The operator and roles of the token that was sent, and when it expires."""
        return Me(name=caller.name, roles=sorted(caller.roles), expires_at=caller.expires_at)

    return at


def probes(record: Record, loaded: Callable[[], bool]) -> APIRouter:
    """/healthz and /readyz, under the names that orchestrators ask for."""
    at = router("standing")

    @at.get("/healthz", openapi_extra=public(), summary="Say that the process answers")
    async def alive() -> Health:
        """Whatever the database does: a restart would mend nothing there, and lose what is in memory."""
        return Health(status="ok")

    @at.get("/readyz", openapi_extra=public(), summary="Say whether the server wants calls")
    def wants_calls() -> Ready:
        """As /v1/ready."""
        return _ready(record, loaded)

    return at


def _ready(record: Record, loaded: Callable[[], bool]) -> Ready:
    record.check_writable()
    if not loaded():
        raise Overloaded("galleries are being read into memory; try again in a moment")
    return Ready(status="ready")
