"""What tells a request that is sent again from a new one."""

from __future__ import annotations

from typing import Any

from countenance.gallery import Token
from countenance.operations.operation import Operation, Permit
from countenance.signing import digest


def token_of(text: str | None, permit: Permit, ask: Operation[Any, Any]) -> Token | None:
    """The token that a caller sent with `ask`, known again under the same mandate and for the same operation only.

    Both digests hold the token itself, so that nobody without it can find out a user's id by trying.
    """
    if text is None:
        return None
    return Token(
        digest([permit.mandate.mandate_id, ask.name, text]), digest([text, dict(ask.private()), ask.min_similarity])
    )
