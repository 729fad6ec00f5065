"""List the faces of a gallery, without their templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.faces import EnrolledFace
from countenance.gallery import Page
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class ListFaces(Operation[None, Page[EnrolledFace]]):
    """At most `limit` faces after `after`; only those of `face_ids` and of that user, where given."""

    gallery_id: str
    face_ids: tuple[str, ...] | None = None
    after: str | None = None
    limit: int = 4096
    user_id: str | None = None
    name: ClassVar[str] = "list_faces"
    asks: ClassVar[Action] = Action.READ

    @property
    def gallery(self) -> str:
        """The gallery listed."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[EnrolledFace]:
        """Read a page."""
        return tools.gallery.faces(
            self.gallery_id, face_ids=self.face_ids, user_id=self.user_id, after=self.after, limit=self.limit
        )

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user's faces."""
        return {"gallery": self.gallery_id, **({"user": self.user_id} if self.user_id is not None else {})}

    def outcome(self, result: Page[EnrolledFace]) -> Mapping[str, JSON]:
        """How many."""
        return {"faces": len(result.items)}
