"""A result in custody: values only, no storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HoldState(StrEnum):
    """Where a result stands at a moment. Only a released one is answered."""

    WAITING = "waiting"
    """not enough people have verified it yet"""
    RELEASED = "released"
    REJECTED = "rejected"
    """somebody who looked at it says that it is wrong"""
    FROZEN = "frozen"
    """authorisation was not asked for in time, and its mandate can do nothing until it is"""
    SHREDDED = "shredded"
    """authorisation was refused: the result is destroyed"""


@dataclass(frozen=True, slots=True)
class Hold:
    """One result and what people have done about it. Times are UTC.

    decision: index of the ledger's decision entry. request_hash, result_hash: sha256 of the request and of its result.
    reviewers: how many people have to verify it. agreed, disagreed: who verified it, and who found it wrong.
    authorise_by: when authorisation must have been requested, None where none is due. clauses: why it is held.
    """

    hold_id: str
    mandate_id: str
    decision: int
    request_hash: str
    result_hash: str
    made_at: datetime
    reviewers: int
    authorise_by: datetime | None
    clauses: tuple[str, ...]
    agreed: tuple[str, ...] = ()
    disagreed: tuple[str, ...] = ()
    requested_at: datetime | None = None
    granted_at: datetime | None = None
    refused_at: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether the request for authorisation is late; at the hour itself it is still in time."""
        return self.authorise_by is not None and self.requested_at is None and now > self.authorise_by

    def state(self, now: datetime) -> HoldState:
        """Where the result stands at `now`."""
        if self.refused_at is not None:
            return HoldState.SHREDDED
        if self.overdue(now):
            return HoldState.FROZEN
        if self.disagreed:
            return HoldState.REJECTED
        return HoldState.RELEASED if len(self.agreed) >= self.reviewers else HoldState.WAITING
