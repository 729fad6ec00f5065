"""Moments in time as records hold them: ISO 8601 in UTC, whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from countenance.errors import BadRequest


def stamp(moment: datetime) -> str:
    """`moment` as "2026-11-22T11:30:00Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The moment that a text names; `BadRequest` where it is none, or names no time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"a time is ISO 8601, got {text!r}") from error
    if moment.tzinfo is None:
        raise BadRequest(f"a time names its zone, got {text!r}")
    return moment
