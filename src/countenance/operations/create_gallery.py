"""Make an empty gallery, pinned to the model that is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from countenance.gallery import GalleryInfo
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class CreateGallery(Operation[None, GalleryInfo]):
    """Make an empty gallery; `AlreadyExists` if the id is taken."""

    gallery_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "create_gallery"
    asks: ClassVar[Action] = Action.MANAGE

    @property
    def gallery(self) -> str:
        """The new gallery."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> GalleryInfo:
        """Make it."""
        return tools.gallery.create(self.gallery_id, tools.engine.model, tools.engine.version, self.tags)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}
