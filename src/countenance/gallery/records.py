"""What a gallery answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    """What `erase` did, in the order asked; every face id is in one of the two.

    scrubbed: whether the templates' bytes have left the disk too. False if another process held an old snapshot of
    the database all the while; the bytes go with the next enrolment or erasure after that snapshot ended.
    """

    deleted: tuple[str, ...]
    not_found: tuple[str, ...]
    scrubbed: bool = True


@dataclass(frozen=True, slots=True)
class Matches:
    """Enrolled faces with their comparison scores, best first; equal scores in the order of enrolment."""

    gallery_size: int
    hits: tuple[tuple[EnrolledFace, float], ...]


@dataclass(frozen=True, slots=True)
class SearchCounts:
    """searches: among so many faces that bounds are used. closer: rows that needed a second, closer bound.

    computed: scores that had to be computed. fallbacks: searches that their bounds did not help, so that one score in
    eight or more was computed.
    """

    searches: int = 0
    closer: int = 0
    computed: int = 0
    fallbacks: int = 0
