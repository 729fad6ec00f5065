"""How the gallery's tables store times, how lists are split into pages, and ids into portions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from countenance.errors import BadPageToken, BadRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 10_000  # a statement takes a limited number of values


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(since_1970: int) -> datetime:
    """The moment of so many microseconds, UTC."""
    return _EPOCH + timedelta(microseconds=since_1970)


def page_size(limit: int) -> int:
    """`limit`, if a page may be that long."""
    if limit < 1:
        raise BadRequest(f"a page holds at least 1 item, got {limit}")
    return limit


def place(after: str | None) -> int:
    """The number after which a page begins; `BadPageToken` if it was not given out here."""
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise BadPageToken("this place in the list is not one that was given out")
    return int(after or 0)


def portions(values: Sequence[int] | Sequence[str]) -> Iterator[Sequence[int] | Sequence[str]]:
    """`values` in parts that fit into one statement."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
