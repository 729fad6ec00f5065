"""Whether the server is well, and who the caller is to it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from countenance.administration import Record
from countenance.api.native.access import Caller, everybody, public, router
from countenance.api.native.values import Closed


class Health(Closed):
    """The server's state."""

    status: Literal["ok"] = Field(description="ok: the database answers. Else there is a problem in its place.")


class Me(Closed):
    """The operator whose token this is."""

    name: str = Field(description="The name in the register of operators.")
    roles: list[str] = Field(description="request, approve, review or audit.")
    expires_at: datetime = Field(description="When the token ends, UTC.")


def routes(record: Record) -> APIRouter:
    """The routes /health and /me."""
    at = router("standing")

    @at.get("/health", openapi_extra=public(), summary="Say whether the server is well")
    def health() -> Health:
        """Read the database once. No token is needed, and nothing else is said."""
        assert record.size >= 0
        return Health(status="ok")

    @at.get("/me", openapi_extra=everybody(), summary="Show who asks")
    def me(caller: Caller) -> Me:
        """The operator, roles and end of the token that was sent."""
        return Me(name=caller.name, roles=sorted(caller.roles), expires_at=caller.expires_at)

    return at
