"""List the galleries that the caller's mandate covers; the others do not exist for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import GalleryInfo, Page
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class ListGalleries(Operation[None, Page[GalleryInfo]]):
    """At most `limit` galleries whose ids come after `after`, in order of id."""

    after: str | None = None
    limit: int = 4096
    name: ClassVar[str] = "list_galleries"
    asks: ClassVar[Action] = Action.READ

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[GalleryInfo]:
        """Read pages until enough galleries are found that the mandate covers."""
        covered: list[GalleryInfo] = []
        after = self.after
        while True:
            page = tools.gallery.list(after, self.limit)
            for info in page.items:
                if permit.mandate.terms.covers(info.gallery_id):
                    if len(covered) == self.limit:
                        return Page(tuple(covered), covered[-1].gallery_id)
                    covered.append(info)
            if page.next is None:
                return Page(tuple(covered), None)
            after = page.next

    def outcome(self, result: Page[GalleryInfo]) -> Mapping[str, JSON]:
        """How many."""
        return {"galleries": len(result.items)}
