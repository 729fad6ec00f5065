"""Points in time on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from countenance.errors import BadRequest


def until(text: str) -> datetime:
    """`30d`, `12h` or an ISO date or time, as a moment in UTC; else a `BadRequest`."""
    span = re.fullmatch(r"([0-9]{1,9})([dh])", text)
    try:
        if span:
            amount = int(span[1])
            return datetime.now(UTC) + (timedelta(days=amount) if span[2] == "d" else timedelta(hours=amount))
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"an expiry is 30d, 12h or an ISO date, got {text[:40]!r}") from error
