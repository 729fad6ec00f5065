"""Galleries: make, delete, describe and list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from countenance.gallery import GalleryInfo, Page
from countenance.operations.operation import GalleryOperation, Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class CreateGallery(GalleryOperation[GalleryInfo]):
    """Make an empty gallery, bound to the model in use; `AlreadyExists` if the id is taken."""

    gallery_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "create_gallery"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> GalleryInfo:
        """Make it."""
        return tools.gallery.create(self.gallery_id, tools.engine.model, tools.engine.version, self.tags)


@dataclass(frozen=True, slots=True)
class DeleteGallery(GalleryOperation[None]):
    """Delete a gallery and all templates in it; `NotFound` if there is no such gallery."""

    gallery_id: str
    name: ClassVar[str] = "delete_gallery"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.gallery.delete(self.gallery_id)


@dataclass(frozen=True, slots=True)
class DescribeGallery(GalleryOperation[GalleryInfo]):
    """The model, size and age of a gallery; `NotFound` if there is no such gallery."""

    gallery_id: str
    name: ClassVar[str] = "describe_gallery"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> GalleryInfo:
        """Read it."""
        return tools.gallery.describe(self.gallery_id)


@dataclass(frozen=True, slots=True)
class ListGalleries(Operation[None, Page[GalleryInfo]]):
    """At most `limit` galleries with ids after `after`, in order of id.

    Lists only galleries that the caller's mandate covers.
    """

    after: str | None = None
    limit: int = 4096
    name: ClassVar[str] = "list_galleries"
    action: ClassVar[Action] = Action.READ

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[GalleryInfo]:
        """Read pages until enough galleries are covered by the mandate."""
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

    def counts(self, result: Page[GalleryInfo]) -> Mapping[str, JSON]:
        """How many."""
        return {"galleries": len(result.items)}
