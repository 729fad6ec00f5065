"""Mandates and access keys as values, without storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from countenance.errors import BadRequest


class MandateState(StrEnum):
    """The state of a mandate at one time."""

    REQUESTED = "requested"
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may act, described by powers, never by the name of the office. kind: any word that helps readers (school,
    police, museum); no rule reads it.
    powers: what the holder may do to people (arrest, detain, deport, …), as words of `policy.enums`.
    on_behalf_of: the powers of those for whom the holder acts. tier: the level of government, "none" if no public body.
    """

    name: str
    kind: str = "private"
    powers: tuple[str, ...] = ()
    on_behalf_of: tuple[str, ...] = ()
    tier: str = "none"
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is granted. A gallery name may end in `*`. facts: further facts for the rules, as JSON.

    budget: comparisons of faces, such as "day=1000,subject=5"; the purpose decides what it leaves out.
    """

    purpose: str
    legal_basis: str
    galleries: tuple[str, ...]
    operations: tuple[str, ...]
    facts: str = "{}"
    budget: str = ""

    def covers(self, gallery_id: str) -> bool:
        """Whether the grant includes the gallery `gallery_id`."""
        return any(
            gallery_id.startswith(name[:-1]) if name.endswith("*") else gallery_id == name for name in self.galleries
        )


@dataclass(frozen=True, slots=True)
class Mandate:
    """A grant as the register holds it. Times are timezone-aware UTC."""

    mandate_id: str
    holder: Holder
    terms: Terms
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: str | None = None

    def __post_init__(self) -> None:
        if not self.holder.name.strip():
            raise BadRequest("a mandate names its holder")
        if not self.terms.operations:
            raise BadRequest("a mandate grants at least one operation")
        if self.expires_at <= self.requested_at:
            raise BadRequest("a mandate expires after it was asked for")
        if self.approved_by is not None and self.approved_by == self.requested_by:
            raise BadRequest("a mandate is approved by somebody else than who asked for it")

    def state(self, now: datetime) -> MandateState:
        """The state of the mandate at `now`."""
        return state_of(self, now)


class _Grant(Protocol):
    """Whatever is asked for, approved, and ended or expired."""

    @property
    def approved_at(self) -> datetime | None: ...

    @property
    def ended_at(self) -> datetime | None: ...

    @property
    def expires_at(self) -> datetime: ...


def state_of(grant: _Grant, now: datetime) -> MandateState:
    """The state of a grant at `now`: active from its approval, not before it, until it expires or is ended."""
    if grant.ended_at is not None:
        return MandateState.REVOKED if grant.approved_at is not None else MandateState.REFUSED
    if grant.approved_at is None:
        return MandateState.REQUESTED
    return MandateState.ACTIVE if grant.approved_at <= now < grant.expires_at else MandateState.EXPIRED


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair for signing requests. The secret is shown once, when it is made."""

    access_key: str
    secret: str
    mandate_id: str
