"""The values that a gallery's methods return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from countenance.faces import EnrolledFace, ModelId

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery is. version: the label of its model. faces, users: how many it holds. created_at: UTC."""

    gallery_id: str
    model: ModelId
    version: str
    faces: int
    users: int
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list. next: what to give as `after` for the page that follows; None on the last one."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase` did, in the order asked; every face id is in one of the three.

    owned: faces that were kept because they belong to a user, each with the user's id. scrubbed: whether the templates'
    bytes have left the disk too. False if another process held an old snapshot of the database throughout; then the
    first enrolment or erasure after that snapshot ends removes the bytes.
    """

    deleted: tuple[str, ...]
    not_found: tuple[str, ...]
    scrubbed: bool = True
    owned: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """Somebody to whom enrolled faces are said to belong. faces: how many."""

    user_id: str
    faces: int


@dataclass(frozen=True, slots=True)
class Token:
    """Tells a repeated request from a new one: a digest of who sent which token, and a digest of the request.

    A request whose `key` is known is not carried out again; if its `request` differs, it is `TokenReused`.
    """

    key: str
    request: str


class Reason(StrEnum):
    """Why a face was not associated with a user, or not disassociated."""

    NOT_FOUND = "FACE_NOT_FOUND"
    OTHER_USER = "ASSOCIATED_TO_A_DIFFERENT_USER"
    UNLIKE = "LOW_MATCH_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A face that was left as it is. user_id: of the other user, if that is the reason and it is still there.

    similarity: to the user's faces, 0..100, where that is the reason; coarsely, see `scoring.coarse`.
    """

    face_id: str
    reason: Reason
    user_id: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The faces that were given to a user or taken away, those that could not be, and how many the user has now."""

    face_ids: tuple[str, ...]
    refused: tuple[Refusal, ...]
    faces: int


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A user who resembles a probe. score: the highest of any probe with any of the user's `faces` faces. fmr: an upper
    bound on the false match rate of all these comparisons together. similarity: at that rate, 0..100.
    """

    user_id: str
    faces: int
    score: float
    fmr: float
    similarity: float


@dataclass(frozen=True, slots=True)
class UserMatches:
    """Users, most similar first; equal ones by score, then in the order in which their faces were enrolled.

    users: how many the gallery has.
    """

    users: int
    hits: tuple[UserMatch, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """Enrolled faces with their comparison scores, best first; equal scores in the order of enrolment."""

    gallery_size: int
    hits: tuple[tuple[EnrolledFace, float], ...]


@dataclass(frozen=True, slots=True)
class SearchCounts:
    """searches: those among enough faces for bounds to be used. refined: rows whose fine codes were read as well.

    computed: scores that had to be computed. fallbacks: searches in which the bounds did not help: one score in eight,
    or more, was computed.
    """

    searches: int = 0
    refined: int = 0
    computed: int = 0
    fallbacks: int = 0
