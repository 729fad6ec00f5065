"""List the faces of a gallery, without their templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.faces import EnrolledFace
from countenance.gallery import Page
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Operation as Asks
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class ListFaces(Operation[None, Page[EnrolledFace]]):
    """At most `limit` faces after `after`; only those of `face_ids`, where given."""

    gallery_id: str
    face_ids: tuple[str, ...] | None = None
    after: str | None = None
    limit: int = 4096
    name: ClassVar[str] = "list_faces"
    asks: ClassVar[Asks] = Asks.READ

    @property
    def gallery(self) -> str:
        """The gallery listed."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[EnrolledFace]:
        """Read a page."""
        return tools.gallery.faces(self.gallery_id, face_ids=self.face_ids, after=self.after, limit=self.limit)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}

    def outcome(self, result: Page[EnrolledFace]) -> Mapping[str, JSON]:
        """How many."""
        return {"faces": len(result.items)}
