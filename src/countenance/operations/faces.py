"""Enrolled faces: erase and list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.faces import EnrolledFace
from countenance.gallery import Erased, Page
from countenance.operations.operation import GalleryOperation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Erase(GalleryOperation[Erased]):
    """Erase the faces with these ids. When the answer leaves, they are gone from search and from disk.

    Unknown ids, and faces that belong to a user, are reported; neither is an error.
    """

    gallery_id: str
    face_ids: tuple[str, ...]
    name: ClassVar[str] = "erase"
    action: ClassVar[Action] = Action.ERASE

    def act(self, tools: Tools, permit: Permit, seen: None) -> Erased:
        """Erase them."""
        return tools.gallery.erase(self.gallery_id, self.face_ids, keep_owned=True)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which faces."""
        return {"gallery": self.gallery_id, "faces": list(self.face_ids)}

    def counts(self, result: Erased) -> Mapping[str, JSON]:
        """How many."""
        return {"erased": len(result.deleted), "not_found": len(result.not_found), "owned": len(result.owned)}


@dataclass(frozen=True, slots=True)
class FacePage(Page[EnrolledFace]):
    """One page of a gallery's faces, and the version of the model that the gallery is pinned to."""

    version: str


@dataclass(frozen=True, slots=True)
class ListFaces(GalleryOperation[FacePage]):
    """At most `limit` faces after `after`, without templates; only those of `face_ids` and of that user, if given."""

    gallery_id: str
    face_ids: tuple[str, ...] | None = None
    after: str | None = None
    limit: int = 4096
    user_id: str | None = None
    name: ClassVar[str] = "list_faces"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> FacePage:
        """Read a page."""
        page = tools.gallery.faces(
            self.gallery_id, face_ids=self.face_ids, user_id=self.user_id, after=self.after, limit=self.limit
        )
        return FacePage(page.items, page.next, tools.gallery.describe(self.gallery_id).version)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user's faces."""
        return {"gallery": self.gallery_id, **({"user": self.user_id} if self.user_id is not None else {})}

    def counts(self, result: FacePage) -> Mapping[str, JSON]:
        """How many."""
        return {"faces": len(result.items)}
