"""Points in time on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from countenance.errors import BadRequest


def until(text: str) -> datetime:
    """`30d`, `12h` or an ISO date or time, as a moment in UTC; else a `BadRequest`."""
    return _moment(text, 1, "an expiry")


def ago(text: str) -> datetime:
    """`7d`, `12h` ago or an ISO date or time, as a moment in UTC; else a `BadRequest`."""
    return _moment(text, -1, "a start")


def _moment(text: str, direction: int, what: str) -> datetime:
    span = re.fullmatch(r"([0-9]{1,9})([dh])", text)
    try:
        if span:
            amount = direction * int(span[1])
            return datetime.now(UTC) + (timedelta(days=amount) if span[2] == "d" else timedelta(hours=amount))
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{what} is 30d, 12h or an ISO date, got {text[:40]!r}") from error
