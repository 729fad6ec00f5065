"""A result in custody, as a value without storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HoldState(StrEnum):
    """The state of a result at one time. Only a released result is answered."""

    WAITING = "waiting"
    """not enough people have verified it yet"""
    RELEASED = "released"
    REJECTED = "rejected"
    """a reviewer says that it is wrong"""
    FROZEN = "frozen"
    """authorisation was not requested in time; until it is, the mandate permits nothing"""
    SHREDDED = "shredded"
    """authorisation was refused: the result is destroyed"""


@dataclass(frozen=True, slots=True)
class Hold:
    """A held result and what people have done about it. Times are UTC.

    decision: index of the ledger's decision entry. request_hash, result_hash: sha256 of the request and of its result.
    reviewers: how many people have to verify it. agreed, disagreed: names of those who verified or rejected it.
    authorise_by: deadline for requesting authorisation, None if none is due. clauses: the clauses that hold it.
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
        """Whether the request for authorisation is late. At the deadline itself it is not."""
        return self.authorise_by is not None and self.requested_at is None and now > self.authorise_by

    def state(self, now: datetime) -> HoldState:
        """The state of the result at `now`."""
        if self.refused_at is not None:
            return HoldState.SHREDDED
        if self.overdue(now):
            return HoldState.FROZEN
        if self.disagreed:
            return HoldState.REJECTED
        return HoldState.RELEASED if len(self.agreed) >= self.reviewers else HoldState.WAITING


class AuthorisationOutcome(StrEnum):
    """The outcome of the authorisation that a law demands for a use."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
